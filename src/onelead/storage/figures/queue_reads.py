"""Reads of the queue of refused deliveries. Portable."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from itertools import accumulate
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select

from onelead.contract.ledger import AccountLedgerRow
from onelead.contract.queue import (
    BesideGroup,
    CallerCount,
    OpenGroup,
    OpenGroups,
    RefusedDelivery,
)
from onelead.domain.acts.facts import OPEN
from onelead.domain.limits import BATCH_BYTES_MAX
from onelead.domain.writes import LEAD
from onelead.storage.ledger.search import row_as, select_rows
from onelead.storage.schema import (
    lane,
    ledger,
    ledger_detail,
    open_group_caller,
    queue_progress,
)
from onelead.storage.schema import open_group as group_table
from onelead.storage.schema import refused_delivery as delivery_table

_group, _one = group_table.c, delivery_table.c


def open_deliveries(connection: Connection, account_id: int) -> int:
    """Return how many refused deliveries are open."""
    where = queue_progress.c.account_id == account_id
    return connection.execute(select(queue_progress.c.open_deliveries).where(where)).scalar() or 0


def queue_rows_behind(connection: Connection, account_id: int) -> int:
    """Return how many ledger rows the queue has not taken in."""
    taken = select(queue_progress.c.seq).where(queue_progress.c.account_id == account_id)
    written = select(lane.c.ledger_seq).where(lane.c.account_id == account_id)
    seq = connection.execute(taken).scalar() or 0
    return max((connection.execute(written).scalar() or 0) - seq, 0)


def open_groups(
    connection: Connection, account_id: int, *, before: int | None = None, limit: int
) -> OpenGroups:
    """Return some groups, newest first."""
    where = [] if before is None else [_group.newest_seq < before]
    # One more shows whether there are older ones.
    statement = _groups(account_id, *where).order_by(_group.newest_seq.desc()).limit(limit + 1)
    found = _with_callers(connection, account_id, statement)
    groups = found[:limit]
    rows = _rows(connection, account_id, [group.newest_seq for group in groups])
    next_before = groups[-1].newest_seq if len(found) > limit else None
    return OpenGroups(groups, rows[::-1], next_before)


def open_group(connection: Connection, account_id: int, key: str) -> OpenGroup | None:
    """Return a group."""
    found = _with_callers(connection, account_id, _groups(account_id, _group.group_key == key))
    return found[0] if found else None


def _groups(account_id: int, *where: ColumnElement[bool]) -> Select[Any]:
    columns = (_group.group_key, _group.deliveries, _group.newest_seq)
    return select(*columns).where(_group.account_id == account_id, *where)


def _with_callers(
    connection: Connection, account_id: int, statement: Select[Any]
) -> list[OpenGroup]:
    rows = connection.execute(statement).all()
    of = open_group_caller.c
    counts = connection.execute(
        select(of.group_key, of.caller, of.deliveries)
        .where(of.account_id == account_id, of.group_key.in_([row.group_key for row in rows]))
        .order_by(of.deliveries.desc(), of.caller)
    )
    callers = defaultdict[str, list[CallerCount]](list)
    for key, *count in counts:
        callers[key].append(CallerCount(*count))
    return [
        OpenGroup(row.group_key, row.deliveries, row.newest_seq, callers[row.group_key])
        for row in rows
    ]


def beside_group(connection: Connection, account_id: int, newest_seq: int) -> BesideGroup:
    """Return what is beside a group."""
    of_account, seq = _group.account_id == account_id, _group.newest_seq
    newer = select(func.min(seq)).where(of_account, seq > newest_seq)
    older = select(func.max(seq)).where(of_account, seq < newest_seq)
    return BesideGroup(connection.execute(newer).scalar(), connection.execute(older).scalar())


def deliveries_of_group(
    connection: Connection,
    account_id: int,
    key: str,
    *,
    after: int = 0,
    until: int | None = None,
    limit: int,
) -> list[AccountLedgerRow]:
    """Return open deliveries of a group, oldest first."""
    run = _open_in(account_id, key).where(_one.seq > after)
    if until is not None:
        run = run.where(_one.seq <= until)
    found = run.limit(limit).subquery()
    sizes = connection.execute(
        select(ledger.c.seq, func.length(ledger.c.payload))
        .join(found, (ledger.c.account_id == account_id) & (ledger.c.seq == found.c.seq))
        .order_by(ledger.c.seq)
    ).all()
    sums = accumulate(size for _seq, size in sizes)
    seqs = [
        seq
        for number, ((seq, _size), so_far) in enumerate(zip(sizes, sums, strict=True))
        if number == 0 or so_far <= BATCH_BYTES_MAX
    ]
    return _rows(connection, account_id, seqs, with_payload=True)


def first_of_group(
    connection: Connection, account_id: int, key: str, *, limit: int
) -> list[AccountLedgerRow]:
    """Return the oldest open deliveries of a group."""
    seqs = connection.execute(_open_in(account_id, key).limit(limit)).scalars().all()
    return _rows(connection, account_id, seqs)


def _open_in(account_id: int, key: str) -> Select[int]:
    in_group = (_one.account_id == account_id, _one.state == OPEN, _one.group_key == key)
    return select(_one.seq).where(*in_group).order_by(_one.seq)


def _rows(
    connection: Connection, account_id: int, seqs: Sequence[int], *, with_payload: bool = False
) -> list[AccountLedgerRow]:
    """Return ledger rows in order."""
    rows = connection.execute(
        select_rows(with_payload=with_payload)
        .where(ledger.c.account_id == account_id, ledger.c.seq.in_(seqs))
        .order_by(ledger.c.seq)
    )
    return [row_as(AccountLedgerRow, row, row.payload if with_payload else None) for row in rows]


def refused_deliveries(
    connection: Connection, account_id: int, seqs: Collection[int]
) -> dict[int, RefusedDelivery]:
    """Return what became of refused deliveries, by number."""
    columns = (_one[name] for name in RefusedDelivery.__struct_fields__)
    where = (_one.account_id == account_id, _one.seq.in_(seqs))
    rows = connection.execute(select(*columns).where(*where))
    return {row.seq: RefusedDelivery(*row) for row in rows}


def rows_of_batch(
    connection: Connection,
    account_id: int,
    batch_id: str,
    *,
    before: int | None = None,
    limit: int,
) -> Sequence[AccountLedgerRow]:
    """Return rows of a batch, newest first."""
    detail = ledger_detail.c
    statement = select_rows(with_payload=False).where(
        ledger.c.account_id == account_id,
        ledger.c.resource == LEAD,
        detail.account_id == account_id,
        detail.batch_id == batch_id,
    )
    if before is not None:
        statement = statement.where(detail.seq < before)
    rows = connection.execute(statement.order_by(detail.seq.desc()).limit(limit))
    return [row_as(AccountLedgerRow, row) for row in rows]
