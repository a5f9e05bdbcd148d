"""axe finds no violation in the states that pages reach only by use, such as refused forms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.support.web.axe import violations
from tests.support.web.chromium import BEYOND_EDGE, PHONE, WIDE, Site, Theme

from onelead.contract.access import LinkPurpose
from onelead.contract.store import Store
from onelead.domain.account import Role
from onelead.web.frame.sessions import welcome_path

pytestmark = pytest.mark.slow

_LOOKS: tuple[tuple[Theme, tuple[int, int]], ...] = (("dark", WIDE), ("light", PHONE))


@pytest.fixture(scope="module", params=_LOOKS, ids=lambda look: look[0])
def tab(site: Site, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A tab of the admin."""
    theme, size = request.param
    with site.signed_in(theme=theme, size=size) as context:
        yield context.new_page()


def _a_lead(site: Site, **properties: Any) -> str:
    lead = site.call("POST", "/leads", {"name": "Nora Field"} | properties)
    return f"/leads/{lead['id']}"


def _a_field(site: Site, name: str, **more: Any) -> str:
    known = {field["name"]: field for field in site.call("GET", "/custom_field_definitions")}
    if name not in known:
        body = {"name": name, "data_type": "String", "available_on": ["lead"], **more}
        known[name] = site.call("POST", "/custom_field_definitions", body)
    return f"/settings/custom-fields/{known[name]['id']}"


@pytest.mark.parametrize("path", ["/", "/leads", "/deliveries", "/settings/custom-fields"])
def test_what_is_empty(tab: Page, path: str) -> None:
    tab.goto(path)
    assert violations(tab) == []


@pytest.mark.parametrize(
    ("path", "button"),
    [
        ("/leads/new", "Create lead"),
        ("/settings/custom-fields/new", "Create field"),
        ("/settings/users/new", "Create user and link"),
        ("/settings/api-keys/new", "Create key"),
        ("/profile", "Change password"),
    ],
)
def test_a_refused_form(tab: Page, path: str, button: str) -> None:
    tab.goto(path)
    # The browser would not send an incomplete form; other clients do.
    tab.evaluate(
        "() => document.querySelectorAll('form').forEach((form) => form.noValidate = true)"
    )
    tab.get_by_role("button", name=button).click()
    expect(tab.locator(".problem, [role=alert]").first).to_be_visible()
    assert violations(tab) == []


def test_an_upsert_that_could_mean_several_leads(site: Site, tab: Page) -> None:
    _a_lead(site, name="Omar Wells")
    _a_lead(site, name="Omar Wells", title="Buyer")
    tab.goto("/try?example=name")
    tab.get_by_label("Field", exact=True).select_option(label="Name")
    tab.get_by_label("Value", exact=True).fill("Omar Wells")
    tab.get_by_role("button", name="Send", exact=True).click()
    expect(tab.locator("#result")).to_contain_text("refused")
    assert violations(tab) == []
    tab.locator("#result").get_by_role("link", name="Delivery").click()
    expect(tab.get_by_role("heading", level=1)).to_contain_text("Delivery")
    assert violations(tab) == []


def test_an_upsert_as_json(tab: Page) -> None:
    tab.goto("/try")
    tab.get_by_role("button", name="Edit as JSON").click()
    tab.get_by_label("Body of PUT /leads/upsert").fill("{")
    tab.get_by_role("button", name="Send", exact=True).click()
    expect(tab.locator(".problem").first).to_be_visible()
    assert violations(tab) == []


def test_two_versions_of_a_lead(site: Site, tab: Page) -> None:
    path = _a_lead(site)
    tab.goto(f"{path}?edit=company")
    site.call("PUT", path, {"title": "Head of Buying"})
    tab.get_by_label("Title").fill("Purchasing")
    tab.get_by_role("button", name="Save", exact=True).click()
    expect(tab.get_by_role("alert")).to_contain_text("was changed while you were editing")
    assert violations(tab) == []


def test_a_lead_that_may_be_another_one(site: Site, tab: Page) -> None:
    for _ in range(7):
        _a_lead(
            site,
            email={"email": "nora@field.example"},
            phone_numbers=[{"number": "+1 512 555 0100"}],
        )
    tab.goto(f"{_a_lead(site, name='Omar Wells')}?edit=contact")
    tab.get_by_label("E-mail", exact=True).fill("nora@field.example")
    tab.locator("[name='phone_numbers.number']").fill("512 555 0100")
    tab.get_by_role("button", name="Save", exact=True).click()
    expect(tab.get_by_role("button", name="Save all the same")).to_be_visible()
    assert violations(tab) == []
    assert tab.evaluate(BEYOND_EDGE) == []


