"""Leads that are written by plans alone: what an engine does, without a database.

A plan gets no more than the contract promises: of each key at most `candidates_needed` ids, and
only the leads of `leads_needed`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from onelead.account import AccountSettings
from onelead.lead import Lead
from onelead.matching import lead_keys
from onelead.upsert import (
    BatchPlan,
    LeadWrite,
    PreparedWrite,
    Snapshot,
    candidates_needed,
    leads_needed,
    plan_batch,
    prepared,
)

#: (field, value, lead id), as in the table of keys, where the three are the primary key.
KeyRow = tuple[str, str, int]
NOW = 1_700_000_100


class PlannedLeads:
    """The leads and the keys of one account."""

    def __init__(
        self, settings: AccountSettings, leads: Iterable[Lead] = (), *, last_id: int = 71_000_000
    ) -> None:
        self.settings = settings
        self.leads = {lead.id: lead for lead in leads}
        self.last_id = max(self.leads, default=last_id)
        self.keys = self.derived_keys()

    def derived_keys(self) -> dict[KeyRow, str | None]:
        """Return every key with its label, as the leads say that it should be."""
        return {
            (key.field, key.value, lead.id): key.label
            for lead in self.leads.values()
            for key in lead_keys(lead, self.settings)
        }

    def write(self, *writes: LeadWrite, now: int = NOW) -> BatchPlan:
        """Plan the writes as one batch, and write the plan."""
        batch = [prepared(write, self.settings) for write in writes]
        snapshot = self._snapshot(batch)
        plan = plan_batch(batch, snapshot, self.settings, now=now, last_id=self.last_id)
        self._save(plan)
        return plan

    def _snapshot(self, batch: Sequence[PreparedWrite]) -> Snapshot:
        most = candidates_needed(batch)
        wanted = {write.match.key[:2] for write in batch if write.match is not None}
        candidates = {at: self._ids_by_key(at)[:most] for at in wanted}
        needed = leads_needed(batch, candidates) & self.leads.keys()
        return Snapshot({lead_id: self.leads[lead_id] for lead_id in needed}, candidates)

    def _ids_by_key(self, at: tuple[str, str]) -> list[int]:
        return sorted(lead_id for *key, lead_id in self.keys if tuple(key) == at)

    def _save(self, plan: BatchPlan) -> None:
        """Write each row exactly once: what is there already or not there at all is a defect."""
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
            assert self.keys.pop((key.field, key.value, lead_id)) == key.label
        for key, lead_id in plan.keys_added:
            assert (key.field, key.value, lead_id) not in self.keys
            self.keys[key.field, key.value, lead_id] = key.label
        self.last_id = plan.last_id
