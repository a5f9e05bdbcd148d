"""`onelead check` on every engine: silent about what the program writes, and finds what it did not.

Each contradiction is made behind the store's back.
"""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from tests.support.domain.act_writes import merge, undo
from tests.support.domain.lead_writes import create, delete, upsert
from tests.support.domain.random_writes import RandomWrites
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore
from tests.support.storage.databases import Database

from onelead.commands.check import Report, check_accounts
from onelead.contract.erasures import ErasureBy, ErasureRequest
from onelead.contract.store import Store
from onelead.domain.limits import CHECK_CHUNK_LEADS

OPERATING = Path(__file__).parents[3] / "docs" / "operating.md"
NORA = "nora@field.example"


async def checked(store: Store, account_id: int | None = None) -> Report:
    report = Report()
    await check_accounts(store, account_id, report, lambda _text: None)
    return report


async def found(store: Store) -> list[str]:
    """Return what a check finds, without the advice."""
    report = await checked(store)
    return [f"{one.where}: {one.what}" for one in report.findings]


async def fold_all(account: AccountStore) -> None:
    while await account.store.fold_ledger(account.account_id):
        pass


async def filled(account: AccountStore) -> int:
    """Write some of everything, and return a lead that stays."""
    field = await account.field()
    nora = await account.created(
        email=NORA,
        tags=["Fair"],
        phone_numbers=["0171 5550100"],
        custom_fields={field.id: "A-7"},
    )
    other = await account.created(name="Nora Feld")
    gone = await account.created(name="Omar Gone")
    results = await account.results(
        upsert("email", NORA, title="Buyer"),
        merge(nora.id, other.id),
        delete(gone.id),
        upsert("email", "two@field.example, three@field.example"),
    )
    assert [result.outcome for result in results] == ["updated", "merged", "deleted", "refused"]
    await account.indexed()
    await fold_all(account)
    return nora.id


async def test_what_the_program_writes_is_sound(account: AccountStore, clock: Clock) -> None:
    await filled(account)
    writes = RandomWrites(random.Random(7), (await account.settings()).fields)
    for _ in range(12):
        for result in await account.results(*[writes.next_write() for _ in range(8)]):
            writes.learn(result)
        clock.now += 1_800
    report = await checked(account.store)
    assert [finding.line for finding in report.findings] == []
    assert report.unchecked == []
    assert report.passed["accounts"] == 1
    assert report.passed["leads"] == len(await account.leads())
    (rows,) = account.database.rows("SELECT count(*) FROM ledger")
    assert report.passed["ledger_rows"] == rows[0]
    await fold_all(account)
    assert await found(account.store) == []


async def test_a_database_without_leads_is_sound(account: AccountStore) -> None:
    report = await checked(account.store)
    assert (report.findings, report.unchecked) == ([], [])
    assert report.passed["leads"] == 0


async def test_only_the_account_that_was_asked_for_is_checked(
    account: AccountStore, store: Store
) -> None:
    await store.create_account("Other Ltd", "omar@other.example")
    assert (await checked(store)).passed["accounts"] == 2
    assert (await checked(store, account.account_id)).passed["accounts"] == 1


async def test_undone_acts_and_erased_persons_are_sound(account: AccountStore) -> None:
    nora_id = await filled(account)
    (row,) = account.database.rows("SELECT max(seq) FROM ledger WHERE outcome = 'merged'")
    assert (await account.result(undo(row[0]))).outcome == "restored"
    assert await found(account.store) == []
    by = ErasureBy(request_id="r", user_id=None, api_key_id=None, reason="")
    await account.store.begin_erasure(account.account_id, ErasureRequest(lead_id=nora_id), by)
    is_unfinished = True
    while is_unfinished:
        assert await found(account.store) == []
        await fold_all(account)
        is_unfinished = await account.store.erase_step(account.account_id)
    assert await found(account.store) == []


