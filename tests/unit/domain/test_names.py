"""How a full name is split, and that the shortcut gives `nameparser`'s own answer."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from nameparser import HumanName, Lexicon

from onelead.domain.names import NAME_PARTS, join_name, split_name

LEXICON_WORDS = sorted(
    frozenset().union(
        *(
            words
            for field in dataclasses.fields(Lexicon)
            if isinstance(words := getattr(Lexicon.default(), field.name), frozenset)
        )
    )
)
ordinary_words = st.text(st.sampled_from("abcdeimnorstvxABDEIJMNVX"), min_size=1, max_size=7)
any_words = st.one_of(
    ordinary_words,
    st.sampled_from(LEXICON_WORDS),
    st.sampled_from(LEXICON_WORDS).map(str.upper),
    st.sampled_from(LEXICON_WORDS).map(str.title),
    st.sampled_from(["Andr\u00e9", "O'Brien", "Anne-Marie", "Dr.", "J.", "Field,", "(Nan)", "3rd"]),
)


def parts_of(name: str) -> dict[str, str]:
    """Return the parts that are not empty."""
    return {field: part for field, part in split_name(name).items() if part}


@given(any_words, any_words)
@example("Nora", "ix")
@example("Nora", "V")
@example("Nora", "Esq")
@example("Mr", "Field")
@example("Van", "Field")
@example("z", "domu")
def test_two_words_are_split_as_nameparser_splits_them(first: str, second: str) -> None:
    human = HumanName(f"{first} {second}")
    if human.first or human.last:
        assert parts_of(f"{first} {second}") == {
            field: part
            for field, part in zip(
                NAME_PARTS,
                (human.title, human.first, human.middle, human.last, human.suffix),
                strict=True,
            )
            if part
        }


@given(any_words.filter(lambda word: len(word.split()) == 1))
def test_one_word_is_a_first_name(word: str) -> None:
    assert split_name(f" {word} ") == {
        "prefix": None,
        "first_name": word,
        "middle_name": None,
        "last_name": None,
        "suffix": None,
    }


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_text_can_be_split(name: str) -> None:
    parts = split_name(name)
    assert tuple(parts) == NAME_PARTS
    assert "" not in parts.values()
    assert any(parts.values()) == bool(name.split())


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("My Lead", {"first_name": "My", "last_name": "Lead"}),
        ("Pepper potts", {"first_name": "Pepper", "last_name": "potts"}),
        ("  Nora \t Field\n", {"first_name": "Nora", "last_name": "Field"}),
        ("a@b.example", {"first_name": "a@b.example"}),
        ("Dr", {"first_name": "Dr"}),
        (
            "Nora Maria Field",
            {"first_name": "Nora", "middle_name": "Maria", "last_name": "Field"},
        ),
        (
            "Dr. Nora M. Field Jr.",
            {
                "prefix": "Dr.",
                "first_name": "Nora",
                "middle_name": "M.",
                "last_name": "Field",
                "suffix": "Jr.",
            },
        ),
        ("Field, Nora", {"first_name": "Nora", "last_name": "Field"}),
        ("Ludwig van Beethoven", {"first_name": "Ludwig", "last_name": "van Beethoven"}),
        ("Nora Field III", {"first_name": "Nora", "last_name": "Field", "suffix": "III"}),
        ("Mrs. Field", {"prefix": "Mrs.", "last_name": "Field"}),
        (
            "\u05e0\u05d5\u05e8\u05d4 \u05e9\u05d3\u05d4",
            {"first_name": "\u05e0\u05d5\u05e8\u05d4", "last_name": "\u05e9\u05d3\u05d4"},
        ),
        ("((( )))", {"first_name": "((( )))"}),
    ],
)
def test_a_name_is_taken_apart(name: str, parts: dict[str, str]) -> None:
    assert parts_of(name) == parts


def test_parts_make_a_name_in_the_order_in_which_it_is_written() -> None:
    parts = {
        "first_name": "Nora",
        "last_name": "Field",
        "middle_name": "M.",
        "prefix": "Dr.",
        "suffix": None,
    }
    assert join_name(parts) == "Dr. Nora M. Field"


@given(ordinary_words, ordinary_words)
def test_two_ordinary_words_survive_being_split_and_joined(first: str, second: str) -> None:
    assert join_name(split_name(f"{first} {second}")) == f"{first} {second}"
