"""What must be true of the database after each restart, whatever happened before."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from contextlib import closing
from pathlib import Path

from tests.support.domain.lead_writes import read_lead_write, read_settings_write
from tests.support.simulation.clients import STEADY_PEOPLE, steady_email
from tests.support.simulation.history import Attempt, History
from tests.support.simulation.template import template

from onelead.contract.ledger import AccountRows, LedgerEntry
from onelead.domain.writes import Action, WriteResult
from onelead.process.writer import Receipt
from onelead.prove.check.replay import Reader, Replay, Replayed


def unsound(path: Path) -> list[str]:
    """Return what SQLite finds wrong with a file."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("PRAGMA integrity_check").fetchall()
        found += connection.execute("PRAGMA foreign_key_check").fetchall()
    return [str(row) for row in found if row != ("ok",)]


def broken_promises(history: History, rows: AccountRows, *, is_indexed: bool) -> list[str]:
    """Return which promises the stored rows do not keep.

    Until the index work is done, the match keys of custom fields are not looked at.
    """
    reader = Reader(read_lead_write, read_settings_write)
    begin = template()
    replay = Replay(rows, begin.initial, reader, last_id=begin.last_id)
    replayed = list(replay.rows())
    names = [f"'custom:{field.id}." for field in begin.fields]
    violations = [
        text
        for text in replay.violations
        if is_indexed or not ("match key" in text and any(name in text for name in names))
    ]
    return violations + _deliveries(history, replayed) + _duplicates(rows)


def _deliveries(history: History, replayed: list[Replayed]) -> list[str]:
    """Hold every answer against the ledger, and every row against what was sent."""
    by_request: dict[str, list[Replayed]] = defaultdict(list)
    for row in replayed[template().rows :]:
        by_request[row.entry.request_id].append(row)
    by_seq = {row.entry.seq: row for row in replayed}
    found = [f"a row of {name}, which nobody sent" for name in by_request.keys() - history.attempts]
    keys: Counter[str] = Counter()
    for request_id, attempt in history.attempts.items():
        rows = by_request[request_id]
        if attempt.key is not None:
            keys[attempt.key] += sum(row.entry.outcome != "refused" for row in rows)
        found += [f"{request_id} {text}" for text in _wrong(attempt, rows, by_seq)]
    found += [f"{key} was written {count} times" for key, count in keys.items() if count > 1]
    return found


def _wrong(attempt: Attempt, rows: list[Replayed], by_seq: dict[int, Replayed]) -> list[str]:
    if len(rows) > 1:
        return [f"was written {len(rows)} times"]
    if attempt.is_surely_unwritten and rows:
        return ["was turned away, and written all the same"]
    if attempt.answer is None:
        return []
    row = rows[0] if rows else by_seq.get(attempt.answer.seq) if _is_repeat(attempt) else None
    return ["was answered, and is not in the ledger"] if row is None else _untrue(attempt, row)


def _untrue(attempt: Attempt, row: Replayed) -> list[str]:
    """Return what an answer said that its row does not say."""
    answer = attempt.answer
    assert answer is not None
    if row.entry.seq != answer.seq:
        return [f"was answered as row {answer.seq}, and is row {row.entry.seq}"]
    if not isinstance(answer, Receipt):
        return _differs("outcome", answer.outcome, row.entry.outcome)
    if answer.result.replayed_seq is not None:
        return [] if _key_of(row.entry) == attempt.key else ["repeats another write"]
    assert row.result is not None
    return _differs("answer", _shown(answer.result), _shown(row.result))


def _is_repeat(attempt: Attempt) -> bool:
    answer = attempt.answer
    return isinstance(answer, Receipt) and answer.result.replayed_seq is not None


def _key_of(entry: LedgerEntry) -> str | None:
    idempotency = read_lead_write(entry).delivery.idempotency
    return idempotency.key_hash if idempotency else None


def _differs(what: str, answered: object, stored: object) -> list[str]:
    return [] if answered == stored else [f"has the {what} {answered}, in the ledger {stored}"]


def _shown(result: WriteResult) -> tuple[object, ...]:
    """Return the parts of a result that can be compared."""
    refusal = result.refusal.message if result.refusal else None
    parts = (result.outcome, result.lead, dict(result.changes), result.match, refusal)
    return (*parts, result.ignored, result.shares)


def _duplicates(rows: AccountRows) -> list[str]:
    """Find a person who is two leads, although only upserts by the e-mail brought that person.

    People may bring a deleted lead back, or take two for one: what they touched does not count.
    """
    touched = {row.resource_id for row in rows.ledger if row.action in (Action.MERGE, Action.UNDO)}
    leads = Counter(
        value for field, value, id_, _ in rows.keys if field == "email" and id_ not in touched
    )
    emails = [steady_email(person) for person in range(STEADY_PEOPLE)]
    return [f"{email} is {leads[email]} leads" for email in emails if leads[email] > 1]
