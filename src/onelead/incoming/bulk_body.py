"""Decodes the body of a bulk call; an item with a text that no database keeps fails alone."""

from __future__ import annotations

import json
from typing import Any

from msgspec import Struct

from onelead.domain.errors import Problem
from onelead.domain.limits import BULK_LEADS_MAX
from onelead.domain.properties import LeadPatch
from onelead.incoming.json_body import HALF_PAIR, TextMalformed, decode_object, fault_of_text

_ITEMS = "leads"
_KNOWN_KEYS = frozenset({*LeadPatch.__struct_fields__, "id"})


class UnreadableItem(Struct, frozen=True):
    """An item with texts that cannot be stored."""

    #: The item as JSON; half of a surrogate pair is replaced by the text of its escape.
    payload: str
    #: The members that can be stored; the payload when the item is no object.
    readable: Any
    #: What is wrong with the others.
    problems: tuple[Problem, ...]


def decode_bulk(body: bytes) -> dict[str, Any]:
    """Decode an object with a list of items, some of which may be `UnreadableItem`s.

    Everything else in the body has to be readable. Raises BodyMalformed.
    """
    try:
        return decode_object(body)
    except TextMalformed as error:
        bulk = _item_by_item(error.value)
        if bulk is None:
            raise
        return bulk


def _item_by_item(value: Any) -> dict[str, Any] | None:
    """Find the items at fault; None when the fault is elsewhere."""
    if not isinstance(value, dict):
        return None
    items = value.pop(_ITEMS, None)
    if not isinstance(items, list) or fault_of_text(value):
        return None
    # No item of a call with too many is read.
    return value | {_ITEMS: [_item(item) for item in items[: BULK_LEADS_MAX + 1]]}


def _item(item: Any) -> Any:
    if fault_of_text(item) is None:
        return item
    payload = _payload(item)
    if not isinstance(item, dict):
        return UnreadableItem(payload, payload, ())
    # An item may have any number of unknown keys, so these are one part.
    parts: dict[str, dict[str, Any]] = {"base": {}}
    for key, member in item.items():
        parts.setdefault(key if key in _KNOWN_KEYS else "base", {})[key] = member
    readable: dict[str, Any] = {}
    problems = []
    for attribute, part in parts.items():
        if fault := fault_of_text(part):
            problems.append(Problem(attribute, fault))
        else:
            readable |= part
    return UnreadableItem(payload, readable, tuple(problems))


def _payload(item: Any) -> str:
    text = json.dumps(item, ensure_ascii=False)
    # Neither a database nor a reader of the ledger could take the half itself.
    return HALF_PAIR.sub(lambda half: f"\\\\u{ord(half[0]):x}", text)
