"""Putting right what went wrong: undoing a change, and a merge of the wrong two."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.support.web.axe import violations
from tests.support.web.chromium import BEYOND_EDGE, PHONE, WIDE, Site, Theme

from onelead.domain.account import Role

_LOOKS: tuple[tuple[Theme, tuple[int, int]], ...] = (("dark", WIDE), ("light", PHONE))


def _lead(site: Site, name: str, address: str, **more: Any) -> int:
    email = {"email": address, "category": "work"}
    lead = site.call("POST", "/leads", {"name": name, "email": email} | more)
    return int(lead["id"])


def _upsert(site: Site, address: str, **properties: Any) -> Any:
    match = {"field_name": "email", "field_value": address}
    return site.call("PUT", "/leads/upsert", {"properties": properties, "match": match})


def _title(site: Site, lead_id: int) -> Any:
    return site.call("GET", f"/leads/{lead_id}")["title"]


def test_a_lead_looks_wrong_at_5_pm(site: Site) -> None:
    lead_id = _lead(site, "Nora Field", "nora@field.example", title="Buyer", details="VIP")
    _upsert(site, "nora@field.example", title="Test", details="Test", tags=["test"])
    _upsert(site, "nora@field.example", details="Call on Monday")
    with site.signed_in(Role.MEMBER) as context:
        tab = context.new_page()
        tab.goto(f"/leads/{lead_id}")
        # Why: the line says who changed what.
        history = tab.get_by_role("region", name="History")
        wrong = history.locator("li").filter(has_text="Buyer → became Test")
        expect(wrong).to_contain_text("API key")

        # Put it right: first what the undo does, and what it leaves alone.
        wrong.get_by_role("link", name="Undo").click()
        expect(tab.get_by_role("heading", name="What undoing it does")).to_be_visible()
        expect(tab.locator("#undo")).to_contain_text("Details: VIP, because the field was changed")
        tab.get_by_role("button", name="Undo").click()

        flash = tab.get_by_role("status").filter(has_text="The change was undone.")
        expect(flash).to_contain_text("Not changed back: Details.")
        stored = site.call("GET", f"/leads/{lead_id}")
        assert (stored["title"], stored["tags"]) == ("Buyer", [])
        assert stored["details"] == "Call on Monday"
        expect(history.locator("li").first).to_contain_text("Change undone")

        # The undo can be undone from here.
        flash.get_by_role("button", name="Undo").click()
        expect(tab.get_by_role("status").filter(has_text="The change was undone.")).to_be_visible()
    assert _title(site, lead_id) == "Test"


def _merge(tab: Page, *names: str) -> None:
    """Merge leads from the list."""
    tab.goto("/leads?q=wells")
    for name in names:
        tab.get_by_label(f"Select {name}").check()
    tab.get_by_role("button", name="Merge").click()
    expect(tab.get_by_role("heading", name="Merge 2 leads")).to_be_visible()
    tab.get_by_role("button", name="Merge", exact=True).click()


def test_a_colleague_merged_the_wrong_two_yesterday(site: Site) -> None:
    omar = _lead(site, "Omar Wells", "omar@wells.example", title="Buyer")
    olga = _lead(site, "Olga Wells", "olga@wells.example", title="Owner")
    with site.signed_in(Role.MEMBER) as context:
        tab = context.new_page()
        _merge(tab, "Omar Wells", "Olga Wells")
        expect(tab.get_by_role("status").filter(has_text="2 leads are one now")).to_be_visible()
    assert _upsert(site, "olga@wells.example", company_name="Wells & Daughters")["id"] == omar

    with site.signed_in(Role.ADMIN) as context:
        tab = context.new_page()
        # The id that is in somebody's notes leads to the survivor.
        tab.goto(f"/leads/{olga}")
        expect(tab).to_have_url(f"{site.url}/leads/{omar}")
        expect(tab.get_by_role("status").first).to_contain_text(f"Lead {olga} is part of this lead")
        line = tab.locator("#history > div > ol > li").filter(has_text="Lead merged with lead")
        expect(line).to_contain_text("Mia Roe")
        line.get_by_text("History of Olga Wells").click()
        expect(line.locator("details").last).to_contain_text("Lead created")

        line.get_by_role("link", name="Undo").click()
        expect(tab.locator("#undo")).to_contain_text("This lead stands again")
        expect(tab.locator("#since")).to_contain_text("Wells & Daughters")
        tab.get_by_role("button", name="Undo").click()

        # Both stand again, and what came since is offered to the lead that it was for.
        expect(tab.get_by_role("status").first).to_contain_text(f"lead {olga} stands again")
        assert (_title(site, omar), _title(site, olga)) == ("Buyer", "Owner")
        assert site.call("GET", f"/leads/{olga}")["company_name"] is None
        tab.get_by_role("button", name="Apply to Olga Wells").click()
        expect(tab.locator("#since")).to_contain_text("Applied to Olga Wells")
    assert site.call("GET", f"/leads/{olga}")["company_name"] == "Wells & Daughters"


@pytest.fixture(params=_LOOKS, ids=lambda look: look[0])
def tab(site: Site, request: pytest.FixtureRequest) -> Iterator[Page]:
    theme, size = request.param
    with site.signed_in(theme=theme, size=size) as context:
        yield context.new_page()


@pytest.mark.slow
def test_the_pages_are_usable_by_all(site: Site, tab: Page) -> None:
    first = _lead(site, "Vera Stone", "vera@stone.example", title="Buyer", tags=["a"])
    second = _lead(site, "Vera Stone" + "x" * 200, "v@stone.example", title="Owner", tags=["b"])
    third = _lead(site, "V. Stone", "vs@stone.example", details="Long " * 100)
    site.send("PUT", "/leads/upsert", {"properties": {}, "match": {}})
    looked_at = [f"/leads/{first}/merge-with?q=vera", f"/leads/{first}/merge?with={second},{third}"]
    for path in looked_at:
        tab.goto(path)
        assert violations(tab) == []
        assert tab.evaluate(BEYOND_EDGE) == []
    tab.get_by_role("button", name="Merge", exact=True).click()
    expect(tab.get_by_role("status").filter(has_text="3 leads are one now")).to_be_visible()
    assert violations(tab) == []
    assert tab.evaluate(BEYOND_EDGE) == []
    tab.get_by_role("button", name="Pin Title").click()
    expect(tab.get_by_role("button", name="Remove the pin of Title")).to_be_visible()
    site.call("PUT", f"/leads/{first}", {"title": "Head of everything"})
    tab.goto(f"/leads/{first}")
    tab.get_by_text("Add a value").click()
    assert violations(tab) == []
    assert tab.evaluate(BEYOND_EDGE) == []
    tab.locator("#history li").filter(has_text="merged with").get_by_role(
        "link", name="Undo"
    ).click()
    assert violations(tab) == []
    assert tab.evaluate(BEYOND_EDGE) == []
    tab.goto(f"/leads/{second}/history")
    assert violations(tab) == []
    assert tab.evaluate(BEYOND_EDGE) == []
