"""The form of Try it and its JSON: nothing is lost between the two, or the form says so."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.domain.builders import a_field, a_settings

from onelead.domain.custom_fields import DataType
from onelead.web.try_it.examples import examples
from onelead.web.try_it.form import body_of, form_of, matched_definition, values_of

FIELDS = tuple(
    a_field(id=4101 + number, name=data_type.value, data_type=data_type)
    for number, data_type in enumerate(DataType)
)
SETTINGS = a_settings(fields=FIELDS)
IDS = [field.id for field in FIELDS]
OPTIONS = [option.id for field in FIELDS for option in field.options]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
texts = st.text(min_size=1, max_size=12)
custom_values = (
    texts
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(-9, 9)
    | st.sampled_from(OPTIONS)
    | st.lists(st.sampled_from(OPTIONS), max_size=2)
    | st.dates().map(lambda day: day.strftime("%m/%d/%Y"))
    | json_values
)
entries = st.fixed_dictionaries(
    {"custom_field_definition_id": st.sampled_from(IDS), "value": custom_values}
)
properties = st.fixed_dictionaries(
    {},
    optional={
        "name": texts,
        "title": texts | json_values,
        "details": texts,
        "status": texts,
        "monetary_value": texts | st.integers(),
        "email": st.fixed_dictionaries({"email": texts, "category": st.just("work")}) | json_values,
        "phone_numbers": st.lists(
            st.fixed_dictionaries({"number": texts, "category": st.just("mobile")}), max_size=2
        ),
        "tags": st.lists(texts, max_size=3) | json_values,
        "customer_source_id": st.integers(),
        "custom_fields": st.lists(entries, max_size=3) | json_values,
        "websites": json_values,
    },
)
matches = st.fixed_dictionaries(
    {
        "field_name": st.sampled_from(["name", "email", "custom"]) | json_values,
        "field_value": texts | entries | json_values,
    }
)
bodies = st.fixed_dictionaries({"properties": properties, "match": matches}) | json_values


@given(body=bodies)
def test_the_form_holds_a_body_exactly_or_not_at_all(body: Any) -> None:
    values = values_of(body, SETTINGS)
    if values is not None:
        assert body_of(form_of(values), SETTINGS) == body


@given(body=bodies)
def test_no_body_is_too_odd_to_look_for_its_definition(body: Any) -> None:
    found = matched_definition(body, SETTINGS)
    assert found is None or found in FIELDS


@given(
    typed=st.dictionaries(
        st.sampled_from(
            ["by", "value", "name", "email", "phone", "tags", "customer_source_id", "details"]
        )
        | st.sampled_from([f"custom-{number}" for number in IDS]),
        st.lists(st.text(max_size=12), min_size=1, max_size=2),
    )
)
def test_whatever_is_typed_becomes_a_body(typed: dict[str, list[str]]) -> None:
    body = body_of(form_of(typed), SETTINGS)
    assert set(body) == {"properties", "match"}
    assert set(body["match"]) == {"field_name", "field_value"}


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "1" * 5_000, "1e999", "nan", "Infinity", "0x10", "1_000", "true"]
)
@pytest.mark.parametrize("data_type", [DataType.FLOAT, DataType.CURRENCY, DataType.PERCENTAGE])
def test_a_text_that_is_not_a_number_stays_as_typed(data_type: DataType, text: str) -> None:
    field = next(field for field in FIELDS if field.data_type is data_type)
    typed = {"by": [f"custom-{field.id}"], "value": [text]}
    assert body_of(form_of(typed), SETTINGS)["match"]["field_value"]["value"] == text


@pytest.mark.parametrize("example", examples(SETTINGS), ids=lambda example: example.name)
def test_an_example_is_a_body_that_the_form_holds(example: Any) -> None:
    body = body_of(form_of(example.values), SETTINGS)
    assert values_of(body, SETTINGS) == {
        name: entries for name, entries in example.values.items() if entries != [""]
    }


def test_a_value_of_each_type_is_held() -> None:
    values = {
        DataType.CHECKBOX: False,
        DataType.CURRENCY: 12.5,
        DataType.DATE: "01/31/2026",
        DataType.DROPDOWN: 5101,
        DataType.FLOAT: -1,
        DataType.MULTI_SELECT: [5101, 5102],
        DataType.PERCENTAGE: 50,
        DataType.STRING: "A-1",
        DataType.TEXT: "one\ntwo",
        DataType.URL: "https://field.example",
    }
    body = {
        "properties": {
            "custom_fields": [
                {"custom_field_definition_id": field.id, "value": values[field.data_type]}
                for field in FIELDS
            ]
        },
        "match": {"field_name": "name", "field_value": "Nora Field"},
    }
    assert values_of(body, SETTINGS) is not None
