"""Reads `page_number` and `page_size` from a query string or a JSON body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from onelead.domain.errors import InputInvalid, Problem
from onelead.domain.limits import PAGE_NUMBER_MAX, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX
from onelead.domain.text import known_id


class Page(NamedTuple):
    """Which rows to answer with."""

    offset: int
    limit: int


def page_from(raw: Mapping[str, Any]) -> Page:
    """Read the page; numbers may be text. Raises InputInvalid."""
    number = _bounded(raw, "page_number", 1, PAGE_NUMBER_MAX)
    size = _bounded(raw, "page_size", PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX)
    return Page((number - 1) * size, size)


def _bounded(raw: Mapping[str, Any], key: str, default: int, limit: int) -> int:
    if raw.get(key) is None:
        return default
    number = known_id(raw[key])
    if number is None or number > limit:
        raise InputInvalid(Problem(key, f"must be an integer from 1 to {limit}", "inclusion"))
    return number
