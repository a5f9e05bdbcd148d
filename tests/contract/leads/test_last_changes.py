"""The order of the last change comes from the ledger, and is that of the leads themselves."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

import pytest
from msgspec import structs
from sqlalchemy import Connection, create_engine
from tests.support.domain.act_writes import merge, undo
from tests.support.domain.lead_writes import create, delete, update
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore
from tests.support.storage.databases import PostgresqlDatabase, SqliteDatabase
from tests.support.tiers import slow_after

from onelead.contract.erasures import ErasureBy, ErasureRequest
from onelead.contract.leads import LeadList
from onelead.domain.lead import Lead
from onelead.domain.search import LeadSearch, Range, TagFilter
from onelead.domain.writes import LeadWrite, Outcome
from onelead.storage.leads.lists import list_leads
from onelead.storage.leads.search import search_leads

DAY_S = 86_400
#: So that a look at the ledger ends before the leads do.
BOUND = 6


@pytest.fixture
def connection(account: AccountStore) -> Iterator[Connection]:
    database = account.database
    if isinstance(database, SqliteDatabase):
        engine = create_engine(f"sqlite:///{database.path}")
    else:
        assert isinstance(database, PostgresqlDatabase)
        engine = create_engine(database.address.replace("postgresql:", "postgresql+psycopg:", 1))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


class History:
    """Random writes and acts, several in a second, by a clock that sometimes goes back."""

    def __init__(self, account: AccountStore, clock: Clock, seed: int) -> None:
        self.account = account
        self.clock = clock
        self.chance = random.Random(seed)
        self.seqs: list[int] = []

    async def go_on(self, steps: int) -> None:
        for _ in range(steps):
            self.clock.now += self.chance.choice((0, 0, 1, 2, 40, -1, -30))
            ids = [lead.id for lead in await self.account.leads()]
            writes = [self._write(ids) for _ in range(self.chance.choice((1, 1, 2, 5)))]
            receipt = await self.account.write(*writes)
            self.seqs += receipt.seqs

    def _write(self, ids: Sequence[int]) -> LeadWrite:
        chance = self.chance
        roll = chance.random()
        if len(ids) < 3 or roll < 0.2:
            return create(name=f"Nora {chance.random()}", tags=[chance.choice(("fair", "web"))])
        if roll < 0.55:
            return update(chance.choice(ids), title=f"title {chance.randrange(3)}")
        if roll < 0.7:
            return merge(*chance.sample(ids, chance.choice((2, 3))))
        if roll < 0.75:
            return delete(chance.choice(ids))
        return undo(chance.choice(self.seqs[-12:]), force=True)


@pytest.fixture
async def history(account: AccountStore, clock: Clock, request: pytest.FixtureRequest) -> History:
    made = History(account, clock, seed=getattr(request, "param", 1))
    await made.go_on(40)
    return made


def in_order(leads: Sequence[Lead], search: LeadSearch) -> list[int]:
    """Return the ids of the leads that a search finds, sorted in Python."""
    dates = search.modified_date or Range()
    found = [
        lead
        for lead in leads
        if (dates.minimum is None or lead.date_modified >= dates.minimum)
        and (dates.maximum is None or lead.date_modified <= dates.maximum)
        and (search.tags is None or {*search.tags.tags} & {*lead.tags})
    ]
    found.sort(key=lambda lead: (lead.date_modified, lead.id), reverse=search.descending)
    return [lead.id for lead in found]


def searches(leads: Sequence[Lead], chance: random.Random) -> Iterator[LeadSearch]:
    dates = sorted(lead.date_modified for lead in leads)
    low, high = sorted(chance.sample(dates, 2))
    ranges = (None, Range(low), Range(None, high), Range(low, high), Range(low, low))
    for number, dates_wanted in enumerate(ranges):
        for descending in (False, True):
            search = LeadSearch(
                sort_by="date_modified", descending=descending, modified_date=dates_wanted
            )
            yield structs.replace(search, limit=3)
            tags = TagFilter(("fair",))
            yield structs.replace(search, limit=2, tags=tags if number % 2 else None)


def walked(
    page: Callable[[LeadSearch], tuple[list[int], str | None]], search: LeadSearch
) -> list[int]:
    """Follow the cursors of a search or a list to its end."""
    found: list[int] = []
    for _ in range(1_000):
        ids, cursor = page(search)
        found += ids
        if cursor is None:
            return found
        search = structs.replace(search, cursor=cursor)
    raise AssertionError("the walk does not end")


async def check(account: AccountStore, connection: Connection, chance: random.Random) -> None:
    """Hold searches and lists, forwards and back, against all leads sorted in Python."""
    leads, settings = await account.leads(), await account.settings()

    def searched(search: LeadSearch) -> tuple[list[int], str | None]:
        page = search_leads(connection, settings, search, now=0)
        connection.rollback()
        assert page.total == len(in_order(leads, search)), search
        return [lead.id for lead in page.leads], page.next_cursor

    def listed(search: LeadSearch, *, backwards: bool = False) -> LeadList:
        page = list_leads(connection, settings, search, now=0, bound=BOUND, backwards=backwards)
        connection.rollback()
        wanted = len(in_order(leads, search))
        assert page.count == wanted if page.is_count_exact else page.count <= wanted, search
        return page

    def forwards(search: LeadSearch) -> tuple[list[int], str | None]:
        page = listed(search)
        return [lead.id for lead in page.leads], page.next_cursor

    def back(search: LeadSearch) -> tuple[list[int], str | None]:
        page = listed(search, backwards=True)
        return [lead.id for lead in page.leads][::-1], page.previous_cursor

    for search in searches(leads, chance):
        expected = in_order(leads, search)
        assert walked(searched, search) == expected, search
        assert walked(forwards, search) == expected, search
        *_, last = pages_of(listed, search)
        if last.previous_cursor is not None:
            before = walked(back, structs.replace(search, cursor=last.previous_cursor))
            assert before[::-1] + [lead.id for lead in last.leads] == expected, search
        offset = structs.replace(search, offset=4)
        assert searched(offset)[0] == expected[4 : 4 + search.limit], offset


def pages_of(listed: Callable[[LeadSearch], LeadList], search: LeadSearch) -> Iterator[LeadList]:
    while True:
        page = listed(search)
        yield page
        if page.next_cursor is None:
            return
        search = structs.replace(search, cursor=page.next_cursor)


@pytest.mark.unmeasured
@pytest.mark.parametrize("history", slow_after(1, [1, 2]), indirect=True)
async def test_any_history_leaves_the_order_of_the_leads(
    history: History, connection: Connection
) -> None:
    outcomes = {row[0] for row in history.account.ledger("outcome")}
    assert outcomes >= {Outcome.MERGED, Outcome.RESTORED, Outcome.DELETED, Outcome.UPDATED}
    await check(history.account, connection, history.chance)


async def brought_back(account: AccountStore, clock: Clock) -> tuple[Lead, Lead]:
    """Merge two leads and undo it; return them."""
    nora, sam = [await account.created(name=name) for name in ("Nora Field", "Sam Roe")]
    await account.created(name="Kim Hill")
    clock.advance(10)
    receipt = await account.write(merge(nora.id, sam.id))
    clock.advance(10)
    await account.write(undo(receipt.seqs[0]))
    nora, sam, _kim = await account.leads()
    assert nora.date_modified == sam.date_modified == clock.now
    return nora, sam


async def test_a_lead_that_a_merge_gave_back_is_in_the_order(
    account: AccountStore, clock: Clock, connection: Connection
) -> None:
    await brought_back(account, clock)
    await check(account, connection, random.Random(1))


async def test_it_stays_there_when_its_row_was_removed_by_its_age(
    account: AccountStore, clock: Clock, connection: Connection
) -> None:
    await brought_back(account, clock)
    account.database.execute("UPDATE account SET payload_days = 30")
    account.database.execute("UPDATE lane SET settings_version = settings_version + 1")
    clock.advance(31 * DAY_S)
    while await account.store.fold_ledger(account.account_id):
        pass
    while await account.store.retention_step(account.account_id):
        pass
    assert account.database.rows("SELECT count(*) FROM ledger WHERE payload = ''") != [(0,)]
    await check(account, connection, random.Random(1))


async def test_it_stays_there_when_the_other_person_was_erased(
    account: AccountStore, clock: Clock, connection: Connection
) -> None:
    nora, _sam = await brought_back(account, clock)
    await account.created(name="Pat Lake")
    by = ErasureBy(request_id="erase-1", user_id=7, api_key_id=None, reason="")
    await account.store.begin_erasure(account.account_id, ErasureRequest(lead_id=nora.id), by)
    while await account.store.erase_step(account.account_id):
        pass
    assert len(await account.leads()) == 3
    await check(account, connection, random.Random(1))


async def test_a_lead_that_is_written_all_the_time_hides_no_other(
    account: AccountStore, clock: Clock, connection: Connection
) -> None:
    """The looks at its rows end at their bound, and the leads themselves are sorted."""
    for number in range(8):
        await account.created(name=f"Nora {number}")
        clock.advance(1)
    busy = await account.created(name="Sam Roe")
    for number in range(30):
        clock.advance(1)
        await account.write(update(busy.id, title=f"title {number}"))
    await check(account, connection, random.Random(1))
