"""The search for a serial order of a part of a history (after Wing and Gong, and Lowe).

A step can be next if no step that precedes it in time is left. Every reachable state is visited
once. Two rules keep the number of states small without losing an order: a step that changes nothing
is taken immediately, and of the steps that can be next only those that depend on each other are
tried, since the others can just as well come later.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import inf

from onelead.prove.explain.parts import Step
from onelead.prove.explain.serial_model import SerialModel, State

#: The number of visited states after which a search is given up as undecided.
STATES_MAX = 50_000


@dataclass
class Found:
    """What a search found."""

    #: The states in which all needed steps are taken, by their keys.
    ends: dict[bytes, State] = field(default_factory=dict)
    #: Whether every reachable state was visited.
    is_complete: bool = True


class Search:
    """Finds every state that a serial order of the steps leads to."""

    def __init__(
        self,
        steps: Sequence[Step],
        model: SerialModel,
        *,
        optional: frozenset[int] = frozenset(),
        states_max: int = STATES_MAX,
        deadline: float = inf,
    ) -> None:
        """`steps` are in order of sending; `optional` names operations that need not have happened.

        The search is given up after `states_max` states, or at `deadline` on the monotonic clock.
        """
        self._steps = steps
        self._model = model
        self._states_max = states_max
        self._deadline = deadline
        self._sent = [step.operation.sent for step in steps]
        needed = [step.is_needed and step.operation.number not in optional for step in steps]
        self._needed = sum(1 << n for n, is_needed in enumerate(needed) if is_needed)
        self._end = [
            step.end if is_needed else inf for step, is_needed in zip(steps, needed, strict=True)
        ]
        self._depends = _dependences(steps)
        self._before = _items_before(steps)

    def run(self, starts: Iterable[State]) -> Found:
        """Search from each of the states."""
        found = Found()
        waiting = [(0, state) for state in starts]
        visited: set[tuple[int, bytes]] = set()
        while waiting:
            done, state = waiting.pop()
            if (at := (done, state.key)) in visited:
                continue
            if len(visited) >= self._states_max or time.monotonic() > self._deadline:
                found.is_complete = False
                return found
            visited.add(at)
            if not self._needed & ~done:
                found.ends[state.key] = state
            waiting += self._next(done, state)
        return found

    def _next(self, done: int, state: State) -> list[tuple[int, State]]:
        in_time = self._in_time(done)
        possible = [number for number in in_time if not self._before[number] & ~done]
        for number in possible:
            step = self._steps[number]
            # A step with an unknown outcome may still change something later.
            if step.is_needed and self._model.after(step.write, state) is state:
                return [(done | 1 << number, state)]
        following = []
        for number in self._worth_trying(done, in_time, possible):
            after = self._model.after(self._steps[number].write, state)
            if after is not None:
                following.append((done | 1 << number, after))
        return following

    def _in_time(self, done: int) -> list[int]:
        """Return the steps that can be next in time: no other step ended before they began."""
        found, first_end = [], inf
        for number in self._left(done):
            if self._sent[number] > first_end:
                break
            first_end = min(first_end, self._end[number])
            found.append(number)
        return [number for number in found if self._sent[number] <= first_end]

    def _left(self, done: int) -> Iterable[int]:
        first = (~done & (done + 1)).bit_length() - 1
        return (n for n in range(first, len(self._steps)) if not done >> n & 1)

    def _worth_trying(self, done: int, in_time: list[int], possible: list[int]) -> list[int]:
        """Return the possible steps that depend on the one that ends first, even indirectly.

        In any order, one of these can be moved to the beginning: what precedes it depends on none
        of them, and time allows each of them to be first.
        """
        needed = [number for number in in_time if self._needed >> number & 1]
        if not needed:
            # All needed steps are taken; the optional ones may still explain the end.
            return possible
        group = 1 << min(needed, key=self._end.__getitem__)
        allowed = sum(1 << number for number in in_time)
        before = 0
        while group != before:
            added, before = group & ~before, group
            while added:
                number = added.bit_length() - 1
                added ^= 1 << number
                group |= (self._depends[number] & allowed) | (self._before[number] & ~done)
        return [number for number in possible if group >> number & 1]


def _dependences(steps: Sequence[Step]) -> list[int]:
    """Return, for each step, the steps that share a token with it, as bits."""
    by_token: dict[object, int] = {}
    for number, step in enumerate(steps):
        for token in step.tokens:
            by_token[token] = by_token.get(token, 0) | 1 << number
    # It is unknown which leads these are about.
    unknown = sum(1 << number for number, step in enumerate(steps) if not step.is_needed)
    found = []
    for step in steps:
        bits = unknown
        for token in step.tokens:
            bits |= by_token[token]
        found.append((1 << len(steps)) - 1 if not step.is_needed else bits)
    return found


def _items_before(steps: Sequence[Step]) -> list[int]:
    """Return, for each item of a bulk call, the items before it, as bits."""
    calls: dict[tuple[int, float], int] = {}
    found = []
    for number, step in enumerate(steps):
        operation = step.operation
        call = (operation.client, operation.sent)
        is_item = operation.item is not None and operation.answer is not None
        found.append(calls.get(call, 0) if is_item else 0)
        if is_item:
            calls[call] = calls.get(call, 0) | 1 << number
    return found
