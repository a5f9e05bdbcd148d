"""0, 1, 2, 30 and 31 matches, by name, by e-mail and by a custom field of every type."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from tests.support.api.answers import assert_body
from tests.support.api.service import Service
from tests.support.api.wire_leads import (
    CUSTOM_VALUES,
    DATA_TYPES,
    assert_lead,
    assert_receipt,
    entry,
    stored_lead,
    table_rows,
    with_option_ids,
    written,
)

KINDS = ("name", "email", *DATA_TYPES)


@dataclass
class Matching:
    """A match, and the leads around it."""

    field_name: str
    field_value: Any
    #: The properties of a matching lead, and of another one.
    same: dict[str, Any]
    other: dict[str, Any]
    #: How the receipt names the match.
    receipt: str
    #: What the receipt of a create says about the matched field.
    changed: str

    async def upsert(self, service: Service, properties: dict[str, Any]) -> httpx.Response:
        return await service.upsert(properties, self.field_name, self.field_value)


async def a_matching(service: Service, kind: str) -> Matching:
    if kind == "name":
        nora, sam = {"name": "Nora Field"}, {"name": "Sam Roe"}
        return Matching("name", "Nora Field", nora, sam, "field=name", "name")
    if kind == "email":
        same, other = {"email": {"email": "nora@a.example"}}, {"email": {"email": "sam@a.example"}}
        return Matching("email", "nora@a.example", same, other, "field=email", "email")
    definition = await service.field(name=kind, data_type=kind)
    first, second = (with_option_ids(value, definition) for value in CUSTOM_VALUES[kind][:2])
    return Matching(
        "custom",
        entry(definition, first),
        {"custom_fields": [entry(definition, first)]},
        {"custom_fields": [entry(definition, second)]},
        f"field=custom; definition={definition['id']}",
        f"custom_fields.{definition['id']}",
    )


async def leads_of(service: Service, properties: dict[str, Any], number: int) -> list[int]:
    """Create leads with the properties and return their ids."""
    leads = [{"name": f"Lead {n}"} | properties for n in range(number)]
    ids: list[int] = []
    while leads:
        response = await service.client.post("/leads/bulk_create", json={"leads": leads[:10]})
        ids += [lead["id"] for lead in response.json()]
        leads = leads[10:]
    return ids


@pytest.mark.parametrize("kind", KINDS)
async def test_no_match_creates_a_lead_that_matches(service: Service, kind: str) -> None:
    matching = await a_matching(service, kind)
    others = await leads_of(service, matching.other, 2)
    properties = {"title": "Buyer"} | ({} if kind == "name" else {"name": "Zoe New"})
    response = await matching.upsert(service, properties)
    expected = await service.lead(**properties | matching.same)
    assert_lead(response, expected | {"id": response.json()["id"]})
    assert response.json()["id"] > others[-1]
    assert response.headers["Lead-Outcome"] == "created"
    assert response.headers["ETag"] == '"1"'
    assert response.headers["Lead-Match"] == f"{matching.receipt}; matches=0"
    assert matching.changed in response.headers["Lead-Changed"].split(", ")


@pytest.mark.parametrize("kind", KINDS)
async def test_the_same_again_finds_it(service: Service, kind: str) -> None:
    matching = await a_matching(service, kind)
    properties = {"title": "Buyer"} | ({} if kind == "name" else {"name": "Zoe New"})
    created = await matching.upsert(service, properties)
    service.clock.advance(60)
    response = await matching.upsert(service, properties)
    assert_lead(response, created.json())
    receipt = f"{matching.receipt}; matches=1"
    assert_receipt(
        response, lead_outcome="unchanged", lead_changed="", etag='"1"', lead_match=receipt
    )


@pytest.mark.parametrize("kind", KINDS)
async def test_one_match_is_updated(service: Service, kind: str) -> None:
    matching = await a_matching(service, kind)
    others = await leads_of(service, matching.other, 2)
    lead = await service.lead(**matching.same)
    service.clock.advance(60)
    response = await matching.upsert(service, {"title": "Buyer"})
    assert_lead(response, lead | {"title": "Buyer", "date_modified": service.clock.now})
    receipt = f"{matching.receipt}; matches=1"
    assert_receipt(
        response, lead_outcome="updated", lead_changed="title", etag='"2"', lead_match=receipt
    )
    assert await stored_lead(service, lead["id"]) == response.json()
    assert [(await stored_lead(service, other))["title"] for other in others] == [None, None]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("matches", [2, 30])
async def test_several_matches_are_refused_with_their_ids(
    service: Service, tmp_path: Path, kind: str, matches: int
) -> None:
    matching = await a_matching(service, kind)
    await leads_of(service, matching.other, 2)
    ids = await leads_of(service, matching.same, matches)
    before, ledger = written(tmp_path), table_rows(tmp_path, "ledger")
    response = await matching.upsert(service, {"name": "Zoe New", "title": "Buyer"})
    listed = ", ".join(map(str, ids))
    message = f"Invalid input: Multiple matches found: {matches} leads match: {listed}"
    body = {"success": False, "status": 422, "message": message, "ids": ids}
    assert_body(response, 422, body)
    receipt = f"{matching.receipt}; matches={matches}"
    assert_receipt(response, lead_outcome="refused", lead_changed="", lead_match=receipt)
    assert written(tmp_path) == before
    (row,) = table_rows(tmp_path, "ledger")[len(ledger) :]
    assert (row["outcome"], row["message"]) == ("refused", message)
    assert msgspec.json.decode(row["match"])["ids"] == ids
    assert row["resource_id"] is None


@pytest.mark.parametrize("kind", KINDS)
async def test_more_than_30_matches_are_refused_without_ids(
    service: Service, tmp_path: Path, kind: str
) -> None:
    matching = await a_matching(service, kind)
    await leads_of(service, matching.same, 31)
    before, ledger = written(tmp_path), table_rows(tmp_path, "ledger")
    response = await matching.upsert(service, {"name": "Zoe New", "title": "Buyer"})
    message = "Invalid input: Multiple matches found: more leads match than can be listed"
    assert_body(response, 422, {"success": False, "status": 422, "message": message})
    receipt = f"{matching.receipt}; matches=30+"
    assert_receipt(response, lead_outcome="refused", lead_changed="", lead_match=receipt)
    assert written(tmp_path) == before
    (row,) = table_rows(tmp_path, "ledger")[len(ledger) :]
    assert (row["outcome"], row["message"]) == ("refused", message)
    assert msgspec.json.decode(row["match"])["ids"] == []


async def test_31_becomes_30_when_one_is_deleted(service: Service) -> None:
    matching = await a_matching(service, "email")
    ids = await leads_of(service, matching.same, 31)
    await service.client.delete(f"/leads/{ids[0]}")
    response = await matching.upsert(service, {"title": "Buyer"})
    assert response.json()["ids"] == ids[1:]
