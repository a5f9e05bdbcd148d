"""A connection fails at each point of a transaction: there is one answer, and it is true."""

from __future__ import annotations

import asyncio

import pytest
from tests.support.domain.lead_writes import create, settings_write, upsert
from tests.support.storage.account_store import DEFINITION, AccountStore
from tests.support.storage.faulty_network import (
    BATCH_POINTS,
    COMMIT,
    IMPATIENT_S,
    LANE,
    RETRY_S,
    SETTINGS_POINTS,
    Network,
)
from tests.support.storage.old_process import mark_upgraded
from tests.support.storage.postgresql_proxy import PREPARATION, Action, Moment, Point, Proxy

from onelead.domain.account import Role
from onelead.domain.errors import StoreUnavailable
from onelead.domain.limits import BATCH_WRITES_MAX
from onelead.domain.search import LeadSearch
from onelead.domain.writes import Action as WriteAction
from onelead.domain.writes import LeadWrite, Outcome

pytestmark = pytest.mark.slow

COMMIT_LOST = Point(Moment.BEFORE, COMMIT)
COMMIT_DONE = Point(Moment.DONE, COMMIT)


def person(number: int) -> LeadWrite:
    """A write that becomes an update only if it is done twice."""
    email = f"n{number}@field.example"
    return upsert("email", email, name="Nora Field", email=email)


async def test_a_batch_whose_connection_is_cut_is_written_once(
    account: AccountStore, network: Network, proxy: Proxy
) -> None:
    for seq, (name, point) in enumerate(BATCH_POINTS.items(), 1):
        fault = proxy.plan(Action.CUT, point)
        receipt = await account.write(person(seq))
        assert fault.reached.is_set(), name
        assert (receipt.first_seq, receipt.results[0].outcome) == (seq, Outcome.CREATED), name
    assert network.retries.reasons == {"connection_lost": len(BATCH_POINTS)}
    assert await account.unexplained() == []


async def test_a_batch_is_answered_after_its_delay_and_not_before(
    account: AccountStore, network: Network, proxy: Proxy
) -> None:
    points = [point for point in BATCH_POINTS.values() if point.moment is not Moment.SENT]
    for seq, point in enumerate(points, 1):
        fault = proxy.plan(Action.DELAY, point)
        writing = asyncio.create_task(account.write(person(seq)))
        await fault.reached.wait()
        assert len(await account.leads()) == seq - (point != COMMIT_DONE), point
        assert not writing.done()
        fault.let_go()
        assert (await writing).first_seq == seq
    assert network.retries.reasons == {}
    assert await account.unexplained() == []


async def test_batches_whose_connections_go_silent_are_written_once(network: Network) -> None:
    """The silences last as long as the application takes to notice, so they are kept together."""
    points = BATCH_POINTS.values()

    async def write_through_a_silence(point: Point, account_id: int) -> None:
        proxy = await network.proxy()
        account = await network.account(proxy, account_id, timeout_s=IMPATIENT_S)
        settings = await account.settings()
        fault = proxy.plan(Action.DROP, point)
        receipt = await account.write(person(1), settings=settings)
        assert fault.reached.is_set()
        assert (receipt.first_seq, receipt.results[0].outcome) == (1, Outcome.CREATED), point
        assert await account.unexplained() == []

    account_ids = await network.more_accounts(len(points))
    await asyncio.gather(*map(write_through_a_silence, points, account_ids))


async def test_a_settings_change_whose_connection_is_cut_is_written_once(
    account: AccountStore, proxy: Proxy
) -> None:
    for seq, (name, point) in enumerate(SETTINGS_POINTS.items(), 1):
        fault = proxy.plan(Action.CUT, point)
        body = {"name": f"Size {seq}", "data_type": "String"}
        change = settings_write(DEFINITION, WriteAction.CREATE, body)
        result = await account.store.change_settings(account.account_id, change)
        assert fault.reached.is_set(), name
        assert (result.seq, result.outcome) == (seq, Outcome.CREATED), name
    assert len((await account.settings()).fields) == len(SETTINGS_POINTS)
    assert await account.unexplained() == []


