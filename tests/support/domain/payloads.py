"""Deliveries of a size."""

from __future__ import annotations

import msgspec

from onelead.domain.writes import LeadWrite


def with_payload(write: LeadWrite, characters: int, character: str = "x") -> LeadWrite:
    """Return the write with a payload of that many characters."""
    delivery = msgspec.structs.replace(write.delivery, payload=character * characters)
    return msgspec.structs.replace(write, delivery=delivery)
