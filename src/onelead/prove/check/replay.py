"""The ledger of an account, replayed row by row with the pure planner.

Every row is planned again, alone, on the leads that the rows before it left. The ledger explains
the account if each row says what the planner says, and if the stored leads, their derived columns,
their match keys and the lane are exactly those that the last row leaves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import msgspec
from msgspec import Struct

from onelead.contract.ledger import AccountRows, LedgerEntry, RowExtras
from onelead.domain.account import AccountSettings
from onelead.domain.acts.facts import MergedLead
from onelead.domain.acts.state import Snapshot
from onelead.domain.acts.undo import claims_coming_back
from onelead.domain.custom_fields import CustomField, IndexState
from onelead.domain.fold import checked_write, keys_needed, plan_batch
from onelead.domain.lead import Lead, custom_name
from onelead.domain.matching import claim_field, custom_field_keys, lead_keys
from onelead.domain.settings.account_details import with_details
from onelead.domain.settings.change import (
    Resource,
    SettingsPlan,
    SettingsWrite,
    plan_settings_change,
    references_after,
)
from onelead.domain.writes import LEAD, LeadWrite, Outcome, RowDetails, WriteResult
from onelead.prove.check.act_memory import ActMemory
from onelead.prove.operations import matched_definition, named_definitions, with_index_state
from onelead.storage.leads.rows import json_text, lead_row, ledger_entry

VIOLATIONS_MAX = 10
_NO_EXTRAS = RowExtras()


class Replayed(Struct, frozen=True, gc=False):
    """One row as the planner sees it."""

    entry: LedgerEntry
    #: None for a settings change.
    result: WriteResult | None
    #: The settings after the row.
    settings: AccountSettings
    #: The value that an upsert looked for, as in a match key; None for any other write.
    looked_for: tuple[str, str] | None = None
    #: The values, as in match keys, that a lead gained or lost.
    moved: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True)
class Reader:
    """How the payload of a ledger row is read."""

    lead_write: Callable[[LedgerEntry, RowExtras], LeadWrite]
    settings_write: Callable[[LedgerEntry], SettingsWrite]


class Replay:
    """Replays the rows of an account; `violations` lists what they do not explain.

    `settings`, `leads`, `ids_by_key` and `merged` are as the row left them that came last.

    `initial` and `last_id` are the settings and the last id before the first row. All index work
    must have been done.
    """

    def __init__(
        self, found: AccountRows, initial: AccountSettings, reader: Reader, *, last_id: int
    ) -> None:
        self.violations: list[str] = []
        self._found = found
        self._reader = reader
        self.settings = initial
        self._last_id = last_id
        self.leads: dict[int, Lead] = {}
        self.ids_by_key: dict[tuple[str, str], set[int]] = defaultdict(set)
        self._memory = ActMemory()
        #: Definitions whose index may be incomplete; only the index work knows when it ended.
        self._maybe_building: set[int] = set()

    @property
    def merged(self) -> Mapping[int, MergedLead]:
        """The leads that are part of another one."""
        return self._memory.merged

    def run(self) -> list[str]:
        """Replay all rows and return the violations."""
        for _ in self.rows():
            pass
        return self.violations

    def rows(self) -> Iterator[Replayed]:
        """Replay row by row, and compare the leads and match keys at the end."""
        for seq, entry in enumerate(self._found.ledger, 1):
            if entry.seq != seq:
                self._violation(f"row {seq} of the ledger has the number {entry.seq}")
                return
            yield self._step(entry)
        self._compare()

    def _violation(self, text: str) -> None:
        if len(self.violations) < VIOLATIONS_MAX:
            self.violations.append(text)

    def _step(self, entry: LedgerEntry) -> Replayed:
        extras = self._found.extras.get(entry.seq, _NO_EXTRAS)
        if entry.resource == LEAD:
            write = self._reader.lead_write(entry, extras)
            replayed = self._planned(write, self._settings_of(write, entry), entry)
            assert replayed.result is not None
            row = ledger_entry(entry.account_id, entry.seq, entry.date, write, replayed.result)
            expected = LedgerEntry(*row)
            self._compare_extras(entry, extras, write, replayed.result)
        else:
            self._memory.add_setting(entry)
            expected = self._settings_entry(entry)
            replayed = Replayed(entry, None, self.settings)
        if entry != expected:
            for name, is_so, should_be in zip(entry._fields, entry, expected, strict=True):
                if is_so != should_be:
                    text = f"{name} is {is_so}, should be {should_be}"
                    self._violation(f"row {entry.seq} ({entry.action}): {text}")
        return replayed

    def _compare_extras(
        self, entry: LedgerEntry, extras: RowExtras, write: LeadWrite, result: WriteResult
    ) -> None:
        """Compare what is stored beside a row."""
        delivery = write.delivery
        has_details = result.details or delivery.batch_id or write.about_seq is not None
        details = json_text(result.details or RowDetails()) if has_details else None
        key = delivery.idempotency if result.refusal is None else None
        should_be = RowExtras(write.about_seq, delivery.batch_id, details, key)
        if extras != should_be:
            self._violation(f"row {entry.seq} ({entry.action}) has {extras}, should be {should_be}")

    def _settings_of(self, write: LeadWrite, entry: LedgerEntry) -> AccountSettings:
        """Return the settings, with the states that the indexes of the named definitions were in.

        One that is matched by says which it was, unless the delivery is applied to a lead, which
        needs no match. One that is only given a value was complete if the row says who shares it;
        if the row does not, that may be because it was not.
        """
        settings = self.settings
        matched_id = matched_definition(write.match) if write.lead_id is None else None
        for definition_id in sorted(self._maybe_building & named_definitions(write)):
            if definition_id == matched_id:
                is_building = "is still being indexed" in (entry.message or "")
            else:
                is_building = f'"{custom_name(definition_id)}"' not in (entry.shares or "")
            if is_building:
                settings = with_index_state(settings, definition_id, IndexState.BUILDING)
            else:
                # Once complete, an index stays complete.
                self._maybe_building.remove(definition_id)
        return settings

    def _planned(self, write: LeadWrite, settings: AccountSettings, entry: LedgerEntry) -> Replayed:
        ready = checked_write(write, settings)
        facts = self._memory.facts(write)
        keys = keys_needed([ready])
        keys |= {(claim_field(field), value) for field, value in keys}
        for fact in facts.rows.values():
            keys |= {(key.field, key.value) for key in claims_coming_back(fact, settings)}
        matches = {at: sorted(self.ids_by_key.get(at, ())) for at in keys}
        plan = plan_batch(
            *([ready], Snapshot(self.leads, matches, facts), settings),
            now=entry.date,
            last_id=self._last_id,
            first_seq=entry.seq,
        )
        if plan.seqs != [entry.seq]:
            self._violation(f"row {entry.seq} was written before, as row {plan.seqs[0]}")
        self._last_id = plan.last_id
        self._memory.add(entry.seq, write, plan.results[0], plan)
        if entry.outcome == Outcome.CREATED and entry.resource_id is not None:
            # A wrong row must not make the ids of later rows wrong.
            self._last_id = max(self._last_id, entry.resource_id)
        for lead_id in plan.deleted:
            self._put(lead_id, None)
        for lead in plan.created + plan.updated:
            self._put(lead.id, lead)
        match = ready.match.key if ready.match else None
        return Replayed(
            entry,
            plan.results[0],
            self.settings,
            looked_for=(match.field, match.value) if match else None,
            moved=frozenset(
                (key.field, key.value) for key, _ in plan.keys_added + plan.keys_removed
            ),
        )

    def _put(self, lead_id: int, after: Lead | None) -> None:
        before = self.leads.pop(lead_id, None)
        for key in lead_keys(before, self.settings) if before else ():
            self.ids_by_key[key.field, key.value].discard(lead_id)
        if after is not None:
            self.leads[lead_id] = after
            for key in lead_keys(after, self.settings):
                self.ids_by_key[key.field, key.value].add(lead_id)

    def _settings_entry(self, entry: LedgerEntry) -> LedgerEntry:
        write = self._reader.settings_write(entry)
        plan = plan_settings_change(
            write, self.settings, last_id=self._last_id, in_use=lambda: self._in_use(write)
        )
        if plan.outcome not in (Outcome.UNCHANGED, Outcome.REFUSED):
            self._apply(write, plan, entry.date)
        return entry._replace(
            request_id=write.delivery.request_id,
            resource=write.resource,
            resource_id=plan.resource_id,
            action=write.action,
            outcome=plan.outcome,
            version=None,
            user_id=write.delivery.user_id,
            api_key_id=write.delivery.api_key_id,
            match=None,
            changes=json_text(plan.changes) if plan.changes else None,
            message=plan.refusal.message if plan.refusal else None,
        )

    def _in_use(self, write: SettingsWrite) -> int:
        is_status = write.resource is Resource.LEAD_STATUS
        name = "status_id" if is_status else "customer_source_id"
        return sum(getattr(lead, name) == write.resource_id for lead in self.leads.values())

    def _apply(self, write: SettingsWrite, plan: SettingsPlan, date: int) -> None:
        fields = self.settings.fields
        if write.resource is Resource.CUSTOM_FIELD_DEFINITION:
            assert plan.resource_id is not None
            fields = tuple(field for field in fields if field.id != plan.resource_id)
        if plan.saved_field is not None:
            fields = (*fields, self._indexed(plan.saved_field))
        known = {field.key_field for field in self.settings.indexed_fields}
        self.settings = replace(
            self.settings,
            fields=tuple(sorted(fields, key=lambda field: field.id)),
            statuses=plan.saved_statuses or self.settings.statuses,
            sources=self.settings.sources if plan.saved_sources is None else plan.saved_sources,
            deleted=references_after(self.settings.deleted, plan, date),
        )
        if plan.saved_account is not None:
            self.settings = with_details(self.settings, plan.saved_account)
        self._last_id = plan.last_id
        for field in self.settings.indexed_fields:
            # From here on every lead has its match keys. Those of older generations are never read.
            for lead_id, lead in self.leads.items() if field.key_field not in known else ():
                for key in custom_field_keys(lead, field):
                    self.ids_by_key[key.field, key.value].add(lead_id)

    def _indexed(self, field: CustomField) -> CustomField:
        """Treat an index that is being built as complete, and remember that it may not be."""
        if field.index_state is not IndexState.BUILDING:
            if field.index_state is IndexState.NONE:
                self._maybe_building.discard(field.id)
            return field
        self._maybe_building.add(field.id)
        return msgspec.structs.replace(field, index_state=IndexState.READY)

    def _compare(self) -> None:
        """Compare what the last row left with what is stored."""
        account_id = self.settings.account_id
        leads = {lead_row(account_id, lead) for lead in self.leads.values()}
        keys = {
            (key.field, key.value, lead.id, key.label)
            for lead in self.leads.values()
            for key in lead_keys(lead, self.settings)
        }
        found = self._found
        for what, is_so, should_be in (
            ("lead", set(found.leads), leads),
            ("match key", set(found.keys), keys),
            ("merged lead", set(found.merged), {*self._memory.merged.values()}),
            ("pair", set(found.pairs), {(*at, seq) for at, seq in self._memory.pairs.items()}),
            ("lane", {found.lane}, {(len(found.ledger), self._last_id, len(leads))}),
        ):
            for row in sorted(is_so - should_be, key=str):
                self._violation(f"unexpected {what}: {row}")
            for row in sorted(should_be - is_so, key=str):
                self._violation(f"missing {what}: {row}")
