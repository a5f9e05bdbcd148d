"""The order of the leads found: every sort key, both ways, and equal leads by id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.support.api.answers import assert_invalid
from tests.support.api.lead_searches import found, leads_of, names, next_url, search
from tests.support.api.service import Service
from tests.support.api.wire_leads import source_ids, status_ids

Lead = dict[str, Any]


def text(key: str) -> Callable[[Lead], Any]:
    return lambda lead: (lead[key] or "").lower()


def place(key: str) -> Callable[[Lead], Any]:
    return lambda lead: ((lead["address"] or {}).get(key) or "").lower()


def reference(key: str) -> Callable[[Lead], Any]:
    return lambda lead: lead[key] or 0


def amount(lead: Lead) -> Any:
    value = lead["monetary_value"]
    return float("-inf") if value is None else value


def digits(lead: Lead) -> Any:
    first = lead["phone_numbers"][0]["number"] if lead["phone_numbers"] else ""
    return "".join(filter(str.isdigit, first))


def profile(lead: Lead) -> Any:
    return lead["socials"][0]["url"].lower() if lead["socials"] else ""


#: Each sort key, and its value in a lead; leads without a value come first.
SORT_KEYS: dict[str, Callable[[Lead], Any]] = {
    "name": text("name"),
    "first_name": text("first_name"),
    "last_name": text("last_name"),
    "company_name": text("company_name"),
    "title": text("title"),
    "value": amount,
    "email": lambda lead: lead["email"]["email"].lower() if lead["email"] else "",
    "phone": digits,
    "date_modified": reference("date_modified"),
    "date_created": reference("date_created"),
    "city": place("city"),
    "state": place("state"),
    "country": place("country"),
    "zip": place("postal_code"),
    "inactive_days": lambda lead: -lead["date_created"],
    "socials": profile,
    "assignee": reference("assignee_id"),
    "customer_source": reference("customer_source_id"),
    "monetary_value": amount,
    "status": reference("status_id"),
    "last_interaction": reference("date_created"),
    "interaction_count": reference("interaction_count"),
}


async def a_crowd(service: Service) -> list[Lead]:
    """Create six leads, of which some are equal in one respect and different in another."""
    statuses, sources = await status_ids(service), await source_ids(service)
    crowd: list[Lead] = [
        {
            "name": "delta One",
            "company_name": "b",
            "title": "T2",
            "monetary_value": 30,
            "email": {"email": "B@x.example"},
            "phone_numbers": [{"number": "(5) 55"}],
            "address": {"city": "Rome", "state": "TX", "postal_code": "9", "country": "IT"},
            "socials": [{"url": "z.example"}],
            "status_id": statuses["Open"],
        },
        {
            "name": "Alpha Two",
            "title": "t1",
            "customer_source_id": sources["Cold Call"],
            "email": {"email": "a@x.example"},
            "phone_numbers": [{"number": "12"}],
            "address": {"city": "austin", "postal_code": "10"},
            "monetary_value": 4.5,
            "assignee_id": service.account.user_id,
        },
        {
            "name": "charlie one",
            "company_name": "A",
            "monetary_value": -5,
            "address": {"state": "AZ", "country": "US"},
            "status_id": statuses["Junk"],
            "socials": [{"url": "A.example"}],
            "customer_source_id": sources["Email"],
        },
        {"name": "Bravo", "company_name": "b", "title": "T2", "monetary_value": 30},
        {"name": "bravo", "monetary_value": 0, "phone_numbers": [{"number": "7"}]},
        {"name": "Bravo", "address": {"city": "ROME", "country": "it"}},
    ]
    leads = []
    for number, properties in enumerate(crowd):
        leads.append(await service.lead(**properties))
        service.clock.advance(number % 2 * 50)
    for lead in leads[1], leads[3], leads[0]:
        await service.client.put(f"/leads/{lead['id']}", json={"details": "called"})
        service.clock.advance(10)
    return [(await service.client.get(f"/leads/{lead['id']}")).json() for lead in leads]


@pytest.mark.parametrize("sort_by", SORT_KEYS)
async def test_a_sort_key_both_ways(service: Service, sort_by: str) -> None:
    leads = await a_crowd(service)
    wanted = sorted(leads, key=lambda lead: (SORT_KEYS[sort_by](lead), lead["id"]))
    for up in ({"sort_direction": "asc"}, {"sort_direction": "ASC"}, {}):
        assert found(await search(service, {"sort_by": sort_by, **up})) == wanted
    for down in ("desc", "DESC"):
        criteria = {"sort_by": sort_by, "sort_direction": down}
        assert found(await search(service, criteria)) == wanted[::-1]
        assert found(await search(service, query=criteria)) == wanted[::-1]


@pytest.mark.parametrize("sort_by", SORT_KEYS)
async def test_a_walk_in_every_order(service: Service, sort_by: str) -> None:
    await a_crowd(service)
    for direction in ("asc", "desc"):
        criteria = {"sort_by": sort_by, "sort_direction": direction}
        everything = found(await search(service, criteria))
        walked: list[Lead] = []
        response = await search(service, criteria | {"page_size": 1})
        walked += found(response)
        while "next" in response.links:
            body = criteria | {"page_size": 1}
            response = await service.client.post(next_url(response), json=body)
            walked += found(response)
        assert walked == everything


async def test_names_are_sorted_by_default_as_people_read_them(service: Service) -> None:
    wanted = ["Álvaro", "Ben", "ben", "BEN", "zoe", "Zoë", "Омар", "نورا"]
    await leads_of(service, *({"name": name} for name in reversed(wanted)))
    by_default = names(await search(service, {}))
    by_name = names(await search(service, {"sort_by": "name", "sort_direction": "asc"}))
    assert by_default == by_name
    folded = [name.casefold() for name in by_default]
    assert folded == sorted(folded)
    assert by_default[:1] == ["BEN"]


@pytest.mark.parametrize("nothing", [None, ""])
async def test_no_sort_key_is_the_default(service: Service, nothing: str | None) -> None:
    await leads_of(service, {"name": "Sam"}, {"name": "Nora"})
    criteria = {"sort_by": nothing, "sort_direction": nothing}
    assert names(await search(service, criteria)) == ["Nora", "Sam"]


@pytest.mark.parametrize("sort_by", ["colour", "Name", "name desc", "name;--", "id"])
async def test_an_unknown_sort_key(client: httpx.AsyncClient, sort_by: str) -> None:
    response = await client.post("/leads/search", json={"sort_by": sort_by})
    assert_invalid(response, f'Sort By: is not one of {", ".join(SORT_KEYS)}: "{sort_by}"')
