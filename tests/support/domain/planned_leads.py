"""Leads written by plans alone: what an engine does, without a database.

A plan gets no more than the contract promises: at most `matches_needed` ids of each match key, and
only the leads of `leads_needed`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from onelead.domain.account import AccountSettings
from onelead.domain.acts.facts import Combination, Facts, KeyedWrite, MergedLead
from onelead.domain.acts.finding import combinations_of
from onelead.domain.acts.state import BatchPlan, Snapshot
from onelead.domain.fold import checked_write, keys_needed, leads_needed, matches_needed, plan_batch
from onelead.domain.lead import Lead
from onelead.domain.matching import lead_keys
from onelead.domain.writes import CheckedWrite, LeadWrite

#: By (field, value): the ids of the leads that it finds, each with the label of its match key.
Keys = dict[tuple[str, str], dict[int, str | None]]
NOW = 1_700_000_100


class PlannedLeads:
    """The leads and match keys of one account."""

    def __init__(
        self, settings: AccountSettings, leads: Iterable[Lead] = (), *, last_id: int = 71_000_000
    ) -> None:
        self.settings = settings
        self.leads = {lead.id: lead for lead in leads}
        self.last_id = max(self.leads, default=last_id)
        self.keys = self.derived_keys()
        #: What the database has of merges and of writes with an idempotency key.
        self.merged: dict[int, MergedLead] = {}
        self.keyed: dict[str, KeyedWrite] = {}
        self.last_seq = 0

    def derived_keys(self) -> Keys:
        """Return every match key with its label, as it should be by the leads."""
        keys: Keys = {}
        for lead in self.leads.values():
            for key in lead_keys(lead, self.settings):
                keys.setdefault((key.field, key.value), {})[lead.id] = key.label
        return keys

    def write(self, *writes: LeadWrite, now: int = NOW) -> BatchPlan:
        """Plan the writes as one batch, and write the plan."""
        batch = [checked_write(write, self.settings) for write in writes]
        snapshot = self._snapshot(batch)
        plan = plan_batch(
            *(batch, snapshot, self.settings),
            now=now,
            last_id=self.last_id,
            first_seq=self.last_seq + 1,
        )
        self._save(plan)
        self._remember(plan, writes)
        return plan

    def _snapshot(self, batch: Sequence[CheckedWrite]) -> Snapshot:
        most = matches_needed(batch)
        wanted = keys_needed(batch)
        matches = {at: sorted(self.keys.get(at, ()))[:most] for at in wanted}
        facts = Facts(
            combinations={
                one: self._with_all(one)[:most]
                for write in batch
                for step in write.steps
                for one in combinations_of(step)
            },
            merged=dict(self.merged),
            keyed=dict(self.keyed),
        )
        found = {*leads_needed(batch, matches), *chain(*facts.combinations.values())}
        found.update(one.lead_id for one in facts.merged.values())
        found.update(lead_id for write in batch for lead_id in _merged_by(write))
        if any(write.write.on_ambiguous != "refuse" for write in batch):
            found.update(*matches.values())
        needed = found & self.leads.keys()
        return Snapshot({lead_id: self.leads[lead_id] for lead_id in needed}, matches, facts)

    def _with_all(self, combination: Combination) -> list[int]:
        """Return the leads with a key of each entry."""
        found = (
            {lead_id for key in entry for lead_id in self.keys.get((key.field, key.value), ())}
            for entry in combination
        )
        return sorted(set.intersection(*found))

    def _save(self, plan: BatchPlan) -> None:
        """Write each row exactly once: a second insert or a missing row is a defect."""
        for lead_id in plan.deleted:
            del self.leads[lead_id]
        for lead in plan.created:
            assert self.last_id < lead.id <= plan.last_id
            assert lead.id not in self.leads
            self.leads[lead.id] = lead
        for lead in plan.updated:
            assert self.leads[lead.id].version < lead.version
            self.leads[lead.id] = lead
        for key, lead_id in plan.keys_removed:
            found = self.keys[key.field, key.value]
            assert found.pop(lead_id) == key.label
            if not found:
                del self.keys[key.field, key.value]
        for key, lead_id in plan.keys_added:
            found = self.keys.setdefault((key.field, key.value), {})
            assert lead_id not in found
            found[lead_id] = key.label
        self.last_id = plan.last_id
        self.last_seq = max([self.last_seq, *plan.seqs])
        self.merged.update({one.id: one for one in plan.merged})

    def _remember(self, plan: BatchPlan, batch: Sequence[LeadWrite]) -> None:
        """Keep the idempotency keys of a batch, as the database does."""
        for write, result, seq in zip(batch, plan.results, plan.seqs, strict=True):
            key = write.delivery.idempotency
            if key is None or result.refusal is not None or result.replayed_seq is not None:
                continue
            assert key.key_hash not in self.keyed
            self.keyed[key.key_hash] = KeyedWrite(seq, key.body_hash, result)


def _merged_by(write: CheckedWrite) -> tuple[int, ...]:
    return write.write.merge.lead_ids if write.write.merge else ()
