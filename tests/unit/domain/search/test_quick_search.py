"""How the text of a quick search is interpreted."""

from __future__ import annotations

import pytest

from onelead.domain.search import FieldFilter, LeadSearch, QuickTerms, Range, quick_terms
from onelead.domain.search_dates import LocalBound


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("  Nora  FIELD ", QuickTerms("nora field", None)),
        ("Straße", QuickTerms("strasse", "straße")),
        ("0100", QuickTerms("0100", "0100", (), "0100")),
        ("555-0100", QuickTerms("555-0100", "555-0100", (), "5550100")),
        ("555-0100 x12", QuickTerms("555-0100 x12", None, (), "5550100")),
        (
            "+1 (512) 555.0100",
            QuickTerms(
                "+1 (512) 555.0100",
                None,
                (),
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
                *("+49 3055501", None, ()),
                "493055501",
                ("93055501", "093055501", "3055501", "03055501"),
            ),
        ),
        ("+49 30 555", QuickTerms("+49 30 555", None, (), "4930555")),
        ("٠١٠٠", QuickTerms("٠١٠٠", "٠١٠٠", (), "0100")),
        ("12", QuickTerms("12", "12")),
        ("C-777", QuickTerms("c-777", "c-777")),
        ("x512", QuickTerms("x512", "x512")),
        ("+-()", QuickTerms("+-()", "+-()")),
        ("1" * 300, QuickTerms("1" * 300, "1" * 300)),
        ("Nora@", QuickTerms("nora@", "nora@")),
        ("NORA@Field", QuickTerms("nora@field", "nora@field")),
        (
            "mailto:nora@field.example",
            QuickTerms("mailto:nora@field.example", "nora@field.example"),
        ),
        ("Zoe@Müller", QuickTerms("zoe@müller", "zoe@xn--mller-kva")),
        ("Weiß@", QuickTerms("weiss@", "weiß@")),
        (
            "a@x.example; b@x.example",
            QuickTerms("a@x.example; b@x.example", None, ("a@x.example", "b@x.example")),
        ),
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
    assert terms == QuickTerms("x" * 600, "x" * 600)


def test_criteria_are_counted_and_the_view_is_none() -> None:
    assert LeadSearch(sort_by="title", limit=5, offset=7, cursor="x", descending=True).criteria == 0
    bound = LocalBound("modified_date", is_maximum=True, text="2024-03-01")
    search = LeadSearch(
        name="",
        created_date=Range(1, 2),
        local_bounds=(bound,),
        custom_fields=(FieldFilter(1),) * 2,
    )
    assert search.criteria == 5
