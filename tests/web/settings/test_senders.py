"""Before a setting is deleted, its page says who sends it; afterwards, the list says who does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.api.service import Service, database_in
from tests.support.web.browser_client import Browser, Shown
from tests.support.web.web_service import Web

from onelead.domain.figures import DAY_S

FIELDS = "/settings/custom-fields"
STATUSES, SOURCES = "/settings/lead-statuses", "/settings/customer-sources"


def entry(field: dict[str, Any], value: Any) -> dict[str, Any]:
    return {"custom_field_definition_id": field["id"], "value": value}


async def folded(web: Web) -> None:
    while await web.store.fold_ledger(web.account_id):
        pass


async def client_with(service: Service, label: str) -> httpx.AsyncClient:
    """Return a client with an API key of its own."""
    account_id, email = service.account.account_id, service.account.email
    _key, secret = await service.store.create_api_key(account_id, email, label)
    service.client.headers["X-PW-AccessToken"] = secret
    return service.client


def senders(shown: Shown, within: str = "main") -> list[str]:
    return shown.texts(f'{within} li:has(> a[href^="/deliveries?sent="])')


async def listed(browser: Browser, shown: Shown, link: str = "a[href*='sent=']") -> list[int]:
    """Follow the first link to deliveries and return their numbers."""
    deliveries = await browser.get(str(shown.html.select(f"main {link}")[0]["href"]))
    links = deliveries.html.select('main ol > li a[aria-label^="Delivery number"]')
    return [int(str(link["href"]).rpartition("/")[2]) for link in links]


async def test_the_page_that_deletes_a_field_shows_who_sends_it(
    web: Web, service: Service, browser: Browser
) -> None:
    field, other = await service.field(name="Budget"), await service.field(name="Other")
    delete = f"{FIELDS}/{field['id']}/delete"
    assert "No delivery had this field in the last 30 days." in (await browser.get(delete)).text
    client = await client_with(service, "Old form")
    body = {"name": "Nora Field", "custom_fields": [entry(field, "A")]}
    await client.post("/leads", json=body)
    web.clock.advance(31 * DAY_S)
    browser = await web.admin()
    for label, times in (("Web form", 2), ("Shop", 1)):
        client = await client_with(service, label)
        for _ in range(times):
            await client.post("/leads", json=body)
        await client.post("/leads", json={"name": "A", "custom_fields": [entry(other, "A")]})
    await folded(web)
    shown = await browser.get(delete)
    assert "3 deliveries had this field in the last 30 days." in shown.text
    assert senders(shown) == [
        "API key Web form : 2 deliveries , most recently on 15 Dec 2023 (UTC)",
        "API key Shop : 1 delivery , most recently on 15 Dec 2023 (UTC)",
    ]
    assert await listed(browser, shown) == [5, 4]
    page = await browser.get(f"{FIELDS}/{field['id']}")
    assert "3 deliveries from 2 senders had this field in the last 30 days." in page.text


async def test_who_sends_an_option_is_said_before_it_is_removed(
    web: Web, service: Service, browser: Browser
) -> None:
    tier = await service.field(name="Tier", data_type="Dropdown")
    for value in ("Gold", tier["options"][1]["id"]):
        await service.lead(custom_fields=[entry(tier, value)])
    await service.lead()
    await folded(web)
    form = await browser.get(f"{FIELDS}/{tier['id']}")
    form = await form.submit("#definition", button='[name=remove][value="1"]')
    asked = await form.submit("#definition", button="#save")
    assert "Gold : 2 leads, 2 deliveries in the last 30 days" in asked.text
    (sender,) = senders(asked, ".notice")
    assert "2 deliveries , most recently" in sender
    assert await listed(browser, asked) == [3, 2]
    again = await form.submit("#definition", button='[name=remove][value="0"]')
    asked = await again.submit("#definition", button="#save", option_name="Tin", option_id="")
    assert "Silver : no leads, no deliveries in the last 30 days" in asked.text


@pytest.mark.parametrize("path", [STATUSES, SOURCES])
async def test_who_sends_an_entry_of_a_pick_list_is_said_before_it_is_deleted(
    web: Web, service: Service, browser: Browser, path: str
) -> None:
    settings = await web.store.settings(web.account_id)
    status, source = settings.statuses[1], settings.sources[1]
    by_path: dict[str, tuple[int, str, dict[str, Any]]] = {
        STATUSES: (status.id, "status", {"status": status.name}),
        SOURCES: (source.id, "customer source", {"customer_source_id": source.id}),
    }
    id_, noun, sent = by_path[path]
    page = f"{path}/{id_}/delete"
    assert f"No delivery had this {noun} in the last 30 days." in (await browser.get(page)).text
    await service.lead(**sent)
    await folded(web)
    shown = await browser.get(page)
    assert f"1 delivery had this {noun} in the last 30 days." in shown.text
    assert len(senders(shown)) == 1
    assert await listed(browser, shown) == [1]


async def test_what_is_still_sent_is_listed_until_nobody_sends_it(
    web: Web, service: Service, browser: Browser
) -> None:
    field = await service.field(name="Budget")
    tier = await service.field(name="Tier", data_type="Dropdown")
    settings = await web.store.settings(web.account_id)
    status, source = settings.statuses[1], settings.sources[1]
    every = {
        "custom_fields": [entry(field, "A"), entry(tier, "Gold")],
        "status_id": status.id,
        "customer_source_id": source.id,
    }
    await service.client.post("/leads", json={"name": "A", "custom_fields": every["custom_fields"]})
    await folded(web)
    web.clock.advance(60)
    options = [tier["options"][0]]
    await service.client.put(f"/custom_field_definitions/{tier['id']}", json={"options": options})
    await service.client.delete(f"/custom_field_definitions/{field['id']}")
    for path, one in ((STATUSES, status), (SOURCES, source)):
        await (await browser.get(f"{path}/{one.id}/delete")).submit("#delete")
    lists = (FIELDS, STATUSES, SOURCES)
    for path in lists:
        assert not (await browser.get(path)).html.select("#still-sent")
    web.clock.advance(60)
    for _ in range(2):
        await service.client.put(
            "/leads/upsert",
            json={"properties": every, "match": {"field_name": "name", "field_value": "Nora"}},
        )
    await folded(web)
    names = {FIELDS: ["Budget", "Tier: Gold"], STATUSES: [status.name], SOURCES: [source.name]}
    last = [row.seq for row in (await web.store.account_rows(web.account_id)).ledger][-2:]
    for path in lists:
        shown = await browser.get(path)
        assert shown.texts("#still-sent > ul > li > p .font-medium") == names[path]
        assert len(senders(shown, "#still-sent")) == len(names[path])
        assert "2 deliveries" in senders(shown, "#still-sent")[0]
        assert await listed(browser, shown, "#still-sent a") == last[::-1]
    web.clock.advance(30 * DAY_S)
    browser = await web.admin()
    assert not (await browser.get(FIELDS)).html.select("#still-sent")


async def test_values_that_were_not_taken_are_counted_on_the_page_of_the_field(
    web: Web, service: Service, browser: Browser, tmp_path: Path
) -> None:
    tier = await service.field(name="Tier", data_type="Dropdown")
    await service.lead(custom_fields=[entry(tier, "Gold")])
    ignored = f'["custom_fields.{tier["id"]}"]'
    database_in(tmp_path).execute(f"UPDATE ledger SET ignored = '{ignored}' WHERE seq = 2")
    await folded(web)
    page = await browser.get(f"{FIELDS}/{tier['id']}")
    assert "1 delivery had a value that was not taken." in page.text
    assert await listed(browser, page, 'a[href$="&ignored=1"]') == [2]


async def test_after_an_upgrade_the_pages_say_since_when_deliveries_are_counted(
    web: Web, service: Service, browser: Browser, tmp_path: Path
) -> None:
    field = await service.field(name="Budget")
    day = web.clock.now // DAY_S * DAY_S
    database_in(tmp_path).execute(
        f"INSERT INTO hour_figure VALUES ({web.account_id}, 'sent', '', {day}, 0)"
    )
    page, delete = f"{FIELDS}/{field['id']}", f"{FIELDS}/{field['id']}/delete"
    assert "Counted since 14 Nov 2023." in (await browser.get(page)).text
    assert "counted since 14 Nov 2023." in (await browser.get(delete)).text
    web.clock.advance(30 * DAY_S)
    browser = await web.admin()
    assert "ounted since" not in (await browser.get(page)).text


async def test_hostile_names_are_only_text(web: Web, service: Service, browser: Browser) -> None:
    hostile = "<b>Budget</b>"
    field = await service.field(name=hostile)
    await client_with(service, hostile)
    await service.client.delete(f"/custom_field_definitions/{field['id']}")
    await service.client.post("/leads", json={"name": "A", "custom_fields": [entry(field, "A")]})
    await folded(web)
    shown = await browser.get(FIELDS)
    assert hostile in shown.one("#still-sent").get_text()
    assert "<b>Budget" not in shown.response.text
