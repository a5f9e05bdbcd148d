"""Filtering the list of leads: what the form leaves in the address."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from tests.support.web.chromium import Site

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("scripts", [True, False])
def test_the_address_says_only_what_was_filled_in(site: Site, *, scripts: bool) -> None:
    with site.signed_in(scripts=scripts) as context:
        tab = context.new_page()
        tab.goto("/leads?q=nora")
        tab.locator("#filter-panel > summary").click()
        tab.get_by_label("Title contains").fill("Head of sales")
        status = tab.locator("#filters [name=status_ids]").first
        status.check()
        chosen = f"status_ids={status.input_value()}"
        tab.locator("#filters").get_by_role("button", name="Apply filters").click()
        expect(tab).to_have_url(f"{site.url}/leads?q=nora&{chosen}&title=Head+of+sales")
