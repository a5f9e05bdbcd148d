"""What clients sent and what they were answered, kept outside of everything that can die."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from msgspec import Struct, structs

from onelead.domain.settings.change import SettingsResult, SettingsWrite
from onelead.domain.writes import LeadWrite
from onelead.process.writer import Receipt

W = TypeVar("W", LeadWrite, SettingsWrite)


class Attempt(Struct):
    """One request."""

    request_id: str
    write: LeadWrite | SettingsWrite
    #: None for one without an answer, or with an error.
    answer: Receipt | SettingsResult | None = None
    #: Whether the answer said that nothing was written.
    is_surely_unwritten: bool = False

    @property
    def key(self) -> str | None:
        """The idempotency key, as the engine stores it."""
        idempotency = self.write.delivery.idempotency
        return idempotency.key_hash if idempotency else None


class History:
    """All attempts, by request id."""

    def __init__(self) -> None:
        self.attempts: dict[str, Attempt] = {}

    def begin(self, write: W) -> tuple[Attempt, W]:
        """Note a request before it is sent, with an id of its own."""
        request_id = f"request {len(self.attempts):05}"
        sent = named(write, request_id)
        attempt = self.attempts[request_id] = Attempt(request_id, sent)
        return attempt, sent


def named(write: W, request_id: str) -> W:
    """Return the write with a request id, and with itself as its payload."""
    delivery = structs.replace(write.delivery, request_id=request_id, payload="")
    payload = msgspec.json.encode(structs.replace(write, delivery=delivery)).decode()
    return structs.replace(write, delivery=structs.replace(delivery, payload=payload))
