"""What people read in a proof between their writes: a lead, its history, a search, a list."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import msgspec

from onelead.domain.limits import PAGE_SIZE_MAX
from onelead.prove.drive.requests import Request
from onelead.prove.operations import ReadKind

#: How often each is drawn. A list has many leads, so it costs the most.
_KINDS = {ReadKind.LEAD: 10, ReadKind.SEARCH: 5, ReadKind.HISTORY: 3, ReadKind.LIST: 1}
_encode = msgspec.json.Encoder().encode


def draw_read(chance: random.Random, number: int, ids: Sequence[int], email: str) -> Request:
    """Draw a read about leads of a family, or about the address of one of its members."""
    kind = chance.choices([*_KINDS], [*_KINDS.values()])[0]
    if kind in (ReadKind.LEAD, ReadKind.HISTORY) and not ids:
        kind = ReadKind.SEARCH
    about: int | str | None = email if kind is ReadKind.SEARCH else None
    if kind in (ReadKind.LEAD, ReadKind.HISTORY):
        about = chance.choice(ids)
    method, path, criteria = _call(kind, about)
    body = _encode(criteria) if criteria else b""
    return Request(number, kind.value, method, path, body, (), reads=kind, about=about)


def _call(kind: ReadKind, about: int | str | None) -> tuple[str, str, dict[str, Any]]:
    """Return the method, the path and the body."""
    match kind:
        case ReadKind.LEAD:
            return "GET", f"/leads/{about}", {}
        case ReadKind.HISTORY:
            return "GET", f"/leads/{about}/history?page_size={PAGE_SIZE_MAX}", {}
        case ReadKind.SEARCH:
            return "POST", "/leads/search", {"emails": [about], "page_size": PAGE_SIZE_MAX}
        case ReadKind.LIST:
            order = {"sort_by": "date_modified", "sort_direction": "desc"}
            return "POST", "/leads/search", {**order, "page_size": PAGE_SIZE_MAX}
