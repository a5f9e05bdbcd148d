"""axe finds no accessibility violation on any page, and on a phone every page fits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page
from tests.support.web.axe import violations
from tests.support.web.chromium import BEYOND_EDGE, PHONE, WIDE, Site, Theme
from tests.support.web.shown_pages import INSIDE, OUTSIDE, SETTINGS, ShownPage

pytestmark = pytest.mark.slow

_EVERY_PAGE = [*OUTSIDE, *INSIDE, *SETTINGS]
_LOOKS: tuple[tuple[Theme, tuple[int, int]], ...] = (("light", WIDE), ("dark", PHONE))


@pytest.fixture(scope="module", params=_LOOKS, ids=lambda look: look[0])
def tabs(demo: Site, request: pytest.FixtureRequest) -> Iterator[tuple[Page, Page]]:
    """A tab of a visitor, and one of the admin."""
    theme, size = request.param
    with (
        demo.visitor(theme=theme, size=size) as visitor,
        demo.signed_in(theme=theme, size=size) as admin,
    ):
        yield visitor.new_page(), admin.new_page()


@pytest.mark.parametrize("shown", _EVERY_PAGE, ids=lambda shown: shown.name)
def test_axe_finds_no_violation_and_no_page_is_wider_than_the_phone(
    tabs: tuple[Page, Page], shown: ShownPage
) -> None:
    visitor, admin = tabs
    tab = visitor if shown in OUTSIDE else admin
    shown.open(tab)
    assert violations(tab) == []
    if tab.viewport_size == {"width": PHONE[0], "height": PHONE[1]}:
        assert tab.evaluate(BEYOND_EDGE) == []


def test_axe_does_find_what_is_wrong(tabs: tuple[Page, Page]) -> None:
    visitor, _admin = tabs
    visitor.set_content("<main><h1>Leads</h1><input><img src='data:,'></main>")
    found = " ".join(violations(visitor))
    assert "label" in found
    assert "image-alt" in found
