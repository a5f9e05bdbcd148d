"""The vocabulary of lead writes: what is asked for, the checked write, and its result."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from onelead.domain.errors import OneleadError, Problem
from onelead.domain.lead import Changes, Lead
from onelead.domain.matching import CheckedMatch, Match, MatchKey
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
    #: The request's JSON as it was delivered; for a bulk call, the part for this lead. Of a body
    #: that could not be read, its beginning as a JSON text.
    payload: str
    #: The size of a body that could not be read; None for any other.
    unread_bytes: int | None = None


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
    #: Why the body could not be read; such a write is only recorded, too.
    unread: OneleadError | None = None
    #: An update or delete is refused when the lead has another version; None accepts any.
    expected_version: int | None = None


class CheckedWrite(Struct, frozen=True, gc=False):
    """A write checked against one version of the settings."""

    write: LeadWrite
    patch: CheckedPatch | None = None
    match: CheckedMatch | None = None
    refusal: OneleadError | None = None
    #: The keys that the lead may get of this write and that should be its alone.
    identifying: Sequence[MatchKey] = ()
    #: The keys whose leads the plan has to know.
    keys: Sequence[MatchKey] = ()


class MatchResult(Struct, frozen=True, gc=False):
    """What an upsert's match found."""

    field_name: str
    #: The normalised value that the match looked for.
    value: str
    #: The number of matches, at most MATCH_IDS_MAX + 1.
    matches: int
    #: Ascending; empty for more than MATCH_IDS_MAX matches.
    ids: tuple[int, ...]
    #: `properties` when nobody had the value of the match, so that the value that the properties
    #: give the matched field was looked for.
    by: str | None = None
    #: Searches of the ledger read the end of this as JSON.
    definition_id: int | None = None


class WriteResult(Struct, frozen=True, gc=False):
    """What one write did, or why it was refused."""

    outcome: Outcome
    #: The lead after the write; for a delete, the lead before it.
    lead: Lead | None = None
    changes: Changes = {}
    match: MatchResult | None = None
    refusal: OneleadError | None = None
    #: What the delivery brought and the lead did not take, named as among its changes.
    ignored: tuple[str, ...] = ()
    #: By field, named as among the changes: the other leads that have the value which this write
    #: gave its lead, ascending, at most MATCH_IDS_MAX + 1. Upserts by it are refused from now on.
    shares: dict[str, tuple[int, ...]] = {}
