"""Pages of a search: by number, and by a cursor that neither skips nor repeats a lead."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.support.api.answers import assert_invalid
from tests.support.api.lead_searches import found, leads_of, names, next_url, search
from tests.support.api.service import Service

PAGE_SIZE = "Page Size: must be an integer from 1 to 200"
PAGE_NUMBER = "Page Number: must be an integer from 1 to 1000000000"
NO_CURSOR = "Cursor: is not one that a search returned"


async def a_row(service: Service, number: int = 7) -> list[str]:
    """Create leads and return their names in order."""
    row = [f"Lead {n:02}" for n in range(number)]
    await leads_of(service, *({"name": name} for name in row))
    return row


@pytest.mark.parametrize("spell", [int, str, float, " {} ".format])
async def test_pages_by_number(service: Service, spell: Callable[[int], Any]) -> None:
    row = await a_row(service)
    for number, expected in ((1, row[:3]), (2, row[3:6]), (3, row[6:]), (4, []), (10**9, [])):
        page = {"page_number": spell(number), "page_size": spell(3)}
        for response in (await search(service, page), await search(service, query=page)):
            assert names(response) == expected
            assert response.headers["X-PW-TOTAL"] == "7"
            assert ("next" in response.links) is (number < 3)


async def test_a_page_has_20_leads_unless_more_are_asked_for(service: Service) -> None:
    row = await a_row(service, 22)
    first = await search(service, {})
    assert names(first) == row[:20]
    assert names(await search(service, {"page_number": 2})) == row[20:]
    everything = await search(service, {"page_size": 200})
    assert names(everything) == row
    assert first.headers["X-PW-TOTAL"] == everything.headers["X-PW-TOTAL"] == "22"


@pytest.mark.parametrize(
    ("page", "line"),
    [
        ({"page_size": 0}, f"{PAGE_SIZE}: 0"),
        ({"page_size": -1}, f"{PAGE_SIZE}: -1"),
        ({"page_size": 201}, f"{PAGE_SIZE}: 201"),
        ({"page_size": "abc"}, f'{PAGE_SIZE}: "abc"'),
        ({"page_size": "-3"}, f'{PAGE_SIZE}: "-3"'),
        ({"page_size": 10**30}, None),
        ({"page_size": 1.5}, None),
        ({"page_size": True}, None),
        ({"page_number": 0}, f"{PAGE_NUMBER}: 0"),
        ({"page_number": -1}, f"{PAGE_NUMBER}: -1"),
        ({"page_number": 10**9 + 1}, f"{PAGE_NUMBER}: 1000000001"),
        ({"page_number": 2**63}, f"{PAGE_NUMBER}: {2**63}"),
        ({"page_number": "9" * 30}, f'{PAGE_NUMBER}: "{"9" * 30}"'),
        ({"page_number": [1]}, None),
    ],
)
async def test_a_page_that_cannot_be(
    client: httpx.AsyncClient, page: dict[str, Any], line: str | None
) -> None:
    response = await client.post("/leads/search", json=page)
    if line is None:
        assert response.status_code == 422
        (attribute,) = page
        start = f"Invalid input: Validation errors: {attribute.replace('_', ' ').title()}: "
        assert response.json()["message"].startswith(start)
    else:
        assert_invalid(response, line)


# --- the cursor -----------------------------------------------------------------------------------


async def test_the_link_leads_to_the_next_page(service: Service) -> None:
    row = await a_row(service)
    criteria = {"page_size": 3, "name": "lead"}
    first = await search(service, criteria)
    assert list(httpx.URL(next_url(first)).params) == ["cursor"]
    second = await service.client.post(next_url(first), json=criteria)
    assert names(second) == row[3:6]
    assert second.headers["X-PW-TOTAL"] == "7"
    third = await service.client.post(next_url(second), json=criteria)
    assert names(third) == row[6:]
    assert "Link" not in third.headers


async def test_the_cursor_may_stand_in_the_body(service: Service) -> None:
    row = await a_row(service)
    first = await search(service, {"page_size": 3})
    cursor = httpx.URL(next_url(first)).params["cursor"]
    second = await search(service, {"page_size": 4, "cursor": cursor})
    assert names(second) == row[3:]


async def test_the_link_keeps_the_criteria_of_the_query_string(service: Service) -> None:
    tier = await service.field(data_type="Dropdown")
    row = await a_row(service)
    query = {
        "name": "Lead 0",
        "page_size": "3",
        "page_number": "1",
        "sort_direction": "desc",
        "status_ids": [str((await service.lead(name="Sam"))["status_id"]), "7"],
        "custom_field_computed_values": "true",
    }
    response = await search(service, query=query)
    walked = names(response)
    while "next" in response.links:
        response = await service.client.post(next_url(response))
        walked += names(response)
        empty = {"custom_field_definition_id": tier["id"], "value": None, "computed_value": None}
        assert response.json()[0]["custom_fields"] == [empty]
    assert walked == row[::-1]


async def test_a_walk_may_start_on_any_page_and_change_its_size(service: Service) -> None:
    row = await a_row(service)
    start = await search(service, {"page_size": 2, "page_number": 2})
    assert names(start) == row[2:4]
    following = await service.client.post(next_url(start), json={"page_size": 1, "page_number": 2})
    assert names(following) == row[4:5]
    rest = await service.client.post(next_url(following), json={"page_size": 200})
    assert names(rest) == row[5:]


@pytest.mark.parametrize("direction", ["asc", "desc"])
async def test_a_walk_skips_and_repeats_nothing_while_leads_come_and_go(
    service: Service, direction: str
) -> None:
    row = await a_row(service, 20)
    criteria = {"page_size": 3, "sort_direction": direction}
    response = await search(service, criteria)
    walked = found(response)
    for _ in range(7):
        # The lead at the cursor is deleted; others are created beside it and at both ends.
        gone = walked[-1]
        await service.client.delete(f"/leads/{gone['id']}")
        await leads_of(service, {"name": f"{gone['name']}!"}, {"name": "A"}, {"name": "Z"})
        response = await service.client.post(next_url(response), json=criteria)
        walked += found(response)
    while "next" in response.links:
        response = await service.client.post(next_url(response), json=criteria)
        walked += found(response)
    ids = [lead["id"] for lead in walked]
    assert len(set(ids)) == len(ids)
    seen = [lead["name"] for lead in walked if lead["name"] in row]
    assert seen == (row if direction == "asc" else row[::-1])
    assert ("Z" if direction == "asc" else "A") in [lead["name"] for lead in walked]


async def test_a_walk_goes_through_equal_leads(service: Service) -> None:
    leads = await leads_of(service, *[{"name": "Nora"}] * 9)
    for direction in ("asc", "desc"):
        criteria = {"page_size": 2, "sort_direction": direction}
        response = await search(service, criteria)
        walked = [lead["id"] for lead in found(response)]
        while "next" in response.links:
            response = await service.client.post(next_url(response), json=criteria)
            walked += [lead["id"] for lead in found(response)]
        assert sorted(walked) == [lead["id"] for lead in leads]
        assert len(set(walked)) == len(walked)


async def test_a_walk_of_nothing_more(service: Service) -> None:
    await a_row(service, 3)
    first = await search(service, {"page_size": 2})
    (last,) = found(await search(service, {"page_size": 2, "page_number": 2}))
    await service.client.delete(f"/leads/{last['id']}")
    second = await service.client.post(next_url(first), json={"page_size": 2})
    assert (second.json(), second.headers["X-PW-TOTAL"]) == ([], "2")
    assert "Link" not in second.headers


@pytest.mark.parametrize("nothing", [None, ""])
async def test_no_cursor_is_the_first_page(service: Service, nothing: str | None) -> None:
    row = await a_row(service, 3)
    assert names(await search(service, {"cursor": nothing})) == row


async def test_a_cursor_belongs_to_its_criteria(service: Service) -> None:
    await a_row(service)
    first = await search(service, {"page_size": 3})
    for other in ({"name": "lead"}, {"sort_by": "email"}, {"sort_direction": "desc"}):
        response = await service.client.post(next_url(first), json=other)
        assert_invalid(response, "Cursor: belongs to a search with other criteria")


@pytest.mark.parametrize(
    "cursor", ["x", "e30", "W10", "====", "a b", "ü", "../..", "A" * 10_000, "bnVsbA", "WzEsMl0"]
)
async def test_a_cursor_that_no_search_returned(client: httpx.AsyncClient, cursor: str) -> None:
    assert_invalid(await client.post("/leads/search", json={"cursor": cursor}), NO_CURSOR)
    assert_invalid(await client.post("/leads/search", params={"cursor": cursor}), NO_CURSOR)


@pytest.mark.parametrize(
    ("sort_value", "lead_id"),
    [("lead", 2**63), ("lead", 10**30), ("lead", -(2**63) - 1), (10**30, 1), (2**63, 1)],
)
async def test_a_cursor_that_was_tampered_with(
    service: Service, sort_value: Any, lead_id: int
) -> None:
    await a_row(service)
    first = await search(service, {"page_size": 3})
    text = httpx.URL(next_url(first)).params["cursor"]
    place = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    place[1:] = [sort_value, lead_id]
    forged = base64.urlsafe_b64encode(json.dumps(place).encode()).rstrip(b"=").decode()
    assert_invalid(await search(service, {"page_size": 3, "cursor": forged}), NO_CURSOR)
