"""Deliveries appear on the Overview while it is open."""

from __future__ import annotations

from playwright.sync_api import expect
from tests.support.web.chromium import Site, Watched


def _deliver(site: Site, number: int) -> None:
    email = f"nora{number}@field.example"
    properties = {"name": f"Nora Field {number}", "email": {"email": email, "category": "work"}}
    match = {"field_name": "email", "field_value": email}
    site.call("PUT", "/leads/upsert", {"properties": properties, "match": match})


def test_a_delivery_appears_without_loading_the_page(site: Site) -> None:
    _deliver(site, 1)
    watched = Watched(site.url)
    with site.signed_in() as context:
        tab = context.new_page()
        watched.watch(tab)
        tab.goto("/")
        tab.evaluate("() => { window.stays = true; }")
        expect(tab.get_by_role("link", name="Nora Field 1")).to_be_visible()
        _deliver(site, 2)
        expect(tab.get_by_role("link", name="Nora Field 2")).to_be_visible()
        assert tab.evaluate("() => window.stays")
        # The newest is first.
        newest = tab.locator("[data-seq]").first
        expect(newest).to_contain_text("Nora Field 2")
    watched.require_clean()
