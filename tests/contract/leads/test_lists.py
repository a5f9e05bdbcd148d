"""A list for people has the leads that the model names, however few are examined for a page."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator

import msgspec
import pytest
from sqlalchemy import Connection, create_engine
from tests.support.domain.lead_writes import delete
from tests.support.domain.random_searches import RandomSearches, fill
from tests.support.domain.search_model import expected
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore
from tests.support.storage.databases import PostgresqlDatabase, SqliteDatabase
from tests.support.tiers import slow_after

from onelead.contract.leads import LeadList
from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import DataType
from onelead.domain.errors import InputInvalid
from onelead.domain.lead import Lead
from onelead.domain.search import (
    LAST_CONTACTED,
    LIST_SORT_KEYS,
    SORT_KEYS,
    Combination,
    FieldFilter,
    LeadSearch,
    Range,
    TagFilter,
    custom_sort_key,
)
from onelead.storage.leads.lists import list_leads

LEADS = 100
#: A list that examines this few leads for a page has to find its leads page by page.
BOUND = 20


class Lists:
    """The leads of an account, and its lists with a bound that a few leads reach."""

    def __init__(self, account: AccountStore, connection: Connection, clock: Clock) -> None:
        self.account = account
        self.connection = connection
        self.clock = clock
        self.chance = random.Random(3)

    async def fill(self) -> None:
        for data_type in DataType:
            await self.account.field(name=data_type.value, data_type=data_type.value)
        await fill(self.account, self.clock, self.chance, LEADS)
        self.leads = await self.account.leads()
        self.settings: AccountSettings = await self.account.settings()
        self.searches = RandomSearches(self.chance, self.leads, self.settings, self.clock.now)

    def expected(self, search: LeadSearch) -> list[Lead]:
        return expected(self.leads, search, self.settings, self.clock.now)

    def page(self, search: LeadSearch, *, bound: int = BOUND, backwards: bool = False) -> LeadList:
        found = list_leads(
            *(self.connection, self.settings, search),
            now=self.clock.now,
            backwards=backwards,
            bound=bound,
        )
        self.connection.rollback()
        return found

    def pages(self, search: LeadSearch, *, bound: int = BOUND) -> Iterator[LeadList]:
        for _ in range(LEADS):
            page = self.page(search, bound=bound)
            yield page
            if page.next_cursor is None:
                return
            search = msgspec.structs.replace(search, cursor=page.next_cursor)
        raise AssertionError("the list does not end")

    def check(self, search: LeadSearch, *, back: bool = True) -> None:
        """Walk through the whole list, and back again if asked."""
        pages = list(self.pages(search))
        walked = msgspec.structs.replace(search, sort_by=pages[0].sort_by)
        if pages[0].sort_by != search.sort_by:
            walked = msgspec.structs.replace(walked, descending=False)
        leads = self.expected(walked)
        assert [lead for page in pages for lead in page.leads] == leads, search
        for page in pages:
            is_right = page.count == len(leads) if page.is_count_exact else page.count <= len(leads)
            assert is_right, search
            assert len(page.leads) <= search.limit
        if back:
            self._check_back(search, pages, leads)

    def _check_back(self, search: LeadSearch, pages: list[LeadList], leads: list[Lead]) -> None:
        assert pages[0].previous_cursor is None
        found = list(pages[-1].leads)
        cursor = pages[-1].previous_cursor
        while cursor is not None:
            page = self.page(msgspec.structs.replace(search, cursor=cursor), backwards=True)
            found = [*page.leads, *found]
            cursor = page.previous_cursor
        assert found == leads, search


@pytest.fixture
async def lists(account: AccountStore, clock: Clock) -> AsyncIterator[Lists]:
    database = account.database
    if isinstance(database, SqliteDatabase):
        engine = create_engine(f"sqlite:///{database.path}")
    else:
        assert isinstance(database, PostgresqlDatabase)
        engine = create_engine(database.address.replace("postgresql:", "postgresql+psycopg:", 1))
    with engine.connect() as connection:
        made = Lists(account, connection, clock)
        await made.fill()
        yield made
    engine.dispose()


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    "sort_by", slow_after(2, ["name", "date_created", "title", "monetary_value"])
)
async def test_each_criterion_finds_in_pieces_what_the_model_finds(
    lists: Lists, sort_by: str
) -> None:
    for name in lists.searches.criteria:
        search = msgspec.structs.replace(
            lists.searches.search(name),
            sort_by=sort_by,
            descending=lists.chance.random() < 0.5,
            limit=lists.chance.choice((3, 7, 100)),
        )
        lists.check(search)


async def test_few_leads_are_sorted_by_every_key(lists: Lists) -> None:
    for sort_by in SORT_KEYS:
        descending = lists.chance.random() < 0.5
        search = LeadSearch(status_ids=(lists.leads[0].status_id,), sort_by=sort_by)
        search = msgspec.structs.replace(search, descending=descending, limit=200)
        page = lists.page(search, bound=LEADS)
        assert list(page.leads) == lists.expected(search)
        assert page.sort_by == sort_by


@pytest.mark.unmeasured
async def test_each_type_of_custom_field_is_found_in_pieces(lists: Lists) -> None:
    for field in lists.settings.fields:
        for number in range(6):
            entry = lists.searches.field_filter(field)
            lists.check(LeadSearch(custom_fields=(entry,), limit=5), back=number == 0)


@pytest.mark.parametrize("sort_by", LIST_SORT_KEYS)
async def test_all_leads_are_counted_and_listed_in_the_order_of_an_index(
    lists: Lists, sort_by: str
) -> None:
    page = lists.page(LeadSearch(sort_by=sort_by, limit=4))
    assert (page.count, page.is_count_exact, page.sort_by) == (LEADS, True, sort_by)
    assert page.examined is None
    lists.check(LeadSearch(sort_by=sort_by, descending=True, limit=4))


async def test_too_many_leads_are_sorted_by_name_which_the_list_reports(lists: Lists) -> None:
    page = lists.page(LeadSearch(sort_by="title", descending=True, limit=4))
    assert page.sort_by == "name"
    assert list(page.leads) == lists.expected(LeadSearch())[:4]
    few = lists.page(LeadSearch(sort_by="title", descending=True, limit=4), bound=LEADS)
    assert few.sort_by == "title"


async def test_few_leads_are_counted_and_sorted_by_anything(lists: Lists) -> None:
    """One rare value is enough, whatever the other criteria."""
    rare = LeadSearch(ids=tuple(lead.id for lead in lists.leads[:9]), sort_by="title", limit=2)
    for search in (rare, msgspec.structs.replace(rare, name="n", status_ids=(1, 2, 3))):
        page = lists.page(search)
        assert (page.count, page.is_count_exact) == (len(lists.expected(search)), True)
        assert page.sort_by == "title"


async def test_a_look_that_finds_little_says_how_far_it_went(lists: Lists) -> None:
    last = lists.expected(LeadSearch())[-1]
    search = LeadSearch(name=last.name, limit=5)
    first = lists.page(search)
    assert first.examined == BOUND
    assert not first.is_count_exact
    assert first.next_cursor is not None
    assert [lead.id for page in lists.pages(search) for lead in page.leads][-1] == last.id


async def test_one_value_with_an_index_has_a_known_minimum_of_leads(
    lists: Lists,
) -> None:
    status_ids = tuple(status.id for status in lists.settings.statuses)
    page = lists.page(LeadSearch(status_ids=status_ids, limit=5))
    assert (page.count, page.is_count_exact) == (BOUND + 1, False)
    both = LeadSearch(status_ids=status_ids, created_date=Range(0, None), limit=5)
    assert lists.page(both).count == 5, "for both together only the shown leads are known"


async def test_a_lead_with_several_matching_keys_counts_once(lists: Lists) -> None:
    tags = TagFilter(("fair", "spring", "VIP", "été", "%"), Combination.ANY)
    for bound in (BOUND, 60, 85, LEADS):
        for page in lists.pages(LeadSearch(tags=tags, limit=200), bound=bound):
            found = len(lists.expected(LeadSearch(tags=tags)))
            assert page.count <= found
            assert not page.is_count_exact or page.count == found


async def test_few_leads_are_sorted_by_custom_fields_and_the_last_contact(lists: Lists) -> None:
    keys = [custom_sort_key(field.id) for field in lists.settings.lead_fields]
    assert len(keys) == len(DataType)
    for sort_by in (*keys, LAST_CONTACTED):
        for descending in (False, True):
            search = LeadSearch(sort_by=sort_by, descending=descending, limit=7)
            # All leads are few for a list that can examine them all.
            pages = list(lists.pages(search, bound=LEADS))
            assert [one for page in pages for one in page.leads] == lists.expected(search), sort_by
            lists.check(search)
            for name in ("quick", "tags"):
                lists.check(
                    msgspec.structs.replace(
                        lists.searches.search(name), sort_by=sort_by, descending=descending
                    ),
                    back=False,
                )
    field = lists.settings.lead_fields[0]
    unknown = LeadSearch(sort_by=custom_sort_key(field.id + 1_000))
    with pytest.raises(InputInvalid, match="no custom field"):
        lists.page(unknown)


async def test_a_number_that_leads_have_twice_is_not_taken_for_one_of_few_leads(
    account: AccountStore, lists: Lists
) -> None:
    for number in range(BOUND - 2):
        await account.created(
            name=f"Nora {number}",
            phone_numbers=[f"512 555 77{number:02}1234", f"415 555 77{number:02}1234"],
        )
    lists.leads = await account.leads()
    lists.check(LeadSearch(quick="1234", sort_by="title"))


async def test_a_page_before_the_first_one_is_empty(lists: Lists) -> None:
    first = lists.page(LeadSearch(limit=5))
    second = lists.page(LeadSearch(limit=5, cursor=first.next_cursor))
    before = lists.page(LeadSearch(limit=5, cursor=second.previous_cursor), backwards=True)
    assert list(before.leads) == list(first.leads)
    assert before.previous_cursor is None


async def test_the_store_lists_what_the_model_finds(account: AccountStore, lists: Lists) -> None:
    search = LeadSearch(quick="nora", sort_by="title", limit=4)
    now = lists.clock.now
    page = await account.store.list_leads(account.account_id, search, now=now)
    found = lists.expected(search)
    assert 4 < len(found) < LEADS
    assert (list(page.leads), page.count) == (found[:4], len(found))
    search = msgspec.structs.replace(search, cursor=page.next_cursor)
    page = await account.store.list_leads(account.account_id, search, now=now)
    assert list(page.leads) == found[4:8]
    search = msgspec.structs.replace(search, cursor=page.previous_cursor)
    page = await account.store.list_leads(account.account_id, search, now=now, backwards=True)
    assert list(page.leads) == found[:4]


async def test_a_lead_deleted_in_between_leaves_no_gap(account: AccountStore) -> None:
    leads = [await account.created(name=f"Nora {n}") for n in range(6)]
    search = LeadSearch(limit=2)
    first = await account.store.list_leads(account.account_id, search, now=0)
    await account.result(delete(leads[1].id))
    search = msgspec.structs.replace(search, cursor=first.next_cursor)
    second = await account.store.list_leads(account.account_id, search, now=0)
    assert [lead.id for lead in second.leads] == [leads[2].id, leads[3].id]


async def test_what_cannot_be_searched_is_refused_as_by_the_api(account: AccountStore) -> None:
    field = await account.field(is_filterable=False)
    search = LeadSearch(custom_fields=(FieldFilter(field.id, ("C-1",)),))
    with pytest.raises(InputInvalid) as listed:
        await account.store.list_leads(account.account_id, search, now=0)
    with pytest.raises(InputInvalid) as searched:
        await account.store.search_leads(account.account_id, search, now=0)
    assert listed.value.problems == searched.value.problems


async def test_the_cursor_of_another_list_is_refused(account: AccountStore) -> None:
    for _ in range(2):
        await account.created()
    page = await account.store.list_leads(account.account_id, LeadSearch(limit=1), now=0)
    other = LeadSearch(limit=1, descending=True, cursor=page.next_cursor)
    with pytest.raises(InputInvalid, match="other criteria"):
        await account.store.list_leads(account.account_id, other, now=0)


async def test_another_account_has_a_list_of_its_own(account: AccountStore) -> None:
    lead = await account.created(name="Nora Field", tags=["fair"])
    other = await account.store.create_account("Other Ltd", "omar@other.example")
    for search in (LeadSearch(), LeadSearch(quick="nora"), LeadSearch(ids=(lead.id,))):
        page = await account.store.list_leads(other.account_id, search, now=0)
        assert (list(page.leads), page.count) == ([], 0)
    assert list(await account.store.tag_completions(other.account_id, "f", 5)) == []


async def test_tags_are_completed_in_any_case_by_name(account: AccountStore) -> None:
    await account.created(tags=["Fair", "spring", "fair 2026", "Été", "FAIRLY"])
    await account.created(tags=["fair", "far", "100%"])
    store, account_id = account.store, account.account_id
    assert list(await store.tag_completions(account_id, "FAIR", 5)) == [
        "Fair",
        "fair 2026",
        "FAIRLY",
    ]
    assert list(await store.tag_completions(account_id, "fa", 2)) == ["Fair", "fair 2026"]
    assert list(await store.tag_completions(account_id, "é", 5)) == ["Été"]
    assert list(await store.tag_completions(account_id, "%", 5)) == []
    assert len(await store.tag_completions(account_id, "", 50)) == 7
