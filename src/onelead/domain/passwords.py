"""What a password may be, and the form in which it is hashed."""

from __future__ import annotations

from onelead.domain.errors import InputInvalid, Problem
from onelead.domain.limits import PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN
from onelead.domain.text import fold, normalised, too_long

#: A letter of the hashed form can have been typed in this many pieces. A text that has more
#: pieces than all letters of a password together is too long whatever comes behind them.
_PIECES_MAX = 4
_TYPED_CHARS_MAX = PASSWORD_CHARS_MAX * _PIECES_MAX


def hashed_form(password: str) -> str:
    """Return what is hashed: keyboards compose the same letter in different ways.

    Its length is the password's; an endless one is cut where it is too long already.
    """
    return normalised("NFC", password[: _TYPED_CHARS_MAX + 1])


def is_too_long(hashed: str) -> bool:
    """Say whether no password has this hashed form."""
    return len(hashed) > PASSWORD_CHARS_MAX


def require_good_password(password: str, repeated: str, email: str) -> None:
    """Refuse a new password that is too short, too long or too easy. Raises InputInvalid."""
    problems = []
    if text := _problem(hashed_form(password), email):
        problems.append(Problem("password", text))
    if hashed_form(repeated) != hashed_form(password):
        problems.append(Problem("repeated", "is not the same as the password"))
    if problems:
        raise InputInvalid(*problems)


def _problem(password: str, email: str) -> str:
    if len(password) < PASSWORD_CHARS_MIN:
        return f"is too short (minimum is {PASSWORD_CHARS_MIN} characters)"
    if is_too_long(password):
        return too_long(PASSWORD_CHARS_MAX)
    if fold(password) == fold(email):
        return "can't be the e-mail"
    if len(set(password)) == 1:
        return "can't be one character again and again"
    return ""
