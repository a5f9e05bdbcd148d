"""`/distinct`: two leads that are two persons."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.support.api.acts import last_seq, merge, row, undo
from tests.support.api.answers import NOT_FOUND, UNAUTHORISED, assert_body, assert_invalid
from tests.support.api.service import Service

URL = "/distinct"


async def leads(service: Service, number: int) -> list[int]:
    return [(await service.lead())["id"] for _ in range(number)]


async def forget(client: httpx.AsyncClient, *lead_ids: int, query: str = "") -> httpx.Response:
    return await client.request("DELETE", URL + query, json={"lead_ids": lead_ids})


async def pairs(service: Service, **query: Any) -> list[list[int]]:
    response = await service.client.get(URL, params=query)
    assert response.headers["X-PW-TOTAL"] >= str(len(response.json()))
    return [one["lead_ids"] for one in response.json()]


async def test_it_is_remembered_until_it_is_taken_back(service: Service) -> None:
    one, other, third = await leads(service, 3)
    response = await service.client.post(URL, json={"lead_ids": [other, one]})
    seq = await last_seq(service)
    assert response.json() == {"lead_ids": [one, other], "seq": seq}
    assert response.headers["Lead-Outcome"] == "decided"
    assert (await row(service))["pair"] == [one, other]
    again = await service.client.post(URL, json={"lead_ids": [one, other]})
    assert again.headers["Lead-Outcome"] == "unchanged"
    await service.client.post(URL, json={"lead_ids": [third, other]})
    assert await pairs(service) == [[other, third], [one, other]]
    assert await pairs(service, page_size=1) == [[other, third]]
    assert await pairs(service, lead_id=one) == [[one, other]]
    preview = await forget(service.client, one, other, query="?dry_run=true")
    assert preview.json()["seq"] is None
    gone = await forget(service.client, other, one)
    assert gone.headers["Lead-Outcome"] == "decided"
    assert await pairs(service) == [[other, third]]
    assert_body(await forget(service.client, one, other), 404, NOT_FOUND)
    await undo(service, await last_seq(service))
    assert await pairs(service, lead_id=one) == [[one, other]]


async def test_pairs_of_merged_leads_count_for_the_lead_that_stands_for_them(
    service: Service,
) -> None:
    one, other, third, fourth = await leads(service, 4)
    for pair in ((one, other), (third, other), (one, third)):
        await service.client.post(URL, json={"lead_ids": pair})
    await merge(service, third, one)
    await merge(service, fourth, other)
    assert await pairs(service) == [[third, fourth], [third, fourth]]
    for lead_id in (one, other, third, fourth):
        assert await pairs(service, lead_id=lead_id) == [[third, fourth], [third, fourth]]
    # A key means one write, and these are two.
    service.client.headers["Idempotency-Key"] = "1"
    assert (await forget(service.client, fourth, one)).status_code == 200
    assert await pairs(service) == []


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize(
    ("body", "line"),
    [
        ({}, "Lead Ids: can't be blank"),
        ({"lead_ids": [1]}, "Lead Ids: must be a list of length >= 2, not [1]"),
        ({"lead_ids": [1, 2, 3]}, "Lead Ids: must be a list of length <= 2, not [1, 2, 3]"),
        ({"lead_ids": [1, "x"]}, 'Lead Ids: lead_ids[1] must be an integer, not "x"'),
    ],
)
async def test_what_is_not_understood(service: Service, method: str, body: Any, line: str) -> None:
    assert_invalid(await service.client.request(method, URL, json=body), line)


async def test_one_lead_is_one_person(service: Service) -> None:
    (one,) = await leads(service, 1)
    response = await service.client.post(URL, json={"lead_ids": [one, one]})
    assert_invalid(response, "Lead Ids: must be two leads")


async def test_leads_that_are_not_there(service: Service) -> None:
    (one,) = await leads(service, 1)
    assert_body(await service.client.post(URL, json={"lead_ids": [one, 7]}), 404, NOT_FOUND)
    line = "Lead Id: Invalid value for Lead Id: IDs must be positive integers: x"
    assert_invalid(await service.client.get(URL, params={"lead_id": "x"}), line)
    assert await pairs(service, lead_id=7) == []


async def test_an_account_decides_about_its_own_leads_alone(service: Service) -> None:
    one, other = await leads(service, 2)
    body = {"lead_ids": [one, other]}
    async with await service.other_account() as stranger:
        assert_body(await stranger.post(URL, json=body), 404, NOT_FOUND)
        await service.client.post(URL, json=body)
        assert_body(await forget(stranger, one, other), 404, NOT_FOUND)
        assert (await stranger.get(URL)).json() == []
        assert (await stranger.get(URL, params={"lead_id": one})).json() == []
    for method in ("GET", "POST", "DELETE"):
        response = await service.client.request(
            method, URL, json=body, headers={"X-PW-AccessToken": "x"}
        )
        assert_body(response, 401, UNAUTHORISED)
    async with await service.member() as member:
        assert (await forget(member, one, other)).status_code == 200