@pytest.mark.parametrize("group", ["contact", "address", "web", "status", "tags", "custom", "name"])
def test_a_lead_being_edited(site: Site, tab: Page, group: str) -> None:
    _a_field(site, "Customer number", is_filterable=True)
    tab.goto(f"{_a_lead(site)}?edit={group}")
    expect(tab.get_by_role("button", name="Save", exact=True)).to_be_visible()
    assert violations(tab) == []


def test_a_deleted_lead(site: Site, tab: Page) -> None:
    path = _a_lead(site)
    site.call("DELETE", path)
    tab.goto(path)
    assert violations(tab) == []


def test_filters_columns_and_a_selection(site: Site, tab: Page) -> None:
    _a_lead(site)
    tab.goto("/leads")
    for summary in tab.locator("main summary").all():
        summary.click()
    assert violations(tab) == []
    tab.goto("/leads")
    tab.get_by_label("Select page").check()
    assert violations(tab) == []
    tab.get_by_role("button", name="Status", exact=True).click()
    expect(tab.locator("#change")).to_be_visible()
    assert violations(tab) == []
    tab.get_by_label("New status").select_option(label="Open")
    tab.locator("#change button.btn-primary").click()
    expect(tab.locator("#changed")).to_be_visible()
    assert violations(tab) == []


def test_a_field_that_is_switched_off(site: Site, tab: Page) -> None:
    tab.goto(_a_field(site, "Customer number", is_filterable=True))
    tab.get_by_label("Included in filters").uncheck()
    tab.locator("#save").click()
    expect(tab.get_by_text("Please confirm.")).to_be_visible()
    assert violations(tab) == []


def test_what_is_shown_only_once(tab: Page) -> None:
    tab.goto("/settings/api-keys/new")
    tab.get_by_label("Label").fill("Web form")
    tab.get_by_role("button", name="Create key").click()
    expect(tab.locator("main")).to_contain_text("curl")
    assert violations(tab) == []
    tab.goto("/settings/users/1000000008")
    tab.get_by_role("button", name="Create link").click()
    expect(tab.locator("#link")).to_be_visible()
    assert violations(tab) == []


def test_a_status_that_leads_have_is_deleted(site: Site, tab: Page) -> None:
    number = len(site.call("GET", "/lead_statuses"))
    status = site.call("POST", "/lead_statuses", {"name": f"Status {number}"})
    _a_lead(site, status_id=status["id"])
    tab.goto(f"/settings/lead-statuses/{status['id']}/delete")
    assert violations(tab) == []
    tab.locator("#delete select").select_option(label="New")
    tab.locator("#delete button.btn-danger").click()
    expect(tab.get_by_text("was deleted.")).to_be_visible()
    assert violations(tab) == []


def _links(site: Site, email: str) -> list[str]:
    """Make a person a user of two accounts, and return the links that set the passwords."""

    async def invite(store: Store) -> list[str]:
        here = (await store.account_ids())[0]
        user = await store.create_user(here, email, "Mia Roe", Role.MEMBER)
        there = await store.create_account("Other Ltd", email)
        users = ((here, user.id), (there.account_id, there.user_id))
        return [await store.create_link(*one, LinkPurpose.INVITATION) for one in users]

    return [welcome_path(token) for token in site.with_store(invite)]


@pytest.mark.parametrize(("theme", "size"), _LOOKS)
def test_the_way_in_of_a_user_of_two_accounts(
    site: Site, theme: Theme, size: tuple[int, int]
) -> None:
    email, password = f"mia-{theme}@shop.example", "correct horse battery"
    first, second = _links(site, email)
    with site.visitor(theme=theme, size=size) as context:
        tab = context.new_page()
        tab.goto("/welcome/nothing")
        assert violations(tab) == []
        tab.goto(first)
        assert violations(tab) == []
        tab.get_by_label("Password", exact=True).fill(password)
        tab.locator("[name=repeated]").fill("another one than this")
        tab.get_by_role("button").first.click()
        expect(tab.locator(".problem")).to_be_visible()
        assert violations(tab) == []
        for link in (first, second):
            tab.goto(link)
            for box in tab.locator("[type=password]").all():
                box.fill(password)
            tab.get_by_role("button").first.click()
            expect(tab.get_by_role("heading", name="Overview")).to_be_visible()
            context.clear_cookies()
        tab.goto("/sign-in")
        tab.get_by_label("E-mail").fill(email)
        tab.get_by_label("Password").fill(password)
        tab.get_by_role("button", name="Sign in", exact=True).click()
        expect(tab.get_by_role("button", name="Other Ltd")).to_be_visible()
        assert violations(tab) == []


def test_the_menu_of_small_screens(tab: Page) -> None:
    tab.goto("/try")
    summary = tab.locator("summary", has_text="Menu")
    if summary.is_visible():
        summary.click()
    assert violations(tab) == []
