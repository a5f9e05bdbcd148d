"""Reads `page_number` and `page_size` from a query string or a JSON body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from onelead.domain.coercions import as_integer, is_empty
from onelead.domain.errors import InputInvalid, Problem
from onelead.domain.limits import PAGE_NUMBER_MAX, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX
from onelead.domain.text import known_id, quoted


class Page(NamedTuple):
    """Which rows to answer with."""

    offset: int
    limit: int


def page_from(raw: Mapping[str, Any]) -> Page:
    """Read the page; numbers may be text, and empty ones are absent. Raises InputInvalid."""
    number = _bounded(raw, "page_number", 1, PAGE_NUMBER_MAX)
    size = _bounded(raw, "page_size", PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX)
    return Page((number - 1) * size, size)


def _bounded(raw: Mapping[str, Any], key: str, default: int, limit: int) -> int:
    sent = raw.get(key)
    if is_empty(sent):
        return default
    number = known_id(as_integer(sent))
    if number is None or number > limit:
        text = f"must be an integer from 1 to {limit}: {quoted(sent)}"
        raise InputInvalid(Problem(key, text, "inclusion"))
    return number
