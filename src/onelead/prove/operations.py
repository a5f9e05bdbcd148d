"""What a history is made of: each write and each read as a client sent it, and its answer.

A delivery that is sent again is another operation, as the first attempt may or may not have
happened. A bulk call is one operation per item. Times are in seconds of one monotonic clock.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from math import inf
from typing import Any

import msgspec
from msgspec import Struct

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import IndexState
from onelead.domain.matching import Match
from onelead.domain.writes import DELIVERED, Action, Delivery, LeadWrite
from onelead.incoming.lead_json import lead_write

_NO_DELIVERY = Delivery(request_id="", user_id=None, api_key_id=None, payload="")


class LeadBody(Struct, frozen=True, gc=False):
    """The members of a body that say which leads it is about."""

    id: int | None = None
    name: str = ""
    #: The leads that a refusal names.
    ids: tuple[int, ...] = ()


read_lead_body = msgspec.json.Decoder(LeadBody).decode


class Claim(Struct, frozen=True, gc=False):
    """What an answer, or else the ledger, says about an operation."""

    outcome: str
    lead_id: int | None
    #: Items of bulk calls do not show it.
    version: int | None


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
    ignored: str | None = None
    shares: str | None = None
    kept: str | None = None
    #: The lead that stands for the one that was named.
    merged_into: str | None = None
    #: The ledger row that records the write; a change of the settings does not say.
    row: str | None = None
    #: The write was done before, under the same idempotency key.
    is_replayed: bool = False

    @property
    def claim(self) -> Claim:
        """What it says happened to the lead."""
        version = int(self.etag.strip('"')) if self.etag else None
        return Claim(self.outcome, read_lead_body(self.body).id, version)


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
    #: The ledger row that an act is about.
    about_seq: int | None = None
    #: Repeats with the same key are done once.
    key: str | None = None
    #: It is an act, or a delivery about leads with acts: only the ledger's order explains it.
    is_about_acts: bool = False

    @property
    def shown(self) -> LeadBody:
        """What the answer says about leads; nothing if there is no answer."""
        return read_lead_body(self.answer.body) if self.answer else LeadBody()


class ReadKind(StrEnum):
    """What a client reads."""

    LEAD = "read a lead"
    HISTORY = "read a history"
    SEARCH = "search by e-mail"
    LIST = "list"


class Read(Struct, frozen=True, gc=False):
    """One read as it was sent, and its answer."""

    kind: ReadKind
    #: The id of a lead, or the e-mail that is searched for.
    about: int | str | None
    client: int
    sent: float
    answered: float
    status: int
    body: bytes
    #: Headers of the answer: how many there are in all, the version, and the survivor of a merge.
    total: str | None = None
    etag: str | None = None
    merged_into: str | None = None


def is_act(action: Action, payload: str, about_seq: int | None) -> bool:
    """Return whether a write is an act; a ruling is an update, but of no property."""
    return action not in DELIVERED or about_seq is not None or payload.startswith('{"match"')


def read_lead_write(
    action: Action, lead_id: int | None, payload: str, *, delivery: Delivery = _NO_DELIVERY
) -> LeadWrite:
    """Read a write from the JSON that was delivered."""
    body = msgspec.json.decode(payload) if payload else None
    return lead_write(action, lead_id, body, delivery)


def matched_definition(match: Match | None) -> int | None:
    """Return the id of the definition that a match names."""
    value: Any = match.field_value if match else None
    return value.get("custom_field_definition_id") if isinstance(value, dict) else None


def named_definitions(write: LeadWrite) -> set[int]:
    """Return the ids of the definitions that a write matches by or gives a value."""
    matched = matched_definition(write.match)
    entries = (write.patch.custom_fields if write.patch else None) or ()
    given = (entry.custom_field_definition_id for entry in entries)
    return {definition_id for definition_id in (matched, *given) if definition_id is not None}


def with_index_state(
    settings: AccountSettings, definition_id: int, state: IndexState
) -> AccountSettings:
    """Return the settings as they are while the index of a definition is in this state."""
    is_on = state is not IndexState.NONE
    fields = (
        msgspec.structs.replace(field, is_filterable=is_on, index_state=state)
        if field.id == definition_id
        else field
        for field in settings.fields
    )
    return replace(settings, fields=tuple(fields))
