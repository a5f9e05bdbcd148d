"""How tests search leads, by the body or the query string, and check the result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx
from tests.support.api.service import Service
from tests.support.api.wire_leads import source_ids, status_ids

#: When the first of a crowd is created.
START = 1_700_000_000
LINKEDIN = "https://www.linkedin.com/in/nora"


def in_query(criteria: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Spell criteria as a query string: lists as repeated keys, objects as JSON."""
    pairs: list[tuple[str, str]] = []
    for key, value in criteria.items():
        entries = value if isinstance(value, list) and not _has_objects(value) else [value]
        pairs += [(key, _text(entry)) for entry in entries]
    return tuple(pairs)


def has_query_form(criteria: Mapping[str, Any]) -> bool:
    """Say whether a query string can spell the criteria: it has no null and no empty list."""
    return not any(value in (None, []) or _has_null(value) for value in criteria.values())


def _has_null(value: Any) -> bool:
    return isinstance(value, list) and None in value


def _has_objects(entries: list[Any]) -> bool:
    return any(isinstance(entry, dict) for entry in entries)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


async def search(
    service: Service, criteria: Any = None, *, query: Mapping[str, Any] | None = None
) -> httpx.Response:
    """Search by criteria in the body, and by others in the query string."""
    params = httpx.QueryParams(in_query(query or {}))
    if criteria is None:
        return await service.client.post("/leads/search", params=params)
    return await service.client.post("/leads/search", params=params, json=criteria)


def found(response: httpx.Response) -> list[dict[str, Any]]:
    """Return the leads of a successful search."""
    assert response.status_code == 200, response.text
    return list(response.json())


def next_url(response: httpx.Response) -> str:
    """Return the address in the Link header."""
    path = response.links["next"]["url"]
    assert path.startswith("/developer_api/v1/leads/search?")
    return f"http://onelead.test{path}"


def names(response: httpx.Response) -> list[str]:
    """Return the names of the leads found, in order."""
    return [lead["name"] for lead in found(response)]


async def leads_of(service: Service, *properties: dict[str, Any]) -> list[dict[str, Any]]:
    """Create leads in order and return them as answered."""
    leads: list[dict[str, Any]] = []
    for start in range(0, len(properties), 10):
        body = {"leads": properties[start : start + 10]}
        response = await service.client.post("/leads/bulk_create", json=body)
        assert all("id" in lead for lead in response.json()), response.text
        leads += response.json()
    return leads


async def a_crowd(service: Service) -> dict[str, int]:
    """Create Nora, Sam, Zoë and Omar, 100 seconds apart, and return the ids of everything."""
    assert service.clock.now == START
    ids = {**await status_ids(service), **await source_ids(service)}
    ids["user"] = service.account.user_id
    crowd: list[dict[str, Any]] = [
        {
            "name": "Nora Jane Field",
            "email": {"email": " Nora@field.example "},
            "company_name": "Field Supplies",
            "title": "Head Buyer",
            "address": {"city": "Austin", "state": "TX", "postal_code": "73301", "country": "US"},
            "tags": ["fair", "warm"],
            "socials": [{"url": LINKEDIN}],
            "monetary_value": 2500,
            "assignee_id": ids["user"],
            "customer_source_id": ids["Email"],
            "status": "Open",
        },
        {
            "name": "Sam Roe",
            "email": {"email": "sam@roe.example"},
            "company_name": "Roe_& Sons 100%",
            "title": "buyer",
            "address": {"city": "Berlin", "country": "Germany"},
            "tags": ["Fair", "cold"],
            "monetary_value": -10.5,
        },
        {
            "name": "Zoë Müller",
            "email": {"email": "ZOE@Müller.example"},
            "address": {"state": "tx", "country": "US"},
            "tags": ["Warm"],
            "monetary_value": 0,
            "customer_source_id": ids["Cold Call"],
        },
        {"name": "Omar"},
    ]
    for properties in crowd:
        lead = await service.lead(**properties)
        ids[lead["name"]] = lead["id"]
        service.clock.advance(100)
    await service.client.put(f"/leads/{ids['Nora Jane Field']}", json={"details": "called"})
    return ids


def initials(found: list[str]) -> str:
    """Return the first letters of names."""
    return "".join(name[0] for name in found)
