"""The smallest piece of a history that no serial order explains.

A part without an order is cut at its quiet moments, then at the answer that made it impossible.
Then every operation is dropped that the contradiction does not need. What remains says: "whatever
the others did, these cannot all be true".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import msgspec

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import IndexState
from onelead.domain.lead import Lead
from onelead.prove.explain.order_search import STATES_MAX, Found, Search
from onelead.prove.explain.pairs import contradicting_pairs
from onelead.prove.explain.parts import Step, segments, split, steps_of
from onelead.prove.explain.serial_model import SerialModel, State
from onelead.prove.operations import Claim, Operation

#: A search that takes longer is given up, and says so.
SECONDS_MAX = 120.0
_SHOWN_MAX = 3
#: States that are visited to decide whether an operation can be dropped.
_TRY_STATES_MAX = 3_000


@dataclass(frozen=True)
class Contradiction:
    """Operations that cannot all be true, whatever the others did."""

    operations: tuple[Operation, ...]
    #: The leads of these operations, as they were before.
    before: tuple[Lead, ...]
    #: The leads as they are stored, if it is these that cannot be explained.
    stored: tuple[Lead, ...] | None = None
    #: Whether the search was given up before it was certain.
    is_undecided: bool = False


def contradictions(
    operations: Sequence[Operation],
    settings: AccountSettings,
    *,
    claims: dict[int, Claim] | None = None,
    ends: dict[int, float] | None = None,
    stored: dict[int, Lead] | None = None,
    seconds: float = SECONDS_MAX,
) -> list[Contradiction]:
    """Return what no serial order of the operations explains, starting without leads.

    `claims` is what the ledger says about operations without an answer, `stored` the leads at the
    end. Only the first few contradictions are returned; no part is started after `seconds`.
    """
    model = SerialModel(settings)
    start = State({}, {}, _unready(settings))
    found: list[Contradiction] = []
    steps = steps_of(operations, claims, ends or {}, model)
    found += [
        Contradiction((one.operation, other.operation), ())
        for one, other in islice(contradicting_pairs(steps, model), _SHOWN_MAX)
    ]
    # The shortest first: their contradictions are the easiest to understand and to find.
    parts = sorted(split(steps), key=len)
    found += _unmade(parts, stored or {})
    deadline = time.monotonic() + seconds
    for part in parts if not found else ():
        if len(found) >= _SHOWN_MAX or time.monotonic() > deadline:
            break
        if contradiction := _Part(model, part, stored, deadline).contradiction(start):
            found.append(contradiction)
    return found[:_SHOWN_MAX]


def _unready(settings: AccountSettings) -> dict[int, IndexState]:
    return {
        field.id: field.index_state
        for field in settings.fields
        if field.on_leads and field.index_state is not IndexState.READY
    }


def _unmade(parts: Sequence[Sequence[Step]], stored: dict[int, Lead]) -> list[Contradiction]:
    """Return the stored leads that no operation made."""
    known = {lead_id for part in parts for step in part for lead_id in step.lead_ids}
    return [
        Contradiction((), (), (lead,)) for lead_id, lead in stored.items() if lead_id not in known
    ]


class _Part:
    """A part of the history, checked from its first segment to its last."""

    def __init__(
        self,
        model: SerialModel,
        part: Sequence[Step],
        stored: dict[int, Lead] | None,
        deadline: float,
    ) -> None:
        self._model = model
        self._segments = segments(part)
        self._stored = stored
        self._deadline = deadline
        self._lead_ids = {lead_id for step in part for lead_id in step.lead_ids}

    def contradiction(self, start: State) -> Contradiction | None:
        """Return the smallest piece without an order."""
        starts = [start]
        for segment in self._segments:
            found = self._search(segment, starts)
            if not found.is_complete:
                undecided = self._contradiction(segment, starts, frozenset())
                return replace(undecided, is_undecided=True)
            if not found.ends:
                return self._smallest(segment, starts)
            before, starts = starts, list(found.ends.values())
        if self._stored is None or any(map(self._is_stored, starts)):
            return None
        return self._at_the_end(self._segments[-1], before)

    def _search(
        self,
        steps: Sequence[Step],
        starts: list[State],
        optional: frozenset[int] = frozenset(),
        *,
        states_max: int = STATES_MAX,
    ) -> Found:
        search = Search(
            steps, self._model, optional=optional, states_max=states_max, deadline=self._deadline
        )
        return search.run(starts)

    def _is_stored(self, state: State) -> bool:
        assert self._stored is not None
        stored = {one: self._stored[one] for one in self._lead_ids if one in self._stored}
        return {one: undated(lead) for one, lead in stored.items()} == state.leads

    def _smallest(self, segment: Sequence[Step], starts: list[State]) -> Contradiction:
        steps, optional = self._first_impossible(segment, starts)
        for group in split(steps):
            # The other groups have nothing to do with it.
            if not self._is_possible(group, optional, starts):
                steps = group
                break

        def is_impossible(optional: frozenset[int]) -> bool:
            return not self._is_possible(steps, optional, starts, states_max=_TRY_STATES_MAX)

        optional = self._dropped(steps, optional, is_impossible)
        return self._contradiction(steps, starts, optional)

    def _first_impossible(
        self, segment: Sequence[Step], starts: list[State]
    ) -> tuple[Sequence[Step], frozenset[int]]:
        """Return the shortest beginning without an order; it ends with an answer."""
        ends = sorted({step.end for step in segment if step.operation.answer is not None})
        low, high = 0, len(ends) - 1
        while low < high:
            middle = (low + high) // 2
            if self._is_possible(*_until(segment, ends[middle]), starts):
                low = middle + 1
            else:
                high = middle
        return _until(segment, ends[low]) if ends else (segment, frozenset())

    def _is_possible(
        self,
        steps: Sequence[Step],
        optional: frozenset[int],
        starts: list[State],
        *,
        states_max: int = STATES_MAX,
    ) -> bool:
        """Say whether an order exists; also true if the search was given up."""
        found = self._search(steps, starts, optional, states_max=states_max)
        return bool(found.ends) or not found.is_complete

    def _at_the_end(self, segment: Sequence[Step], starts: list[State]) -> Contradiction:
        def is_impossible(optional: frozenset[int]) -> bool:
            found = self._search(segment, starts, optional, states_max=_TRY_STATES_MAX)
            return found.is_complete and not any(map(self._is_stored, found.ends.values()))

        optional = self._dropped(segment, frozenset(), is_impossible)
        assert self._stored is not None
        stored = tuple(self._stored[one] for one in sorted(self._lead_ids) if one in self._stored)
        return replace(self._contradiction(segment, starts, optional), stored=stored)

    @staticmethod
    def _dropped(
        steps: Sequence[Step],
        optional: frozenset[int],
        is_impossible: Callable[[frozenset[int]], bool],
    ) -> frozenset[int]:
        """Return the operations that can be optional while it stays impossible.

        The oldest are dropped first, as what contradicts an answer is usually close to it.
        """
        waiting = [step.operation.number for step in steps]
        size = max(1, len(waiting) // 2)
        while True:
            for at in range(0, len(waiting), size):
                tried = optional | set(waiting[at : at + size])
                if tried != optional and is_impossible(tried):
                    optional = tried
            if size == 1:
                return optional
            size //= 2

    def _contradiction(
        self,
        steps: Sequence[Step],
        starts: list[State],
        optional: frozenset[int],
    ) -> Contradiction:
        kept = [step for step in steps if step.operation.number not in optional and step.is_needed]
        ids = {lead_id for step in kept for lead_id in step.lead_ids}
        ids |= {
            lead_id
            for step in kept
            for value in self._model.looked_for(step.write)
            for lead_id in starts[0].ids_by_key.get(value, ())
        }
        before = tuple(starts[0].leads[one] for one in sorted(ids) if one in starts[0].leads)
        operations = tuple(step.operation for step in kept)
        return Contradiction(operations, before)


def _until(segment: Sequence[Step], end: float) -> tuple[list[Step], frozenset[int]]:
    """Return what was sent before `end`; what ended later may or may not have happened."""
    steps = [step for step in segment if step.operation.sent < end]
    return steps, frozenset(step.operation.number for step in steps if step.end > end)


def undated(lead: Lead) -> Lead:
    """Return a lead as the model knows it, without dates."""
    return msgspec.structs.replace(lead, date_created=0, date_modified=0)
