"""The question before a lead is saved that may be another one, or whose e-mail is no address."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.api.service import Service, database_in
from tests.support.storage.faults import Faults
from tests.support.web.browser_client import Browser, Shown
from tests.support.web.web_service import Web

from onelead.domain.limits import MATCH_IDS_MAX
from onelead.domain.writes import LeadWrite
from onelead.process.writer import Receipt

FORM = "form[data-lead-form]"
QUESTION = "form.card"
BACK = '[name="back"]'
NORA = {"name": "Nora Field", "email": {"email": "nora@field.example"}}


async def created(browser: Browser, **typed: Any) -> Shown:
    """Fill in the form of a new lead."""
    return await (await browser.get("/leads/new")).submit(FORM, {"name": "Sam Roe", **typed})


async def edited(browser: Browser, lead_id: int, group: str, **typed: Any) -> Shown:
    """Fill in a section of a lead's page."""
    return await (await browser.get(f"/leads/{lead_id}?edit={group}")).submit(FORM, typed)


async def leads(service: Service) -> int:
    found = await service.client.post("/leads/search", json={})
    return int(found.headers["X-PW-TOTAL"])


async def stored(service: Service, lead_id: int) -> dict[str, Any]:
    return dict((await service.client.get(f"/leads/{lead_id}")).json())


def require_question(shown: Shown, *sentences: str) -> None:
    """Require a question with these sentences about other leads."""
    assert shown.status == 409
    assert shown.texts("h1") == ["Is this the same person?"]
    assert shown.texts("[role=alert] p")[0] == "Nothing has been saved yet."
    for sentence in sentences:
        assert sentence in shown.text


async def test_an_email_that_another_lead_has_is_asked_about(
    browser: Browser, service: Service
) -> None:
    nora = await service.lead(**NORA, company_name="Field Ltd", phone_numbers=[{"number": "9"}])
    asked = await created(browser, **{"email.email": " NORA@field.example"})
    require_question(asked, "Another lead has the same e-mail.")
    assert "Upserts by a value that several leads share are refused." in asked.text
    (shown,) = asked.texts("ul.divide-y li")
    assert shown == (
        "Nora Field Open this lead instead E-mail nora@field.example same Phone 9 "
        "Company Field Ltd Status New Last change just now"
    )
    assert "To be saved: Sam Roe, NORA@field.example" in asked.text
    assert (await leads(service)) == 1
    opened = await asked.follow("h2 a")
    assert opened.path == f"/leads/{nora['id']}"


async def test_save_all_the_same_saves_what_was_typed_and_says_what_is_shared(
    browser: Browser, service: Service
) -> None:
    await service.lead(**NORA)
    typed = {"email.email": "nora@field.example", "details": "one\r\ntwo", "tags": ["fair", "VIP"]}
    asked = await created(browser, **typed)
    saved = await asked.submit(QUESTION)
    assert "The lead was created. Its e-mail is also that of Nora Field." in saved.text
    lead = await stored(service, int(saved.path.rpartition("/")[2]))
    assert (lead["name"], lead["details"], lead["tags"]) == ("Sam Roe", "one\ntwo", ["fair", "VIP"])
    assert lead["email"]["email"] == "nora@field.example"


async def test_the_way_back_keeps_everything_that_was_typed(
    browser: Browser, service: Service
) -> None:
    await service.lead(**NORA)
    asked = await created(browser, **{"email.email": "nora@field.example", "details": "one\r\ntwo"})
    form = await asked.submit(QUESTION, button=BACK)
    assert (form.status, form.texts("h1")) == (422, ["New lead"])
    # Sent as it is, it is asked about again.
    require_question(await form.submit(FORM), "Another lead has the same e-mail.")
    saved = await form.submit(FORM, {"email.email": "sam@field.example"})
    assert "The lead was created." in saved.text
    lead = await stored(service, int(saved.path.rpartition("/")[2]))
    assert (lead["name"], lead["details"]) == ("Sam Roe", "one\ntwo")


async def test_a_section_that_gives_a_lead_the_email_of_another_is_asked_about(
    browser: Browser, service: Service
) -> None:
    await service.lead(**NORA)
    sam = await service.lead(name="Sam Roe")
    asked = await edited(browser, sam["id"], "contact", **{"email.email": "nora@field.example"})
    require_question(asked, "Another lead has the same e-mail.")
    assert (await stored(service, sam["id"]))["email"] is None
    back = asked.one(BACK)
    assert back["formaction"] == f"/leads/{sam['id']}#section-contact"
    form = await asked.submit(QUESTION, button=BACK)
    assert (form.status, form.one('[name="email.email"]')["value"]) == (422, "nora@field.example")
    saved = await asked.submit(QUESTION)
    assert "Saved. Its e-mail is also that of Nora Field." in saved.text
    assert (await stored(service, sam["id"]))["email"]["email"] == "nora@field.example"
    # Pressed twice, it is neither saved nor asked again.
    assert "Saved." in (await asked.submit(QUESTION)).text
    assert (await stored(service, sam["id"]))["id"] == sam["id"]
    rows = (await service.client.get(f"/leads/{sam['id']}/history")).json()
    assert len(rows) == 2


