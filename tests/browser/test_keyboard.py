"""With the keyboard alone: the options of a field are put in order."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.support.web.chromium import Site

pytestmark = pytest.mark.slow


def _a_field(site: Site, name: str) -> dict[str, Any]:
    options = [{"name": option} for option in ("Silver", "Gold", "Bronze")]
    body = {"name": name, "data_type": "Dropdown", "available_on": ["lead"], "options": options}
    definition: dict[str, Any] = site.call("POST", "/custom_field_definitions", body)
    return definition


def _options(site: Site, definition: dict[str, Any]) -> list[tuple[int, str]]:
    stored = site.call("GET", f"/custom_field_definitions/{definition['id']}")
    return [(option["id"], option["name"]) for option in stored["options"]]


def _tab_to(tab: Page, label: str) -> None:
    """Press Tab until an element with this name has the focus."""
    for _ in range(80):
        focused = tab.evaluate(
            "() => (document.activeElement.getAttribute('aria-label')"
            " ?? document.activeElement.textContent).trim()"
        )
        if focused == label:
            return
        tab.keyboard.press("Tab")
    raise AssertionError(f"the focus never reached {label}")


def test_options_are_put_in_order_by_the_arrow_keys(site: Site) -> None:
    definition = _a_field(site, "Tier")
    by_name = {name: option_id for option_id, name in _options(site, definition)}
    with site.signed_in() as context:
        tab = context.new_page()
        tab.goto(f"/settings/custom-fields/{definition['id']}")
        _tab_to(tab, "Move Silver")
        tab.keyboard.press("ArrowDown")
        said = tab.locator("[data-sort-live]")
        expect(said).to_have_text("Silver is now number 2 of 3.")
        tab.keyboard.press("ArrowDown")
        expect(said).to_have_text("Silver is now number 3 of 3.")
        # The focus moves with the row.
        _tab_to(tab, "Move Silver")
        _tab_to(tab, "Save")
        tab.keyboard.press("Enter")
        # The new page's status; the list has its own, which announces what was moved.
        expect(tab.locator("#content > [role=status]")).to_be_visible()
    assert _options(site, definition) == [
        (by_name[name], name) for name in ("Gold", "Bronze", "Silver")
    ]


def test_the_first_tab_leads_past_the_menu(site: Site) -> None:
    with site.signed_in() as context:
        tab = context.new_page()
        tab.goto("/try")
        tab.keyboard.press("Tab")
        skip = tab.get_by_role("link", name="Skip to content")
        expect(skip).to_be_focused()
        expect(skip).to_be_in_viewport()
        tab.keyboard.press("Enter")
        tab.keyboard.press("Tab")
        assert tab.evaluate("() => document.activeElement.closest('main') !== null")
