"""The history of one lead: its own ledger rows, the refusals that named it, and what was merged in.

Portable. An index has the own rows of a lead in order, another one the refusals, so the newest of
both are found without reading the rest, for each lead whose history belongs to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import nlargest
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select, union

from onelead.contract.ledger import AccountLedgerRow, LeadLedger, LedgerPage
from onelead.domain.account import AccountSettings
from onelead.domain.errors import ResourceNotFound
from onelead.domain.limits import ID_MAX
from onelead.domain.writes import LEAD, Outcome
from onelead.storage.ledger.search import row_as, select_rows
from onelead.storage.schema import ledger, ledger_candidate, merged_lead

#: How many leads' histories one statement reads: SQLite takes 500 terms in a compound SELECT, and a
#: lead has two.
_LEADS_AT_ONCE = 200


class _Extent(NamedTuple):
    """Which ledger rows are the history of a lead."""

    #: The lead, and all that were merged into it.
    lead_ids: Sequence[int]
    #: Of a merged lead: the row of its merge, which leads on to the survivor.
    last_seq: int | None = None


#: The outcomes of rows that made a version, or removed the lead.
_CHANGING = [
    outcome.value
    for outcome in Outcome
    if outcome not in (Outcome.UNCHANGED, Outcome.REFUSED, Outcome.DECIDED)
]


def lead_history(
    connection: Connection, account_id: int, lead_id: int, *, offset: int, limit: int
) -> LedgerPage:
    """Return what happened to a lead, newest first. Raises ResourceNotFound."""
    extent = _extent(connection, account_id, lead_id)
    seqs = _newest(connection, account_id, extent, limit=limit, offset=offset)
    rows = connection.execute(
        select_rows(with_payload=True)
        .where(ledger.c.account_id == account_id, ledger.c.seq.in_(seqs))
        .order_by(ledger.c.seq.desc())
    )
    found = [row_as(AccountLedgerRow, row, row.payload) for row in rows]
    return LedgerPage(found, _total(connection, account_id, extent))


def lead_ledger(
    connection: Connection,
    settings: AccountSettings,
    lead_id: int,
    *,
    before: int | None = None,
    limit: int,
) -> LeadLedger:
    """Return the newest rows of a lead's own history, without payloads. Raises ResourceNotFound."""
    # The pages fold the rows of merged leads into the row of their merge.
    extent = _extent(connection, settings.account_id, lead_id)._replace(lead_ids=[lead_id])
    # One more shows whether there are older rows.
    seqs = _newest(connection, settings.account_id, extent, limit=limit + 1, before=before)
    rows = connection.execute(
        select_rows(with_payload=False)
        .where(ledger.c.account_id == settings.account_id, ledger.c.seq.in_(seqs[:limit]))
        .order_by(ledger.c.seq.desc())
    )
    found = [row_as(AccountLedgerRow, row) for row in rows]
    return LeadLedger(
        rows=found,
        next_before=found[-1].seq if len(seqs) > limit else None,
        settings=settings,
    )


def lead_changes(
    connection: Connection, account_id: int, lead_id: int, *, since_version: int, limit: int
) -> list[AccountLedgerRow]:
    """Return the rows that changed the lead after a version, or deleted it."""
    is_later = or_(ledger.c.version > since_version, ledger.c.outcome == Outcome.DELETED.value)
    rows = connection.execute(
        select_rows(with_payload=False)
        .where(*_of_lead(account_id, lead_id), ledger.c.outcome.in_(_CHANGING), is_later)
        .order_by(ledger.c.seq.desc())
        .limit(limit)
    )
    return [row_as(AccountLedgerRow, row) for row in rows]


def _extent(connection: Connection, account_id: int, lead_id: int) -> _Extent:
    """Return which rows are the history of a lead. Raises ResourceNotFound."""
    _require_lead(connection, account_id, lead_id)
    table = merged_lead
    of_account = table.c.account_id == account_id
    merge = select(table.c.lead_id, table.c.seq).where(of_account, table.c.id == lead_id)
    survivor_id, last_seq = connection.execute(merge).first() or (lead_id, None)
    inside = select(table.c.id, table.c.into_id).where(of_account, table.c.lead_id == survivor_id)
    ids = {lead_id}
    # A lead is merged into one that stands, so it is older than what that is merged into later.
    for merged_id, into_id in connection.execute(inside.order_by(table.c.seq.desc())):
        if into_id in ids:
            ids.add(merged_id)
    return _Extent(sorted(ids), last_seq)


