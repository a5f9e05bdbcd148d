"""The rules for changes to the pick lists: lead statuses and customer sources."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from onelead.domain.account import CustomerSource, LeadStatus
from onelead.domain.errors import InputInvalid, Problem
from onelead.domain.limits import PICK_LIST_ENTRIES_MAX
from onelead.domain.settings.body import Line, SettingsBody
from onelead.domain.text import fold

Entry = TypeVar("Entry", bound=LeadStatus | CustomerSource)

Order = Annotated[int, Meta(ge=1, description="The place in the list, counted from 1.")]


class CustomerSourceRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A customer source to create; without an `order` it comes last."""

    name: Line
    order: Order | None = None


class CustomerSourcePatch(Struct, frozen=True, forbid_unknown_fields=True):
    """Changes to a customer source."""

    name: Line | UnsetType = UNSET
    order: Order | None = None


class LeadStatusRequest(CustomerSourceRequest, frozen=True, forbid_unknown_fields=True):
    """A lead status to create; without an `order` it comes last."""

    is_default: bool | None = None


class LeadStatusPatch(CustomerSourcePatch, frozen=True, forbid_unknown_fields=True):
    """Changes to a lead status; a new default replaces the old one."""

    is_default: bool | None = None


def with_entry(
    members: dict[str, Any], entry: Entry, entries: tuple[Entry, ...]
) -> tuple[Entry, ...]:
    """Return the list with an entry, existing or new, as a body leaves it. Raises InputInvalid."""
    declared = LeadStatusRequest if isinstance(entry, LeadStatus) else CustomerSourceRequest
    body = SettingsBody(members, declared, "id")
    after = _placed(body, entry, entries)
    is_default = False
    if isinstance(entry, LeadStatus):
        is_default = body.flag("is_default", current=entry.is_default)
        if entry.is_default and not is_default:
            body.refuse("is_default", "can't be false; make another status the default instead")
    body.require_valid()
    if not is_default:
        return after
    return tuple(msgspec.structs.replace(one, is_default=one.id == entry.id) for one in after)


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
    """Return the attributes of an entry that can change; {} if the list does not have it."""
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
    """Return the place of the entry among the others, from 0; a new one comes last."""
    order = body.read("order", "must be a whole number of at least 1")
    if order is not None:
        return min(int(order), len(entries) + 1) - 1
    ids = [other.id for other in entries]
    return ids.index(entry.id) if entry.id in ids else len(ids)
