"""A form that gets no answer: what was typed stays, and nothing is sent again unasked."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect
from tests.support.web.chromium import Site

pytestmark = pytest.mark.slow

TITLE = "Head of a department that somebody typed with care"


@pytest.fixture
def lead(site: Site) -> dict[str, Any]:
    lead: dict[str, Any] = site.call("POST", "/leads", {"name": "Nora Field"})
    return lead


def open_title(context: BrowserContext, lead: dict[str, Any]) -> Page:
    """Open the form for a lead's title, and type one."""
    tab = context.new_page()
    tab.goto(f"/leads/{lead['id']}")
    tab.get_by_role("link", name="Edit Company").click()
    tab.get_by_label("Title").fill(TITLE)
    return tab


def save(tab: Page) -> None:
    tab.get_by_role("button", name="Save", exact=True).click()


def sign_out_elsewhere(site: Site, context: BrowserContext) -> None:
    """End the session of a browser, which keeps its cookie."""
    (cookie,) = [one for one in context.cookies() if one["name"] == "onelead_session"]
    with site.visitor() as other:
        other.add_cookies([cookie])  # type: ignore[list-item]
        tab = other.new_page()
        tab.goto("/leads")
        tab.get_by_role("button", name="Sign out").first.click()
        expect(tab.get_by_text("You are signed out.")).to_be_visible()


def test_a_request_that_is_lost_is_not_sent_again_by_itself(
    site: Site, lead: dict[str, Any]
) -> None:
    sent = []

    def lose(route: Route) -> None:
        sent.append(route.request.method)
        route.abort()

    with site.signed_in() as context:
        tab = open_title(context, lead)
        tab.route(re.compile(rf"/leads/{lead['id']}$"), lose)
        save(tab)
        expect(tab.get_by_role("alert")).to_contain_text("The server did not respond.")
        expect(tab.get_by_label("Title")).to_have_value(TITLE)
        assert sent == ["POST"]
        tab.unroute_all()
        save(tab)
        expect(tab.get_by_role("link", name="Edit Company")).to_be_visible()
    assert site.call("GET", f"/leads/{lead['id']}")["title"] == TITLE


def test_a_server_that_fails_leaves_the_form_as_it_is(site: Site, lead: dict[str, Any]) -> None:
    with site.signed_in() as context:
        tab = open_title(context, lead)
        failure = "<main id=content>Not available</main>"
        tab.route(
            re.compile(rf"/leads/{lead['id']}$"), lambda r: r.fulfill(status=503, body=failure)
        )
        save(tab)
        expect(tab.get_by_role("alert")).to_contain_text("The server could not process this.")
        expect(tab.get_by_label("Title")).to_have_value(TITLE)


def test_what_was_typed_outlives_the_session(site: Site, lead: dict[str, Any]) -> None:
    with site.signed_in() as context, site.signed_in() as newer:
        tab = open_title(context, lead)
        sign_out_elsewhere(site, context)
        save(tab)
        expect(tab.get_by_role("alert")).to_contain_text("You were signed out")
        expect(tab.get_by_label("Title")).to_have_value(TITLE)
        # As signing in in another tab of the same browser does.
        (cookie,) = [one for one in newer.cookies() if one["name"] == "onelead_session"]
        context.add_cookies([cookie])  # type: ignore[list-item]
        save(tab)
        expect(tab.get_by_role("link", name="Edit Company")).to_be_visible()
    assert site.call("GET", f"/leads/{lead['id']}")["title"] == TITLE


def test_a_page_from_before_the_sign_in_is_renewed(site: Site, lead: dict[str, Any]) -> None:
    with site.signed_in() as context, site.signed_in() as newer:
        tab = open_title(context, lead)
        (cookie,) = [one for one in newer.cookies() if one["name"] == "onelead_session"]
        context.add_cookies([cookie])  # type: ignore[list-item]
        save(tab)
        expect(tab.get_by_role("alert")).to_contain_text("loaded before the last sign-in")
        save(tab)
        expect(tab.get_by_role("link", name="Edit Company")).to_be_visible()
    assert site.call("GET", f"/leads/{lead['id']}")["title"] == TITLE


def test_an_order_that_was_not_saved_is_not_shown_as_saved(site: Site) -> None:
    with site.signed_in() as context:
        tab = context.new_page()
        tab.goto("/settings/lead-statuses")
        handle = tab.locator("[data-sort-handle]").first
        expect(handle).to_be_visible()
        sign_out_elsewhere(site, context)
        handle.focus()
        handle.press("ArrowDown")
        expect(tab.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_button_that_is_pressed_twice_sends_once(site: Site) -> None:
    with site.signed_in() as context:
        tab = context.new_page()
        tab.goto("/leads/new")
        tab.get_by_label("Name", exact=True).fill("Pressed Twice")
        tab.get_by_role("button", name="Create lead").dblclick()
        expect(tab.get_by_role("heading", name="Pressed Twice")).to_be_visible()
    found = site.call("POST", "/leads/search", {"name": "Pressed Twice"})
    assert len(found) == 1
