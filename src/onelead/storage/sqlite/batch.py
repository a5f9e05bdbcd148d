"""The batched write path on SQLite: one transaction's statements, sent straight to the driver.

The SQL is compiled once from the table declarations. Executing the same statements through
SQLAlchemy for every batch costs as much again as SQLite itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, TypeAlias

import sqlalchemy
from sqlalchemy import Delete, Insert, Select, Update, bindparam, delete, insert, select, update
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect

from onelead.contract.leads import Batch, BatchReceipt
from onelead.domain.account import AccountSettings
from onelead.domain.acts.state import BatchPlan, Snapshot
from onelead.domain.fold import (
    checked_write,
    keys_needed,
    leads_needed,
    matches_needed,
    plan_batch,
)
from onelead.domain.lead import Lead
from onelead.domain.matching import claim_field
from onelead.domain.writes import CheckedWrite
from onelead.storage import schema
from onelead.storage.lane import SAVE_LEADS, TAKE_LANE, Lane, require_own_id
from onelead.storage.leads.act_reads import Read, Rows, answered, needs_facts, read_facts
from onelead.storage.leads.old_keys import clear_old_keys
from onelead.storage.leads.rows import lead_from, lead_row, plan_entries

Row: TypeAlias = tuple[Any, ...]

_DIALECT = sqlite_dialect(paramstyle="qmark")


def _sql(statement: Select[Any] | Insert | Update | Delete) -> str:
    """Compile a statement to text whose parameters are positional."""
    return str(statement.compile(dialect=_DIALECT))


def _by_key(table: sqlalchemy.Table) -> list[sqlalchemy.ColumnElement[bool]]:
    return [column == bindparam(f"key_{column.name}") for column in table.primary_key]


def _update_lead(*, but: frozenset[str] = frozenset()) -> tuple[str, Callable[[Row], Row]]:
    """Return an UPDATE of all columns but some, and a function from a lead's row to parameters."""
    columns = list(schema.lead.c)
    changed = [c for c in columns if not c.primary_key and c.name not in but]
    values: dict[str, Any] = {c.name: bindparam(f"new_{c.name}") for c in changed}
    order = [columns.index(c) for c in (*changed, *schema.lead.primary_key)]
    sql = _sql(update(schema.lead).where(*_by_key(schema.lead)).values(values))
    return sql, itemgetter(*order)


_TAKE_LANE = _sql(TAKE_LANE)
_SAVE_LEADS = _sql(SAVE_LEADS)
_LEAD_BY_ID = _sql(select(schema.lead.c.document).where(*_by_key(schema.lead)))
_LEADS_BY_KEY = (
    _sql(
        select(schema.match_key.c.lead_id)
        .where(schema.match_key.c.account_id == bindparam("account_id"))
        .where(schema.match_key.c.field == bindparam("field"))
        .where(schema.match_key.c.value == bindparam("value"))
        .order_by(schema.match_key.c.lead_id)
    )
    + " LIMIT ?"
)
_INSERT_LEAD = _sql(insert(schema.lead))
_UPDATE_LEAD, _update_parameters = _update_lead()
# SQLite rewrites an index entry when its column is named, changed or not; most updates change
# none of them.
_INDEXED = {column.name for index in schema.lead.indexes for column in index.columns}
_RARELY_CHANGED = frozenset(_INDEXED - {"account_id", "id"})
# `_keeps_entries` compares the lead's values that these come from; a new one belongs there, too.
assert {
    *("name_key", "last_name_key", "company_name_key", "city_key", "state_key"),
    *("postal_code_key", "status_id"),
    *("assignee_id", "customer_source_id", "date_created"),
} == _RARELY_CHANGED
_UPDATE_LEAD_IN_PLACE, _in_place_parameters = _update_lead(but=_RARELY_CHANGED)
_DELETE_LEAD = _sql(delete(schema.lead).where(*_by_key(schema.lead)))
_DELETE_KEY = _sql(delete(schema.match_key).where(*_by_key(schema.match_key)))
# The index work may already have added a key of a definition that is being indexed.
_INSERT_KEY = _sql(insert(schema.match_key).prefix_with("OR IGNORE"))
# The plan has keys in sets. In order, the same writes make the same file, byte by byte, so that a
# simulation of a failing disk can be repeated.
_BY_KEY = itemgetter(1, 2, 3)
_INSERT_LEDGER = _sql(insert(schema.ledger))
_INSERT_DETAIL = _sql(insert(schema.ledger_detail))
_INSERT_IDEMPOTENCY_KEY = _sql(insert(schema.idempotency_key))
_SAVE_MERGED = _sql(insert(schema.merged_lead).prefix_with("OR REPLACE"))
_DELETE_MERGED = _sql(delete(schema.merged_lead).where(*_by_key(schema.merged_lead)))
_INSERT_PAIR = _sql(insert(schema.distinct_pair))
_DELETE_PAIR = _sql(delete(schema.distinct_pair).where(*_by_key(schema.distinct_pair)))
_LEDGER_REQUEST = _sql(select(schema.ledger.c.request_id).where(*_by_key(schema.ledger)))


