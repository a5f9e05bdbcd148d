"""System Settings, Custom Fields: the list and the form, as an admin uses them without scripts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.api.service import Service, database_in
from tests.support.domain.lead_writes import create
from tests.support.web.browser_client import Browser, Shown
from tests.support.web.web_service import Web

from onelead.contract.leads import Batch
from onelead.domain.custom_fields import TYPES_WITH_OPTIONS, CustomField, DataType
from onelead.domain.fold import checked_write
from onelead.domain.limits import FIGURE_FAR_BEHIND_ROWS, OPTIONS_MAX
from onelead.domain.settings.change import SettingsResult, SettingsWrite

LIST = "/settings/custom-fields"
FORM = "#definition"
SAVE = "#save"
HOSTILE = '<script>alert("x")</script>'


async def new(browser: Browser, **values: Any) -> Shown:
    """Fill in and send the form of a new field."""
    form = await browser.get(f"{LIST}/new")
    options = values.pop("options", None)
    if options is not None:
        values |= {"option_name": options, "option_id": ["" for _ in options]}
    return await form.submit(FORM, values, button=SAVE)


async def stored(web: Web, name: str) -> CustomField:
    settings = await web.store.settings(web.account_id)
    return next(field for field in settings.fields if field.name == name)


async def last_payload(web: Web) -> Any:
    rows = await web.store.account_rows(web.account_id)
    return json.loads(rows.ledger[-1].payload)


def options_of(shown: Shown) -> list[tuple[str, str]]:
    ids = [str(one["value"]) for one in shown.html.select("#options [name=option_id]")]
    names = [str(one["value"]) for one in shown.html.select("#options [name=option_name]")]
    return list(zip(ids, names, strict=True))


async def test_without_fields_the_list_says_what_to_do(browser: Browser) -> None:
    shown = await browser.get(LIST)
    assert "No custom fields yet" in shown.text
    form = await shown.follow("section a.btn-primary")
    assert form.path == f"{LIST}/new"


@pytest.mark.parametrize("data_type", list(DataType))
async def test_a_field_of_every_type_is_created(
    web: Web, browser: Browser, data_type: DataType
) -> None:
    options = ["Silver", "Gold"] if data_type in TYPES_WITH_OPTIONS else None
    shown = await new(
        browser,
        name="Tier",
        canonical_name="Lead_Tier",
        data_type=data_type.value,
        available_on=["task", "lead"],
        is_filterable="1",
        currency="EUR",
        **({"options": options} if options else {}),
    )
    assert shown.status == 200
    field = await stored(web, "Tier")
    assert shown.path == f"{LIST}/{field.id}"
    assert "Tier was created. Upserts and searches can use it now." in shown.text
    assert (field.data_type, field.canonical_name) == (data_type, "lead_tier")
    assert field.available_on == ("lead", "task")
    assert field.is_filterable
    assert [option.name for option in field.options] == (options or [])
    assert field.currency == ("EUR" if data_type is DataType.CURRENCY else None)
    listed = await browser.get(LIST)
    assert "Included" in listed.text
    assert listed.one(f'a[href="{LIST}/{field.id}"]').get_text() == "Tier"


async def test_the_delivery_is_the_json_that_the_api_would_get(web: Web, browser: Browser) -> None:
    await new(browser, name="Campaign")
    body = {"name": "Campaign", "data_type": "String", "available_on": ["lead"]}
    assert await last_payload(web) == body | {"is_filterable": False}


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"name": " "}, "name", "can't be blank"),
        ({"name": "x" * 256}, "name", "is too long (maximum is 255 characters)"),
        ({"name": "A", "canonical_name": "a b"}, "canonical_name", "may have only letters"),
        ({"name": "A", "canonical_name": "taken"}, "canonical_name", "has already been taken"),
        ({"name": "A", "available_on": "moon"}, "available_on", "may have only lead, person"),
        ({"name": "A", "data_type": "Float32"}, "data_type", "is not one of Checkbox"),
        ({"name": "A", "data_type": None}, "data_type", "can't be blank"),
        (
            {"name": "A", "data_type": "Currency", "currency": "XQQ"},
            *("currency", 'is not an ISO 4217 code: "XQQ"'),
        ),
    ],
)
async def test_what_the_api_refuses_the_page_refuses_beside_the_field(
    browser: Browser, values: dict[str, Any], field: str, words: str
) -> None:
    await new(browser, name="Taken", canonical_name="taken")
    shown = await new(browser, **values)
    assert shown.status == 422
    problem = shown.one(f"#{field}-problem")
    assert words in problem.get_text()
    described = shown.html.select(f'[name="{field}"]')
    assert all(f"{field}-problem" in str(one["aria-describedby"]) for one in described)
    assert shown.one('[name="name"]')["value"] == values["name"]
    assert "Nothing was saved" in shown.text


@pytest.mark.parametrize(
    ("data_type", "options", "words"),
    [
        ("Dropdown", ["", ""], "has too few entries (minimum is 1)"),
        ("MultiSelect", ["Silver"], "has too few entries (minimum is 2)"),
        ("Dropdown", ["Silver", "Silver"], 'has the name "Silver" more than once'),
        ("Dropdown", ["x" * 256], "name is too long"),
        ("Dropdown", ["x"] * (OPTIONS_MAX + 1), "has too many entries (maximum is 1000)"),
    ],
)
async def test_what_the_api_refuses_of_options_is_said_below_them(
    browser: Browser, data_type: str, options: list[str], words: str
) -> None:
    shown = await new(browser, name="Tier", data_type=data_type, options=options)
    assert shown.status == 422
    assert words in shown.one("#options-problem").get_text()
    assert shown.one("#options")["aria-describedby"] == "options-problem"


async def test_the_form_says_the_words_that_the_api_says(
    service: Service, browser: Browser
) -> None:
    answer = await service.client.post(
        "/custom_field_definitions", json={"name": "", "data_type": "String"}
    )
    shown = await new(browser, name="")
    (words,) = shown.texts("#name-problem")
    assert answer.json()["message"].endswith(f"Name: {words}")


async def test_hostile_names_are_only_text(web: Web, browser: Browser) -> None:
    shown = await new(browser, name=HOSTILE, data_type="Dropdown", options=[HOSTILE, "b"])
    field = await stored(web, HOSTILE)
    for path in (shown.path, LIST, f"{LIST}/{field.id}/delete", f"{LIST}?q={HOSTILE}"):
        page = await browser.get(path)
        assert HOSTILE in page.html.get_text() or HOSTILE in str(page.one("#name")["value"])
        assert "<script>alert" not in page.response.text


async def test_options_are_added_moved_and_removed_by_plain_buttons(
    web: Web, browser: Browser
) -> None:
    form = await browser.get(f"{LIST}/new")
    values = {"name": "Tier", "data_type": "Dropdown", "option_id": ["", ""]}
    form = await form.submit(
        FORM, values, button="[name=add]", option_name=["Silver", "Gold"], pasted="Iron\n\n Tin \n"
    )
    assert form.status == 200
    assert options_of(form) == [("", name) for name in ("Silver", "Gold", "Iron", "Tin", "")]
    assert form.one("#options input[autofocus]")["aria-label"] == "Option 5"
    form = await form.submit(FORM, button='[name=move][value="1:up"]')
    form = await form.submit(FORM, button='[name=move][value="2:down"]')
    form = await form.submit(FORM, button='[name=move][value="0:up"]')
    form = await form.submit(FORM, button='[name=remove][value="2"]')
    assert [name for _, name in options_of(form)] == ["Gold", "Silver", "Iron", ""]
    assert form.one("#name")["value"] == "Tier"
    assert (await web.store.settings(web.account_id)).fields == ()
    await form.submit(FORM, button=SAVE)
    assert [one.name for one in (await stored(web, "Tier")).options] == ["Gold", "Silver", "Iron"]


async def test_options_keep_their_ids_when_they_are_renamed_and_moved(
    service: Service, web: Web, browser: Browser
) -> None:
    tier = await service.field(name="Tier", data_type="Dropdown")
    silver, gold = tier["options"]
    form = await browser.get(f"{LIST}/{tier['id']}")
    form = await form.submit(FORM, button='[name=move][value="1:up"]')
    names = ["Pure gold", "Silver", "New"]
    ids = [str(gold["id"]), str(silver["id"]), ""]
    shown = await form.submit(FORM, button=SAVE, option_name=names, option_id=ids)
    assert "Tier was saved." in shown.text
    options = (await stored(web, "Tier")).options
    assert [(one.id, one.name) for one in options[:2]] == [
        (gold["id"], "Pure gold"),
        (silver["id"], "Silver"),
    ]
    assert (await last_payload(web)).keys() == {"options"}


async def test_a_removed_option_is_asked_about_with_its_leads(
    service: Service, web: Web, browser: Browser
) -> None:
    tier = await service.field(name="Tier", data_type="Dropdown")
    silver, gold = tier["options"]
    for option in (silver, gold, gold):
        value = {"custom_field_definition_id": tier["id"], "value": option["id"]}
        await service.lead(custom_fields=[value])
    await folded(web)
    form = await browser.get(f"{LIST}/{tier['id']}")
    assert form.texts("#options li > span.tabular-nums") == ["1 lead", "2 leads"]
    form = await form.submit(FORM, button='[name=remove][value="1"]')
    asked = await form.submit(FORM, button=SAVE)
    assert asked.status == 200
    assert "Gold : 2 leads" in asked.text
    assert len((await stored(web, "Tier")).options) == 2
    again = await asked.submit(FORM, button=SAVE)
    assert again.one("#confirm")
    shown = await asked.submit(FORM, button="#confirm")
    assert "Tier was saved." in shown.text
    assert [one.id for one in (await stored(web, "Tier")).options] == [silver["id"]]


async def test_a_confirmation_is_only_for_what_it_said(
    service: Service, web: Web, browser: Browser
) -> None:
    tier = await service.field(name="Tier", data_type="Dropdown")
    form = await browser.get(f"{LIST}/{tier['id']}")
    form = await form.submit(FORM, button='[name=remove][value="1"]')
    asked = await form.submit(FORM, button=SAVE)
    shown = await asked.submit(FORM, button="#confirm", is_filterable=None)
    assert "Please confirm." in shown.text
    assert (await stored(web, "Tier")).is_filterable


async def folded(web: Web) -> None:
    """Let the figures follow the ledger to its end."""
    while await web.store.fold_ledger(web.account_id):
        pass


async def test_only_what_is_different_is_sent(service: Service, web: Web, browser: Browser) -> None:
    field = await service.field(name="Score", data_type="Currency", canonical_name="score")
    form = await browser.get(f"{LIST}/{field['id']}")
    shown = await form.submit(FORM, button=SAVE)
    assert "Nothing changed." in shown.text
    assert await last_payload(web) == {}
    values = {"name": "Worth", "canonical_name": "", "currency": "CHF"}
    await form.submit(FORM, values, button=SAVE)
    assert await last_payload(web) == {"name": "Worth", "canonical_name": None, "currency": "CHF"}
    after = await stored(web, "Worth")
    assert (after.canonical_name, after.currency) == (None, "CHF")


async def test_the_type_cannot_be_changed(service: Service, web: Web, browser: Browser) -> None:
    field = await service.field()
    form = await browser.get(f"{LIST}/{field['id']}")
    assert not form.html.select("[name=data_type]")
    await form.submit(FORM, button=SAVE, data_type="Float", name="Other")
    assert (await stored(web, "Other")).data_type is DataType.STRING


async def test_a_change_that_somebody_else_made_meanwhile_is_not_overwritten(
    service: Service, web: Web, browser: Browser
) -> None:
    field = await service.field()
    form = await browser.get(f"{LIST}/{field['id']}")
    path = f"/custom_field_definitions/{field['id']}"
    await service.client.put(path, json={"name": "Theirs"})
    shown = await form.submit(FORM, button=SAVE, name="Mine")
    assert shown.status == 409
    assert "Name: Theirs" in shown.text
    assert shown.one("#name")["value"] == "Mine"
    assert (await stored(web, "Theirs")).id == field["id"]
    await shown.submit(FORM, button=SAVE)
    assert (await stored(web, "Mine")).id == field["id"]


async def test_an_option_that_is_added_between_reading_and_writing_is_not_deleted(
    service: Service, web: Web, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    tier = await service.field(name="Tier", data_type="Dropdown")
    form = await browser.get(f"{LIST}/{tier['id']}")
    change = web.store.change_settings
    options = [*tier["options"], {"name": "Iron"}]

    async def late(account_id: int, write: SettingsWrite) -> SettingsResult:
        monkeypatch.undo()
        path = f"/custom_field_definitions/{tier['id']}"
        await service.client.put(path, json={"options": options})
        return await change(account_id, write)

    monkeypatch.setattr(web.store, "change_settings", late)
    conflict = await form.submit(FORM, button=SAVE, option_name=["Silver", "Pure gold"])
    assert conflict.status == 409
    assert conflict.texts(".notice li") == ["Options: Silver, Gold, Iron"]
    names = [option.name for option in (await stored(web, "Tier")).options]
    assert names == ["Silver", "Gold", "Iron"]
    # Saving it anyway asks about the option that would be deleted.
    asked = await conflict.submit(FORM, button=SAVE)
    assert "Iron : no leads" in asked.text
    await asked.submit(FORM, button="#confirm")
    assert [one.name for one in (await stored(web, "Tier")).options] == ["Silver", "Pure gold"]


async def test_many_fields_are_searched_by_name_key_and_type(
    service: Service, browser: Browser
) -> None:
    for number in range(9):
        await service.field(name=f"Field {number}", canonical_name=f"key_{number}")
    await service.field(name="Betrag", data_type="Currency")
    shown = await browser.get(LIST)
    assert len(shown.html.select("tbody tr")) == 10
    for wanted, names in {
        "field 3": ["Field 3"],
        "KEY_4": ["Field 4"],
        "amount": ["Betrag"],
        "currency": ["Betrag"],
        "nothing": [],
    }.items():
        found = await shown.submit("form[role=search]", q=wanted)
        assert found.texts("tbody a.link") == names
    assert "No fields match" in found.text


async def test_the_list_says_how_many_leads_have_a_value(
    service: Service, web: Web, browser: Browser
) -> None:
    field = await service.field()
    value = {"custom_field_definition_id": field["id"], "value": "C-1"}
    for _ in range(3):
        await service.lead(custom_fields=[value])
    await folded(web)
    shown = await browser.get(LIST)
    assert shown.texts("tbody td:last-child") == ["3"]
    assert "3 leads have a value" in (await browser.get(f"{LIST}/{field['id']}")).text


async def test_every_page_says_at_the_same_point_that_leads_are_being_counted(
    service: Service, web: Web, browser: Browser
) -> None:
    field = await service.field()
    await folded(web)
    page, deletion = f"{LIST}/{field['id']}", f"{LIST}/{field['id']}/delete"
    paths = {
        **dict.fromkeys((LIST, deletion, "/settings/lead-statuses"), "still being counted"),
        page: "Still being counted",
        "/": "Counting…",
    }
    settings = await web.store.settings(web.account_id)
    writes = [checked_write(create(name="Omar Reed"), settings)] * FIGURE_FAR_BEHIND_ROWS
    await web.store.write_leads(Batch(settings, writes))
    for path, words in paths.items():
        assert words not in (await browser.get(path)).text
    await web.store.write_leads(Batch(settings, writes[:1]))
    for path, words in paths.items():
        assert words in (await browser.get(path)).text


@pytest.mark.parametrize("path", ["", "/new", "/{id}", "/{id}/delete"])
async def test_a_member_may_not_see_or_send_anything(
    service: Service, member: Browser, browser: Browser, path: str
) -> None:
    field = await service.field()
    address = LIST + path.format(id=field["id"])
    await member.get(address, status=403)
    own = await browser.get(f"{LIST}/{field['id']}")
    csrf = str(own.html.select("[name=csrf]")[0]["value"])
    answer = await member.client.post(address, data={"csrf": csrf, "name": "x"})
    assert answer.status_code in (403, 404, 405)
    kept = await service.client.get(f"/custom_field_definitions/{field['id']}")
    assert kept.json()["name"] == field["name"]


async def test_a_field_of_another_account_is_not_there(service: Service, web: Web) -> None:
    field = await service.field()
    stranger = await web.stranger()
    for path in (f"{LIST}/{field['id']}", f"{LIST}/{field['id']}/delete", f"{LIST}/0", f"{LIST}/x"):
        await stranger.get(path, status=404)
    listed = await stranger.get(LIST)
    assert "No custom fields yet" in listed.text


async def test_a_full_account_is_said_at_the_top(
    browser: Browser, web: Web, tmp_path: Path
) -> None:
    database_in(tmp_path).execute(
        "INSERT INTO custom_field"
        " WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 500)"
        f" SELECT {web.account_id}, 5000 + n, 'Field ' || n, NULL, 'String', 'lead', 0, NULL,"
        " 'none', 0, 0 FROM number"
    )
    database_in(tmp_path).execute("UPDATE lane SET settings_version = settings_version + 1")
    shown = await new(browser, name="One more")
    assert shown.status == 422
    (notice,) = shown.texts("[role=alert]")
    assert "the account is full (maximum is 500 custom field definitions)" in notice
    listed = await browser.get(LIST)
    assert len(listed.html.select("tbody tr")) == 500
