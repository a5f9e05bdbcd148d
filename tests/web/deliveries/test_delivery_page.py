"""One delivery in full: what came in, what it found and did, and its matches side by side."""

from __future__ import annotations

import json
from typing import Any

import pytest
from bs4 import Tag
from tests.support.api.service import Service, database_in
from tests.support.web.browser_client import Browser, Shown, tidy
from tests.support.web.web_service import Web

from onelead.domain.limits import MATCH_IDS_MAX, PRETTY_PAYLOAD_CHARS_MAX


def facts(shown: Shown) -> dict[str, str]:
    """Return what the page says about the delivery, by label."""
    labels = shown.texts("section[aria-label='What happened'] dt")
    return dict(zip(labels, shown.texts("section[aria-label='What happened'] dd"), strict=True))


def compared(shown: Shown) -> dict[str, list[str]]:
    """Return the rows of the comparison, by field."""
    rows: list[Tag] = shown.html.select("section[aria-labelledby=matches] tbody tr")
    cells = [[tidy(cell) for cell in row.select("th, td")] for row in rows]
    return {field: values for field, *values in cells}


async def test_an_update_says_when_who_and_what(
    web: Web, service: Service, browser: Browser
) -> None:
    lead = await service.lead(email={"email": "nora@field.example"})
    answer = await service.upsert({"title": "Buyer"}, "email", "nora@field.example")
    shown = await browser.get("/deliveries/2")
    told = facts(shown)
    assert told["Who"] == "dana"
    assert told["Via"].startswith("API key")
    assert told["Request id"] == answer.headers["x-request-id"]
    assert told["Matched"] == "1 lead by e-mail nora@field.example"
    assert told["Lead"] == "Nora Field version 2"
    assert shown.texts("section[aria-labelledby=changes] tbody tr") == ["Title empty Buyer"]
    assert json.loads(shown.one("#payload").get_text())["properties"] == {"title": "Buyer"}
    assert shown.one(f'main a[href="/leads/{lead["id"]}"]')


async def test_a_created_lead_and_one_that_is_deleted_since(
    service: Service, browser: Browser
) -> None:
    lead = await service.lead()
    await service.client.put(f"/leads/{lead['id']}", json={"title": "Buyer"})
    assert facts(await browser.get("/deliveries/1"))["Lead"] == "Nora Field version 1, now 2"
    await service.client.delete(f"/leads/{lead['id']}")
    assert facts(await browser.get("/deliveries/1"))["Lead"] == f"{lead['id']}, deleted"
    shown = await browser.get("/deliveries/3")
    assert "No body was sent: a delete needs none." in shown.text


async def test_the_matches_are_shown_side_by_side_with_what_was_delivered(
    service: Service, browser: Browser
) -> None:
    field = await service.field(name="Customer number")
    values = [[{"custom_field_definition_id": field["id"], "value": v}] for v in ("A-1", "A-2")]
    first = await service.lead(title="Buyer", company_name="Field", custom_fields=values[0])
    second = await service.lead(title="Owner", company_name="Field", custom_fields=values[1])
    gone = await service.lead(title="Intern")
    body = {"title": "Owner", "custom_fields": values[0]}
    assert (await service.upsert(body, "name", "Nora Field")).status_code == 422
    await service.client.delete(f"/leads/{gone['id']}")
    shown = await browser.get("/deliveries/5")
    assert "3 leads match" in shown.text
    rows = compared(shown)
    assert rows["Title"] == ["Owner", "≠ differs: Buyer", "Owner"]
    assert rows["Customer number"] == ["A-1", "A-1", "≠ differs: A-2"]
    assert rows["Company"] == ["not sent", "Field", "Field"]
    assert "Value" not in rows
    assert f"Since deleted: {gone['id']}." in shown.text
    for lead in (first, second):
        assert shown.html.select(f'section[aria-labelledby=matches] a[href="/leads/{lead["id"]}"]')


async def test_without_a_delivered_value_a_cell_differs_from_what_most_leads_have(
    service: Service, browser: Browser
) -> None:
    for title in ("Buyer", "Buyer", "Owner"):
        await service.lead(title=title)
    await service.upsert({}, "name", "Nora Field")
    shown = await browser.get("/deliveries/4")
    assert compared(shown)["Title"] == ["Buyer", "Buyer", "≠ differs: Owner"]


