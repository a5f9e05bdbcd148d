"""Folding the ledger into the figures: a step reads rows, then writes what they add. Portable.

Reading and writing are two transactions, so that a writer waits only for a few short statements.
The process that moves `figure_progress` first writes the step; another one that read the same
rows finds it moved and drops its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Table, and_, case, delete, func, insert, or_, select, update

from onelead.contract.figures import FoldState
from onelead.domain.account import AccountSettings
from onelead.domain.errors import ResourceNotFound
from onelead.domain.figures import BY_DAY, DeliveryRow, FigureChanges
from onelead.domain.limits import (
    FIGURE_CHUNK_ROWS,
    FIGURE_PAYLOAD_CHARS_MAX,
    FIGURE_PRUNE_ROWS,
    NAME_FIGURES_KEPT_S,
    SENT_FIGURES_KEPT_S,
)
from onelead.domain.writes import LEAD, Outcome
from onelead.storage import schema
from onelead.storage.engine_insert import engine_insert
from onelead.storage.schema import ledger, ledger_detail

_progress = schema.figure_progress
_has_short_payload = and_(
    ledger.c.resource == LEAD, func.length(ledger.c.payload) <= FIGURE_PAYLOAD_CHARS_MAX
)
_COLUMNS = [
    # A payload may have a megabyte, and a step reads hundreds.
    case((_has_short_payload, ledger.c.payload)) if name == "payload" else ledger.c[name]
    for name in DeliveryRow._fields
    if name != "details"
]
#: The rows that change other leads than their own.
MOVING = (Outcome.MERGED, Outcome.RESTORED)


class FoldStep(Struct, frozen=True):
    """What the rows after `from_seq`, up to `to_seq`, add to the figures."""

    account_id: int
    from_seq: int
    to_seq: int
    #: The date of the last row.
    to_date: int
    changes: FigureChanges


def accounts_behind(connection: Connection) -> Sequence[int]:
    """Return the accounts that have ledger rows which are not folded."""
    lane = schema.lane
    folded, queue = _progress.c, schema.queue_progress.c
    all_ = lane.outerjoin(_progress, lane.c.account_id == folded.account_id)
    all_ = all_.outerjoin(schema.queue_progress, lane.c.account_id == queue.account_id)
    is_behind = or_(*(seq.is_(None) | (seq < lane.c.ledger_seq) for seq in (folded.seq, queue.seq)))
    statement = select(lane.c.account_id).select_from(all_)
    statement = statement.where(lane.c.ledger_seq > 0, is_behind).order_by(lane.c.account_id)
    return list(connection.execute(statement).scalars())


def fold_state(connection: Connection, account_id: int) -> FoldState:
    """Return how far an account is folded. Raises ResourceNotFound."""
    lane = schema.lane
    statement = select(lane.c.ledger_seq, lane.c.lead_count).where(lane.c.account_id == account_id)
    row = connection.execute(statement).first()
    if row is None:
        raise ResourceNotFound
    folded = _folded_seq(connection, account_id) or 0
    date = select(ledger.c.date).where(ledger.c.account_id == account_id, ledger.c.seq == folded)
    return FoldState(folded, row.ledger_seq, connection.execute(date).scalar(), row.lead_count)


def _folded_seq(connection: Connection, account_id: int) -> int | None:
    statement = select(_progress.c.seq).where(_progress.c.account_id == account_id)
    seq: int | None = connection.execute(statement).scalar()
    return seq


def read_step(connection: Connection, settings: AccountSettings) -> FoldStep | None:
    """Read the next rows and fold them; None when there are none."""
    account_id = settings.account_id
    folded = _folded_seq(connection, account_id) or 0
    rows = connection.execute(
        select(ledger.c.resource, *_COLUMNS)
        .where(ledger.c.account_id == account_id, ledger.c.seq > folded)
        .order_by(ledger.c.seq)
        .limit(FIGURE_CHUNK_ROWS)
    ).all()
    if not rows:
        return None
    changes = FigureChanges(settings)
    details = details_of_rows(
        connection, account_id, [row.seq for row in rows if row.outcome in MOVING]
    )
    for resource, *delivery in rows:
        if resource == LEAD:
            row = DeliveryRow(*delivery)
            changes.add(row._replace(details=details[row.seq]) if row.seq in details else row)
    return FoldStep(account_id, folded, rows[-1].seq, rows[-1].date, changes)


def details_of_rows(
    connection: Connection, account_id: int, seqs: Sequence[int]
) -> Mapping[int, str | None]:
    """Return the details of the rows that have leads in them."""
    if not seqs:
        return {}
    table = ledger_detail.c
    where = (table.account_id == account_id) & table.seq.in_(seqs)
    rows = connection.execute(select(table.seq, table.details).where(where))
    return {row.seq: row.details for row in rows}


def write_step(connection: Connection, step: FoldStep) -> bool:
    """Write a step; False when another process was faster."""
    if not _move_progress(connection, step):
        return False
    account_id, changes = step.account_id, step.changes
    _add(connection, schema.delivery_figure, account_id, changes.deliveries)
    _add(connection, schema.hour_figure, account_id, changes.hours)
    _add(connection, schema.caller_figure, account_id, changes.callers)
    _add(connection, schema.lead_figure, account_id, changes.leads)
    _add(connection, schema.name_figure, account_id, changes.names)
    named_leads = [
        {"account_id": account_id, "lead_id": lead_id, "seq": seq}
        for lead_id, seq in changes.named_leads
    ]
    if named_leads:
        connection.execute(insert(schema.ledger_candidate), named_leads)
    if step.to_seq // FIGURE_PRUNE_ROWS > step.from_seq // FIGURE_PRUNE_ROWS:
        _prune(connection, account_id, step.to_date)
    return True


def _prune(connection: Connection, account_id: int, now: int) -> None:
    """Remove the figures that are only about the last few days."""
    hours, names = schema.hour_figure.c, schema.name_figure.c
    for table, *old in (
        (
            schema.hour_figure,
            hours.grouping.in_([grouping.value for grouping in BY_DAY]),
            hours.hour < now - SENT_FIGURES_KEPT_S,
        ),
        (schema.name_figure, names.hour < now - NAME_FIGURES_KEPT_S),
    ):
        connection.execute(delete(table).where(table.c.account_id == account_id, *old))


def _move_progress(connection: Connection, step: FoldStep) -> bool:
    if step.from_seq == 0:
        # Two processes may both take it for the account's first step.
        first = {"account_id": step.account_id, "seq": 0}
        connection.execute(engine_insert(connection, _progress).on_conflict_do_nothing(), first)
    at = (_progress.c.account_id == step.account_id) & (_progress.c.seq == step.from_seq)
    return connection.execute(update(_progress).where(at).values(seq=step.to_seq)).rowcount == 1


def _add(connection: Connection, table: Table, account_id: int, more: Mapping[Any, int]) -> None:
    """Add to the counts in the last column of a table; a new row begins at zero.

    The keys are named tuples of what follows the account in the table's key.
    """
    if not more:
        return
    column = list(table.c)[-1]
    statement = engine_insert(connection, table)
    count = column + statement.excluded[column.name]
    keys = list(table.primary_key.columns)
    connection.execute(
        statement.on_conflict_do_update(index_elements=keys, set_={column: count}),
        [
            {"account_id": account_id, column.name: number, **key._asdict()}
            for key, number in sorted(more.items())
        ],
    )
