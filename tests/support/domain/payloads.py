"""Deliveries of a given size."""

from __future__ import annotations

import msgspec

from onelead.domain.writes import LeadWrite


def with_payload(write: LeadWrite, characters: int, character: str = "x") -> LeadWrite:
    """Return a write with a payload of that many characters."""
    delivery = msgspec.structs.replace(write.delivery, payload=character * characters)
    return msgspec.structs.replace(write, delivery=delivery)
