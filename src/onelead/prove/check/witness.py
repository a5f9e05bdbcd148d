"""The ledger as a witness: which row each operation wrote, and whether its order explains all.

The ledger claims an order. In that order, what the clients sent is planned again and compared with
what they were answered. The ledger adds nothing but the order, and what happened to deliveries that
were never answered.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

import msgspec
from msgspec import Struct

from onelead.contract.ledger import LedgerEntry, RowExtras
from onelead.domain.writes import DELIVERED, LEAD, Outcome
from onelead.prove.answers import difference
from onelead.prove.check.replay import VIOLATIONS_MAX, Replayed
from onelead.prove.operations import Claim, Operation


class _Via(Struct):
    via_id: int | None = None


class _Applied(Struct):
    """The row that applied a delivery, and the lead."""

    seq: int | None = None
    lead_id: int | None = None


_via = msgspec.json.Decoder(_Via).decode
_applied = msgspec.json.Decoder(_Applied)


@dataclass
class Witness:
    """Which operation wrote which row."""

    #: By ledger number.
    operations: dict[int, Operation]
    #: What the ledger says about operations without an answer, by their numbers.
    claims: dict[int, Claim]
    #: Writes that were acknowledged but not written, not sent but written, or written twice.
    violations: list[str]


def find_witness(
    operations: Sequence[Operation],
    entries: Sequence[LedgerEntry],
    extras: Mapping[int, RowExtras],
) -> Witness:
    """Find the operation that wrote each row; a repeat of a write with a key wrote none."""
    answered: dict[str, deque[Operation]] = defaultdict(deque)
    unanswered: dict[tuple[object, ...], deque[Operation]] = defaultdict(deque)
    # An attempt that was sent earlier can have come before more, so it is taken first.
    for operation in sorted(operations, key=lambda one: one.sent):
        if operation.answer is not None and operation.answer.is_replayed:
            continue
        if operation.answer is not None:
            answered[operation.answer.request_id].append(operation)
        else:
            unanswered[_sent(operation)].append(operation)
    witness = Witness({}, {}, [])
    for entry in entries:
        if waiting := answered.get(entry.request_id):
            operation = waiting.popleft()
            if _sent(operation) != _delivered(entry, extras.get(entry.seq)):
                witness.violations.append(f"row {entry.seq} is not what was sent: {entry.payload}")
        elif waiting := unanswered.get(_delivered(entry, extras.get(entry.seq))):
            operation = waiting.popleft()
            witness.claims[operation.number] = Claim(
                entry.outcome, entry.resource_id, entry.version
            )
        else:
            witness.violations.append(
                f"row {entry.seq} ({entry.action}, {entry.outcome}, lead {entry.resource_id}) was "
                f"written more often than it was sent: {entry.payload}"
            )
            continue
        witness.operations[entry.seq] = operation
    applied = _applications(entries, extras) | _replacements(entries, witness.operations)
    for left in answered.values():
        witness.violations += [
            f"operation {operation.number} was answered ({operation.answer.outcome}) but is not in "
            f"the ledger: {operation.action} {operation.payload}"
            for operation in left
            if operation.answer is not None and not _was_applied_before(operation, applied)
        ]
    del witness.violations[VIOLATIONS_MAX:]
    return witness


def _applications(
    entries: Sequence[LedgerEntry], extras: Mapping[int, RowExtras]
) -> set[tuple[int | None, int, int | None]]:
    """Return the rows that applied a refused delivery: its number, their own, and the lead."""
    return {
        (about_seq, entry.seq, entry.resource_id)
        for entry in entries
        if entry.action in DELIVERED and entry.outcome != Outcome.REFUSED
        for about_seq in [extras[entry.seq].about_seq if entry.seq in extras else None]
        if about_seq is not None
    }


def _replacements(
    entries: Sequence[LedgerEntry], operations: Mapping[int, Operation]
) -> set[tuple[int | None, int, int | None]]:
    """Return the same of the accepted deliveries that replaced a refused one with their key."""
    keyed = [(entry, operations[entry.seq].key) for entry in entries if entry.seq in operations]
    accepted = {key: entry for entry, key in keyed if entry.outcome != Outcome.REFUSED}
    return {
        (entry.seq, accepted[key].seq, accepted[key].resource_id)
        for entry, key in keyed
        if key is not None and entry.outcome == Outcome.REFUSED and key in accepted
    }


def _was_applied_before(
    operation: Operation, applied: set[tuple[int | None, int, int | None]]
) -> bool:
    """Return whether a delivery was to be applied that was applied already, which is no write.

    The answer names the row that applied it, and the lead.
    """
    answer = operation.answer
    if answer is None or answer.outcome != Outcome.UNCHANGED or operation.about_seq is None:
        return False
    shown = _applied.decode(answer.body)
    return (operation.about_seq, shown.seq, shown.lead_id) in applied


def _sent(operation: Operation) -> tuple[object, ...]:
    action, payload = str(operation.action), operation.payload
    return operation.resource, action, payload, operation.resource_id, operation.about_seq


def _delivered(entry: LedgerEntry, extras: RowExtras | None) -> tuple[object, ...]:
    details = extras.details if extras else None
    via_id = _via(details).via_id if details else None
    about_seq = extras.about_seq if extras else None
    if about_seq is None:
        # A create does not name the lead that it makes, nor an upsert the lead that it finds.
        is_named = entry.action in ("update", "delete", "merge")
    else:
        # An undo names no lead, and a delivery that is applied names one or has a match.
        is_named = entry.action in DELIVERED and entry.match is None
    named = (via_id or entry.resource_id) if is_named else None
    return entry.resource, entry.action, entry.payload, named, about_seq


@dataclass
class Explanation:
    """What the witness does not explain."""

    #: Operations whose answers differ, with the difference.
    unexplained: list[tuple[Operation, str]] = field(default_factory=list)
    #: Pairs in the ledger's order, of which the second was answered before the first was sent.
    disorder: list[tuple[Operation, Operation]] = field(default_factory=list)
    _last_sent: Operation | None = None

    def add(self, operation: Operation, replayed: Replayed) -> None:
        """Compare the next row of the ledger with its operation."""
        if self._last_sent is not None and self._last_sent.sent > operation.answered:
            self.disorder.append((self._last_sent, operation))
        if self._last_sent is None or operation.sent > self._last_sent.sent:
            self._last_sent = operation
        self.compare(operation, replayed)

    def compare(self, operation: Operation, replayed: Replayed) -> None:
        """Compare the answer to an operation with a row, which is what it had to be."""
        answer, entry = operation.answer, replayed.entry
        if answer is None:
            return
        if entry.resource == LEAD and answer.row != str(entry.seq):
            found: str | None = f"Ledger-Row is {answer.row}, should be {entry.seq}"
        elif replayed.result is not None:
            found = difference(operation, replayed.result, replayed.settings)
        elif answer.outcome != entry.outcome:
            found = f"the outcome is {answer.outcome}, should be {entry.outcome}"
        else:
            found = None
        if found is not None:
            self.unexplained.append((operation, found))


def is_unexpected(operation: Operation) -> bool:
    """Say whether an answer is not that of a write: a failure, from which nothing follows."""
    return operation.answer is not None and not operation.answer.outcome


def as_unanswered(operation: Operation) -> Operation:
    """Return the operation as if it had got no answer."""
    return msgspec.structs.replace(operation, answer=None, answered=inf)


def unexpected_answers(operations: Sequence[Operation]) -> list[str]:
    """Return the answers that no write should get: failures of the server and rejected calls."""
    found = [
        f"operation {operation.number} was answered with {operation.answer.status}: "
        f"{operation.answer.body.decode(errors='replace')[:200]}"
        for operation in operations
        if operation.answer is not None and is_unexpected(operation)
    ]
    return found[:VIOLATIONS_MAX]


def latest_ends(operations: Sequence[Operation], claims: dict[int, Claim]) -> dict[int, float]:
    """Return the latest time at which each operation without an answer can have happened.

    The ledger says which version of a lead it made (`claims`), so it happened before any answer
    that shows this version or a later one.
    """
    versions: dict[int | None, list[tuple[int, float]]] = defaultdict(list)
    for operation in operations:
        if operation.answer is not None and operation.resource == LEAD:
            shown = operation.answer.claim
            if shown.version is not None:
                versions[shown.lead_id].append((shown.version, operation.answered))
    ends = {}
    for number, claim in claims.items():
        is_made = claim.outcome in (Outcome.CREATED, Outcome.UPDATED)
        if is_made and claim.lead_id is not None and claim.version is not None:
            later = (end for v, end in versions[claim.lead_id] if v >= claim.version)
            ends[number] = min(later, default=inf)
    return ends
