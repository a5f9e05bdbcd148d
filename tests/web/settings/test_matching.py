"""System Settings, Matching."""

from __future__ import annotations

import json

from tests.support.web.browser_client import Browser
from tests.support.web.web_service import Web

from onelead.domain.placeholders import DEFAULT_PLACEHOLDERS

PAGE = "/settings/matching"
FORM = "form#placeholders"


async def test_the_list_can_be_changed_and_decides_from_then_on(web: Web, browser: Browser) -> None:
    page = await browser.get(PAGE)
    listed = page.one("textarea[name=placeholders]").get_text().strip().splitlines()
    assert listed == [*DEFAULT_PLACEHOLDERS]
    text = "\n".join([*DEFAULT_PLACEHOLDERS, "", " info@field.example "])
    shown = await page.submit(FORM, placeholders=text)
    assert "The placeholders were saved." in shown.text
    settings = await web.store.settings(web.account_id)
    assert settings.placeholder_texts == (*DEFAULT_PLACEHOLDERS, "info@field.example")
    refused = await web.api.upsert({"name": "Nora"}, "email", "Info@Field.example")
    assert refused.status_code == 422
    assert "identifies nobody" in refused.json()["message"]
    (row, _) = (await web.store.account_rows(web.account_id)).ledger
    assert (row.resource, row.outcome) == ("account", "updated")
    assert json.loads(row.changes or "")["placeholders"][1][-1] == "info@field.example"


async def test_the_original_list_can_be_restored(web: Web, browser: Browser) -> None:
    assert "Restore the original list" not in (await browser.get(PAGE)).text
    page = await (await browser.get(PAGE)).submit(FORM, placeholders="n/a")
    assert (await web.store.settings(web.account_id)).placeholder_texts == ("n/a",)
    await page.submit(FORM, reset="1")
    assert (await web.store.settings(web.account_id)).placeholder_texts == DEFAULT_PLACEHOLDERS


async def test_what_cannot_be_is_refused_beside_the_list_and_kept_as_typed(
    browser: Browser,
) -> None:
    shown = await (await browser.get(PAGE)).submit(FORM, placeholders="n/a\n...")
    assert shown.status == 422
    assert "would cover every text" in (shown.problem_of("placeholders") or "")
    assert shown.one("textarea[name=placeholders]").get_text().strip() == "n/a\n..."


async def test_what_another_admin_changed_meanwhile_is_not_lost(web: Web, browser: Browser) -> None:
    page = await browser.get(PAGE)
    await (await browser.get(PAGE)).submit(FORM, placeholders="n/a\nnobody")
    shown = await page.submit(FORM, placeholders="n/a\nnone")
    assert shown.status == 409
    assert "Placeholders: with nobody; without none" in shown.text
    assert (await web.store.settings(web.account_id)).placeholder_texts == ("n/a", "nobody")
    await shown.submit(FORM)
    assert (await web.store.settings(web.account_id)).placeholder_texts == ("n/a", "none")


async def test_it_says_how_each_field_is_compared(web: Web, browser: Browser) -> None:
    assert "upserts match by name and e-mail only" in (await browser.get(PAGE)).text
    await web.api.field(name="Customer number", is_filterable=True)
    await web.api.field(name="Size", data_type="Float", is_filterable=True)
    shown = await browser.get(PAGE)
    assert "Customer number Exactly as written, capital letters included" in shown.text
    assert "Size By its value, however it is written." in shown.text


async def test_members_have_no_access(member: Browser) -> None:
    await member.get(PAGE, status=403)
