"""How the text of a quick search is interpreted."""

from __future__ import annotations

import pytest

from onelead.domain.search import FieldFilter, LeadSearch, QuickTerms, Range, quick_terms


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("  Nora  FIELD ", QuickTerms("nora field", None)),
        ("Straße", QuickTerms("strasse", None)),
        ("0100", QuickTerms("0100", "0100")),
        ("555-0100", QuickTerms("555-0100", "5550100")),
        (
            "+1 (512) 555.0100",
            QuickTerms(
                "+1 (512) 555.0100",
                "15125550100",
                (
                    *("5125550100", "05125550100"),
                    *("125550100", "0125550100"),
                    *("25550100", "025550100"),
                ),
            ),
        ),
        (
            " +49 3055501",
            QuickTerms(
                "+49 3055501", "493055501", ("93055501", "093055501", "3055501", "03055501")
            ),
        ),
        ("+49 30 555", QuickTerms("+49 30 555", "4930555")),
        ("٠١٠٠", QuickTerms("٠١٠٠", "0100")),
        ("12", QuickTerms("12", None)),
        ("C-777", QuickTerms("c-777", None)),
        ("+-()", QuickTerms("+-()", None)),
        ("", None),
        (" \u200b ", None),
    ],
)
def test_a_text_begins_something_and_may_end_a_phone_number(
    text: str, terms: QuickTerms | None
) -> None:
    assert quick_terms(text) == terms


def test_a_text_of_any_length_is_cut_to_what_is_indexed() -> None:
    terms = quick_terms("x" * 10_000)
    assert terms is not None
    assert len(terms.start) == 600


def test_criteria_are_counted_and_the_view_is_none() -> None:
    assert LeadSearch(sort_by="title", limit=5, offset=7, cursor="x", descending=True).criteria == 0
    search = LeadSearch(name="", created_date=Range(1, 2), custom_fields=(FieldFilter(1),) * 2)
    assert search.criteria == 4
