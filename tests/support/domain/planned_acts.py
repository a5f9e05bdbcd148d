"""Leads and acts written by plans alone: what an engine does for acts, without a database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from onelead.domain.account import AccountSettings
from onelead.domain.acts.facts import (
    ActFact,
    Combination,
    Facts,
    KeyedWrite,
    LaterChange,
    LedgerFact,
    MergedLead,
)
from onelead.domain.acts.finding import combinations_of
from onelead.domain.acts.policies import field_of
from onelead.domain.acts.state import BatchPlan, Snapshot
from onelead.domain.acts.undo import claims_coming_back
from onelead.domain.fold import checked_write, keys_needed, leads_needed, matches_needed, plan_batch
from onelead.domain.lead import Lead
from onelead.domain.matching import claim_field, lead_keys
from onelead.domain.writes import LEAD, CheckedWrite, LeadWrite, RowDetails, WriteResult

NOW = 1_700_000_100


class PlannedAccount:
    """The leads, merged leads, pairs and ledger of one account."""

    def __init__(self, settings: AccountSettings, leads: Iterable[Lead] = ()) -> None:
        self.settings = settings
        self.leads = {lead.id: lead for lead in leads}
        self.last_id = max(self.leads, default=71_000_000)
        self.merged: dict[int, MergedLead] = {}
        self.pairs: dict[tuple[int, int], int] = {}
        self.keyed: dict[str, KeyedWrite] = {}
        #: In order; the ledger number of a row is its place, counted from 1.
        self.rows: list[tuple[LeadWrite, WriteResult]] = []
        self.now = NOW

    def matching(self, field: str, value: str) -> list[int]:
        """Return the leads that have a key, ascending."""
        return sorted(
            lead.id
            for lead in self.leads.values()
            if any(
                (key.field, key.value) == (field, value) for key in lead_keys(lead, self.settings)
            )
        )

    def result(self, write: LeadWrite) -> WriteResult:
        """Plan a write as a batch of its own, write the plan, and return what it did."""
        return self.write(write).results[0]

    def write(self, *writes: LeadWrite) -> BatchPlan:
        """Plan the writes as one batch, and write the plan."""
        batch = [checked_write(write, self.settings) for write in writes]
        plan = plan_batch(
            batch,
            self._snapshot(batch),
            self.settings,
            now=self.now,
            last_id=self.last_id,
            first_seq=len(self.rows) + 1,
        )
        self._save(writes, plan)
        return plan

    def _snapshot(self, batch: Sequence[CheckedWrite]) -> Snapshot:
        most = matches_needed(batch)
        matches = {at: self.matching(*at)[:most] for at in keys_needed(batch)}
        for field, value in [at for at, found in matches.items() if len(found) > 1]:
            at = (claim_field(field), value)
            matches[at] = self.matching(*at)
        needed = leads_needed(batch, matches)
        facts = self.facts(batch)
        for fact in facts.rows.values():
            for key in claims_coming_back(fact, self.settings):
                matches[key.field, key.value] = self.matching(key.field, key.value)
        for write in batch:
            request = write.write
            needed |= {request.lead_id or 0, *(request.merge.lead_ids if request.merge else ())}
            needed |= {*(request.pair or ())}
            if request.on_ambiguous != "refuse":
                needed |= {id_ for key in write.keys for id_ in self.matching(key.field, key.value)}
        needed |= {one.lead_id for one in facts.merged.values()}
        needed |= {id_ for at, ids in matches.items() if "claim" in at[0] for id_ in ids}
        needed |= {id_ for ids in facts.combinations.values() for id_ in ids}
        for fact in facts.rows.values():
            needed |= {fact.resource_id or 0}
            needed |= {lead.id for lead in (*fact.details.merged, *fact.details.restored)}
        found = {id_: self.leads[id_] for id_ in needed & self.leads.keys()}
        return Snapshot(found, matches, facts)

    def facts(self, batch: Sequence[CheckedWrite] = ()) -> Facts:
        """Return what the acts of a batch need to know."""
        facts = Facts(merged=dict(self.merged), keyed=dict(self.keyed), pairs={*self.pairs})
        for seq in range(1, len(self.rows) + 1):
            facts.rows[seq] = self.fact(seq)
            about = self.rows[seq - 1][0].about_seq
            if about is not None:
                write, result = self.rows[seq - 1]
                act = ActFact(seq, write.action, result.outcome)
                facts.acts.setdefault(about, []).append(act)
        for seq, (_write, result) in reversed([*enumerate(self.rows, 1)]):
            if result.lead is not None and result.changes:
                later = LaterChange(seq, frozenset(map(field_of, result.changes)))
                facts.later.setdefault(result.lead.id, []).append(later)
        wanted = {write.write.about_seq for write in batch}
        facts.rows = {seq: fact for seq, fact in facts.rows.items() if seq in wanted}
        for step in (step for write in batch for step in write.steps if len(step) > 1):
            for combination in combinations_of(step):
                facts.combinations[combination] = self._with_all(combination)
        return facts

    def _with_all(self, combination: Combination) -> list[int]:
        found = [
            {id_ for key in entry for id_ in self.matching(key.field, key.value)}
            for entry in combination
        ]
        return sorted(set.intersection(*found))

    def fact(self, seq: int) -> LedgerFact:
        """Return a ledger row as an act reads it."""
        write, result = self.rows[seq - 1]
        changes = msgspec.json.encode(result.changes).decode() if result.changes else None
        details = msgspec.json.decode(
            msgspec.json.encode(result.details or RowDetails()), type=RowDetails
        )
        return LedgerFact(
            *(seq, LEAD, write.action, result.outcome),
            result.lead.id if result.lead else write.lead_id,
            result.lead.version if result.lead else None,
            *(changes, details, write.about_seq),
        )

    def _save(self, writes: Sequence[LeadWrite], plan: BatchPlan) -> None:
        for write, result, seq in zip(writes, plan.results, plan.seqs, strict=True):
            if result.replayed_seq is not None:
                continue
            assert seq == len(self.rows) + 1
            self.rows.append((write, result))
            key = write.delivery.idempotency
            if key is not None and result.refusal is None:
                self.keyed[key.key_hash] = KeyedWrite(seq, key.body_hash, result)
        before = {key for lead in self.leads.values() for key in self._at(lead)}
        for lead_id in plan.deleted:
            del self.leads[lead_id]
        for lead in plan.created:
            assert lead.id not in self.leads
            self.leads[lead.id] = lead
        for lead in plan.updated:
            assert lead.id in self.leads
            self.leads[lead.id] = lead
        after = {key for lead in self.leads.values() for key in self._at(lead)}
        assert {(*key, id_) for key, id_ in plan.keys_added} == after - before
        assert {(*key, id_) for key, id_ in plan.keys_removed} == before - after
        for lead_id in plan.unmerged:
            self.merged.pop(lead_id, None)
        self.merged.update({one.id: one for one in plan.merged})
        for pair in plan.pairs_removed:
            self.pairs.pop(pair, None)
        self.pairs.update({(first, second): seq for first, second, seq in plan.pairs_added})
        self.last_id = plan.last_id

    def _at(self, lead: Lead) -> Iterable[tuple[str, str, str | None, int]]:
        return [(*key, lead.id) for key in lead_keys(lead, self.settings)]

    def check(self) -> None:
        """Check what has to hold after any sequence of acts."""
        for one in self.merged.values():
            assert one.id not in self.leads
            assert one.lead_id not in self.merged, "an old id leads to a merged lead"
