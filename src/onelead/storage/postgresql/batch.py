"""The batched write path on PostgreSQL: one transaction in two round trips, whatever its size.

The first takes the lane and reads what the plan needs, the second writes the plan and commits.
Each statement of a trip begins after the one before it has ended, so what follows the lane is read
while it is held; and none begins after one that failed, so a statement that writes another number
of rows than planned fails, and the commit behind it is never reached. Statements are set-based,
take every row as a parameter, name one account, and could be distributed by account.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

from psycopg import OperationalError
from psycopg.errors import InvalidTextRepresentation
from psycopg.pq.abc import PGresult
from sqlalchemy import BigInteger, Float, Table, Text
from sqlalchemy import Column as TableColumn

from onelead.contract.leads import Batch, BatchReceipt, FirstRow
from onelead.domain.account import AccountSettings
from onelead.domain.acts.state import BatchPlan, Snapshot
from onelead.domain.fold import (
    checked_write,
    keys_needed,
    matches_needed,
    matches_read_in_full,
    plan_batch,
)
from onelead.domain.lead import Lead
from onelead.domain.matching import claim_field
from onelead.domain.writes import CheckedWrite
from onelead.storage import schema
from onelead.storage.lane import LaneMissing, require_own_id
from onelead.storage.leads.act_reads import needs_facts, read_facts
from onelead.storage.leads.old_keys import clear_old_keys
from onelead.storage.leads.rows import lead_from, lead_row, plan_entries
from onelead.storage.postgresql.trips import Command, Trips
from onelead.storage.postgresql.values import (
    Pack,
    float_array,
    float_value,
    int_array,
    int_from,
    int_value,
    text_array,
    text_from,
)

Row: TypeAlias = tuple[Any, ...]
Columns: TypeAlias = Sequence[TableColumn[Any]]
_TYPES: dict[type, tuple[str, Pack, Callable[[Any], bytes]]] = {
    Text: ("text", text_array, str.encode),
    BigInteger: ("bigint", int_array, int_value),
    Float: ("double precision", float_array, float_value),
}


class _Rows(NamedTuple):
    """A statement that writes the rows it is given."""

    sql: str
    #: One for each column, without `account_id`.
    packs: tuple[Pack, ...]
    #: The same for a single row, whose values are parameters: taking arrays apart costs a lone
    #: write more than writing it.
    one: str | None = None
    values: tuple[Callable[[Any], bytes], ...] = ()


def _type(column: TableColumn[Any]) -> tuple[str, Pack, Callable[[Any], bytes]]:
    return _TYPES[type(column.type)]


def _without_account(columns: Iterable[TableColumn[Any]]) -> Columns:
    return [column for column in columns if column.name != "account_id"]


def _exactly(sql: str, rows: str) -> str:
    """Return a statement that fails when it writes another number of rows, saying how many."""
    return (
        f"WITH written AS ({sql} RETURNING 1)"
        f" SELECT CASE WHEN count(*) = {rows} THEN 1"
        f" ELSE (count(*) || ' rows written instead of ' || {rows})::int END FROM written"
    )


def _rows(
    sql: str,
    columns: Iterable[TableColumn[Any]],
    *,
    one: str | None = None,
    or_fewer: bool = False,
) -> _Rows:
    """Prepare a statement that takes one array for each of the columns after the account."""
    types = [_type(column) for column in _without_account(columns)]
    packs, values = tuple(pack for _, pack, _ in types), tuple(value for _, _, value in types)
    return _Rows(sql if or_fewer else _exactly(sql, "cardinality($2)"), packs, one, values)


def _new_rows(columns: Columns) -> str:
    """Return the parameters after the account, one array per column, as a table named `new`."""
    arrays = (f"${n}::{_type(column)[0]}[]" for n, column in enumerate(columns, 2))
    return f"unnest({', '.join(arrays)}) AS new ({_names(columns)})"


def _names(columns: Columns) -> str:
    return ", ".join(f'"{column.name}"' for column in columns)


def _where(table: Table) -> str:
    """Join the new rows by key, and limit what is read to their keys.

    The planner believes that an account newer than the last ANALYZE has no rows: it would read
    them all and look for the new ones among them.
    """
    key = [f'{table.name}."{column.name}"' for column in _without_account(table.primary_key)]
    same = (f"{name} = new.{name.partition('.')[2]}" for name in key)
    # The parameters of a table's key come first; three would be tried in every combination.
    bounds = (f"{name} = ANY(${n})" for n, name in enumerate(key[:2], 2))
    return " AND ".join((f"{table.name}.account_id = $1", *bounds, *same))


def _insert(table: Table) -> str:
    # Selected from the account, so that its shard runs the whole statement.
    columns = _without_account(table.c)
    return (
        f"INSERT INTO {table.name} (account_id, {_names(columns)})"
        f" SELECT account.id, new.* FROM account, {_new_rows(columns)} WHERE account.id = $1"
    )


def _insert_one(table: Table) -> str:
    columns = _without_account(table.c)
    values = ", ".join(f"${n}" for n in range(2, len(columns) + 2))
    return f"INSERT INTO {table.name} (account_id, {_names(columns)}) VALUES ($1, {values})"


def _update_one(table: Table) -> str:
    key, *changed = _without_account(table.c)
    values = ", ".join(f'"{column.name}" = ${n}' for n, column in enumerate(changed, 3))
    where = f"account_id = $1 AND {key.name} = $2"
    return _exactly(f"UPDATE {table.name} SET {values} WHERE {where}", "1")


def _delete(table: Table) -> str:
    rows = _new_rows(_without_account(table.primary_key))
    return f"DELETE FROM {table.name} USING {rows} WHERE {_where(table)}"


def _update(table: Table) -> str:
    columns = _without_account(table.c)
    changed = (column.name for column in columns if not column.primary_key)
    values = ", ".join(f'"{name}" = new."{name}"' for name in changed)
    return f"UPDATE {table.name} SET {values} FROM {_new_rows(columns)} WHERE {_where(table)}"


_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
_COMMIT = "COMMIT"
_TAKE_LANE = (
    "UPDATE lane SET ledger_seq = ledger_seq + $2 WHERE account_id = $1"
    " RETURNING ledger_seq, last_id, settings_version"
)
# A match that stays ambiguous whatever the batch does needs no lead, however many share the value.
# With the first of several matches come the leads that a ruling gives the value to; there is hardly
# ever one, and a refusal would take a round trip of its own to learn that.
_READ_MATCHES = (
    "SELECT wanted.number, found.lead_id, whole.document,"
    " CASE WHEN found.place = 1 AND found.matches > 1 THEN"
    " (SELECT string_agg(lead_id::text, ' ' ORDER BY lead_id) FROM match_key"
    f" WHERE account_id = $1 AND field = wanted.field || '{claim_field('')}'"
    " AND value = wanted.value) END"
    " FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS wanted (field, value, number)"
    " CROSS JOIN LATERAL (SELECT matched.lead_id, count(*) OVER () AS matches,"
    " row_number() OVER () AS place FROM"
    " (SELECT lead_id FROM match_key"
    " WHERE account_id = $1 AND field = wanted.field AND value = wanted.value"
    " ORDER BY lead_id LIMIT $4) AS matched) AS found"
    # The offset keeps the planner from joining all leads of an account that it takes for empty.
    " LEFT JOIN LATERAL (SELECT document FROM lead"
    " WHERE account_id = $1 AND id = found.lead_id AND found.matches <= $5 OFFSET 0) AS whole"
    " ON true"
    " ORDER BY wanted.number, found.lead_id"
)
_READ_LEADS = "SELECT document FROM lead WHERE account_id = $1 AND id = ANY($2::bigint[])"
_READ_REQUEST = "SELECT request_id FROM ledger WHERE account_id = $1 AND seq = $2"
_SAVE_LEADS = _exactly(
    "UPDATE lane SET last_id = $2, lead_count = lead_count + $3 WHERE account_id = $1", "1"
)
_GIVE_BACK = _exactly("UPDATE lane SET ledger_seq = ledger_seq - $2 WHERE account_id = $1", "1")
_INSERT_LEADS = _rows(_insert(schema.lead), schema.lead.c, one=_insert_one(schema.lead))
_UPDATE_LEADS = _rows(_update(schema.lead), schema.lead.c, one=_update_one(schema.lead))
_DELETE_LEADS = _rows(_delete(schema.lead), schema.lead.primary_key)
# The index work may already have added a key of a definition that is being indexed.
_INSERT_KEYS = _rows(
    f"{_insert(schema.match_key)} ON CONFLICT DO NOTHING", schema.match_key.c, or_fewer=True
)
_DELETE_KEYS = _rows(_delete(schema.match_key), schema.match_key.primary_key, or_fewer=True)
_INSERT_LEDGER = _rows(_insert(schema.ledger), schema.ledger.c, one=_insert_one(schema.ledger))
_INSERT_DETAILS = _rows(_insert(schema.ledger_detail), schema.ledger_detail.c)
_INSERT_IDEMPOTENCY_KEYS = _rows(_insert(schema.idempotency_key), schema.idempotency_key.c)
_SAVE_MERGED = _rows(
    f"{_insert(schema.merged_lead)} ON CONFLICT (account_id, id)"
    " DO UPDATE SET lead_id = excluded.lead_id, into_id = excluded.into_id, seq = excluded.seq",
    schema.merged_lead.c,
)
_DELETE_MERGED = _rows(_delete(schema.merged_lead), schema.merged_lead.primary_key)
_INSERT_PAIRS = _rows(_insert(schema.distinct_pair), schema.distinct_pair.c)
_DELETE_PAIRS = _rows(_delete(schema.distinct_pair), schema.distinct_pair.primary_key)


class RowsMissing(Exception):
    """A statement wrote another number of rows than it had to, so nothing was committed."""


class PlannedBatch(NamedTuple):
    """What a batch comes to, and the statements that write and commit it."""

    receipt: BatchReceipt
    commands: Sequence[Command] = ()


async def plan_under_lane(
    trips: Trips,
    batch: Batch,
    now: int,
    load_settings: Callable[[], Awaitable[AccountSettings]],
    in_doubt: BatchReceipt | None = None,
) -> PlannedBatch:
    """Begin a transaction, take the lane and plan a batch; `write_and_commit` is next.

    `load_settings` is called while the lane is held. `in_doubt` is the receipt of an earlier
    attempt whose commit may or may not have happened: when the ledger has its rows, it is
    returned, and there is nothing to write. Raises LaneMissing.
    """
    account_id, settings, writes = batch.settings.account_id, batch.settings, batch.writes
    account = int_value(account_id)
    reading = _Reading(account, writes)
    doubted = in_doubt.first_written(batch) if in_doubt else None
    look = [(_READ_REQUEST, (account, int_value(doubted.seq)))] if doubted else []
    begin = [(_BEGIN, ()), (_TAKE_LANE, (account, int_value(len(writes))))]
    _begun, taken, *found = await trips.make([*begin, *look, *reading.commands])
    if taken.ntuples == 0:
        raise LaneMissing
    last_seq, last_id, settings_version = (int_from(taken.get_value(0, n)) for n in range(3))
    if in_doubt and (doubted is None or _is_written(found.pop(0), doubted)):
        return PlannedBatch(in_doubt)
    if settings_version != settings.version:
        settings = await load_settings()
        writes = [checked_write(write.write, settings) for write in writes]
        reading = _Reading(account, writes)
        found = await trips.make(reading.commands)
    snapshot = reading.snapshot(found)
    if needs_facts(writes, snapshot):
        await trips.answered(read_facts(settings, writes, snapshot, matches_needed(writes)))
    first_seq = last_seq - len(writes) + 1
    plan = plan_batch(writes, snapshot, settings, now=now, last_id=last_id, first_seq=first_seq)
    if settings.may_have_old_keys:
        clear_old_keys(plan, snapshot.leads, settings)
    entries = plan_entries(account_id, writes, plan, now)
    writing = _writing(account_id, plan, last_id)
    writing.rows(_INSERT_LEDGER, entries.ledger)
    writing.rows(_INSERT_DETAILS, entries.details)
    writing.rows(_INSERT_IDEMPOTENCY_KEYS, entries.keys)
    if done_before := len(writes) - len(entries.ledger):
        writing.one_row(_GIVE_BACK, int_value(done_before))
    receipt = BatchReceipt(plan.results, settings, plan.seqs)
    return PlannedBatch(receipt, [*writing.commands, (_COMMIT, ())])


async def write_and_commit(trips: Trips, planned: PlannedBatch) -> None:
    """Write a planned batch and commit it. Raises RowsMissing.

    Whatever else it raises leaves the commit in doubt.
    """
    try:
        *_written, committed = await trips.make(planned.commands)
    except InvalidTextRepresentation as error:
        raise RowsMissing(error.diag.message_primary) from error
    if committed.command_status != b"COMMIT":
        # A transaction that has failed answers COMMIT with a rollback, which is no error.
        raise OperationalError("the transaction was rolled back")


def _is_written(found: PGresult, first: FirstRow) -> bool:
    return found.ntuples == 1 and text_from(found.get_value(0, 0)) == first.request_id


class _Reading:
    """What a batch needs to know about the stored leads."""

    def __init__(self, account: bytes, writes: Sequence[CheckedWrite]) -> None:
        self._keys = list(keys_needed(writes))
        ids = [write.write.lead_id for write in writes if write.write.lead_id is not None]
        self._has_ids = bool(ids)
        #: The statements to run while the lane is held.
        self.commands: list[Command] = []
        if self._keys:
            fields, values = zip(*self._keys, strict=True)
            most = int_value(matches_needed(writes))
            in_full = int_value(matches_read_in_full(writes))
            keys = (text_array(fields), text_array(values))
            self.commands.append((_READ_MATCHES, (account, *keys, most, in_full)))
        if ids:
            self.commands.append((_READ_LEADS, (account, int_array(ids))))

    def snapshot(self, found: Sequence[PGresult]) -> Snapshot:
        """Read what the statements found."""
        matches: dict[tuple[str, str], list[int]] = {key: [] for key in self._keys}
        claims: dict[tuple[str, str], list[int]] = {}
        leads: dict[int, Lead] = {}
        if self._keys:
            rows = found[0]
            for row in range(rows.ntuples):
                number, lead_id = (int_from(rows.get_value(row, n)) for n in range(2))
                matches[self._keys[number - 1]].append(lead_id)
                if lead_id not in leads and (document := text_from(rows.get_value(row, 2))):
                    leads[lead_id] = lead_from(document)
                if claimants := text_from(rows.get_value(row, 3)):
                    claims[self._keys[number - 1]] = [int(id_) for id_ in claimants.split(" ")]
            for field, value in [key for key in self._keys if len(matches[key]) > 1]:
                matches[claim_field(field), value] = claims.get((field, value), [])
        if self._has_ids:
            rows = found[-1]
            for row in range(rows.ntuples):
                document = text_from(rows.get_value(row, 0))
                assert document is not None
                lead = lead_from(document)
                leads[lead.id] = lead
        return Snapshot(leads, matches)


def _writing(account_id: int, plan: BatchPlan, last_id: int) -> _Writing:
    writing = _Writing(account_id)
    writing.rows(_DELETE_LEADS, [(account_id, id_) for id_ in plan.deleted])
    writing.rows(_INSERT_LEADS, [lead_row(account_id, lead) for lead in plan.created])
    writing.rows(_UPDATE_LEADS, [lead_row(account_id, lead) for lead in plan.updated])
    removed = [(account_id, key.field, key.value, id_) for key, id_ in plan.keys_removed]
    added = [(account_id, key.field, key.value, id_, key.label) for key, id_ in plan.keys_added]
    writing.rows(_DELETE_KEYS, removed)
    writing.rows(_INSERT_KEYS, added)
    writing.rows(_DELETE_MERGED, [(account_id, id_) for id_ in plan.unmerged])
    writing.rows(_SAVE_MERGED, [(account_id, *one) for one in plan.merged])
    writing.rows(_DELETE_PAIRS, [(account_id, *pair) for pair in plan.pairs_removed])
    writing.rows(_INSERT_PAIRS, [(account_id, *pair) for pair in plan.pairs_added])
    more_leads = len(plan.created) - len(plan.deleted)
    if plan.last_id != last_id or more_leads:
        require_own_id(account_id, plan.last_id)
        writing.one_row(_SAVE_LEADS, int_value(plan.last_id), int_value(more_leads))
    return writing


class _Writing:
    """The statements of a plan."""

    def __init__(self, account_id: int) -> None:
        self._account = int_value(account_id)
        self.commands: list[Command] = []

    def rows(self, statement: _Rows, rows: Sequence[Row]) -> None:
        """Add rows with their values in the order of the columns, `account_id` first."""
        if statement.one is not None and len(rows) == 1:
            values = zip(statement.values, rows[0][1:], strict=True)
            packed = [None if value is None else pack(value) for pack, value in values]
            self.commands.append((statement.one, [self._account, *packed]))
        elif rows:
            _account_ids, *columns = zip(*rows, strict=True)
            arrays = [pack(column) for pack, column in zip(statement.packs, columns, strict=True)]
            self.commands.append((statement.sql, [self._account, *arrays]))

    def one_row(self, sql: str, *values: bytes) -> None:
        self.commands.append((sql, [self._account, *values]))
