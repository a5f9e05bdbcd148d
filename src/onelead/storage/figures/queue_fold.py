"""Folding the ledger into the queue of refused deliveries: a step like those of the figures.

The queue has its own progress, so that it takes in the whole ledger of an account that was upgraded
and misses nothing that processes of the version before fold. Portable.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct, field
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from onelead.domain.acts.facts import (
    APPLIED,
    OPEN,
    ActFact,
    DeliveryState,
    delivery_state,
    unless_replaced,
)
from onelead.domain.acts.queue import QueueRow, delivery_group, is_refused_delivery
from onelead.domain.figures import caller_value
from onelead.domain.limits import QUEUE_CHUNK_ROWS
from onelead.domain.writes import LEAD, Outcome
from onelead.storage.engine_insert import engine_insert
from onelead.storage.schema import (
    ledger,
    ledger_detail,
    open_group,
    open_group_caller,
    queue_progress,
    refused_delivery,
)


class _KeyOnly(Struct):
    key_hash: str | None = None


_read_key = msgspec.json.Decoder(_KeyOnly).decode
_OF_DETAIL = ("about_seq", "details")
_same_row = and_(
    ledger_detail.c.account_id == ledger.c.account_id, ledger_detail.c.seq == ledger.c.seq
)
_COLUMNS = [
    ledger_detail.c[name] if name in _OF_DETAIL else ledger.c[name] for name in QueueRow._fields
]
_CONCERNS_THE_QUEUE = or_(
    ledger.c.outcome == Outcome.REFUSED.value,
    ledger_detail.c.about_seq.is_not(None),
    # Only these have what replaces a refused delivery.
    ledger_detail.c.details.contains('"key_hash"'),
)


class QueueStep(Struct, frozen=True):
    """What the rows after `from_seq`, up to `to_seq`, mean for the queue."""

    account_id: int
    from_seq: int
    to_seq: int
    #: Rows of the table without their states.
    refused: Sequence[dict[str, Any]]
    #: By ledger number: what became of deliveries that rows are about.
    states: Mapping[int, DeliveryState] = field(default_factory=dict)
    #: By hash of an idempotency key: the first delivery that was accepted with it.
    accepted: Mapping[str, int] = field(default_factory=dict)


def read_step(connection: Connection, account_id: int) -> QueueStep | None:
    """Read the next rows; None when there are none."""
    where = queue_progress.c.account_id == account_id
    taken = connection.execute(select(queue_progress.c.seq).where(where)).scalar() or 0
    of_account = ledger.c.account_id == account_id
    newest = connection.execute(select(func.max(ledger.c.seq)).where(of_account)).scalar() or 0
    if newest <= taken:
        return None
    to_seq = min(newest, taken + QUEUE_CHUNK_ROWS)
    in_run = (ledger.c.seq > taken, ledger.c.seq <= to_seq, ledger.c.resource == LEAD)
    found = connection.execute(
        select(*_COLUMNS)
        .outerjoin(ledger_detail, _same_row)
        .where(of_account, *in_run, _CONCERNS_THE_QUEUE)
        .order_by(ledger.c.seq)
    )
    rows = [QueueRow(*row) for row in found]
    accepted: dict[str, int] = {}
    for row in rows:
        if row.outcome != Outcome.REFUSED and (key_hash := _key_of(row)) is not None:
            accepted.setdefault(key_hash, row.seq)
    about = {row.about_seq for row in rows} - {None}
    return QueueStep(
        account_id=account_id,
        from_seq=taken,
        to_seq=to_seq,
        refused=[_stored(account_id, row) for row in rows if is_refused_delivery(row)],
        states=_states(connection, account_id, about) if about else {},
        accepted=accepted,
    )


def _key_of(row: QueueRow) -> str | None:
    return _read_key(row.details).key_hash if row.details else None


def _stored(account_id: int, row: QueueRow) -> dict[str, Any]:
    return {
        "account_id": account_id,
        "seq": row.seq,
        "group_key": delivery_group(row),
        "caller": caller_value(row.user_id or 0, row.api_key_id or 0),
        "key_hash": _key_of(row),
    }


def _states(
    connection: Connection, account_id: int, about: Iterable[int | None]
) -> dict[int, DeliveryState]:
    """Return what became of the rows that acts are about, and of those that these are about."""
    roots = {seq for seq in about if seq is not None} | _above(connection, account_id, about)
    acts = _acts_about(connection, account_id, roots)
    return {seq: delivery_state(acts, seq) for seq in sorted(roots)}


def _above(connection: Connection, account_id: int, seqs: Iterable[int | None]) -> set[int]:
    """Return the rows that rows are about, those that these are about, and so on."""
    of_account = ledger_detail.c.account_id == account_id
    up = (
        select(ledger_detail.c.about_seq)
        .where(of_account, ledger_detail.c.seq.in_(seqs), ledger_detail.c.about_seq.is_not(None))
        .cte("up", recursive=True)
    )
    more = select(ledger_detail.c.about_seq).where(
        of_account, ledger_detail.c.seq == up.c.about_seq, ledger_detail.c.about_seq.is_not(None)
    )
    return {*connection.execute(select(up.union(more).c.about_seq)).scalars()}


def _acts_about(
    connection: Connection, account_id: int, seqs: Iterable[int]
) -> dict[int, list[ActFact]]:
    """Return the rows that are about rows, those that are about these, and so on, ascending."""
    of_account = ledger_detail.c.account_id == account_id
    columns = (ledger_detail.c.about_seq, ledger_detail.c.seq)
    down = (
        select(*columns)
        .where(of_account, ledger_detail.c.about_seq.in_(seqs))
        .cte("down", recursive=True)
    )
    down = down.union(select(*columns).where(of_account, ledger_detail.c.about_seq == down.c.seq))
    rows = connection.execute(
        select(down.c.about_seq, ledger.c.seq, ledger.c.action, ledger.c.outcome)
        .join(ledger, (ledger.c.account_id == account_id) & (ledger.c.seq == down.c.seq))
        .order_by(ledger.c.seq)
    )
    acts = defaultdict[int, list[ActFact]](list)
    for about_seq, *act in rows:
        acts[about_seq].append(ActFact(*act))
    return acts


def write_step(connection: Connection, step: QueueStep) -> bool:
    """Write a step; False when another process was faster."""
    if not _move_progress(connection, step):
        return False
    more = _Difference()
    if step.refused:
        _insert(connection, step, more)
    if step.accepted:
        _replace(connection, step, more)
    if step.states:
        _change_states(connection, step, more)
    more.write(connection, step.account_id)
    return True


def _move_progress(connection: Connection, step: QueueStep) -> bool:
    if step.from_seq == 0:
        # Two processes may both take it for the account's first step.
        first = {"account_id": step.account_id, "seq": 0, "open_deliveries": 0}
        connection.execute(
            engine_insert(connection, queue_progress).on_conflict_do_nothing(), first
        )
    at = (queue_progress.c.account_id == step.account_id, queue_progress.c.seq == step.from_seq)
    moved = update(queue_progress).where(*at).values(seq=step.to_seq)
    return connection.execute(moved).rowcount == 1


class _Difference:
    """By how many deliveries the groups grow, and which of them lose some."""

    def __init__(self) -> None:
        self.groups: Counter[str] = Counter()
        self.callers: Counter[tuple[str, str]] = Counter()
        self.newest: dict[str, int] = {}
        self.shrunk: set[str] = set()

    def opened(self, seq: int, group: str, caller: str) -> None:
        """Count a delivery that is open now."""
        self.groups[group] += 1
        self.callers[group, caller] += 1
        self.newest[group] = max(seq, self.newest.get(group, 0))

    def settled(self, group: str, caller: str) -> None:
        """Count one that no longer is."""
        self.groups[group] -= 1
        self.callers[group, caller] -= 1
        self.shrunk.add(group)

    def write(self, connection: Connection, account_id: int) -> None:
        """Write it to the tables that count."""
        if not self.groups:
            return
        progress = queue_progress.c
        total = progress.open_deliveries + sum(self.groups.values())
        where = progress.account_id == account_id
        connection.execute(update(queue_progress).where(where).values(open_deliveries=total))
        self._write_groups(connection, account_id)
        self._write_callers(connection, account_id)

    def _write_groups(self, connection: Connection, account_id: int) -> None:
        group = open_group.c
        statement = engine_insert(connection, open_group)
        new = statement.excluded
        statement = statement.on_conflict_do_update(
            index_elements=["account_id", "group_key"],
            set_={
                "deliveries": group.deliveries + new.deliveries,
                "newest_seq": case(
                    (new.newest_seq > group.newest_seq, new.newest_seq), else_=group.newest_seq
                ),
            },
        )
        rows = [
            {
                "account_id": account_id,
                "group_key": key,
                "deliveries": count,
                "newest_seq": self.newest.get(key, 0),
            }
            for key, count in sorted(self.groups.items())
        ]
        connection.execute(statement, rows)
        if not self.shrunk:
            return
        here = (group.account_id == account_id, group.group_key.in_(sorted(self.shrunk)))
        connection.execute(delete(open_group).where(*here, group.deliveries <= 0))
        one = refused_delivery.c
        in_group = (
            one.account_id == account_id,
            one.state == OPEN,
            one.group_key == group.group_key,
        )
        newest = select(func.max(one.seq)).where(*in_group).scalar_subquery()
        connection.execute(update(open_group).where(*here).values(newest_seq=newest))

    def _write_callers(self, connection: Connection, account_id: int) -> None:
        of = open_group_caller.c
        statement = engine_insert(connection, open_group_caller)
        statement = statement.on_conflict_do_update(
            index_elements=["account_id", "group_key", "caller"],
            set_={"deliveries": of.deliveries + statement.excluded.deliveries},
        )
        rows = [
            {"account_id": account_id, "group_key": key, "caller": caller, "deliveries": count}
            for (key, caller), count in sorted(self.callers.items())
        ]
        connection.execute(statement, rows)
        if self.shrunk:
            here = (of.account_id == account_id, of.group_key.in_(sorted(self.shrunk)))
            connection.execute(delete(open_group_caller).where(*here, of.deliveries <= 0))


def leave_queue(connection: Connection, account_id: int, seqs: Sequence[int]) -> None:
    """Take refused deliveries out of the queue, whatever became of them."""
    table, more = refused_delivery, _Difference()
    where = (table.c.account_id == account_id, table.c.seq.in_(seqs))
    for row in connection.execute(select(table).where(*where)).all():
        if row.state == OPEN:
            more.settled(row.group_key, row.caller)
    connection.execute(delete(table).where(*where))
    more.write(connection, account_id)


def _insert(connection: Connection, step: QueueStep, more: _Difference) -> None:
    rows = [row | {"state": OPEN, "state_seq": None} for row in step.refused]
    connection.execute(insert(refused_delivery), rows)
    for row in rows:
        more.opened(row["seq"], row["group_key"], row["caller"])


def _replace(connection: Connection, step: QueueStep, more: _Difference) -> None:
    """Settle what was refused before a delivery with the same idempotency key was accepted."""
    one = refused_delivery.c
    for row in _stored_rows(connection, step, one.key_hash.in_(sorted(step.accepted))):
        accepted = step.accepted[row.key_hash]
        if row.seq < accepted and row.replaced_seq is None:
            values: dict[str, Any] = {"replaced_seq": accepted}
            if row.state == OPEN:
                values |= {"state": APPLIED, "state_seq": accepted}
                more.settled(row.group_key, row.caller)
            _set(connection, step, row.seq, values)


def _change_states(connection: Connection, step: QueueStep, more: _Difference) -> None:
    one = refused_delivery.c
    for row in _stored_rows(connection, step, one.seq.in_(sorted(step.states))):
        state, state_seq = unless_replaced(step.states[row.seq], row.replaced_seq)
        if state == row.state and state_seq == row.state_seq:
            continue
        _set(connection, step, row.seq, {"state": state, "state_seq": state_seq})
        if row.state != OPEN and state == OPEN:
            more.opened(row.seq, row.group_key, row.caller)
        elif row.state == OPEN and state != OPEN:
            more.settled(row.group_key, row.caller)


def _stored_rows(
    connection: Connection, step: QueueStep, where: ColumnElement[bool]
) -> Sequence[Row[Any]]:
    of_account = refused_delivery.c.account_id == step.account_id
    statement = select(refused_delivery).where(of_account, where)
    return connection.execute(statement.order_by(refused_delivery.c.seq)).all()


def _set(connection: Connection, step: QueueStep, seq: int, values: Mapping[str, Any]) -> None:
    where = (refused_delivery.c.account_id == step.account_id, refused_delivery.c.seq == seq)
    connection.execute(update(refused_delivery).where(*where).values(**values))
