"""Where merged leads lead: each to a lead that is there, or was deleted. Portable."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ColumnElement, Connection, and_, exists, select

from onelead.contract.checks import Finding
from onelead.domain.limits import CHECK_FINDINGS_MAX
from onelead.domain.writes import LEAD, Outcome
from onelead.storage.schema import lead, ledger, merged_lead

_RESTORE = "restore a backup from before"
_of = merged_lead.c
_other = merged_lead.alias("other")


def _there(table_id: ColumnElement[int]) -> ColumnElement[bool]:
    return exists().where(lead.c.account_id == _of.account_id, lead.c.id == table_id)


_was_deleted = exists().where(
    and_(
        ledger.c.account_id == _of.account_id,
        ledger.c.resource_id == _of.lead_id,
        ledger.c.resource == LEAD,
        ledger.c.outcome == Outcome.DELETED.value,
    )
)
_leads_on = exists().where(_other.c.account_id == _of.account_id, _other.c.id == _of.lead_id)
_has_row = exists().where(ledger.c.account_id == _of.account_id, ledger.c.seq == _of.seq)
_FAULTS: tuple[tuple[ColumnElement[bool], str], ...] = (
    (_there(_of.id), "it was merged into lead {}, and still is a lead of its own"),
    (_leads_on, "it leads to lead {}, which was merged itself"),
    (
        ~_there(_of.lead_id) & ~_leads_on & ~_was_deleted,
        "it leads to lead {}, which never was or was lost",
    ),
    (~_has_row, "it was merged into lead {} by a ledger row that does not exist"),
)


def merged_findings(connection: Connection, account_id: int) -> Iterator[Finding]:
    """Find merged leads that lead nowhere."""
    for is_fault, what in _FAULTS:
        where = (_of.account_id == account_id, is_fault)
        statement = select(_of.id, _of.lead_id).where(*where).order_by(_of.id)
        for row in connection.execute(statement.limit(CHECK_FINDINGS_MAX)):
            place = f"account {account_id}, merged lead {row.id}"
            yield Finding(place, what.format(row.lead_id), _RESTORE)
