"""Selecting leads with scripts: the page, a range, all that match, and a long bulk change."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from tests.support.web.chromium import Site

BULK = 10
LEADS = 260


def _fill(site: Site, count: int) -> None:
    for start in range(0, count, BULK):
        names = [{"name": f"Nora {number:04}"} for number in range(start, start + BULK)]
        site.call("POST", "/leads/bulk_create", {"leads": names})


def _list(tab: Page, query: str = "page_size=25") -> Page:
    tab.goto(f"/leads?{query}")
    return tab


def test_leads_are_selected_and_changed_to_the_last(site: Site) -> None:
    _fill(site, LEADS)
    with site.signed_in() as context:
        tab = _list(context.new_page())
        button = tab.get_by_role("button", name="Status")
        expect(button).to_be_disabled()

        # A range with Shift.
        boxes = tab.locator('input[name="ids"]')
        boxes.nth(1).check()
        boxes.nth(4).click(modifiers=["Shift"])
        said = tab.locator("[data-chosen]")
        expect(said).to_have_text("4 selected")
        expect(button).to_be_enabled()
        everything = tab.get_by_label(f"All {LEADS} leads")
        expect(everything).to_be_hidden()

        # The page, and then all leads.
        tab.get_by_label("Select page").check()
        expect(said).to_have_text("25 selected")
        everything.check()
        expect(said).to_have_text(f"All {LEADS} leads")
        boxes.nth(0).uncheck()
        expect(everything).not_to_be_checked()
        expect(said).to_have_text("24 selected")
        tab.get_by_label("Select page").check()
        everything.check()

        button.click()
        tab.get_by_label("New status").select_option(label="Open")
        tab.get_by_role("button", name=f"Set the status of {LEADS} leads").click()
        # Nobody presses Continue.
        expect(tab.get_by_role("heading", name="Setting the status: done")).to_be_visible()
        expect(tab.locator("#summary")).to_contain_text(str(LEADS))
    found = site.call("POST", "/leads/search", {"page_size": 200})
    assert len({lead["status_id"] for lead in found}) == 1
