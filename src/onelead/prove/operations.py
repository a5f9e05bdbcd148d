"""What a history is made of: each write as a client sent it, and its answer.

A delivery that is sent again is another operation, as the first attempt may or may not have
happened. A bulk call is one operation per item. Times are in seconds of one monotonic clock.
"""

from __future__ import annotations

from math import inf
from typing import Any

import msgspec
from msgspec import Struct

from onelead.domain.settings_change import Resource, SettingsWrite
from onelead.domain.writes import Action, Delivery, LeadWrite
from onelead.incoming.lead_json import lead_patch, upsert_write

LEAD = "lead"
_NO_DELIVERY = Delivery(request_id="", user_id=None, api_key_id=None, payload="")


class Answer(Struct, frozen=True, gc=False):
    """The answer to one operation."""

    status: int
    request_id: str
    #: The headers of the receipt; an item of a bulk call has only the outcome.
    outcome: str
    changed: str | None
    match: str | None
    etag: str | None
    #: JSON; for a bulk call, that of the item.
    body: bytes


class Claim(Struct, frozen=True, gc=False):
    """What the ledger says about an operation that got no answer."""

    outcome: str
    lead_id: int | None
    version: int | None


class Operation(Struct, frozen=True, gc=False):
    """One write as it was sent, and its answer; without one it may or may not have happened."""

    number: int
    client: int
    #: `lead` or a `Resource` of the settings.
    resource: str
    action: Action
    resource_id: int | None
    #: The JSON that was sent, as the ledger keeps it.
    payload: str
    sent: float
    answered: float = inf
    answer: Answer | None = None
    #: The position in a bulk call, from 0.
    item: int | None = None


def lead_write(operation: Operation) -> LeadWrite:
    """Read the write that an operation asked for."""
    return read_lead_write(
        operation.action, operation.resource_id, operation.payload, delivery=_NO_DELIVERY
    )


def read_lead_write(
    action: Action, lead_id: int | None, payload: str, *, delivery: Delivery
) -> LeadWrite:
    """Read a write from the JSON that was delivered."""
    if action is Action.DELETE:
        return LeadWrite(action, delivery, lead_id)
    body = msgspec.json.decode(payload)
    if action is not Action.UPSERT:
        patch, problems = lead_patch(body, "base")
        return LeadWrite(action, delivery, lead_id, patch, problems=problems)
    return upsert_write(body, delivery)


def read_settings_write(
    resource: str, action: Action, resource_id: int | None, payload: str, *, delivery: Delivery
) -> SettingsWrite:
    """Read a change of the settings from the JSON that was delivered."""
    body: dict[str, Any] = msgspec.json.decode(payload) if payload else {}
    return SettingsWrite(Resource(resource), action, delivery, resource_id, body)
