"""Upserts while the match keys of older leads are rebuilt, and while older processes may write."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.support.domain.builders import a_delivery, a_field, a_lead, a_settings, a_write
from tests.support.domain.planned_leads import PlannedLeads

from onelead.domain.custom_fields import IndexState
from onelead.domain.errors import InputInvalid, MatchAmbiguous
from onelead.domain.lead import Email
from onelead.domain.limits import RETRY_AFTER_S
from onelead.domain.matching import lead_keys
from onelead.domain.writes import Action, LeadWrite, Outcome, WriteResult
from onelead.incoming.lead_json import upsert_write

FIELD = a_field(is_filterable=True, index_state=IndexState.READY, index_generation=1)
REBUILT = a_settings(fields=(FIELD,), may_have_old_keys=True)
STALE = replace(REBUILT, are_keys_stale=True)


def an_upsert(field_name: str, field_value: Any, **properties: Any) -> LeadWrite:
    match = {"field_name": field_name, "field_value": field_value}
    return a_write(Action.UPSERT, match=match, properties=properties)


def by_name(name: str) -> LeadWrite:
    return an_upsert("name", name, title="Buyer")


def by_number(number: str) -> LeadWrite:
    value = {"custom_field_definition_id": FIELD.id, "value": number}
    return an_upsert("custom", value, name="Nora Field")


def result_of(leads: PlannedLeads, write: LeadWrite) -> WriteResult:
    (result,) = leads.write(write).results
    return result


def test_while_keys_are_stale_one_lead_with_the_key_is_the_one_that_is_meant() -> None:
    leads = PlannedLeads(STALE, [a_lead(id=1, email=Email("nora@field.example", "work"))])
    write = an_upsert("email", "Nora@field.example", title="Buyer")
    assert result_of(leads, write).outcome is Outcome.UPDATED


def test_nobody_and_one_that_only_an_older_key_names_have_to_wait() -> None:
    leads = PlannedLeads(STALE, [a_lead(id=1, email=Email("wei\u00df@field.example", "work"))])
    # By older rules the two addresses were one.
    leads.keys["email", "weiss@field.example"] = {1: None}
    for text in ("weiss@field.example", "sam@field.example"):
        refusal = result_of(leads, an_upsert("email", text, name="Sam Roe")).refusal
        assert isinstance(refusal, InputInvalid)
        assert refusal.retry_after_s == RETRY_AFTER_S


def test_several_stay_ambiguous() -> None:
    leads = PlannedLeads(STALE, [a_lead(id=n, name="Nora O'Brien") for n in (1, 2)])
    refusal = result_of(leads, by_name("Nora O'Brien")).refusal
    assert isinstance(refusal, MatchAmbiguous)


@pytest.mark.parametrize("name", ["Nora O'Brien", "Nora Field-Poe", "\U0001f600" * 250])
def test_names_wait_whose_rules_have_changed(name: str) -> None:
    assert isinstance(result_of(PlannedLeads(STALE), by_name(name)).refusal, InputInvalid)


@pytest.mark.parametrize("write", [by_number("C-1"), by_name("No\u00eblle Field")])
def test_other_names_and_custom_fields_do_not_wait(write: LeadWrite) -> None:
    assert result_of(PlannedLeads(STALE), write).outcome is Outcome.CREATED


@pytest.mark.parametrize("write", [by_number("C-1"), by_name("Nora Field")])
def test_a_key_of_a_lead_that_an_older_process_deleted_finds_nobody(write: LeadWrite) -> None:
    leads = PlannedLeads(REBUILT)
    gone = a_lead(id=1, custom_fields={FIELD.id: "C-1"})
    for key in lead_keys(gone, REBUILT):
        leads.keys[key.field, key.value] = {gone.id: None}
    result = result_of(leads, write)
    assert result.outcome is Outcome.CREATED
    assert result.match is not None
    assert result.match.matches == 0


NUMBER = {"custom_field_definition_id": FIELD.id, "value": "A-77"}
BY_NUMBER = {"field_name": "custom", "field_value": NUMBER}
BY_EMAIL = {"field_name": "email", "field_value": "nora@field.example"}
BY_NAME = {"field_name": "name", "field_value": "Nora Field"}
NORA = a_lead(
    id=1,
    name="Nora Field",
    email=Email("nora@field.example", "work"),
    custom_fields={FIELD.id: "A-77"},
)


@pytest.mark.parametrize(
    ("match", "is_certain"),
    [
        ([BY_NUMBER, BY_EMAIL], True),
        ([BY_NAME, BY_EMAIL], True),
        ([{"all": [BY_NUMBER, BY_NAME]}], True),
        ([{"all": [BY_NUMBER, BY_EMAIL]}], True),
        # Older leads may have the value of an earlier step.
        ([BY_EMAIL | {"field_value": "sam@roe.example"}, BY_NUMBER], False),
        ([{"all": [BY_NUMBER, BY_EMAIL | {"field_value": "sam@roe.example"}]}, BY_NAME], False),
        ([BY_NUMBER | {"field_value": NUMBER | {"value": "B-1"}}, BY_NAME], True),
        # Nobody is found.
        ([BY_EMAIL | {"field_value": "sam@roe.example"}], False),
        ([BY_NUMBER | {"field_value": NUMBER | {"value": "B-1"}}], True),
    ],
)
def test_a_step_waits_only_where_an_older_key_could_make_a_difference(
    match: list[dict[str, Any]], *, is_certain: bool
) -> None:
    body = {"match": match, "properties": {"name": "Nora Field"}}
    result = result_of(PlannedLeads(STALE, [NORA]), upsert_write(body, a_delivery()))
    assert (result.refusal is None) is is_certain
    if not is_certain:
        assert isinstance(result.refusal, InputInvalid)
        assert result.refusal.retry_after_s == RETRY_AFTER_S


def test_one_value_of_a_step_that_only_an_older_key_has_is_not_certain() -> None:
    leads = PlannedLeads(STALE, [NORA])
    leads.keys["email", "weiss@field.example"] = {1: None}
    match = {"all": [BY_NAME, BY_EMAIL | {"field_value": "weiss@field.example"}]}
    result = result_of(leads, upsert_write({"match": match, "properties": {}}, a_delivery()))
    assert isinstance(result.refusal, InputInvalid)
