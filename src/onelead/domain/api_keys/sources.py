"""The name of a source of imports, which is a caller without a key."""

from __future__ import annotations

from onelead.domain.errors import InputInvalid, Problem
from onelead.domain.limits import LINE_CHARS_MAX
from onelead.domain.text import as_one_line, is_blank, tidy, too_long


def require_source_name(name: str) -> str:
    """Return the name as it is stored. Raises InputInvalid."""
    name = tidy(as_one_line(name))
    if is_blank(name):
        raise InputInvalid(Problem("source", "can't be blank", "blank"))
    if len(name) > LINE_CHARS_MAX:
        raise InputInvalid(Problem("source", too_long(LINE_CHARS_MAX), "too_long"))
    return name
