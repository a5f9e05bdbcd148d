"""A match in the spellings that people and programs send: it looks for what the plain one does."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.domain.builders import a_field, a_settings

from onelead.domain.account import DeletedReference
from onelead.domain.custom_fields import CustomField, DataType, IndexState
from onelead.domain.errors import InputInvalid, Problem
from onelead.domain.matching import CheckedMatch, Match, MatchKey, checked_match
from onelead.domain.text import quoted


def a_matchable_field(**changed: Any) -> CustomField:
    """Make a definition that an upsert may match by."""
    return a_field(is_filterable=True, index_state=IndexState.READY, **changed)


FIELDS = {
    data_type: a_matchable_field(id=4101 + n, name=f"The {data_type}", data_type=data_type)
    for n, data_type in enumerate(DataType)
}
STRING = FIELDS[DataType.STRING].id
SETTINGS = a_settings(
    fields=(*FIELDS.values(), *(a_matchable_field(id=4201 + n, name="Box") for n in range(2))),
    deleted={77: DeletedReference(77, "custom_field_definition", "Hall", None, 1)},
)


def match_of(field_name: Any, field_value: Any) -> CheckedMatch:
    """Check a match."""
    return checked_match(Match(field_name, field_value), SETTINGS)


def custom_match(definition_id: Any, value: Any) -> CheckedMatch:
    """Check a match by a custom field."""
    return match_of("custom", {"custom_field_definition_id": definition_id, "value": value})


def problem_of(field_name: Any, field_value: Any) -> Problem:
    """Return why a match is refused."""
    with pytest.raises(InputInvalid) as refusal:
        match_of(field_name, field_value)
    (problem,) = refusal.value.problems
    return problem


@pytest.mark.parametrize(
    ("data_type", "sent", "plain"),
    [
        (DataType.STRING, 608048.0, "608048"),
        (DataType.STRING, 1234567890123456789, "1234567890123456789"),
        (DataType.TEXT, 7.5, "7.5"),
        (DataType.DROPDOWN, " 5102.0", 5102),
        (DataType.MULTI_SELECT, ["Gold", None, ""], 5102),
        (DataType.MULTI_SELECT, "Gold;", 5102),
        (DataType.MULTI_SELECT, [5102.0, "Gold"], 5102),
        (DataType.CHECKBOX, "Yes", True),
        (DataType.CHECKBOX, 0, False),
        (DataType.CHECKBOX, "0", False),
        (DataType.FLOAT, " 789.0 ", 789),
        (DataType.FLOAT, "0", 0),
        (DataType.CURRENCY, "5.55e1", 55.5),
        (DataType.PERCENTAGE, "95.0", 95),
        (DataType.DATE, "2020-12-15", "12/15/2020"),
        (DataType.DATE, "2020-12-15T00:00:00Z", "12/15/2020"),
        (DataType.DATE, 1_607_990_400, "12/15/2020"),
    ],
)
def test_a_custom_value(data_type: DataType, sent: Any, plain: Any) -> None:
    definition_id = FIELDS[data_type].id
    assert custom_match(definition_id, sent).key == custom_match(definition_id, plain).key


@pytest.mark.parametrize("more", [{}, {"custom_field_definition_id": ""}, {"id": 7}])
def test_a_definition_may_be_named(more: dict[str, Any]) -> None:
    match = match_of("custom", {"name": " THE string\u200b", "value": "A-77"} | more)
    assert match.key == custom_match(STRING, "A-77").key


@pytest.mark.parametrize(("name", "many"), [("box", 2), ("Nothing", "no")])
def test_a_name_must_be_that_of_one_definition(name: str, many: object) -> None:
    text = f'field_value.name is the name of {many} definitions: "{name}"'
    assert problem_of("custom", {"name": name, "value": "A-77"}) == (
        Problem("match", text, "inclusion")
    )


@pytest.mark.parametrize("named", [{"custom_field_definition_id": 77}, {"name": "HALL"}])
def test_a_definition_that_was_deleted(named: dict[str, Any]) -> None:
    text = "custom field definition 77 was deleted"
    problem = problem_of("custom", named | {"value": "A-77"})
    assert problem == Problem("match", text, "inclusion")


def test_an_entry_may_be_as_it_was_read() -> None:
    entry = {"id": 1, "custom_field_definition_id": STRING, "value": "A-77"}
    match = match_of("custom", entry | {"computed_value": "A-77"})
    assert match.key == custom_match(STRING, "A-77").key


@pytest.mark.parametrize("field_name", ["email", "emails"])
@pytest.mark.parametrize(
    "sent",
    [
        "Nora@field.example",
        ["nora@field.example"],
        {"email": "nora@field.example", "category": "work"},
        [{"id": 9, "email": "nora@field.example"}],
    ],
)
def test_an_email_may_be_sent_as_in_properties(field_name: str, sent: Any) -> None:
    match = match_of(field_name, sent)
    assert match.key == MatchKey("email", "nora@field.example")
    assert match.field_name == "email"


@pytest.mark.parametrize("sent", [{"email": ""}, [{}], {"category": "work"}, [""]])
def test_a_blank_email(sent: Any) -> None:
    assert problem_of("email", sent).text == "field_value can't be blank"


@pytest.mark.parametrize("sent", [512, 512.0, "512"])
def test_a_number_is_its_digits(sent: Any) -> None:
    assert match_of("name", sent).key == MatchKey("name", "512")


@pytest.mark.parametrize("sent", [0, 0.0, "0", "N/A"])
def test_a_placeholder_is_one_in_any_spelling(sent: Any) -> None:
    shown = quoted("0" if sent == 0 else sent)
    problem = problem_of("custom", {"custom_field_definition_id": STRING, "value": sent})
    assert problem.text.startswith(f"field_value.value identifies nobody: {shown}; ")
