"""Upserts that were written more than once: each finds the lead that the one before it wrote.

A client sends a delivery twice on purpose, or again because it got no answer. Both are in the
ledger, with the same payload. What an upsert finds is not planned here, so that this holds even
against the rules of the planner themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from onelead.contract.ledger import LedgerEntry, RowExtras
from onelead.domain.lead import custom_name, definition_id_of
from onelead.domain.limits import MATCH_IDS_MAX
from onelead.domain.matching import lead_keys
from onelead.domain.writes import LEAD, Action, MatchResult, Outcome
from onelead.prove.check.replay import VIOLATIONS_MAX, Replayed

_ANSWERED_200 = (Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED)
_read_match = msgspec.json.Decoder(MatchResult).decode
_read_shares = msgspec.json.Decoder(dict[str, tuple[int, ...]]).decode


@dataclass
class Repeats:
    """What became of the upserts that came again after one that was answered 200."""

    #: They found the lead that the first one wrote, and changed nothing.
    found: int = 0
    #: They were refused, as the receipt of the first one had said: others have the value.
    shared: int = 0
    #: Something came between: a write of that lead, of a value that finds it, or of the definition
    #: of such a value, or of another value of the lead.
    disturbed: int = 0
    #: The ones that should have found the lead, and did not.
    violations: list[str] = field(default_factory=list)
    #: By payload: the last row that was answered 200.
    _firsts: dict[str, Replayed] = field(default_factory=dict)
    #: The last row that wrote each lead, changed each definition, and gave or took away each value.
    _written: dict[int | None, int] = field(default_factory=dict)
    _defined: dict[int | None, int] = field(default_factory=dict)
    _moved: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """How many upserts came again."""
        return self.found + self.shared + self.disturbed + len(self.violations)

    def add(self, replayed: Replayed, extras: RowExtras | None) -> None:
        """Compare the next row of the ledger with the one that it repeats, if there is one.

        A refused delivery that somebody applied is no repetition: it may have been meant otherwise.
        """
        entry = replayed.entry
        is_applied = extras is not None and extras.about_seq is not None
        if entry.resource == LEAD and entry.action == Action.UPSERT and not is_applied:
            first = self._firsts.get(entry.payload)
            if first is not None:
                self._compare(first, entry)
            if entry.outcome in _ANSWERED_200 and replayed.result and replayed.result.lead:
                self._firsts[entry.payload] = replayed
        if entry.outcome in (Outcome.UNCHANGED, Outcome.REFUSED):
            return
        rows = self._written if entry.resource == LEAD else self._defined
        rows[entry.resource_id] = entry.seq
        self._moved |= dict.fromkeys(replayed.moved, entry.seq)

    def _compare(self, first: Replayed, again: LedgerEntry) -> None:
        before = first.entry
        if self._last_change(first) > before.seq:
            self.disturbed += 1
        elif (again.outcome, again.resource_id, again.version) == (
            Outcome.UNCHANGED,
            before.resource_id,
            before.version,
        ):
            self.found += 1
        elif _is_shared(before, again):
            self.shared += 1
        elif len(self.violations) < VIOLATIONS_MAX:
            self.violations.append(
                f"row {again.seq} repeats row {before.seq} ({before.outcome}, lead "
                f"{before.resource_id}, version {before.version}) with nothing between them, but "
                f"was {again.outcome}, lead {again.resource_id}, version {again.version}: "
                f"{again.payload}"
            )

    def _last_change(self, first: Replayed) -> int:
        """Return the last row that can have changed what the same upsert finds or writes."""
        assert first.result is not None
        assert first.result.lead is not None
        assert first.result.match is not None
        assert first.looked_for is not None
        field_name, _value = first.looked_for
        keys = lead_keys(first.result.lead, first.settings)
        values = {(key.field, key.value) for key in keys if key.field == field_name}
        # A field that leaves the filters takes the keys of its other values along.
        others = (definition_id_of(one.field) for one in first.result.lead.other_values.values())
        definition_ids = {first.result.match.definition_id, *others} - {None}
        return max(
            self._written.get(first.entry.resource_id, 0),
            *(self._defined.get(one, 0) for one in definition_ids),
            *(self._moved.get(value, 0) for value in {first.looked_for, *values}),
        )


def _is_shared(before: LedgerEntry, again: LedgerEntry) -> bool:
    """Say whether the first receipt named others with the value, and all of them match now.

    A ruling can say that the value means one of them.
    """
    if not before.shares or not again.match:
        return False
    match = _read_match(again.match)
    name = custom_name(match.definition_id) if match.definition_id else match.field_name
    others = _read_shares(before.shares).get(name, ())
    if not others or match.matches <= 1:
        return False
    if again.outcome != Outcome.REFUSED:
        return match.by == "ruling" and again.resource_id in others
    return match.matches > MATCH_IDS_MAX or {*match.ids} == {*others, before.resource_id}
