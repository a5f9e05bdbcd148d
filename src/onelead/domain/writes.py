"""The vocabulary of lead writes: what is asked for, the checked write, and its result."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from onelead.domain.errors import OneleadError, Problem
from onelead.domain.lead import Changes, Lead
from onelead.domain.matching import CheckedMatch, Match
from onelead.domain.properties import CheckedPatch, LeadPatch

#: The resource of a lead write's ledger rows; `Resource` has those of settings changes.
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
    #: The request's JSON as it was delivered; for a bulk call, the part for this lead.
    payload: str


class LeadWrite(Struct, frozen=True, gc=False):
    """One write of a lead, as requested."""

    action: Action
    delivery: Delivery
    #: The lead to update or delete.
    lead_id: int | None = None
    patch: LeadPatch | None = None
    match: Match | None = None
    #: Problems that the front end already found; a write with any is only recorded.
    problems: tuple[Problem, ...] = ()
    #: An update or delete is refused when the lead has another version; None accepts any.
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
    #: The normalised value that the match looked for.
    value: str
    #: The number of matches, at most MATCH_IDS_MAX + 1.
    matches: int
    #: Ascending; empty for more than MATCH_IDS_MAX matches.
    ids: tuple[int, ...]
    definition_id: int | None = None


class WriteResult(Struct, frozen=True, gc=False):
    """What one write did, or why it was refused."""

    outcome: Outcome
    #: The lead after the write; for a delete, the lead before it.
    lead: Lead | None = None
    changes: Changes = {}
    match: MatchResult | None = None
    refusal: OneleadError | None = None
