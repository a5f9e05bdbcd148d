"""An ambiguous delivery is resolved in three clicks, and nobody has to ask again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.support.web.chromium import BEYOND_EDGE, PHONE, Site, a_demo

from onelead.contract.store import Store


def _upsert(email: str, title: str) -> dict[str, Any]:
    match = {"field_name": "email", "field_value": email}
    return {"properties": {"title": title}, "match": match}


def _two_leads(site: Site, email: str) -> list[int]:
    """Create two leads with one e-mail, and deliver an upsert by it."""
    leads = [
        site.call("POST", "/leads", {"name": name, "email": {"email": email}})
        for name in ("Nora Field", "N. Field")
    ]
    assert site.send("PUT", "/leads/upsert", _upsert(email, "Buyer")).status_code == 422
    return [lead["id"] for lead in leads]


def _wait_for(tab: Page, path: str, email: str) -> None:
    """Load a page until the queue has followed the ledger."""
    for _ in range(100):
        tab.goto(path)
        if email in (tab.locator("#group-title").all_inner_texts() or [""])[0]:
            return
        tab.wait_for_timeout(100)
    raise AssertionError("the delivery does not appear in the queue")


def test_always_this_one_takes_three_clicks(site: Site) -> None:
    email = "always@field.example"
    _first, second = _two_leads(site, email)
    with site.signed_in() as context:
        tab = context.new_page()
        _wait_for(tab, "/queue", email)
        tab.goto("/")
        tab.get_by_role("link", name="Needs a decision").click()
        tab.get_by_role("radio", name="N. Field").click()
        tab.get_by_role("button", name="Always this one").click()
        expect(tab.locator("main")).to_contain_text("1 delivery was applied.")
    lead = site.call("PUT", "/leads/upsert", _upsert(email, "Boss"))
    assert (lead["id"], lead["title"]) == (second, "Boss")


def test_by_keyboard_alone(site: Site) -> None:
    email = "keys@field.example"
    first, _second = _two_leads(site, email)
    with site.signed_in() as context:
        tab = context.new_page()
        _wait_for(tab, "/queue", email)
        expect(tab.locator("kbd").first).to_be_visible()
        tab.keyboard.press("1")
        expect(tab.get_by_role("radio", name="Nora Field")).to_be_checked()
        tab.keyboard.press("o")
        expect(tab.locator("main")).to_contain_text("1 delivery was applied.")
        assert site.call("GET", f"/leads/{first}")["title"] == "Buyer"
        tab.keyboard.press("u")
        expect(tab.locator("main")).to_contain_text("The answer was taken back.")
        expect(tab.locator("#group-title")).to_contain_text(email)
        # A letter that is typed is only a letter.
        tab.evaluate("document.querySelector('main').append(document.createElement('textarea'))")
        tab.locator("textarea").fill("")
        tab.locator("textarea").press("d")
        expect(tab.locator("textarea")).to_have_value("d")
        tab.locator("textarea").blur()
        tab.keyboard.press("d")
        expect(tab.locator("main")).to_contain_text("1 delivery was dismissed.")


def test_on_a_phone_and_without_scripts(site: Site) -> None:
    email = "phone@field.example"
    _two_leads(site, email)
    with site.signed_in(size=PHONE, scripts=False) as context:
        tab = context.new_page()
        _wait_for(tab, "/queue", email)
        assert tab.locator("kbd").count() == 0 or not tab.locator("kbd").first.is_visible()
        tab.get_by_role("radio", name="Nora Field").click()
        tab.get_by_role("button", name="They are one person").click()
        expect(tab.locator("main")).to_contain_text("1 delivery was applied.")
    with site.signed_in(size=PHONE) as context:
        _two_leads(site, "edge@field.example")
        tab = context.new_page()
        _wait_for(tab, "/queue", "edge@field.example")
        assert tab.evaluate(BEYOND_EDGE) == []


def _credentials(site: Site) -> dict[str, str]:
    """Make an API key for an account that only the pages were told about."""

    async def create(store: Store) -> tuple[str, str]:
        account_id = (await store.account_ids())[0]
        email = (await store.settings(account_id)).users[0].email
        _key, secret = await store.create_api_key(account_id, email, "another source")
        return email, secret

    email, secret = site.with_store(create)
    return {
        "X-PW-AccessToken": secret,
        "X-PW-Application": "developer_api",
        "X-PW-UserEmail": email,
    }


@pytest.mark.slow
def test_a_visitor_of_the_demo_settles_what_waits(browser: Browser, tmp_path: Path) -> None:
    with a_demo(tmp_path) as server:
        site = Site(server.url, server.database, browser)
        with site.visitor() as context:
            tab = context.new_page()
            tab.goto(server.sign_in_link)
            for box in tab.locator("[type=password]").all():
                box.fill("a password of a visitor")
            tab.get_by_role("button", name="Set password and sign in").click()

            tab.get_by_role("link", name="Needs a decision").click()
            what, _, email = tab.locator("#group-title").inner_text().rpartition(" ")
            assert what == "2 leads by e-mail"
            one = tab.get_by_role("radio").last
            one.click()
            lead_id = int(one.get_attribute("value") or "")
            tab.get_by_role("button", name="Always this one").click()
            expect(tab.locator("main")).to_contain_text("was applied.")
        site.credentials = _credentials(site)
        assert site.call("PUT", "/leads/upsert", _upsert(email, "Boss"))["id"] == lead_id
