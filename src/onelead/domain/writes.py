"""The words of a write: what is asked for, what it is after its check, and what it did."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from onelead.domain.errors import OneleadError, Problem
from onelead.domain.lead import Changes, Lead
from onelead.domain.matching import CheckedMatch, Match
from onelead.domain.properties import CheckedPatch, LeadPatch

#: What the ledger calls the resource of a lead write; `Resource` has those of settings changes.
LEAD = "lead"


class Action(StrEnum):
    """What a write asks for."""

    CREATE = "create"
    UPDATE = "update"
    UPSERT = "upsert"
    DELETE = "delete"


class Outcome(StrEnum):
    """What a write did."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    REFUSED = "refused"


class Delivery(Struct, frozen=True, gc=False):
    """Where a write came from, for its ledger row."""

    request_id: str
    user_id: int | None
    api_key_id: int | None
    #: The request's JSON as it was delivered; of a bulk call, the item's.
    payload: str


class LeadWrite(Struct, frozen=True, gc=False):
    """One write of a lead, as it was asked for."""

    action: Action
    delivery: Delivery
    #: The lead to update or delete.
    lead_id: int | None = None
    patch: LeadPatch | None = None
    match: Match | None = None
    #: What the front end found wrong already; such a write is only recorded.
    problems: tuple[Problem, ...] = ()
    #: An update or delete is refused when the lead has another version; None takes any.
    expected_version: int | None = None


class CheckedWrite(Struct, frozen=True, gc=False):
    """A write checked against one version of the settings."""

    write: LeadWrite
    patch: CheckedPatch | None = None
    match: CheckedMatch | None = None
    refusal: OneleadError | None = None


class MatchResult(Struct, frozen=True, gc=False):
    """What an upsert's match found."""

    field_name: str
    #: The normalised value that was looked for.
    value: str
    #: The number of matches; any number above the limit counts as the limit and one.
    matches: int
    #: Ascending; empty above the limit.
    ids: tuple[int, ...]
    definition_id: int | None = None


class WriteResult(Struct, frozen=True, gc=False):
    """The receipt of one write."""

    outcome: Outcome
    #: The lead after the write; before it, for a delete.
    lead: Lead | None = None
    changes: Changes = {}
    match: MatchResult | None = None
    refusal: OneleadError | None = None
