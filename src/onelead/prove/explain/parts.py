"""A history split into parts that can be checked separately.

Two operations belong together if they name the same lead, or if the answer to one depends on a
value that the other's lead has: an upsert looks for up to two values, and every write says who
shares the values that it gives its lead. Within a part, only operations on the same lead or value
depend on each other; the rest can be taken in any order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf

from onelead.domain.lead import custom_name
from onelead.domain.writes import LEAD, Action, Outcome
from onelead.prove.explain.serial_model import SerialModel, Value, Write, read_write
from onelead.prove.operations import Claim, Operation

#: What operations can share: a lead, a value that answers depend on, or the state of a definition.
Token = tuple[str, object]
CHANGING = {Outcome.CREATED, Outcome.UPDATED, Outcome.DELETED}


@dataclass(frozen=True)
class Step:
    """An operation in a part of the history."""

    write: Write
    tokens: frozenset[Token]
    #: The latest time at which it can have happened.
    end: float
    #: The leads that it or its answer names.
    lead_ids: frozenset[int]

    @property
    def operation(self) -> Operation:
        """The operation itself."""
        return self.write.operation

    @property
    def is_needed(self) -> bool:
        """Whether it must have happened, as its outcome is known."""
        return self.write.claim is not None


def steps_of(
    operations: Iterable[Operation],
    claims: dict[int, Claim] | None,
    ends: dict[int, float],
    model: SerialModel,
) -> list[Step]:
    """Read the operations that may have changed something, in order of sending.

    Without `claims` it is unknown which of the unanswered operations happened; with them, those
    that they name happened and the others did not.
    """
    writes = [
        read_write(operation, claims.get(operation.number) if claims else None)
        for operation in sorted(operations, key=lambda one: one.sent)
        if _counts(operation, claims)
    ]
    reader = _StepReader(writes, ends, model)
    return [reader.step(write) for write in writes]


def _counts(operation: Operation, claims: dict[int, Claim] | None) -> bool:
    """Leave out what was not answered and cannot have changed anything."""
    if operation.answer is not None or claims is None:
        return True
    claim = claims.get(operation.number)
    return claim is not None and claim.outcome in CHANGING


def _lead_ids(write: Write) -> frozenset[int]:
    operation = write.operation
    if operation.resource != LEAD:
        return frozenset()
    claimed = write.claim.lead_id if write.claim else None
    ids = {*operation.shown.ids, operation.resource_id, claimed}
    return frozenset(lead_id for lead_id in ids if lead_id is not None)


class _StepReader:
    """Finds what each of the writes shares with others."""

    def __init__(self, writes: Iterable[Write], ends: dict[int, float], model: SerialModel) -> None:
        self._ends = ends
        self._model = model
        #: The values that an answer can depend on.
        self._read = set().union(*map(model.read, writes))
        self._switched = {one.operation.resource_id for one in writes if one.lead_write is None}
        #: Of those values, the ones that each lead can have had: one of its writes brought them.
        self._values: dict[int, set[Value]] = defaultdict(set)
        for write in writes:
            named = model.values_of(write) & self._read
            for lead_id in _lead_ids(write) if named else ():
                self._values[lead_id] |= named

    def step(self, write: Write) -> Step:
        operation = write.operation
        lead_ids = _lead_ids(write)
        tokens: set[Token] = {*self._model.looked_for(write)}
        if not _is_ambiguous(operation):
            tokens |= {("lead", lead_id) for lead_id in lead_ids}
        definitions = {write.matched_definition}
        if write.outcome in {None, *CHANGING}:
            changed = _changed_fields(operation)
            # Whom the lead shares these values with is in the answer, too.
            brought = set().union(*(self._values.get(one, set()) for one in lead_ids))
            brought |= self._model.values_of(write) & self._read
            tokens |= {one for one in brought if changed is None or _field_of(one) in changed}
            definitions |= {
                one for one in write.definitions if changed is None or custom_name(one) in changed
            }
        if operation.resource != LEAD:
            tokens.add(("switch", operation.resource_id))
        tokens |= {("switch", one) for one in definitions if one in self._switched}
        end = operation.answered if operation.answer else self._ends.get(operation.number, inf)
        return Step(write, frozenset(tokens), end, lead_ids)


def _is_ambiguous(operation: Operation) -> bool:
    """Say whether an answer names leads only because several match; it says no more about them."""
    is_refused = operation.answer is not None and operation.answer.outcome == Outcome.REFUSED
    return is_refused and operation.action is Action.UPSERT


def _changed_fields(operation: Operation) -> frozenset[str] | None:
    """Return the fields that an answer lists as changed; None if it does not list them."""
    answer = operation.answer
    if answer is None or answer.changed is None or answer.changed.endswith("..."):
        return None
    return frozenset(answer.changed.split(", "))


def _field_of(value: Value) -> str:
    """Return the name of a match key's field as receipts write it."""
    name, _, rest = value[0].partition(":")
    return f"custom_fields.{rest.partition('.')[0]}" if rest else name


def split(steps: Sequence[Step]) -> list[list[Step]]:
    """Split the steps into parts that share only the switches; each part gets the ones it needs."""
    groups = _Groups()
    for number, step in enumerate(steps):
        for token in step.tokens:
            if token[0] != "switch":
                groups.join(number, token)
    parts: dict[object, list[Step]] = defaultdict(list)
    switches = [step for step in steps if step.operation.resource != LEAD]
    for number, step in enumerate(steps):
        if step.operation.resource == LEAD:
            parts[groups.root(number)].append(step)
    return [_with_switches(part, switches) for part in parts.values()]


def _with_switches(part: list[Step], switches: list[Step]) -> list[Step]:
    wanted = {token for step in part for token in step.tokens if token[0] == "switch"}
    added = [step for step in switches if step.tokens & wanted]
    return sorted(part + added, key=lambda step: step.operation.sent)


class _Groups:
    """Which steps and tokens belong together."""

    def __init__(self) -> None:
        self._parents: dict[object, object] = {}

    def root(self, one: object) -> object:
        found = one
        while (parent := self._parents.get(found, found)) != found:
            found = parent
        while (parent := self._parents.get(one, one)) != one:
            self._parents[one], one = found, parent
        return found

    def join(self, one: object, other: object) -> None:
        self._parents[self.root(one)] = self.root(other)


def segments(part: Sequence[Step]) -> list[list[Step]]:
    """Cut a part at the moments when nothing was under way."""
    cut: list[list[Step]] = []
    end = -inf
    for step in part:
        if not cut or step.operation.sent > end:
            cut.append([])
        cut[-1].append(step)
        # What may happen at any time is under way until the end.
        end = max(end, step.end)
    return cut
