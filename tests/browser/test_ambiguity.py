"""Several leads match: nothing is written, and the user sees which leads they are."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from tests.support.web.chromium import Site

from onelead.domain.limits import MATCH_IDS_MAX


def _send_by_name(tab: Page, name: str) -> None:
    tab.goto("/try")
    tab.get_by_label("Field", exact=True).select_option(label="Name")
    tab.get_by_label("Value", exact=True).fill(name)
    tab.get_by_label("Name", exact=True).fill(name)
    tab.get_by_role("button", name="Send", exact=True).click()


def test_three_leads_of_one_name_are_shown_side_by_side(site: Site) -> None:
    for city in ("Bern", "Basel", "Biel"):
        site.call("POST", "/leads", {"name": "Nora Field", "address": {"city": city}})
    with site.signed_in() as context:
        tab = context.new_page()
        _send_by_name(tab, "Nora Field")
        result = tab.locator("#result")
        expect(result).to_contain_text("It was refused and recorded")
        expect(result).to_contain_text("3 leads match")
        for city in ("Bern", "Basel", "Biel"):
            expect(result).to_contain_text(city)
        result.get_by_role("link", name="Delivery").click()
        expect(tab.locator("main")).to_contain_text("Basel")


def test_31_leads_of_one_name_are_too_many_to_be_listed(site: Site) -> None:
    for _ in range(31):
        site.call("POST", "/leads", {"name": "Omar Wells"})
    with site.signed_in() as context:
        tab = context.new_page()
        _send_by_name(tab, "Omar Wells")
        result = tab.locator("#result")
        expect(result).to_contain_text("more leads match than can be listed")
        expect(result).to_contain_text(f"More than {MATCH_IDS_MAX}")
        result.get_by_role("link", name="Delivery").click()
        expect(tab.locator("main")).to_contain_text("more leads match than can be listed")
    found = site.call("POST", "/leads/search", {"name": "Omar Wells", "page_size": 100})
    assert len(found) == 31