@pytest.mark.parametrize("point", [COMMIT_LOST, COMMIT_DONE])
async def test_another_process_that_writes_before_the_look_is_not_mistaken_for_the_batch(
    account: AccountStore, elsewhere: AccountStore, proxy: Proxy, point: Point
) -> None:
    ours, theirs = person(1), person(2)
    lost = proxy.plan(Action.CUT, point)
    writing = asyncio.create_task(account.write(ours))
    await lost.reached.wait()
    look = proxy.plan(Action.DELAY, Point(Moment.BEFORE, LANE))
    await look.reached.wait()
    assert (await elsewhere.write(theirs)).first_seq == 1 + (point == COMMIT_DONE)
    look.let_go()
    assert (await writing).first_seq == 1 + (point == COMMIT_LOST)
    assert await account.unexplained() == []


@pytest.mark.parametrize("is_settings_change", [False, True])
async def test_a_commit_that_arrives_late_is_waited_for_before_the_look(
    account: AccountStore, network: Network, proxy: Proxy, *, is_settings_change: bool
) -> None:
    """The application has lost the connection; the commit and the loss reach the server later."""
    late = proxy.plan(Action.LATE, COMMIT_LOST)
    work = account.field() if is_settings_change else account.write(person(1))
    writing = asyncio.create_task(work)
    await late.reached.wait()
    look = proxy.plan(Action.DELAY, Point(Moment.SENT, LANE))
    await look.reached.wait()
    look.let_go()
    assert account.ledger("seq") == []
    late.let_go()
    await writing
    assert account.ledger("seq, outcome") == [(1, "created")]
    assert network.retries.reasons == {"connection_lost": 1}
    assert await account.unexplained() == []


async def test_a_commit_that_is_lost_again_and_again_is_written_once(
    account: AccountStore, proxy: Proxy
) -> None:
    for _ in range(3):
        proxy.plan(Action.CUT, COMMIT_LOST)
    proxy.plan(Action.CUT, COMMIT_DONE)
    proxy.plan(Action.CUT, Point(Moment.DONE, LANE))
    assert (await account.write(person(1), person(2))).first_seq == 1
    assert proxy.planned == 0
    assert await account.unexplained() == []


async def test_a_commit_in_doubt_is_looked_up_once_although_the_time_is_over(
    network: Network,
) -> None:
    proxy = await network.proxy()
    account = await network.account(proxy, retry_s=0)
    proxy.plan(Action.CUT, COMMIT_DONE)
    assert (await account.write(person(1))).first_seq == 1
    assert await account.unexplained() == []


async def test_a_batch_that_cannot_be_looked_up_in_time_is_reported_and_in_the_ledger_once(
    network: Network,
) -> None:
    proxy = await network.proxy()
    account = await network.account(proxy, retry_s=0)
    write = person(1)
    proxy.plan(Action.CUT, COMMIT_DONE)
    proxy.plan(Action.CUT, Point(Moment.DONE, LANE))
    with pytest.raises(StoreUnavailable) as refusal:
        await account.write(write)
    assert refusal.value.retry_after_s == 1
    assert account.ledger("request_id, outcome") == [(write.delivery.request_id, "created")]
    assert await account.unexplained() == []


async def test_what_leaves_no_mark_in_the_ledger_is_not_done_twice(
    account: AccountStore, proxy: Proxy
) -> None:
    store, account_id = account.store, account.account_id
    for work in (
        lambda: store.create_account("Other Ltd", "omar@other.example"),
        lambda: store.create_user(account_id, "mia@shop.example", "Mia", Role.MEMBER),
        lambda: store.create_api_key(account_id, "dana@shop.example", "another"),
    ):
        proxy.plan(Action.CUT, COMMIT_DONE)
        with pytest.raises(StoreUnavailable):
            await work()
    assert len(await store.account_ids()) == 2
    assert len((await account.settings()).users) == 2
    assert len(await store.api_keys(account_id)) == 2
    proxy.plan(Action.CUT, COMMIT_LOST)
    with pytest.raises(StoreUnavailable):
        await store.create_account("Third Ltd", "omar@other.example")
    assert len(await store.account_ids()) == 2


