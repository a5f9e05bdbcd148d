"""What past deliveries would have done under other policies, as far as their ledger rows say it.

A row has the values that a write changed, and those that its lead did not take; so this follows
each field of each lead through the rows. It cannot know what came before them: a value from then
counts as one that nobody knows the origin of, which `newest` and `ranked` let go. Nor does it know
the values that a delivery repeated, and it does not ask which fields were pinned.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from onelead.domain.acts.deciding import Brought, Held, is_as_strong, kept_by
from onelead.domain.acts.policies import (
    WITH_ORIGIN,
    Deciding,
    Policy,
    field_of,
    is_field,
)
from onelead.domain.lead import FieldOrigin
from onelead.domain.writes import Kept, KeptReason

#: Why values were not taken that other policies may take.
_BY_POLICY = frozenset({KeptReason.FILL, KeptReason.NEWEST, KeptReason.RANKED})

#: The values of a field by the names that belong to it, as JSON.
Values = dict[str, Any]


class PastWrite(Struct, frozen=True, gc=False):
    """A write of a lead, from its ledger row."""

    seq: int
    lead_id: int
    #: Whether policies decide its values: it is no act of a person.
    is_delivery: bool
    #: Whether it made the lead.
    is_new: bool
    origin: FieldOrigin
    #: `{name: [old, new]}`, as JSON.
    changes: Mapping[str, Any]
    #: By name: what the lead did not take.
    kept: Mapping[str, Kept] = {}


class Difference(Struct, frozen=True, gc=False):
    """A value that would have been decided otherwise."""

    seq: int
    lead_id: int
    #: As the changes of a lead name it.
    field: str
    #: What the delivery brought.
    value: Any
    #: What the lead would have instead; what it had, for a value that would have been taken.
    other: Any
    #: Why it would not have been taken; None for one that was not, and would have been.
    reason: KeptReason | None


class WhatIf(Struct, frozen=True):
    """How past deliveries would have gone."""

    #: How many deliveries there were, and how many would have gone otherwise.
    deliveries: int
    otherwise: int
    #: The newest differences first.
    differences: tuple[Difference, ...]


class _Standing(Struct, gc=False):
    """What a field of a lead would have."""

    values: Values
    #: None when nobody knows it.
    origin: FieldOrigin | None


def what_if(
    writes: Iterable[PastWrite], deciding: Deciding, *, boxes: Collection[str], listed: int
) -> WhatIf:
    """Decide past writes again, in order; `boxes` are the Checkbox fields.

    Lists so many differences at most.
    """
    replay = _Replay(deciding, boxes)
    deliveries = otherwise = 0
    newest = deque[Difference](maxlen=listed)
    for write in writes:
        differences = list(replay.differences(write))
        deliveries += write.is_delivery
        otherwise += bool(differences)
        newest.extend(differences)
    return WhatIf(deliveries, otherwise, tuple(reversed(newest)))


class _Replay:
    """Follows the fields of leads through writes."""

    def __init__(self, deciding: Deciding, boxes: Collection[str]) -> None:
        self._policies = deciding.policies
        self._ranks = deciding.ranks
        self._boxes = boxes
        self._standing: dict[tuple[int, str], _Standing] = {}

    def differences(self, write: PastWrite) -> Iterator[Difference]:
        """Decide one write."""
        groups: dict[str, dict[str, Any]] = {}
        for name, change in write.changes.items():
            if is_field(field_of(name)):
                groups.setdefault(field_of(name), {})[name] = change
        for field, changes in groups.items():
            yield from self._changed(write, field, changes)
        for field, kept in write.kept.items():
            if kept.reason in _BY_POLICY:
                yield from self._not_taken(write, field, kept.value)

    def _changed(
        self, write: PastWrite, field: str, changes: Mapping[str, Any]
    ) -> Iterator[Difference]:
        was = {name: old for name, (old, _new) in changes.items()}
        brought = {name: new for name, (_old, new) in changes.items()}
        standing = self._standing.setdefault((write.lead_id, field), _Standing({}, None))
        standing.values = was | standing.values
        if write.is_new or not write.is_delivery:
            standing.values = standing.values | brought
            standing.origin = write.origin
            return
        reason = self._decide(write, field, standing, brought)
        if reason is not None:
            name = field if field in brought else next(iter(brought))
            other = standing.values[name]
            yield Difference(write.seq, write.lead_id, name, brought[name], other, reason)

    def _not_taken(self, write: PastWrite, field: str, value: Any) -> Iterator[Difference]:
        standing = self._standing.get((write.lead_id, field))
        if standing is None and self._policy(field) is not Policy.OVERWRITE:
            # Nobody knows what it would have been compared with.
            return
        other = standing.values.get(field) if standing else None
        standing = standing or _Standing({field: None}, None)
        if value != other and self._decide(write, field, standing, {field: value}) is None:
            self._standing[write.lead_id, field] = standing
            yield Difference(write.seq, write.lead_id, field, value, other, None)

    def _policy(self, field: str) -> Policy:
        return self._policies.get(field, Policy.OVERWRITE)

    def _decide(
        self, write: PastWrite, field: str, standing: _Standing, brought: Values
    ) -> KeptReason | None:
        """Return why what stands stays; None if it gives way, or is the same."""
        policy = self._policy(field)
        if all(standing.values.get(name) == value for name, value in brought.items()):
            is_weaker = (
                policy in WITH_ORIGIN
                and standing.origin is not None
                and not is_as_strong(policy, self._ranks, write.origin, standing.origin)
            )
            standing.origin = standing.origin if is_weaker else write.origin
            return None
        present = Held(self._has_none(field, standing), standing.origin)
        given = Brought(_is_empty(field, brought) and field not in self._boxes, write.origin)
        reason = kept_by(policy, self._ranks, present, given)
        if reason is None:
            standing.values = standing.values | brought
            standing.origin = write.origin
        return reason

    def _has_none(self, field: str, standing: _Standing) -> bool:
        is_unchecked = field in self._boxes and standing.origin is not None
        return _is_empty(field, standing.values) and not is_unchecked


def _is_empty(field: str, values: Values) -> bool:
    """Return whether a field has no value; a lead always has a name, whichever parts changed."""
    return field != "name" and all(value in (None, []) for value in values.values())
