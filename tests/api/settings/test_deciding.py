"""Who decides a value, over the API."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.api.service import Service

NOTHING = {"policies": {}, "ranks": {}, "pins_edits": False, "payload_days": 0}


async def test_it_is_read_and_changed_member_by_member(service: Service) -> None:
    read = await service.client.get("/deciding")
    assert (read.status_code, read.json()) == (200, NOTHING)
    key = f"key-{(await service.store.api_keys(service.account.account_id))[0].id}"
    body = {"policies": {"title": "fill"}, "ranks": {key: 5}}
    answer = await service.client.put("/deciding", json=body)
    assert (answer.status_code, answer.headers["Setting-Outcome"]) == (200, "updated")
    assert answer.json() == NOTHING | body
    more = await service.client.put("/deciding", json={"payload_days": 30, "pins_edits": True})
    assert more.json() == body | {"payload_days": 30, "pins_edits": True}
    assert (await service.client.get("/deciding")).json() == more.json()
    again = await service.client.put("/deciding", json=body)
    assert again.headers["Setting-Outcome"] == "unchanged"


async def test_a_delivery_obeys_it(service: Service) -> None:
    await service.client.put("/deciding", json={"policies": {"title": "fill"}})
    lead = await service.lead(title="Buyer")
    answer = await service.client.put(f"/leads/{lead['id']}", json={"title": "Boss"})
    assert answer.json()["title"] == "Buyer"
    assert answer.headers["Lead-Outcome"] == "unchanged"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"policies": {"colour": "fill"}}, 'name fields that do not exist: "colour"'),
        ({"policies": {"title": "newer"}}, "each with one of overwrite, fill, newest, ranked"),
        ({"ranks": {"key-1": 1}}, 'name callers that do not exist: "key-1"'),
        ({"ranks": {"web": 1001}}, "a whole number from 0 to 1000"),
        ({"payload_days": 36501}, "must be a whole number from 0 to 36500"),
        ({"name": "Mine now"}, "Unrecognized attributes specified: name"),
    ],
)
async def test_what_cannot_be_is_refused(service: Service, body: Any, text: str) -> None:
    answer = await service.client.put("/deciding", json=body)
    assert answer.status_code == 422
    assert text in answer.json()["message"]
    assert (await service.client.get("/deciding")).json() == NOTHING


async def test_members_read_it_and_may_not_change_it(service: Service) -> None:
    member = await service.member()
    assert (await member.get("/deciding")).json() == NOTHING
    assert (await member.put("/deciding", json={"payload_days": 1})).status_code == 403
    assert (await service.client.get("/deciding")).json() == NOTHING


async def test_accounts_and_their_keys_are_apart(service: Service) -> None:
    other = await service.other_account()
    key = f"key-{(await service.store.api_keys(service.account.account_id))[0].id}"
    refused = await other.put("/deciding", json={"ranks": {key: 1}})
    assert refused.status_code == 422
    await service.client.put("/deciding", json={"policies": {"title": "fill"}})
    assert (await other.get("/deciding")).json() == NOTHING


async def test_without_a_key_it_says_nothing(service: Service) -> None:
    answer = await service.client.get("/deciding", headers={"X-PW-AccessToken": "wrong"})
    assert answer.status_code == 401
