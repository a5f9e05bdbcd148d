"""Editing a lead in its page: each field by its input, refusals beside it, nothing else sent."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.api.service import Service
from tests.support.web.browser_client import Browser, Shown
from tests.support.web.web_service import Web

FORM = "form[data-lead-form]"


async def opened(browser: Browser, lead_id: int, group: str) -> Shown:
    return await browser.get(f"/leads/{lead_id}?edit={group}")


async def edited(browser: Browser, lead_id: int, group: str, **values: Any) -> Shown:
    return await (await opened(browser, lead_id, group)).submit(FORM, values)


async def stored(service: Service, lead_id: int) -> dict[str, Any]:
    return dict((await service.client.get(f"/leads/{lead_id}")).json())


async def newest(service: Service, lead_id: int) -> dict[str, Any]:
    return dict((await service.client.get(f"/leads/{lead_id}/history")).json()[0])


#: The group, what is filled in, and what the API shows of the lead afterwards.
EDITS: list[tuple[str, Any, dict[str, Any]]] = [
    ("name", {"name": "Sam Roe"}, {"name": "Sam Roe", "first_name": "Sam", "last_name": "Roe"}),
    ("parts", {"middle_name": "Ann"}, {"name": "Nora Ann Field", "middle_name": "Ann"}),
    ("company", {"title": "Owner", "company_name": "B"}, {"title": "Owner", "company_name": "B"}),
    ("company", {"title": " "}, {"title": None, "company_name": "Field Ltd"}),
    (
        *("contact", {"email.email": "n@x.example", "email.category": "personal"}),
        {"email": {"email": "n@x.example", "category": "personal"}},
    ),
    ("contact", {"email.email": ""}, {"email": None}),
    (
        "contact",
        {"phone_numbers.number": ["1", "", "3"], "phone_numbers.category": ["home"] * 3},
        {"phone_numbers": [{"number": n, "category": "home"} for n in "13"]},
    ),
    (
        *("address", {"address.city": "Reno", "address.country": "Germany"}),
        {
            "address": {
                **dict.fromkeys(("street", "state", "postal_code")),
                "city": "Reno",
                "country": "DE",
            }
        },
    ),
    (
        *("web", {"websites.url": "x.example", "websites.category": "personal"}),
        {"websites": [{"url": "x.example", "category": "personal"}]},
    ),
    (
        *("web", {"socials.url": ["@nora"], "socials.category": ["twitter"]}),
        {"socials": [{"url": "@nora", "category": "twitter"}]},
    ),
    ("tags", {"tags": ["fair", "VIP", "vip", ""]}, {"tags": ["fair", "VIP"]}),
    ("tags", {"tags": []}, {"tags": []}),
    ("value", {"monetary_value": "12.50"}, {"monetary_value": 12.5, "monetary_unit": "USD"}),
    ("value", {"monetary_value": ""}, {"monetary_value": None, "monetary_unit": None}),
    ("details", {"details": "one\r\ntwo"}, {"details": "one\ntwo"}),
]


async def a_full_lead(service: Service) -> int:
    lead = await service.lead(
        title="Buyer",
        company_name="Field Ltd",
        email={"email": "nora@field.example"},
        tags=["old"],
        monetary_value=5,
        phone_numbers=[{"number": "9"}],
    )
    return int(lead["id"])


@pytest.mark.parametrize(("group", "values", "expected"), EDITS)
async def test_a_field_is_changed(
    browser: Browser,
    service: Service,
    group: str,
    values: Any,
    expected: dict[str, Any],
) -> None:
    lead_id = await a_full_lead(service)
    before = await stored(service, lead_id)
    shown = await edited(browser, lead_id, group, **values)
    assert (shown.status, shown.path) == (200, f"/leads/{lead_id}")
    after = await stored(service, lead_id)
    assert {name: after[name] for name in expected} == expected
    row = await newest(service, lead_id)
    assert row["payload"].keys() <= expected.keys()
    for name in before.keys() - row["changes"].keys() - {"date_modified", "status"}:
        assert after[name] == before[name]


async def test_status_owner_and_source_are_chosen(browser: Browser, service: Service) -> None:
    lead_id = await a_full_lead(service)
    settings = await service.store.settings(service.account.account_id)
    status, source = settings.statuses[1], settings.sources[2]
    chosen = {
        "status_id": str(status.id),
        "assignee_id": str(service.account.user_id),
        "customer_source_id": str(source.id),
    }
    await edited(browser, lead_id, "status", **chosen)
    lead = await stored(service, lead_id)
    assert {name: str(lead[name]) for name in chosen} == chosen
    cleared = await edited(browser, lead_id, "status", assignee_id="", customer_source_id="")
    assert cleared.status == 200
    lead = await stored(service, lead_id)
    assert (lead["assignee_id"], lead["customer_source_id"]) == (None, None)
    assert lead["status_id"] == status.id


#: By type: what is typed, and what the API shows afterwards.
CUSTOM_EDITS: dict[str, tuple[str | None, Any]] = {
    "Checkbox": ("1", True),
    "Currency": ("1234.5", 1234.5),
    "Date": ("2026-05-14", 1_778_742_000),
    "Float": ("-0.5", -0.5),
    "Percentage": ("34.9", 34),
    "String": ("A-77", "A-77"),
    "Text": ("one\r\ntwo", "one\ntwo"),
    "URL": ("https://x.example", "https://x.example"),
}


@pytest.mark.parametrize("data_type", CUSTOM_EDITS)
@pytest.mark.parametrize("alone", [True, False])
async def test_every_type_of_custom_field_is_changed_and_cleared(
    browser: Browser, service: Service, data_type: str, *, alone: bool
) -> None:
    typed, value = CUSTOM_EDITS[data_type]
    field = await service.field(data_type=data_type)
    lead = await service.lead()
    name = f"custom_fields.{field['id']}"
    group = name if alone else "custom"
    shown = await edited(browser, lead["id"], group, **{name: typed})
    assert shown.status == 200
    (entry,) = (await stored(service, lead["id"]))["custom_fields"]
    assert entry["value"] == value
    untouched = await edited(browser, lead["id"], group)
    assert "Nothing was changed." in untouched.text
    cleared = None if data_type == "Checkbox" else ""
    await edited(browser, lead["id"], group, **{name: cleared})
    (entry,) = (await stored(service, lead["id"]))["custom_fields"]
    assert entry["value"] in (None, False)


@pytest.mark.parametrize("data_type", ["Dropdown", "MultiSelect"])
async def test_options_are_chosen(browser: Browser, service: Service, data_type: str) -> None:
    field = await service.field(data_type=data_type)
    silver, gold = (option["id"] for option in field["options"])
    lead = await service.lead()
    name = f"custom_fields.{field['id']}"
    is_many = data_type == "MultiSelect"
    await edited(browser, lead["id"], "custom", **{name: [str(gold)]})
    (entry,) = (await stored(service, lead["id"]))["custom_fields"]
    assert entry["value"] == ([gold] if is_many else gold)
    both = [str(silver), str(gold)]
    await edited(browser, lead["id"], "custom", **{name: both if is_many else both[:1]})
    (entry,) = (await stored(service, lead["id"]))["custom_fields"]
    assert entry["value"] == ([silver, gold] if is_many else silver)
    await edited(browser, lead["id"], "custom", **{name: None if is_many else ""})
    (entry,) = (await stored(service, lead["id"]))["custom_fields"]
    assert entry["value"] == ([] if is_many else None)


async def test_only_the_custom_field_that_changed_is_sent(
    browser: Browser, service: Service
) -> None:
    fields = [await service.field(name=f"Field {n}") for n in range(3)]
    lead = await service.lead()
    await edited(browser, lead["id"], "custom", **{f"custom_fields.{fields[1]['id']}": "A-77"})
    assert (await newest(service, lead["id"]))["payload"] == {
        "custom_fields": [{"custom_field_definition_id": fields[1]["id"], "value": "A-77"}]
    }


async def test_a_save_says_who_did_it(web: Web, member: Browser, service: Service) -> None:
    lead = await service.lead()
    await edited(member, lead["id"], "company", title="Owner")
    row = await newest(service, lead["id"])
    settings = await web.store.settings(web.account_id)
    assert settings.users_by_id[row["user_id"]].name == "Mia Roe"
    assert (row["api_key_id"], row["payload"]) == (None, {"title": "Owner"})
    assert (row["action"], row["outcome"], row["version"]) == ("update", "updated", 2)


async def test_an_unchanged_form_writes_nothing(browser: Browser, service: Service) -> None:
    lead_id = await a_full_lead(service)
    for group in ("name", "parts", "contact", "company", "status", "tags", "address", "value"):
        shown = await edited(browser, lead_id, group)
        assert "Nothing was changed." in shown.text
    rows = (await service.client.get(f"/leads/{lead_id}/history")).json()
    assert len(rows) == 1


#: The group, what is typed, the input and what the API says about it.
REFUSALS = [
    ("name", {"name": ""}, "name", "can't be blank"),
    ("name", {"name": "x" * 256}, "name", "is too long (maximum is 255 characters)"),
    ("company", {"title": "x" * 256}, "title", "is too long (maximum is 255 characters)"),
    ("parts", {"first_name": "x" * 256}, "first_name", "is too long (maximum is 255 characters)"),
    ("value", {"monetary_value": "a lot"}, "monetary_value", 'is not a number: "a lot"'),
    ("value", {"monetary_value": "1,5"}, "monetary_value", 'is not a number: "1,5"'),
    ("details", {"details": "x" * 65_537}, "details", "is too long (maximum is 65536 characters)"),
    ("status", {"status_id": "77"}, "status_id", "does not exist: 77"),
    ("status", {"assignee_id": "77"}, "assignee_id", "does not exist: 77"),
    ("contact", {"email.email": "x" * 256}, "email.email", "is too long"),
]


@pytest.mark.parametrize(("group", "values", "name", "text"), REFUSALS)
async def test_what_the_api_refuses_the_page_refuses_beside_the_field(
    browser: Browser, service: Service, group: str, values: dict[str, str], name: str, text: str
) -> None:
    lead_id = await a_full_lead(service)
    shown = await edited(browser, lead_id, group, **values)
    assert shown.status == 422
    assert text in shown.problem_of(name)
    assert "Nothing was saved. Correct the fields marked below." in shown.text
    assert (await stored(service, lead_id))["name"] == "Nora Field"
    # What was typed is still there, to be corrected.
    again = await shown.submit(FORM)
    assert again.status == 422


@pytest.mark.parametrize(
    ("group", "values", "attribute", "text"),
    [
        ("tags", {"tags": ["x" * 256]}, "tags", "tags[0] is too long (maximum is 255"),
        ("tags", {"tags": [str(n) for n in range(201)]}, "tags", "has too many entries"),
        ("address", {"address.city": "x" * 256}, "address", "is too long"),
        (
            *("contact", {"phone_numbers.number": "1" * 256}),
            *("phone_numbers", "phone_numbers[0].number is too long (maximum is 255 characters)"),
        ),
    ],
)
async def test_what_is_wrong_with_a_field_of_many_inputs_is_said_once(
    browser: Browser, service: Service, group: str, values: Any, attribute: str, text: str
) -> None:
    lead_id = await a_full_lead(service)
    shown = await edited(browser, lead_id, group, **values)
    assert shown.status == 422
    assert text in shown.texts(f"#field-{attribute}-problem")[0]


async def test_what_is_wrong_with_a_custom_field_is_said_beside_it(
    browser: Browser, service: Service
) -> None:
    number = await service.field(name="Score", data_type="Float")
    day = await service.field(name="Next visit", data_type="Date")
    lead = await service.lead()
    names = [f"custom_fields.{field['id']}" for field in (number, day)]
    typed = {names[0]: "many", names[1]: "14.05.2026"}
    shown = await edited(browser, lead["id"], "custom", **typed)
    assert 'is not a number: "many"' in shown.problem_of(names[0])
    expected = 'is not mm/dd/yyyy, yyyy-mm-dd or Unix seconds: "14.05.2026"'
    assert expected in shown.problem_of(names[1])


async def test_a_form_is_only_taken_from_its_own_page(browser: Browser, service: Service) -> None:
    lead_id = await a_full_lead(service)
    shown = await opened(browser, lead_id, "company")
    refused = await shown.submit(FORM, csrf="x", title="Owner")
    assert refused.status == 403
    assert (await stored(service, lead_id))["title"] == "Buyer"


@pytest.mark.parametrize(
    "change", [{"edit": "nothing"}, {"edit": None}, {"version": "x"}, {"version": None}]
)
async def test_a_form_that_says_nothing_is_not_read(
    browser: Browser, service: Service, change: dict[str, str | None]
) -> None:
    shown = await opened(browser, await a_full_lead(service), "company")
    assert (await shown.submit(FORM, {"title": "Owner", **change})).status == 400


async def test_a_lead_of_another_account_is_not_changed(web: Web) -> None:
    lead_id = await a_full_lead(web.api)
    stranger = await web.stranger()
    own = await opened(stranger, await _lead_of(stranger), "company")
    fields = [("csrf", str(own.one(f'{FORM} [name="csrf"]')["value"]))]
    fields += [("edit", "company"), ("version", "1"), ("title", "Owner")]
    assert (await stranger.post(f"/leads/{lead_id}", fields)).status == 404
    assert (await stranger.post(f"/leads/{lead_id}/delete", fields)).status == 404
    assert (await stored(web.api, lead_id))["title"] == "Buyer"


async def _lead_of(browser: Browser) -> int:
    """Create a lead in a browser's account and return its id."""
    created = await (await browser.get("/leads/new")).submit(FORM, name="Omar Lake")
    return int(created.path.rpartition("/")[2])


