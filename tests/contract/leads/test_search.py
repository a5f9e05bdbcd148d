"""A search finds exactly the leads that the model names, in its order, and counts them."""

from __future__ import annotations

import random

import pytest
from msgspec import structs
from tests.support.domain.random_searches import RandomSearches, fill
from tests.support.domain.search_model import expected
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore
from tests.support.tiers import slow_after

from onelead.contract.leads import LeadPage
from onelead.domain.custom_fields import DataType
from onelead.domain.errors import InputInvalid
from onelead.domain.lead import Lead
from onelead.domain.limits import SEARCH_VALUES_MAX
from onelead.domain.search import SORT_KEYS, Combination, FieldFilter, LeadSearch, Range, TagFilter

LEADS = 200


class World:
    """An account full of leads, and the model's answers about them."""

    def __init__(self, account: AccountStore, clock: Clock, seed: int) -> None:
        self.account = account
        self.clock = clock
        self.seed = seed
        self.chance = random.Random(seed)

    async def fill(self) -> None:
        for data_type in DataType:
            await self.account.field(name=data_type.value, data_type=data_type.value)
        await fill(self.account, self.clock, self.chance, LEADS)
        self.leads = await self.account.leads()
        self.settings = await self.account.settings()
        self.searches = RandomSearches(self.chance, self.leads, self.settings, self.clock.now)

    async def search(self, search: LeadSearch) -> LeadPage:
        account = self.account
        return await account.store.search_leads(account.account_id, search, now=self.clock.now)

    def expected(self, search: LeadSearch) -> list[Lead]:
        return expected(self.leads, search, self.settings, self.clock.now)

    async def check(self, search: LeadSearch) -> int:
        page = await self.search(search)
        leads = self.expected(search)
        assert list(page.leads) == leads, f"seed {self.seed}: {search}"
        assert (page.total, page.next_cursor) == (len(leads), None), f"seed {self.seed}: {search}"
        return len(leads)


@pytest.fixture(params=slow_after(1, [1, 2]))
async def world(request: pytest.FixtureRequest, account: AccountStore, clock: Clock) -> World:
    made = World(account, clock, request.param)
    await made.fill()
    return made


@pytest.mark.unmeasured
async def test_each_criterion_finds_what_the_model_finds(world: World) -> None:
    for name in world.searches.criteria:
        counts = [await world.check(world.searches.search(name)) for _ in range(8)]
        if name not in ("followed", "middle_name"):
            assert any(0 < count < LEADS for count in counts), f"{name} was not tried in earnest"


@pytest.mark.unmeasured
async def test_each_type_of_custom_field_finds_what_the_model_finds(world: World) -> None:
    for field in world.settings.fields:
        counts = []
        for _ in range(12):
            entry = world.searches.field_filter(field)
            counts.append(await world.check(LeadSearch(custom_fields=(entry,), limit=LEADS)))
        assert any(0 < count < LEADS for count in counts), f"{field.name} was not tried in earnest"


async def test_criteria_hold_together(world: World) -> None:
    counts = []
    for _ in range(80):
        names = world.chance.sample(list(world.searches.criteria), world.chance.randint(2, 3))
        counts.append(await world.check(world.searches.search(*names)))
    assert any(0 < count < LEADS for count in counts)


async def test_criteria_about_keys_alone_are_counted_exactly(world: World) -> None:
    """In every combination: of one, several, all and none of the values, and ranges."""
    number = next(field for field in world.settings.fields if field.name == "Float")
    text = next(field for field in world.settings.fields if field.name == "String")
    tags = sorted({tag for lead in world.leads for tag in lead.tags})
    found = 0
    for combination in Combination:
        for some in (tags[:1], tags[:2], [*tags[:1], *tags[:1]]):
            by_tags = LeadSearch(tags=TagFilter(tuple(some), combination))
            texts = [value for lead in world.leads if (value := lead.custom_fields.get(text.id))]
            in_range = FieldFilter(number.id, minimum=-(10**6), maximum=10**6)
            by_text = FieldFilter(text.id, tuple(texts[:3]), combination=combination)
            for fields in ((), (in_range,), (by_text,), (in_range, by_text)):
                found += await world.check(
                    structs.replace(by_tags, custom_fields=fields, limit=LEADS)
                )
    assert found


