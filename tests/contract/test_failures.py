"""When the database fails, a commit of unknown outcome is looked up; the rest is reported."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from typing import Any, Generic, Protocol, TypeVar

import pytest
from tests.support.commands.process import DEADLINE_S
from tests.support.domain.lead_writes import create, settings_write, upsert
from tests.support.process.clock import Clock
from tests.support.storage.account_store import DEFINITION, AccountStore
from tests.support.storage.databases import Database
from tests.support.storage.faults import Faults, disk_error
from tests.support.storage.import_calls import import_calls

from onelead.contract.access import ApiKeyUse, KnownSession, LinkPurpose, StoredPassword, WebSession
from onelead.contract.audit import AuditSearch
from onelead.contract.batches import UndoOrder
from onelead.contract.checks import LedgerSums
from onelead.contract.credentials import CodeProof, FirstCode, Passkey, PendingKind, PendingSignIn
from onelead.contract.erasures import ErasureBy, ErasureRequest
from onelead.contract.figures import Division
from onelead.contract.ledger import LedgerSearch
from onelead.contract.store import Store
from onelead.domain.access import UserChange
from onelead.domain.account import Role
from onelead.domain.audit import COMMAND_LINE, AuditEntry, AuditEvent
from onelead.domain.errors import StoreUnavailable
from onelead.domain.figures import Grouping
from onelead.domain.matching import SimilarKeys
from onelead.domain.search import LeadSearch, TagSearch
from onelead.domain.settings.change import Resource
from onelead.domain.sign_in.attempts import Attempt, Count, Places
from onelead.domain.sign_in.company import CompanyIdentity
from onelead.domain.writes import Action, Outcome

T = TypeVar("T")

NORA = {"name": "Nora Field", "email": "nora@field.example"}


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
async def failing(database: Database, clock: Clock, faults: Faults) -> AsyncIterator[AccountStore]:
    """The account in a store whose database fails as `faults` says."""
    store = await database.open_faulty(clock, faults)
    yield await AccountStore.of(store, database.account.account_id, database)
    await store.close()


async def test_a_commit_that_failed_wrote_nothing(failing: AccountStore, faults: Faults) -> None:
    faults.before_commit = disk_error
    write = create(**NORA)
    with pytest.raises(StoreUnavailable):
        await failing.write(write)
    assert await failing.leads() == []
    assert failing.ledger("seq") == []
    assert (await failing.write(write)).first_seq == 1


async def test_a_commit_that_happened_is_answered_although_it_reported_an_error(
    failing: AccountStore, faults: Faults
) -> None:
    faults.after_commit = disk_error
    receipt = await failing.write(create(**NORA), upsert("name", "Nora Field", title="Buyer"))
    assert [result.outcome for result in receipt.results] == [Outcome.CREATED, Outcome.UPDATED]
    assert receipt.first_seq == 1
    (lead,) = await failing.leads()
    assert lead == receipt.results[-1].lead
    assert (await failing.write(create(name="Sam Roe"))).first_seq == 3
    assert await failing.unexplained() == []


async def test_a_batch_of_refusals_that_was_committed_is_found_too(
    failing: AccountStore, faults: Faults
) -> None:
    faults.after_commit = disk_error
    receipt = await failing.write(create(email="nameless@field.example"))
    assert [result.outcome for result in receipt.results] == [Outcome.REFUSED]


def write_elsewhere(database: Database, clock: Clock) -> None:
    """Write as another process does: with its own store, thread and event loop."""

    async def work() -> None:
        store = await database.open(clock)
        account = await AccountStore.of(store, database.account.account_id, database)
        await account.write(create(name="Sam Roe"))
        await store.close()

    with ThreadPoolExecutor(1) as process:
        process.submit(asyncio.run, work()).result()


@pytest.mark.parametrize("moment", ["before_commit", "after_commit"])
async def test_another_process_that_writes_before_the_look_is_not_mistaken_for_the_batch(
    failing: AccountStore, clock: Clock, faults: Faults, moment: str
) -> None:
    def fail_and_be_followed() -> None:
        faults.before_statement = lambda: write_elsewhere(failing.database, clock)
        disk_error()

    setattr(faults, moment, fail_and_be_followed)
    is_written = moment == "after_commit"
    if is_written:
        assert (await failing.write(create(**NORA))).first_seq == 1
    else:
        with pytest.raises(StoreUnavailable):
            await failing.write(create(**NORA))
    names = ["Nora Field", "Sam Roe"] if is_written else ["Sam Roe"]
    assert [lead.name for lead in await failing.leads()] == names
    assert await failing.unexplained() == []


async def test_a_commit_that_cannot_even_be_looked_up_is_reported_and_in_the_ledger(
    failing: AccountStore, faults: Faults
) -> None:
    def fail_twice() -> None:
        faults.before_statement = disk_error
        disk_error()

    faults.after_commit = fail_twice
    with pytest.raises(StoreUnavailable):
        await failing.write(create(**NORA))
    assert failing.ledger("seq, outcome") == [(1, "created")]
    assert await failing.unexplained() == []


async def test_a_settings_change_whose_commit_failed_wrote_nothing(
    failing: AccountStore, faults: Faults
) -> None:
    faults.before_commit = disk_error
    with pytest.raises(StoreUnavailable):
        await failing.field()
    assert (await failing.settings()).fields == ()
    assert failing.ledger("seq") == []
    field = await failing.field()
    assert (await failing.settings()).fields == (field,)
    assert await failing.unexplained() == []


async def test_a_settings_change_that_was_committed_is_answered_although_it_reported_an_error(
    failing: AccountStore, faults: Faults
) -> None:
    faults.after_commit = disk_error
    field = await failing.field()
    assert (await failing.settings()).fields == (field,)
    assert failing.ledger("seq, outcome") == [(1, "created")]
    assert await failing.unexplained() == []


def calls(account: AccountStore) -> dict[str, Callable[[], Awaitable[Any]]]:
    store, account_id = account.store, account.account_id
    change = settings_write(DEFINITION, Action.CREATE, {"name": "Size", "data_type": "String"})
    return {
        "build_index": lambda: store.build_index(account_id),
        "change_settings": lambda: store.change_settings(account_id, change),
        "account_ids": store.account_ids,
        "account_rows": lambda: store.account_rows(account_id),
        "settings": lambda: store.settings(account_id),
        "lead": lambda: store.lead(account_id, 1),
        "search_leads": lambda: store.search_leads(account_id, LeadSearch(), now=0),
        "lead_history": lambda: store.lead_history(account_id, 1, offset=0, limit=1),
        "tags": lambda: store.tags(account_id, TagSearch()),
        "caller": lambda: store.caller("hash"),
        "create_account": lambda: store.create_account("Other Ltd", "omar@other.example"),
        "create_first_account": lambda: store.create_first_account("Other Ltd", "o@other.example"),
        "create_api_key": lambda: store.create_api_key(account_id, "dana@shop.example", ""),
        "api_keys": lambda: store.api_keys(account_id),
        **import_calls(store, account_id),
        "revoke_api_key": lambda: store.revoke_api_key(account_id, 1),
        "create_user": lambda: store.create_user(account_id, "a@b.example", "", Role.ADMIN),
        "deactivate_user": lambda: store.deactivate_user(account_id, "dana@shop.example"),
        **attempt_calls(store),
        **sign_in_calls(store, account_id),
        **credential_calls(store, account_id),
        **page_calls(store, account_id),
        **erasure_calls(store, account_id),
        **company_calls(store, account_id),
        **check_calls(store, account_id),
    }


def erasure_calls(store: Store, account_id: int) -> dict[str, Callable[[], Awaitable[Any]]]:
    nobody = ErasureRequest(email="n@q.example")
    by = ErasureBy(request_id="erase-1", user_id=None, api_key_id=None)
    return {
        "preview_erasure": lambda: store.preview_erasure(account_id, nobody),
        "begin_erasure": lambda: store.begin_erasure(account_id, nobody, by),
        "erase_step": lambda: store.erase_step(account_id),
        "erasure": lambda: store.erasure(account_id, 1),
        "erasures": lambda: store.erasures(account_id),
        "retention_step": lambda: store.retention_step(account_id),
    }


def company_calls(store: Store, account_id: int) -> dict[str, Callable[[], Awaitable[Any]]]:
    identity = CompanyIdentity("https://id.shop.example", "77", "dana@shop.example", None)
    session, by = WebSession(account_id, 1, 0, 0, "", ""), COMMAND_LINE
    whose, issuer = (account_id, 1), identity.issuer
    return {
        "company_users": lambda: store.company_users(identity, by),
        "sign_in_by_company": lambda: store.sign_in_by_company(identity, "hash", session, by),
        "link_company": lambda: store.link_company(*whose, identity, by),
        "unlink_company": lambda: store.unlink_company(*whose, issuer, by),
        "company_link_date": lambda: store.company_link_date(*whose, issuer),
    }


def check_calls(store: Store, account_id: int) -> dict[str, Callable[[], Awaitable[Any]]]:
    return {
        "quick_check": store.quick_check,
        "check_tables": store.check_tables,
        "check_leads": lambda: store.check_leads(account_id, after=0),
        "check_keys": lambda: store.check_keys(account_id, after=None),
        "check_ledger": lambda: store.check_ledger(account_id, after=0),
        "check_account": lambda: store.check_account(account_id, LedgerSums()),
    }


def attempt_calls(store: Store) -> dict[str, Callable[[], Awaitable[Any]]]:
    places, count = Places("email", "address", "browser"), Count("address", 5)
    return {
        "known_places": lambda: store.known_places(places),
        "take_attempts": lambda: store.take_attempts([count]),
        "give_back_attempt": lambda: store.give_back_attempt(Attempt(count)),
        "remember_places": lambda: store.remember_places(places),
        "forget_old_attempts": store.forget_old_attempts,
    }


def sign_in_calls(store: Store, account_id: int) -> dict[str, Callable[[], Awaitable[Any]]]:
    session = WebSession(account_id, 1, 0, 0, "", "")
    stored = StoredPassword("dana@shop.example", account_id, 1, "Shop Ltd", "hash")
    change, purpose = UserChange(name="Dana"), LinkPurpose.INVITATION
    return {
        "change_user": lambda: store.change_user(account_id, 1, change),
        "record_api_key_uses": lambda: store.record_api_key_uses(account_id, [ApiKeyUse(1, 0, "")]),
        "session": lambda: store.session("hash"),
        "sessions": lambda: store.sessions(account_id, 1),
        "touch_session": lambda: store.touch_session("hash", 0),
        "end_session": lambda: store.end_session("hash"),
        "end_sessions": lambda: store.end_sessions(account_id, 1),
        "passwords": lambda: store.passwords("dana@shop.example"),
        "renew_password_hash": lambda: store.renew_password_hash(stored, "newer"),
        "sign_in": lambda: store.sign_in(stored, "hash", session),
        "change_password": lambda: store.change_password(account_id, 1, "new", keep=""),
        "sign_in_facts": lambda: store.sign_in_facts(account_id),
        "create_link": lambda: store.create_link(account_id, 1, purpose),
        "create_first_link": store.create_first_link,
        "link": lambda: store.link("hash"),
        "set_password": lambda: store.set_password("link", "new", "hash", session),
        "choose_account": lambda: store.choose_account("link", "hash", session),
        "record_audit": lambda: store.record_audit(
            account_id, AuditEntry(AuditEvent.SIGN_IN_REFUSED, COMMAND_LINE)
        ),
        "search_audit": lambda: store.search_audit(account_id, AuditSearch()),
        "active_users": lambda: store.active_users("dana@shop.example"),
        "email_hash": lambda: store.email_hash("dana@shop.example"),
        "begin_form": lambda: store.begin_form(account_id, "form"),
        "finish_form": lambda: store.finish_form(account_id, "form", "/leads"),
    }


def credential_calls(store: Store, account_id: int) -> dict[str, Callable[[], Awaitable[Any]]]:
    passkey = Passkey("id", account_id, 1, "key", 0, "Laptop", (), 0)
    pending = PendingSignIn(PendingKind.CODE, 300, account_id, 1)
    new = KnownSession("hash", WebSession(account_id, 1, 0, 0, "", ""))
    entry = AuditEntry(AuditEvent.SIGN_IN_REFUSED, COMMAND_LINE)
    whose, by, kind = (account_id, 1), COMMAND_LINE, PendingKind.CODE
    return {
        "begin_pending": lambda: store.begin_pending("hash", pending),
        "pending": lambda: store.pending("hash", kind),
        "take_pending": lambda: store.take_pending("hash", kind),
        "confirm_session": lambda: store.confirm_session(account_id, "hash", "password", by),
        "record_audit": lambda: store.record_audit(account_id, entry),
        "passkeys": lambda: store.passkeys(*whose),
        "passkey": lambda: store.passkey("id"),
        "add_passkey": lambda: store.add_passkey(passkey, by),
        "remove_passkey": lambda: store.remove_passkey(*whose, "id", by),
        "sign_in_with_passkey": lambda: store.sign_in_with_passkey(passkey, 1, new, by),
        "confirm_with_passkey": lambda: store.confirm_with_passkey(passkey, 1, "hash", by),
        "codes": lambda: store.codes(*whose),
        "begin_codes": lambda: store.begin_codes(*whose, "SECRET"),
        "turn_on_codes": lambda: store.turn_on_codes(*whose, FirstCode(1, ["x"]), by),
        "turn_off_codes": lambda: store.turn_off_codes(*whose, by),
        "renew_recovery_codes": lambda: store.renew_recovery_codes(*whose, ["x"], by),
        "sign_in_with_code": lambda: store.sign_in_with_code("hash", CodeProof(1), new, by),
        "sign_in_ways": lambda: store.sign_in_ways(account_id),
        "forget_credentials": lambda: store.forget_credentials(*whose, by),
    }


def page_calls(store: Store, account_id: int) -> dict[str, Callable[[], Awaitable[Any]]]:
    write = create(name="Nora Field")
    alike = SimilarKeys("name", frozenset({"nora field"}))
    status = Resource.LEAD_STATUS
    outcomes = Division(Grouping.OUTCOME, ["created"])
    return {
        "accounts_behind": store.accounts_behind,
        "fold_ledger": lambda: store.fold_ledger(account_id),
        "fold_state": lambda: store.fold_state(account_id),
        "deliveries_by_hour": lambda: store.deliveries_by_hour(account_id, outcomes, 0, 1),
        "deliveries_by_day": lambda: store.deliveries_by_day(account_id, outcomes, 0, 1, ahead_s=0),
        "deliveries_by_value": lambda: store.deliveries_by_value(account_id, outcomes, 0, 1),
        "deliveries_by_caller": lambda: store.deliveries_by_caller(account_id, 0, 1),
        "lead_figures": lambda: store.lead_figures(account_id),
        "deliveries_by_start": lambda: store.deliveries_by_start(
            account_id, Grouping.SHARED, "", 0, 1
        ),
        "leads_with_many_names": lambda: store.leads_with_many_names(account_id, 0, 1),
        "shared_values": lambda: store.shared_values(account_id, "email", after="", limit=1),
        "lead_ledger": lambda: store.lead_ledger(account_id, 1, limit=1),
        "sent_by": lambda: store.sent_by(account_id, 1, [1], limit=1),
        "lead_changes": lambda: store.lead_changes(account_id, 1, since_version=1, limit=1),
        "search_ledger": lambda: store.search_ledger(account_id, LedgerSearch()),
        "deleted_settings": lambda: store.deleted_settings(account_id, [1]),
        "ledger_row": lambda: store.ledger_row(account_id, 1),
        "plan_write": lambda: store.plan_write(account_id, write),
        "plan_writes": lambda: store.plan_writes(account_id, [write]),
        "list_leads": lambda: store.list_leads(account_id, LeadSearch(), now=0),
        "similar_lead_ids": lambda: store.similar_lead_ids(account_id, [alike], limit=1),
        "tag_completions": lambda: store.tag_completions(account_id, "a", 1),
        "leads_using": lambda: store.leads_using(account_id, status, 1, limit=1),
        "index_progress": lambda: store.index_progress(account_id),
        "key_rebuild_progress": lambda: store.key_rebuild_progress(account_id),
        **act_calls(store, account_id),
    }


def act_calls(store: Store, account_id: int) -> dict[str, Callable[[], Awaitable[Any]]]:
    return {
        "acts_about": lambda: store.acts_about(account_id, [1]),
        "distinct_pairs": lambda: store.distinct_pairs(account_id, [1, 2]),
        "distinct_page": lambda: store.distinct_page(account_id, None, offset=0, limit=1),
        "pairs_between": lambda: store.pairs_between(account_id, 1, 2),
        "rulings": lambda: store.rulings(account_id, offset=0, limit=1),
        "lead_of_value": lambda: store.lead_of_value(account_id, 1),
        "waiting_deliveries": lambda: store.waiting_deliveries(account_id, [1]),
        "follow_ledger": lambda: store.follow_ledger(account_id, LedgerSearch(), after=0),
        "ledger_seq": lambda: store.ledger_seq(account_id),
        **queue_calls(store, account_id),
        **long_work_calls(store, account_id),
    }


def queue_calls(store: Store, account_id: int) -> dict[str, Callable[[], Awaitable[Any]]]:
    return {
        "open_deliveries": lambda: store.open_deliveries(account_id),
        "queue_rows_behind": lambda: store.queue_rows_behind(account_id),
        "open_groups": lambda: store.open_groups(account_id, limit=1),
        "open_group": lambda: store.open_group(account_id, "match name x"),
        "beside_group": lambda: store.beside_group(account_id, 1),
        "deliveries_of_group": lambda: store.deliveries_of_group(account_id, "x", limit=1),
        "first_of_group": lambda: store.first_of_group(account_id, "x", limit=1),
        "refused_deliveries": lambda: store.refused_deliveries(account_id, [1]),
        "rows_of_batch": lambda: store.rows_of_batch(account_id, "x", limit=1),
    }


def long_work_calls(store: Store, account_id: int) -> dict[str, Callable[[], Awaitable[Any]]]:
    order = UndoOrder("undo-1", "batch-1", force=False, user_id=None, api_key_id=None)
    person = ErasureRequest(email="n@field.example")
    by = ErasureBy(request_id="request-1", user_id=None, api_key_id=None)
    return {
        "batch": lambda: store.batch(account_id, "x"),
        "undo_of_batch": lambda: store.undo_of_batch(account_id, "x"),
        "batch_results": lambda: store.batch_results(account_id, "x", after=0, limit=1),
        "newest_to_undo": lambda: store.newest_to_undo(account_id, "x", limit=1),
        "begin_undo": lambda: store.begin_undo(account_id, order),
        "accounts_undoing": store.accounts_undoing,
        "take_undo_step": lambda: store.take_undo_step(account_id, "holder"),
        "end_undo_step": lambda: store.end_undo_step(account_id, "x", "holder", None),
        "preview_erasure": lambda: store.preview_erasure(account_id, person),
        "begin_erasure": lambda: store.begin_erasure(account_id, person, by),
        "erase_step": lambda: store.erase_step(account_id),
        "erasure": lambda: store.erasure(account_id, 1),
        "erasures": lambda: store.erasures(account_id),
        "retention_step": lambda: store.retention_step(account_id),
    }


TRIED_ELSEWHERE = {"write_leads", "close", "is_ready", "pool_use", "snapshot"}
NEVER_RAISE = {"kind", "trouble", "concerns"}


async def test_every_call_says_that_the_database_does_not_answer(
    failing: AccountStore, faults: Faults
) -> None:
    for name, call in calls(failing).items():
        faults.before_statement = disk_error
        with pytest.raises(StoreUnavailable):
            raise AssertionError(f"{name} returned {await call()}")


async def test_no_call_is_left_out(failing: AccountStore) -> None:
    parts = [part for part in Store.__mro__ if part not in (Protocol, Generic, object)]
    promised = {name for part in parts for name in vars(part) if not name.startswith("_")}
    assert calls(failing).keys() | TRIED_ELSEWHERE | NEVER_RAISE == promised


async def test_a_store_is_ready_while_its_database_answers(
    failing: AccountStore, faults: Faults
) -> None:
    assert await failing.store.is_ready()
    faults.before_statement = disk_error
    assert not await failing.store.is_ready()
    assert await failing.store.is_ready()


async def test_a_busy_database_stops_writes_after_a_while_and_no_reads(
    database: Database, clock: Clock, account: AccountStore
) -> None:
    lead = await account.created()
    settings = await account.settings()
    impatient = await database.open(clock, busy_timeout_s=1)
    waiting = await AccountStore.of(impatient, account.account_id, database)
    with database.busy():
        with pytest.raises(StoreUnavailable):
            await waiting.write(create(name="Sam Roe"), settings=settings)
        with pytest.raises(StoreUnavailable):
            await waiting.field()
        assert await at_last(waiting.leads) == [lead]
        assert await at_last(impatient.is_ready)
    assert (await at_last(lambda: waiting.write(create(name="Sam Roe")))).first_seq == 2
    await impatient.close()


async def at_last(work: Callable[[], Awaitable[T]]) -> T:
    """Do what nothing blocks, again if need be: a busy machine can be slower than the timeout."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            with suppress(StoreUnavailable):
                if result := await work():
                    return result


