"""Two users edit a lead at the same time: the second sees both versions and nothing is lost."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import BrowserContext, Page, expect
from tests.support.web.chromium import Site

from onelead.domain.account import Role


def _open_company(context: BrowserContext, lead: dict[str, Any]) -> Page:
    tab = context.new_page()
    tab.goto(f"/leads/{lead['id']}")
    tab.get_by_role("link", name="Edit Company").click()
    expect(tab.get_by_label("Title")).to_be_visible()
    return tab


def test_the_second_of_two_editors_chooses_between_both_versions(site: Site) -> None:
    lead = site.call("POST", "/leads", {"name": "Nora Field", "title": "Buyer"})
    with site.signed_in(Role.ADMIN) as first, site.signed_in(Role.MEMBER) as second:
        here, there = _open_company(first, lead), _open_company(second, lead)

        there.get_by_label("Title").fill("Head of Buying")
        there.get_by_role("button", name="Save", exact=True).click()
        expect(there.get_by_role("link", name="Edit Company")).to_be_visible()

        here.get_by_label("Title").fill("Purchasing")
        here.get_by_role("textbox", name="Company").fill("Field Supplies")
        here.get_by_role("button", name="Save", exact=True).click()
        expect(here.get_by_role("alert")).to_contain_text("was changed while you were editing it")
        expect(here.get_by_role("alert")).to_contain_text("Mia Roe")
        # Nothing is overwritten while the user decides.
        assert site.call("GET", f"/leads/{lead['id']}")["title"] == "Head of Buying"

        here.get_by_role("group", name="Title").get_by_label("Yours").check()
        here.get_by_role("button", name="Save choices").click()
        expect(here.get_by_role("link", name="Edit Company")).to_be_visible()

    stored = site.call("GET", f"/leads/{lead['id']}")
    assert (stored["title"], stored["company_name"]) == ("Purchasing", "Field Supplies")


def test_what_only_the_other_one_changed_is_kept_without_a_choice(site: Site) -> None:
    lead = site.call("POST", "/leads", {"name": "Omar Wells", "title": "Buyer"})
    with site.signed_in() as context:
        tab = _open_company(context, lead)
        site.call("PUT", f"/leads/{lead['id']}", {"title": "Head of Buying"})
        tab.get_by_role("textbox", name="Company").fill("Wells Ltd")
        tab.get_by_role("button", name="Save", exact=True).click()
        tab.get_by_role("button", name="Save choices").click()
        expect(tab.get_by_role("link", name="Edit Company")).to_be_visible()
    stored = site.call("GET", f"/leads/{lead['id']}")
    assert (stored["title"], stored["company_name"]) == ("Head of Buying", "Wells Ltd")
