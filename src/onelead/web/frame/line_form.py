"""A form of a few lines of text about something that others may change at the same time.

It sends what stood in each line when it was made, too. So only what a person has changed is asked
for, and what somebody else has changed meanwhile stays.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from onelead.web.frame.forms import Form

#: Before the name of a line: what stood in it.
_WAS = "was."

#: Texts by attribute.
Lines = Mapping[str, str]


class LineForm(Struct, frozen=True):
    """What is typed into the lines, and what stood in them when the form was made."""

    typed: Lines
    was: Lines

    @property
    def wanted(self) -> dict[str, str]:
        """What the form changes."""
        return {name: text for name, text in self.typed.items() if text != self.was[name]}

    def seen(self, stored: Lines) -> dict[str, str]:
        """Return what the form was made from; as it is stored, where that is still the same."""
        now = _lines(stored)
        return {
            name: stored[name] if now[name] == text else text for name, text in self.was.items()
        }

    def over(self, stored: Lines) -> LineForm:
        """Return the form of what is stored now, with what this one changes in its place."""
        now = _lines(stored)
        return LineForm(now | self.wanted, now)

    def in_question(self, stored: Lines) -> list[str]:
        """Return the attributes that are stored as something else than the form wants."""
        now = _lines(stored)
        return [name for name, text in self.wanted.items() if text != now[name]]


def line_form(stored: Lines) -> LineForm:
    """Return the form of what is stored."""
    now = _lines(stored)
    return LineForm(now, now)


def read_lines(form: Form, stored: Lines) -> LineForm:
    """Read what was sent; a line that does not say what it was made from is of what is stored."""
    typed = {name: _line(form.raw(name)) for name in stored}
    was = {name: _line(form.raw(_WAS + name, text)) for name, text in stored.items()}
    return LineForm(typed, was)


def _lines(stored: Lines) -> dict[str, str]:
    return {name: _line(text) for name, text in stored.items()}


def _line(text: str) -> str:
    """Return a text as a browser has it in a line of a form, without white space around it."""
    return text.replace("\r", "").replace("\n", "").strip()
