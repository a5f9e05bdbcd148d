"""What one caller has sent of several leads. Portable; the index of leads' rows serves it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, func, select, union_all
from sqlalchemy.sql.expression import literal

from onelead.contract.ledger import SentPayload
from onelead.domain.writes import LEAD, Outcome
from onelead.storage.schema import lead, ledger, merged_lead


def sent_by(
    connection: Connection, account_id: int, api_key_id: int, lead_ids: Sequence[int], *, limit: int
) -> list[SentPayload]:
    """Return the newest payloads of a caller that leads took, newest first."""
    filed = union_all(
        select(lead.c.id.label("filed_id"), lead.c.id.label("lead_id")).where(
            lead.c.account_id == account_id, lead.c.id.in_(lead_ids)
        ),
        select(merged_lead.c.id, merged_lead.c.lead_id).where(
            merged_lead.c.account_id == account_id, merged_lead.c.lead_id.in_(lead_ids)
        ),
    ).subquery("filed")
    newer = func.row_number().over(partition_by=ledger.c.resource_id, order_by=ledger.c.seq.desc())
    rows = (
        select(filed.c.lead_id, ledger.c.seq, ledger.c.payload, newer.label("newer"))
        .join_from(filed, ledger, ledger.c.resource_id == filed.c.filed_id)
        .where(
            ledger.c.account_id == literal(account_id),
            ledger.c.resource == LEAD,
            ledger.c.api_key_id == api_key_id,
            ledger.c.outcome != Outcome.REFUSED.value,
        )
        .subquery("rows")
    )
    newest = select(rows.c.lead_id, rows.c.seq, rows.c.payload).where(rows.c.newer <= limit)
    return [SentPayload(*row) for row in connection.execute(newest.order_by(rows.c.seq.desc()))]
