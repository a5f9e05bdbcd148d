"""Which texts count as the same: the forms that names, e-mails, tags and external ids share."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onelead.domain.text import (
    after_start,
    as_one_line,
    fold,
    is_blank,
    is_one_line,
    isolated,
    quoted,
    shortened,
    tidy,
)

ACUTE = "\N{COMBINING ACUTE ACCENT}"
IOTA_BELOW = "\N{COMBINING GREEK YPOGEGRAMMENI}"
ZERO_WIDTH_SPACE = "\N{ZERO WIDTH SPACE}"
HANGUL_FILLERS = "\u115f\u1160\u3164\uffa0"

#: Characters whose forms become unequal or unstable when the steps are in the wrong order.
TRICKY = [
    *("\u00a0", "\u2007", "\u202f", "\u3000", "\u2028", "\t", "\n", "\x1c", "\x85", " "),
    *(ZERO_WIDTH_SPACE, "\u200d", "\u200e", "\u200f", "\u202b", "\u2067", "\ufeff", "\u00ad"),
    *("\u034f", "\u061c", "\u180e", "\ufe0f", "\U000e0100", *HANGUL_FILLERS),
    *(ACUTE, "\u0323", "\u0327", "\u0308", IOTA_BELOW, "\u0344", "\u1100", "\u1161", "\u11a8"),
    *("\u00e9", "\u1fb3", "\u1fb7", "\u0390", "\u03c2", "\u00df", "\u1e9e", "\u0130", "\u0131"),
    *("\u212a", "\u212b", "\u2126", "\ufb01", "\uff21", "\u00bd", "\u00a8", "\u2100", "\ufdfa"),
    *("\uac01", "\u05e9", "\u0645", "\u0e33", "\u0f73", "\u1e9b", "\ufb2c", "\u01c5", "\u2474"),
]
anything = st.text(st.one_of(st.sampled_from(TRICKY), st.characters(exclude_categories=["Cs"])))


@given(anything)
def test_folding_what_is_folded_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(anything)
def test_tidying_what_is_tidy_changes_nothing(text: str) -> None:
    assert tidy(tidy(text)) == tidy(text)


@given(anything)
def test_composed_and_decomposed_are_one(text: str) -> None:
    for normal in (fold, tidy):
        composed = normal(unicodedata.normalize("NFC", text))
        assert composed == normal(unicodedata.normalize("NFD", text)) == normal(text)


@given(anything)
def test_what_is_equal_when_tidied_is_equal_when_folded(text: str) -> None:
    assert fold(tidy(text)) == fold(text)


@given(anything)
def test_blank_is_what_folds_to_nothing(text: str) -> None:
    assert is_blank(text) == (fold(text) == "") == (tidy(text) == "")


@given(anything, st.sampled_from([ZERO_WIDTH_SPACE, "\u200f", "\u202b", "\ufeff", "\u2060"]))
def test_invisible_characters_around_a_text_do_not_count(text: str, mark: str) -> None:
    assert fold(mark + text + mark) == fold(text)
    assert tidy(mark + text + mark) == tidy(text)


@given(anything, st.sampled_from(["\u00a0", "\u3000", "\t", "\n", " ", "\u2003"]))
def test_white_space_around_a_text_does_not_count(text: str, space: str) -> None:
    assert fold(space + text + space) == fold(text)
    assert tidy(space + text + space) == tidy(text)


@given(st.text(st.characters(max_codepoint=127)), st.sampled_from([ZERO_WIDTH_SPACE, "\u200e"]))
def test_the_shortcut_for_plain_ascii_gives_the_same_answer(text: str, mark: str) -> None:
    assert fold(text) == fold(text + mark)
    assert tidy(text) == tidy(text + mark)
    assert is_blank(text) == is_blank(text + mark)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Nora Field", "nora FIELD"),
        ("Nora Field", "  Nora \t\n Field "),
        ("Nora Field", "Nora\u00a0Field"),
        ("Nora Field", "Nora\u3000Field"),
        ("Nora Field", "No\u200bra Fi\u00adeld"),
        ("Andr\u00e9", "Andre" + ACUTE),
        ("Andr\u00e9", "Andre" + ZERO_WIDTH_SPACE + ACUTE),
        ("stra\u00dfe", "STRASSE"),
        ("STRA\u1e9eE", "strasse"),
        ("\u03a3\u03bf\u03c6\u03cc\u03c2", "\u03a3\u039f\u03a6\u038c\u03a3"),
        ("\u1fb3", "\u03b1" + IOTA_BELOW),
        ("\u1fb3", "\u0391\u0399"),
        ("\uff2e\uff4f\uff52\uff41", "Nora"),
        ("\ufb01eld", "Field"),
        ("\u05e0\u05d5\u05e8\u05d4", "\u200f\u202b\u05e0\u05d5\u05e8\u05d4\u202c"),
        ("\u1112\u1161\u11ab", "\ud55c"),
        ("nora@field.example", "Nora@Field.EXAMPLE\ufeff"),
    ],
)
def test_these_are_one_name(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Andre", "Andr\u00e9"),
        ("Nora Field", "NoraField"),
        ("\u0131", "i"),
        ("nora@field.example", "nora+1@field.example"),
    ],
)
def test_these_are_two_names(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("  A-77 ", "A-77"),
        ("a-77", "a-77"),
        ("A  77", "A  77"),
        ("A\t77", "A 77"),
        ("A\u00a077", "A 77"),
        ("\ufeffA-77\u200b", "A-77"),
        ("Andre" + ACUTE, "Andr\u00e9"),
        ("\ufb01", "\ufb01"),
        ("\u212b", "\u00c5"),
    ],
)
def test_external_ids_keep_their_case_and_inner_spacing(sent: str, kept: str) -> None:
    assert tidy(sent) == kept


@pytest.mark.parametrize(
    "text", ["", " ", "\t\n", "\u00a0", "\u3000", ZERO_WIDTH_SPACE, "\u200f \ufeff", HANGUL_FILLERS]
)
def test_these_are_blank(text: str) -> None:
    assert is_blank(text)


@pytest.mark.parametrize("text", ["a", "0", ".", ACUTE, IOTA_BELOW, "\u2800", "\x00", "\u00a8"])
def test_these_are_not_blank(text: str) -> None:
    assert not is_blank(text)


def test_a_long_value_is_shown_shortened() -> None:
    assert shortened("x" * 60) == "x" * 60
    assert shortened("x" * 61) == "x" * 60 + "..."
    assert quoted("x" * 61) == f'"{"x" * 60}..."'
    assert quoted(["x" * 61]) == f'["{"x" * 58}...'


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        *((None, "null"), (True, "true"), (12, "12"), (1.0, "1.0"), (10**30, f"{10**30}")),
        *(("", '""'), ("Zo\u00eb", '"Zo\u00eb"'), ('a "b"\\', r'"a \"b\"\\"')),
        *(("two\nlines", r'"two\nlines"'), ("a\u202eb", r'"a\u202eb"'), ("\x85", r'"\u0085"')),
        *(([None, "a"], '[null, "a"]'), ({"a": {}}, '{"a": {}}')),
    ],
)
def test_a_value_is_quoted_as_json_on_one_line(value: object, shown: str) -> None:
    assert quoted(value) == shown
    assert is_one_line(shown)


@given(st.text(min_size=1, max_size=5), st.text(max_size=5))
def test_the_text_after_a_start_is_above_all_that_begin_with_it(start: str, rest: str) -> None:
    end = after_start(start)
    assert end is None or (start + rest).encode() < end.encode()
    assert end is None or not end.startswith(start)


@given(st.text(min_size=1, max_size=3), st.text(max_size=3))
def test_no_other_text_is_between_a_start_and_the_text_after_it(start: str, text: str) -> None:
    end = after_start(start)
    if text.encode() >= start.encode() and (end is None or text.encode() < end.encode()):
        assert text.startswith(start.rstrip("\U0010ffff"))


@pytest.mark.parametrize(
    ("start", "end"),
    [("ab", "ac"), ("a\ud7ff", "a\ue000"), ("a\U0010ffff", "b"), ("\U0010ffff", None), ("", None)],
)
def test_the_text_after_a_start(start: str, end: str | None) -> None:
    assert after_start(start) == end


@given(anything)
def test_a_text_made_one_line_is_one_line_and_stays_so(text: str) -> None:
    line = as_one_line(text)
    assert is_one_line(line)
    assert len(line.splitlines()) <= 1
    assert as_one_line(line) == line
    assert (line == text) == is_one_line(text)


def test_control_characters_are_escaped() -> None:
    assert as_one_line("a\x1b[2J\nb\u202ec") == "a\\x1b[2J\\nb\\u202ec"


@pytest.mark.parametrize("text", ["", "Nora Field", "Zoë Łuczak", "田中 5", "a\u200bb"])
def test_a_left_to_right_text_is_returned_as_it_is(text: str) -> None:
    assert isolated(text) == text


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("נועה 5", "נועה 5"),
        ("نورا", "نورا"),
        ("a\u202eb", "a\u202eb"),
        ("\u202ab\u202c", "\u202ab\u202c"),
        # Every isolate that begins is ended.
        ("\u2067a", "\u2067a\u2069"),
        ("\u2066\u2068a\u2069", "\u2066\u2068a\u2069\u2069"),
        # An end that would close the isolate from within is dropped.
        ("a\u2069\u202eb", "a\u202eb"),
        ("\u2069\u2069\u2067a\u2069\u2069", "\u2067a\u2069"),
    ],
)
def test_a_right_to_left_text_is_isolated_whole(text: str, inside: str) -> None:
    assert isolated(text) == f"\u2068{inside}\u2069"
