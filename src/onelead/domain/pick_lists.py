"""What a change makes of a pick list: the lead statuses and the customer sources."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from onelead.domain.account import CustomerSource, LeadStatus
from onelead.domain.errors import InputInvalid, Problem
from onelead.domain.limits import PICK_LIST_ENTRIES_MAX
from onelead.domain.settings_body import SettingsBody, is_integer
from onelead.domain.text import fold

Entry = TypeVar("Entry", bound=LeadStatus | CustomerSource)

_SOURCE_ATTRIBUTES = frozenset({"id", "name", "order"})
_STATUS_ATTRIBUTES = _SOURCE_ATTRIBUTES | {"is_default"}


def with_source(
    members: dict[str, Any], source: CustomerSource, sources: tuple[CustomerSource, ...]
) -> tuple[CustomerSource, ...]:
    """Return the list with a source, old or new, as the body leaves it. Raises InputInvalid."""
    body = SettingsBody(members, _SOURCE_ATTRIBUTES)
    after = _placed(body, source, sources)
    body.require_valid()
    return after


def with_status(
    members: dict[str, Any], status: LeadStatus, statuses: tuple[LeadStatus, ...]
) -> tuple[LeadStatus, ...]:
    """Return the list with a status, old or new, as the body leaves it. Raises InputInvalid."""
    body = SettingsBody(members, _STATUS_ATTRIBUTES)
    after = _placed(body, status, statuses)
    becomes_default = body.flag("is_default", current=status.is_default)
    if status.is_default and not becomes_default:
        body.refuse("is_default", "can't be false; make another status the default instead")
    body.require_valid()
    if not becomes_default:
        return after
    return tuple(msgspec.structs.replace(one, is_default=one.id == status.id) for one in after)


def without(
    entry: Entry, entries: tuple[Entry, ...], in_use: Callable[[], int]
) -> tuple[Entry, ...]:
    """Return the list without an entry that no lead uses. Raises InputInvalid."""
    what = "status" if isinstance(entry, LeadStatus) else "customer source"
    if isinstance(entry, LeadStatus) and entry.is_default:
        text = f"{entry.name} is the default; make another status the default first"
        raise InputInvalid(Problem("base", text))
    if leads := in_use():
        used_by, them = ("1 lead", "it") if leads == 1 else (f"{leads} leads", "them")
        text = f"{entry.name} is used by {used_by}; give {them} another {what} first"
        raise InputInvalid(Problem("base", text))
    return tuple(other for other in entries if other.id != entry.id)


def entry_attributes(entry_id: int, entries: tuple[Entry, ...]) -> dict[str, Any]:
    """Return what can change about an entry; nothing when the list does not have it."""
    for order, entry in enumerate(entries, start=1):
        if entry.id == entry_id:
            attributes: dict[str, Any] = {"name": entry.name, "order": order}
            if isinstance(entry, LeadStatus):
                attributes["is_default"] = entry.is_default
            return attributes
    return {}


def _placed(body: SettingsBody, entry: Entry, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """Return the list with the entry under its name and at its place."""
    others = [other for other in entries if other.id != entry.id]
    if len(others) >= PICK_LIST_ENTRIES_MAX:
        body.refuse("base", f"the list is full (maximum is {PICK_LIST_ENTRIES_MAX} entries)")
    name = body.name(entry.name)
    if any(fold(other.name) == fold(name) for other in others):
        body.refuse("name", "has already been taken", "taken")
    others.insert(_place(body, entry, entries), msgspec.structs.replace(entry, name=name))
    return tuple(others)


def _place(body: SettingsBody, entry: Entry, entries: tuple[Entry, ...]) -> int:
    """Return where the entry stands among the others, counted from 0; a new one at the end."""
    order = body.get("order")
    if order is not None and (not is_integer(order) or order < 1):
        body.refuse("order", "must be a whole number of at least 1")
    elif order is not None:
        return min(int(order), len(entries) + 1) - 1
    ids = [other.id for other in entries]
    return ids.index(entry.id) if entry.id in ids else len(ids)
