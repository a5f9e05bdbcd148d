"""Without JavaScript, every page is links and forms, and the main ones do their work."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from tests.support.web.chromium import Site

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tab(site: Site) -> Iterator[Page]:
    """A tab of the admin that runs no script."""
    with site.signed_in(scripts=False) as context:
        yield context.new_page()


def test_a_lead_is_created_changed_and_deleted(tab: Page) -> None:
    tab.goto("/leads/new")
    tab.get_by_label("Name", exact=True).fill("Nora Field")
    tab.get_by_label("E-mail", exact=True).fill("nora@field.example")
    tab.get_by_role("button", name="Create lead").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Nora Field")

    tab.get_by_role("link", name="Edit Company").click()
    tab.get_by_label("Title").fill("Buyer")
    tab.get_by_role("button", name="Save", exact=True).click()
    expect(tab.locator("main")).to_contain_text("Buyer")
    expect(tab.locator("main")).to_contain_text("version 2")

    tab.get_by_role("link", name="Delete", exact=True).click()
    tab.get_by_role("button", name="Delete").click()
    expect(tab.locator("[role=status]")).to_be_visible()


def test_a_field_is_created_with_options_that_are_put_in_order(tab: Page) -> None:
    tab.goto("/settings/custom-fields/new")
    tab.get_by_label("Name", exact=True).fill("Tier")
    tab.locator("[name=data_type][value=Dropdown]").check()
    tab.get_by_label("Lead", exact=True).check()
    tab.get_by_text("Paste a list").click()
    tab.locator("#pasted").fill("Silver\nGold\nBronze")
    tab.get_by_role("button", name="Create field").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Tier")
    options = tab.locator("[name=option_name]")
    tab.get_by_role("button", name="Move Bronze up").click()
    expect(options.nth(1)).to_have_value("Bronze")
    tab.locator("#save").click()
    expect(tab.locator("#content > [role=status]")).to_be_visible()
    for place, name in enumerate(("Silver", "Bronze", "Gold")):
        expect(options.nth(place)).to_have_value(name)


def test_an_upsert_is_checked_and_sent(tab: Page) -> None:
    tab.goto("/try")
    tab.get_by_label("Value", exact=True).fill("omar@wells.example")
    tab.get_by_label("Name", exact=True).fill("Omar Wells")
    tab.locator("[name=do][value=check]").last.click()
    expect(tab.locator("#result")).to_contain_text("A new lead would be created")
    tab.get_by_role("button", name="Send", exact=True).click()
    expect(tab.locator("#result")).to_contain_text("Omar Wells was created")


def test_a_status_is_added(tab: Page) -> None:
    tab.goto("/settings/lead-statuses")
    tab.get_by_label("Name", exact=True).last.fill("Contacted")
    tab.get_by_role("button", name="Add").click()
    expect(tab.locator("main")).to_contain_text("Contacted")


def test_signing_out_ends_the_visit(site: Site) -> None:
    with site.signed_in(scripts=False) as context:
        own = context.new_page()
        own.goto("/profile")
        own.get_by_role("button", name="Sign out", exact=True).first.click()
        expect(own.get_by_text("You are signed out.")).to_be_visible()
        own.goto("/profile")
        expect(own.get_by_role("heading", level=1)).to_have_text("Sign in")
