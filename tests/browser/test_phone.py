"""On a phone, 360 pixels wide, everything can be reached; `test_axe` sees that every page fits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from tests.support.web.chromium import BEYOND_EDGE, PHONE, Site

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tabs(demo: Site) -> Iterator[tuple[Page, Page]]:
    """A tab of a visitor, and one of the admin."""
    with demo.visitor(size=PHONE) as visitor, demo.signed_in(size=PHONE) as admin:
        yield visitor.new_page(), admin.new_page()


def test_a_page_that_is_too_wide_is_found(tabs: tuple[Page, Page]) -> None:
    visitor, _admin = tabs
    visitor.goto("/sign-in")
    visitor.evaluate("() => { document.querySelector('h1').style.width = '400px'; }")
    assert visitor.evaluate(BEYOND_EDGE) != []


def test_the_menu_opens_leads_everywhere_and_closes(tabs: tuple[Page, Page]) -> None:
    _visitor, tab = tabs
    tab.goto("/deliveries")
    menu = tab.get_by_role("navigation", name="Menu")
    expect(menu).to_be_hidden()
    tab.locator("summary", has_text="Menu").click()
    expect(menu).to_be_visible()
    tab.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    tab.locator("summary", has_text="Menu").click()
    menu.get_by_role("link", name="Custom Fields").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Custom Fields")
    expect(menu).to_be_hidden()


def test_the_last_entry_of_the_menu_can_be_reached(tabs: tuple[Page, Page]) -> None:
    _visitor, tab = tabs
    tab.goto("/deliveries")
    tab.locator("summary", has_text="Menu").click()
    sign_out = tab.get_by_role("navigation", name="Menu").get_by_role("button", name="Sign out")
    sign_out.scroll_into_view_if_needed()
    expect(sign_out).to_be_in_viewport()