async def test_an_index_that_is_being_built_may_lack_keys(account: AccountStore) -> None:
    field = await account.field(is_filterable=False)
    for number in range(3):
        await account.created(custom_fields={field.id: f"A-{number}"})
    await account.changed_field(field, is_filterable=True)
    assert await found(account.store) == []
    await account.indexed()
    await account.changed_field(field, is_filterable=False)
    # The keys that nothing reads are still there.
    assert await found(account.store) == []


async def test_several_steps_are_as_one(account: AccountStore) -> None:
    for _ in range(3):
        await account.write(*[create(name=f"Nora {n}") for n in range(CHECK_CHUNK_LEADS // 2)])
    report = await checked(account.store)
    assert (report.findings, report.passed["leads"]) == ([], 3 * (CHECK_CHUNK_LEADS // 2))


CONTRADICTIONS = {
    "DELETE FROM match_key WHERE field = 'email'": (
        "account 1, lead {nora}: a match key of email is missing, so it is not found by that value"
    ),
    "UPDATE match_key SET label = 'Fare' WHERE field = 'tag'": (
        "account 1, lead {nora}: a match key of tag is labelled differently from the value"
    ),
    "INSERT INTO match_key VALUES (1, 'name', 'nora gone', 1000000999, NULL)": (
        "account 1, match keys: a key of name leads to lead 1000000999, which does not exist"
    ),
    "INSERT INTO match_key VALUES (1, 'email', 'dana@field.example', {nora}, NULL)": (
        "account 1, match keys: a key of email leads to lead {nora}, which has no such value"
    ),
    "UPDATE lead SET email_key = '', status_id = 7 WHERE id = {nora}": (
        "account 1, lead {nora}: columns differ from its document: email_key, status_id"
    ),
    "UPDATE lead SET document = 'null' WHERE id = {nora}": (
        "account 1, lead {nora}: its document cannot be read"
    ),
    "UPDATE ledger SET version = 99 WHERE resource_id = {nora} AND outcome = 'updated'": (
        "account 1, lead {nora}: it has version 3, and the ledger has version 99"
    ),
    "DELETE FROM ledger WHERE seq IN (2, 3)": "account 1, ledger: rows 2 to 3 are missing",
    "DELETE FROM ledger WHERE seq = {last}": (
        "account 1, ledger: row {last} is missing at the end"
    ),
    "UPDATE ledger SET changes = '{{' WHERE outcome = 'updated'": (
        "account 1, ledger row {updated}: what it says cannot be read"
    ),
    "UPDATE ledger SET resource_id = 999 WHERE outcome = 'updated'": (
        "account 1, ledger row {updated}: id 999 was never given"
    ),
    "INSERT INTO ledger_detail (account_id, seq, details) VALUES (1, 999, '{{}}')": (
        "account 1, ledger row 999: there is details, and no such row"
    ),
    "INSERT INTO ledger_detail (account_id, seq, about_seq, details) VALUES (1, 2, 5, '{{}}')": (
        "account 1, ledger row 2: it is about row 5"
    ),
    "INSERT INTO idempotency_key VALUES (1, 'a', 'b', 999)": (
        "account 1, ledger row 999: there is an idempotency key, and no such row"
    ),
    "UPDATE refused_delivery SET seq = 2": (
        "account 1, ledger row 2: there is a delivery in the queue, and the row was not refused"
    ),
    "UPDATE lane SET lead_count = 5": "account 1, lane: it has 5 leads, and there are 1",
    "UPDATE lane SET last_id = {nora} - 1": (
        "account 1, lane: the last id is {before}, and lead {nora} exists"
    ),
    "UPDATE lane SET ledger_seq = ledger_seq - 1": (
        "account 1, lane: its number is {last_but_one}, and the newest ledger row has {last}"
    ),
    "DELETE FROM lane": "account 1, lane: it does not exist",
    "UPDATE merged_lead SET lead_id = 1000000999": (
        "account 1, merged lead {merged}: it leads to lead 1000000999, which never was or was lost"
    ),
    "UPDATE merged_lead SET seq = 999": (
        "account 1, merged lead {merged}: it was merged into lead {nora} by a ledger row that does"
        " not exist"
    ),
    "UPDATE merged_lead SET id = {nora}": (
        "account 1, merged lead {nora}: it was merged into lead {nora}, and still is a lead of its"
        " own"
    ),
    "UPDATE delivery_figure SET deliveries = deliveries + 1 WHERE outcome = 'created'": (
        "account 1, figures: 1 counts of delivery_figure differ from the ledger"
    ),
    "DELETE FROM caller_figure WHERE outcome = 'created'": (
        "account 1, figures: 1 counts of caller_figure differ from the ledger"
    ),
    "UPDATE hour_figure SET deliveries = 9 WHERE grouping = 'outcome' AND value = 'deleted'": (
        "account 1, figures: 1 counts of hour_figure differ from the ledger"
    ),
    "UPDATE lead_figure SET leads = 9 WHERE field = 'status_id'": (
        "account 1, figures: 1 counts of lead_figure differ from the leads"
    ),
    "UPDATE queue_progress SET open_deliveries = 4": (
        "account 1, queue: 4 deliveries are open by its count, and 1 are"
    ),
    "DELETE FROM open_group": "account 1, queue: 1 groups of the queue are counted wrongly",
    "DROP INDEX lead_by_name": "database: the index lead_by_name is missing",
    "DROP TABLE sent_form": "database: the table sent_form is missing",
}


@pytest.mark.parametrize("change", CONTRADICTIONS)
async def test_a_contradiction_is_found(
    account: AccountStore, store: Store, database: Database, change: str
) -> None:
    nora_id = await filled(account)
    ((last,),) = database.rows("SELECT max(seq) FROM ledger")
    ((updated,),) = database.rows("SELECT seq FROM ledger WHERE outcome = 'updated'")
    ((merged,),) = database.rows("SELECT id FROM merged_lead")
    names = {
        "nora": nora_id,
        "before": nora_id - 1,
        "merged": merged,
        "updated": updated,
        "last": last,
        "last_but_one": last - 1,
    }
    database.execute(change.format(**names))
    findings = await found(store)
    assert CONTRADICTIONS[change].format(**names) in findings
    assert NORA not in "".join(findings)


async def test_a_lead_that_vanished_is_found(account: AccountStore, store: Store) -> None:
    nora_id = await filled(account)
    account.database.execute(f"DELETE FROM lead WHERE id = {nora_id}")
    account.database.execute("UPDATE lane SET lead_count = 0")
    findings = await found(store)
    assert "account 1, lane: it has 0 leads, and the ledger leaves 1" in findings


async def test_figures_are_counted_again_as_documented(account: AccountStore, store: Store) -> None:
    await filled(account)
    account.database.execute("UPDATE lead_figure SET leads = 9")
    account.database.execute("UPDATE queue_progress SET open_deliveries = 4")
    account.database.execute("DELETE FROM hour_figure")
    assert len(await found(store)) == 3
    page = OPERATING.read_text(encoding="utf-8")
    (block,) = re.findall(r"^```sql\nBEGIN;\n(.*?)COMMIT;\n```", page, re.DOTALL | re.MULTILINE)
    for statement in block.strip().split("\n"):
        account.database.execute(statement)
    await fold_all(account)
    assert await found(store) == []
    assert await store.open_deliveries(account.account_id) == 1


async def test_a_start_looks_at_the_ends_alone(account: AccountStore, store: Store) -> None:
    await filled(account)
    assert list(await store.quick_check()) == []
    account.database.execute("UPDATE lane SET last_id = 1000000001, ledger_seq = ledger_seq - 1")
    lines = [finding.what for finding in await store.quick_check()]
    assert len(lines) == 3
    assert lines[1].startswith("the last id is 1000000001, and lead ")
    account.database.execute("DELETE FROM lane")
    assert [one.what for one in await store.quick_check()] == ["it does not exist"]
