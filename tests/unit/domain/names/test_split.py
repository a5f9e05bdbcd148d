"""How a full name is split, and that the shortcut gives `nameparser`'s own answer."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from nameparser import Lexicon, parse

from onelead.domain.names import NAME_PARTS, _read, join_name, split_name
from onelead.domain.text import is_blank

LEXICON_WORDS = sorted(
    frozenset().union(
        *(
            words
            for field in dataclasses.fields(Lexicon)
            if isinstance(words := getattr(Lexicon.default(), field.name), frozenset)
        )
    )
)
latin_words = st.text(
    st.sampled_from("aeinory\u00e9\u00f1\u00f3\u00fc\u00df\u0131\u0142I\u0130\u1e9e\u01c4-'\u2019"),
    min_size=1,
    max_size=7,
)
ordinary_words = st.text(st.sampled_from("abcdeimnorstvxABDEIJMNVX"), min_size=1, max_size=7)
any_words = st.one_of(
    ordinary_words,
    latin_words,
    st.sampled_from(LEXICON_WORDS),
    st.sampled_from(LEXICON_WORDS).map(str.upper),
    st.sampled_from(LEXICON_WORDS).map(str.title),
    st.sampled_from(["Andr\u00e9", "O'Brien", "Anne-Marie", "Dr.", "J.", "Field,", "(Nan)", "3rd"]),
)


def parts_of(name: str) -> dict[str, str]:
    """Return the parts that are not empty."""
    return {field: part for field, part in split_name(name).items() if part}


def split_as(name: str) -> tuple[str | None, ...]:
    """Return prefix, first, middle and last name, and suffix."""
    return tuple(split_name(name).values())


@given(st.lists(any_words, min_size=2, max_size=5).map(" ".join))
@example("Nora ix")
@example("Nora V")
@example("Nora Esq")
@example("Mr Field")
@example("Van Field")
@example("z domu")
@example("Nora z domu Field")
@example("Nora og S\u00f8nner")
@example("Nora o. o")
@example("Nora Field \u0131")
@example("\u00f3 Nora Field")
@example("Mar\u00eda-Jos\u00e9 N. O'Brien Garc\u00eda")
@example("Nora Prof-Field")
def test_words_are_split_as_nameparser_and_all_rules_split_them(name: str) -> None:
    assert split_as(name) == tuple(part or None for part in _read(name.split()))


@given(ordinary_words, st.sampled_from(["Holm", "Rask", "Okoro"]))
@example("Van", "Holm")
@example("Nora", "Holm")
def test_two_words_are_split_as_nameparser_splits_them(first: str, second: str) -> None:
    read = parse(f"{first} {second}")
    # A title may be a first name here.
    if read.title:
        return
    expected = (read.title, read.given, read.middle, read.family, read.suffix)
    assert split_as(f"{first} {second}") == tuple(part or None for part in expected)


@given(any_words.filter(lambda word: len(word.split()) == 1))
def test_one_word_is_a_first_name(word: str) -> None:
    assert split_name(f" {word} ") == {
        "prefix": None,
        "first_name": word,
        "middle_name": None,
        "last_name": None,
        "suffix": None,
    }


odd_characters = st.sampled_from(
    "aB .,\"'()-\u00e9\u7530\u200b\u200d\ufe0f\u2060\ufeff\u2764\u00a9\u20e31"
    "\U0001f469\U0001f1e9\U0001f1ea\U0001f3fd\U000e0067\U000e007f\ufdd0"
)


@given(st.text(st.characters(exclude_categories=["Cs"]) | odd_characters, max_size=40))
@example("\u200d\u200bNora")
@example("\U0001f469\u200d\U0001f469 \u2764\ufe0f")
@example("Dr. \u2764\ufe0f")
def test_any_text_can_be_split(name: str) -> None:
    parts = split_name(name)
    assert tuple(parts) == NAME_PARTS
    assert all(part is None or not is_blank(part) for part in parts.values())
    assert any(parts.values()) == (not is_blank(name))


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
        ("VAN DER BERG, Jan", {"first_name": "Jan", "last_name": "VAN DER BERG"}),
        ("\u7530\u4e2d \u82b1\u5b50", {"first_name": "\u82b1\u5b50", "last_name": "\u7530\u4e2d"}),
        ("\u738b\u5c0f\u660e", {"first_name": "\u738b\u5c0f\u660e"}),
        ("Tove (Tiff)", {"first_name": "Tove"}),
        ('Tove "Tiff" Aas', {"first_name": "Tove", "last_name": "Aas"}),
        ("Josep Pla", {"first_name": "Josep", "last_name": "Pla"}),
        ("Marit Bakk", {"first_name": "Marit", "last_name": "Bakk"}),
    ],
)
def test_a_name_is_taken_apart(name: str, parts: dict[str, str]) -> None:
    assert parts_of(name) == parts


@pytest.mark.parametrize(
    "title",
    [
        *("Prof. Dr. h.c.", "Prof. Dr. h. c.", "Dr. h.c. mult.", "Dr. h. c. mult.", "Dr h.c."),
        *("Dr. e.h.", "Dr. E. h.", "Dr. med. dent.", "Dr. rer. nat.", "Dr. Dr.", "dr n. med."),
        *("Dr. sc. ETH", "Prof. a. D.", "Dr.h.c.", "Dr.-Ing.", "PD Dr.", "Priv.-Doz. Dr."),
        *("Univ.-Prof.", "Univ. Prof. Dr.", "Ass.-Prof. Dr.", "Assoz. Prof.", "Jun.-Prof."),
        *("Dipl.-Ing.", "Dipl. Ing.", "Dipl-Ing", "Dipl.Ing.", "Dipl.-Kfm.", "Dipl.-Wirt.-Ing."),
        *("Mag.", "Mag. Dr.", "Frau Prof. Dr.", "mgr in\u017c.", "doc. RNDr.", "Do\u00e7. Dr."),
        *("Dott.ssa", "drs. ir.", "siv.ing.", "Exmo. Sr."),
    ],
)
def test_an_academic_title_is_a_prefix(title: str) -> None:
    assert split_as(f"{title} Ole Rask") == (title, "Ole", None, "Rask", None)


@pytest.mark.parametrize(
    "degree",
    [
        *("M.Sc.", "M. Sc.", "MSc", "B.A.", "B. A.", "M. A.", "B. Eng.", "LL. M.", "LL.M.", "LLB"),
        *("Ph.D.", "Ph. D.", "PhD", "MBA", "DBA", "Dipl.-Ing.", "Dipl.-Kfm.", "CSc."),
    ],
)
def test_a_degree_after_the_name_is_a_suffix(degree: str) -> None:
    assert split_as(f"Ole Rask {degree}") == (None, "Ole", None, "Rask", degree)
    assert split_as(f"Ole Rask, {degree}") == (None, "Ole", None, "Rask", degree)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("H. C. Rask", (None, "H.", "C.", "Rask", None)),
        ("Dr. H. C. Rask", ("Dr.", "H.", "C.", "Rask", None)),
        ("Rask, M. A.", (None, "M.", "A.", "Rask", None)),
        ("M. A. Rask", (None, "M.", "A.", "Rask", None)),
        ("Rask, Prof. Dr. h.c. Ole", ("Prof. Dr. h.c.", "Ole", None, "Rask", None)),
    ],
)
def test_initials_are_no_degree(name: str, parts: tuple[str | None, ...]) -> None:
    assert split_as(name) == parts


@pytest.mark.parametrize(
    "first", ["Prince", "Princess", "KING", "queen", "Judge", "Bishop", "Deacon", "Sheriff"]
)
def test_a_title_before_one_name_can_be_a_first_name(first: str) -> None:
    assert split_as(f"{first} Okoro") == (None, first, None, "Okoro", None)
    assert split_as(f"Okoro, {first}") == (None, first, None, "Okoro", None)
    assert split_as(f"Mr. {first} Okoro Jr.") == ("Mr.", first, None, "Okoro", "Jr.")
    assert split_as(f"Dr. {first} Okoro") == ("Dr.", first, None, "Okoro", None)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Duke Okoro", (None, "Duke", None, "Okoro", None)),
        ("Earl Okoro", (None, "Earl", None, "Okoro", None)),
        ("Marshal Okoro", (None, "Marshal", None, "Okoro", None)),
        ("Prince Emeka Okoro", ("Prince", "Emeka", None, "Okoro", None)),
        ("Prince E. Okoro", ("Prince", "E.", None, "Okoro", None)),
        ("Prince. Okoro", ("Prince.", "Okoro", None, None, None)),
        ("Rev. Bishop Okoro", ("Rev. Bishop", None, None, "Okoro", None)),
        ("Captain Okoro", ("Captain", None, None, "Okoro", None)),
        ("Mr. Bishop", ("Mr.", None, None, "Bishop", None)),
        ("Okoro King", (None, "Okoro", None, "King", None)),
    ],
)
def test_a_title_with_a_dot_or_a_whole_name_after_it_is_a_title(
    name: str, parts: tuple[str | None, ...]
) -> None:
    assert split_as(name) == parts


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("\U0001f469\u200d\U0001f469\u200d\U0001f467 Field", {"first_name": "Field"}),
        ("\u2764\ufe0f Nora Field", {"first_name": "Nora", "last_name": "Field"}),
        ("Nora \U0001f600 Field", {"first_name": "Nora", "last_name": "Field"}),
        ("Nora\U0001f44b\U0001f3fd Field", {"first_name": "Nora", "last_name": "Field"}),
        ("\U0001f1e9\U0001f1ea Hans Field", {"first_name": "Hans", "last_name": "Field"}),
        ("Nora Field 1\ufe0f\u20e3", {"first_name": "Nora", "last_name": "Field"}),
        (
            "Nora \U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f Field",
            {"first_name": "Nora", "last_name": "Field"},
        ),
        ("Nora \u2764\ufe0f", {"first_name": "Nora"}),
        ("\U0001f600", {"first_name": "\U0001f600"}),
        ("\u2764\ufe0f \U0001f600", {"first_name": "\u2764\ufe0f \U0001f600"}),
        ("Nora \u200d Field", {"first_name": "Nora", "last_name": "Field"}),
        ("\u200b", {}),
        # Joiners and variation selectors belong to the letters of some scripts.
        ("\u8fbb\U000e0100", {"first_name": "\u8fbb\U000e0100"}),
        (
            "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627",
            {"first_name": "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627"},
        ),
    ],
)
def test_a_picture_is_no_part_of_a_name(name: str, parts: dict[str, str]) -> None:
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


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [
        ("\u82b1\u5b50", "\u7530\u4e2d", "\u7530\u4e2d \u82b1\u5b50"),
        ("\ubbfc\uc900", "\uae40", "\uae40 \ubbfc\uc900"),
        ("Andr\u00e9", "\u00dcnal", "Andr\u00e9 \u00dcnal"),
        # A foreign name in Japanese letters has its own order.
        (
            "\u30de\u30a4\u30b1\u30eb",
            "\u30b9\u30df\u30b9",
            "\u30de\u30a4\u30b1\u30eb \u30b9\u30df\u30b9",
        ),
    ],
)
def test_the_family_name_is_first_where_it_is_written_so(first: str, last: str, name: str) -> None:
    parts = dict.fromkeys(NAME_PARTS) | {"first_name": first, "last_name": last}
    assert join_name(parts) == name
    assert split_name(name) == parts


@given(ordinary_words, ordinary_words)
def test_two_ordinary_words_survive_being_split_and_joined(first: str, second: str) -> None:
    assert join_name(split_name(f"{first} {second}")) == f"{first} {second}"
