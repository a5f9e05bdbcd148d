"""Custom fields included in filters, or no more, or deleted: what the pages show and ask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from tests.support.api.service import Service, database_in
from tests.support.domain.lead_writes import create, upsert_custom
from tests.support.web.browser_client import Browser, Shown
from tests.support.web.web_service import Web

from onelead.contract.leads import Batch
from onelead.domain.custom_fields import IndexState
from onelead.domain.fold import checked_write
from onelead.domain.limits import FIGURE_FAR_BEHIND_ROWS, INDEX_CHUNK_LEADS

LIST = "/settings/custom-fields"
FORM = "#definition"
SAVE = "#save"
DELIVERY = 'main ol a[aria-label^="Delivery number"]'
LEADS = 2 * INDEX_CHUNK_LEADS + 100


async def many_leads(web: Web, field_id: int, count: int = LEADS) -> None:
    settings = await web.store.settings(web.account_id)
    writes = [create(name="Nora Field", custom_fields={field_id: f"C-{n}"}) for n in range(count)]
    await web.store.write_leads(
        Batch(settings, [checked_write(write, settings) for write in writes])
    )


async def included(browser: Browser, field: dict[str, Any]) -> Shown:
    form = await browser.get(f"{LIST}/{field['id']}")
    return await form.submit(FORM, button=SAVE, is_filterable="1")


def by_field(field: dict[str, Any], value: str) -> dict[str, Any]:
    return {"custom_field_definition_id": field["id"], "value": value}


async def folded(web: Web) -> None:
    """Let the figures follow the ledger to its end."""
    while await web.store.fold_ledger(web.account_id):
        pass


async def state_of(web: Web, field: dict[str, Any]) -> IndexState:
    return (await web.store.settings(web.account_id)).fields_by_id[field["id"]].index_state


async def test_few_leads_are_indexed_with_the_switch(
    service: Service, web: Web, browser: Browser
) -> None:
    field = await service.field(is_filterable=False)
    await many_leads(web, field["id"], 3)
    shown = await included(browser, field)
    assert "Upserts and searches can use it now." in shown.text
    assert "The index is complete" in shown.text
    assert not shown.html.select("progress, [data-refresh]")


async def test_an_index_that_is_being_built_shows_how_far_it_is(
    service: Service, web: Web, browser: Browser
) -> None:
    field = await service.field(is_filterable=False)
    await many_leads(web, field["id"])
    refused = await service.upsert({"title": "Buyer"}, "custom", by_field(field, "C-7"))
    assert refused.status_code == 422

    shown = await included(browser, field)
    assert shown.one("#index")["data-refresh"]
    # Nothing that stays on the page says so: it would be wrong soon.
    said = shown.one("#content > [role=status]").get_text(strip=True)
    assert said == "Customer number was saved."
    assert "are refused with 422" in shown.one("#index").get_text()
    assert _progress(shown) == (INDEX_CHUNK_LEADS, LEADS)
    listed = await browser.get(LIST)
    assert "Building index" in listed.text
    assert _progress(listed) == (INDEX_CHUNK_LEADS, LEADS)
    assert listed.one("#fields")["data-refresh"]
    waiting = await service.upsert({"title": "Buyer"}, "custom", by_field(field, "C-7"))
    assert (waiting.status_code, waiting.headers["retry-after"].isdigit()) == (422, True)

    assert await web.store.build_index(web.account_id)
    assert _progress(await browser.get(shown.path)) == (2 * INDEX_CHUNK_LEADS, LEADS)
    while await web.store.build_index(web.account_id):
        pass
    ready = await browser.get(shown.path)
    assert "The index is complete" in ready.text
    assert not ready.html.select("progress, [data-refresh]")
    found = await service.upsert({"title": "Buyer"}, "custom", by_field(field, "C-7"))
    assert found.headers["lead-outcome"] == "updated"


def _progress(shown: Shown) -> tuple[int, int]:
    bar = shown.one("progress")
    return int(str(bar["value"])), int(str(bar["max"]))


async def test_the_work_goes_on_after_a_restart_where_it_was(
    service: Service, web: Web, browser: Browser, tmp_path: Path
) -> None:
    field = await service.field(is_filterable=False)
    await many_leads(web, field["id"])
    await included(browser, field)
    await web.store.close()
    again = await database_in(tmp_path).open(web.clock)
    try:
        progress = await again.index_progress(web.account_id)
        assert progress[field["id"]].done == INDEX_CHUNK_LEADS
        steps = 0
        while await again.build_index(web.account_id):
            steps += 1
        assert steps == 2
        settings = await again.settings(web.account_id)
        assert settings.fields_by_id[field["id"]].index_state is IndexState.READY
    finally:
        await again.close()


async def test_a_change_wakes_the_index_work(web: Web, browser: Browser) -> None:
    woken: list[bool] = []
    object.__setattr__(web.api.runtime, "settings_changed", lambda: woken.append(True))
    form = await browser.get(f"{LIST}/new")
    await form.submit(FORM, button=SAVE, name="")
    assert woken == []
    await form.submit(FORM, button=SAVE, name="Campaign")
    assert woken == [True]


async def test_switching_off_says_who_matched_by_the_field(
    service: Service, web: Web, browser: Browser
) -> None:
    field = await service.field()
    for value in ("C-1", "C-2"):
        await service.upsert({"name": "Nora"}, "custom", by_field(field, value))
    await folded(web)
    form = await browser.get(f"{LIST}/{field['id']}")
    assert "2 upserts" in form.text
    asked = await form.submit(FORM, button=SAVE, is_filterable=None)
    assert "Please confirm. Nothing has been saved yet." in asked.text
    assert "In the last 30 days, 2 upserts matched by it" in asked.text
    (line,) = asked.texts(".notice li")
    assert line.startswith("API key ")
    assert "2 upserts , most recently in the hour that began" in line
    assert await state_of(web, field) is IndexState.READY
    deliveries = await asked.follow(".notice li a")
    assert deliveries.status == 200
    assert len(deliveries.html.select(DELIVERY)) == 2

    shown = await asked.submit(FORM, button="#confirm")
    assert "upserts by it are refused" in shown.text
    assert await state_of(web, field) is IndexState.NONE
    refused = await service.upsert({"name": "Nora"}, "custom", by_field(field, "C-1"))
    assert refused.status_code == 422


async def test_switching_off_what_nobody_uses_says_so(service: Service, browser: Browser) -> None:
    field = await service.field()
    form = await browser.get(f"{LIST}/{field['id']}")
    asked = await form.submit(FORM, button=SAVE, is_filterable=None)
    assert "No upsert matched by it in the last 30 days." in asked.text
    assert "being counted" not in asked.text


async def test_everybody_whose_upserts_matched_is_named_the_last_one_first(
    service: Service, web: Web, browser: Browser
) -> None:
    field, other = await service.field(), await service.field(name="Other")
    await service.upsert({"name": "Nora"}, "custom", by_field(field, "C-1"))
    await service.upsert({"name": "Nora"}, "custom", by_field(other, "C-1"))
    web.clock.advance(3_600)
    settings = await web.store.settings(web.account_id)
    by_hand = upsert_custom(field["id"], "C-2", name="Olga")
    dana = structs.replace(by_hand.delivery, user_id=service.account.user_id, api_key_id=None)
    nobody = structs.replace(dana, user_id=None)
    for delivery in (dana, dana, nobody):
        write = checked_write(structs.replace(by_hand, delivery=delivery), settings)
        await web.store.write_leads(Batch(settings, [write]))
    await folded(web)
    shown = await browser.get(f"{LIST}/{field['id']}")
    lines = shown.texts('[aria-labelledby="use-title"] li')
    assert [line.partition(" , most recently")[0] for line in lines] == [
        "dana in the web application : 2 upserts",
        "The command line : 1 upsert",
        "API key first key : 1 upsert",
    ]
    found = [await browser.get(str(a["href"])) for a in shown.html.select("li a.link")]
    # The filters have no word for the command line: its link has them all.
    assert [len(page.html.select(DELIVERY)) for page in found] == [2, 4, 1]


async def test_upserts_of_more_than_30_days_ago_are_not_counted(
    service: Service, web: Web, browser: Browser
) -> None:
    field = await service.field()
    await service.upsert({"name": "Nora"}, "custom", by_field(field, "C-1"))
    await folded(web)
    for ahead_s, words in ((29 * 86_400, "1 upsert"), (86_400 + 3_600, "None.")):
        web.clock.advance(ahead_s)
        shown = await (await web.admin()).get(f"{LIST}/{field['id']}")
        assert words in shown.texts('[aria-labelledby="use-title"]')[0]


async def test_upserts_that_are_not_counted_yet_are_said_to_be_missing(
    service: Service, web: Web, browser: Browser
) -> None:
    field = await service.field()
    await many_leads(web, field["id"], FIGURE_FAR_BEHIND_ROWS)
    form = await browser.get(f"{LIST}/{field['id']}")
    assert "None so far." in form.text
    asked = await form.submit(FORM, button=SAVE, is_filterable=None)
    assert "Upserts are still being counted." in asked.text
    page = await browser.get(f"{LIST}/{field['id']}/delete")
    assert "Upserts are still being counted." in page.text


async def test_taking_a_field_off_leads_is_asked_about(
    service: Service, web: Web, browser: Browser
) -> None:
    field = await service.field()
    form = await browser.get(f"{LIST}/{field['id']}")
    asked = await form.submit(FORM, button=SAVE, available_on="person")
    assert "Leads will no longer show this field" in asked.text
    shown = await asked.submit(FORM, button="#confirm")
    assert "This takes effect once the field is available on leads." in shown.text
    assert await state_of(web, field) is IndexState.NONE


@pytest.mark.parametrize("typed", ["", "customer number", "Customer number 2"])
async def test_a_field_is_not_deleted_under_a_wrong_name(
    service: Service, web: Web, browser: Browser, typed: str
) -> None:
    field = await service.field()
    page = await browser.get(f"{LIST}/{field['id']}/delete")
    shown = await page.submit("#delete", name=typed)
    assert shown.status == 422
    assert shown.problem_of("name") == "is not the name of the field"
    assert await state_of(web, field) is IndexState.READY


async def test_deleting_shows_what_is_lost_and_asks_for_the_name(
    service: Service, web: Web, browser: Browser
) -> None:
    tier = await service.field(name="Tier", data_type="Dropdown")
    value = by_field(tier, tier["options"][0]["id"])
    await service.upsert({"name": "Nora", "custom_fields": [value]}, "custom", value)
    await folded(web)
    page = await (await browser.get(f"{LIST}/{tier['id']}")).follow("a#delete")
    assert "The values of 1 lead" in page.text
    assert "Silver (1 lead), Gold (no leads)" in page.text
    assert "There was 1 in the last 30 days:" in page.text
    shown = await page.submit("#delete", name=" Tier ")
    assert shown.path == LIST
    assert "Tier was deleted." in shown.text
    assert (await web.store.settings(web.account_id)).fields == ()
    # Sent twice, as by a double click.
    again = await page.submit("#delete", name="Tier")
    assert "That field has already been deleted." in again.text
    await browser.get(f"{LIST}/{tier['id']}", status=404)
