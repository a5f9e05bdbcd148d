"""A passkey in Chromium, with its virtual authenticator: added, used to sign in and to confirm."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from tests.support.web.chromium import Site

from onelead.domain.limits import CONFIRM_S

pytestmark = pytest.mark.slow


def with_device(context: BrowserContext) -> Page:
    """Return a page whose browser has a device that verifies its user."""
    page = context.new_page()
    device = context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    device.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return page


def make_sessions_older(site: Site) -> None:
    """Let all users have signed in so long ago that they have to confirm."""
    with closing(sqlite3.connect(site.database)) as database:
        database.execute(f"UPDATE web_session SET date_created = date_created - {CONFIRM_S + 1}")
        database.commit()


def test_a_passkey_is_added_signs_in_and_confirms(site: Site) -> None:
    # Browsers take no numbers for the host of a passkey.
    named = Site(site.url.replace("127.0.0.1", "localhost"), site.database, site.browser)
    with named.signed_in() as context:
        tab = with_device(context)
        tab.goto("/profile")
        tab.get_by_role("link", name="Add a passkey").click()
        tab.get_by_label("Name").fill("Work laptop")
        tab.get_by_role("button", name="Create passkey").click()
        expect(tab.get_by_role("status")).to_have_text("The passkey Work laptop was added.")
        expect(tab.locator("#passkeys li")).to_contain_text("Never used")

        # The same device does not take a second one.
        tab.get_by_role("link", name="Add a passkey").click()
        tab.get_by_role("button", name="Create passkey").click()
        expect(tab.get_by_role("alert")).to_have_text("This device already has a passkey for you.")

        tab.get_by_role("navigation", name="Main").get_by_role("button", name="Sign out").click()
        tab.get_by_role("button", name="Sign in with a passkey").click()
        expect(tab.get_by_role("heading", level=1)).to_have_text("Overview")

        make_sessions_older(named)
        tab.goto("/settings/users")
        tab.get_by_role("link", name="Invite a user").click()
        expect(tab.get_by_role("heading", level=1)).to_have_text("Confirm that it is you")
        tab.get_by_role("button", name="Confirm with a passkey").click()
        tab.get_by_label("E-mail", exact=True).fill("lea@shop.example")

        # The time runs out while the form is filled in.
        make_sessions_older(named)
        with closing(sqlite3.connect(named.database)) as database:
            database.execute("UPDATE web_session SET date_confirmed = date_created")
            database.commit()
        tab.get_by_role("button", name="Create user and link").click()
        tab.get_by_role("button", name="Confirm with a passkey").click()
        expect(tab.locator("main")).to_contain_text("lea@shop.example")
        assert tab.locator("#link").inner_text().strip().startswith(named.url)


def test_at_a_number_the_page_says_why_passkeys_do_not_work(site: Site) -> None:
    with site.signed_in() as context:
        tab = with_device(context)
        tab.goto("/profile/passkeys/new")
        tab.get_by_role("button", name="Create passkey").click()
        expect(tab.get_by_role("alert")).to_contain_text("Passkeys need a host name and https")


def test_without_scripts_there_are_no_buttons_that_do_nothing(site: Site) -> None:
    with site.signed_in(scripts=False) as context:
        tab = context.new_page()
        tab.goto("/profile/passkeys/new")
        expect(tab.get_by_role("button", name="Create passkey")).to_be_hidden()
        expect(tab.locator("main")).to_contain_text("Passkeys need scripts")
    with site.visitor(scripts=False) as context:
        tab = context.new_page()
        tab.goto("/sign-in")
        expect(tab.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
