"""System Settings, Erasure: find, preview, type to confirm, and the result."""

from __future__ import annotations

import pytest
from tests.support.api.service import Service
from tests.support.web.browser_client import Browser
from tests.support.web.web_service import Web

EMAIL = {"email": "n@q.example", "category": "work"}


async def test_a_lead_is_erased_after_its_number_was_typed(
    web: Web, browser: Browser, service: Service
) -> None:
    woken: list[bool] = []
    object.__setattr__(service.runtime, "erasure_begun", lambda: woken.append(True))
    lead = await service.lead(name="Nora Field", email=EMAIL)
    page = await browser.get(f"/settings/erasure?lead_id={lead['id']}")
    assert page.status == 200
    assert "Nora Field" in page.text
    assert page.texts("#counts dd") == ["1", "0", "1", "0"]
    wrong = await page.submit("form#erase", typed="yes")
    assert wrong.status == 422
    assert wrong.problem_of("typed") == f"Type {lead['id']} to confirm."
    begun = await wrong.submit("form#erase", typed=str(lead["id"]), reason="Letter 17")
    assert woken == [True]
    assert "Erasing the history" in begun.text
    await browser.get(f"/leads/{lead['id']}", status=404)
    while await web.store.erase_step(web.account_id):
        pass
    done = await browser.get(begun.path)
    assert "Nothing of the person is left in the database" in done.text
    assert "Letter 17" in done.text
    assert "by dana" in done.text
    listed = await browser.get("/settings/erasure")
    assert "Done · Letter 17" in listed.text


async def test_an_email_is_sent_in_a_form_and_finds_its_leads(
    browser: Browser, service: Service
) -> None:
    first, second = [await service.lead(email=EMAIL) for _ in range(2)]
    page = await (await browser.get("/settings/erasure")).submit("form#find", who="N@q.example")
    assert page.path == "/settings/erasure/preview"
    assert str(first["id"]) in page.text
    assert str(second["id"]) in page.text
    begun = await page.submit("form#erase", typed="N@q.example")
    assert begun.path.startswith("/settings/erasure/1")


async def test_a_preview_names_the_leads_that_stay(browser: Browser, service: Service) -> None:
    first, second = [await service.lead(email=EMAIL) for _ in range(2)]
    page = await browser.get(f"/settings/erasure?lead_id={first['id']}")
    assert f"the same e-mail and stay: {second['id']}" in page.text


@pytest.mark.parametrize(
    ("who", "text"),
    [
        ("5", "There is no lead 5, and there never was one."),
        ("nobody", 'is not an e-mail address: "nobody"'),
        ("<b>@", "is not an e-mail address"),
    ],
)
async def test_whom_nobody_knows_is_not_found(browser: Browser, who: str, text: str) -> None:
    shown = await (await browser.get("/settings/erasure")).submit("form#find", who=who)
    assert shown.status == 422
    assert text in shown.problem_of("who")
    assert "<b>@" not in shown.response.text
    await browser.get(f"/settings/erasure?lead_id={who}", status=404)


async def test_a_reason_with_the_person_is_refused(browser: Browser, service: Service) -> None:
    lead = await service.lead(name="Nora Field")
    page = await browser.get(f"/settings/erasure?lead_id={lead['id']}")
    shown = await page.submit("form#erase", typed=str(lead["id"]), reason="Nora Field wrote")
    assert shown.status == 422
    assert "must not name the person" in shown.problem_of("reason")
    assert shown.one("#reason")["value"] == "Nora Field wrote"
    assert (await browser.get(f"/leads/{lead['id']}")).status == 200


async def test_a_lead_that_was_deleted_can_be_erased(browser: Browser, service: Service) -> None:
    lead = await service.lead(email=EMAIL)
    await service.client.delete(f"/leads/{lead['id']}")
    page = await browser.get(f"/settings/erasure?lead_id={lead['id']}")
    assert "The lead was deleted; its history is still there." in page.text
    done = await page.submit("form#erase", typed=str(lead["id"]))
    assert done.status == 200


async def test_only_admins_see_and_erase(
    web: Web, browser: Browser, member: Browser, service: Service
) -> None:
    lead = await service.lead()
    path = f"/settings/erasure?lead_id={lead['id']}"
    await member.get(path, status=403)
    page = await browser.get(path)
    page.browser = member
    assert (await page.submit("form#erase", typed=str(lead["id"]))).status == 403
    stranger = await web.stranger()
    await stranger.get(path, status=404)
    begun = await (await browser.get(path)).submit("form#erase", typed=str(lead["id"]))
    await stranger.get(begun.path, status=404)
