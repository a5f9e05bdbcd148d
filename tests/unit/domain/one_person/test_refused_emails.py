"""What an upsert by e-mail is told when its value is not one address of somebody."""

from __future__ import annotations

import pytest
from tests.support.domain.builders import a_settings

from onelead.domain.errors import InputInvalid
from onelead.domain.matching import Match, checked_match

SETTINGS = a_settings(placeholder_texts=("n/a", "info@field.example"))
WHERE = "the placeholders are in System Settings -> Matching"


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("nora", 'field_value is not an e-mail address: "nora"'),
        ("N/A", f'field_value identifies nobody: "N/A"; {WHERE}'),
        ("Info@Field.example", f'field_value identifies nobody: "Info@Field.example"; {WHERE}'),
        (
            "mailto:info@field.example",
            f'field_value identifies nobody: "mailto:info@field.example"; {WHERE}',
        ),
        (
            "a@x.example; b@x.example",
            'field_value has 2 e-mail addresses: "a@x.example; b@x.example"',
        ),
        (
            "info@field.example, b@x.example",
            'field_value has 2 e-mail addresses: "info@field.example, b@x.example"',
        ),
    ],
)
def test_the_refusal_says_which_of_them_it_is(sent: str, text: str) -> None:
    with pytest.raises(InputInvalid) as refusal:
        checked_match(Match("email", sent), SETTINGS)
    (problem,) = refusal.value.problems
    assert (problem.attribute, problem.text) == ("match", text)
