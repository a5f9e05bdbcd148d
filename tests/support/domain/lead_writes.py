"""Builders of writes, each with a request id of its own.

A write carries itself as its payload, so that a replay of the ledger can read it back.
"""

from __future__ import annotations

import itertools
import secrets
from typing import Any

import msgspec
from tests.support.domain.builders import a_delivery, a_patch

from onelead.contract.ledger import LedgerEntry, RowExtras
from onelead.domain.matching import Match
from onelead.domain.settings.change import Resource, SettingsWrite
from onelead.domain.writes import Action, LeadWrite

_numbers = itertools.count(1)
_PROCESS = secrets.token_hex(4)


def create(**properties: Any) -> LeadWrite:
    return recorded(Action.CREATE, patch=_patch(properties))


def update(lead_id: int, **properties: Any) -> LeadWrite:
    return recorded(Action.UPDATE, lead_id=lead_id, patch=_patch(properties))


def delete(lead_id: int) -> LeadWrite:
    return recorded(Action.DELETE, lead_id=lead_id)


def upsert(field_name: str, field_value: Any, **properties: Any) -> LeadWrite:
    match = Match(field_name, field_value)
    return recorded(Action.UPSERT, patch=_patch(properties), match=match)


def upsert_custom(definition_id: int, value: Any, **properties: Any) -> LeadWrite:
    field_value = {"custom_field_definition_id": definition_id, "value": value}
    return upsert("custom", field_value, **properties)


def recorded(action: Action, **parts: Any) -> LeadWrite:
    """Return a write that carries itself as its payload."""
    return rerecorded(LeadWrite(action, a_delivery(request_id=_request_id()), **parts))


def rerecorded(write: LeadWrite) -> LeadWrite:
    """Return a write that was changed with itself as its payload."""
    bare = msgspec.structs.replace(write.delivery, payload="")
    payload = msgspec.json.encode(msgspec.structs.replace(write, delivery=bare)).decode()
    delivery = msgspec.structs.replace(write.delivery, payload=payload)
    return msgspec.structs.replace(write, delivery=delivery)


def settings_write(
    resource: Resource, action: Action, body: dict[str, Any], of: int | None = None
) -> SettingsWrite:
    delivery = a_delivery(request_id=_request_id())
    write = SettingsWrite(resource, action, delivery, of, body)
    payload = msgspec.json.encode(write).decode()
    return msgspec.structs.replace(
        write, delivery=msgspec.structs.replace(delivery, payload=payload)
    )


def read_lead_write(entry: LedgerEntry, _extras: RowExtras | None = None) -> LeadWrite:
    """Rebuild a write from its ledger row."""
    write = msgspec.json.decode(entry.payload, type=LeadWrite)
    delivery = msgspec.structs.replace(write.delivery, payload=entry.payload)
    return msgspec.structs.replace(write, delivery=delivery)


def read_settings_write(entry: LedgerEntry) -> SettingsWrite:
    """Rebuild a settings change from its ledger row."""
    return msgspec.json.decode(entry.payload, type=SettingsWrite)


def _request_id() -> str:
    return f"request-{next(_numbers)}-{_PROCESS}"


def _patch(properties: dict[str, Any]) -> Any:
    """Build a patch from short forms of e-mails, phone numbers, profiles and custom fields."""
    patch = dict(properties)
    if isinstance(patch.get("email"), str):
        patch["email"] = {"email": patch["email"]}
    if "phone_numbers" in patch:
        patch["phone_numbers"] = [{"number": number} for number in patch["phone_numbers"]]
    if "socials" in patch:
        patch["socials"] = [{"url": url} for url in patch["socials"]]
    if "custom_fields" in patch:
        patch["custom_fields"] = [
            {"custom_field_definition_id": definition_id, "value": value}
            for definition_id, value in patch["custom_fields"].items()
        ]
    return a_patch(**patch)
