"""A lead's page after one section is saved or asked about: the others are up to date."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from tests.support.web.chromium import Site, Watched

pytestmark = pytest.mark.slow


def test_name_and_parts_follow_each_other_and_the_title_of_the_tab(site: Site) -> None:
    lead = site.call("POST", "/leads", {"name": "Nora Field", "title": "Buyer"})
    watched = Watched(site.url)
    with site.signed_in() as context:
        tab = context.new_page()
        watched.watch(tab)
        tab.goto(f"/leads/{lead['id']}")
        name, parts = tab.locator("#section-name"), tab.locator("#section-parts")
        tab.get_by_role("link", name="Edit Company").click()
        tab.get_by_label("Title").fill("Head of Buying")

        tab.get_by_role("link", name="Edit Name").click()
        name.get_by_role("textbox", name="Name").fill("Olga Stone")
        name.get_by_role("button", name="Save", exact=True).click()
        expect(parts).to_contain_text("Olga")
        expect(parts).to_contain_text("Stone")
        expect(tab).to_have_title("Olga Stone · onelead")
        expect(tab.get_by_role("heading", level=1)).to_have_text("Olga Stone")
        # The focus stays where the user is.
        expect(name.get_by_role("link", name="Edit Name")).to_be_focused()

        tab.get_by_role("link", name="Edit Parts of the name").click()
        parts.get_by_label("Middle name").fill("Ann")
        parts.get_by_role("button", name="Save", exact=True).click()
        expect(name).to_contain_text("Olga Ann Stone")
        expect(tab).to_have_title("Olga Ann Stone · onelead")
        # What is being typed in another section is not touched.
        expect(tab.get_by_label("Title")).to_have_value("Head of Buying")
    watched.require_clean()


def test_a_percentage_takes_no_fraction(site: Site) -> None:
    body = {"name": "Odds", "data_type": "Percentage", "available_on": ["lead"]}
    field = site.call("POST", "/custom_field_definitions", body)
    lead = site.call("POST", "/leads", {"name": "Nora Field"})
    with site.signed_in() as context:
        tab = context.new_page()
        tab.goto(f"/leads/{lead['id']}?edit=custom_fields.{field['id']}")
        tab.get_by_label("Odds").fill("12.7")
        tab.get_by_role("button", name="Save", exact=True).click()
        assert tab.get_by_label("Odds").evaluate("input => input.validity.stepMismatch")
        tab.get_by_label("Odds").fill("12")
        tab.get_by_role("button", name="Save", exact=True).click()
        expect(tab.locator("#section-custom")).to_contain_text("12 %")


def test_an_email_of_another_lead_is_asked_about_and_nothing_typed_is_lost(site: Site) -> None:
    other = {"name": "Pat Lake", "email": {"email": "pat@lake.example"}}
    site.call("POST", "/leads", other)
    lead = site.call("POST", "/leads", {"name": "Omar Wells"})
    watched = Watched(site.url)
    with site.signed_in() as context:
        tab = context.new_page()
        watched.watch(tab)
        tab.goto(f"/leads/{lead['id']}")
        tab.get_by_role("link", name="Edit Contact").click()
        tab.get_by_label("E-mail", exact=True).fill("pat@lake.example")
        tab.get_by_role("button", name="Save", exact=True).click()
        # The question is read aloud, and the keyboard goes on from there.
        expect(tab.get_by_role("alert")).to_be_focused()
        tab.keyboard.press("Tab")
        expect(tab.get_by_role("link", name="Pat Lake")).to_be_focused()

        tab.get_by_role("button", name="Back to the form").click()
        expect(tab.get_by_label("E-mail", exact=True)).to_have_value("pat@lake.example")
        tab.get_by_role("button", name="Save", exact=True).click()
        tab.get_by_role("button", name="Save all the same").click()
        flash = tab.locator("#content > [role=status]")
        expect(flash).to_contain_text("Saved. Its e-mail is also that of Pat Lake.")
    assert site.call("GET", f"/leads/{lead['id']}")["email"]["email"] == "pat@lake.example"
    watched.require_clean()
