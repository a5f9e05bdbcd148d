"""Taking back what a ledger row did, field by field, where nothing newer is in its place.

An undo is a write like any other, so that an undo of it does the same again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import structs

from onelead.domain.account import AccountSettings
from onelead.domain.acts.changes import changes_from, standing_again, taken_back
from onelead.domain.acts.facts import (
    LedgerFact,
    undo_of,
)
from onelead.domain.acts.merge import join, merge_changes
from onelead.domain.acts.state import LeadState
from onelead.domain.errors import (
    Erased,
    InputInvalid,
    OneleadError,
    Problem,
    ResourceNotFound,
    UndoLosesChanges,
    UndoNotPossible,
)
from onelead.domain.lead import Changes, Lead, OtherValue, changes_between
from onelead.domain.matching import MatchKey, claim_key, value_keys
from onelead.domain.writes import (
    DELIVERED,
    LEAD,
    Action,
    Kept,
    KeptReason,
    LeadWrite,
    Outcome,
    RowDetails,
    WriteResult,
)


def undone(state: LeadState, write: LeadWrite, seq: int) -> WriteResult:
    """Take back a ledger row; `seq` is the number of the undo's own. Raises OneleadError."""
    fact = fact_of(state, write)
    if fact.resource != LEAD:
        raise _invalid("is a change of the settings; undo it there")
    if undo_of(state.facts.acts, fact.seq) is not None:
        return WriteResult(Outcome.UNCHANGED, _lead_of(state, fact))
    plan = _PLANS.get(fact.outcome)
    if plan is None and fact.about_seq is not None and fact.action in DELIVERED:
        # A refused delivery that was applied and changed nothing: it waits again.
        return WriteResult(Outcome.DECIDED)
    if plan is None:
        return WriteResult(Outcome.UNCHANGED, _lead_of(state, fact))
    return plan(state, fact, write, seq)


def fact_of(state: LeadState, write: LeadWrite) -> LedgerFact:
    """Return the ledger row that a write is about. Raises ResourceNotFound, Erased."""
    fact = state.facts.rows.get(write.about_seq or 0)
    if fact is None:
        raise ResourceNotFound
    if fact.details.erased is not None:
        raise Erased
    return fact


def _lead_of(state: LeadState, fact: LedgerFact) -> Lead | None:
    return None if fact.resource_id is None else state.lead(fact.resource_id)


def _standing(state: LeadState, lead_id: int | None) -> Lead:
    """Return a lead that has to exist. Raises UndoNotPossible, which says why it does not."""
    assert lead_id is not None
    lead = state.lead(lead_id)
    if lead is not None:
        return lead
    gone = state.merged(lead_id)
    if gone is None:
        text = f"Lead {lead_id} was deleted; undo that first"
    else:
        text = f"Lead {lead_id} was merged into lead {gone.into_id}; undo row {gone.seq} first"
    raise UndoNotPossible(text)


def _nothing(_state: LeadState, _fact: LedgerFact, _write: LeadWrite, _seq: int) -> WriteResult:
    raise _invalid("was refused: there is nothing to undo")


def _without(state: LeadState, fact: LedgerFact, write: LeadWrite, _seq: int) -> WriteResult:
    """Take back a creation: the lead goes."""
    lead = _standing(state, fact.resource_id)
    _require_unchanged(lead, fact.version, _changes_of(fact), force=write.force)
    state.put(lead.id, None)
    changes = changes_between(lead, None)
    return WriteResult(Outcome.DELETED, lead, changes, details=RowDetails(deleted=lead))


def _require_unchanged(lead: Lead, version: int | None, then: Changes, *, force: bool) -> None:
    """Refuse to lose what was changed since the lead came; `then` is what it had, as changes."""
    if force or _new_values(changes_between(None, lead)) == _new_values(then):
        return
    times = lead.version - (version or 0)
    count = "once" if times == 1 else f"{times} times"
    text = f"Lead {lead.id} was changed {count} since, which would be lost; undo it with force"
    raise UndoLosesChanges(text)


def _new_values(changes: Changes) -> dict[str, Any]:
    return {name: new for name, (_old, new) in changes.items()}


def _reverted(state: LeadState, fact: LedgerFact, _write: LeadWrite, _seq: int) -> WriteResult:
    lead = _standing(state, fact.resource_id)
    after, kept = _taken_back(state, lead, fact)
    return _result(state, lead, after, kept, Outcome.UPDATED)


def _taken_back(state: LeadState, lead: Lead, fact: LedgerFact) -> tuple[Lead, dict[str, Kept]]:
    later = [one for one in state.facts.later.get(lead.id, ()) if one.seq > fact.seq]
    after, kept = taken_back(lead, _changes_of(fact), later, state.settings)
    after, more = without_taken_claims(state, after, {*lead.other_values})
    return after, kept | more


def _changes_of(fact: LedgerFact) -> Changes:
    return changes_from(fact.changes) if fact.changes else {}


def _result(
    state: LeadState, before: Lead, after: Lead, kept: dict[str, Kept], outcome: Outcome
) -> WriteResult:
    """Store what an undo left of a lead, which is nothing new if nothing could go back."""
    details = RowDetails(kept=kept) if kept else None
    changes = changes_between(before, after)
    if not changes:
        return WriteResult(Outcome.UNCHANGED, before, details=details)
    after = state.changed(before, after)
    state.put(after.id, after)
    return WriteResult(outcome, after, changes, details=details)


