"""A lead as a form: what is untouched is never sent, and what is sent is what the API takes."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.domain.builders import a_delivery, a_field, a_lead, a_settings
from tests.support.domain.patches import ELSEWHERE, FIELD_IDS, FULL_LEAD, SETTINGS
from tests.support.domain.planned_leads import PlannedLeads
from tests.support.domain.random_leads import leads
from tests.support.web.browser_client import fields_of

from onelead.domain.account import User
from onelead.domain.custom_fields import DataType
from onelead.domain.lead import CHANGEABLE_FIELDS, Lead
from onelead.domain.limits import FORM_CUSTOM_FIELDS_MAX
from onelead.domain.writes import Action, LeadWrite, Outcome
from onelead.incoming.lead_json import lead_patch
from onelead.web.frame.forms import Form
from onelead.web.frame.rendering import environment
from onelead.web.leads.controls import by_field, controls
from onelead.web.leads.form import (
    CUSTOM,
    GROUPS,
    custom_names,
    names_of,
    properties,
    sent_values,
    stored_form,
    wanted_values,
)

NAMES = tuple(name for names in GROUPS.values() for name in names) + custom_names(SETTINGS)
_DRAW = environment().from_string(
    '{% from "leads/controls.html" import control %}'
    "<form>{% for c in found %}{{ control(c) }}{% endfor %}</form>"
)


def drawn(form: Form) -> Form:
    """Draw a form with all fields as HTML, and return what it sends untouched."""
    html = _DRAW.render(found=controls(form, NAMES, SETTINGS, {}))
    (element,) = BeautifulSoup(html, "html.parser").select("form")
    return Form(fields_of(element))


def written(lead: Lead, values: dict[str, Any]) -> Lead:
    """Write values to a lead as a save does, and return the lead afterwards."""
    kept = PlannedLeads(SETTINGS, [lead])
    patch, problems = lead_patch(properties(values, SETTINGS), "base")
    write = LeadWrite(Action.UPDATE, a_delivery(), lead.id, patch, problems=problems)
    (result,) = kept.write(write).results
    assert result.refusal is None, result.refusal
    assert (result.outcome is Outcome.UNCHANGED) == (kept.leads[lead.id] == lead)
    return kept.leads[lead.id]


@given(leads(without=""))
@settings(max_examples=60)
def test_a_form_that_nobody_touched_wants_nothing(lead: Lead) -> None:
    form = drawn(stored_form(lead, NAMES, SETTINGS))
    assert wanted_values(form, lead, NAMES, SETTINGS) == {}


@given(leads())
def test_all_that_a_form_sends_leaves_the_lead_unchanged(lead: Lead) -> None:
    sent = sent_values(stored_form(lead, NAMES, SETTINGS), NAMES, SETTINGS)
    assert written(lead, sent) == lead


@given(leads(), leads(), st.sampled_from([*sorted(GROUPS.keys() - {"parts"}), CUSTOM]))
@settings(max_examples=60)
def test_a_form_filled_in_with_another_lead_makes_its_section_the_same(
    lead: Lead, other: Lead, group: str
) -> None:
    names = names_of(group, SETTINGS)
    form = stored_form(other, names, SETTINGS)
    after = written(lead, wanted_values(form, lead, names, SETTINGS))
    assert sent_values(stored_form(after, names, SETTINGS), names, SETTINGS) == sent_values(
        form, names, SETTINGS
    )


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_form_clears_a_field(name: str) -> None:
    if name in ("name", "status_id"):
        return
    wanted = wanted_values(Form([]), FULL_LEAD, (name,), SETTINGS)
    after = written(FULL_LEAD, wanted)
    assert stored_form(after, (name,), SETTINGS).get(name) == ""
    assert wanted == {} or after != FULL_LEAD


def test_only_what_was_changed_is_sent() -> None:
    names = GROUPS["company"]
    form = Form([("title", "Owner"), ("company_name", "Field Supplies")])
    assert wanted_values(form, FULL_LEAD, names, SETTINGS) == {"title": "Owner"}


def test_custom_fields_are_sent_as_the_api_takes_them() -> None:
    ids = FIELD_IDS
    form = Form(
        [
            (f"custom_fields.{ids[DataType.DATE]}", "2026-05-14"),
            (f"custom_fields.{ids[DataType.CHECKBOX]}", "1"),
            (f"custom_fields.{ids[DataType.DROPDOWN]}", "5102"),
            (f"custom_fields.{ids[DataType.MULTI_SELECT]}", "5101"),
            (f"custom_fields.{ids[DataType.MULTI_SELECT]}", "5102"),
            (f"custom_fields.{ids[DataType.CURRENCY]}", "12.50"),
            (f"custom_fields.{ids[DataType.TEXT]}", "one\r\ntwo\rthree"),
            (f"custom_fields.{ids[DataType.STRING]}", "A-\n77"),
        ]
    )
    wanted = wanted_values(form, a_lead(), custom_names(SETTINGS), SETTINGS)
    sent = {
        entry["custom_field_definition_id"]: entry["value"]
        for entry in properties(wanted, SETTINGS)["custom_fields"]
    }
    assert sent == {
        ids[DataType.DATE]: "05/14/2026",
        ids[DataType.CHECKBOX]: True,
        ids[DataType.DROPDOWN]: 5102,
        ids[DataType.MULTI_SELECT]: [5101, 5102],
        ids[DataType.CURRENCY]: "12.50",
        ids[DataType.TEXT]: "one\ntwo\nthree",
        ids[DataType.STRING]: "A-77",
    }


@pytest.mark.parametrize("text", ["yesterday", "2026-05", "2026-05-x", "14.05.2026"])
def test_a_text_that_is_not_a_day_is_sent_as_it_is(text: str) -> None:
    name = f"custom_fields.{FIELD_IDS[DataType.DATE]}"
    assert sent_values(Form([(name, text)]), (name,), SETTINGS) == {name: text}


def test_rows_without_a_text_are_left_out() -> None:
    form = Form(
        [
            *(("phone_numbers.number", "1"), ("phone_numbers.category", "home")),
            *(("phone_numbers.number", " "), ("phone_numbers.category", "work")),
            ("phone_numbers.number", "2"),
        ]
    )
    assert sent_values(form, ("phone_numbers",), SETTINGS)["phone_numbers"] == [
        {"number": "1", "category": "home"},
        {"number": "2", "category": None},
    ]


def test_a_group_is_what_fits_in_one_form() -> None:
    assert names_of("company", SETTINGS) == ("title", "company_name")
    assert names_of(CUSTOM, SETTINGS) == custom_names(SETTINGS)
    assert names_of("custom_fields.4101", SETTINGS) == ("custom_fields.4101",)
    nobodys = (
        "",
        "id",
        "version",
        f"custom_fields.{ELSEWHERE}",
        "custom_fields.1",
        "custom_fields.x",
    )
    assert [names_of(group, SETTINGS) for group in nobodys] == [()] * len(nobodys)


def test_many_custom_fields_do_not_all_stand_in_one_form() -> None:
    many = tuple(a_field(id=4101 + n) for n in range(FORM_CUSTOM_FIELDS_MAX + 1))
    assert len(custom_names(a_settings(fields=many))) == FORM_CUSTOM_FIELDS_MAX
    with_options = tuple(a_field(id=4101 + n, data_type=DataType.DROPDOWN) for n in range(200))
    assert len(custom_names(a_settings(fields=with_options))) == FORM_CUSTOM_FIELDS_MAX // 3


def test_what_was_deleted_can_stay_chosen() -> None:
    lead = a_lead(assignee_id=77, custom_fields={FIELD_IDS[DataType.DROPDOWN]: 99})
    names = ("assignee_id", f"custom_fields.{FIELD_IDS[DataType.DROPDOWN]}")
    form = stored_form(lead, names, SETTINGS)
    assert wanted_values(form, lead, names, SETTINGS) == {}
    found = [dict(control.options) for control in controls(form, names, SETTINGS, {})]
    assert [options.get(text) for options, text in zip(found, ("77", "99"), strict=True)] == [
        "Deleted user 77",
        "Deleted option 99",
    ]


def test_a_user_who_left_is_only_offered_where_they_are_chosen() -> None:
    gone = User(902, "Gus Gone", "gus@shop.example", is_active=False)
    known = a_settings(users=(*SETTINGS.users, gone))
    for lead, names in ((a_lead(), ["None", "Dana Poe"]), (a_lead(assignee_id=902), None)):
        (control,) = controls(
            stored_form(lead, ("assignee_id",), known), ("assignee_id",), known, {}
        )
        assert [name for _id, name in control.options] == (
            names or ["None", "Dana Poe", "Gus Gone"]
        )


def test_what_is_wrong_with_a_custom_field_stands_beside_it() -> None:
    text = "value of Customer number (definition 4101) is too long (maximum is 255 characters)"
    other = "definition 7 does not exist"
    assert by_field({"custom_fields": [text, other], "title": ["x"]}, SETTINGS) == {
        "custom_fields.4101": [text],
        "custom_fields": [other],
        "title": ["x"],
    }


def test_every_field_that_can_change_is_in_one_group() -> None:
    names = [name for group in GROUPS.values() for name in group]
    # The unit follows from the value and the account.
    assert sorted(names) == sorted({*CHANGEABLE_FIELDS} - {"monetary_unit"})
