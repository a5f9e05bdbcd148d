"""What acts have to know about the rows before them, remembered while the ledger is replayed.

An engine reads the same from its tables; here it follows from the planned rows alone, so that a
table that says otherwise is found.
"""

from __future__ import annotations

from collections import defaultdict

from onelead.contract.ledger import LedgerEntry
from onelead.domain.acts.facts import (
    ActFact,
    Facts,
    KeyedWrite,
    LaterChange,
    LedgerFact,
    MergedLead,
)
from onelead.domain.acts.policies import field_of
from onelead.domain.acts.state import BatchPlan
from onelead.domain.writes import LEAD, LeadWrite, RowDetails, WriteResult
from onelead.storage.leads.rows import json_text


class ActMemory:
    """The rows so far, the merged leads, the pairs and the keys."""

    def __init__(self) -> None:
        self.merged: dict[int, MergedLead] = {}
        self.pairs: dict[tuple[int, int], int] = {}
        self.keyed: dict[str, KeyedWrite] = {}
        self._rows: dict[int, LedgerFact] = {}
        self._acts: dict[int, list[ActFact]] = {}
        #: By lead, oldest first.
        self._changes: dict[int, list[LaterChange]] = defaultdict(list)

    def facts(self, write: LeadWrite) -> Facts:
        """Return what the plan of a write needs to know."""
        facts = Facts(merged=dict(self.merged), keyed=dict(self.keyed), pairs={*self.pairs})
        fact = self._rows.get(write.about_seq or 0)
        if fact is not None:
            facts.rows[fact.seq] = fact
            facts.acts = {seq: list(acts) for seq, acts in self._acts.items()}
            if fact.resource_id is not None:
                later = self._changes[fact.resource_id]
                facts.later[fact.resource_id] = [one for one in later[::-1] if one.seq > fact.seq]
        return facts

    def add_setting(self, entry: LedgerEntry) -> None:
        """Remember a row that is about no lead."""
        self._rows[entry.seq] = LedgerFact(
            *(entry.seq, entry.resource, entry.action, entry.outcome, entry.resource_id),
            *(entry.version, entry.changes, RowDetails()),
        )

    def add(self, seq: int, write: LeadWrite, result: WriteResult, plan: BatchPlan) -> None:
        """Remember a planned row."""
        self._rows[seq] = LedgerFact(
            *(seq, LEAD, write.action, result.outcome),
            result.lead.id if result.lead else write.lead_id,
            result.lead.version if result.lead else None,
            json_text(result.changes) if result.changes else None,
            result.details or RowDetails(),
            write.about_seq,
        )
        if write.about_seq is not None:
            act = ActFact(seq, write.action, result.outcome)
            self._acts.setdefault(write.about_seq, []).append(act)
        if result.lead is not None and result.changes:
            fields = frozenset(map(field_of, result.changes))
            self._changes[result.lead.id].append(LaterChange(seq, fields))
        key = write.delivery.idempotency
        if key is not None and result.refusal is None:
            self.keyed[key.key_hash] = KeyedWrite(seq, key.body_hash, result)
        self._apply(plan)

    def _apply(self, plan: BatchPlan) -> None:
        for lead_id in plan.unmerged:
            self.merged.pop(lead_id, None)
        self.merged.update({one.id: one for one in plan.merged})
        for pair in plan.pairs_removed:
            self.pairs.pop(pair, None)
        self.pairs.update({(first, second): seq for first, second, seq in plan.pairs_added})
