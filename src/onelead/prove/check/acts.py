"""Counts the acts that the ledger explains, and compares the answers of repeated writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from onelead.contract.ledger import RowExtras
from onelead.domain.writes import DELIVERED, LEAD, Action, Outcome
from onelead.prove.check.replay import Replayed
from onelead.prove.check.witness import Explanation
from onelead.prove.operations import Operation, is_act

_NO_EFFECT = (Outcome.REFUSED, Outcome.UNCHANGED)


@dataclass
class Acts:
    """What people did besides delivering, as the replayed ledger tells it."""

    #: By action, and `replay` and `ruling`: how many had an effect.
    done: Counter[str] = field(default_factory=Counter)
    #: The same for those that were refused or changed nothing.
    without_effect: Counter[str] = field(default_factory=Counter)
    #: Answers that repeated the answer of an earlier write with the same key.
    repeated: int = 0
    #: By idempotency key: the row of the write that was done.
    _firsts: dict[str, Replayed] = field(default_factory=dict)

    def add(self, replayed: Replayed, extras: RowExtras | None) -> None:
        """Count the next row of the ledger."""
        entry = replayed.entry
        if entry.resource != LEAD:
            return
        kind = _kind(entry.action, entry.payload, extras)
        if kind is not None:
            counts = self.without_effect if entry.outcome in _NO_EFFECT else self.done
            counts[kind] += 1

    def add_first(self, operation: Operation, replayed: Replayed) -> None:
        """Remember the row of a write with a key."""
        if operation.key is not None and replayed.entry.outcome != Outcome.REFUSED:
            self._firsts[operation.key] = replayed

    def compare_repeats(self, operations: Iterable[Operation], explanation: Explanation) -> None:
        """Compare each repeated answer with the one that the first write had to get."""
        for operation in operations:
            if operation.answer is None or not operation.answer.is_replayed:
                continue
            self.repeated += 1
            first = self._firsts.get(operation.key or "")
            if first is None:
                text = "it repeats a write that the ledger does not have"
                explanation.unexplained.append((operation, text))
            else:
                explanation.compare(operation, first)


def _kind(action: str, payload: str, extras: RowExtras | None) -> str | None:
    """Return what kind of act a row is; None for a delivery."""
    about_seq = extras.about_seq if extras else None
    if not is_act(Action(action), payload, about_seq):
        return None
    if Action(action) not in DELIVERED:
        return action
    return "ruling" if about_seq is None else "replay"
