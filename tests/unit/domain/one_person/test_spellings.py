"""One value in several spellings has one key, and a key is its own key."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.domain.random_leads import texts

from onelead.domain.emails import email_keys
from onelead.domain.phones import phone_digits
from onelead.domain.placeholders import ANY_TEXT, DEFAULT_PLACEHOLDERS, Placeholders
from onelead.domain.text import fold

#: What wrappers, lists, domains and local parts are made of, and characters with several forms.
PIECES = [
    *("@", "@", "@", ".", ",", ";", ":", "<", ">", '"', "'", "(", ")", " ", "\t", "\n", "?", "!"),
    *("-", "_", "+", "|", "{", "}", "%", "~", "`", "=", "\u2019", "\u201c", "\u3002", "\uff0e"),
    *("a", "A", "b", "1", "ß", "\u1e9e", "σ", "ς", "ı", "İ", "é", "e\u0301", "ü", "中", "א", "🌷"),
    *("\uff21", "\uff20", "\u212a", "\u017f", "\u0345", "\u200b", "\u200d", "\u00a0", "\u3000"),
    *("mailto:", "MAILTO:", "@b.c", "xn--", "%41", "?subject="),
]
addresses = st.lists(st.sampled_from(PIECES), min_size=1, max_size=9).map("".join) | texts()
ALIKE = [*"`'\u00b4\u2019\u2032\uff07-\u2010\u2014\u2212\ufe63\uff0d \u1fbf\u1ffd\u0301\u0130ßΣ"]
anything = st.text(st.one_of(st.sampled_from(ALIKE), st.characters(exclude_categories=["Cs"])))
DEFAULTS = Placeholders(DEFAULT_PLACEHOLDERS)


def wrapped(key: str) -> list[str]:
    """Return what programs and people make of an address."""
    return [
        *(f"mailto:{quote(key)}", f"MAILTO:{quote(key)}?subject=Hello", f"<mailto:{quote(key)}>"),
        *(f"<{key}>", f"Nora Field <{key}>", f'"Field, Nora" <{key}>;', f"({key})", f"[{key}]"),
        *(f'"{key}"', f"'{key}'", f"\u201c{key}\u201d", f" {key}\n", f"\u200b{key}\ufeff"),
        *(f"{key}.", f"{key};", f"{key},", f"{key}\u3002", key.replace("@", "\uff20")),
    ]


@given(addresses)
def test_the_key_of_an_address_is_its_own_key(text: str) -> None:
    for key in email_keys(text):
        assert email_keys(key) == (key,)


@given(addresses)
def test_an_address_has_one_key_in_any_wrapper_and_form(text: str) -> None:
    for key in email_keys(text):
        assert {email_keys(spelled) for spelled in wrapped(key)} == {(key,)}
    forms = (unicodedata.normalize(form, text) for form in ("NFC", "NFD", "NFKC", "NFKD"))
    assert {email_keys(form) for form in forms} == {email_keys(text)}


@given(st.text(st.characters(max_codepoint=127)))
def test_the_case_of_an_address_makes_no_difference(text: str) -> None:
    text += "@field.example"
    assert email_keys(text.upper()) == email_keys(text.swapcase()) == email_keys(text)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("nora@bücher.example", ("nora@xn--bcher-kva.example",)),
        ("NORA@XN--BCHER-KVA.example", ("nora@xn--bcher-kva.example",)),
        ("nora@STRA\u1e9eE.example", ("nora@xn--strae-oqa.example",)),
        ("weiß@field.example", ("weiß@field.example",)),
        (".nora@field.example", ("nora@field.example",)),
        (
            "a@field.example; B@field.example, a@field.example",
            ("a@field.example", "b@field.example"),
        ),
        ("nora@field.example (work)", ()),
        ("call nora@field.example", ()),
        ("nora field.example", ()),
        ("nora@", ()),
        ("@field.example", ()),
        ("nora@field..example", ()),
        ("a|nora@field.example", ()),
        # A label that IDNA 2008 does not allow.
        ("nora@☃.example", ()),
    ],
)
def test_the_addresses_of_a_text(text: str, keys: tuple[str, ...]) -> None:
    assert email_keys(text) == keys


def test_no_long_text_and_no_long_list_is_an_address() -> None:
    assert email_keys(f"{'x' * 241}@field.example") != ()
    assert email_keys(f"{'x' * 242}@field.example") == ()
    # Each of these is six letters.
    assert email_keys("\u3316" * 40 + "@field.example") != ()
    assert email_keys("\u3316" * 41 + "@field.example") == ()
    name = "\U0001f600" * 480
    assert email_keys(f"{name} <nora@field.example>") == ("nora@field.example",)
    assert email_keys(f"{name} {name} <nora@field.example>") == ()
    many = [f"n{number}@field.example" for number in range(11)]
    assert email_keys(";".join(many[:10])) == tuple(many[:10])
    assert email_keys(";".join(many)) == ()


@given(anything)
def test_folding_apostrophes_and_hyphens_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    composed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert {fold(form) for form in composed} == {fold(text)}


@given(anything | st.sampled_from(DEFAULT_PLACEHOLDERS))
def test_a_placeholder_is_one_in_every_spelling(text: str) -> None:
    is_one = DEFAULTS.have(text)
    for spelled in (fold(text), f" {text}\n", f"\u200b{text}", unicodedata.normalize("NFD", text)):
        assert DEFAULTS.have(spelled) == is_one


@given(st.sampled_from(["{{...}}", "x...", "...x", "a...a", "n/a"]), anything)
def test_an_entry_covers_what_has_its_ends(entry: str, text: str) -> None:
    start, dots, end = entry.partition(ANY_TEXT)
    listed = Placeholders([entry])
    folded = fold(start + text + end)
    # Folding can join what is between the ends to them.
    if dots and folded.startswith(start) and folded.endswith(end):
        assert listed.have(start + text + end)
    if not dots:
        assert listed.have(text) == (fold(text) == entry or Placeholders([]).have(text))


@given(anything | st.text(st.sampled_from("0123456789 +-()#x.;ext٣内線")))
def test_the_digits_of_a_phone_number_are_its_digits(number: str) -> None:
    assert phone_digits(phone_digits(number)) == phone_digits(number)


def test_only_the_beginning_of_a_long_text_is_read_for_a_phone_number() -> None:
    assert phone_digits(" " * 254 + "7" * 65_000) == "7"
