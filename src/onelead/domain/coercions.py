"""How a value may be spelled: the one table of coercions, for properties, custom fields and match.

Each function returns what was meant, or else the value as it was sent, which its caller then
refuses. `docs/api.md` has the table for people.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from onelead.domain.limits import LINE_CHARS_MAX
from onelead.domain.text import fold, is_blank, tidy

#: A whole number may have a fraction of zeros, as data frames write it; no id has more digits.
_WHOLE = re.compile(r"(-?[0-9]{1,19})(?:\.0+)?")
_BOOLEANS = {
    **dict.fromkeys(("true", "yes", "on", "y", "t", "1"), True),
    **dict.fromkeys(("false", "no", "off", "n", "f", "0"), False),
}
#: As seconds, a time after the year 5000; as milliseconds, one in March 1973.
_MILLISECONDS_MIN = 100_000_000_000
#: What is between the parts of a list in one text, the strongest first; all of them last.
_SEPARATORS = tuple(map(re.compile, (r"[\r\n]+", ";", r"\|", ",", r"[\r\n;|,]+")))


def is_empty(raw: Any) -> bool:
    """Return whether a value is empty: null, blank text, `{}`, or a list of nothing else."""
    if isinstance(raw, str):
        return is_blank(raw)
    if isinstance(raw, list | tuple):
        return all(map(is_empty, raw))
    return raw is None or raw == {}


def as_text(raw: Any) -> Any:
    """Return a text; a number becomes its digits, without a fraction of zero."""
    if isinstance(raw, str | bool):
        return raw
    if isinstance(raw, float) and raw.is_integer():
        return str(int(raw))
    if isinstance(raw, int | float):
        return str(raw)
    return None if is_empty(raw) else raw


def as_integer(raw: Any) -> Any:
    """Return an integer, also of a number with a fraction of zero, and of a text with either."""
    if isinstance(raw, float) and raw.is_integer():
        return int(raw)
    if isinstance(raw, str) and (found := _WHOLE.fullmatch(tidy(raw))) is not None:
        return int(found[1])
    return None if is_empty(raw) else raw


def as_number(raw: Any) -> Any:
    """Return a number, also of a text that spells one with a point and without separators."""
    if not isinstance(raw, str):
        return None if is_empty(raw) else raw
    text = tidy(raw)
    if text.isascii() and len(text) <= LINE_CHARS_MAX and "_" not in text:
        for kind in (int, float):
            try:
                return kind(text)
            except ValueError:
                continue
    return raw if text else None


def are_milliseconds(number: float) -> bool:
    """Return whether a number that should be Unix seconds can only be meant as milliseconds."""
    return number >= _MILLISECONDS_MIN


def as_boolean(raw: Any) -> Any:
    """Return a boolean, also of 1 and 0, and of the words that forms send, in any case."""
    word = as_text(as_integer(raw))
    if isinstance(word, str):
        return _BOOLEANS.get(fold(word), raw)
    return None if is_empty(raw) else raw


def as_list(raw: Any) -> list[Any]:
    """Return a list; a single value is its only entry."""
    if is_empty(raw):
        return []
    return list(raw) if isinstance(raw, list | tuple) else [raw]


def as_texts(raw: Any) -> list[Any]:
    """Return a list of texts, also of a text that separates them; an empty entry is empty text."""
    if isinstance(raw, str):
        raw = _parts(_SEPARATORS[-1], raw)
    return ["" if is_empty(entry) else as_text(entry) for entry in as_list(raw)]


def separated(text: str) -> Iterator[list[str]]:
    """Return the ways to read a text as a list: at one separator, then at any of them."""
    return (_parts(separator, text) for separator in _SEPARATORS)


def _parts(separator: re.Pattern[str], text: str) -> list[str]:
    return [part.strip() for part in separator.split(text) if not is_blank(part)]


def as_object(raw: Any, member: str | None = None) -> Any:
    """Return an object of texts; a text or number alone is its `member`.

    An `id` is left out: clients that keep entries as rows of their own send it back.
    """
    if isinstance(raw, dict):
        return {key: as_text(value) for key, value in raw.items() if key != "id"}
    text = as_text(raw)
    if is_empty(text):
        return {}
    return {member: text} if member and isinstance(text, str) else raw


def as_objects(raw: Any, member: str) -> list[Any]:
    """Return a list of such objects; an empty entry is an empty object."""
    return [as_object(entry, member) for entry in as_list(raw)]
