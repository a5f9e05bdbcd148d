"""`GET /ledger`: every write of an account, newest first, or in order as they come."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from tests.support.api.acts import ambiguous, folded, last_seq, merge, replay, row, rows, undo
from tests.support.api.answers import NOT_FOUND, UNAUTHORISED, assert_body, assert_invalid
from tests.support.api.service import BASE_URL, Service

from onelead.api.acts import ledger
from onelead.storage.ledger import follow


def seqs(found: list[dict[str, Any]]) -> list[int]:
    return [one["seq"] for one in found]


def next_ledger(response: httpx.Response) -> str:
    path = response.links["next"]["url"]
    assert path.startswith("/developer_api/v1/ledger?")
    return BASE_URL.removesuffix("/developer_api/v1") + str(path)


async def test_the_newest_come_first_and_older_ones_follow(service: Service) -> None:
    for _ in range(5):
        await service.lead()
    first = await service.client.get("/ledger", params={"limit": 2})
    assert seqs(first.json()) == [5, 4]
    second = await service.client.get(next_ledger(first))
    assert seqs(second.json()) == [3, 2]
    last = await service.client.get(next_ledger(second))
    assert (seqs(last.json()), "Link" in last.headers) == ([1], False)


async def test_a_row_of_a_list_has_no_payload(service: Service) -> None:
    lead = await service.lead(title="Buyer")
    (shown,) = await rows(service)
    whole = await row(service, 1)
    assert whole["payload"] == {"name": "Nora Field", "title": "Buyer"}
    assert {name: value for name, value in whole.items() if name != "payload"} == shown
    assert (shown["resource"], shown["lead_id"], shown["state"]) == ("lead", lead["id"], None)


async def test_settings_changes_are_in_it(service: Service) -> None:
    field = await service.field()
    shown = await row(service)
    assert (shown["resource"], shown["resource_id"], shown["lead_id"]) == (
        "custom_field_definition",
        field["id"],
        None,
    )


async def test_criteria(service: Service) -> None:
    ids, refused = await ambiguous(service)
    await folded(service)
    service.clock.advance(100)
    await service.client.put(f"/leads/{ids[0]}", json={"title": "Head"})
    update = await last_seq(service)
    async with await service.member() as member:
        await member.delete(f"/leads/{ids[0]}")
    delete = await last_seq(service)
    (key, *_) = await service.store.api_keys(service.account.account_id)
    user = service.account.user_id
    for query, found in (
        ({"outcome": "refused"}, [refused]),
        ({"outcome": "updated, deleted"}, [delete, update]),
        ({"action": "delete,upsert"}, [delete, refused]),
        ({"lead_id": ids[0]}, [delete, update, refused, refused - 2]),
        ({"lead_id": ids[1], "outcome": "created"}, [refused - 1]),
        ({"user_id": user, "action": "update"}, [update]),
        ({"api_key_id": key.id, "from": service.clock.now}, [update]),
        ({"until": service.clock.now, "outcome": "refused"}, [refused]),
        ({"from": service.clock.now}, [delete, update]),
        ({"after": refused, "outcome": "deleted"}, [delete]),
        # When the row came, it was not known whom it named.
        ({"after": 0, "lead_id": ids[0]}, [refused - 2, update, delete]),
        ({"after": 0, "limit": 2}, [refused - 2, refused - 1]),
        ({"before": refused - 1, "user_id": ""}, [refused - 2]),
    ):
        assert seqs(await rows(service, **query)) == found, query


@pytest.mark.parametrize(
    ("query", "line"),
    [
        ({"limit": "0"}, 'Limit: must be an integer from 1 to 200: "0"'),
        ({"limit": "x"}, 'Limit: must be an integer from 1 to 200: "x"'),
        ({"after": "-1"}, 'After: must be an integer from 0 to 9007199254740991: "-1"'),
        ({"from": "9" * 30}, f'From: must be an integer from 0 to 253402300799: "{"9" * 30}"'),
        ({"state": "old"}, 'State: is not one of open, applied, dismissed: "old"'),
        ({"after": "1", "before": "2"}, "Before: cannot be sent with after"),
        ({"after": "0", "state": "open"}, "State: cannot be sent with after"),
        ({"wait": "5"}, "Wait: needs after"),
        ({"wait": "31", "after": 1}, 'Wait: must be a number of seconds up to 30: "31"'),
        ({"wait": "nan", "after": 1}, 'Wait: must be a number of seconds up to 30: "nan"'),
        ({"outcomes": "x"}, "Base: Unrecognized attributes specified: outcomes"),
    ],
)
async def test_what_is_not_understood(service: Service, query: Any, line: str) -> None:
    assert_invalid(await service.client.get("/ledger", params=query), line)


async def test_words_that_are_none(service: Service) -> None:
    response = await service.client.get("/ledger", params={"outcome": "lost", "action": "lose"})
    lines = response.json()["message"].partition("errors: ")[2].split("\n")
    assert [line.partition(", ")[0] for line in lines] == [
        "Outcome: is not one of created",
        "Action: is not one of create",
    ]


async def test_a_refused_delivery_says_what_became_of_it(service: Service) -> None:
    _ids, seq = await ambiguous(service)
    (shown,) = await rows(service, outcome="refused")
    assert shown["state"] == "open"
    await service.client.post(f"/ledger/{seq}/dismiss")
    assert (await row(service, seq))["state"] == "dismissed"
    await undo(service, await last_seq(service))
    assert (await row(service, seq))["state"] == "open"


async def test_the_state_of_a_row_is_the_one_that_lists_it(service: Service) -> None:
    headers = {"Idempotency-Key": "1"}
    await service.client.post("/leads", json={"title": "Buyer"}, headers=headers)
    await service.client.post("/leads", json={"name": "Nora Field"}, headers=headers)
    _ids, seq = await ambiguous(service)
    await replay(service, seq)
    await folded(service)
    refused = await rows(service, outcome="refused")
    assert [(one["seq"], one["state"]) for one in refused] == [
        # A delivery that is tried again is in no list.
        (seq + 1, None),
        (seq, "open"),
        # Its key was used again, and that delivery was accepted.
        (1, "applied"),
    ]
    for state, found in (("open", [seq]), ("applied", [1]), ("dismissed", [])):
        assert seqs(await rows(service, state=state)) == found


async def test_a_follower_gets_each_row_once_while_others_write(service: Service) -> None:
    async def writes(number: int) -> None:
        for _ in range(10):
            await service.lead(name=f"Nora {number}")

    async def followed() -> list[int]:
        found: list[int] = []
        url = f"{BASE_URL}/ledger?after=0&wait=10&limit=7"
        while len(found) < 30:
            response = await service.client.get(url)
            found += seqs(response.json())
            url = next_ledger(response)
        return found

    all_of_them, *_ = await asyncio.gather(followed(), *map(writes, range(3)))
    assert all_of_them == list(range(1, 31))


async def test_a_call_waits_for_the_next_row(service: Service) -> None:
    await service.lead()
    url = "/ledger?after=1&wait=20"
    waiting = asyncio.create_task(service.client.get(url))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await service.lead()
    assert seqs((await waiting).json()) == [2]


async def test_a_call_that_waits_in_vain_says_where_to_go_on(service: Service) -> None:
    await service.lead()
    url = "/ledger?after=0&wait=0.1&outcome=deleted"
    response = await service.client.get(url)
    assert response.json() == []
    assert "after=1" in response.links["next"]["url"]
    service.runtime.stop_waiting()
    stopped = await service.client.get("/ledger?after=1&wait=30")
    assert stopped.json() == []


async def test_a_call_that_waits_examines_no_more_rows_than_another(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        await service.lead()
    for module in (ledger, follow):
        monkeypatch.setattr(module, "LEDGER_EXAMINED_MAX", 2)
    response = await service.client.get("/ledger?after=1&wait=30&outcome=deleted")
    assert response.json() == []
    assert "after=3" in response.links["next"]["url"]


async def test_the_accounts_do_not_see_each_other(service: Service) -> None:
    for _ in range(3):
        await service.lead()
    async with await service.other_account() as stranger:
        assert (await stranger.get("/ledger")).json() == []
        assert (await stranger.get("/ledger?after=0")).json() == []
        assert_body(await stranger.get("/ledger/3"), 404, NOT_FOUND)
    async with await service.member() as member:
        assert seqs((await member.get("/ledger")).json()) == [3, 2, 1]
    response = await service.client.get("/ledger", headers={"X-PW-AccessToken": "x"})
    assert_body(response, 401, UNAUTHORISED)


@pytest.mark.parametrize("seq", ["7", "0", "-1", "abc", "9" * 30])
async def test_a_row_that_is_not_there(service: Service, seq: str) -> None:
    assert_body(await service.client.get(f"/ledger/{seq}"), 404, NOT_FOUND)


async def histories(service: Service, *lead_ids: int) -> list[list[tuple[int, int]]]:
    found = []
    for lead_id in lead_ids:
        response = await service.client.get(f"/leads/{lead_id}/history")
        assert response.headers["X-PW-TOTAL"] == str(len(response.json()))
        found.append([(one["seq"], one["lead_id"]) for one in response.json()])
    return found


async def test_the_history_of_a_survivor_has_those_of_all(service: Service) -> None:
    (nora, other), refused = await ambiguous(service)
    third = (await service.lead(name="Sam Roe"))["id"]
    await folded(service)
    await merge(service, other, third)
    await merge(service, nora, other)
    await service.client.put(f"/leads/{other}", json={"title": "Head"})
    s = refused
    survivors, losers, inner = await histories(service, nora, other, third)
    # The refused delivery named both and is there once.
    assert survivors == [
        (s + 4, nora),
        (s + 3, nora),
        (s + 2, other),
        (s + 1, third),
        (s, None),
        (s - 1, other),
        (s - 2, nora),
    ]
    # A merged lead's ends with the row that leads on, and has that of the one merged into it.
    assert losers == [(s + 3, nora), (s + 2, other), (s + 1, third), (s, None), (s - 1, other)]
    assert inner == [(s + 2, other), (s + 1, third)]


async def test_a_long_history_of_many_leads_is_paged(service: Service) -> None:
    nora = (await service.lead())["id"]
    for start in range(0, 240, 30):
        ids = [(await service.lead(name=f"Nora {start + n}"))["id"] for n in range(30)]
        assert (await merge(service, nora, *ids)).status_code == 200
    found: list[int] = []
    for page in range(1, 4):
        response = await service.client.get(
            f"/leads/{nora}/history", params={"page_size": 100, "page_number": page}
        )
        found += seqs(response.json())
    assert found == list(range(await last_seq(service), 0, -1))
    assert response.headers["X-PW-TOTAL"] == str(len(found))


async def test_after_an_undo_each_lead_has_its_own_history_again(service: Service) -> None:
    nora, other = [(await service.lead())["id"] for _ in range(2)]
    await merge(service, nora, other)
    await undo(service, await last_seq(service))
    survivors, losers = await histories(service, nora, other)
    assert survivors == [(4, nora), (3, nora), (1, nora)]
    assert losers == [(2, other)]
