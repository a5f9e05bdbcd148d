"""A match in steps: the first that finds leads decides, and the promise of one lead still holds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from tests.support.domain.builders import a_delivery
from tests.support.domain.planned_leads import NOW, PlannedLeads
from tests.support.domain.random_upserts import FIELD_IDS, FILTERABLE, accounts, creations, upserts

from onelead.domain.custom_fields import DataType
from onelead.domain.errors import InputInvalid, MatchAmbiguous, PreconditionFailed, VersionConflict
from onelead.domain.lead import RULING_ORIGIN, Email, Lead, OtherValue
from onelead.domain.writes import Action, LeadWrite, Outcome, WriteResult
from onelead.incoming.lead_json import lead_write

Body = dict[str, Any]


def by_email(text: str) -> Body:
    return {"field_name": "email", "field_value": text}


def by_name(text: str) -> Body:
    return {"field_name": "name", "field_value": text}


def by_number(text: str) -> Body:
    entry = {"custom_field_definition_id": FIELD_IDS[DataType.STRING], "value": text}
    return {"field_name": "custom", "field_value": entry}


def a_lead(name: str, email: str | None = None, number: str | None = None) -> Body:
    body: Body = {"name": name}
    if email:
        body["email"] = {"email": email}
    if number:
        body["custom_fields"] = [by_number(number)["field_value"]]
    return body


def an_upsert(match: Any, properties: Body, **members: Any) -> LeadWrite:
    body = {"match": match, "properties": properties, **members}
    return lead_write(Action.UPSERT, None, body, a_delivery())


def leads_of(*bodies: Body) -> PlannedLeads:
    leads = PlannedLeads(FILTERABLE)
    leads.write(*(lead_write(Action.CREATE, None, body, a_delivery()) for body in bodies))
    return leads


def done(leads: PlannedLeads, write: LeadWrite) -> WriteResult:
    (result,) = leads.write(write).results
    return result


def told(result: WriteResult) -> tuple[str, str | None, int | None]:
    """Return the name of the lead that was found or made, by what, and by which step."""
    assert result.lead is not None, result.refusal
    assert result.match is not None
    return result.lead.name, result.match.by, result.details.step if result.details else None


NORA, SAM = a_lead("Nora Field", "nora@a.example", "N-1"), a_lead("Sam Roe", "sam@a.example", "S-1")


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ([by_email("nora@a.example"), by_name("Sam Roe")], ("Nora Field", None, 1)),
        ([by_email("new@a.example"), by_name("Sam Roe")], ("Sam Roe", None, 2)),
        ([by_number("N-1")], ("Nora Field", None, 1)),
        ({"all": [by_email("sam@a.example"), by_name("sam roe")]}, ("Sam Roe", None, 1)),
        (
            [{"all": [by_email("sam@a.example"), by_name("Nora Field")]}, by_number("N-1")],
            ("Nora Field", None, 2),
        ),
    ],
)
def test_the_first_step_that_finds_a_lead_decides(match: Any, expected: Any) -> None:
    assert told(done(leads_of(NORA, SAM), an_upsert(match, {"title": "Buyer"}))) == expected


def test_a_new_lead_gets_the_values_of_all_steps() -> None:
    match = [by_email("new@a.example"), {"all": [by_name("Ann Lee"), by_number("A-1")]}]
    result = done(leads_of(NORA), an_upsert(match, {"title": "Buyer"}))
    assert result.lead is not None
    assert result.lead.email is not None
    values = (result.lead.email.email, result.lead.name, [*result.lead.custom_fields.values()])
    assert values == ("new@a.example", "Ann Lee", ["A-1"])
    assert result.details is None


def test_a_lead_that_was_renamed_is_found_by_the_same_request_again() -> None:
    match = {"all": [by_email("nora@a.example"), by_name("Nora Field")]}
    write = an_upsert(match, {"name": "Nora Roe", "email": "nora@b.example"})
    leads = leads_of(NORA, SAM)
    assert told(done(leads, write)) == ("Nora Roe", None, 1)
    again = done(leads, write)
    assert (again.outcome, told(again)) == (Outcome.UNCHANGED, ("Nora Roe", "properties", 1))


def test_a_later_step_does_not_take_another_lead_when_a_request_is_repeated() -> None:
    # Without the value of the properties, the second request would find Sam by his name.
    match = [by_email("nora@a.example"), by_name("Sam Roe")]
    write = an_upsert(match, {"email": "nora@b.example"})
    leads = leads_of(NORA, SAM)
    assert told(done(leads, write)) == ("Nora Field", None, 1)
    assert told(done(leads, write)) == ("Nora Field", "properties", 1)


def test_a_step_has_each_field_once_and_every_mistake_is_named() -> None:
    match = [
        {"all": [by_email("a@a.example"), by_email("b@a.example")]},
        by_email("nobody"),
        {"field_name": "phone", "field_value": "1"},
    ]
    refusal = done(leads_of(), an_upsert(match, {"name": "Ann Lee"})).refusal
    assert isinstance(refusal, InputInvalid)
    assert [problem.text for problem in refusal.problems] == [
        "step 1: has a field twice",
        'step 2: field_value is not an e-mail address: "nobody"',
        'step 3: field_name must be name, email or custom, not "phone"',
    ]


@pytest.mark.parametrize(("how", "number"), [("oldest", "1"), ("newest", "3")])
def test_one_of_several_leads_can_be_taken(how: str, number: str) -> None:
    leads = leads_of(*(a_lead("Nora Field", number=one) for one in "123"))
    for match in (by_name("Nora Field"), [by_number("7"), by_name("Nora Field")]):
        ambiguous = done(leads, an_upsert(match, {"title": how}))
        assert isinstance(ambiguous.refusal, MatchAmbiguous)
        result = done(leads, an_upsert(match, {"title": how + number}, on_ambiguous=how))
        assert result.lead is not None
        assert result.match is not None
        assert [*result.lead.custom_fields.values()] == [number]
        assert (result.match.by, result.match.matches) == (how, 3)
        leads.write(lead_write(Action.UPDATE, result.lead.id, {"title": None}, a_delivery()))


@pytest.mark.parametrize(
    ("match", "title"),
    [
        (by_email("nora@a.example"), "ruled"),
        ([by_number("7"), by_email("nora@a.example")], "ruled"),
        ({"all": [by_name("Nora Field"), by_email("nora@a.example")]}, "ruled"),
        # The ruling is on the e-mail.
        (by_name("Nora Field"), "newest"),
        # It is for a lead that does not have all values.
        ({"all": [by_email("nora@a.example"), by_number("N-1")]}, "newest"),
    ],
)
def test_a_ruling_comes_before_the_order(match: Any, title: str) -> None:
    number = {FIELD_IDS[DataType.STRING]: "N-1"}
    ruling = OtherValue("email", "nora@a.example", RULING_ORIGIN, claims=True)
    nora = structs.replace(
        Lead(1, 1, "Nora Field", 2001, NOW, NOW), email=Email("nora@a.example", "work")
    )
    others = [
        structs.replace(nora, custom_fields=number, title="oldest"),
        structs.replace(nora, id=2, other_values={9: ruling}, title="ruled"),
        structs.replace(nora, id=3, custom_fields=number, title="newest"),
    ]
    result = done(PlannedLeads(FILTERABLE, others), an_upsert(match, {}, on_ambiguous="newest"))
    assert result.lead is not None
    assert result.lead.title == title


@pytest.mark.parametrize("how", ["oldest", "newest"])
def test_none_of_too_many_leads_is_taken(how: str) -> None:
    leads = leads_of(*[a_lead("Nora Field")] * 31)
    refusal = done(leads, an_upsert(by_name("Nora Field"), {}, on_ambiguous=how)).refusal
    assert isinstance(refusal, MatchAmbiguous)


def test_an_upsert_may_be_for_updating_or_for_creating_only() -> None:
    leads = leads_of(NORA)
    new, known = an_upsert(by_name("Ann Lee"), {}), an_upsert(by_name("Nora Field"), {})
    refusals = [
        done(leads, structs.replace(new, only="update")).refusal,
        done(leads, structs.replace(known, only="create")).refusal,
        done(leads, structs.replace(known, only="update", expected_version=2)).refusal,
    ]
    expected = [PreconditionFailed, PreconditionFailed, VersionConflict]
    assert [type(refusal) for refusal in refusals] == expected
    for write, only in ((known, "update"), (new, "create")):
        assert done(leads, structs.replace(write, only=only)).refusal is None


@st.composite
def in_steps(draw: st.DrawFn, before: list[Body]) -> Body:
    """Draw an upsert with two or three matches, each a step of its own or beside another one."""
    fields = draw(st.lists(st.sampled_from(["name", "email", "custom"]), min_size=2, max_size=3))
    bodies = [draw(upserts(by, before)) for by in fields]
    have_all, *are_together = draw(st.tuples(*[st.booleans()] * 3))
    properties: Body = {}
    entries = [entry for body in bodies for entry in body["properties"].get("custom_fields", ())]
    for body in bodies:
        properties |= body["properties"]
    if entries and have_all:
        properties["custom_fields"] = entries
    steps: list[list[Body]] = []
    for body, is_together in zip(bodies, (False, *are_together), strict=False):
        if is_together:
            steps[-1].append(body["match"])
        else:
            steps.append([body["match"]])
    match = [step[0] if len(step) == 1 else {"all": step} for step in steps]
    return {"properties": properties, "match": match}


@given(st.data())
def test_an_upsert_in_steps_finds_the_lead_that_it_wrote(data: st.DataObject) -> None:
    account = data.draw(accounts())
    before = data.draw(st.lists(creations(), max_size=4)) * data.draw(st.sampled_from([1, 1, 2]))
    write = lead_write(Action.UPSERT, None, data.draw(in_steps(before)), a_delivery())
    creates = [lead_write(Action.CREATE, None, body, a_delivery()) for body in before]
    leads, together = PlannedLeads(account), PlannedLeads(account)
    leads.write(*creates)
    together.write(*creates)
    first = done(leads, write)
    if first.outcome is Outcome.REFUSED:
        return
    require_found_again(first, leads.write(write, now=NOW + 60).results[0])
    require_found_again(*together.write(write, write).results)


def require_found_again(first: WriteResult, again: WriteResult) -> None:
    assert first.lead is not None
    if again.outcome is Outcome.REFUSED:
        assert isinstance(again.refusal, MatchAmbiguous)
        others = {lead_id for ids in first.shares.values() for lead_id in ids}
        assert {*again.refusal.ids} - {first.lead.id} <= others
        assert others
    else:
        assert (again.outcome, again.lead) == (Outcome.UNCHANGED, first.lead)
