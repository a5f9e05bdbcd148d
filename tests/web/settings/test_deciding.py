"""System Settings, Matching: who decides a value, and what if somebody else did."""

from __future__ import annotations

import json

from tests.support.web.browser_client import Browser
from tests.support.web.web_service import Web

from onelead.domain.acts.policies import Deciding, Policy

PAGE = "/settings/matching"
FORM = "form#deciding"


async def test_policies_ranks_pins_and_retention_can_be_changed(web: Web, browser: Browser) -> None:
    field = await web.api.field(name="Size", is_filterable=False)
    key = (await web.store.api_keys(web.account_id))[0]
    name = f"custom_fields.{field['id']}"
    fields = {"policy.title": "fill", f"policy.{name}": "ranked", f"rank.key-{key.id}": "5"}
    page = await browser.get(PAGE)
    assert f"API key {key.label}" in page.text
    shown = await page.submit(FORM, fields, pins_edits="1", payload_days="30")
    assert "The rules were saved." in shown.text
    settings = await web.store.settings(web.account_id)
    policies = {"title": Policy.FILL, name: Policy.RANKED}
    assert settings.deciding == Deciding(policies, {f"key-{key.id}": 5}, pins_edits=True)
    assert settings.payload_days == 30
    row = (await web.store.account_rows(web.account_id)).ledger[-1]
    assert json.loads(row.changes or "")["policies"] == [{}, {"title": "fill", name: "ranked"}]
    told = await browser.get(f"/deliveries/{row.seq}")
    assert "Size: ranked, Title: fill" in told.text
    assert "Nothing changed." in (await shown.submit(FORM)).text


async def test_what_cannot_be_is_refused_and_kept_as_typed(browser: Browser) -> None:
    page = await browser.get(PAGE)
    shown = await page.submit(FORM, payload_days="x")
    assert shown.status == 422
    assert "must be a whole number from 0 to 36500" in (shown.problem_of("payload_days") or "")
    assert shown.one("input[name=payload_days]")["value"] == "x"
    assert (await page.submit(FORM, {"rank.web": "1001"})).status == 422
    hostile = await page.submit(FORM, {"policy.title": "<b>"})
    assert hostile.status == 422
    assert "must be an object of fields" in hostile.text


async def test_two_admins_can_change_different_lines(web: Web, browser: Browser) -> None:
    page = await browser.get(PAGE)
    await (await browser.get(PAGE)).submit(FORM, {"policy.tags": "newest"})
    await page.submit(FORM, {"policy.title": "fill"})
    settings = await web.store.settings(web.account_id)
    assert settings.deciding.policies == {"tags": Policy.NEWEST, "title": Policy.FILL}


async def test_what_another_admin_changed_meanwhile_is_not_lost(web: Web, browser: Browser) -> None:
    page = await browser.get(PAGE)
    await (await browser.get(PAGE)).submit(
        FORM, {"policy.title": "newest", "rank.web": "3"}, pins_edits="1"
    )
    shown = await page.submit(FORM, {"policy.title": "fill", "rank.web": "4"})
    assert shown.status == 409
    assert "Title: Only if it is newer" in shown.text
    assert "The web application: 3" in shown.text
    await shown.submit(FORM)
    settings = await web.store.settings(web.account_id)
    assert settings.deciding == Deciding({"title": Policy.FILL}, {"web": 4}, pins_edits=True)


async def test_a_field_that_is_new_since_the_page_was_loaded_is_overwritten(
    web: Web, browser: Browser
) -> None:
    page = await browser.get(PAGE)
    await web.api.field(name="Size")
    await page.submit(FORM, {"policy.title": "fill"})
    settings = await web.store.settings(web.account_id)
    assert settings.deciding.policies == {"title": Policy.FILL}


async def test_what_if_shows_what_would_have_gone_otherwise_and_saves_nothing(
    web: Web, browser: Browser
) -> None:
    lead = await web.api.lead(name="Nora <b>Field", email={"email": "n@field.example"})
    await web.api.upsert({"title": "Buyer"}, "email", "n@field.example")
    await web.api.upsert({"title": "Boss"}, "email", "n@field.example")
    page = await browser.get(PAGE)
    shown = await page.submit(FORM, {"policy.title": "fill"}, what_if="1")
    assert "1 of the last 3 deliveries would have gone otherwise: these" in shown.text
    assert "#3 Nora <b>Field Title Boss Buyer The lead has a value" in shown.text
    assert shown.one(f"#what-if a[href='/leads/{lead['id']}']")
    assert (await web.store.settings(web.account_id)).deciding == Deciding()
    assert len((await web.store.account_rows(web.account_id)).ledger) == 3
    saved = await shown.submit(FORM)
    assert "The rules were saved." in saved.text
    await web.api.upsert({"title": "Chief", "tags": ["vip"]}, "email", "n@field.example")
    taken = await saved.submit(FORM, {"policy.title": "overwrite"}, what_if="1")
    assert "1 of the last 4 deliveries would have gone otherwise: these" in taken.text
    assert "Title Chief Boss It was not taken, and would have been" in taken.text


async def test_what_if_without_deliveries_or_with_mistakes(browser: Browser) -> None:
    page = await browser.get(PAGE)
    shown = await page.submit(FORM, what_if="1")
    assert "There are no deliveries to look at yet" in shown.text
    assert (await page.submit(FORM, what_if="1", payload_days="-1")).status == 422


async def test_members_have_no_access(member: Browser) -> None:
    await member.post("/settings/matching/values", [], status=403)
