"""What one caller has sent of several leads."""

from __future__ import annotations

from msgspec import structs
from tests.support.domain.act_writes import merge
from tests.support.domain.lead_writes import create, update
from tests.support.storage.account_store import AccountStore

from onelead.domain.writes import LeadWrite

CALLER, OTHER = 7, 8


def sent(write: LeadWrite, text: str, caller: int = CALLER) -> LeadWrite:
    delivery = structs.replace(write.delivery, payload=f'"{text}"', api_key_id=caller)
    return structs.replace(write, delivery=delivery)


async def payloads(account: AccountStore, *lead_ids: int, limit: int = 9) -> list[tuple[int, str]]:
    rows = await account.store.sent_by(account.account_id, CALLER, lead_ids, limit=limit)
    assert [row.seq for row in rows] == sorted((row.seq for row in rows), reverse=True)
    return [(row.lead_id, row.payload.strip('"')) for row in rows]


async def test_what_a_caller_sent_comes_newest_first(account: AccountStore) -> None:
    first, second = [
        one.lead.id
        for one in await account.results(
            sent(create(name="Nora"), "a"), sent(create(name="Sam"), "b")
        )
        if one.lead
    ]
    await account.results(
        sent(update(first, title="Buyer"), "c"),
        sent(update(first, title="Owner"), "of another", OTHER),
        sent(update(first, title="x" * 300), "refused"),
        update(first, title="by a person"),
    )
    assert await payloads(account, first, second) == [(first, "c"), (second, "b"), (first, "a")]
    assert await payloads(account, first, second, limit=1) == [(first, "c"), (second, "b")]
    assert await payloads(account, second) == [(second, "b")]
    assert await payloads(account) == []


async def test_a_survivor_has_what_was_sent_of_all(account: AccountStore) -> None:
    ids = [
        one.lead.id
        for one in await account.results(
            *(sent(create(name=name), name) for name in ("Nora", "Sam", "Kim"))
        )
        if one.lead
    ]
    await account.results(merge(ids[1], ids[2]), merge(ids[0], ids[1]))
    await account.results(sent(update(ids[0], title="Buyer"), "later"))
    found = await payloads(account, ids[0])
    assert found == [(ids[0], name) for name in ("later", "Kim", "Sam", "Nora")]
