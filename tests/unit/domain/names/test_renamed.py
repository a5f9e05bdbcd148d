"""How a written name changes with its parts, and that the words of no part are lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.domain.builders import a_lead
from tests.support.domain.patches import patched

from onelead.domain.names import NAME_PARTS, renamed, split_name
from onelead.domain.text import is_blank


def changed(name: str, **parts: str | None) -> str:
    """Return a name after some of the parts that it is split into have changed."""
    before = split_name(name)
    return renamed(name, before, before | parts)


@pytest.mark.parametrize(
    ("name", "prefix", "after"),
    [
        ('Tove "Tiff" Holm', "Ms", 'Ms Tove "Tiff" Holm'),
        ("Tove (Tiff) Holm", "Ms", "Ms Tove (Tiff) Holm"),
        ("Gran, Wim (Boxfabriek BV)", "Dhr.", "Dhr. Gran, Wim (Boxfabriek BV)"),
        ("Anna Berg n\u00e9e Olsen", "Dr.", "Dr. Anna Berg n\u00e9e Olsen"),
        ("Anna Berg (n\u00e9e Olsen)", "Dr.", "Dr. Anna Berg (n\u00e9e Olsen)"),
        ("Dr. Nora (Nan) Field", "Prof. Dr.", "Prof. Dr. Nora (Nan) Field"),
        ("Prof. Dr. Nora Field", "Dr.", "Dr. Nora Field"),
        ("Prof. Dr. h. c. Nora Field", "Dr.", "Dr. Nora Field"),
        ("Dr. Nora Field", None, "Nora Field"),
        ("dr Nora Field", "Dr.", "Dr. Nora Field"),
        ("Dr. Nora Field", "Dr. Dr.", "Dr. Dr. Nora Field"),
        ("Field, Dr. Nora", "Prof.", "Field, Prof. Nora"),
        ("Field, Dr. Nora", None, "Field, Nora"),
        ("  nora   FIELD ", " Dr. ", "Dr. nora FIELD"),
        ("\u7530\u4e2d \u82b1\u5b50", "Dr.", "Dr. \u7530\u4e2d \u82b1\u5b50"),
        ("Prince Okoro", "Prince", "Prince Okoro"),
        ("Prince Okoro", "Mr.", "Mr. Prince Okoro"),
        ("Berg & S\u00f6hne Ltd.", "Firma", "Firma Berg & S\u00f6hne Ltd."),
        ("\u2764\ufe0f Nora Field", "Dr.", "Dr. \u2764\ufe0f Nora Field"),
        # Something else is written between the words of the old one.
        ("Mag. (FH) Dr. Anna Berg", "Prof.", "Prof. Mag. (FH) Dr. Anna Berg"),
        ("Mag. (FH) Dr. Anna Berg", None, "Mag. (FH) Dr. Anna Berg"),
    ],
)
def test_a_new_prefix_replaces_the_old_one_at_the_front(
    name: str, prefix: str | None, after: str
) -> None:
    assert changed(name, prefix=prefix) == after


@pytest.mark.parametrize(
    ("name", "suffix", "after"),
    [
        ('Tove "Tiff" Holm', "PhD", 'Tove "Tiff" Holm PhD'),
        ("\u7530\u4e2d \u82b1\u5b50", "\u69d8", "\u7530\u4e2d \u82b1\u5b50 \u69d8"),
        ("Nora Field, Jr.", "Sr.", "Nora Field, Sr."),
        ("Nora Field, Jr.", None, "Nora Field"),
        ("Nora Field Jr., PhD", "MBA", "Nora Field MBA"),
        ("Tiptree, James, Jr.", None, "Tiptree, James"),
        ("Tiptree, James, Jr.", "Sr.", "Tiptree, James, Sr."),
        ("Tiptree Jr., James", None, "Tiptree, James"),
        ("Tiptree Jr., James", "Sr.", "Tiptree Sr., James"),
        ("Nora Field Jr. (Acme)", "Sr.", "Nora Field Sr. (Acme)"),
        ("Nora Field Jr. (Acme)", None, "Nora Field (Acme)"),
        ("Nora Field jr", "Jr.", "Nora Field Jr."),
    ],
)
def test_a_new_suffix_replaces_the_old_one_at_the_end(
    name: str, suffix: str | None, after: str
) -> None:
    assert changed(name, suffix=suffix) == after


@pytest.mark.parametrize(
    ("name", "parts", "after"),
    [
        ("Nora Field", {"first_name": "Norah"}, "Norah Field"),
        ("Field, Nora", {"first_name": "Norah"}, "Field, Norah"),
        ("Field, Nora", {"last_name": None}, "Nora"),
        ("Field, Nora", {"middle_name": "M."}, "Field, Nora M."),
        ("Nora M. Field", {"middle_name": None}, "Nora Field"),
        ('Tove "Tiff" Holm', {"first_name": "Tova"}, 'Tova "Tiff" Holm'),
        ('Tove "Tiff" Holm', {"middle_name": "M."}, 'Tove M. "Tiff" Holm'),
        ('Tove "Tiff" Holm', {"last_name": None}, 'Tove "Tiff"'),
        ('Nora "N" Field', {"first_name": "Field", "last_name": "Nora"}, 'Field "N" Nora'),
        ('Nora "N"', {"middle_name": "M.", "last_name": "Field"}, 'Nora M. Field "N"'),
        ("Mrs. Field (Acme)", {"first_name": "Nora"}, "Mrs. Nora Field (Acme)"),
        ("Mrs. Field (Acme)", {"middle_name": "M."}, "Mrs. M. Field (Acme)"),
        ("Wim Gran (wie Wim Gran)", {"first_name": "Jan"}, "Jan Gran (wie Wim Gran)"),
        ("Anna Berg n\u00e9e Olsen", {"last_name": "Holm"}, "Anna Holm n\u00e9e Olsen"),
        ("\u7530\u4e2d \u82b1\u5b50", {"first_name": "\u685c"}, "\u7530\u4e2d \u685c"),
        ("Nora Nora", {"first_name": "Sam"}, "Sam Nora"),
        ("Nora", {"middle_name": "M.", "last_name": "Field"}, "Nora M. Field"),
        ("Dr. Nora (N) Field", {"first_name": "Sam", "prefix": "Mr."}, "Mr. Sam (N) Field"),
    ],
)
def test_a_new_name_stands_where_the_old_one_stood(
    name: str, parts: dict[str, str | None], after: str
) -> None:
    assert changed(name, **parts) == after


@pytest.mark.parametrize(
    ("name", "parts", "after"),
    [
        # Which "Nora" is the first name, is not known.
        ("Nora, Nora", {"first_name": "Sam"}, "Sam Nora"),
        ("(Tiff)", {"last_name": "Holm", "first_name": "Tove"}, "Tove Holm"),
    ],
)
def test_a_name_that_cannot_be_told_is_made_of_the_parts(
    name: str, parts: dict[str, str | None], after: str
) -> None:
    assert changed(name, **parts) == after


def test_a_name_is_made_of_parts_that_overlap() -> None:
    before = split_name("Nora Maria Field, Jr.") | {"first_name": "Nora Maria"}
    after = before | {"first_name": "Ann", "middle_name": "M."}
    assert renamed("Nora Maria Field, Jr.", before, after) == "Ann M. Field Jr."


def test_a_first_name_without_neighbours_makes_the_name() -> None:
    before = dict.fromkeys(NAME_PARTS) | {"prefix": "Dr."}
    assert renamed("Dr. (Acme)", before, before | {"first_name": "Nora"}) == "Dr. Nora"


@pytest.mark.parametrize("name", ["Nora Field", 'Nora "N" Field', "Field, Nora"])
def test_without_parts_no_name_is_left(name: str) -> None:
    assert changed(name, first_name=None, last_name=None) == ""


def words_of(name: str) -> list[str]:
    """Return the words of a name, which the blanks and commas around a title do not change."""
    return name.replace(",", " ").split()


words = st.text(st.sampled_from("abdehlnorst\u00e9\u7530\u82b1"), min_size=1, max_size=6).map(
    str.capitalize
)
written_names = st.one_of(
    st.builds("{} {}".format, words, words),
    st.builds('{} "{}" {}'.format, words, words, words),
    st.builds("{}, {} ({} BV)".format, words, words, words),
    st.builds("{} {} n\u00e9e {}".format, words, words, words),
    st.builds("Dr. {} {} {}, Jr.".format, words, words, words),
    st.text(st.sampled_from("ab .,\"()'\u7530\u200d\ufdd0"), max_size=15),
).filter(lambda name: not is_blank(name))
titles = st.sampled_from(["Dr.", "Prof. Dr.", "Ms", "Jr.", "PhD"])
new_parts = st.none() | titles | words


@given(written_names, new_parts, new_parts)
def test_a_title_takes_no_other_word_away(
    name: str, prefix: str | None, suffix: str | None
) -> None:
    before = split_name(name)
    after = before | {"prefix": prefix, "suffix": suffix}
    if not any(after.values()):
        return
    titles = " ".join(part for title in ("prefix", "suffix") if (part := before[title]))
    kept = [word for word in words_of(name) if word not in words_of(titles)]
    left = iter(words_of(renamed(name, before, after)))
    assert all(word in left for word in kept)


@given(written_names, titles, titles)
def test_a_title_that_goes_again_leaves_the_name_as_it_was(
    name: str, first: str, second: str
) -> None:
    before = split_name(name)
    without = before | {"prefix": None, "suffix": None}
    bare = renamed(name, before, without)
    for title in ("prefix", "suffix"):
        with_first, with_second = without | {title: first}, without | {title: second}
        once = renamed(bare, without, with_first)
        assert renamed(once, without, with_first) == once
        again = renamed(renamed(once, with_first, with_second), with_second, without)
        assert words_of(again) == words_of(bare)


@given(written_names, st.dictionaries(st.sampled_from(NAME_PARTS), new_parts))
def test_the_same_parts_again_change_nothing(name: str, parts: dict[str, str | None]) -> None:
    once = patched(a_lead(name=name), **parts)
    assert patched(once, **parts) == once
    assert {part: getattr(once, part) for part in NAME_PARTS} == split_name(name) | parts


plain_words = st.sampled_from(["Nora", "Tove", "Holm", "Berg", "Sam", "Roe", "Andr\u00e9"])


@given(
    st.lists(plain_words, min_size=2, max_size=3, unique=True),
    st.sampled_from([None, "Dr.", "Prof. Dr.", "Ms"]),
    st.sampled_from([None, "Jr.", "PhD", "III"]),
    st.sampled_from(["{0} {1}", "{1}, {0}", '{0} "Nan" {1}', "{0} {1} (Acme BV)"]),
)
def test_a_changed_name_is_split_into_the_parts_that_changed_it(
    names: list[str], prefix: str | None, suffix: str | None, written: str
) -> None:
    name = written.format(*names)
    parts = split_name(name) | {"prefix": prefix, "suffix": suffix}
    assert split_name(renamed(name, split_name(name), parts)) == parts
    first = parts | {"first_name": "Una"}
    assert split_name(renamed(name, split_name(name), first)) == first
