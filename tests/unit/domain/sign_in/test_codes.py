"""Codes from an app, and recovery codes."""

from __future__ import annotations

import pytest

from onelead.domain.sign_in.codes import (
    RECOVERY_CHARS,
    RECOVERY_LETTERS,
    recovery_form,
    recovery_text,
    step_of_code,
)

NOW = 1_000_000 * 30


def code_of(step: int) -> str:
    return f"{step % 1_000_000:06d}"


@pytest.mark.parametrize(
    ("step", "last_step", "found"),
    [
        (1_000_000, 0, True),
        (999_999, 0, True),
        (1_000_001, 0, True),
        (999_998, 0, False),
        (1_000_002, 0, False),
        (1_000_000, 999_999, True),
        (1_000_000, 1_000_000, False),
        (999_999, 1_000_000, False),
        (1_000_001, 1_000_000, True),
    ],
)
def test_a_code_is_good_around_its_time_and_once(step: int, last_step: int, found: bool) -> None:  # noqa: FBT001
    assert step_of_code(code_of(step), NOW, last_step, code_of) == (step if found else None)


@pytest.mark.parametrize(
    "typed", ["", "00000", "0000000", "abcdef", "００００００", "0 0 0", "-00000"]
)
def test_what_is_no_code_is_wrong(typed: str) -> None:
    assert step_of_code(typed, NOW, 0, lambda _step: typed) is None


def test_spaces_do_not_matter() -> None:
    assert step_of_code(" 000 000 ", NOW, 0, code_of) == 1_000_000


def test_a_recovery_code_is_read_as_people_write_it() -> None:
    text = recovery_text("abcd2345efgh6789")
    assert text == "abcd-2345-efgh-6789"
    for typed in (text, text.upper(), text.replace("-", " "), f"  {text} "):
        assert recovery_form(typed) == "abcd2345efgh6789"
    for wrong in ("", "abcd", f"{text}x", text.replace("a", "l"), "ä" * RECOVERY_CHARS):
        assert recovery_form(wrong) == ""
    assert len(RECOVERY_LETTERS) == 31
