"""Reads other than searches: one lead, its history, and the tags."""

from __future__ import annotations

import json

import pytest
from tests.support.domain.lead_writes import create, delete, update, upsert
from tests.support.storage.account_store import AccountStore

from onelead.domain.errors import ResourceNotFound
from onelead.domain.matching import MatchKey, similar_keys
from onelead.domain.search import TagSearch


async def tag_counts(account: AccountStore, search: TagSearch) -> list[tuple[str, int]]:
    tags = await account.store.tags(account.account_id, search)
    return [(tag.name, tag.count) for tag in tags]


@pytest.mark.parametrize("lead_id", [1, 1_000_000_001, 2**53 - 1])
async def test_an_unknown_lead_is_not_found(account: AccountStore, lead_id: int) -> None:
    await account.created()
    with pytest.raises(ResourceNotFound):
        await account.store.lead(account.account_id, lead_id)


async def test_a_history_has_the_newest_first(account: AccountStore) -> None:
    lead = await account.created()
    await account.created(name="Sam Roe")
    await account.results(
        update(lead.id, title="Buyer"),
        update(lead.id, title="Buyer"),
        upsert("name", "Nora Field", status="Unheard of"),
        update(lead.id, status="Unheard of"),
        delete(lead.id),
        delete(lead.id),
    )
    rows = await account.history(lead.id)
    assert [(row.seq, row.action, row.outcome) for row in rows] == [
        (8, "delete", "refused"),
        (7, "delete", "deleted"),
        (6, "update", "refused"),
        (4, "update", "unchanged"),
        (3, "update", "updated"),
        (1, "create", "created"),
    ]


async def test_a_history_shows_the_delivery_and_what_it_did(account: AccountStore) -> None:
    lead = await account.created()
    await account.result(update(lead.id, title="Buyer"))
    row = (await account.history(lead.id))[0]
    assert (row.version, row.user_id, row.api_key_id) == (2, 901, 951)
    assert row.changes == {"title": [None, "Buyer"]}
    assert json.loads(row.payload)["lead_id"] == lead.id
    assert (row.match, row.message) == (None, None)


async def test_a_history_is_paged(account: AccountStore) -> None:
    lead = await account.created()
    await account.results(*(update(lead.id, details=f"Met {number}") for number in range(9)))
    for offset, seqs in ((0, [10, 9, 8, 7]), (8, [2, 1]), (12, [])):
        page = await account.store.lead_history(account.account_id, lead.id, offset=offset, limit=4)
        assert [row.seq for row in page.rows] == seqs
        assert page.total == 10


async def test_the_history_of_a_lead_that_never_was_is_not_found(account: AccountStore) -> None:
    field = await account.field()
    await account.result(update(1_000_000_077, title="Buyer"))
    for lead_id in (1_000_000_077, 1_000_000_078, field.id):
        with pytest.raises(ResourceNotFound):
            await account.history(lead_id)


async def test_tags_are_counted_by_the_leads_that_have_them(account: AccountStore) -> None:
    await account.results(
        create(name="Nora Field", tags=["fair", "VIP"]),
        create(name="Sam Roe", tags=["fair", "spring"]),
        create(name="Pat Lake", tags=["été", "fair"]),
        create(name="No Tags"),
    )
    by_name = [("VIP", 1), ("fair", 3), ("spring", 1), ("été", 1)]
    by_count = [("fair", 3), ("VIP", 1), ("spring", 1), ("été", 1)]
    assert await tag_counts(account, TagSearch()) == by_name
    assert await tag_counts(account, TagSearch(by_count=True)) == by_count
    assert await tag_counts(account, TagSearch(after="fair")) == by_name[2:]
    assert await tag_counts(account, TagSearch(by_count=True, after="VIP")) == [
        ("fair", 3),
        *by_name[2:],
    ]


async def test_a_tag_is_shown_as_each_lead_spells_it(account: AccountStore) -> None:
    lead = await account.created(tags=["Fair"])
    await account.created(tags=["fair"])
    assert await tag_counts(account, TagSearch()) == [("Fair", 1), ("fair", 1)]
    await account.result(update(lead.id, tags=["fair"]))
    assert await tag_counts(account, TagSearch()) == [("fair", 2)]


async def test_tags_follow_the_leads(account: AccountStore) -> None:
    first = await account.created(tags=["fair", "VIP"])
    second = await account.created(tags=["fair"])
    await account.results(update(first.id, tags=["fair", "spring"]), delete(second.id))
    assert await tag_counts(account, TagSearch()) == [("fair", 1), ("spring", 1)]


async def test_the_tags_of_another_account_are_not_counted(account: AccountStore) -> None:
    other = await account.store.create_account("Other Ltd", "omar@other.example")
    await account.created(tags=["fair"])
    assert list(await account.store.tags(other.account_id, TagSearch())) == []


async def similar(
    account: AccountStore, *keys: MatchKey, limit: int = 9, account_id: int | None = None
) -> list[list[int]]:
    settings = await account.settings()
    wanted = [one for key in keys if (one := similar_keys(key, settings)) is not None]
    account_id = account_id or account.account_id
    found = await account.store.similar_lead_ids(account_id, wanted, limit=limit)
    return [list(ids) for ids in found]


async def test_leads_are_found_by_names_and_phone_numbers_that_are_similar(
    account: AccountStore,
) -> None:
    numbers = ("+1 512 555 0100", "555-0100", "512-555-0101", "0512-5550100", "5550100")
    ids = [(await account.created(phone_numbers=[number])).id for number in numbers]
    other = await account.created(name="Nora Fielding", phone_numbers=["50100", "5555 0100"])
    phone, name = MatchKey("phone", "5125550100"[::-1]), MatchKey("name", "nora field")
    assert await similar(account, phone, name) == [[ids[0], ids[1], ids[3], ids[4]], ids]
    assert await similar(account, MatchKey("phone", "50100"[::-1])) == [[other.id]]
    assert await similar(account, MatchKey("name", "nora")) == [[]]
    assert await similar(account) == []


async def test_similar_leads_are_limited_and_of_one_account(account: AccountStore) -> None:
    for number in ("512-555-0100", "1-512-555-0100", "555-0100"):
        await account.created(phone_numbers=[number])
    (found,) = await similar(account, MatchKey("phone", "5125550100"[::-1]), limit=2)
    assert len(found) == 2
    other = await account.store.create_account("Other Ltd", "omar@other.example")
    name = MatchKey("name", "nora field")
    assert await similar(account, name, account_id=other.account_id) == [[]]
