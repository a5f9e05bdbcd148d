"""One step of the rebuild of an account's match keys, after an upgrade that changed their rules.

The rebuild walks through the leads once. Then it follows the ledger for a while: processes of the
version before may still write beside this one, by their own rules. Writes of this version leave
today's keys (`clear_old_keys`), whether the rebuild has reached their leads or not. Portable.

A step reads, computes without a transaction, and writes while the lane is held; there it computes
again only what has changed in between. `docs/decisions/0026-key-rules.md` has the reasons.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec import Struct
from sqlalchemy import Connection, bindparam, delete, select, update

from onelead.contract.settings import IndexProgress
from onelead.domain.account import AccountSettings
from onelead.domain.limits import (
    INDEX_CHUNK_LEADS,
    OLD_WRITES_CHUNK_ROWS,
    OLD_WRITES_S,
    REPAIR_CHUNK_LEADS,
)
from onelead.domain.matching import MatchKey, lead_keys
from onelead.domain.writes import LEAD
from onelead.storage.engine_insert import engine_insert
from onelead.storage.lane import first_id, next_settings_version, take_lane
from onelead.storage.leads.old_keys import is_unaffected, keys_left_behind, old_keys
from onelead.storage.leads.rows import lead_from, lead_row
from onelead.storage.schema import key_rebuild, lane, lead, ledger, match_key
from onelead.storage.settings.index_steps import lead_range

#: The columns that follow from the document by rules about text.
_DERIVED = [column.name for column in lead.c if column.name.endswith("_key")]


class Rebuild(NamedTuple):
    """How far an account is; the columns of `key_rebuild`."""

    progress: int | None
    checked_seq: int
    date_done: int | None


class RebuildStep(Struct, frozen=True):
    """What a step has read."""

    settings: AccountSettings
    before: Rebuild
    #: Once all of it is done; None when there is nothing more to look for.
    after: Rebuild | None
    #: The leads of the step as they were read, by their ids, ascending.
    documents: dict[int, str]
    #: Of writes by the version before: the lead and the changes; empty during the walk.
    old_writes: list[tuple[int, str]]


class Suspect(NamedTuple):
    """A lead that may need other keys."""

    #: The keys that it certainly has.
    has: set[MatchKey]
    may_have: set[MatchKey]


class Today(NamedTuple):
    """What a lead has by today's rules."""

    keys: set[MatchKey]
    #: See `lead_row`; empty for a lead that is deleted.
    row: tuple[Any, ...]


class Repairs(Struct, frozen=True):
    """What a step has computed."""

    after: Rebuild | None
    #: By the id of the lead.
    suspects: dict[int, Suspect]
    #: By the document of the lead.
    today: dict[str, Today]


def rebuild_of(connection: Connection, account_id: int) -> Rebuild | None:
    """Return how far an account is; None if it has only keys by today's rules."""
    columns = (key_rebuild.c[name] for name in Rebuild._fields)
    statement = select(*columns).where(key_rebuild.c.account_id == account_id)
    row = connection.execute(statement).first()
    return None if row is None else Rebuild(*row)


def key_rebuild_progress(connection: Connection, account_id: int) -> IndexProgress | None:
    """Return the progress of the walk through the leads; None when it is over."""
    rebuild = rebuild_of(connection, account_id)
    if rebuild is None or rebuild.progress is None:
        return None
    return lead_range(connection, account_id).progress(rebuild.progress)


def read_step(connection: Connection, settings: AccountSettings, now: int) -> RebuildStep | None:
    """Read what the next step is about; None when there is nothing to do."""
    before = rebuild_of(connection, settings.account_id)
    if before is None:
        return None
    if before.progress is not None:
        after_last = lead.c.id > before.progress
        documents = _documents(connection, settings.account_id, after_last, INDEX_CHUNK_LEADS)
        if documents:
            is_last = len(documents) < INDEX_CHUNK_LEADS
            # Leads that come later have today's keys, or a row in the ledger.
            last_id = first_id(settings.account_id + 1) if is_last else max(documents)
            after = before._replace(progress=last_id)
            return RebuildStep(settings, before, after, documents, [])
    return _read_old_writes(connection, settings, before, now)


def _read_old_writes(
    connection: Connection, settings: AccountSettings, before: Rebuild, now: int
) -> RebuildStep | None:
    account_id = settings.account_id
    newest = select(lane.c.ledger_seq).where(lane.c.account_id == account_id)
    last_seq: int = connection.execute(newest).scalar_one()
    to_seq = min(before.checked_seq + OLD_WRITES_CHUNK_ROWS, last_seq)
    rows = connection.execute(
        select(ledger.c.seq, ledger.c.resource_id, ledger.c.changes)
        .where(ledger.c.account_id == account_id)
        .where(ledger.c.seq > before.checked_seq, ledger.c.seq <= to_seq)
        .where(ledger.c.key_rules.is_(None), ledger.c.changes.is_not(None))
        .where(ledger.c.resource == LEAD)
        .order_by(ledger.c.seq)
        .limit(REPAIR_CHUNK_LEADS)
    ).all()
    if len(rows) == REPAIR_CHUNK_LEADS:
        to_seq = rows[-1].seq
    after: Rebuild | None = Rebuild(before.progress, to_seq, before.date_done)
    if to_seq == last_seq:
        if before.date_done is None:
            after = Rebuild(None, to_seq, now)
        elif now >= before.date_done + OLD_WRITES_S:
            after = None
        elif not rows:
            # Rows of this version are passed over when there is a full chunk of them.
            return None
    old_writes = [(row.resource_id, row.changes) for row in rows]
    is_written = lead.c.id.in_({lead_id for lead_id, _changes in old_writes})
    documents = _documents(connection, account_id, is_written) if rows else {}
    return RebuildStep(settings, before, after, documents, old_writes)


