"""Text that was UTF-8 and was read as windows-1252."""

from __future__ import annotations

import pytest

from onelead.domain.importing.garbled import repaired

TEXTS = [
    "Jürgen König",
    "André Léon",
    "Łukasz Żak",
    "Μαρία",
    "Иван",
    "5 € – “quoted”",
    "日本",
    "🎉",
]


@pytest.mark.parametrize("text", TEXTS[:-2])
def test_what_was_garbled_can_be_told(text: str) -> None:
    # Five bytes are nothing in windows-1252; programs mostly leave them as they are.
    garbled = "".join(
        bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in text.encode()
    )
    assert repaired(garbled) == text


@pytest.mark.parametrize("text", [*TEXTS, "“CAFÉ” São", "Ölçüm", "à€€ is no UTF-8", "plain", ""])
def test_text_that_is_right_is_left_alone(text: str) -> None:
    assert repaired(text) is None
