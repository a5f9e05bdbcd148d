"""Texts that identify nobody."""

from __future__ import annotations

import pytest

from onelead.domain.placeholders import DEFAULT_PLACEHOLDERS, Placeholders

DEFAULTS = Placeholders(DEFAULT_PLACEHOLDERS)


@pytest.mark.parametrize("entry", DEFAULT_PLACEHOLDERS)
def test_each_entry_of_the_list_is_one_in_any_case_and_spacing(entry: str) -> None:
    text = entry.replace("...", " contact.email ")
    assert DEFAULTS.have(text)
    assert DEFAULTS.have(f"  {text.upper()}\u200b\n")


@pytest.mark.parametrize("text", [".", "-", "--", " ? ", "___", "\u2014", "\u3002", "()", "+"])
def test_a_text_of_nothing_but_punctuation_is_one_whatever_the_list_has(text: str) -> None:
    assert Placeholders(()).have(text)


@pytest.mark.parametrize(
    "text",
    [
        *("Nora Field", "nora@field.example", "A-77", "100%", "Unknown Mortal", "No", "Nan Madol"),
        # Names of their own: ideographs, an emoji, a repetition mark.
        *("\u738b", "\U0001f600", "\u3005", "{Nora", "% of value"),
    ],
)
def test_a_text_that_may_mean_somebody_is_none(text: str) -> None:
    assert not DEFAULTS.have(text)


def test_an_account_decides_for_itself() -> None:
    own = Placeholders(["info@field.example", "lead-...", "...@test.example"])
    assert own.have("Nora@Test.example")
    assert own.have("INFO@field.example")
    assert own.have("Lead-0815")
    assert own.have("lead-")
    assert not own.have("n/a")
    assert not own.have("a lead-0815")
