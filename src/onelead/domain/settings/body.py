"""The body of a settings change: arbitrary JSON, read member by member.

Problems are collected, so that a caller learns of all of them together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import fields

from onelead.domain.errors import InputInvalid, Problem, SettingsConflict, unrecognized
from onelead.domain.limits import LINE_CHARS_MAX
from onelead.domain.text import is_blank, is_one_line, too_long

Line = Annotated[str, Meta(min_length=1, max_length=LINE_CHARS_MAX)]


class SettingsBody:
    """A JSON object and the problems found in it so far.

    `declared` has the type of each member; `ignored` members may be sent, but change nothing.
    """

    def __init__(self, members: dict[str, Any], declared: type[Struct], *ignored: str) -> None:
        self._members = members
        self._types = {field.name: field.type for field in fields(declared)}
        #: In the order found; a problem that several options have is reported once.
        self._problems: dict[Problem, None] = {}
        self.refuse_unknown(members, (*self._types, *ignored))

    def refuse(self, attribute: str, text: str, symbol: str = "invalid") -> None:
        """Note one problem."""
        self._problems[Problem(attribute, text, symbol)] = None

    def refuse_unknown(self, names: Iterable[str], known: Iterable[str]) -> None:
        """Note the names that are not known, if there are any."""
        if problem := unrecognized(sorted(set(names).difference(known))):
            self._problems[problem] = None

    def require_valid(self) -> None:
        """Raise InputInvalid with all problems, if there are any."""
        if self._problems:
            raise InputInvalid(*self._problems)

    def has(self, attribute: str) -> bool:
        """Say whether the member was sent, even as null."""
        return attribute in self._members

    def get(self, attribute: str) -> Any:
        """Return the member as sent; None when it was not."""
        return self._members.get(attribute)

    def read(self, attribute: str, refusal: str, symbol: str = "invalid") -> Any:
        """Return the member if its type allows it; else note the refusal and return None."""
        try:
            return msgspec.convert(self.get(attribute), self._types[attribute])
        except msgspec.ValidationError:
            self.refuse(attribute, refusal, symbol)
            return None

    def name(self, current: str) -> str:
        """Return the name; it must be sent for something new, whose current name is empty."""
        if current and not self.has("name"):
            return current
        value = self.get("name")
        if problem := name_problem(value):
            self.refuse("name", *problem)
            return current
        return str(value)

    def flag(self, attribute: str, *, current: bool) -> bool:
        """Return a boolean; null counts as not sent."""
        value = self.read(attribute, "must be true or false")
        return current if value is None else bool(value)


def require_as_seen(
    seen: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    """Refuse to change an attribute that is no longer as the user saw it.

    Attributes that the change leaves as they are, or that have the new value already, may have
    changed meanwhile. Raises SettingsConflict.
    """
    for attribute, value in seen.items():
        now = before.get(attribute)
        if now not in (value, after.get(attribute)):
            raise SettingsConflict


def line_problem(value: Any) -> tuple[str, str] | None:
    """Say what is wrong with a line of text: the text and the symbol of the problem."""
    if value is None or (isinstance(value, str) and is_blank(value)):
        return "can't be blank", "blank"
    if not isinstance(value, str):
        return "must be a string", "invalid"
    if len(value) > LINE_CHARS_MAX:
        return too_long(LINE_CHARS_MAX), "too_long"
    return None


def name_problem(value: Any) -> tuple[str, str] | None:
    """Say what is wrong with a name, which lists, logs and terminals show."""
    if problem := line_problem(value):
        return problem
    if not is_one_line(value):
        return "must be one line of printable text", "invalid"
    return None
