"""Which values of a person are looked for, and in which deliveries they are found."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.domain.builders import a_field, a_lead, a_settings

from onelead.domain.account import AccountSettings
from onelead.domain.acts.erasure import (
    PersonValues,
    counted_changes,
    is_about,
    is_matched_by,
    is_mentioned_in,
    lead_ids_in,
    values_of_email,
    values_of_leads,
    values_of_row,
    without_person,
    without_values,
)
from onelead.domain.custom_fields import DataType, IndexState, Option
from onelead.domain.lead import Address, Email, Lead, Link, OtherValue, PhoneNumber
from onelead.domain.limits import ERASURE_VALUES_MAX
from onelead.domain.writes import Kept, RowDetails

NUMBER, NOTE, TIER = 10, 11, 12


@pytest.fixture
def settings() -> AccountSettings:
    """A text that identifies, one that does not, and a choice."""
    ready = {"is_filterable": True, "index_state": IndexState.READY}
    return a_settings(
        fields=(
            a_field(id=NUMBER, name="Number", **ready),
            a_field(id=NOTE, name="Note", is_filterable=False, index_state=IndexState.NONE),
            a_field(
                id=TIER,
                name="Tier",
                data_type=DataType.DROPDOWN,
                options=(Option(13, "Gold"),),
                **ready,
            ),
        )
    )


@pytest.fixture
def nora() -> Lead:
    return a_lead(
        id=1,
        name="Nora Field",
        email=Email("Nora@Field.example", "work"),
        phone_numbers=(PhoneNumber("+1 (415) 555-0187", "work"), PhoneNumber("110", "other")),
        socials=(Link("https://social.example/nora", "other"),),
        websites=(Link("https://nora.example", "work"),),
        company_name="Field Works",
        address=Address(street="1 Field Lane", postal_code="94110"),
        custom_fields={NUMBER: "KQ-7781", NOTE: "blue", TIER: 13},
        other_values={
            20: OtherValue("email", "n@old.example", "merge"),
            21: OtherValue(f"custom_fields.{NUMBER}", "KQ-1", "merge"),
            22: OtherValue("name", "N. Field", "person"),
        },
    )


@pytest.fixture
def values(nora: Lead, settings: AccountSettings) -> PersonValues:
    return values_of_leads([nora], settings)


def about(values: PersonValues, payload: Any) -> bool:
    return is_about(values, json.dumps(payload))


def test_a_lead_gives_its_own_and_its_other_values(values: PersonValues) -> None:
    assert values == PersonValues(
        emails=frozenset({"nora@field.example", "n@old.example"}),
        phones=frozenset({"14155550187", "155550187"}),
        custom=frozenset({(NUMBER, "KQ-7781"), (NUMBER, "KQ-1")}),
        socials=frozenset({"https://social.example/nora"}),
        names=frozenset({"nora field", "n. field"}),
        beside=frozenset({"https://nora.example", "field works", "1 field lane", "94110"}),
    )


def test_placeholders_identify_nobody(settings: AccountSettings) -> None:
    lead = a_lead(name="n/a", company_name="n/a", custom_fields={NUMBER: "unknown"}, email=None)
    assert len(values_of_leads([lead], settings)) == 0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("mailto:N@X.example", {"n@x.example"}),
        ("a@x.example, b@x.example", set()),
        ("nobody", set()),
    ],
)
def test_one_email_is_read(text: str, found: set[str]) -> None:
    assert values_of_email(text).emails == found


@pytest.mark.parametrize(
    "payload",
    [
        {"email": {"email": "NORA@field.example"}},
        {"details": "please write to <nora@field.example>, thanks"},
        {"details": "or n@old.example;"},
        {"phone_numbers": [{"number": "(415) 555 0187"}]},
        {"phone": 14155550187},
        {"details": "call 0014155550187 or so"},
        {"match": {"field_value": {"custom_field_definition_id": str(NUMBER), "value": "KQ-7781"}}},
        {"custom_fields": [{"custom_field_definition_id": NUMBER, "value": " KQ-1 "}]},
        {"socials": [{"url": "HTTPS://social.example/Nora"}]},
        {"name": "nora  FIELD", "company_name": "Field Works"},
        {"first_name": "Nora", "last_name": "Field", "address": {"postal_code": 94110}},
    ],
    ids=json.dumps,
)
def test_a_delivery_with_a_value_is_about_the_person(values: PersonValues, payload: Any) -> None:
    assert about(values, payload)


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"name": "Nora Field"},
        {"name": "Nora", "company_name": "Field Works"},
        {"email": "nora2@field.example", "is_known": True, "other": None},
        {"phone_numbers": [{"number": "110"}]},
        {"phone_numbers": [{"number": "415 555 0188"}]},
        {"custom_fields": [{"custom_field_definition_id": NOTE, "value": "blue"}]},
        {"custom_fields": [{"custom_field_definition_id": NUMBER, "value": ["KQ-1"]}]},
        {"custom_fields": [{"custom_field_definition_id": NUMBER, "value": "kq-1"}]},
        {"title": "KQ-7781"},
        "@@ 1 2 3",
    ],
    ids=json.dumps,
)
def test_another_delivery_is_not(values: PersonValues, payload: Any) -> None:
    assert not about(values, payload)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ('{"email": "nora@field.example', True),
        ('{"email": "nora\\u0040field.example', True),
        ("email=nora%40field.example&x=1", True),
        ("GET /x?email=nora@field.example", True),
        ("tel=415-555-0187&x", True),
        ("number: KQ-7781;", True),
        ("number: KQ-1;", False),
        ("https://social.example/nora", True),
        ("Nora Field of Field Works", True),
        ("Nora Field", False),
        ("", False),
    ],
)
def test_a_body_that_could_not_be_read_is_searched_as_text(
    values: PersonValues, body: str, *, found: bool
) -> None:
    assert is_about(values, json.dumps(body), is_unread=True) is found


def test_nothing_is_found_in_no_payload(values: PersonValues) -> None:
    assert not is_about(values, "")
    assert not is_about(PersonValues(), json.dumps({"email": "a@b.example"}))


@pytest.mark.parametrize(
    ("text", "found"),
    [("by Nora Field", True), ("n@old.example wrote", True), ("Letter 17", False), ("", False)],
)
def test_a_reason_may_not_have_a_value_or_the_name(
    values: PersonValues, text: str, *, found: bool
) -> None:
    assert is_mentioned_in(values, text) is found


def test_a_row_gives_its_changes_its_match_and_the_leads_that_it_holds(
    settings: AccountSettings,
) -> None:
    changes = {
        "email": [{"email": "a@x.example", "category": "work"}, None],
        "name": ["Ann", "Bea"],
        "other_values.30": [None, {"field": "email", "value": "c@x.example", "origin": "merge"}],
        "status_id": [1, 2],
        "pins.title": [None, True],
    }
    match = {"field_name": "email", "value": "d@x.example", "matches": 1, "ids": [1]}
    details = RowDetails(
        kept={
            "email": Kept("pinned", {"email": "k@x.example", "category": "work"}),
            "71.email": Kept("gone", {"email": "m@x.example", "category": "work"}),
            "71.other_values.3": Kept("claimed", "l@x.example"),
            "pins.title": Kept("changed", value=True),
        },
        deleted=a_lead(email=Email("e@x.example", "work")),
        merged=(a_lead(email=Email("f@x.example", "work")),),
        restored=(a_lead(email=Email("g@x.example", "work")),),
        answer=a_lead(email=Email("h@x.example", "work")),
    )
    found = values_of_row(json.dumps(changes), match, details, settings)
    assert found.emails == {f"{letter}@x.example" for letter in "acdefghkm"}
    assert {"ann", "bea"} < found.names
    assert len(values_of_row(None, None, None, settings)) == 0


@pytest.mark.parametrize(
    ("match", "found"),
    [
        ({"field_name": "custom", "definition_id": NUMBER, "value": "KQ-9"}, {(NUMBER, "KQ-9")}),
        ({"field_name": "custom", "definition_id": TIER, "value": "13"}, set()),
        ({"field_name": "name", "definition_id": None, "value": "nora field"}, set()),
    ],
)
def test_a_match_by_a_custom_field_gives_what_identifies(
    settings: AccountSettings, match: dict[str, Any], found: set[tuple[int, str]]
) -> None:
    values = values_of_row(None, match, None, settings)
    assert (set(values.custom), len(values)) == (found, len(found))


def test_too_many_values_are_not_collected(values: PersonValues) -> None:
    many = PersonValues(emails=frozenset(f"{n}@x.example" for n in range(ERASURE_VALUES_MAX)))
    assert values.with_more(many) is values
    assert len(values.with_more(PersonValues(names=frozenset({"bea"})))) == len(values) + 1


def test_a_match_is_by_the_person_only_with_what_identifies(values: PersonValues) -> None:
    for field, definition_id, value, found in (
        ("email", None, "n@old.example", True),
        ("email", None, "x@old.example", False),
        ("custom", NUMBER, "KQ-1", True),
        ("custom", NOTE, "KQ-1", False),
        ("name", None, "nora field", False),
    ):
        match = {"field_name": field, "definition_id": definition_id, "value": value}
        assert is_matched_by(values, match) is found


def test_the_leads_in_a_row_are_named() -> None:
    assert lead_ids_in(None) == set()
    details = RowDetails(
        deleted=a_lead(id=1),
        merged=(a_lead(id=2),),
        restored=(a_lead(id=3),),
        answer=a_lead(id=4),
        pair=(5, 6),
        via_id=7,
    )
    assert lead_ids_in(details) == {1, 2, 3, 4, 5, 6, 7}
    assert lead_ids_in(RowDetails()) == set()


def test_changes_keep_what_figures_count_and_nothing_else(settings: AccountSettings) -> None:
    changes = {
        "name": ["Ann", "Bea"],
        "status_id": [1, 2],
        f"custom_fields.{NUMBER}": [None, "KQ-1"],
        f"custom_fields.{TIER}": [13, None],
        "custom_fields.99": [None, "of a deleted definition"],
        "tags": [[], ["vip"]],
    }
    assert json.loads(counted_changes(json.dumps(changes), settings) or "") == {
        "status_id": [1, 2],
        f"custom_fields.{NUMBER}": [None, True],
        f"custom_fields.{TIER}": [13, None],
    }
    assert counted_changes(json.dumps({"name": ["Ann", "Bea"]}), settings) is None
    assert counted_changes(None, settings) is None


def test_other_rows_lose_the_value_and_the_ids(values: PersonValues) -> None:
    match = {
        "field_name": "email",
        "definition_id": None,
        "value": "n@old.example",
        "matches": 2,
        "ids": [1, 8],
    }
    shares = {"email": [1, 9], "custom_fields.10": [1]}
    ids = frozenset({1})
    assert without_person(match, shares, values, ids) == (
        {**match, "value": "", "ids": [8]},
        {"email": [9]},
    )
    other = {**match, "value": "other@x.example", "ids": [8]}
    assert without_person(other, {"email": [1]}, values, ids) == (other, None)
    assert without_person(None, None, values, ids) == (None, None)


def test_other_payloads_lose_the_values_and_keep_the_rest(values: PersonValues) -> None:
    payload = {
        "match": {"field_value": "N@old.example"},
        "details": "ask n@old.example",
        "custom_fields": [
            {"custom_field_definition_id": NUMBER, "value": "KQ-1"},
            {"custom_field_definition_id": NUMBER, "value": "KQ-2"},
        ],
        "tags": ["vip", 5, None],
    }
    assert json.loads(without_values(json.dumps(payload), values)) == {
        "match": {"field_value": ""},
        "details": "ask n@old.example",
        "custom_fields": [
            {"custom_field_definition_id": NUMBER, "value": ""},
            {"custom_field_definition_id": NUMBER, "value": "KQ-2"},
        ],
        "tags": ["vip", 5, None],
    }
    assert without_values("", values) == ""


def test_a_payload_that_is_not_json_is_searched_as_text(values: PersonValues) -> None:
    assert is_about(values, "mail nora@field.example")
    assert not is_about(values, "nobody")
