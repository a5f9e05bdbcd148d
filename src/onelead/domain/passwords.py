"""Which passwords are allowed, and the form in which they are hashed."""

from __future__ import annotations

from onelead.domain.errors import InputInvalid, Problem
from onelead.domain.limits import PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN
from onelead.domain.text import fold_case, normalised, too_long

#: Up to this many typed characters compose one letter of the hashed form. A text with more
#: characters than the longest password can take is too long, whatever follows.
_PIECES_MAX = 4
_TYPED_CHARS_MAX = PASSWORD_CHARS_MAX * _PIECES_MAX


def hashed_form(password: str) -> str:
    """Return the form that is hashed, because keyboards compose the same letter in different ways.

    Its length is that of the password; an endless password is cut where it is already too long.
    """
    return normalised("NFC", password[: _TYPED_CHARS_MAX + 1])


def is_too_long(hashed: str) -> bool:
    """Return whether a hashed form is longer than any password's."""
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
    if fold_case(password) == fold_case(email):
        return "can't be the e-mail"
    if len(set(password)) == 1:
        return "can't be one character again and again"
    return ""
