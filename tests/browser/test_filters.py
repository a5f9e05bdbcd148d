"""Filtering the list of leads: what the form leaves in the address."""

from __future__ import annotations

import pytest
from tests.chromium import Site


@pytest.mark.parametrize("scripts", [True, False])
def test_the_address_says_only_what_was_filled_in(site: Site, *, scripts: bool) -> None:
    with site.signed_in(scripts=scripts) as context:
        tab = context.new_page()
        tab.goto("/leads?q=nora")
        tab.locator("#filter-panel > summary").click()
        tab.get_by_label("Title contains").fill("Head of sales")
        status = tab.locator("#filters [name=status_ids]").first
        status.check()
        tab.locator("#filters").get_by_role("button", name="Show").click()
        tab.get_by_role("list", name="Filters that are on").wait_for()
        address = tab.url.removeprefix(site.url)
        assert address == f"/leads?q=nora&status_ids={status.input_value()}&title=Head+of+sales"
