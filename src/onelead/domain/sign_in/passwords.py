"""Which passwords are allowed, and the form in which they are hashed."""

from __future__ import annotations

import re

from onelead.domain.account import User
from onelead.domain.errors import InputInvalid, Problem
from onelead.domain.limits import PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN
from onelead.domain.text import fold_case, normalised, too_long

#: Up to this many typed characters compose one letter of the hashed form. A text with more
#: characters than the longest password can take is too long, whatever follows.
_PIECES_MAX = 4
_TYPED_CHARS_MAX = PASSWORD_CHARS_MAX * _PIECES_MAX

_PRODUCT = "onelead"
_WORD = re.compile(r"\w{3,}")
#: The guesses that zxcvbn expects, as its score: from 3 on, over a hundred million.
_SCORE_MIN = 3
#: What is rated of a password: the time grows with the square of the length, and with the readings
#: of signs that can be letters, such as 1 for i or l. With many of these, the beginning must do.
_RATED_CHARS_MAX = 48
_SIGNS = frozenset("!$%(+0123456789<@[{|")
_SIGNS_MAX = 8
_RATED_WITH_SIGNS_MAX = 16


def hashed_form(password: str) -> str:
    """Return the form that is hashed, because keyboards compose the same letter in different ways.

    Its length is that of the password; an endless password is cut where it is already too long.
    """
    return normalised("NFC", password[: _TYPED_CHARS_MAX + 1])


def is_too_long(hashed: str) -> bool:
    """Return whether a hashed form is longer than any password's."""
    return len(hashed) > PASSWORD_CHARS_MAX


def require_good_password(password: str, repeated: str, user: User, account_name: str) -> None:
    """Refuse a user's new password that is too short, too long or too easy. Raises InputInvalid."""
    problems = []
    names = (_PRODUCT, account_name, user.name, user.email)
    if text := _problem(hashed_form(password), names):
        problems.append(Problem("password", text))
    if hashed_form(repeated) != hashed_form(password):
        problems.append(Problem("repeated", "is not the same as the password"))
    if problems:
        raise InputInvalid(*problems)


def _problem(password: str, names: tuple[str, ...]) -> str:
    if len(password) < PASSWORD_CHARS_MIN:
        return f"is too short (minimum is {PASSWORD_CHARS_MIN} characters)"
    if is_too_long(password):
        return too_long(PASSWORD_CHARS_MAX)
    if len(_without(names, fold_case(password))) < PASSWORD_CHARS_MIN:
        return (
            f"is too short (minimum is {PASSWORD_CHARS_MIN} characters besides the names of "
            "onelead, the account and yourself)"
        )
    if _is_easy(password):
        return "is too easy to guess; a few unrelated words are harder"
    return ""


def _without(names: tuple[str, ...], password: str) -> str:
    """Return what a password has besides the words of these names."""
    words = {word for name in names for word in _WORD.findall(fold_case(name))}
    for word in sorted(words, key=len, reverse=True):
        password = password.replace(word, "")
    return password


def _is_easy(password: str) -> bool:
    # Loaded by the first new password, because its lists of common passwords take 14 MiB.
    from zxcvbn import zxcvbn  # noqa: PLC0415

    rated = password[:_RATED_CHARS_MAX]
    if len(_SIGNS & set(rated)) > _SIGNS_MAX:
        rated = rated[:_RATED_WITH_SIGNS_MAX]
    return int(zxcvbn(rated)["score"]) < _SCORE_MIN
