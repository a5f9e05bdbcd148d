"""The text of an API key."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onelead.domain.api_keys.purposes import KeyScope
from onelead.domain.api_keys.texts import is_damaged, is_well_formed, new_key_text

BITS = st.integers(0, 2**256 - 1)
SCOPES = st.sampled_from([None, *KeyScope])
#: What `docs/api.md` gives to scanners.
DOCUMENTED = re.compile(r"\bol_[adruw]_[0-9A-Za-z]{49}\b")


@given(SCOPES, BITS)
def test_a_new_key_is_well_formed_and_is_what_scanners_look_for(
    scope: KeyScope | None, bits: int
) -> None:
    text = new_key_text(scope, bits)
    assert is_well_formed(text)
    assert not is_damaged(text)
    assert DOCUMENTED.fullmatch(text)


@given(SCOPES, BITS, st.integers(5, 53), st.sampled_from("0Az"))
def test_a_key_with_another_character_is_damaged(
    scope: KeyScope | None, bits: int, at: int, other: str
) -> None:
    text = new_key_text(scope, bits)
    changed = text[:at] + other + text[at + 1 :]
    assert is_damaged(changed) is (changed != text)


def test_different_bits_give_different_keys() -> None:
    assert len({new_key_text(None, bits) for bits in range(1000)}) == 1000


def test_the_letter_is_part_of_the_checksum() -> None:
    text = new_key_text(KeyScope.DELIVER, 7)
    assert is_damaged(text.replace("ol_d_", "ol_a_"))


@pytest.mark.parametrize(
    "text", ["", "ol_", "ol_0", "ol_" + "0" * 64, "ol_x_" + "0" * 49, "' OR 1=1 --", "x" * 200]
)
def test_what_is_no_such_key_is_not_called_damaged(text: str) -> None:
    assert not is_well_formed(text)
    assert not is_damaged(text)


@pytest.mark.parametrize("text", ["ol_d_", "ol_d_" + "0" * 49, "ol_a_" + "é" * 49])
def test_what_begins_as_one_and_is_none_is_damaged(text: str) -> None:
    assert is_damaged(text)
