"""The check of the ledger must be able to fail: it finds everything that must never happen."""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator
from functools import partial

import pytest
from tests.support.domain.lead_writes import upsert
from tests.support.domain.random_writes import RandomWrites
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore
from tests.support.storage.databases import Database
from tests.support.storage.faults import Faults

pytestmark = pytest.mark.slow

NORA = upsert("email", "nora@field.example", name="Nora Field")


@pytest.fixture
async def history(account: AccountStore) -> AsyncIterator[AccountStore]:
    """An account with a history of all kinds of writes, which the ledger explains."""
    fields = [await account.field(), await account.field(data_type="MultiSelect")]
    writes = RandomWrites(random.Random(7), fields)
    for _ in range(80):
        for result in await account.results(*(writes.next_write() for _ in range(3))):
            writes.learn(result)
    assert await account.unexplained() == []
    yield account
    assert await account.unexplained() != []


def some(account: AccountStore, outcome: str) -> tuple[int, int]:
    """Return the ledger number and the lead of a row in the middle."""
    rows = account.ledger("seq, resource_id, outcome, resource")
    found = [row for row in rows if row[2:] == (outcome, "lead")]
    seq, lead_id, *_ = found[len(found) // 2]
    return seq, lead_id


async def test_a_row_that_is_gone_is_found(history: AccountStore) -> None:
    seq, _ = some(history, "updated")
    history.database.execute(f"DELETE FROM ledger WHERE seq = {seq}")


async def test_a_last_row_that_is_gone_is_found(history: AccountStore) -> None:
    history.database.execute("DELETE FROM ledger WHERE seq = (SELECT max(seq) FROM ledger)")


@pytest.mark.parametrize(
    "change",
    [
        "outcome = 'unchanged'",
        "version = version + 1",
        "resource_id = resource_id + 1",
        "changes = '{}'",
        "request_id = 'request-0'",
        "payload = replace(payload, 'title', 'details')",
    ],
)
async def test_a_row_that_says_something_else_is_found(history: AccountStore, change: str) -> None:
    rows = "SELECT max(seq) FROM ledger WHERE outcome = 'updated' AND changes LIKE '%title%'"
    history.database.execute(f"UPDATE ledger SET {change} WHERE seq = ({rows})")
    if change.startswith("request_id"):
        # A delivery that was written twice has one request id in two rows.
        history.database.execute(f"UPDATE ledger SET {change} WHERE seq = 1")


async def test_two_rows_in_the_wrong_order_are_found(history: AccountStore) -> None:
    seq, _ = some(history, "deleted")
    last = "(SELECT max(seq) FROM ledger)"
    for change in (f"-1 WHERE seq = {seq}", f"{seq} WHERE seq = {last}"):
        history.database.execute(f"UPDATE ledger SET seq = {change}")
    history.database.execute(f"UPDATE ledger SET seq = {last} + 1 WHERE seq = -1")


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM lead WHERE id = (SELECT max(id) FROM lead)",
        "UPDATE lead SET version = version + 1",
        "UPDATE lead SET name_key = 'sam roe'",
        "UPDATE lead SET document = replace(document, 'NORA', 'Nora')",
        "DELETE FROM match_key WHERE field = 'email'",
        "INSERT INTO match_key VALUES (1, 'email', 'sam@roe.example', 1000000099, NULL)",
        "UPDATE lane SET ledger_seq = ledger_seq + 1",
        "UPDATE lane SET last_id = last_id + 1",
        "UPDATE lane SET lead_count = lead_count + 1",
    ],
)
async def test_what_is_stored_otherwise_is_found(history: AccountStore, change: str) -> None:
    history.database.execute(change)


async def test_a_duplicate_is_found_that_reads_from_before_the_lane_would_make(
    account: AccountStore, database: Database
) -> None:
    """A store that looks for matches before it gets the lane finds no lead."""
    faults = Faults()
    store = await database.open_faulty(Clock(), faults)
    careless = await AccountStore.of(store, account.account_id, database)
    await account.result(NORA)
    faults.rewrite = partial(re.sub, r"FROM match_key\s+WHERE", "FROM match_key WHERE 1 = 0 AND")
    await careless.result(upsert("email", "nora@field.example", name="Nora Field"))
    faults.rewrite = lambda sql: sql
    assert len(await account.leads()) == 2
    assert any("outcome is created, should be" in one for one in await account.unexplained())
    await store.close()
