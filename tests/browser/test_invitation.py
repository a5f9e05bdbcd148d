"""A member is invited by a link, sees the leads, and not the settings."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from tests.support.web.chromium import Site

pytestmark = pytest.mark.slow

PASSWORD = "seven lamps and a kettle"


def test_an_invited_member_comes_in_and_cannot_open_the_settings(site: Site) -> None:
    with site.signed_in() as context:
        tab = context.new_page()
        tab.goto("/settings/users")
        tab.get_by_role("link", name="Invite a user").click()
        tab.get_by_label("E-mail", exact=True).fill("lea@shop.example")
        tab.get_by_label("Name").fill("Lea Roe")
        tab.get_by_role("radio", name="Member").check()
        tab.get_by_role("button", name="Create user and link").click()
        link = tab.locator("#link").inner_text().strip()
    assert link.startswith(f"{site.url}/welcome/")

    with site.visitor() as context:
        tab = context.new_page()
        tab.goto(link)
        tab.get_by_label("Password", exact=True).fill(PASSWORD)
        tab.get_by_label("Repeat the password").fill(PASSWORD)
        tab.get_by_role("button", name="Set password and sign in").click()
        expect(tab.get_by_role("heading", level=1)).to_have_text("Overview")
        navigation = tab.get_by_role("navigation", name="Main")
        expect(navigation.get_by_role("link", name="Leads", exact=True)).to_be_visible()
        expect(navigation).to_contain_text("Lea Roe")
        expect(navigation).not_to_contain_text("System Settings")
        for path in ("custom-fields", "users", "api-keys", "audit", "account", "lead-statuses"):
            response = tab.goto(f"/settings/{path}")
            assert response is not None
            assert response.status == 403
            expect(tab.locator("main")).to_contain_text("Only admins of this account")
