"""Batches that can be undone together: what they did, and the steps of their undos. Portable."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    func,
    insert,
    or_,
    select,
    update,
)

from onelead.contract.batches import (
    BatchOverview,
    BatchResult,
    BatchUndo,
    RowToUndo,
    UndoOrder,
    UndoStep,
)
from onelead.domain.errors import ResourceNotFound, UndoNotPossible
from onelead.domain.limits import UNDO_HELD_S, UNDO_STEP_ROWS
from onelead.domain.writes import Outcome, RowDetails
from onelead.storage.imports.jobs import is_being_imported
from onelead.storage.lane import take_lane
from onelead.storage.schema import batch_undo, file_import, ledger, ledger_detail

_details = msgspec.json.Decoder(RowDetails)
_undo, _detail = batch_undo.c, ledger_detail.c
#: The outcomes of rows that have nothing to take back.
_NOTHING = (Outcome.REFUSED.value, Outcome.UNCHANGED.value)


def batch(connection: Connection, account_id: int, batch_id: str) -> BatchOverview:
    """Return a batch. Raises ResourceNotFound."""
    first = connection.execute(
        _rows(account_id, batch_id, ledger.c.date, ledger.c.user_id, ledger.c.api_key_id)
        .order_by(_detail.seq)
        .limit(1)
    ).first()
    undoes = find_undo(connection, account_id, batch_id)
    begun = undoes or first
    if begun is None:
        raise ResourceNotFound
    counted = _rows(account_id, batch_id, ledger.c.outcome, func.count().label("rows"))
    outcomes = connection.execute(counted.group_by(ledger.c.outcome).order_by(ledger.c.outcome))
    return BatchOverview(
        id=batch_id,
        kind="undo" if undoes else _kind(connection, account_id, batch_id, begun),
        date=begun.date,
        user_id=begun.user_id,
        api_key_id=begun.api_key_id,
        outcomes={row.outcome: row.rows for row in outcomes},
        undo=undo_of_batch(connection, account_id, batch_id),
        undoes=undoes,
    )


def _kind(connection: Connection, account_id: int, batch_id: str, begun: Any) -> str:
    of_import = (file_import.c.account_id == account_id, file_import.c.batch_id == batch_id)
    if connection.execute(select(file_import.c.number).where(*of_import)).first():
        return "import"
    if begun.api_key_id is not None:
        return "bulk_call"
    return "command" if begun.user_id is None else "bulk_change"


def _rows(account_id: int, batch_id: str, *columns: Any) -> Select[Any]:
    """Select from the ledger rows of a batch."""
    same_row = and_(_detail.account_id == ledger.c.account_id, _detail.seq == ledger.c.seq)
    return (
        select(*columns)
        .where(*_of(account_id, batch_id))
        .join_from(ledger_detail, ledger, same_row)
    )


def _of(account_id: int, batch_id: str) -> tuple[ColumnElement[bool], ...]:
    return (_detail.account_id == account_id, _detail.batch_id == batch_id)


def batch_results(
    connection: Connection, account_id: int, batch_id: str, *, after: int, limit: int
) -> list[BatchResult]:
    """Return the first results after a ledger number."""
    rows = connection.execute(
        _rows(
            *(account_id, batch_id, ledger.c.seq, ledger.c.resource_id, ledger.c.action),
            *(ledger.c.outcome, ledger.c.message, _detail.about_seq, _detail.details),
        )
        .where(_detail.seq > after)
        .order_by(_detail.seq)
        .limit(limit)
    )
    return [
        BatchResult(
            seq=row.seq,
            lead_id=row.resource_id,
            action=row.action,
            outcome=row.outcome,
            message=row.message,
            about_seq=row.about_seq,
            kept=tuple(_details.decode(row.details).kept),
        )
        for row in rows
    ]


def newest_to_undo(
    connection: Connection, account_id: int, batch_id: str, *, limit: int
) -> list[RowToUndo]:
    """Return the newest rows of a batch that did something."""
    rows = connection.execute(_to_undo(account_id, batch_id).limit(limit))
    return [RowToUndo(*row) for row in rows]


def _to_undo(account_id: int, batch_id: str) -> Select[Any]:
    return (
        _rows(account_id, batch_id, ledger.c.seq, ledger.c.resource_id)
        .where(ledger.c.outcome.not_in(_NOTHING))
        .order_by(_detail.seq.desc())
    )


def find_undo(connection: Connection, account_id: int, undo_id: str) -> BatchUndo | None:
    """Return the undo whose own batch has this id."""
    row = connection.execute(
        select(batch_undo).where(_undo.account_id == account_id, _undo.batch_id == undo_id)
    ).first()
    return None if row is None else _as_undo(connection, row)


def undo_of_batch(connection: Connection, account_id: int, batch_id: str) -> BatchUndo | None:
    """Return the newest undo of a batch; None if nobody has undone it."""
    row = connection.execute(
        select(batch_undo)
        .where(_undo.account_id == account_id, _undo.about_batch_id == batch_id)
        # An older one is always done.
        .order_by(_undo.date_done.is_(None).desc(), _undo.until_seq.desc(), _undo.date.desc())
        .limit(1)
    ).first()
    return None if row is None else _as_undo(connection, row)


def _as_undo(connection: Connection, row: Any) -> BatchUndo:
    below = (*_of(row.account_id, row.about_batch_id), _detail.seq < row.until_seq)
    is_passed = case((_detail.seq >= row.next_seq, 1), else_=0)
    counts = select(func.count(), func.coalesce(func.sum(is_passed), 0)).where(*below)
    rows, rows_done = connection.execute(counts).one()
    return BatchUndo(
        id=row.batch_id,
        about_id=row.about_batch_id,
        force=row.force,
        date=row.date,
        date_done=row.date_done,
        user_id=row.user_id,
        api_key_id=row.api_key_id,
        rows=rows,
        rows_done=rows if row.date_done is not None else int(rows_done),
    )


def begin_undo(connection: Connection, now: int, account_id: int, order: UndoOrder) -> BatchUndo:
    """Return the undo of a batch that is under way or done; otherwise begin one."""
    # Of two callers at the same moment, the second finds what the first began.
    lane = take_lane(connection, account_id, 0)
    if (made := find_undo(connection, account_id, order.id)) is not None:
        return made
    own = find_undo(connection, account_id, order.about_id)
    newest = select(func.max(_detail.seq)).where(*_of(account_id, order.about_id))
    newest_seq = connection.execute(newest).scalar()
    if own is None and newest_seq is None:
        raise ResourceNotFound
    if own is not None and own.date_done is None:
        raise UndoNotPossible("This undo is still under way; it can be undone when it is done")
    if is_being_imported(connection, now, account_id, order.about_id):
        raise UndoNotPossible("The import is under way; stop it first, and wait a moment")
    begun = undo_of_batch(connection, account_id, order.about_id)
    if begun is not None and not _is_something_left(connection, account_id, begun, newest_seq):
        return begun
    connection.execute(
        insert(batch_undo).values(
            account_id=account_id,
            batch_id=order.id,
            about_batch_id=order.about_id,
            force=order.force,
            date=now,
            user_id=order.user_id,
            api_key_id=order.api_key_id,
            # Beyond what is written: the lane gives the next number.
            until_seq=lane.first_seq,
            next_seq=lane.first_seq,
        )
    )
    made = find_undo(connection, account_id, order.id)
    assert made is not None
    return made


def _is_something_left(
    connection: Connection, account_id: int, undo: BatchUndo, newest_seq: int | None
) -> bool:
    """Return whether another undo of the same batch would do anything."""
    if undo.date_done is None:
        return False
    if (again := undo_of_batch(connection, account_id, undo.id)) is not None:
        if again.date_done is None:
            text = "The undo of this batch is being undone itself; wait until that is done"
            raise UndoNotPossible(text)
        return True
    until = select(_undo.until_seq).where(_undo.account_id == account_id, _undo.batch_id == undo.id)
    if newest_seq is not None and newest_seq >= connection.execute(until).scalar_one():
        return True
    refused = _rows(account_id, undo.id, ledger.c.seq)
    refused = refused.where(ledger.c.outcome == Outcome.REFUSED.value).limit(1)
    return connection.execute(refused).first() is not None


def accounts_undoing(connection: Connection) -> list[int]:
    """Return the accounts with undos that are not done."""
    statement = select(_undo.account_id).where(_undo.date_done.is_(None)).distinct()
    return list(connection.scalars(statement.order_by(_undo.account_id)))


def hold_undo(connection: Connection, now: int, account_id: int, holder: str) -> str | None:
    """Keep an undo from the other processes; return its id, None if there is none to do."""
    is_free = or_(_undo.held_until.is_(None), _undo.held_until <= now, _undo.holder == holder)
    is_to_do = and_(_undo.account_id == account_id, _undo.date_done.is_(None), is_free)
    oldest = select(_undo.batch_id).where(is_to_do).order_by(_undo.date, _undo.batch_id).limit(1)
    undo_id: str | None = connection.execute(oldest).scalar()
    if undo_id is None:
        return None
    taken = connection.execute(
        update(batch_undo)
        .where(is_to_do, _undo.batch_id == undo_id)
        .values(holder=holder, held_until=now + UNDO_HELD_S)
    )
    return undo_id if taken.rowcount else None


def read_step(connection: Connection, account_id: int, undo_id: str) -> UndoStep:
    """Return the next rows of an undo that are not taken back yet."""
    undo = find_undo(connection, account_id, undo_id)
    assert undo is not None
    next_seq = select(_undo.next_seq).where(
        _undo.account_id == account_id, _undo.batch_id == undo_id
    )
    rows = [
        RowToUndo(*row)
        for row in connection.execute(
            _to_undo(account_id, undo.about_id)
            .where(_detail.seq < next_seq.scalar_subquery())
            .limit(UNDO_STEP_ROWS)
        )
    ]
    # A process that was killed may have got further than it noted.
    acts = connection.execute(
        select(_detail.about_seq, _detail.batch_id).where(
            _detail.account_id == account_id, _detail.about_seq.in_([row.seq for row in rows])
        )
    )
    taken_back = {act.about_seq for act in acts if act.batch_id == undo_id}
    return UndoStep(
        undo,
        [row for row in rows if row.seq not in taken_back],
        rows[-1].seq if len(rows) == UNDO_STEP_ROWS else None,
    )


def end_step(
    connection: Connection,
    now: int,
    account_id: int,
    undo_id: str,
    holder: str,
    next_seq: int | None,
) -> None:
    """Note that the rows from a ledger number on are done, and leave the undo to all."""
    done = {"date_done": now} if next_seq is None else {"next_seq": next_seq}
    connection.execute(
        update(batch_undo)
        .where(_undo.account_id == account_id, _undo.batch_id == undo_id, _undo.holder == holder)
        .values(holder=None, held_until=None, **done)
    )
