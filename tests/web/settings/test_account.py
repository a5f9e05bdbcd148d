"""System Settings, Account."""

from __future__ import annotations

import json

import pytest
from tests.support.web.browser_client import Browser
from tests.support.web.web_service import Web

from onelead.domain.errors import SettingsConflict
from onelead.domain.settings.change import SettingsResult, SettingsWrite

PAGE = "/settings/account"


async def test_name_zone_and_currency_can_be_changed(web: Web, browser: Browser) -> None:
    page = await browser.get(PAGE)
    assert page.one("[name=time_zone]")["value"] == "America/Los_Angeles"
    form = {"name": "Shop GmbH", "time_zone": "Europe/Berlin", "currency": "EUR"}
    shown = await page.submit("form#account", form)
    assert "The account was saved." in shown.text
    assert "It is now 14 Nov 2023, 23:13 there." in shown.text
    settings = await web.store.settings(web.account_id)
    assert (settings.name, settings.time_zone, settings.currency) == tuple(form.values())
    assert shown.one('[name=currency] option[selected=""]')["value"] == "EUR"


async def test_the_change_is_in_the_ledger_and_over_the_api(web: Web, browser: Browser) -> None:
    await (await browser.get(PAGE)).submit("form#account", time_zone="Asia/Tokyo")
    (row,) = (await web.store.account_rows(web.account_id)).ledger
    assert (row.resource, row.action, row.outcome) == ("account", "update", "updated")
    assert (row.user_id, row.api_key_id) == (web.api.account.user_id, None)
    assert json.loads(row.changes or "") == {"time_zone": ["America/Los_Angeles", "Asia/Tokyo"]}
    assert (await web.api.client.get("/account")).json()["primary_timezone"] == "Asia/Tokyo"
    shown = await browser.get("/deliveries/1")
    assert "Asia/Tokyo" in shown.text


async def test_a_date_stays_its_day_and_its_number_over_the_api_follows_the_zone(
    web: Web, browser: Browser
) -> None:
    field = await web.api.field(data_type="Date", is_filterable=False)
    of_field = {"custom_field_definition_id": field["id"], "value": 1_700_000_000}
    lead = await web.api.lead(custom_fields=[of_field])
    await (await browser.get(PAGE)).submit("form#account", time_zone="Asia/Tokyo")
    after = (await web.api.client.get(f"/leads/{lead['id']}")).json()
    before_s, after_s = (one["custom_fields"][0]["value"] for one in (lead, after))
    # Midnight of 14 November, first in Los Angeles, then in Tokyo.
    assert before_s - after_s == 17 * 3_600


@pytest.mark.parametrize(
    ("form", "field", "text"),
    [
        ({"name": " "}, "name", "can't be blank"),
        ({"name": "x" * 256}, "name", "is too long (maximum is 255 characters)"),
        ({"time_zone": "Berlin"}, "time_zone", 'is not an IANA time zone: "Berlin"'),
        ({"time_zone": "../../etc"}, "time_zone", 'is not an IANA time zone: "../../etc"'),
        ({"currency": "EURO"}, "currency", 'is not an ISO 4217 code: "EURO"'),
    ],
)
async def test_what_cannot_be_is_refused_beside_the_field_and_kept_in_the_ledger(
    web: Web, browser: Browser, form: dict[str, str], field: str, text: str
) -> None:
    shown = await (await browser.get(PAGE)).submit("form#account", form)
    assert (shown.status, shown.problem_of(field)) == (422, text)
    (row,) = (await web.store.account_rows(web.account_id)).ledger
    assert (row.outcome, text in (row.message or "")) == ("refused", True)


async def test_saving_what_is_there_changes_nothing(web: Web, browser: Browser) -> None:
    before = (await web.store.settings(web.account_id)).version
    shown = await (await browser.get(PAGE)).submit("form#account")
    assert "Nothing changed." in shown.text
    assert (await web.store.settings(web.account_id)).version == before


async def test_what_another_admin_changed_meanwhile_stays(web: Web, browser: Browser) -> None:
    page = await browser.get(PAGE)
    await (await (await web.admin()).get(PAGE)).submit("form#account", time_zone="Asia/Tokyo")
    refused = await page.submit("form#account", name=" ")
    assert refused.status == 422
    shown = await refused.submit("form#account", name="Shop GmbH")
    assert "The account was saved." in shown.text
    settings = await web.store.settings(web.account_id)
    assert (settings.name, settings.time_zone) == ("Shop GmbH", "Asia/Tokyo")
    rows = (await web.store.account_rows(web.account_id)).ledger
    assert json.loads(rows[-1].payload) == {"name": "Shop GmbH"}


async def test_of_what_both_changed_both_are_shown(web: Web, browser: Browser) -> None:
    page = await browser.get(PAGE)
    theirs = {"name": "Theirs", "time_zone": "Asia/Tokyo"}
    await (await (await web.admin()).get(PAGE)).submit("form#account", theirs)
    conflict = await page.submit("form#account", name="Mine", currency="EUR")
    assert conflict.status == 409
    assert (
        "Somebody else changed this account while you were editing it. Nothing was saved."
        in conflict.text
    )
    assert conflict.texts(".notice li") == ["Name: Theirs", "Currency: USD"]
    assert conflict.one("[name=name]")["value"] == "Mine"
    assert conflict.one("[name=time_zone]")["value"] == "Asia/Tokyo"
    assert (await web.store.settings(web.account_id)).name == "Theirs"
    await conflict.submit("form#account")
    settings = await web.store.settings(web.account_id)
    assert (settings.name, settings.time_zone, settings.currency) == ("Mine", "Asia/Tokyo", "EUR")


async def test_a_change_between_reading_and_writing_is_met(
    web: Web, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = await browser.get(PAGE)
    theirs = await (await web.admin()).get(PAGE)
    change = web.store.change_settings

    async def late(account_id: int, write: SettingsWrite) -> SettingsResult:
        monkeypatch.undo()
        await theirs.submit("form#account", name="Theirs")
        return await change(account_id, write)

    monkeypatch.setattr(web.store, "change_settings", late)
    conflict = await page.submit("form#account", name="Mine")
    assert (conflict.status, conflict.texts(".notice li")) == (409, ["Name: Theirs"])
    assert (await web.store.settings(web.account_id)).name == "Theirs"
    (_theirs, refused) = (await web.store.account_rows(web.account_id)).ledger
    assert (refused.outcome, refused.message) == ("refused", SettingsConflict().message)


async def test_that_both_made_the_same_change_is_no_conflict(web: Web, browser: Browser) -> None:
    page = await browser.get(PAGE)
    await (await (await web.admin()).get(PAGE)).submit("form#account", name="Shop GmbH")
    assert "Nothing changed." in (await page.submit("form#account", name="Shop GmbH")).text
