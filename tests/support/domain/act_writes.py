"""The acts of people as writes, and deliveries with what our own calls add to them."""

from __future__ import annotations

from typing import Any

from msgspec import structs
from tests.support.domain.lead_writes import recorded, rerecorded

from onelead.domain.matching import Match
from onelead.domain.writes import (
    Action,
    IdempotencyKey,
    LeadEdit,
    LeadWrite,
    Merge,
    ValueToAdd,
)


def merge(survivor_id: int, *lead_ids: int, **options: Any) -> LeadWrite:
    """Merge leads into the first."""
    return recorded(Action.MERGE, lead_id=survivor_id, merge=Merge(lead_ids, **options))


def undo(seq: int, *, force: bool = False) -> LeadWrite:
    """Take back a ledger row."""
    return recorded(Action.UNDO, about_seq=seq, force=force)


def dismiss(seq: int) -> LeadWrite:
    """Take a refused delivery out of the queue."""
    return recorded(Action.DISMISS, about_seq=seq)


def reopen(seq: int) -> LeadWrite:
    """Put one back."""
    return recorded(Action.REOPEN, about_seq=seq)


def separate(one: int, other: int) -> LeadWrite:
    """Say that two leads are two persons."""
    return recorded(Action.SEPARATE, pair=(one, other))


def rule(lead_id: int, field_name: str, value: Any, *, claims: bool = True) -> LeadWrite:
    """Say that deliveries by a value mean a lead."""
    added = ValueToAdd(Match(field_name, value), claims)
    return edit(lead_id, add_values=(added,))


def edit(lead_id: int, **changes: Any) -> LeadWrite:
    """Change other values and pins."""
    return recorded(Action.UPDATE, lead_id=lead_id, edit=LeadEdit(**changes))


def replay(write: LeadWrite, seq: int, lead_id: int | None = None) -> LeadWrite:
    """Apply a refused delivery, as it came or to a lead."""
    return rerecorded(structs.replace(write, about_seq=seq, lead_id=lead_id or write.lead_id))


def keyed(write: LeadWrite, key: str, body: str = "body") -> LeadWrite:
    """Give a write an idempotency key."""
    key_of = IdempotencyKey(key, body)
    delivery = structs.replace(write.delivery, idempotency=key_of)
    return rerecorded(structs.replace(write, delivery=delivery))
