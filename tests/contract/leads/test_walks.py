"""A walk by cursor meets every lead once, at any depth, while others write."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator

import msgspec
import pytest
from tests.support.domain.lead_writes import create, delete, update
from tests.support.domain.random_searches import fill, lead_properties
from tests.support.domain.search_model import expected
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore

from onelead.contract.leads import LeadPage
from onelead.domain.errors import InputInvalid
from onelead.domain.lead import Lead
from onelead.domain.search import SORT_KEYS, LeadSearch, TagFilter

LEADS = 60


@pytest.fixture
async def account(account: AccountStore, clock: Clock) -> AccountStore:
    """An account in which many leads have the same values."""
    await account.field(data_type="Float")
    await fill(account, clock, random.Random(5), LEADS)
    return account


async def pages(account: AccountStore, search: LeadSearch) -> AsyncIterator[LeadPage]:
    """Follow the cursors to the end; before each page the caller takes over."""
    while True:
        page = await account.store.search_leads(account.account_id, search, now=0)
        yield page
        if page.next_cursor is None:
            return
        search = msgspec.structs.replace(search, cursor=page.next_cursor)


async def walked(account: AccountStore, search: LeadSearch) -> list[int]:
    return [lead.id async for page in pages(account, search) for lead in page.leads]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort_by", SORT_KEYS)
async def test_a_walk_meets_every_lead_once_in_order(
    account: AccountStore, sort_by: str, *, descending: bool
) -> None:
    search = LeadSearch(sort_by=sort_by, descending=descending, limit=7)
    leads = await account.leads()
    in_order = expected(leads, search, await account.settings(), 0)
    assert await walked(account, search) == [lead.id for lead in in_order]


async def test_a_walk_keeps_to_its_criteria(account: AccountStore) -> None:
    search = LeadSearch(tags=TagFilter(("fair",)), sort_by="title", limit=3)
    in_order = expected(await account.leads(), search, await account.settings(), 0)
    assert 3 < len(in_order) < LEADS
    assert await walked(account, search) == [lead.id for lead in in_order]


async def test_every_page_counts_all_that_match(account: AccountStore) -> None:
    totals = {page.total async for page in pages(account, LeadSearch(limit=7))}
    assert totals == {LEADS}


async def test_the_last_page_has_no_cursor(account: AccountStore) -> None:
    for limit in (LEADS - 1, LEADS, LEADS + 1):
        page = await anext(pages(account, LeadSearch(limit=limit)))
        assert (page.next_cursor is None) == (limit >= LEADS)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort_by", ["name", "date_created", "monetary_value", "city", "status"])
async def test_writes_in_between_make_a_walk_skip_and_repeat_nothing_untouched(
    account: AccountStore, clock: Clock, sort_by: str, *, descending: bool
) -> None:
    chance = random.Random(f"{sort_by} {descending}")
    settings = await account.settings()
    leads = await account.leads()
    untouched = {lead.id for lead in chance.sample(leads, LEADS // 2)}
    others = [lead.id for lead in leads if lead.id not in untouched]
    search = LeadSearch(sort_by=sort_by, descending=descending, limit=5)
    met: list[Lead] = []
    async for page in pages(account, search):
        met += page.leads
        clock.advance(60)
        await account.write(
            create(**lead_properties(chance, settings)),
            update(chance.choice(others), **lead_properties(chance, settings)),
            delete(chance.choice(others)),
        )
        if len(met) > 3 * LEADS:
            pytest.fail("the walk does not end")
    ids = [lead.id for lead in met]
    assert sorted(one for one in ids if one in untouched) == sorted(untouched)
    in_order = [lead for lead in met if lead.id in untouched]
    assert in_order == expected(in_order, search, settings, 0)


async def test_a_walk_in_the_order_of_changes_meets_what_changes_meanwhile(
    account: AccountStore, clock: Clock
) -> None:
    search = LeadSearch(sort_by="date_modified", limit=20)
    walk = pages(account, search)
    first = await anext(walk)
    clock.advance(60)
    await account.result(update(first.leads[0].id, details="Met again"))
    rest = [lead.id async for page in walk for lead in page.leads]
    assert rest[-1] == first.leads[0].id
    assert len(rest) == LEADS - 20 + 1


async def test_the_size_of_the_pages_may_change_in_a_walk(account: AccountStore) -> None:
    search = LeadSearch(sort_by="title", limit=5)
    first = await anext(pages(account, search))
    rest = msgspec.structs.replace(search, limit=LEADS, cursor=first.next_cursor)
    met = [*first.leads, *(await anext(pages(account, rest))).leads]
    assert met == expected(await account.leads(), search, await account.settings(), 0)


async def test_a_cursor_of_another_search_is_refused(account: AccountStore) -> None:
    first = await anext(pages(account, LeadSearch(limit=5)))
    for other in (
        LeadSearch(cursor=first.next_cursor, descending=True),
        LeadSearch(cursor=first.next_cursor, sort_by="title"),
        LeadSearch(cursor=first.next_cursor, name="nora"),
        LeadSearch(cursor="abc"),
        LeadSearch(cursor="é"),
        LeadSearch(cursor=""),
    ):
        with pytest.raises(InputInvalid):
            await account.store.search_leads(account.account_id, other, now=0)


@pytest.mark.parametrize("letter", ["a", "界", "\ufdfa"])
async def test_a_walk_goes_on_after_a_very_long_value(account: AccountStore, letter: str) -> None:
    """The cursor has to hold what the last lead of a page was sorted by."""
    for number in range(3):
        await account.created(socials=[f"https://social.example/{letter * 2000}{number}"])
    search = LeadSearch(sort_by="socials", descending=True, limit=1)
    assert len(await walked(account, search)) == LEADS + 3
