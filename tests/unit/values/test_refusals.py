"""What is said about JSON that cannot be read: in its own words, with the member and its value."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.domain.lead_writes import recorded

from onelead.domain.matching import Match
from onelead.domain.text import is_one_line
from onelead.domain.writes import Action
from onelead.incoming.lead_json import (
    Sought,
    converted,
    lead_patch,
    lead_write,
    match_from,
    upsert_write,
)
from onelead.incoming.search_criteria import SearchRequest

IDS = "IDs must be positive integers"


@pytest.mark.parametrize(
    ("key", "sent", "text"),
    [
        ("title", True, "must be text or null, not true"),
        ("title", ["a", 1, None], 'must be text or null, not ["a", 1, null]'),
        ("name", {"first": "Nora"}, 'must be text or null, not {"first": "Nora"}'),
        ("status", False, "must be text or null, not false"),
        ("monetary_unit", ["EUR"], 'must be text or null, not ["EUR"]'),
        ("monetary_value", True, "must be a number or null, not true"),
        ("monetary_value", [5], "must be a number or null, not [5]"),
        ("address", "8 Elm Row", 'must be an object or null, not "8 Elm Row"'),
        ("address", [{"city": "Rome"}], 'must be an object or null, not [{"city": "Rome"}]'),
        ("address", {"city": [1]}, "address.city must be text or null, not [1]"),
        ("email", True, "must be an object or null, not true"),
        ("email", {"email": {"a": 1}}, 'email.email must be text or null, not {"a": 1}'),
        ("email", [True], "must be an object or null, not true"),
        ("emails", [["a@b.example"]], 'must be an object or null, not ["a@b.example"]'),
        ("phone_numbers", [False], "phone_numbers[0] must be an object, not false"),
        ("phone_numbers", True, "phone_numbers[0] must be an object, not true"),
        (
            *("phone_numbers", ["5", None, {"number": True}]),
            "phone_numbers[2].number must be text or null, not true",
        ),
        (
            "websites",
            [{"url": "a", "category": 5}, ["b"]],
            'websites[1] must be an object, not ["b"]',
        ),
        ("socials", [{"url": {"x": 1}}], 'socials[0].url must be text or null, not {"x": 1}'),
        ("tags", ["a", None, True], "tags[2] must be text, not true"),
        ("tags", {"name": "a"}, 'tags[0] must be text, not {"name": "a"}'),
        ("custom_fields", ["A"], 'custom_fields[0] must be an object, not "A"'),
        (
            *("custom_fields", [None, {"custom_field_definition_id": "A", "value": 1}]),
            'custom_fields[1].custom_field_definition_id must be a positive integer, not "A"',
        ),
        (
            *("custom_fields", {"custom_field_definition_id": 0, "value": 1}),
            "custom_fields[0].custom_field_definition_id must be a positive integer, not 0",
        ),
        ("custom_fields", [{"name": True}], "custom_fields[0].name must be text or null, not true"),
        ("title", ["x" * 99], f'must be text or null, not ["{"x" * 58}...'),
        *(
            (key, sent, f"Invalid value for {words}: {IDS}: {shown}")
            for key, words in (("assignee_id", "Assignee Id"), ("status_id", "Status Id"))
            for sent, shown in (
                *(("test", "test"), (0, "0"), (-1, "-1"), (1.5, "1.5"), ("1.5", "1.5")),
                *(
                    (True, "true"),
                    ([1], "[1]"),
                    ({"id": 1}, '{"id": 1}'),
                    ("a\nb", r"a\nb"),
                    (" -5.0", " -5.0"),
                ),
            )
        ),
    ],
)
def test_a_value_of_a_wrong_type(key: str, sent: Any, text: str) -> None:
    patch, problems = lead_patch({key: sent, "last_name": "Field"}, "properties")
    assert patch is not None
    assert patch.last_name == "Field"
    assert [problem.text for problem in problems] == [text]
    assert problems[0].attribute == key.replace("emails", "email")


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"zip": 1, "Name": "x", "title": "x"}, "zip, Name"),
        ({"email": {"email": "a@b.example", "label": "x"}}, "email.label"),
        ({"emails": [{"label": "x"}]}, "email.label"),
        ({"address": {"id": 1, "zip": "x"}}, "address.zip"),
        ({"phone_numbers": ["5", {"phone": "5"}]}, "phone_numbers[1].phone"),
        ({"websites": {"link": "x"}}, "websites[0].link"),
        ({"custom_fields": {"4101": "A"}}, "custom_fields[0].4101"),
        ({"custom_fields": [{"a - at `$b": 1}]}, "custom_fields[0].a - at `$b"),
        ({"a\nb": 1}, r"a\nb"),
    ],
)
def test_an_unknown_member(body: dict[str, Any], names: str) -> None:
    _, problems = lead_patch(body, "properties")
    text = f"Unrecognized attributes specified: {names}"
    assert [(problem.attribute, problem.text) for problem in problems] == [("base", text)]


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ({"emails": ["a@b.example", "c@b.example"]}, '2: "a@b.example", "c@b.example"'),
        (
            {"email": "a@b.example", "emails": [{"email": "c@b.example"}, "A@b.example", "x"]},
            '3: "a@b.example", "c@b.example"',
        ),
        ({"email": ["none", {"email": "x", "category": "work"}]}, '2: "none", "x"'),
    ],
)
def test_several_emails(sent: dict[str, Any], text: str) -> None:
    patch, (problem,) = lead_patch(sent, "properties")
    assert patch is not None
    assert (problem.attribute, problem.text) == ("email", f"a lead has one e-mail, not {text}")


@pytest.mark.parametrize("sent", [None, "", " ", [], [None]])
def test_nothing_where_an_object_is_needed(sent: Any) -> None:
    for problems in (lead_patch(sent, "properties")[1], match_from(sent)[1]):
        assert [problem.text for problem in problems] == ["can't be blank"]


@pytest.mark.parametrize(("sent", "shown"), [("Nora", '"Nora"'), (5, "5"), (True, "true")])
def test_something_else_where_an_object_is_needed(sent: Any, shown: str) -> None:
    for problems in (lead_patch(sent, "properties")[1], match_from(sent)[1]):
        assert [problem.text for problem in problems] == [f"must be an object, not {shown}"]


A_MATCH = {"field_name": "name", "field_value": "Nora"}


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (["a"], ['step 1: must be an object, not "a"']),
        ([A_MATCH, None, 5], ["step 2: can't be blank", "step 3: must be an object, not 5"]),
        ({"all": []}, ["step 1: all must be a list of matches, not []"]),
        ([A_MATCH, {"all": A_MATCH | {"field_value": 1}}], None),
        ({"all": [None]}, ["step 1: can't be blank"]),
        ({"all": [A_MATCH], "any": 1}, ["Unrecognized attributes specified: any"]),
        ({"all": [A_MATCH | {"x": 1}]}, ["Unrecognized attributes specified: x"]),
        ({"all": [A_MATCH] * 6}, ["step 1: all has too many values (maximum is 5)"]),
        ([A_MATCH] * 11, ["has too many steps (maximum is 10)"]),
    ],
)
def test_a_match_in_steps(sent: Any, expected: list[str] | None) -> None:
    sought, problems = match_from(sent)
    assert (sought.match, sought.steps) == (None, ())
    if expected is not None:
        assert [problem.text for problem in problems] == expected
    else:
        assert problems[0].text.startswith("step 2: all must be a list of matches, not {")


def test_the_steps_of_a_match() -> None:
    by_name, by_email = Match("name", "Nora"), Match("email", "nora@field.example")
    email = {"field_name": "email", "field_value": "nora@field.example"}
    assert match_from(A_MATCH)[0] == Sought(by_name)
    assert match_from([email, {"all": [A_MATCH, email]}])[0] == Sought(
        steps=((by_email,), (by_name, by_email))
    )
    assert match_from({"all": [email, A_MATCH]})[0] == Sought(steps=((by_email, by_name),))


@pytest.mark.parametrize(
    ("member", "sent", "text"),
    [
        ("on_ambiguous", "first", 'must be refuse, oldest or newest, not "first"'),
        ("on_ambiguous", ["oldest"], 'must be refuse, oldest or newest, not ["oldest"]'),
        ("if_empty", "title", 'must be a list of properties, not "title"'),
        ("if_empty", ["title", "tilte"], 'is not the name of a property: "tilte"'),
        ("if_empty", ["custom_fields"], 'is not the name of a property: "custom_fields"'),
        ("if_empty", [5], "is not the name of a property: 5"),
        ("if_empty", ["title"] * 101, "has too many entries (maximum is 100)"),
    ],
)
def test_a_member_of_our_own_that_is_wrong(member: str, sent: Any, text: str) -> None:
    body = {"properties": {}, "match": A_MATCH, member: sent}
    write = upsert_write(body, recorded(Action.UPSERT).delivery)
    assert [(one.attribute, one.text) for one in write.problems] == [(member, text)]


def test_properties_are_named_as_on_the_wire() -> None:
    names = ["title", "first_name", "status", "monetary_unit", "custom_fields.7"]
    body = {"title": "Buyer", "if_empty": names}
    write = lead_write(Action.UPDATE, 7, body, recorded(Action.UPDATE).delivery)
    fields = ("title", "name", "status_id", "monetary_value", "custom_fields.7")
    assert (write.if_empty, write.problems) == (fields, ())


def test_a_search_is_refused_in_the_same_words() -> None:
    body = {"name": 5, "custom_fields": [{"value": 1}], "include_converted_leads": []}
    _, problems = converted(body, SearchRequest)
    assert [problem.text for problem in problems] == [
        "must be text or null, not 5",
        "custom_fields[0] has no custom_field_definition_id",
        "must be true or false, an integer, text or null, not []",
    ]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "email", "url", "number", "category", "value", "name", "x"]),
            inner,
        )
    ),
    max_leaves=6,
)
KEYS = ("name", "address", "assignee_id", "email", "emails", "tags", "phone_numbers", "status")
MORE_KEYS = ("websites", "custom_fields", "monetary_value", "monetary_unit", "status_id", "x")
#: Words of Python that JSON does not have.
PYTHON = re.compile(r"\b(None|True|False|str|int|float|dict|array|bool)\b")


@given(st.dictionaries(st.sampled_from(KEYS + MORE_KEYS), json_values, max_size=4))
def test_any_json_is_read_or_refused_in_words_of_json(body: dict[str, Any]) -> None:
    patch, problems = lead_patch(body, "properties")
    assert patch is not None
    for problem in problems:
        assert is_one_line(problem.text)
        said = problem.text.partition(", not ")[0]
        assert PYTHON.search(said) is None
