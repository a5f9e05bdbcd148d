"""Leads written by plans alone: what an engine does, without a database.

A plan gets no more than the contract promises: at most `matches_needed` ids of each match key, and
only the leads of `leads_needed`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from onelead.domain.account import AccountSettings
from onelead.domain.fold import (
    BatchPlan,
    Snapshot,
    checked_write,
    keys_needed,
    leads_needed,
    matches_needed,
    plan_batch,
)
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
        plan = plan_batch(batch, snapshot, self.settings, now=now, last_id=self.last_id)
        self._save(plan)
        return plan

    def _snapshot(self, batch: Sequence[CheckedWrite]) -> Snapshot:
        most = matches_needed(batch)
        wanted = keys_needed(batch)
        matches = {at: sorted(self.keys.get(at, ()))[:most] for at in wanted}
        needed = leads_needed(batch, matches) & self.leads.keys()
        return Snapshot({lead_id: self.leads[lead_id] for lead_id in needed}, matches)

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
