"""One step through the ledger: no gap, nothing beside it without a row, and what it adds up to.

Portable.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, func, select

from onelead.contract.checks import Finding, LedgerChecked, LedgerSums
from onelead.domain.account import AccountSettings
from onelead.domain.acts.erasure import ErasureState
from onelead.domain.figures import DeliveryRow, FigureChanges
from onelead.domain.limits import CHECK_CHUNK_ROWS
from onelead.domain.writes import LEAD, Outcome, RowDetails
from onelead.storage.figures.fold import MOVING, details_of_rows
from onelead.storage.lane import first_id
from onelead.storage.schema import (
    erasure,
    idempotency_key,
    lane,
    ledger,
    ledger_detail,
    refused_delivery,
)

_RESTORE = "restore a backup from before"
_COLUMNS = ("seq", "date", "resource_id", "outcome", "user_id", "api_key_id", "changes", "action")
#: What is beside the ledger, one row for a ledger row.
_BESIDE = (
    (ledger_detail, "details"),
    (idempotency_key, "an idempotency key"),
    (refused_delivery, "a delivery in the queue"),
)
_read_details = msgspec.json.Decoder(RowDetails).decode


def check_ledger(connection: Connection, settings: AccountSettings, *, after: int) -> LedgerChecked:
    """Look through the next ledger rows and what is beside them, and sum them up."""
    account_id = settings.account_id
    rows = rows_between(connection, account_id, after, None, CHECK_CHUNK_ROWS)
    is_last = len(rows) < CHECK_CHUNK_ROWS
    up_to = rows[-1].seq if rows else after
    findings = [*_gaps(settings, after, rows), *_wrong_ids(connection, settings, rows)]
    findings += _beside(connection, settings, after, None if is_last else up_to, rows)
    if is_last:
        findings += _end(connection, settings, up_to)
    sums, unreadable = summed_up(connection, settings, rows)
    sums.seq = up_to
    sums.erasure_id = newest_erasure(connection, account_id)
    sums.has_moved_all &= not _has_open_history(connection, account_id)
    return LedgerChecked([*findings, *unreadable], len(rows), is_last, sums)


def rows_between(
    connection: Connection, account_id: int, after: int, up_to: int | None, limit: int | None = None
) -> Sequence[Any]:
    """Return ledger rows after one and up to another, in order, with what is summed up."""
    where = [ledger.c.account_id == account_id, ledger.c.seq > after]
    if up_to is not None:
        where.append(ledger.c.seq <= up_to)
    columns = [ledger.c[name] for name in (*_COLUMNS, "resource")]
    return connection.execute(
        select(*columns).where(*where).order_by(ledger.c.seq).limit(limit)
    ).all()


def _of(settings: AccountSettings, where: str, what: str, advice: str = _RESTORE) -> Finding:
    return Finding(f"account {settings.account_id}, {where}", what, advice)


def _gaps(settings: AccountSettings, after: int, rows: Sequence[Any]) -> Iterator[Finding]:
    before = after
    for row in rows:
        if row.seq > before + 1:
            missing = _span(before + 1, row.seq - 1)
            yield _of(settings, "ledger", f"{missing} missing")
        before = row.seq


def _span(first: int, last: int) -> str:
    return f"row {first} is" if first == last else f"rows {first} to {last} are"


def _end(connection: Connection, settings: AccountSettings, last: int) -> Iterator[Finding]:
    """Compare the lane with the newest row."""
    where = lane.c.account_id == settings.account_id
    numbered = connection.execute(select(lane.c.ledger_seq).where(where)).scalar_one()
    if numbered > last:
        yield _of(settings, "ledger", f"{_span(last + 1, numbered)} missing at the end")
    elif numbered < last:
        what = f"its number is {numbered}, and the newest ledger row has {last}"
        yield _of(settings, "lane", what)


def _wrong_ids(
    connection: Connection, settings: AccountSettings, rows: Sequence[Any]
) -> Iterator[Finding]:
    """Find rows that name ids which were never given."""
    account_id = settings.account_id
    where = lane.c.account_id == account_id
    last_id = connection.execute(select(lane.c.last_id).where(where)).scalar_one()
    for row in rows:
        # A refused write may have named any id.
        is_named = row.resource_id is not None and row.outcome != Outcome.REFUSED
        if is_named and not first_id(account_id) < row.resource_id <= last_id:
            yield _of(settings, f"ledger row {row.seq}", f"id {row.resource_id} was never given")


def _beside(
    connection: Connection,
    settings: AccountSettings,
    after: int,
    up_to: int | None,
    rows: Sequence[Any],
) -> Iterator[Finding]:
    """Find what is beside the ledger without a row, or about a row that cannot be."""
    outcomes = {row.seq: row.outcome for row in rows}
    for table, name in _BESIDE:
        between = [table.c.account_id == settings.account_id, table.c.seq > after]
        if up_to is not None:
            between.append(table.c.seq <= up_to)
        seqs = connection.execute(select(table.c.seq).where(*between).order_by(table.c.seq))
        for seq in seqs.scalars():
            if seq not in outcomes:
                yield _of(settings, f"ledger row {seq}", f"there is {name}, and no such row")
            elif table is refused_delivery and outcomes[seq] != Outcome.REFUSED:
                what = f"there is {name}, and the row was not refused"
                yield _of(settings, f"ledger row {seq}", what)
    yield from _about(connection, settings, after, up_to)


def _about(
    connection: Connection, settings: AccountSettings, after: int, up_to: int | None
) -> Iterator[Finding]:
    of = ledger_detail.c
    where: list[ColumnElement[bool]] = [of.account_id == settings.account_id, of.seq > after]
    if up_to is not None:
        where.append(of.seq <= up_to)
    is_impossible = (of.about_seq < 1) | (of.about_seq >= of.seq)
    for row in connection.execute(select(of.seq, of.about_seq).where(*where, is_impossible)):
        yield _of(settings, f"ledger row {row.seq}", f"it is about row {row.about_seq}")


def summed_up(
    connection: Connection, settings: AccountSettings, rows: Sequence[Any]
) -> tuple[LedgerSums, list[Finding]]:
    """Return what rows add up to, and those that cannot be read."""
    moving = [row.seq for row in rows if row.resource == LEAD and row.outcome in MOVING]
    details = details_of_rows(connection, settings.account_id, moving)
    changes = FigureChanges(settings)
    findings = []
    has_moved_all = True
    for row in rows:
        if row.resource != LEAD:
            continue
        named = {name: getattr(row, name) for name in _COLUMNS}
        try:
            has_moved_all &= not _is_erased(details.get(row.seq))
            changes.add(DeliveryRow(**named, match=None, details=details.get(row.seq)))
        except msgspec.DecodeError:
            has_moved_all = False
            findings.append(_of(settings, f"ledger row {row.seq}", "what it says cannot be read"))
    sums = LedgerSums(
        deliveries=changes.deliveries, values=changes.leads, has_moved_all=has_moved_all
    )
    return sums, findings


def _is_erased(details: str | None) -> bool:
    return details is not None and _read_details(details).erased is not None


def newest_erasure(connection: Connection, account_id: int) -> int:
    """Return the id of the newest erasure; 0 for none."""
    newest = select(func.max(erasure.c.id)).where(erasure.c.account_id == account_id)
    return connection.execute(newest).scalar() or 0


def _has_open_history(connection: Connection, account_id: int) -> bool:
    """Say whether an erasure is between the rows of a lead, which add up to nothing at its end."""
    where = (erasure.c.account_id == account_id, erasure.c.date_done.is_(None))
    is_open = erasure.c.state == ErasureState.HISTORY.value
    return connection.execute(select(erasure.c.id).where(*where, is_open)).first() is not None
