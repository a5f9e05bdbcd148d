"""The table of coercions: which spellings of a value are taken, and which stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onelead.domain.coercions import (
    are_milliseconds,
    as_boolean,
    as_integer,
    as_list,
    as_number,
    as_object,
    as_objects,
    as_text,
    as_texts,
    is_empty,
    separated,
)

EMPTY: list[Any] = [None, "", " \t", "\u200b\u00a0", {}, [], [None], [[], {}, " "], ()]
FULL: list[Any] = [False, 0, 0.0, "0", "x", [0], [None, "x"], {"a": None}]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=5,
)
COERCIONS: list[Callable[[Any], Any]] = [
    *(as_text, as_integer, as_number, as_boolean, as_list, as_texts, as_object),
]


@pytest.mark.parametrize("raw", EMPTY)
def test_an_empty_value(raw: Any) -> None:
    assert is_empty(raw)
    assert as_list(raw) == as_texts(raw) == as_objects(raw, "url") == []
    assert as_object(raw) == as_object(raw, "url") == {}
    for coercion in (as_integer, as_number, as_boolean):
        assert coercion(raw) is None
    text = as_text(raw)
    assert text is None or (text == raw and is_empty(text))


@pytest.mark.parametrize("raw", FULL)
def test_a_value_that_is_not_empty(raw: Any) -> None:
    assert not is_empty(raw)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        *(("x", "x"), (" 1.0 ", " 1.0 "), (12345.0, "12345"), (-0.0, "0"), (7.5, "7.5")),
        *((12345678901234567890, "12345678901234567890"), (1e22, "1" + "0" * 22), (-3, "-3")),
    ],
)
def test_a_number_is_a_text(raw: Any, text: str) -> None:
    assert as_text(raw) == text


@pytest.mark.parametrize("raw", [True, False, ["x"], {"a": 1}])
def test_nothing_else_is_a_text(raw: Any) -> None:
    assert as_text(raw) is raw


@pytest.mark.parametrize(
    ("raw", "integer"),
    [
        *((7, 7), (7.0, 7), (-0.0, 0), ("7", 7), (" 007 ", 7), ("7.0", 7), ("7.000", 7)),
        *(("-2", -2), ("1000000001.0", 1_000_000_001), ("9" * 19, int("9" * 19))),
    ],
)
def test_an_integer(raw: Any, integer: int) -> None:
    found = as_integer(raw)
    assert (found, type(found)) == (integer, int)


@pytest.mark.parametrize(
    "raw",
    [
        *(True, 7.5, "7.5", "7.01", "7.", ".0", "1e3", "1.00E+09", "+7", "7,0", "1 000", "x"),
        *("9" * 20, "\u0667", "\uff17", [7], {"id": 7}, 1e400),
    ],
)
def test_nothing_else_is_an_integer(raw: Any) -> None:
    assert as_integer(raw) is raw


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        *((7, 7), (7.5, 7.5), ("7", 7), (" 7.5\u00a0", 7.5), ("-7e2", -700.0), (".5", 0.5)),
        *(("9" * 30, int("9" * 30)), ("1e400", float("inf"))),
    ],
)
def test_a_number(raw: Any, number: float) -> None:
    found = as_number(raw)
    assert (found, type(found)) == (number, type(number))


@pytest.mark.parametrize(
    "raw", [True, "1,5", "1_000", "1 000", "$5", "5%", "(5)", "\uff15", "9" * 256, [5], {"a": 5}]
)
def test_nothing_else_is_a_number(raw: Any) -> None:
    assert as_number(raw) is raw


@pytest.mark.parametrize("word", ["true", "yes", "on", "y", "t", "1", "1.0", 1, 1.0, True])
def test_a_word_for_true(word: Any) -> None:
    assert as_boolean(word) is True
    if isinstance(word, str):
        assert as_boolean(f" {word.upper()}\n") is as_boolean(word.title()) is True


@pytest.mark.parametrize("word", ["false", "no", "off", "n", "f", "0", "0.0", 0, -0.0, False])
def test_a_word_for_false(word: Any) -> None:
    assert as_boolean(word) is False
    if isinstance(word, str):
        assert as_boolean(f" {word.upper()}\n") is as_boolean(word.title()) is False


@pytest.mark.parametrize("raw", [2, -1, 0.5, "2", "checked", "ja", "x", [True], {"a": True}])
def test_nothing_else_is_a_boolean(raw: Any) -> None:
    assert as_boolean(raw) is raw


@pytest.mark.parametrize(
    ("raw", "entries"),
    [
        *(("x", ["x"]), (7, [7]), ({"a": 1}, [{"a": 1}]), (False, [False])),
        *((["x", None], ["x", None]), (("x", "y"), ["x", "y"])),
    ],
)
def test_a_single_value_is_a_list(raw: Any, entries: list[Any]) -> None:
    assert as_list(raw) == entries


@pytest.mark.parametrize(
    ("raw", "texts"),
    [
        *(("a, b", ["a", "b"]), ("a;b|c\nd", ["a", "b", "c", "d"]), ("warm lead", ["warm lead"])),
        *((" a ,, ;", ["a"]), ("a,b;c", ["a", "b", "c"]), (7, ["7"])),
        *((["a, b", 7.0, None, " "], ["a, b", "7", "", ""]), ([False, ["a"]], [False, ["a"]])),
    ],
)
def test_a_text_is_a_list_of_texts(raw: Any, texts: list[Any]) -> None:
    assert as_texts(raw) == texts


def test_a_text_is_separated_at_one_separator_before_it_is_at_all() -> None:
    assert list(separated("a, b; c\nd")) == [
        ["a, b; c", "d"],
        ["a, b", "c\nd"],
        ["a, b; c\nd"],
        ["a", "b; c\nd"],
        ["a", "b", "c", "d"],
    ]


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        *(("512", {"number": "512"}), (512.0, {"number": "512"}), (True, True), (["5"], ["5"])),
        *(({"number": 5, "category": None}, {"number": "5", "category": None}),),
        *(({"id": 7, "number": "5", "x": True}, {"number": "5", "x": True}),),
    ],
)
def test_a_text_is_an_object_of_one_member(raw: Any, read: Any) -> None:
    assert as_object(raw, "number") == read
    assert as_objects([None, raw, {}], "number") == [{}, read, {}]


def test_a_text_is_no_object_where_no_member_is_meant() -> None:
    assert as_object("8 Elm Row") == "8 Elm Row"
    assert as_object({"id": 1, "postal_code": 73301}) == {"postal_code": "73301"}


@given(json_values, st.sampled_from(COERCIONS))
def test_what_was_coerced_stays_as_it_is(raw: Any, coercion: Callable[[Any], Any]) -> None:
    once = coercion(raw)
    assert repr(coercion(once)) == repr(once) or is_empty(once)


@pytest.mark.parametrize(("number", "are"), [(99_999_999_999, False), (1e11, True), (0, False)])
def test_milliseconds(number: float, *, are: bool) -> None:
    assert are_milliseconds(number) is are
