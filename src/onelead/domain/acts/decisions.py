"""What people decide about a delivery, or about two leads, besides changing a lead."""

from __future__ import annotations

from onelead.domain.acts.facts import (
    APPLIED,
    DISMISSED,
    OPEN,
    LedgerFact,
    delivery_state,
    unless_replaced,
)
from onelead.domain.acts.state import LeadState
from onelead.domain.acts.undo import fact_of
from onelead.domain.errors import InputInvalid, Problem, ResourceNotFound
from onelead.domain.writes import (
    DELIVERED,
    LEAD,
    Action,
    LeadWrite,
    Outcome,
    RowDetails,
    WriteResult,
)


def settle_delivery(state: LeadState, write: LeadWrite, _seq: int) -> WriteResult:
    """Dismiss a refused delivery, or reopen one. Raises OneleadError."""
    fact = _refused_fact(state, write)
    current = delivery_state(state.facts.acts, fact.seq).state
    wanted = DISMISSED if write.action is Action.DISMISS else OPEN
    if current in (wanted, APPLIED):
        return WriteResult(Outcome.UNCHANGED)
    return WriteResult(Outcome.DECIDED)


def _refused_fact(state: LeadState, write: LeadWrite) -> LedgerFact:
    fact = fact_of(state, write)
    if fact.resource != LEAD or fact.outcome != Outcome.REFUSED:
        text = "was not refused: there is nothing to decide"
        raise InputInvalid(Problem("seq", text))
    return fact


def applied_before(state: LeadState, write: LeadWrite) -> WriteResult | None:
    """Return the answer to a refused delivery that was applied before; None if it is still to do.

    It gets no ledger row: two people who apply it at once do it once. Nor does it overwrite what a
    later delivery with its idempotency key wrote, which replaces it. A delivery that was accepted
    can be applied to a lead that it did not reach, such as one that stands again after a merge.
    Raises OneleadError.
    """
    fact = fact_of(state, write)
    was_accepted = fact.resource == LEAD and fact.outcome != Outcome.REFUSED
    if was_accepted and fact.action in DELIVERED and write.lead_id is not None:
        return None
    fact = _refused_fact(state, write)
    current = delivery_state(state.facts.acts, fact.seq)
    current = unless_replaced(current, _replaced_seq(state, fact))
    if current.state != APPLIED:
        return None
    return WriteResult(Outcome.UNCHANGED, replayed_seq=current.seq)


def _replaced_seq(state: LeadState, fact: LedgerFact) -> int | None:
    """Return the ledger number of the accepted delivery with the key of a refused one."""
    accepted = state.facts.keyed.get(fact.details.key_hash or "")
    return accepted.seq if accepted is not None and accepted.seq > fact.seq else None


def separated(state: LeadState, write: LeadWrite, seq: int) -> WriteResult:
    """Remember that two leads are two persons. Raises ResourceNotFound, InputInvalid."""
    assert write.pair is not None
    first, second = sorted(write.pair)
    if first == second:
        raise InputInvalid(Problem("lead_ids", "must be two leads"))
    for lead_id in (first, second):
        if state.lead(lead_id) is None and state.merged(lead_id) is None:
            raise ResourceNotFound
    if state.is_pair((first, second)):
        return WriteResult(Outcome.UNCHANGED)
    state.put_pair((first, second), seq)
    return WriteResult(Outcome.DECIDED, details=RowDetails(pair=(first, second)))