async def test_a_step_of_the_index_work_is_done_again(account: AccountStore, proxy: Proxy) -> None:
    field = await account.field(is_filterable=False)
    customer = {field.id: "C-1"}
    for _ in range(5):
        await account.write(
            *(create(name="Nora Field", custom_fields=customer) for _ in range(BATCH_WRITES_MAX))
        )
    await account.changed_field(field, is_filterable=True)
    for point in (COMMIT_LOST, COMMIT_DONE):
        fault = proxy.plan(Action.CUT, point)
        assert await account.store.build_index(account.account_id)
        assert fault.reached.is_set()
    assert await account.unexplained() == []


async def test_a_step_of_the_rebuild_of_match_keys_is_done_once(
    account: AccountStore, proxy: Proxy
) -> None:
    await account.write(*(create(name="Nora Field") for _ in range(BATCH_WRITES_MAX)))
    mark_upgraded(account)
    # One step walks through the leads, and one ends the rebuild.
    for point in (COMMIT_LOST, COMMIT_DONE):
        fault = proxy.plan(Action.CUT, point)
        assert await account.store.build_index(account.account_id)
        assert fault.reached.is_set()
    assert not await account.store.build_index(account.account_id)
    assert not (await account.settings()).are_keys_stale
    assert await account.unexplained() == []


@pytest.mark.parametrize("moment", Moment)
async def test_a_read_whose_connection_is_cut_is_answered(
    account: AccountStore, proxy: Proxy, moment: Moment
) -> None:
    lead = await account.created()
    proxy.plan(Action.CUT, Point(moment, "SELECT lead.document"))
    assert (await account.store.lead(account.account_id, lead.id)).lead == lead
    proxy.plan(Action.CUT, Point(moment, "SELECT"))
    search = LeadSearch()
    page = await account.store.search_leads(account.account_id, search, now=0)
    assert list(page.leads) == [lead]
    proxy.plan(Action.CUT, Point(moment, "SELECT"))
    assert await account.store.is_ready()
    assert proxy.planned == 0


async def test_reads_on_silent_connections_are_answered_by_others(network: Network) -> None:
    """Also one that has read everything, and gets no answer to the end of its transaction."""

    async def read_through_a_silence(sql: str) -> None:
        proxy = await network.proxy()
        account = await network.account(proxy, timeout_s=IMPATIENT_S)
        lead = await account.created()
        proxy.plan(Action.DROP, Point(Moment.BEFORE, sql))
        assert (await account.store.lead(account.account_id, lead.id)).lead == lead
        assert proxy.planned == 0

    async def ask_through_a_silence() -> None:
        proxy = await network.proxy()
        account = await network.account(proxy, timeout_s=IMPATIENT_S)
        proxy.plan(Action.DROP, Point(Moment.BEFORE, "SELECT account.id"))
        await account.store.is_ready()
        assert proxy.planned == 0
        # On a busy machine a query may take longer than the store waits.
        while not await account.store.is_ready():
            pass

    async with asyncio.timeout(RETRY_S):
        await asyncio.gather(
            read_through_a_silence("SELECT lead.document"),
            read_through_a_silence("ROLLBACK"),
            ask_through_a_silence(),
        )


async def test_a_new_connection_that_goes_silent_is_given_up(network: Network) -> None:
    """It is opened, and the first statement on it gets no answer."""
    proxy = await network.proxy()
    account = await network.account(proxy, timeout_s=IMPATIENT_S)
    settings = await account.settings()
    await proxy.cut_all()
    silent = proxy.plan(Action.DROP, Point(Moment.BEFORE, PREPARATION))
    async with asyncio.timeout(RETRY_S):
        await account.write(create(name="Nora Field"), settings=settings)
    assert silent.reached.is_set()
