"""How tests search leads, by the body or the query string, and check the result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx
from tests.support.api.service import Service


def in_query(criteria: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Spell criteria as a query string: lists as repeated keys, objects as JSON."""
    pairs: list[tuple[str, str]] = []
    for key, value in criteria.items():
        entries = value if isinstance(value, list) and not _has_objects(value) else [value]
        pairs += [(key, _text(entry)) for entry in entries]
    return tuple(pairs)


def has_query_form(criteria: Mapping[str, Any]) -> bool:
    """Say whether a query string can spell the criteria: it has no null and no empty list."""
    return not any(value is None or value == [] for value in criteria.values())


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