def _documents(
    connection: Connection, account_id: int, condition: Any, limit: int | None = None
) -> dict[int, str]:
    statement = select(lead.c.id, lead.c.document).where(lead.c.account_id == account_id, condition)
    rows = connection.execute(statement.order_by(lead.c.id).limit(limit))
    return {row.id: row.document for row in rows}


def compute(step: RebuildStep) -> Repairs:
    """Compute what the leads of a step may need."""
    return _repairs_of_old_writes(step) if step.old_writes else _repairs_of_walk(step)


def _repairs_of_walk(step: RebuildStep) -> Repairs:
    repairs = Repairs(step.after, {}, {})
    for lead_id, document in step.documents.items():
        read = lead_from(document)
        if is_unaffected(read, document):
            continue
        keys = old_keys(read, step.settings)
        repairs.suspects[lead_id] = Suspect(keys, keys)
        repairs.today[document] = _today(document, step.settings)
        if len(repairs.suspects) == REPAIR_CHUNK_LEADS:
            after = step.before._replace(progress=lead_id)
            return Repairs(after, repairs.suspects, repairs.today)
    return repairs


def _repairs_of_old_writes(step: RebuildStep) -> Repairs:
    suspects: dict[int, Suspect] = {}
    for lead_id, changes in step.old_writes:
        suspect = suspects.setdefault(lead_id, Suspect(set(), set()))
        suspect.may_have.update(keys_left_behind(changes, step.settings))
    documents = step.documents.values()
    today = {document: _today(document, step.settings) for document in documents}
    return Repairs(step.after, suspects, today)


def _today(document: str | None, settings: AccountSettings) -> Today:
    if document is None:
        return Today(set(), ())
    found = lead_from(document)
    return Today(lead_keys(found, settings), lead_row(settings.account_id, found))


def write_step(connection: Connection, step: RebuildStep, repairs: Repairs) -> bool:
    """Write a step while the lane is held; False when another process did it."""
    account_id = step.settings.account_id
    taken = take_lane(connection, account_id, 0)
    if rebuild_of(connection, account_id) != step.before:
        return False
    if taken.settings_version != step.settings.version:
        # The next step reads the same leads with the new settings.
        return True
    _repair(connection, step.settings, repairs)
    _move(connection, account_id, step.before, repairs.after)
    return True


def is_written(connection: Connection, step: RebuildStep, repairs: Repairs) -> bool:
    """Return whether a step whose commit is in doubt was written."""
    # Once the lane is taken, the transaction in doubt has ended.
    take_lane(connection, step.settings.account_id, 0)
    return rebuild_of(connection, step.settings.account_id) == repairs.after


def _move(connection: Connection, account_id: int, before: Rebuild, after: Rebuild | None) -> None:
    of_account = key_rebuild.c.account_id == account_id
    if after is None:
        connection.execute(delete(key_rebuild).where(of_account))
    else:
        connection.execute(update(key_rebuild).where(of_account).values(after._asdict()))
    if after is None or (after.progress is None) != (before.progress is None):
        next_settings_version(connection, account_id)


def _repair(connection: Connection, settings: AccountSettings, repairs: Repairs) -> None:
    account_id, suspects = settings.account_id, repairs.suspects
    if not suspects:
        return
    of_suspects = (lead.c.account_id == account_id) & lead.c.id.in_(suspects)
    stored = {row.id: row for row in connection.execute(select(lead).where(of_suspects))}
    removed: list[tuple[MatchKey, int]] = []
    added: list[tuple[MatchKey, int]] = []
    changed = []
    for lead_id, (has, may_have) in suspects.items():
        row = stored.get(lead_id)
        document = None if row is None else row.document
        today = repairs.today.get(document or "") or _today(document, settings)
        removed += [(key, lead_id) for key in may_have - today.keys]
        added += [(key, lead_id) for key in today.keys - has]
        if row is not None and tuple(row) != today.row:
            changed.append(today.row)
    _write_keys(connection, account_id, removed, added)
    _write_columns(connection, changed)


def _write_keys(
    connection: Connection,
    account_id: int,
    removed: list[tuple[MatchKey, int]],
    added: list[tuple[MatchKey, int]],
) -> None:
    if removed:
        connection.execute(
            delete(match_key).where(
                match_key.c.account_id == account_id,
                match_key.c.field == bindparam("key_field"),
                match_key.c.value == bindparam("key_value"),
                match_key.c.lead_id == bindparam("key_lead_id"),
            ),
            [
                {"key_field": key.field, "key_value": key.value, "key_lead_id": lead_id}
                for key, lead_id in removed
            ],
        )
    if added:
        rows = [
            {"account_id": account_id, "lead_id": lead_id, **key._asdict()}
            for key, lead_id in added
        ]
        connection.execute(engine_insert(connection, match_key).on_conflict_do_nothing(), rows)


def _write_columns(connection: Connection, rows: list[tuple[Any, ...]]) -> None:
    """Write the columns that searches and lists read; the lead itself has not changed."""
    if rows:
        named = (dict(zip(lead.c.keys(), row, strict=True)) for row in rows)
        of_lead = (lead.c.account_id == bindparam("of_account")) & (lead.c.id == bindparam("of_id"))
        connection.execute(
            update(lead).where(of_lead).values({name: bindparam(name) for name in _DERIVED}),
            [
                {"of_account": row["account_id"], "of_id": row["id"]}
                | {name: row[name] for name in _DERIVED}
                for row in named
            ],
        )
