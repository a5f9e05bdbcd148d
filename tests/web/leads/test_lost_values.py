"""What was typed for a custom field that was deleted meanwhile is shown, and nothing is written."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.api.service import Service
from tests.support.web.browser_client import Browser, Shown

FORM = "form[data-lead-form]"
GONE = "this field has been deleted"


def entry(field: dict[str, Any], value: Any) -> dict[str, Any]:
    return {"custom_field_definition_id": field["id"], "value": value}


def name_of(field: dict[str, Any]) -> str:
    return f"custom_fields.{field['id']}"


async def delete(service: Service, field: dict[str, Any]) -> None:
    answer = await service.client.delete(f"/custom_field_definitions/{field['id']}")
    assert answer.status_code == 200


async def seq_of(service: Service) -> int:
    rows = await service.store.account_rows(service.account.account_id)
    return len(rows.ledger)


async def sent_too_late(
    service: Service, shown: Shown, field: dict[str, Any], values: dict[str, Any]
) -> Shown:
    """Send a form whose field is deleted meanwhile; nothing is written."""
    await delete(service, field)
    seq = await seq_of(service)
    answer = await shown.submit(FORM, values)
    assert await seq_of(service) == seq
    return answer


#: By type: what the form sends, and what the user reads of it.
TYPED: dict[str, tuple[str, str]] = {
    "Checkbox": ("1", "yes"),
    "Date": ("2026-05-14", "2026-05-14"),
    "Dropdown": ("Gold", "Gold"),
    "Float": ("-0.5", "-0.5"),
    "MultiSelect": ("Gold", "Gold"),
    "String": ("<b>A-77</b>", "<b>A-77</b>"),
    "Text": ("one\r\ntwo", "one two"),
}


@pytest.mark.parametrize("data_type", TYPED)
@pytest.mark.parametrize("page", ["new", "custom", "alone", "alone of several"])
async def test_what_was_typed_is_shown_and_nothing_is_written(
    browser: Browser, service: Service, data_type: str, page: str
) -> None:
    if page in ("custom", "alone of several"):
        await service.field(name="Tier")
    field = await service.field(name="Score", data_type=data_type)
    sent, read = TYPED[data_type]
    options = {option["name"]: str(option["id"]) for option in field.get("options") or ()}
    path = "/leads/new"
    if page != "new":
        lead = await service.lead()
        path = f"/leads/{lead['id']}?edit={'custom' if page == 'custom' else name_of(field)}"
    typed = {"name": "Sam Roe"} if page == "new" else {}
    typed[name_of(field)] = options.get(sent, sent)
    shown = await sent_too_late(service, await browser.get(path), field, typed)
    assert shown.status == 422
    assert f"Score (deleted) {GONE} You entered: {read}" in shown.text
    assert "Nothing was saved. Correct the fields marked below." in shown.text


async def test_the_rest_can_be_saved_then(browser: Browser, service: Service) -> None:
    tier, score = [await service.field(name=name) for name in ("Tier", "Score")]
    lead = await service.lead()
    shown = await browser.get(f"/leads/{lead['id']}?edit=custom")
    typed = {name_of(tier): "Gold", name_of(score): "A-77"}
    refused = await sent_too_late(service, shown, score, typed)
    saved = await refused.submit(FORM)
    assert "Saved." in saved.text
    (value,) = (await service.client.get(f"/leads/{lead['id']}")).json()["custom_fields"]
    assert value["value"] == "Gold"


async def test_a_new_lead_can_be_created_then(browser: Browser, service: Service) -> None:
    score = await service.field(name="Score")
    typed = {"name": "Sam Roe", name_of(score): "A-77"}
    refused = await sent_too_late(service, await browser.get("/leads/new"), score, typed)
    assert "The lead was created." in (await refused.submit(FORM)).text


@pytest.mark.parametrize("value", ["A-77", ""])
async def test_a_field_that_nobody_touched_does_not_stand_in_the_way(
    browser: Browser, service: Service, value: str
) -> None:
    tier, score = [await service.field(name=name) for name in ("Tier", "Score")]
    lead = await service.lead(custom_fields=[entry(score, "A-77")])
    shown = await browser.get(f"/leads/{lead['id']}?edit=custom")
    await delete(service, score)
    saved = await shown.submit(FORM, {name_of(tier): "Gold", name_of(score): value})
    assert "Saved." in saved.text


async def test_a_field_that_leads_do_not_have_any_more(browser: Browser, service: Service) -> None:
    score = await service.field(name="Score")
    lead = await service.lead()
    shown = await browser.get(f"/leads/{lead['id']}?edit={name_of(score)}")
    path = f"/custom_field_definitions/{score['id']}"
    await service.client.put(path, json={"available_on": ["person"]})
    refused = await shown.submit(FORM, {name_of(score): "A-77"})
    assert refused.status == 422
    assert "Score this field is no longer available on leads You entered: A-77" in refused.text


@pytest.mark.parametrize("pick", ["yours", "theirs"])
async def test_a_field_that_is_deleted_while_one_chooses_between_two_versions(
    browser: Browser, service: Service, pick: str
) -> None:
    tier, score = [await service.field(name=name) for name in ("Tier", "Score")]
    lead = await service.lead()
    shown = await browser.get(f"/leads/{lead['id']}?edit=custom")
    theirs = [entry(tier, "Silver"), entry(score, "B-1")]
    await service.client.put(f"/leads/{lead['id']}", json={"custom_fields": theirs})
    conflict = await shown.submit(FORM, {name_of(tier): "Gold", name_of(score): "A-77"})
    assert conflict.status == 409
    picks = {f"pick.{name_of(tier)}": "yours", f"pick.{name_of(score)}": pick}
    await delete(service, score)
    answer = await conflict.submit(FORM, picks)
    if pick == "yours":
        assert answer.status == 422
        assert f"Score (deleted) {GONE} You entered: A-77" in answer.text
        answer = await answer.submit(FORM)
    assert "Saved." in answer.text
    (value,) = (await service.client.get(f"/leads/{lead['id']}")).json()["custom_fields"]
    assert value["value"] == "Gold"


async def test_a_form_with_a_field_that_never_was(browser: Browser, service: Service) -> None:
    lead = await service.lead()
    shown = await browser.get(f"/leads/{lead['id']}?edit=company")
    refused = await shown.submit(FORM, {"title": "Owner", "custom_fields.99": "A-77"})
    assert refused.status == 422
    assert f"Deleted custom field 99 {GONE} You entered: A-77" in refused.text
