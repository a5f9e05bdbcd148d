"""What is around a value in a cell, and cells that say nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.domain.builders import a_settings

from onelead.domain.importing.cells import (
    cleaner,
    file_placeholders,
    harmless,
    is_cut,
    is_whole_float,
    parts,
    tags_in,
    unmarked,
    unwrapped,
    whole,
    without_apostrophe,
    written_tags,
)

PLACEHOLDERS = file_placeholders(a_settings())


@given(st.text(alphabet="'=+-@;\uff1d\t\r\x01ab1 ", max_size=8) | st.text(max_size=20))
def test_the_mark_of_a_formula_is_taken_off_exactly(text: str) -> None:
    marked = harmless(text)
    # As programs read it whose lists have semicolons, too.
    for cell in (marked, *marked.split(";")):
        shown = cell.lstrip("\x01\xa0\u3000 ")
        assert not shown.startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b"))
    assert unmarked(marked) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (' ="02139" ', "02139"),
        ('="say ""hi"""', 'say "hi"'),
        ('=HYPERLINK("x","y")', '=HYPERLINK("x","y")'),
        ("'+447700900002", "+447700900002"),
        ("'s-Hertogenbosch", "'s-Hertogenbosch"),
        ("'02139", "'02139"),
    ],
)
def test_what_a_spreadsheet_needs_is_taken_off(text: str, value: str) -> None:
    assert unwrapped(text) == value


def test_an_apostrophe_before_digits_keeps_them_text() -> None:
    assert without_apostrophe("'02139") == "02139"
    assert without_apostrophe("'s-Hertogenbosch") == "'s-Hertogenbosch"


@pytest.mark.parametrize("text", ["4.47911E+11", "1,2E+5", "1E+15", "4.5e11", " '+1.5E+3"])
def test_a_cut_number_is_known(text: str) -> None:
    assert is_cut(text)


@pytest.mark.parametrize("text", ["447911", "E+11", "4.47911", "Elm Street", "12.5E+11"])
def test_other_texts_are_not_cut(text: str) -> None:
    assert not is_cut(text)


def test_a_fraction_of_zeros_is_taken_off() -> None:
    assert whole("12345.0") == "12345"
    assert whole("12345.50") == "12345.50"
    assert is_whole_float("7.00")
    assert not is_whole_float("7.5")
    assert not is_whole_float("70")


@pytest.mark.parametrize(
    "text",
    [
        *("N/A", "n/a", "NA", "-", "\u2013", ".", "?", "null", "NULL", "none", "None", "nil"),
        *("undefined", "unknown", "#N/A", "#REF!", "#VALUE!", "#NUM!", "nan", "{{contact.name}}"),
        *("<test lead: dummy data for full_name>", "  ", "Not  Available", '="-"', "\uff2e\uff0fA"),
    ],
)
def test_a_placeholder_is_an_empty_cell(text: str) -> None:
    assert cleaner(PLACEHOLDERS)(text) == ""


@pytest.mark.parametrize("text", ["Nadia", "0815", "+49 89 1", "Nil by Mouth Ltd", "José", "Ω"])
def test_other_texts_stay(text: str) -> None:
    clean = cleaner(PLACEHOLDERS)
    assert clean(f" {text} ") == text
    # A cell that came before is known.
    assert clean(f" {text} ") == text


def test_more_cells_than_are_known_are_read_all_the_same() -> None:
    clean = cleaner(PLACEHOLDERS)
    assert [clean(f" {number} x") for number in range(1_010)][-1] == "1009 x"


@given(st.text(max_size=30))
def test_the_quick_look_never_misses_a_placeholder(text: str) -> None:
    text = text.strip()
    assert PLACEHOLDERS.may_have(text) or not PLACEHOLDERS.have(text)


def test_several_values_in_a_cell() -> None:
    assert parts('a@x ; "b@x"|c@x ::: d@x\n;') == ["a@x", "b@x", "c@x", "d@x"]


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ('"fair","vip"', ("fair", "vip")),
        ('"Berlin, Mitte";vip', ("Berlin, Mitte", "vip")),
        ("fair, vip | new", ("fair", "vip", "new")),
        ("* myContacts ::: * friends", ("myContacts", "friends")),
        (";;", ()),
    ],
)
def test_tags_are_separated(text: str, tags: tuple[str, ...]) -> None:
    assert tags_in(text) == tags


@given(st.lists(st.text(alphabet='ab",;|: \n', min_size=1, max_size=6)))
def test_tags_that_an_export_writes_are_read_back(tags: list[str]) -> None:
    tags = [trimmed for tag in tags if (trimmed := tag.strip())]
    assert tags_in(written_tags(tags)) == tuple(tags)