def write_batch(
    driver: sqlite3.Connection,
    batch: Batch,
    now: int,
    load_settings: Callable[[], AccountSettings],
) -> BatchReceipt:
    """Write a batch in the driver's open transaction.

    `load_settings` reads in the same one.
    """
    account_id, settings, writes = batch.settings.account_id, batch.settings, batch.writes
    row = driver.execute(_TAKE_LANE, (len(writes), account_id)).fetchone()
    lane = Lane(row[0] - len(writes) + 1, row[1], row[2])
    if lane.settings_version != settings.version:
        settings = load_settings()
        writes = [checked_write(write.write, settings) for write in writes]
    snapshot = _snapshot(driver, account_id, writes)
    if needs_facts(writes, snapshot):
        reads = read_facts(settings, writes, snapshot, matches_needed(writes))
        answered(reads, partial(_rows, driver))
    first_seq, last_id = lane.first_seq, lane.last_id
    plan = plan_batch(writes, snapshot, settings, now=now, last_id=last_id, first_seq=first_seq)
    if settings.may_have_old_keys:
        clear_old_keys(plan, snapshot.leads, settings)
    _write_plan(driver, account_id, plan, snapshot.leads)
    more_leads = len(plan.created) - len(plan.deleted)
    if plan.last_id != lane.last_id or more_leads:
        require_own_id(account_id, plan.last_id)
        driver.execute(_SAVE_LEADS, (plan.last_id, more_leads, account_id))
    entries = plan_entries(account_id, writes, plan, now)
    driver.executemany(_INSERT_LEDGER, entries.ledger)
    if entries.details:
        driver.executemany(_INSERT_DETAIL, entries.details)
    if entries.keys:
        driver.executemany(_INSERT_IDEMPOTENCY_KEY, entries.keys)
    if done_before := len(writes) - len(entries.ledger):
        driver.execute(_TAKE_LANE, (-done_before, account_id)).fetchone()
    return BatchReceipt(plan.results, settings, plan.seqs)


def is_committed(driver: sqlite3.Connection, batch: Batch, receipt: BatchReceipt) -> bool:
    """Return whether a commit that reported an error happened all the same."""
    first = receipt.first_written(batch)
    if first is None:
        return True
    row = driver.execute(_LEDGER_REQUEST, (batch.settings.account_id, first.seq)).fetchone()
    return row is not None and row[0] == first.request_id


def _snapshot(
    driver: sqlite3.Connection, account_id: int, writes: Sequence[CheckedWrite]
) -> Snapshot:
    """Read what the batch needs to know, key by key: SQLite answers each in microseconds."""
    most = matches_needed(writes)
    matches = {
        key: [row[0] for row in driver.execute(_LEADS_BY_KEY, (account_id, *key, most))]
        for key in sorted(keys_needed(writes))
    }
    ambiguous = [key for key, found in matches.items() if len(found) > 1]
    for field, value in ambiguous:
        claims = (claim_field(field), value)
        found = driver.execute(_LEADS_BY_KEY, (account_id, *claims, most))
        matches[claims] = [row[0] for row in found]
    leads = {}
    for lead_id in leads_needed(writes, matches):
        row = driver.execute(_LEAD_BY_ID, (account_id, lead_id)).fetchone()
        if row is not None:
            leads[lead_id] = lead_from(row[0])
    return Snapshot(leads, matches)


def _rows(driver: sqlite3.Connection, read: Read) -> Rows:
    state = read.expanded(_DIALECT)
    return driver.execute(state.statement, state.positional_parameters).fetchall()


def _write_plan(
    driver: sqlite3.Connection, account_id: int, plan: BatchPlan, stored: dict[int, Lead]
) -> None:
    _expect(driver, _DELETE_LEAD, [(account_id, lead_id) for lead_id in plan.deleted])
    _expect(driver, _INSERT_LEAD, [lead_row(account_id, lead) for lead in plan.created])
    _update_leads(driver, account_id, plan.updated, stored)
    removed = [(account_id, key.field, key.value, lead_id) for key, lead_id in plan.keys_removed]
    added = [
        (account_id, key.field, key.value, lead_id, key.label) for key, lead_id in plan.keys_added
    ]
    driver.executemany(_DELETE_KEY, sorted(removed))
    driver.executemany(_INSERT_KEY, sorted(added, key=_BY_KEY))
    if plan.merged or plan.unmerged or plan.pairs_added or plan.pairs_removed:
        _write_decisions(driver, account_id, plan)


def _write_decisions(driver: sqlite3.Connection, account_id: int, plan: BatchPlan) -> None:
    driver.executemany(_DELETE_MERGED, [(account_id, lead_id) for lead_id in plan.unmerged])
    driver.executemany(_SAVE_MERGED, [(account_id, *one) for one in plan.merged])
    driver.executemany(_DELETE_PAIR, [(account_id, *pair) for pair in plan.pairs_removed])
    driver.executemany(_INSERT_PAIR, [(account_id, *pair) for pair in plan.pairs_added])


def _update_leads(
    driver: sqlite3.Connection, account_id: int, leads: Sequence[Lead], stored: dict[int, Lead]
) -> None:
    whole, in_place = [], []
    for lead in leads:
        row = lead_row(account_id, lead)
        if _keeps_entries(stored[lead.id], lead):
            in_place.append(_in_place_parameters(row))
        else:
            whole.append(_update_parameters(row))
    _expect(driver, _UPDATE_LEAD, whole)
    _expect(driver, _UPDATE_LEAD_IN_PLACE, in_place)


def _keeps_entries(before: Lead, after: Lead) -> bool:
    """Return whether the rarely changed columns stay the same."""
    return (
        before.name == after.name
        and before.last_name == after.last_name
        and before.company_name == after.company_name
        and before.address == after.address
        and before.status_id == after.status_id
        and before.assignee_id == after.assignee_id
        and before.customer_source_id == after.customer_source_id
        and before.date_created == after.date_created
    )


def _expect(driver: sqlite3.Connection, sql: str, rows: list[tuple[Any, ...]]) -> None:
    """Write each row exactly once, or fail the transaction."""
    if rows:
        written = driver.executemany(sql, rows).rowcount
        assert written == len(rows), f"{written} rows written instead of {len(rows)}"
