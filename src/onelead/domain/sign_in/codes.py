"""Codes from an app (TOTP, RFC 6238) and recovery codes: which is right, and how they are written.

The codes themselves are computed by `process/codes.py`.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable

#: A code is good for this long, and apps show the next one then.
STEP_S = 30
#: A clock may be wrong by so many steps, either way.
_STEPS_OFF = 1
CODE_DIGITS = 6

#: Without letters and digits that look alike.
RECOVERY_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUP = 4
#: 79 bits, so a fast hash is as good as a slow one.
RECOVERY_CHARS = 16


def step_of(now: int) -> int:
    """Return the number of the time step that a moment is in."""
    return now // STEP_S


def step_of_code(typed: str, now: int, last_step: int, code_at: Callable[[int], str]) -> int | None:
    """Return the time step whose code was typed; None for a wrong code.

    `code_at` returns the code of a step. No step counts that is not after `last_step`: a code that
    somebody has read over a shoulder is of no use any more.
    """
    code = "".join(typed.split())
    if len(code) != CODE_DIGITS or not (code.isascii() and code.isdigit()):
        return None
    now_step = step_of(now)
    for step in range(now_step - _STEPS_OFF, now_step + _STEPS_OFF + 1):
        if step > last_step and hmac.compare_digest(code_at(step), code):
            return step
    return None


def recovery_text(letters: Iterable[str]) -> str:
    """Return a recovery code as it is shown, in groups."""
    text = "".join(letters)
    return "-".join(text[start : start + _GROUP] for start in range(0, len(text), _GROUP))


def recovery_form(typed: str) -> str:
    """Return the form of a recovery code that is hashed; empty for a text that is none."""
    found = "".join(typed.replace("-", " ").lower().split())
    is_code = len(found) == RECOVERY_CHARS and set(found) <= set(RECOVERY_LETTERS)
    return found if is_code else ""
