"""The verdict on a proof: everything that its history and the stored rows contradict.

The ledger is tried first, as a witness of the serial order. Only if it does not explain everything,
another order is searched for, to show the violation by the few operations that cause it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
from msgspec import Struct, structs

from onelead.contract.ledger import AccountRows, LedgerEntry, RowExtras
from onelead.domain.account import AccountSettings
from onelead.domain.settings.change import Resource, SettingsWrite
from onelead.domain.writes import Action, Delivery, IdempotencyKey, LeadWrite, RowDetails
from onelead.prove.check.act_rows import read_act
from onelead.prove.check.acts import Acts
from onelead.prove.check.reads import Reads
from onelead.prove.check.repeats import Repeats
from onelead.prove.check.replay import Reader, Replay
from onelead.prove.check.witness import (
    Explanation,
    Witness,
    as_unanswered,
    find_witness,
    is_unexpected,
    latest_ends,
    unexpected_answers,
)
from onelead.prove.explain.contradictions import Contradiction, contradictions
from onelead.prove.operations import Operation, Read, is_act, read_lead_write
from onelead.storage.leads.rows import lead_from

_DOCUMENT = 3


class Beginning(Struct, frozen=True):
    """The account before the first operation."""

    #: The settings before the first row of the ledger.
    empty: AccountSettings
    last_id: int
    #: The settings once the definitions were made.
    settings: AccountSettings
    #: How many rows the ledger had by then.
    rows: int


@dataclass
class Verdict:
    """What was found wrong; all lists are empty if the promise was kept."""

    operations: int
    ledger_rows: int
    #: Operations that no serial order explains.
    contradictions: list[Contradiction] = field(default_factory=list)
    #: Answers that differ from those of the ledger's order.
    unexplained: list[tuple[Operation, str]] = field(default_factory=list)
    #: Pairs of operations that are in a different order in the ledger than in time.
    disorder: list[tuple[Operation, Operation]] = field(default_factory=list)
    #: Writes that are missing or written too often, and answers that no write should get.
    deliveries: list[str] = field(default_factory=list)
    #: Stored leads, match keys and lane that the ledger does not explain.
    stored: list[str] = field(default_factory=list)
    #: Upserts that came again, and those of them that should have found their lead.
    repeats: Repeats = field(default_factory=Repeats)
    #: What clients read.
    reads: Reads = field(default_factory=Reads)
    #: What was merged, undone, applied and ruled, and how often a key was repeated.
    acts: Acts = field(default_factory=Acts)
    #: How long the checks took.
    seconds: float = 0.0

    @property
    def is_kept(self) -> bool:
        """Whether nothing was found wrong."""
        return not (
            self.contradictions
            or self.unexplained
            or self.disorder
            or self.deliveries
            or self.stored
            or self.repeats.violations
            or self.reads.violations
        )


def judge(
    operations: Sequence[Operation],
    rows: AccountRows,
    beginning: Beginning,
    reads: Sequence[Read] = (),
) -> Verdict:
    """Check a history and what is stored at its end. All index work must be done.

    `reads` are in the order of sending.
    """
    started = time.monotonic()
    failures = unexpected_answers(operations)
    operations = [as_unanswered(one) if is_unexpected(one) else one for one in operations]
    witness = find_witness(operations, rows.ledger[beginning.rows :], rows.extras)
    replay = Replay(rows, beginning.empty, _READER, last_id=beginning.last_id)
    explanation, repeats, acts = Explanation(), Repeats(), Acts()
    compared = Reads.of(reads, witness.operations, first=beginning.rows, last=len(rows.ledger))
    for replayed in replay.rows():
        compared.add(replay, replayed.entry)
        extras = rows.extras.get(replayed.entry.seq)
        repeats.add(replayed, extras)
        acts.add(replayed, extras)
        operation = witness.operations.get(replayed.entry.seq)
        if operation is not None:
            explanation.add(operation, replayed)
            acts.add_first(operation, replayed)
    acts.compare_repeats(operations, explanation)
    compared.finish()
    verdict = Verdict(
        operations=len(operations),
        ledger_rows=len(rows.ledger),
        unexplained=explanation.unexplained,
        disorder=explanation.disorder,
        deliveries=[*failures, *witness.violations],
        stored=replay.violations,
        repeats=repeats,
        reads=compared,
        acts=acts,
    )
    if not verdict.is_kept:
        verdict.contradictions = _searched(operations, rows, beginning, witness)
    verdict.seconds = time.monotonic() - started
    return verdict


def _searched(
    operations: Sequence[Operation], rows: AccountRows, beginning: Beginning, witness: Witness
) -> list[Contradiction]:
    # Only the ledger's order explains what acts are about.
    plain = [one for one in operations if not one.is_about_acts]
    touched = {one.resource_id for one in rows.ledger} - {
        lead_id for one in plain for lead_id in (one.shown.id, one.resource_id)
    }
    leads = [lead_from(row[_DOCUMENT]) for row in rows.leads]
    leads = [lead for lead in leads if lead.id not in touched]
    return contradictions(
        plain,
        beginning.settings,
        claims=witness.claims,
        ends=latest_ends(operations, witness.claims),
        stored={lead.id: lead for lead in leads},
    )


def _delivery(entry: LedgerEntry) -> Delivery:
    return Delivery(entry.request_id, entry.user_id, entry.api_key_id, entry.payload)


_details = msgspec.json.Decoder(RowDetails).decode


def _refused_key(details: RowDetails) -> IdempotencyKey | None:
    """Return the key of a refused write, which is not used up: its body is not remembered."""
    return IdempotencyKey(details.key_hash, "") if details.key_hash else None


def _lead_write(entry: LedgerEntry, extras: RowExtras) -> LeadWrite:
    """Read a delivery or an act from its row and what is stored beside it."""
    details = _details(extras.details) if extras.details else RowDetails()
    delivery = structs.replace(
        _delivery(entry),
        batch_id=extras.batch_id,
        idempotency=extras.key or _refused_key(details),
        observed_at=details.observed_at,
    )
    action = Action(entry.action)
    named = details.via_id or entry.resource_id
    if is_act(action, entry.payload, extras.about_seq):
        return read_act(entry, extras, details.via_id, delivery)
    lead_id = named if action in (Action.UPDATE, Action.DELETE) else None
    return read_lead_write(action, lead_id, entry.payload, delivery=delivery)


def _settings_write(entry: LedgerEntry) -> SettingsWrite:
    action = Action(entry.action)
    named = None if action is Action.CREATE else entry.resource_id
    body = msgspec.json.decode(entry.payload) if entry.payload else {}
    return SettingsWrite(Resource(entry.resource), action, _delivery(entry), named, body)


_READER = Reader(_lead_write, _settings_write)