@pytest.mark.parametrize("alone", [True, False])
async def test_a_filterable_value_is_asked_about(
    browser: Browser, service: Service, *, alone: bool
) -> None:
    field = await service.field(name="Customer number")
    name = f"custom_fields.{field['id']}"
    entry = {"custom_field_definition_id": field["id"], "value": "A-77"}
    await service.lead(**NORA, custom_fields=[entry])
    sam = await service.lead(name="Sam Roe")
    group = name if alone else "custom"
    asked = await edited(browser, sam["id"], group, **{name: " A-77"})
    require_question(asked, "Another lead has the same Customer number.")
    assert "Customer number A-77 same" in asked.texts("ul.divide-y li")[0]
    assert asked.one(BACK)["formaction"] == f"/leads/{sam['id']}#section-custom"
    form = await asked.submit(QUESTION, button=BACK)
    assert form.one(f'[name="{name}"]')["value"] == " A-77"
    saved = await asked.submit(QUESTION)
    assert "Saved. Its Customer number is also that of Nora Field." in saved.text
    # Case tells such values apart.
    assert "Saved." in (await edited(browser, sam["id"], group, **{name: "a-77"})).text


async def test_values_that_nothing_matches_by_are_naturally_shared(
    browser: Browser, service: Service
) -> None:
    badge = await service.field(name="Badge", is_filterable=False)
    tier = await service.field(name="Tier", data_type="Dropdown")
    names = [f"custom_fields.{field['id']}" for field in (badge, tier)]
    typed = {names[0]: "A-77", names[1]: str(tier["options"][0]["id"]), "tags": ["fair"]}
    for name in ("Nora Field", "Sam Roe"):
        shown = await created(browser, **typed, name=name)
        assert "The lead was created." in shown.text


@pytest.mark.parametrize(
    ("number", "mark"),
    [("(512) 555-0100", "same"), ("+1 512 555 0100", "similar"), ("555 0100", "similar")],
)
async def test_a_similar_phone_number_is_a_hint(
    browser: Browser, service: Service, number: str, mark: str
) -> None:
    numbers = [{"number": "030 77"}, {"number": "512 555 0100"}]
    await service.lead(name="Nora Field", phone_numbers=numbers)
    asked = await created(browser, **{"phone_numbers.number": number})
    require_question(
        asked, "Another lead has the same or a similar phone number and may be the same person."
    )
    assert "Upserts by" not in asked.text
    assert f"Phone 512 555 0100 {mark} Status" in asked.texts("ul.divide-y li")[0]
    saved = await asked.submit(QUESTION)
    assert "The lead was created." in saved.text
    assert "also that of" not in saved.text


async def test_the_same_name_is_a_hint(browser: Browser, service: Service) -> None:
    await service.lead()
    sam = await service.lead(name="Sam Roe")
    asked = await edited(browser, sam["id"], "name", name="NORA  Field")
    require_question(asked, "Another lead has the same name and may be the same person.")
    assert asked.texts("h2") == ["Nora Field same name"]
    assert "Saved." in (await asked.submit(QUESTION)).text
    assert (await stored(service, sam["id"]))["name"] == "NORA  Field"
    other = await service.lead(name="Pat Lake")
    asked = await edited(browser, other["id"], "parts", first_name="Nora", last_name="Field")
    require_question(asked, "2 other leads have the same name and may be the same person.")


async def test_only_what_is_new_is_asked_about(browser: Browser, service: Service) -> None:
    field = await service.field()
    name = f"custom_fields.{field['id']}"
    values = {
        **NORA,
        "phone_numbers": [{"number": "512 555 0100"}],
        "custom_fields": [{"custom_field_definition_id": field["id"], "value": "A-77"}],
    }
    nora, _other = await service.lead(**values), await service.lead(**values)
    for group, typed in (
        ("name", {"name": "nora field"}),
        ("contact", {"email.category": "personal"}),
        ("contact", {"email.email": "Nora@Field.example"}),
        ("contact", {"phone_numbers.number": ["(512) 555-0100", "7"]}),
        ("company", {"title": "Buyer"}),
        ("custom", {name: " A-77 "}),
    ):
        shown = await edited(browser, nora["id"], group, **typed)
        assert (shown.status, "Saved." in shown.text) == (200, True), group


async def test_a_lead_is_not_similar_to_itself(browser: Browser, service: Service) -> None:
    nora = await service.lead(phone_numbers=[{"number": "512 555 0100"}])
    shown = await edited(
        browser, nora["id"], "contact", **{"phone_numbers.number": "+1 512 555 0100"}
    )
    assert "Saved." in shown.text


