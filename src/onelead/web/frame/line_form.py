"""A form with a few lines of text about something that others may change at the same time.

It also sends the value that each line had when the form was loaded. So only the lines that the
user changed are written, and changes that somebody else made meanwhile stay.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from onelead.web.frame.forms import Form

#: Prefix of the hidden field with the old value of a line.
_WAS = "was."

#: Texts by attribute.
Lines = Mapping[str, str]


class LineForm(Struct, frozen=True):
    """The lines as typed, and as they were when the form was loaded."""

    typed: Lines
    was: Lines

    @property
    def wanted(self) -> dict[str, str]:
        """The lines that the user changed."""
        return {name: text for name, text in self.typed.items() if text != self.was[name]}

    def seen(self, stored: Lines) -> dict[str, str]:
        """Return the values the form was loaded with, exactly as stored where they are the same."""
        now = _lines(stored)
        return {
            name: stored[name] if now[name] == text else text for name, text in self.was.items()
        }

    def over(self, stored: Lines) -> LineForm:
        """Return a form of what is stored now, with the changes of this form on top."""
        now = _lines(stored)
        return LineForm(now | self.wanted, now)

    def conflicts(self, stored: Lines) -> list[str]:
        """Return the attributes that the form changes and that are now stored differently."""
        now = _lines(stored)
        return [name for name, text in self.wanted.items() if text != now[name]]


def line_form(stored: Lines) -> LineForm:
    """Return the form of the stored values."""
    now = _lines(stored)
    return LineForm(now, now)


def read_lines(form: Form, stored: Lines) -> LineForm:
    """Read a sent form; a line without its old value counts as loaded from what is stored."""
    typed = {name: _line(form.raw(name)) for name in stored}
    was = {name: _line(form.raw(_WAS + name, text)) for name, text in stored.items()}
    return LineForm(typed, was)


def _lines(stored: Lines) -> dict[str, str]:
    return {name: _line(text) for name, text in stored.items()}


def _line(text: str) -> str:
    """Return a text as a browser sends it from an input, without surrounding white space."""
    return text.replace("\r", "").replace("\n", "").strip()
