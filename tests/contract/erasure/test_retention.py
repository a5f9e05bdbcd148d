"""Retention removes what old rows delivered, from tables and files, and leaves the leads alone."""

from __future__ import annotations

import pytest
from tests.support.domain.act_writes import keyed, merge, undo
from tests.support.domain.lead_writes import create, delete, update, upsert
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore
from tests.support.storage.remains import remains

from onelead.domain.errors import Erased

DAY_S = 86_400


@pytest.fixture
async def kept_for_a_month(account: AccountStore) -> AccountStore:
    """The account, which keeps payloads for thirty days."""
    account.database.execute(
        f"UPDATE account SET payload_days = 30 WHERE id = {account.account_id}"
    )
    account.database.execute("UPDATE lane SET settings_version = settings_version + 1")
    return account


async def retained(account: AccountStore) -> int:
    """Fold the figures and do all steps; return how many they were."""
    while await account.store.fold_ledger(account.account_id):
        pass
    for steps in range(1_000):
        if not await account.store.retention_step(account.account_id):
            return steps
    raise AssertionError("the retention does not end")


async def test_nothing_of_old_deliveries_is_left(
    kept_for_a_month: AccountStore, clock: Clock
) -> None:
    account = kept_for_a_month
    nora = await account.created(name="Nora Field", email="old-mail@q.example")
    for n in range(30):
        await account.results(
            update(nora.id, details=f"old words {n} " * (n * 50)),
            create(email="refused-mail@q.example"),
        )
    other = await account.created(name="Old Name", email="merged-mail@q.example")
    gone = await account.created(name="Gone Person", email="gone-mail@q.example")
    await account.results(
        update(nora.id, email="new-mail@q.example", details=None),
        upsert("name", "Nora Field", company_name="Kept Works"),
        delete(gone.id),
        merge(nora.id, other.id),
    )
    clock.advance(31 * DAY_S)
    young = await account.write(update(nora.id, title="Young Title"))
    before = account.ledger("seq, date, user_id, action, outcome, resource_id, version")
    leads = await account.leads()
    assert await retained(account) > 0
    old = ["old-mail", "old words", "refused-mail", "gone person", "gone-mail"]
    assert remains(account.database, old) == []
    assert await account.leads() == leads
    assert account.ledger("seq, date, user_id, action, outcome, resource_id, version") == before
    newest, *rest = await account.history(nora.id)
    assert (newest.seq, newest.erased) == (young.first_seq, None)
    assert {row.seq for row in rest if row.erased is None} == set()
    assert rest[0].erased == {"date": clock(), "user_id": None, "days": 30}


async def test_young_rows_and_accounts_without_it_keep_everything(
    account: AccountStore, clock: Clock
) -> None:
    nora = await account.created()
    clock.advance(1_000 * DAY_S)
    assert await retained(account) == 0
    account.database.execute("UPDATE account SET payload_days = 2000")
    account.database.execute("UPDATE lane SET settings_version = settings_version + 1")
    assert await retained(account) == 0
    (creation,) = await account.history(nora.id)
    assert creation.erased is None


async def test_what_was_removed_cannot_be_undone_or_answered_again(
    kept_for_a_month: AccountStore, clock: Clock
) -> None:
    account = kept_for_a_month
    write = keyed(create(name="Nora Field"), "key-1")
    created = await account.write(write)
    clock.advance(31 * DAY_S)
    await retained(account)
    assert isinstance((await account.result(undo(created.first_seq))).refusal, Erased)
    again = await account.result(write)
    # It is not done again, and what was answered is gone.
    assert (again.replayed_seq, again.lead) == (created.first_seq, None)
    assert len(await account.leads()) == 1


async def test_the_figures_stay_sums_over_the_ledger(
    kept_for_a_month: AccountStore, clock: Clock
) -> None:
    account = kept_for_a_month
    tier = await account.field(name="Tier", data_type="Dropdown")
    number = await account.field()
    await account.created(custom_fields={tier.id: tier.options[0].id, number.id: "A-1"})
    nora = await account.created(custom_fields={number.id: "A-2"})
    await account.result(update(nora.id, custom_fields={number.id: "A-3"}, name="Nora Fields"))
    clock.advance(31 * DAY_S)
    await retained(account)
    sql = "SELECT field, value, leads FROM lead_figure WHERE leads <> 0 ORDER BY field, value"
    counted = account.database.rows(sql)
    assert counted
    for table in (
        *("figure_progress", "lead_figure", "delivery_figure", "hour_figure"),
        *("caller_figure", "name_figure", "ledger_candidate"),
    ):
        account.database.execute(f"DELETE FROM {table}")
    await retained(account)
    assert account.database.rows(sql) == counted


async def test_another_process_goes_on_where_one_was(
    kept_for_a_month: AccountStore, elsewhere: AccountStore, clock: Clock
) -> None:
    account = kept_for_a_month
    for _ in range(6):
        await account.results(*(create(name="Nora Field") for _ in range(100)))
    clock.advance(31 * DAY_S)
    while await account.store.fold_ledger(account.account_id):
        pass
    assert await account.store.retention_step(account.account_id)
    erased = "SELECT count(*) FROM ledger_detail"
    assert account.database.rows(erased) == [(500,)]
    assert await elsewhere.store.retention_step(account.account_id)
    assert account.database.rows(erased) == [(600,)]
    assert await retained(elsewhere) == 1


async def test_files_are_cleaned_at_most_once_a_day(
    kept_for_a_month: AccountStore, clock: Clock
) -> None:
    account = kept_for_a_month
    nora = await account.created()
    clock.advance(3_600)
    await account.result(update(nora.id, title="Buyer"))
    clock.advance(30 * DAY_S - 3_600)
    assert await retained(account) == 0
    clock.advance(1)
    # The row is removed, then the files are cleaned.
    assert await retained(account) == 2
    clock.advance(3_600)
    assert await retained(account) == 1
    clock.advance(DAY_S - 3_600)
    assert await retained(account) == 1
    assert account.database.rows("SELECT date_cleaned FROM retention") == [(clock(),)]