async def test_leads_with_shared_values_come_first_and_a_handful_is_shown(
    browser: Browser, service: Service
) -> None:
    for _ in range(6):
        await service.lead(name="Sam Roe")
    await service.lead(**NORA)
    asked = await created(browser, **{"email.email": "nora@field.example"})
    require_question(
        asked,
        "Another lead has the same e-mail.",
        "6 other leads have the same name and may be the same person.",
    )
    assert asked.texts("h2") == ["Nora Field", *["Sam Roe same name"] * 4]
    every = await asked.follow('[role=alert] a[href^="/leads?"]')
    assert every.html.select("tbody tr")[5:]
    assert not every.html.select("tbody tr")[6:]


async def test_more_leads_than_a_refusal_names_are_not_counted(
    browser: Browser, service: Service
) -> None:
    field = await service.field(name="Customer number")
    name = f"custom_fields.{field['id']}"
    entry = {"custom_field_definition_id": field["id"], "value": "A-77"}
    for _ in range(MATCH_IDS_MAX + 1):
        await service.lead(
            **NORA, phone_numbers=[{"number": "512 555 0100"}], custom_fields=[entry]
        )
    typed = {"phone_numbers.number": "512 555 0100", name: "A-77", "name": "nora field"}
    asked = await created(browser, **typed, **{"email.email": "nora@field.example"})
    require_question(
        asked,
        "More than 30 other leads have the same e-mail.",
        "More than 30 other leads have the same Customer number.",
        "More than 30 other leads have the same or a similar phone number and may",
        "More than 30 other leads have the same name and may be the same person.",
    )
    links = [str(link["href"]) for link in asked.html.select("[role=alert] a")]
    assert links == [
        "/leads?emails=nora%40field.example",
        f"/leads?cf_{field['id']}=A-77",
        "/leads?name=nora+field",
    ]
    # One more makes no other fact.
    await service.lead(**NORA)
    saved = await asked.submit(QUESTION)
    assert "Its e-mail is also that of more than 30 other leads." in saved.text
    assert "Its Customer number is also that of more than 30 other leads." in saved.text


async def test_new_facts_are_asked_about_again(browser: Browser, service: Service) -> None:
    first = await service.lead(**NORA)
    asked = await created(browser, **{"email.email": "nora@field.example"})
    await service.lead(name="Pat Lake", email=NORA["email"])
    again = await asked.submit(QUESTION)
    require_question(again, "2 other leads have the same e-mail.")
    assert again.texts("h2") == ["Nora Field", "Pat Lake"]
    # A lead less is nothing new.
    await service.client.delete(f"/leads/{first['id']}")
    saved = await again.submit(QUESTION)
    assert "The lead was created. Its e-mail is also that of Pat Lake." in saved.text


async def test_an_answer_is_about_the_values_that_it_was_given_for(
    browser: Browser, service: Service
) -> None:
    await service.lead(**NORA)
    await service.lead(name="Pat Lake", email={"email": "pat@lake.example"})
    asked = await created(browser, **{"email.email": "nora@field.example"})
    again = await asked.submit(QUESTION, {"email.email": "pat@lake.example"})
    require_question(again)
    assert again.texts("h2") == ["Pat Lake"]
    again = await asked.submit(QUESTION, {"name": "Pat Lake"})
    require_question(again, "Another lead has the same name and may be the same person.")


async def test_who_shares_a_value_is_named_or_counted(browser: Browser, service: Service) -> None:
    for _ in range(2):
        await service.lead(**NORA)
    for name, who in (
        ("Sam Roe", "Nora Field and 1 other lead"),
        ("Pat Lake", "Nora Field and 2 other leads"),
    ):
        asked = await created(browser, name=name, **{"email.email": "nora@field.example"})
        assert f"Its e-mail is also that of {who}." in (await asked.submit(QUESTION)).text


