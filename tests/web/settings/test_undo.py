"""Undoing a change of the settings from its ledger row."""

from __future__ import annotations

from tests.support.web.browser_client import Browser
from tests.support.web.web_service import Web

FORM = "form#undo"


async def test_a_rename_is_undone_and_done_again(web: Web, browser: Browser) -> None:
    page = await browser.get("/settings/account")
    await page.submit("form#account", name="Shop GmbH")
    shown = await (await browser.get("/deliveries/1")).submit(FORM)
    assert shown.path == "/deliveries/2"
    assert "The change was undone." in shown.text
    assert (await web.store.settings(web.account_id)).name == "Shop Ltd"
    again = await shown.submit(FORM)
    assert (await web.store.settings(web.account_id)).name == "Shop GmbH"
    assert again.path == "/deliveries/3"


async def test_a_deleted_field_is_restored(web: Web, browser: Browser) -> None:
    field = await web.api.field(name="Size")
    await web.api.client.delete(f"/custom_field_definitions/{field['id']}")
    shown = await (await browser.get("/deliveries/2")).submit(FORM)
    assert "It was restored, with the values that leads still keep." in shown.text
    assert "restored" in shown.text
    removed = await shown.submit(FORM)
    assert "It was deleted again." in removed.text
    assert (await browser.get("/deliveries?about=settings")).status == 200


async def test_what_was_changed_since_is_said_and_what_cannot_be_is_a_problem(
    web: Web, browser: Browser
) -> None:
    page = await browser.get("/settings/account")
    page = await page.submit("form#account", name="Shop GmbH", currency="EUR")
    await page.submit("form#account", name="Shop <SE>")
    shown = await (await browser.get("/deliveries/1")).submit(FORM)
    assert "because it is different by now: Name." in shown.text
    nothing = await (await browser.get("/deliveries/1")).submit(FORM)
    assert "There was nothing to undo." in nothing.text
    source = (await web.api.client.post("/customer_sources", json={"name": "Fair"})).json()
    await web.api.lead(customer_source_id=source["id"])
    refused = await (await browser.get("/deliveries/5")).submit(FORM)
    assert "Not undone: Fair is used by 1 lead" in refused.text
    assert refused.path == "/deliveries/5"


async def test_members_and_strangers_cannot(web: Web, browser: Browser, member: Browser) -> None:
    page = await browser.get("/settings/account")
    await page.submit("form#account", name="Shop GmbH")
    await web.api.lead()
    form = (await browser.get("/deliveries/1")).one(FORM)
    csrf = [("csrf", str(form.select_one("input[name=csrf]")["value"]))]  # type: ignore[index]
    for seq in (2, 77):
        await browser.post(f"/settings/changes/{seq}/undo", csrf, status=404)
    await browser.post("/settings/changes/1/undo", [], status=403)
    await member.post("/settings/changes/1/undo", csrf, status=403)
    assert (await browser.get("/deliveries/2")).text.find("Undo this change") == -1
    assert (await web.store.settings(web.account_id)).name == "Shop GmbH"
