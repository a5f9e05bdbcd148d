"""The reasons of rows that were not taken, as people read them."""

from __future__ import annotations

import pytest

from onelead.files.imports.outcomes import reason_text


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        ("Base: has nothing to import", "has nothing to import"),
        (
            'Base: Met: "x" is not a date\nEmail: is taken',
            'Met: "x" is not a date; Email: is taken',
        ),
        (
            'Custom Fields: value of Site (x) (definition 1000000037) is not a URL: "y"',
            'Site (x): is not a URL: "y"',
        ),
    ],
)
def test_a_reason_has_no_words_that_only_programs_need(problem: str, text: str) -> None:
    assert reason_text(f"Invalid input: Validation errors: {problem}") == text