def _restored(state: LeadState, fact: LedgerFact, _write: LeadWrite, _seq: int) -> WriteResult:
    """Take back a deletion: the lead stands again under its id."""
    assert fact.resource_id is not None
    if (lead := state.lead(fact.resource_id)) is not None:
        return WriteResult(Outcome.UNCHANGED, lead)
    deleted = fact.details.deleted
    if deleted is None:
        raise UndoNotPossible("The deletion was written by an earlier version; nothing is kept")
    lead, kept = _stand_again(state, deleted)
    details = RowDetails(kept=kept, restored=(lead,))
    return WriteResult(Outcome.RESTORED, lead, changes_between(None, lead), details=details)


def _stand_again(state: LeadState, gone: Lead) -> tuple[Lead, dict[str, Kept]]:
    lead, kept = standing_again(gone, state.settings)
    lead, more = without_taken_claims(state, lead)
    lead = state.changed(gone, lead)
    state.put(lead.id, lead)
    return lead, kept | more


def without_taken_claims(
    state: LeadState, lead: Lead, but: set[int] | None = None
) -> tuple[Lead, dict[str, Kept]]:
    """Return the lead without the claims that other leads have by now, and which these were.

    `but` are the ids of other values that need no look.
    """
    kept: dict[str, Kept] = {}
    values = dict(lead.other_values)
    for value_id, value in lead.other_values.items():
        if value.claims and value_id not in (but or ()) and _is_claimed(state, lead.id, value):
            values[value_id] = structs.replace(value, claims=False)
            kept[f"other_values.{value_id}"] = Kept(KeptReason.CLAIMED, value.value)
    return structs.replace(lead, other_values=values) if kept else lead, kept


def claims_coming_back(fact: LedgerFact, settings: AccountSettings) -> set[MatchKey]:
    """Return the keys of the claims that an undo of a ledger row could give a lead again."""
    details = fact.details
    values = [
        value
        for lead in (details.deleted, *details.merged, *details.restored)
        if lead is not None
        for value in lead.other_values.values()
    ]
    values += [old for old, _new in _changes_of(fact).values() if isinstance(old, OtherValue)]
    return {
        claim_key(key) for value in values if value.claims for key in value_keys(value, settings)
    }


def _is_claimed(state: LeadState, lead_id: int, value: OtherValue) -> bool:
    keys = value_keys(value, state.settings)
    return any({*state.matching(claim_key(key))} - {lead_id} for key in keys)


def _unmerged(state: LeadState, fact: LedgerFact, _write: LeadWrite, _seq: int) -> WriteResult:
    """Take back a merge: the losers stand again as they were."""
    survivor = _standing(state, fact.resource_id)
    inside = [one for one in fact.details.merged if _is_inside(state, one.id, survivor.id)]
    after, kept = _taken_back(state, survivor, fact)
    after = state.changed(survivor, after)
    state.put(after.id, after)
    restored = []
    for loser in inside:
        _free(state, loser.id, survivor.id)
        lead, more = _stand_again(state, loser)
        restored.append(lead)
        kept |= {f"{lead.id}.{name}": one for name, one in more.items()}
    return WriteResult(
        *(Outcome.RESTORED, after, merge_changes(survivor, after)),
        details=RowDetails(kept=kept, restored=tuple(restored)),
    )


def _is_inside(state: LeadState, lead_id: int, survivor_id: int) -> bool:
    one = state.merged(lead_id)
    return one is not None and one.into_id == survivor_id


def _free(state: LeadState, lead_id: int, survivor_id: int) -> None:
    """Let a merged lead, and those that were merged into it before, leave the survivor."""
    inside = state.merged_into(survivor_id)
    state.remove_merged(lead_id)
    freed = {lead_id}
    while found := [one for one in inside if one.into_id in freed and one.id not in freed]:
        for one in found:
            state.put_merged(one._replace(lead_id=lead_id))
            freed.add(one.id)


def _removed_again(state: LeadState, fact: LedgerFact, write: LeadWrite, seq: int) -> WriteResult:
    """Take back an undo that let leads stand again."""
    restored = fact.details.restored
    if [lead.id for lead in restored] == [fact.resource_id]:
        return _without(state, fact, write, seq)
    survivor = _standing(state, fact.resource_id)
    losers = [_standing(state, lead.id) for lead in restored]
    for loser, was in zip(losers, restored, strict=True):
        _require_unchanged(loser, was.version, changes_between(None, was), force=write.force)
    after, kept = _taken_back(state, survivor, fact)
    result = join(state, survivor, losers, after, seq)
    assert result.details is not None
    return structs.replace(result, details=structs.replace(result.details, kept=kept))


def _decided_otherwise(
    state: LeadState, fact: LedgerFact, _write: LeadWrite, seq: int
) -> WriteResult:
    """Take back a decision about a delivery or a pair; the act itself is all there is."""
    if fact.action == Action.ERASE:
        raise Erased("What was erased does not come back")
    if (pair := fact.details.pair) is None:
        return WriteResult(Outcome.DECIDED)
    # An undo of an undo remembers the pair again.
    is_pair = state.is_pair(pair)
    state.put_pair(pair, None if is_pair else seq)
    return WriteResult(Outcome.DECIDED, details=RowDetails(pair=pair))


def _invalid(text: str) -> OneleadError:
    return InputInvalid(Problem("seq", text))


_PLANS: dict[str, Callable[[LeadState, LedgerFact, LeadWrite, int], WriteResult]] = {
    Outcome.REFUSED: _nothing,
    Outcome.CREATED: _without,
    Outcome.UPDATED: _reverted,
    Outcome.DELETED: _restored,
    Outcome.MERGED: _unmerged,
    Outcome.RESTORED: _removed_again,
    Outcome.DECIDED: _decided_otherwise,
}