async def test_a_write_waits_for_a_busy_database(failing: AccountStore, faults: Faults) -> None:
    settings = await failing.settings()
    asked = threading.Event()
    with failing.database.busy():
        faults.before_statement = asked.set
        write = asyncio.create_task(failing.write(create(**NORA), settings=settings))
        await asyncio.to_thread(asked.wait)
        assert not write.done()
    assert (await write).first_seq == 1


@pytest.mark.parametrize("moment", ["before_statement", "before_commit"])
async def test_a_batch_whose_caller_goes_away_is_finished_and_the_next_one_goes_on(
    failing: AccountStore, account: AccountStore, faults: Faults, moment: str
) -> None:
    settings = await failing.settings()
    reached, go_on = threading.Event(), threading.Event()

    def wait_in_a_thread() -> None:
        reached.set()
        if moment == "before_commit":
            go_on.wait()

    setattr(faults, moment, wait_in_a_thread)
    with failing.database.busy() if moment == "before_statement" else nullcontext():
        write = asyncio.create_task(failing.write(create(**NORA), settings=settings))
        await asyncio.to_thread(reached.wait)
        write.cancel()
        with pytest.raises(asyncio.CancelledError):
            await write
    go_on.set()
    receipt = await failing.write(create(name="Sam Roe"), settings=settings)
    # The abandoned batch may still be waiting for the lane of PostgreSQL, beside the next one.
    assert receipt.first_seq in {1, 2}
    await failing.store.close()
    assert {lead.name for lead in await account.leads()} == {"Nora Field", "Sam Roe"}
    assert account.ledger("seq") == [(1,), (2,)]
    assert await account.unexplained() == []


async def test_closing_waits_for_what_is_under_way(
    database: Database, clock: Clock, account: AccountStore
) -> None:
    closing = await AccountStore.of(await database.open(clock), account.account_id, database)
    settings = await account.settings()
    people = [create(name=f"Nora Field {number}") for number in range(20)]
    writes = [asyncio.create_task(closing.write(one, settings=settings)) for one in people]
    await asyncio.sleep(0)
    await closing.store.close()
    receipts = await asyncio.gather(*writes)
    # PostgreSQL lets them wait for the lane side by side, in no order; the writer is what keeps
    # them in order.
    assert sorted(receipt.first_seq for receipt in receipts) == list(range(1, 21))
    assert len(await account.leads()) == 20
