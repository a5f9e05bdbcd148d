"""Builders of test data: valid by default, so that a test names only what it is about."""

from __future__ import annotations

from typing import Any

import msgspec

from onelead.domain.account import AccountSettings, CustomerSource, LeadStatus, User
from onelead.domain.custom_fields import TYPES_WITH_OPTIONS, CustomField, DataType, Option
from onelead.domain.lead import Lead
from onelead.domain.matching import Match
from onelead.domain.names import split_name
from onelead.domain.properties import LeadPatch
from onelead.domain.writes import Action, Delivery, LeadWrite


def a_settings(**changed: Any) -> AccountSettings:
    """Build the settings of an account with the default pick lists and no definitions."""
    attributes: dict[str, Any] = {
        "account_id": 1,
        "version": 1,
        "name": "Shop Ltd",
        "time_zone": "America/Chicago",
        "currency": "USD",
        "users": (User(901, "Dana Poe", "dana@shop.example"),),
        "statuses": (
            LeadStatus(2001, "New", is_default=True),
            LeadStatus(2002, "Open"),
            LeadStatus(2003, "Unqualified"),
            LeadStatus(2004, "Junk"),
        ),
        "sources": (
            CustomerSource(3101, "Email"),
            CustomerSource(3102, "Cold Call"),
            CustomerSource(3103, "Advertising"),
        ),
        "fields": (),
    }
    return AccountSettings(**attributes | changed)


def a_field(**changed: Any) -> CustomField:
    """Build a definition on leads that is not indexed; a type with options gets two."""
    attributes: dict[str, Any] = {
        "id": 4101,
        "name": "Customer number",
        "data_type": DataType.STRING,
        "available_on": ("lead",),
    }
    if changed.get("data_type") in TYPES_WITH_OPTIONS:
        attributes["options"] = (Option(5101, "Silver"), Option(5102, "Gold"))
    if changed.get("data_type") is DataType.CURRENCY:
        attributes["currency"] = "USD"
    return CustomField(**attributes | changed)


def a_delivery(**changed: Any) -> Delivery:
    """Build the delivery of a write that came through the API."""
    attributes: dict[str, Any] = {
        "request_id": "request-1",
        "user_id": 901,
        "api_key_id": 951,
        "payload": "{}",
    }
    return Delivery(**attributes | changed)


def a_lead(**changed: Any) -> Lead:
    """Build a lead with only a name and its parts."""
    attributes: dict[str, Any] = {
        "id": 71_000_001,
        "version": 1,
        "name": "Nora Field",
        "status_id": 2001,
        "date_created": 1_700_000_000,
        "date_modified": 1_700_000_000,
    }
    attributes |= changed
    return Lead(**split_name(attributes["name"]) | attributes)


def a_patch(**properties: Any) -> LeadPatch:
    """Build a patch from properties as in JSON."""
    return msgspec.convert(properties, LeadPatch)


def a_write(action: Action = Action.CREATE, **changed: Any) -> LeadWrite:
    """Build a write from `properties` and `match` as in JSON."""
    attributes: dict[str, Any] = {"action": action, "delivery": a_delivery()}
    if action is not Action.DELETE:
        attributes["patch"] = a_patch(**changed.pop("properties", {"name": "Nora Field"}))
    if "match" in changed:
        changed["match"] = msgspec.convert(changed["match"], Match)
    return LeadWrite(**attributes | changed)
