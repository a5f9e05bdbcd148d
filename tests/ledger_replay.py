"""The independent check of "never a duplicate": an account's ledger, replayed row by row.

Every ledger row is planned again with the pure planner, alone, on the leads that the rows before
it have left. The rows explain themselves when each says what the planner says, and the stored
leads, their derived columns and their match keys are exactly those that the last row leaves.
The writes must come from `tests.lead_writes`, whose payloads can be read back.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import msgspec
from tests.databases import Database

from onelead.account import AccountSettings
from onelead.custom_fields import CustomField, IndexState
from onelead.lead import Lead
from onelead.matching import lead_keys
from onelead.settings_change import Resource, SettingsPlan, SettingsWrite, plan_settings_change
from onelead.storage.lead_rows import json_text, lead_row, ledger_row
from onelead.upsert import LeadWrite, Outcome, Snapshot, WriteResult, plan_batch, prepared

VIOLATIONS_SHOWN_MAX = 10


class Row(NamedTuple):
    """A ledger row, its columns in the order of the table."""

    account_id: int
    seq: int
    date: int
    request_id: str
    resource: str
    resource_id: int | None
    action: str
    outcome: str
    version: int | None
    user_id: int | None
    api_key_id: int | None
    payload: str
    match: str | None
    changes: str | None
    message: str | None


@dataclass(frozen=True)
class Stored:
    """What a database holds of an account."""

    ledger: list[Row]
    leads: set[tuple[Any, ...]]
    #: Field, value, lead id and label.
    keys: set[tuple[Any, ...]]
    ledger_seq: int
    last_id: int
    lead_count: int


def stored(database: Database, account_id: int) -> Stored:
    """Read everything that the replay explains."""

    def of_account(columns: str, table: str, order: str = "1") -> list[tuple[Any, ...]]:
        where = f"account_id = {account_id}"
        return database.rows(f"SELECT {columns} FROM {table} WHERE {where} ORDER BY {order}")

    ((ledger_seq, last_id, lead_count),) = of_account("ledger_seq, last_id, lead_count", "lane")
    return Stored(
        ledger=[Row(*row) for row in of_account("*", "ledger", "seq")],
        leads=set(of_account("*", "lead")),
        keys=set(of_account("field, value, lead_id, label", "match_key")),
        ledger_seq=ledger_seq,
        last_id=last_id,
        lead_count=lead_count,
    )


def violations(found: Stored, initial: AccountSettings, *, last_id: int) -> list[str]:
    """Return what the ledger does not explain; nothing when all is well.

    `initial` and `last_id` are the settings and the last id before the first row. All index work
    must have been done.
    """
    replay = _Replay(initial, last_id)
    for seq, row in enumerate(found.ledger, 1):
        if row.seq != seq:
            replay.violations.append(f"row {seq} of the ledger has the number {row.seq}")
            break
        replay.step(row)
        if len(replay.violations) >= VIOLATIONS_SHOWN_MAX:
            break
    else:
        replay.compare(found)
    return replay.violations[:VIOLATIONS_SHOWN_MAX]


class _Replay:
    def __init__(self, initial: AccountSettings, last_id: int) -> None:
        self.violations: list[str] = []
        self._settings = initial
        self._last_id = last_id
        self._leads: dict[int, Lead] = {}
        self._ids_by_key: dict[tuple[str, str], set[int]] = defaultdict(set)
        #: Definitions whose index may be complete or not: only the job knows when it ended.
        self._maybe_building: set[int] = set()
        self._request_ids: set[str] = set()

    def step(self, row: Row) -> None:
        if row.request_id in self._request_ids:
            self.violations.append(f"row {row.seq}: {row.request_id} was written twice")
        self._request_ids.add(row.request_id)
        expected = self._lead_row(row) if row.resource == "lead" else self._settings_row(row)
        for name, is_so, should_be in zip(Row._fields, row, expected, strict=True):
            if is_so != should_be:
                text = f"row {row.seq} ({row.action}): {name} is {is_so}, should be {should_be}"
                self.violations.append(text)

    def _lead_row(self, row: Row) -> Row:
        write = msgspec.json.decode(row.payload, type=LeadWrite)
        delivery = msgspec.structs.replace(write.delivery, payload=row.payload)
        write = msgspec.structs.replace(write, delivery=delivery)
        result = self._planned(write, self._settings_of(write, row), row.date)
        return Row(*ledger_row(row.account_id, row.seq, row.date, write, result))

    def _settings_of(self, write: LeadWrite, row: Row) -> AccountSettings:
        """Return the settings, with the state that the matched definition's index was in."""
        value = write.match.field_value if write.match else None
        definition_id = value.get("custom_field_definition_id") if isinstance(value, dict) else None
        if definition_id not in self._maybe_building:
            return self._settings
        if "is still being indexed" in (row.message or ""):
            return _with_state(self._settings, definition_id, IndexState.BUILDING)
        # Once complete, it stays so.
        self._maybe_building.remove(definition_id)
        return self._settings

    def _planned(self, write: LeadWrite, settings: AccountSettings, now: int) -> WriteResult:
        ready = prepared(write, settings)
        candidates = {}
        if ready.match is not None:
            at = (ready.match.key.field, ready.match.key.value)
            candidates[at] = sorted(self._ids_by_key[at])
        snapshot = Snapshot(self._leads, candidates)
        plan = plan_batch([ready], snapshot, settings, now=now, last_id=self._last_id)
        for lead in plan.created:
            self._last_id = lead.id
        for lead_id in plan.deleted:
            self._put(lead_id, None)
        for lead in plan.created + plan.updated:
            self._put(lead.id, lead)
        return plan.results[0]

    def _put(self, lead_id: int, after: Lead | None) -> None:
        before = self._leads.pop(lead_id, None)
        for key in lead_keys(before, self._settings) if before else ():
            self._ids_by_key[key.field, key.value].discard(lead_id)
        if after is not None:
            self._leads[lead_id] = after
            for key in lead_keys(after, self._settings):
                self._ids_by_key[key.field, key.value].add(lead_id)

    def _settings_row(self, row: Row) -> Row:
        write = msgspec.json.decode(row.payload, type=SettingsWrite)
        plan = plan_settings_change(
            write, self._settings, last_id=self._last_id, in_use=lambda: self._in_use(write)
        )
        if plan.outcome not in (Outcome.UNCHANGED, Outcome.REFUSED):
            self._apply(write, plan)
        return Row(
            account_id=row.account_id,
            seq=row.seq,
            date=row.date,
            request_id=write.delivery.request_id,
            resource=write.resource,
            resource_id=plan.resource_id,
            action=write.action,
            outcome=plan.outcome,
            version=None,
            user_id=write.delivery.user_id,
            api_key_id=write.delivery.api_key_id,
            payload=row.payload,
            match=None,
            changes=json_text(plan.changes) if plan.changes else None,
            message=plan.refusal.message if plan.refusal else None,
        )

    def _in_use(self, write: SettingsWrite) -> int:
        is_status = write.resource is Resource.LEAD_STATUS
        name = "status_id" if is_status else "customer_source_id"
        return sum(getattr(lead, name) == write.resource_id for lead in self._leads.values())

    def _apply(self, write: SettingsWrite, plan: SettingsPlan) -> None:
        fields = self._settings.fields
        if write.resource is Resource.CUSTOM_FIELD_DEFINITION:
            assert plan.resource_id is not None
            fields = tuple(field for field in fields if field.id != plan.resource_id)
        if plan.saved_field is not None:
            fields = (*fields, self._indexed(plan.saved_field))
        self._settings = replace(
            self._settings,
            fields=tuple(sorted(fields, key=lambda field: field.id)),
            statuses=plan.saved_statuses or self._settings.statuses,
            sources=self._settings.sources if plan.saved_sources is None else plan.saved_sources,
        )
        self._last_id = plan.last_id
        # A definition may have become indexed: every lead has its keys from here on.
        self._ids_by_key.clear()
        for lead_id, lead in self._leads.items():
            for key in lead_keys(lead, self._settings):
                self._ids_by_key[key.field, key.value].add(lead_id)

    def _indexed(self, field: CustomField) -> CustomField:
        """Take an index that is being built for complete, and remember the doubt."""
        if field.index_state is not IndexState.BUILDING:
            if field.index_state is IndexState.NONE:
                self._maybe_building.discard(field.id)
            return field
        self._maybe_building.add(field.id)
        return msgspec.structs.replace(field, index_state=IndexState.READY)

    def compare(self, found: Stored) -> None:
        """Compare what the last row leaves with what is stored."""
        account_id = self._settings.account_id
        leads = {lead_row(account_id, lead) for lead in self._leads.values()}
        keys = {
            (key.field, key.value, lead.id, key.label)
            for lead in self._leads.values()
            for key in lead_keys(lead, self._settings)
        }
        for what, is_so, should_be in (
            ("a lead", found.leads, leads),
            ("a match key", found.keys, keys),
            (
                "the lane",
                {(found.ledger_seq, found.last_id, found.lead_count)},
                {(len(found.ledger), self._last_id, len(leads))},
            ),
        ):
            self.violations += [f"{what} too much: {row}" for row in sorted(is_so - should_be)]
            self.violations += [f"{what} missing: {row}" for row in sorted(should_be - is_so)]


def _with_state(
    settings: AccountSettings, definition_id: int, state: IndexState
) -> AccountSettings:
    fields = (
        msgspec.structs.replace(field, index_state=state) if field.id == definition_id else field
        for field in settings.fields
    )
    return replace(settings, fields=tuple(fields))