async def test_what_another_lead_gets_at_the_last_moment_is_said_after_saving(
    browser: Browser, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = service.writer.write

    async def late(account_id: int, asked: LeadWrite) -> Receipt:
        monkeypatch.undo()
        await service.lead(**NORA)
        return await write(account_id, asked)

    monkeypatch.setattr(service.writer, "write", late)
    saved = await created(browser, **{"email.email": "nora@field.example"})
    assert "The lead was created. Its e-mail is also that of Nora Field." in saved.text


async def test_a_saved_lead_is_shown_while_no_others_can_be_read(web: Web, tmp_path: Path) -> None:
    nora = await web.api.lead(**NORA)
    faults = Faults()
    store = await database_in(tmp_path).open_faulty(web.clock, faults)
    runtime = replace(web.api.runtime, store=store)
    browser = await Web(replace(web.api, runtime=runtime)).admin()
    asked = await created(browser, **{"email.email": "nora@field.example"})

    def no_search(sql: str) -> str:
        if "count(*)" in sql and "FROM lead" in sql:
            raise sqlite3.OperationalError("disk I/O error")
        return sql

    faults.rewrite = no_search
    saved = await asked.submit(QUESTION)
    assert f"The lead was created. Its e-mail is also that of lead {nora['id']}." in saved.text
    await store.close()


ODD_EMAILS = [
    ("nora at field", "does not look like an e-mail address. Deliveries will not find the lead"),
    (
        "a@field.example; b@field.example",
        "has 2 e-mail addresses. Deliveries find the lead by each",
    ),
    ("N/A", "is a placeholder. It is better to leave the e-mail empty."),
]


@pytest.mark.parametrize(("text", "sentence"), ODD_EMAILS)
async def test_an_email_that_is_not_one_address_is_asked_about(
    browser: Browser, service: Service, text: str, sentence: str
) -> None:
    asked = await created(browser, **{"email.email": text})
    assert (asked.status, asked.texts("h1")) == (409, ["Check the e-mail address"])
    assert f"“{text}” {sentence}" in asked.text
    assert not asked.html.select("ul.divide-y li")
    again = await asked.submit(QUESTION, {"email.email": "nora, field"})
    assert "“nora, field” does not look like an e-mail address." in again.text
    saved = await asked.submit(QUESTION)
    assert "The lead was created." in saved.text
    lead_id = int(saved.path.rpartition("/")[2])
    assert (await stored(service, lead_id))["email"]["email"] == text
    # It is asked about once, not with every later change.
    shown = await edited(browser, lead_id, "contact", **{"email.category": "personal"})
    assert "Saved." in shown.text


async def test_an_odd_email_and_similar_leads_are_one_question(
    browser: Browser, service: Service
) -> None:
    await service.lead(**NORA)
    asked = await created(browser, **{"email.email": "nora@field.example, n@field.example"})
    require_question(asked, "Another lead has the same e-mail.", "has 2 e-mail addresses.")
    assert "The lead was created." in (await asked.submit(QUESTION)).text


async def test_placeholders_are_nobodys_name(browser: Browser, service: Service) -> None:
    await service.lead(name="Unknown")
    assert "The lead was created." in (await created(browser, name="unknown")).text


async def test_the_choice_between_two_versions_is_asked_about_as_well(
    browser: Browser, service: Service
) -> None:
    await service.lead(**NORA)
    sam = await service.lead(name="Sam Roe", email={"email": "sam@roe.example"})
    form = await browser.get(f"/leads/{sam['id']}?edit=contact")
    await service.client.put(f"/leads/{sam['id']}", json={"email": {"email": "s@roe.example"}})
    conflict = await form.submit(FORM, {"email.email": "nora@field.example"})
    asked = await conflict.submit(FORM, {"pick.email": "yours"})
    require_question(asked, "Another lead has the same e-mail.")
    back = await asked.submit(QUESTION, button=BACK)
    assert back.one('[name="email.email"]')["value"] == "nora@field.example"
    assert "Saved." in (await asked.submit(QUESTION)).text
    assert (await stored(service, sam["id"]))["email"]["email"] == "nora@field.example"


async def test_leads_of_another_account_are_never_shown(web: Web, service: Service) -> None:
    field = {"email.email": "nora@field.example", "phone_numbers.number": "512 555 0100"}
    await service.lead(**NORA, phone_numbers=[{"number": "512 555 0100"}])
    stranger = await web.stranger()
    shown = await created(stranger, **field, name="Nora Field")
    assert "The lead was created." in shown.text
    assert "also that of" not in shown.text


async def test_an_answer_is_only_taken_from_its_own_page_and_once(
    web: Web, browser: Browser, service: Service
) -> None:
    await service.lead(**NORA)
    asked = await created(browser, **{"email.email": "nora@field.example"})
    assert (await asked.submit(QUESTION, {"csrf": "x"})).status == 403
    assert (await leads(service)) == 1
    first, second = await asked.submit(QUESTION), await asked.submit(QUESTION)
    assert "This form was already submitted" in second.text
    assert second.path == first.path
    assert (await leads(service)) == 2
    # Neither the question nor the way back is a delivery.
    assert len((await web.store.account_rows(web.account_id)).ledger) == 2


async def test_hostile_values_are_text(browser: Browser, service: Service) -> None:
    hostile = '"><b>\u202ex'
    await service.lead(name=hostile, email=NORA["email"])
    asked = await created(browser, **{"email.email": "nora@field.example", "details": hostile})
    assert not asked.html.select("main b")
    saved = await asked.submit(QUESTION)
    lead = await stored(service, int(saved.path.rpartition("/")[2]))
    assert lead["details"] == hostile
