"""The batched write path on PostgreSQL: one transaction in three round trips, whatever its size.

The first takes the lane and reads what the plan needs, the second writes the plan, the third
commits. Each statement of a trip begins after the one before it has ended, so what follows the
lane is read while it is held. Statements are set-based, take every row as a parameter, name one
account, and could be distributed by account.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeAlias

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
    int_array,
    int_from,
    int_value,
    text_array,
    text_from,
)

Row: TypeAlias = tuple[Any, ...]
Columns: TypeAlias = Sequence[TableColumn[Any]]
_TYPES: dict[type, tuple[str, Pack]] = {
    Text: ("text", text_array),
    BigInteger: ("bigint", int_array),
    Float: ("double precision", float_array),
}


def _type(column: TableColumn[Any]) -> tuple[str, Pack]:
    return _TYPES[type(column.type)]


def _without_account(columns: Iterable[TableColumn[Any]]) -> Columns:
    return [column for column in columns if column.name != "account_id"]


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
_READ_MATCHES = (
    "SELECT wanted.number, found.lead_id, whole.document"
    " FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS wanted (field, value, number)"
    " CROSS JOIN LATERAL (SELECT matched.lead_id, count(*) OVER () AS matches FROM"
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
_SAVE_LEADS = "UPDATE lane SET last_id = $2, lead_count = lead_count + $3 WHERE account_id = $1"
_INSERT_LEADS = _insert(schema.lead)
_UPDATE_LEADS = _update(schema.lead)
_DELETE_LEADS = _delete(schema.lead)
# The index work may already have added a key of a definition that is being indexed.
_INSERT_KEYS = f"{_insert(schema.match_key)} ON CONFLICT DO NOTHING"
_DELETE_KEYS = _delete(schema.match_key)
_INSERT_LEDGER = _insert(schema.ledger)
_INSERT_DETAILS = _insert(schema.ledger_detail)
_INSERT_IDEMPOTENCY_KEYS = _insert(schema.idempotency_key)
_SAVE_MERGED = (
    f"{_insert(schema.merged_lead)} ON CONFLICT (account_id, id)"
    " DO UPDATE SET lead_id = excluded.lead_id, into_id = excluded.into_id, seq = excluded.seq"
)
_DELETE_MERGED = _delete(schema.merged_lead)
_INSERT_PAIRS = _insert(schema.distinct_pair)
_DELETE_PAIRS = _delete(schema.distinct_pair)


class RowsMissing(Exception):
    """A statement wrote fewer rows than it had to; the transaction must not be committed."""


async def write_batch(
    trips: Trips,
    batch: Batch,
    now: int,
    load_settings: Callable[[], Awaitable[AccountSettings]],
    in_doubt: BatchReceipt | None = None,
) -> BatchReceipt:
    """Begin a transaction and write a batch in it; the caller commits.

    `load_settings` is called while the lane is held. `in_doubt` is the receipt of an earlier
    attempt whose commit may or may not have happened: when the ledger has its rows, it is
    returned and nothing is written. Raises LaneMissing and RowsMissing.
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
        return in_doubt
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
    writing.rows(_INSERT_LEDGER, schema.ledger.c, entries.ledger)
    writing.rows(_INSERT_DETAILS, schema.ledger_detail.c, entries.details)
    writing.rows(_INSERT_IDEMPOTENCY_KEYS, schema.idempotency_key.c, entries.keys)
    if done_before := len(writes) - len(entries.ledger):
        writing.one_row(_TAKE_LANE, int_value(-done_before))
    await writing.make(trips)
    return BatchReceipt(plan.results, settings, plan.seqs)


async def commit(trips: Trips) -> None:
    """Commit what `write_batch` has written."""
    await trips.make([(_COMMIT, ())])


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
        leads: dict[int, Lead] = {}
        if self._keys:
            rows = found[0]
            for row in range(rows.ntuples):
                number, lead_id = (int_from(rows.get_value(row, n)) for n in range(2))
                matches[self._keys[number - 1]].append(lead_id)
                if lead_id not in leads and (document := text_from(rows.get_value(row, 2))):
                    leads[lead_id] = lead_from(document)
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
    deleted = [(account_id, id_) for id_ in plan.deleted]
    writing.rows(_DELETE_LEADS, schema.lead.primary_key, deleted)
    created = [lead_row(account_id, lead) for lead in plan.created]
    writing.rows(_INSERT_LEADS, schema.lead.c, created)
    updated = [lead_row(account_id, lead) for lead in plan.updated]
    writing.rows(_UPDATE_LEADS, schema.lead.c, updated)
    removed = [(account_id, key.field, key.value, id_) for key, id_ in plan.keys_removed]
    added = [(account_id, key.field, key.value, id_, key.label) for key, id_ in plan.keys_added]
    writing.rows(_DELETE_KEYS, schema.match_key.primary_key, removed, or_fewer=True)
    writing.rows(_INSERT_KEYS, schema.match_key.c, added, or_fewer=True)
    unmerged = [(account_id, id_) for id_ in plan.unmerged]
    writing.rows(_DELETE_MERGED, schema.merged_lead.primary_key, unmerged)
    merged = [(account_id, *one) for one in plan.merged]
    writing.rows(_SAVE_MERGED, schema.merged_lead.c, merged)
    no_pairs = [(account_id, *pair) for pair in plan.pairs_removed]
    writing.rows(_DELETE_PAIRS, schema.distinct_pair.primary_key, no_pairs)
    pairs = [(account_id, *pair) for pair in plan.pairs_added]
    writing.rows(_INSERT_PAIRS, schema.distinct_pair.c, pairs)
    more_leads = len(plan.created) - len(plan.deleted)
    if plan.last_id != last_id or more_leads:
        require_own_id(account_id, plan.last_id)
        writing.one_row(_SAVE_LEADS, int_value(plan.last_id), int_value(more_leads))
    return writing


class _Writing:
    """The statements of a plan, and how many rows each has to write."""

    def __init__(self, account_id: int) -> None:
        self._account = int_value(account_id)
        self._commands: list[Command] = []
        #: None for a statement that may find nothing to do.
        self._expected: list[int | None] = []

    def rows(
        self,
        sql: str,
        columns: Iterable[TableColumn[Any]],
        rows: Sequence[Row],
        *,
        or_fewer: bool = False,
    ) -> None:
        """Add rows with their values in the order of the columns, `account_id` first."""
        if rows:
            _account_ids, *values = zip(*rows, strict=True)
            packs = (_type(column)[1] for column in _without_account(columns))
            arrays = [pack(column) for pack, column in zip(packs, values, strict=True)]
            self._commands.append((sql, [self._account, *arrays]))
            self._expected.append(None if or_fewer else len(rows))

    def one_row(self, sql: str, *values: bytes) -> None:
        self._commands.append((sql, [self._account, *values]))
        self._expected.append(1)

    async def make(self, trips: Trips) -> None:
        results = await trips.make(self._commands)
        for result, expected in zip(results, self._expected, strict=True):
            written = result.command_tuples
            if expected is not None and written != expected:
                raise RowsMissing(f"{written} rows written instead of {expected}")
