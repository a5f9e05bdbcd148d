"""What acts need to know besides leads and matches, read under the lane with the snapshot."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from msgspec import Struct

from onelead.domain.matching import MatchKey
from onelead.domain.writes import Action, Outcome, RowDetails, WriteResult


class MergedLead(NamedTuple):
    """A lead that was merged into another one."""

    id: int
    #: The lead that stands for it now.
    lead_id: int
    #: The lead that it was merged into, which may be merged itself by now.
    into_id: int
    #: The ledger row of its merge.
    seq: int


class LedgerFact(Struct, frozen=True, gc=False):
    """A ledger row that a write is about; of a settings change, only what tells it apart."""

    seq: int
    resource: str
    action: str
    outcome: str
    resource_id: int | None
    version: int | None
    #: JSON, as in the ledger.
    changes: str | None
    details: RowDetails
    about_seq: int | None = None


class ActFact(NamedTuple):
    """A ledger row that is about another one: an undo, a replay, a dismissal."""

    seq: int
    action: str
    outcome: str


class LaterChange(NamedTuple):
    """A later ledger row of a lead, and the fields that it changed."""

    seq: int
    fields: frozenset[str]


class KeyedWrite(Struct, frozen=True, gc=False):
    """An earlier write with an idempotency key, and what was answered."""

    seq: int
    body_hash: str
    result: WriteResult


#: Keys of which a lead has to have one of each; those of one entry are of one field.
Combination = tuple[tuple[MatchKey, ...], ...]


@dataclass
class Facts:
    """What the acts of a batch need to know; empty for a batch of usual writes."""

    #: By id: the merged leads that writes name, and all that lead to a lead which an act may move.
    merged: dict[int, MergedLead] = field(default_factory=dict)
    #: By ledger number: the rows that writes are about.
    rows: dict[int, LedgerFact] = field(default_factory=dict)
    #: By ledger number: the rows about it, ascending; those about these rows are here, too.
    acts: dict[int, list[ActFact]] = field(default_factory=dict)
    #: By lead id: what changed the leads of undone rows since, newest first.
    later: dict[int, list[LaterChange]] = field(default_factory=dict)
    #: By hash of the idempotency key.
    keyed: dict[str, KeyedWrite] = field(default_factory=dict)
    #: Ascending ids of the leads that have one key of each entry, as many as of a match key.
    combinations: dict[Combination, list[int]] = field(default_factory=dict)
    #: The pairs of leads, each in ascending order, that are known to be two persons.
    pairs: set[tuple[int, int]] = field(default_factory=set)


def is_in_effect(acts: dict[int, list[ActFact]], seq: int) -> bool:
    """Return whether what a ledger row did was not undone, or that undo was."""
    # Not by recursion: people can undo an undo any number of times.
    found = [seq]
    for one in found:
        found += [act.seq for act in acts.get(one, ()) if _is_undo(act)]
    in_effect: set[int] = set()
    # A row that is about another one is newer.
    for one in sorted(found, reverse=True):
        if not any(_is_undo(act) and act.seq in in_effect for act in acts.get(one, ())):
            in_effect.add(one)
    return seq in in_effect


def undo_of(acts: dict[int, list[ActFact]], seq: int) -> int | None:
    """Return the ledger number of the undo of a row that is in effect; None if there is none."""
    for act in acts.get(seq, ()):
        if _is_undo(act) and is_in_effect(acts, act.seq):
            return act.seq
    return None


def _is_undo(act: ActFact) -> bool:
    """Return whether a row took another one back."""
    took_place = act.outcome not in (Outcome.REFUSED, Outcome.UNCHANGED)
    return act.action == Action.UNDO and took_place


class DeliveryState(NamedTuple):
    """What became of a refused delivery, and the ledger row that says so."""

    state: str
    seq: int | None


OPEN, APPLIED, DISMISSED = "open", "applied", "dismissed"


def delivery_state(acts: dict[int, list[ActFact]], seq: int) -> DeliveryState:
    """Return what acts made of a refused delivery: open, applied or dismissed.

    One that was applied stays applied until that is undone, whatever is decided about it since.
    """
    state = DeliveryState(OPEN, None)
    for act in acts.get(seq, ()):
        if act.outcome == Outcome.REFUSED or not is_in_effect(acts, act.seq):
            continue
        if act.action in (Action.DISMISS, Action.REOPEN):
            if act.outcome == Outcome.DECIDED and state.state != APPLIED:
                decided = DISMISSED if act.action == Action.DISMISS else OPEN
                state = DeliveryState(decided, act.seq)
        elif act.action != Action.UNDO:
            state = DeliveryState(APPLIED, act.seq)
    return state


def unless_replaced(state: DeliveryState, replaced_seq: int | None) -> DeliveryState:
    """Return the state of a delivery that a later one with its idempotency key may replace."""
    is_replaced = replaced_seq is not None and state.state == OPEN
    return DeliveryState(APPLIED, replaced_seq) if is_replaced else state
