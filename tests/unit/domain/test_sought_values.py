"""The normalised values that a match for a typed text may have looked for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.domain.builders import a_field, a_settings

from onelead.domain.custom_fields import CustomField, DataType, IndexState
from onelead.domain.errors import InputInvalid
from onelead.domain.matching import (
    Match,
    checked_match,
    is_matchable,
    require_filterable,
    sought_values,
)

READY: dict[str, Any] = {"is_filterable": True, "index_state": IndexState.READY}


def sought_by(field: CustomField, value: Any) -> str:
    """Return what an upsert by a custom field looks for."""
    entry = {"custom_field_definition_id": field.id, "value": value}
    return checked_match(Match("custom", entry), a_settings(fields=(field,))).key.value


@given(text=st.text(min_size=1, max_size=300))
@pytest.mark.parametrize("name", ["name", "email"])
def test_a_name_and_an_e_mail_are_found_as_they_were_typed(name: str, text: str) -> None:
    try:
        sought = checked_match(Match(name, text), a_settings()).key.value
    except InputInvalid:
        return
    assert sought in sought_values(text, None, a_settings())


@pytest.mark.parametrize(
    ("data_type", "sent", "typed"),
    [
        (DataType.STRING, "A-1", " A-1 "),
        (DataType.STRING, "x" * 255, "x" * 255),
        (DataType.TEXT, "x" * 3_000, "x" * 3_000),
        (DataType.URL, "https://field.example", "https://field.example"),
        (DataType.CHECKBOX, True, "true"),
        (DataType.DATE, "01/31/2026", "01/31/2026"),
        (DataType.DATE, "01/31/2026", "2026-01-31"),
        (DataType.DROPDOWN, 5102, "Gold"),
        (DataType.DROPDOWN, "Gold", "5102"),
        (DataType.MULTI_SELECT, [5102], "Gold"),
        (DataType.FLOAT, -1.5, "-1.5"),
        (DataType.CURRENCY, 12, "12.0"),
        (DataType.PERCENTAGE, 50.9, "50"),
    ],
)
def test_a_value_of_each_type_is_found(data_type: DataType, sent: Any, typed: str) -> None:
    field = a_field(data_type=data_type, **READY)
    assert sought_by(field, sent) in sought_values(typed, field, a_settings(fields=(field,)))


@pytest.mark.parametrize("typed", ["", " ", "Bronze", "much", "13/45/2026", "9" * 999])
@pytest.mark.parametrize("data_type", list(DataType))
def test_a_text_that_is_not_a_value_of_the_type_is_looked_for_as_text(
    data_type: DataType, typed: str
) -> None:
    field = a_field(data_type=data_type, **READY)
    settings = a_settings(fields=(field,))
    assert sought_values(typed, field, settings) >= sought_values(typed, None, settings)


@pytest.mark.parametrize("available_on", [("lead",), ("person",)])
@pytest.mark.parametrize("is_filterable", [False, True])
@pytest.mark.parametrize("state", list(IndexState))
def test_a_field_can_be_matched_when_a_match_by_it_is_not_refused(
    available_on: tuple[str, ...], state: IndexState, *, is_filterable: bool
) -> None:
    field = a_field(available_on=available_on, is_filterable=is_filterable, index_state=state)
    try:
        require_filterable(field, "match")
    except InputInvalid:
        assert not is_matchable(field)
    else:
        assert is_matchable(field)
