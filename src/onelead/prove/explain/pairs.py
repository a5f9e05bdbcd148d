"""Pairs of operations that contradict each other.

A broken engine usually does one of two things, and both can be seen without a search: two writes
made the same version of a lead, or two upserts both found no lead and created one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations

from onelead.domain.writes import Action, Outcome
from onelead.prove.explain.parts import CHANGING, Step
from onelead.prove.explain.serial_model import SerialModel, Value

Pair = tuple[Step, Step]
_MAKING = {Outcome.CREATED, Outcome.UPDATED}


def contradicting_pairs(steps: Sequence[Step], model: SerialModel) -> Iterator[Pair]:
    """Yield pairs that created the same person, then pairs that wrote the same version."""
    yield from _created_twice(steps, model)
    yield from _written_twice(steps)


def _created_twice(steps: Sequence[Step], model: SerialModel) -> Iterator[Pair]:
    """Yield pairs of upserts that both created a lead for the same value.

    Whichever was first, its lead had a value that both looked for, and no operation that was sent
    in time can have taken it away.
    """
    creators: dict[Value, list[Step]] = defaultdict(list)
    changers: dict[int, list[Step]] = defaultdict(list)
    unknown = [step for step in steps if not step.is_needed]
    for step in steps:
        if keys := _created_for(step, model):
            for key in keys:
                creators[key].append(step)
        elif step.write.outcome in CHANGING:
            for lead_id in step.lead_ids:
                changers[lead_id].append(step)
    for found in creators.values():
        for pair in combinations(found, 2):
            end = max(step.end for step in pair)
            others = [*unknown, *(one for step in pair for one in _changers(step, changers))]
            if all(other.operation.sent >= end for other in others):
                yield pair


def _changers(step: Step, changers: dict[int, list[Step]]) -> list[Step]:
    return [other for lead_id in step.lead_ids for other in changers[lead_id]]


def _created_for(step: Step, model: SerialModel) -> set[Value]:
    """Return the values that an upsert looked for and gave the lead that it created."""
    answer, action = step.operation.answer, step.operation.action
    if answer is None or answer.outcome != Outcome.CREATED or action is not Action.UPSERT:
        return set()
    return model.looked_for(step.write) & model.values_given(step.write)


def _written_twice(steps: Sequence[Step]) -> Iterator[Pair]:
    made: dict[tuple[int, int], Step] = {}
    for step in steps:
        claim = step.write.claim
        if claim is None or claim.outcome not in _MAKING or claim.version is None:
            continue
        for lead_id in step.lead_ids:
            first = made.setdefault((lead_id, claim.version), step)
            if first is not step and None not in (first.operation.answer, step.operation.answer):
                yield first, step