async def test_30_matches_are_shown_side_by_side_and_more_are_not_named(
    service: Service, browser: Browser
) -> None:
    for number in range(MATCH_IDS_MAX):
        await service.lead(title=f"Buyer {number}")
    await service.upsert({"title": "Owner"}, "name", "Nora Field")
    shown = await browser.get(f"/deliveries/{MATCH_IDS_MAX + 1}")
    assert len(compared(shown)["Title"]) == 1 + MATCH_IDS_MAX
    await service.lead()
    await service.upsert({"title": "Owner"}, "name", "Nora Field")
    shown = await browser.get(f"/deliveries/{MATCH_IDS_MAX + 3}")
    assert "More than 30 leads match" in shown.text
    assert shown.one('main a[href="/leads?name=nora+field"]')
    assert compared(shown) == {}


async def test_what_cannot_be_read_of_a_refused_delivery_leaves_the_rest(
    service: Service, browser: Browser
) -> None:
    await service.lead()
    await service.lead()
    answer = await service.client.put(
        "/leads/upsert",
        json={
            "properties": {"title": [5], "email": True, "company_name": "Field"},
            "match": {"field_name": "name", "field_value": "Nora Field"},
            "more": [],
        },
    )
    assert answer.status_code == 422
    shown = await browser.get("/deliveries/3")
    assert "Unrecognized attributes specified: more" in shown.text
    assert "Title: must be text or null, not [5]" in shown.text


@pytest.mark.parametrize("body", [{"leads": 5}, {"leads": [[], "x"] * 6}, {"more": {}}, {}])
async def test_a_bulk_delivery_that_was_refused_as_a_whole_is_shown(
    service: Service, browser: Browser, body: Any
) -> None:
    await service.client.post("/leads/bulk_create", json=body)
    shown = await browser.get("/deliveries/1")
    assert "Create refused" in shown.text
    assert json.loads(shown.one("#payload").get_text()) == body


async def test_a_change_of_the_settings_is_shown_to_admins_and_to_nobody_else(
    service: Service, browser: Browser, member: Browser
) -> None:
    field = await service.field(name="Customer number")
    shown = await browser.get("/deliveries/1")
    assert "Custom field “Customer number” created" in shown.text
    href = f"/settings/custom-fields/{field['id']}"
    assert shown.one(f'main a[href="{href}"]')
    assert not shown.html.select('main a[href^="/try?"]')
    await member.get("/deliveries/1", status=403)
    assert "“Customer number”" not in (await member.get("/deliveries")).text
    refused = await member.get("/deliveries?about=settings", status=403)
    assert "Only admins of this account" in refused.text
    assert "“Customer number” created" in (await browser.get("/deliveries?about=settings")).text


@pytest.mark.parametrize(
    "payload", ["not JSON <b>", "[1", "[" * 3000, "null", "\u2028 \U0001f600", '{"a":1,"a":2}']
)
async def test_a_payload_may_be_any_text(
    service: Service, browser: Browser, tmp_path: Any, payload: str
) -> None:
    await service.lead()
    quoted = payload.replace("'", "''")
    database_in(tmp_path).execute(f"UPDATE ledger SET payload = '{quoted}'")
    shown = await browser.get("/deliveries/1")
    shown_text = shown.one("#payload").get_text()
    assert "".join(shown_text.split()) == "".join(payload.split())


async def test_a_long_payload_is_shown_as_it_came(service: Service, browser: Browser) -> None:
    details = [["x"] * 10] * (PRETTY_PAYLOAD_CHARS_MAX // 40)
    await service.client.post("/leads", json={"name": "Nora Field", "websites": details})
    shown = await browser.get("/deliveries/1")
    assert "\n" not in shown.one("#payload").get_text().strip()


@pytest.mark.parametrize("seq", ["0", "2", "x", "-1", "9" * 30, "1%20", "%F0%9F%98%80"])
async def test_a_delivery_that_is_not_there_is_not_found(
    service: Service, browser: Browser, seq: str
) -> None:
    await service.lead()
    await browser.get(f"/deliveries/{seq}", status=404)


async def test_hostile_values_are_text(service: Service, browser: Browser) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    await service.field(name=hostile)
    for _ in range(2):
        await service.lead(name=hostile, title=hostile)
    await service.upsert({"title": hostile + "!"}, "name", hostile)
    for seq in (1, 2, 4):
        assert "<img src=x" not in (await browser.client.get(f"/deliveries/{seq}")).text
