"""An account as a list of writes, one after another: what histories are made of.

It plans every write with the pure planner and answers as the API does. A test spoils what comes
out of it: an answer, a row, a time.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from math import inf
from typing import Any

import msgspec
from tests.support.domain.builders import a_field, a_settings

from onelead.api.answers import error_response
from onelead.api.wire import lead_body
from onelead.contract.ledger import AccountRows, LedgerEntry, RowExtras
from onelead.domain.account import AccountSettings
from onelead.domain.acts.state import Snapshot
from onelead.domain.custom_fields import IndexState
from onelead.domain.fold import checked_write, keys_needed, plan_batch
from onelead.domain.lead import Lead
from onelead.domain.matching import KEY_RULES, lead_keys
from onelead.domain.settings.change import Resource, SettingsWrite, plan_settings_change
from onelead.domain.writes import LEAD, Action, Delivery, Outcome, WriteResult
from onelead.incoming.receipts import receipt_headers
from onelead.incoming.statuses import STATUS_BY_KIND
from onelead.prove.check.verdict import Beginning
from onelead.prove.drive.requests import Item
from onelead.prove.operations import Answer, Operation, read_lead_write
from onelead.storage.leads.rows import json_text, lead_row, ledger_entry

FIELD = a_field(id=4101, is_filterable=True, index_state=IndexState.READY, index_generation=1)
SETTINGS = a_settings(fields=(FIELD,))
LAST_ID = 10_000
NOW = 1_700_000_000


class ProveAccount:
    """The leads and the ledger of an account, and the operations that made them."""

    def __init__(self) -> None:
        self.settings: AccountSettings = SETTINGS
        self.leads: dict[int, Lead] = {}
        self.last_id = LAST_ID
        self.entries: list[LedgerEntry] = []
        self.operations: list[Operation] = []
        self.extras: dict[int, RowExtras] = {}
        self._ids_by_key: dict[tuple[str, str], set[int]] = defaultdict(set)

    @property
    def beginning(self) -> Beginning:
        return Beginning(SETTINGS, LAST_ID, SETTINGS, 0)

    def leads_now(self) -> dict[int, Lead]:
        """Return the leads as they are now, for a write that must not see later ones."""
        return dict(self.leads)

    def rows(self) -> AccountRows:
        """Return what is stored now."""
        keys = [
            (key.field, key.value, lead.id, key.label)
            for lead in self.leads.values()
            for key in lead_keys(lead, self.settings)
        ]
        return AccountRows(
            ledger=list(self.entries),
            leads=[lead_row(1, lead) for lead in self.leads.values()],
            keys=keys,
            lane=(len(self.entries), self.last_id, len(self.leads)),
            extras=dict(self.extras),
        )

    def upsert(self, field_name: str, value: Any, /, **rest: Any) -> Operation:
        """Upsert: `sent` and `answered` are times, `leads` an older state, the rest properties."""
        times = {name: rest.pop(name) for name in ("sent", "answered", "leads") if name in rest}
        match = {"field_name": field_name, "field_value": value}
        payload = json_text({"properties": _properties(rest), "match": match})
        return self.write(Action.UPSERT, None, payload, **times)

    def upsert_custom(self, value: Any, /, **rest: Any) -> Operation:
        match = {"custom_field_definition_id": FIELD.id, "value": value}
        return self.upsert("custom", match, **rest)

    def create(self, **rest: Any) -> Operation:
        times = {name: rest.pop(name) for name in ("sent", "answered", "leads") if name in rest}
        return self.write(Action.CREATE, None, json_text(_properties(rest)), **times)

    def update(self, lead_id: int | None, **rest: Any) -> Operation:
        times = {name: rest.pop(name) for name in ("sent", "answered", "leads") if name in rest}
        return self.write(Action.UPDATE, lead_id, json_text(_properties(rest)), **times)

    def delete(self, lead_id: int | None, **times: Any) -> Operation:
        return self.write(Action.DELETE, lead_id, "", **times)

    def switch(self, *, is_filterable: bool, **times: Any) -> Operation:
        """Switch the definition in or out of filters; its index is complete immediately."""
        number = self._next_number()
        body = {"is_filterable": is_filterable, "connected_id": number}
        request_id, payload = f"request-{number}", json_text(body)
        delivery = Delivery(request_id, None, None, payload)
        resource = Resource.CUSTOM_FIELD_DEFINITION
        write = SettingsWrite(resource, Action.UPDATE, delivery, FIELD.id, body)
        plan = plan_settings_change(write, self.settings, last_id=self.last_id, in_use=lambda: 0)
        if plan.saved_field is not None:
            state = IndexState.READY if is_filterable else IndexState.NONE
            field = msgspec.structs.replace(plan.saved_field, index_state=state)
            self.settings = replace(self.settings, fields=(field,))
            for lead in self.leads.values():
                self._index(lead)
        seq = len(self.entries) + 1
        changes = json_text(plan.changes) if plan.changes else None
        self.entries.append(
            LedgerEntry(
                *(1, seq, NOW, request_id, str(resource), FIELD.id, "update", str(plan.outcome)),
                *(None, None, None, payload, None, changes, None),
                *(None, None, None, KEY_RULES),
            )
        )
        answer = Answer(200, request_id, plan.outcome, None, None, None, b"{}")
        asked = Item(resource, Action.UPDATE, FIELD.id, payload)
        return self._recorded(asked, answer, **times)

    def write(
        self,
        action: Action,
        lead_id: int | None,
        payload: str,
        *,
        leads: dict[int, Lead] | None = None,
        **times: float,
    ) -> Operation:
        """Write on the leads as they are or, like a broken engine, as they once were."""
        request_id = f"request-{self._next_number()}"
        delivery = Delivery(request_id, None, None, payload)
        lead_write = read_lead_write(action, lead_id, payload, delivery=delivery)
        ready = checked_write(lead_write, self.settings)
        seen = self.leads if leads is None else leads
        matches = {}
        for at in keys_needed([ready]):
            # The index has the match keys that the leads had at the time.
            found = (one for one in self._ids_by_key[at] if one in seen)
            matches[at] = sorted(one for one in found if at in self._keys(seen[one]))
        snapshot = Snapshot(seen, matches)
        plan = plan_batch([ready], snapshot, self.settings, now=NOW, last_id=self.last_id)
        for lead in plan.created + plan.updated:
            self.leads[lead.id] = lead
            self._index(lead)
        for deleted in plan.deleted:
            # A broken engine may delete a lead that is already gone.
            self.leads.pop(deleted, None)
        self.last_id = plan.last_id
        (result,) = plan.results
        row = ledger_entry(1, len(self.entries) + 1, NOW, lead_write, result)
        self.entries.append(LedgerEntry(*row))
        if result.details is not None:
            details = json_text(result.details)
            self.extras[len(self.entries)] = RowExtras(details=details)
        answer = self._answer(request_id, result)
        return self._recorded(Item(LEAD, action, lead_id, payload), answer, **times)

    def _index(self, lead: Lead) -> None:
        for key in self._keys(lead):
            self._ids_by_key[key].add(lead.id)

    def _keys(self, lead: Lead) -> set[tuple[str, str]]:
        return {(key.field, key.value) for key in lead_keys(lead, self.settings)}

    def _answer(self, request_id: str, result: WriteResult) -> Answer:
        headers = receipt_headers(result)
        status, body = 200, b""
        if result.refusal is not None:
            status = STATUS_BY_KIND[result.refusal.kind].value
            body = bytes(error_response(result.refusal).body)
        elif result.outcome is Outcome.DELETED:
            assert result.lead is not None
            body = msgspec.json.encode({"id": result.lead.id, "is_deleted": True})
        else:
            assert result.lead is not None
            body = msgspec.json.encode(lead_body(result.lead, self.settings))
        return Answer(
            *(status, request_id, result.outcome, headers["Lead-Changed"]),
            *(headers.get("Lead-Match"), headers.get("ETag"), body),
            *(headers.get("Lead-Ignored"), headers.get("Lead-Shares")),
            row=str(len(self.entries)),
        )

    def _next_number(self) -> int:
        return len(self.operations) + 1

    def _recorded(
        self,
        asked: Item,
        answer: Answer,
        *,
        sent: float | None = None,
        answered: float | None = None,
    ) -> Operation:
        """Record an operation; without times it comes after all others."""
        number = self._next_number()
        is_answered = answered != inf
        operation = Operation(
            number=number,
            client=number,
            resource=asked.resource,
            action=asked.action,
            resource_id=asked.resource_id,
            payload=asked.payload,
            sent=number if sent is None else sent,
            answered=number + 0.5 if answered is None else answered,
            answer=answer if is_answered else None,
        )
        self.operations.append(operation)
        return operation


def answered_lead(operation: Operation) -> int:
    """Return the id of the lead in the answer to an operation."""
    assert operation.answer is not None
    lead_id: int = msgspec.json.decode(operation.answer.body)["id"]
    return lead_id


def _properties(short: dict[str, Any]) -> dict[str, Any]:
    """Build the properties from short forms of the e-mail and the custom field."""
    properties = dict(short)
    if "email" in short:
        properties["email"] = {"email": short["email"]}
    if "number" in short:
        value = properties.pop("number")
        properties["custom_fields"] = [{"custom_field_definition_id": FIELD.id, "value": value}]
    return properties
