"""The first minutes of a user with only the README: signing in and making a field filterable."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect
from tests.support.web.chromium import Site, Watched

PASSWORD = "a warm roof in winter"


def _menu(tab: Page) -> Locator:
    return tab.get_by_role("navigation", name="Main")


def _sign_in(tab: Page, email: str, password: str) -> None:
    tab.get_by_label("E-mail").fill(email)
    tab.get_by_label("Password").fill(password)
    tab.get_by_role("button", name="Sign in", exact=True).click()


def test_the_printed_link_lets_the_first_admin_in_once(site: Site) -> None:
    watched = Watched(site.url)
    with site.visitor() as context:
        tab = context.new_page()
        watched.watch(tab)
        tab.goto(site.sign_in_link)
        tab.get_by_label("Password", exact=True).fill(PASSWORD)
        tab.get_by_label("Repeat the password").fill(PASSWORD)
        tab.get_by_role("button", name="Set password and sign in").click()
        expect(tab.get_by_role("heading", level=1)).to_have_text("Overview")
        expect(_menu(tab).get_by_role("link", name="Custom Fields")).to_be_visible()

        tab.get_by_role("button", name="Sign out").click()
        expect(tab.get_by_role("heading", level=1)).to_have_text("Sign in")
        tab.goto(site.sign_in_link)
        expect(tab.get_by_label("Repeat the password")).to_have_count(0)

        tab.goto("/settings/custom-fields")
        _sign_in(tab, site.credentials["x-pw-useremail"], PASSWORD)
        # The sign-in leads on to the page that was asked for.
        expect(tab.get_by_role("heading", level=1)).to_have_text("Custom Fields")
    watched.require_clean()


def test_a_wrong_password_says_no_more_than_that(site: Site) -> None:
    with site.visitor() as context:
        tab = context.new_page()
        said = []
        for email in ("nobody@shop.example", site.credentials["x-pw-useremail"]):
            tab.goto("/sign-in")
            _sign_in(tab, email, "not the password")
            said.append(tab.get_by_role("alert").inner_text())
            expect(tab.get_by_role("heading", level=1)).to_have_text("Sign in")
        assert said[0] == said[1]


def test_a_field_is_made_its_upsert_refused_and_then_served(site: Site) -> None:
    watched = Watched(site.url)
    with site.signed_in() as context:
        tab = context.new_page()
        watched.watch(tab)
        _create_text_field(tab, "Badge number")

        _menu(tab).get_by_role("link", name="Try it").click()
        tab.get_by_label("Field", exact=True).select_option(label="Badge number")
        tab.get_by_label("Value", exact=True).fill("B-77")
        tab.get_by_label("Name", exact=True).fill("Nora Field")
        tab.get_by_role("button", name="Send", exact=True).click()
        result = tab.locator("#result")
        expect(result).to_contain_text("It was refused and recorded")
        expect(result).to_contain_text("is not included in filters")
        expect(result).to_contain_text("System Settings -> Custom Fields")

        result.get_by_role("link", name="settings").click()
        tab.get_by_label("Included in filters").check()
        tab.get_by_role("button", name="Save", exact=True).last.click()
        expect(tab.get_by_text("The index is complete")).to_be_visible()

        _menu(tab).get_by_role("link", name="Deliveries", exact=True).click()
        tab.get_by_role("link", name="Upsert refused").first.click()
        tab.get_by_role("link", name="Try again").click()
        tab.get_by_role("button", name="Send", exact=True).click()
        expect(result).to_contain_text("Nora Field was created")

        result.get_by_role("link", name="Nora Field").click()
        expect(tab.get_by_role("heading", level=1)).to_have_text("Nora Field")
        expect(tab.locator("main")).to_contain_text("B-77")
    watched.require_clean()


def _create_text_field(tab: Page, name: str) -> None:
    tab.goto("/")
    _menu(tab).get_by_role("link", name="Custom Fields").click()
    tab.get_by_role("link", name="Create your first field").click()
    tab.get_by_label("Name", exact=True).fill(name)
    tab.locator("[name=data_type][value=String]").check()
    tab.get_by_label("Lead", exact=True).check()
    tab.get_by_role("button", name="Create field").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text(name)