async def test_two_custom_fields_hold_together(world: World) -> None:
    for _ in range(20):
        fields = world.chance.sample(world.settings.fields, 2)
        entries = tuple(world.searches.field_filter(field) for field in fields)
        await world.check(LeadSearch(custom_fields=entries, limit=LEADS))


async def test_each_order_is_that_of_the_model_with_the_id_as_tie_break(world: World) -> None:
    for sort_by in SORT_KEYS:
        for descending in (False, True):
            await world.check(LeadSearch(sort_by=sort_by, descending=descending, limit=LEADS))


async def test_pages_by_offset_follow_each_other(world: World) -> None:
    for number in range(0, LEADS + 30, 30):
        search = LeadSearch(sort_by="title", offset=number, limit=30)
        page = await world.search(search)
        leads = world.expected(search)
        assert list(page.leads) == leads[number : number + 30]
        assert page.total == len(leads)
        assert (page.next_cursor is None) == (number + 30 >= len(leads))


async def test_leads_are_shown_by_the_settings_they_were_read_with(world: World) -> None:
    assert (await world.search(LeadSearch())).settings == world.settings


@pytest.mark.parametrize("combination", list(Combination))
async def test_a_search_may_name_as_many_values_as_are_allowed(
    account: AccountStore, combination: Combination
) -> None:
    options = [{"name": f"Option {number}"} for number in range(SEARCH_VALUES_MAX)]
    field = await account.field(data_type="MultiSelect", options=options)
    option_ids = tuple(option.id for option in field.options)
    await account.created(name="All", custom_fields={field.id: option_ids}, tags=["t0", "t1"])
    await account.created(name="One", custom_fields={field.id: option_ids[:1]}, tags=["t0"])
    await account.created(name="None")
    tags = tuple(f"t{number % 2}" for number in range(SEARCH_VALUES_MAX))
    for search in (
        LeadSearch(custom_fields=(FieldFilter(field.id, option_ids, combination),)),
        LeadSearch(tags=TagFilter(tags, combination)),
    ):
        page = await account.store.search_leads(account.account_id, search, now=0)
        names = {
            Combination.ANY: ["All", "One"],
            Combination.ALL: ["All"],
            Combination.NONE: ["None"],
        }
        assert [lead.name for lead in page.leads] == names[combination]


async def test_the_value_of_an_option_that_was_removed_counts_as_none(
    account: AccountStore,
) -> None:
    field = await account.field(data_type="Dropdown")
    silver, gold = field.options
    lead = await account.created(custom_fields={field.id: gold.id})
    await account.created(custom_fields={field.id: silver.id})
    await account.changed_field(field, options=[{"id": silver.id, "name": "Silver"}])
    search = LeadSearch(custom_fields=(FieldFilter(field.id, allow_empty=True),))
    page = await account.store.search_leads(account.account_id, search, now=0)
    assert [one.id for one in page.leads] == [lead.id]


async def test_a_field_that_cannot_be_searched_is_refused(account: AccountStore) -> None:
    text, off = await account.field(), await account.field(name="Off", is_filterable=False)
    for entry in (
        FieldFilter(77, ("C-1",)),
        FieldFilter(off.id, ("C-1",)),
        FieldFilter(text.id, (["C-1"],)),
        FieldFilter(text.id, minimum=1),
    ):
        search = LeadSearch(custom_fields=(entry,))
        with pytest.raises(InputInvalid):
            await account.store.search_leads(account.account_id, search, now=0)


async def test_an_empty_range_is_no_criterion(account: AccountStore) -> None:
    lead = await account.created()
    search = LeadSearch(monetary_value=Range(), created_date=Range())
    page = await account.store.search_leads(account.account_id, search, now=0)
    assert list(page.leads) == [lead]
