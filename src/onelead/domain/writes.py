"""The vocabulary of lead writes: what is asked for, the checked write, and its result.

Merging, undoing and dismissing are writes like any other: they go through the lane, and each has
its ledger row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Literal

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
    #: Make one lead of several.
    MERGE = "merge"
    #: Take back what a ledger row did.
    UNDO = "undo"
    #: Take a refused delivery out of the queue, and put it back.
    DISMISS = "dismiss"
    REOPEN = "reopen"
    #: Remember that two leads are two persons.
    SEPARATE = "separate"
    #: Remove a person's data from the ledger.
    ERASE = "erase"


class Outcome(StrEnum):
    """What a write did."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    REFUSED = "refused"
    #: Leads became one.
    MERGED = "merged"
    #: Leads stand again that were deleted or merged.
    RESTORED = "restored"
    #: Something was decided, and no lead changed.
    DECIDED = "decided"


#: The actions of deliveries; the others are acts of people on what is there.
DELIVERED = frozenset({Action.CREATE, Action.UPDATE, Action.UPSERT, Action.DELETE})


class IdempotencyKey(Struct, frozen=True, gc=False):
    """Under which a write is done once. Both are hashes, as hexadecimal text."""

    #: Of the key with the API key and the path that it is scoped to.
    key_hash: str
    #: Of the request's method and body.
    body_hash: str
    #: Of a bulk call: the key hashes that its items can have, whatever its body is.
    call_hashes: tuple[str, ...] = ()
    #: Whether a repeat is answered with the lead as it was; a row of a file only has to be known.
    is_answered: bool = True


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
    #: Shared by the writes that can be undone together; None for a write of its own.
    batch_id: str | None = None
    idempotency: IdempotencyKey | None = None
    #: When the values were observed, in Unix seconds; None for the time of arrival.
    observed_at: int | None = None
    #: Of an import: the line of the file.
    line: int | None = None


class Merge(Struct, frozen=True, gc=False):
    """Which leads a merge takes into another one, and whose values win."""

    lead_ids: tuple[int, ...]
    #: By field, as policies name it: the lead whose value wins, None for no value.
    choose: Mapping[str, int | None] = {}
    #: By lead id: the versions that were seen; a lead with another one is a conflict.
    versions: Mapping[int, int] = {}


class ValueToAdd(Struct, frozen=True, gc=False):
    """A value by which a lead is found from now on."""

    match: Match
    #: A ruling: it means this lead alone.
    claims: bool = False


class LeadEdit(Struct, frozen=True, gc=False):
    """What an update changes besides properties; only people and our own paths ask for it."""

    add_values: tuple[ValueToAdd, ...] = ()
    #: The ids of other values.
    remove_values: tuple[int, ...] = ()
    #: Fields, as policies name them.
    pin: tuple[str, ...] = ()
    unpin: tuple[str, ...] = ()


#: What an upsert does when several leads match.
OnAmbiguous = Literal["refuse", "oldest", "newest"]


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
    #: The ledger row that the write is about: what an undo takes back, the refused delivery that
    #: is dismissed, reopened or applied. An upsert with a lead id is applied to that lead.
    about_seq: int | None = None
    #: Of an undo: do it even where later changes are lost.
    force: bool = False
    merge: Merge | None = None
    edit: LeadEdit | None = None
    #: The two leads of a separation.
    pair: tuple[int, int] | None = None
    #: Instead of `match`: tried in order; a lead has to have all values of a step.
    match_steps: tuple[tuple[Match, ...], ...] = ()
    on_ambiguous: OnAmbiguous = "refuse"
    #: An upsert that may only create, or only update.
    only: Literal["create", "update"] | None = None
    #: Properties that are taken only where the lead has none, as policies name them.
    if_empty: tuple[str, ...] = ()
    #: When a lead that it creates was created elsewhere, in Unix seconds; only imports know.
    date_created: int | None = None


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
    #: The steps of a match that has several values; empty for a plain match.
    steps: Sequence[Sequence[CheckedMatch]] = ()
    #: The checked values of `edit.add_values`.
    added: Sequence[CheckedMatch] = ()


class CheckedWrites(Struct, frozen=True, gc=False):
    """Writes that were checked before they came to the writer."""

    writes: Sequence[CheckedWrite]
    #: Of the settings that they were checked against.
    settings_version: int


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


class Kept(Struct, frozen=True, gc=False, omit_defaults=True):
    """Why a field was not given the value that the write would have given it."""

    #: One of `KeptReason`.
    reason: str
    #: The value that was not taken.
    value: Any = None
    #: Of an undo: the ledger row that changed the field since.
    seq: int | None = None


class KeptReason(StrEnum):
    """Why a field stays as it is."""

    PINNED = "pinned"
    FILL = "fill"
    NEWEST = "newest"
    RANKED = "ranked"
    IF_EMPTY = "if_empty"
    #: The value is another value of the lead.
    OTHER_VALUE = "other_value"
    #: Of an undo: it was changed since.
    CHANGED = "changed"
    #: Of an undo: what it referred to no longer exists.
    GONE = "gone"
    #: Of an undo: another lead has the claim on the value now.
    CLAIMED = "claimed"


class RowDetails(Struct, frozen=True, omit_defaults=True):
    """What only some ledger rows have to say."""

    #: By field, named as among the changes.
    kept: dict[str, Kept] = {}
    #: The lead that the write deleted, as it was.
    deleted: Lead | None = None
    #: The leads that the write merged into its lead, as they were.
    merged: tuple[Lead, ...] = ()
    #: The leads that stand again, as they stand.
    restored: tuple[Lead, ...] = ()
    #: The id that the write named, which had been merged into its lead.
    via_id: int | None = None
    observed_at: int | None = None
    #: Of an import: the line of the file.
    line: int | None = None
    #: Of a write with an idempotency key: the lead as it was answered.
    answer: Lead | None = None
    #: Of a write with an idempotency key, refused ones included: the hash of the key.
    key_hash: str | None = None
    #: The step of a match with several that decided, counted from 1.
    step: int | None = None
    #: The leads that are two persons, in ascending order.
    pair: tuple[int, int] | None = None
    #: What was erased, by whom and when, in Unix seconds.
    erased: dict[str, int | None] | None = None
    #: Of an erased row: the leads that stand again by it, besides its own.
    restored_ids: tuple[int, ...] = ()


class WriteResult(Struct, frozen=True, gc=False):
    """What one write did, or why it was refused."""

    outcome: Outcome
    #: The lead after the write; for a delete, the lead before it.
    lead: Lead | None = None
    changes: Changes = {}
    match: MatchResult | None = None
    #: Without a traceback: its frames have the result, into which no garbage collector looks, so
    #: the two would keep each other forever.
    refusal: OneleadError | None = None
    #: What the delivery brought and the lead did not take, named as among its changes.
    ignored: tuple[str, ...] = ()
    #: By field, named as among the changes: the other leads that have the value which this write
    #: gave its lead, ascending, at most MATCH_IDS_MAX + 1. Upserts by it are refused from now on.
    shares: dict[str, tuple[int, ...]] = {}
    #: What only some writes have to say; None for a usual one.
    details: RowDetails | None = None
    #: The ledger row of an earlier write with the same idempotency key, which this repeats; nothing
    #: was written then.
    replayed_seq: int | None = None