def _total(connection: Connection, account_id: int, extent: _Extent) -> int:
    ids, last_seq = extent
    own = select(ledger.c.seq).where(
        ledger.c.account_id == account_id,
        ledger.c.resource_id.in_(ids),
        ledger.c.resource == LEAD,
    )
    named = select(ledger_candidate.c.seq).where(
        ledger_candidate.c.account_id == account_id, ledger_candidate.c.lead_id.in_(ids)
    )
    if len(ids) == 1 and last_seq is None:
        # The usual lead: no row is of both kinds.
        counts = (side.with_only_columns(func.count()) for side in (own, named))
        return sum(connection.execute(count).scalar_one() for count in counts)
    if last_seq is not None:
        own = own.where(ledger.c.seq <= last_seq)
        named = named.where(ledger_candidate.c.seq <= last_seq)
    sides = union(own, named, *_merge_rows(account_id, last_seq))
    return connection.execute(select(func.count()).select_from(sides.subquery("rows"))).scalar_one()


def _merge_rows(account_id: int, last_seq: int | None) -> list[Select[tuple[int]]]:
    """Select the row of a merged lead's merge, which is filed under the survivor."""
    if last_seq is None:
        return []
    return [select(ledger.c.seq).where(ledger.c.account_id == account_id, ledger.c.seq == last_seq)]


def _newest(
    connection: Connection,
    account_id: int,
    extent: _Extent,
    *,
    limit: int,
    offset: int = 0,
    before: int | None = None,
) -> list[int]:
    """Return the numbers of the newest rows, newest first."""
    ids, last_seq = extent
    most = offset + limit
    if len(ids) <= _LEADS_AT_ONCE:
        newest = _newest_of(account_id, extent, most=most, before=before)
        return list(connection.scalars(newest.limit(limit).offset(offset)))
    seqs: set[int] = set()
    for start in range(0, len(ids), _LEADS_AT_ONCE):
        part = _Extent(ids[start : start + _LEADS_AT_ONCE], last_seq)
        newest = _newest_of(account_id, part, most=most, before=before)
        seqs.update(connection.scalars(newest.limit(most)))
    return nlargest(most, seqs)[offset:]


def _newest_of(
    account_id: int, extent: _Extent, *, most: int, before: int | None
) -> Select[tuple[int]]:
    """Select the numbers of the newest rows, the leads' own and those that named them.

    Each side is limited separately, so that it is read in the order of its index and no further.
    """
    ids, last_seq = extent
    until = min(one for one in (last_seq, before and before - 1, ID_MAX) if one is not None)
    sides = _merge_rows(account_id, last_seq)
    for lead_id in ids:
        for name, seq, where in (
            ("own", ledger.c.seq, _of_lead(account_id, lead_id)),
            ("named", ledger_candidate.c.seq, _named(account_id, lead_id)),
        ):
            side = select(seq).where(*where, seq <= until).order_by(seq.desc()).limit(most)
            sides.append(select(side.subquery(name).c.seq))
    newest = union(*sides).subquery("newest")
    return select(newest.c.seq).where(newest.c.seq <= until).order_by(newest.c.seq.desc())


def _named(account_id: int, lead_id: int) -> tuple[ColumnElement[bool], ...]:
    return (ledger_candidate.c.account_id == account_id, ledger_candidate.c.lead_id == lead_id)


def _of_lead(account_id: int, lead_id: int) -> tuple[ColumnElement[bool], ...]:
    return (
        ledger.c.account_id == account_id,
        ledger.c.resource_id == lead_id,
        ledger.c.resource == LEAD,
    )


def _require_lead(connection: Connection, account_id: int, lead_id: int) -> None:
    """Raise ResourceNotFound for an id that never was a lead's: a refused write may name any."""
    of_lead = _of_lead(account_id, lead_id)
    was_lead = select(ledger.c.seq).where(*of_lead, ledger.c.version.is_not(None)).limit(1)
    if connection.execute(was_lead).first() is None:
        raise ResourceNotFound