async def test_a_lead_is_created(browser: Browser, service: Service) -> None:
    field = await service.field()
    name = f"custom_fields.{field['id']}"
    typed = {
        "name": "Sam Roe",
        "title": "Buyer",
        "tags": ["fair"],
        "email.email": "s@x.example",
        "phone_numbers.number": "1",
        name: "A-77",
    }
    shown = await (await browser.get("/leads/new")).submit(FORM, typed)
    assert shown.texts("h1") == ["Sam Roe"]
    lead = await stored(service, int(shown.path.rpartition("/")[2]))
    assert (lead["title"], lead["tags"], lead["status"]) == ("Buyer", ["fair"], "New")
    row = await newest(service, lead["id"])
    assert row["payload"] == {
        "name": "Sam Roe",
        "email": {"email": "s@x.example", "category": "work"},
        "phone_numbers": [{"number": "1", "category": "mobile"}],
        "title": "Buyer",
        "tags": ["fair"],
        "custom_fields": [{"custom_field_definition_id": field["id"], "value": "A-77"}],
    }


async def test_what_is_wrong_with_a_new_lead_is_said_beside_it(browser: Browser) -> None:
    form = await browser.get("/leads/new")
    shown = await form.submit(FORM, title="x" * 256, details="kept")
    assert shown.status == 422
    assert shown.problem_of("name") == "can't be blank"
    assert "is too long" in shown.problem_of("title")
    created = await shown.submit(FORM, name="Sam Roe", title="Buyer")
    assert "kept" in created.texts("#section-details")[0]


async def test_a_new_lead_is_asked_for_the_first_of_many_custom_fields(
    browser: Browser, service: Service
) -> None:
    options = [{"name": f"Option {n}"} for n in range(250)]
    for name in ("First", "Second"):
        await service.field(name=name, data_type="Dropdown", options=options, is_filterable=False)
    shown = await browser.get("/leads/new")
    assert "1 more custom field can be filled in on the lead's page." in shown.text
    lead = await service.lead()
    shown = await browser.get(f"/leads/{lead['id']}")
    assert len(shown.html.select('#section-custom a[href*="edit=custom_fields."]')) == 2


async def test_a_lead_is_deleted_after_a_question(browser: Browser, service: Service) -> None:
    lead_id = await a_full_lead(service)
    asked = await (await browser.get(f"/leads/{lead_id}")).follow(
        f'a[href="/leads/{lead_id}/delete"]'
    )
    assert "Delete Nora Field?" in asked.text
    await asked.submit("form.card")
    assert (await service.client.get(f"/leads/{lead_id}")).status_code == 404
    assert (
        "was deleted just now by dana · web application"
        in (await browser.get(f"/leads/{lead_id}")).text
    )
