"""Leads on the wire, and how tests build and compare whole answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from tests.support.api.answers import assert_body
from tests.support.api.service import Service, database_in

from onelead.storage.schema import metadata

#: The keys of a lead in an answer, in the documented order.
LEAD_KEYS = (
    *("id", "name", "prefix", "first_name", "last_name", "middle_name", "suffix", "address"),
    *("assignee_id", "company_name", "customer_source_id", "details", "email"),
    *("interaction_count", "monetary_unit", "monetary_value", "socials", "status", "status_id"),
    *("tags", "title", "websites", "phone_numbers", "custom_fields", "date_created"),
    *("date_modified", "date_last_contacted"),
)

TOO_LONG = "is too long (maximum is 255 characters)"
#: Values of every kind that are not a positive integer.
NO_IDS: tuple[Any, ...] = (0, -1, 1.5, True, "test", "-1", "1.5", [1], {"id": 1})

#: One definition a data type, two values for it as sent, and those values as answered.
#: Option ids are written as the place of the option in the definition.
CUSTOM_VALUES: dict[str, tuple[Any, Any, Any, Any]] = {
    "String": ("A-77", "B-12", "A-77", "B-12"),
    "Text": ("a long\nstory", "another", "a long\nstory", "another"),
    "URL": ("https://a.example/x", "b.example", "https://a.example/x", "b.example"),
    "Dropdown": ("#0", "#1", "#0", "#1"),
    "MultiSelect": (["#0"], ["#1"], ["#0"], ["#1"]),
    "Date": ("12/15/2020", 1_594_000_000, 1_608_019_200, 1_593_932_400),
    "Checkbox": (True, False, True, False),
    "Float": (789, 1.25, 789.0, 1.25),
    "Currency": ("55.5", 60, 55.5, 60.0),
    "Percentage": (95, 50, 95, 50),
}
DATA_TYPES = tuple(CUSTOM_VALUES)


def with_option_ids(value: Any, definition: Mapping[str, Any]) -> Any:
    """Replace `#0` and `#1` by the ids of a definition's options."""
    if isinstance(value, list):
        return [with_option_ids(entry, definition) for entry in value]
    if isinstance(value, str) and value.startswith("#"):
        return definition["options"][int(value[1:])]["id"]
    return value


def entry(definition: Mapping[str, Any], value: Any) -> dict[str, Any]:
    """Build the entry of a custom field, for a lead or a match."""
    return {"custom_field_definition_id": definition["id"], "value": value}


async def a_lead_body(service: Service, **changed: Any) -> dict[str, Any]:
    """Build the answer for a lead with only a name, made now, and with the given differences."""
    settings = await service.store.settings(service.account.account_id)
    body: dict[str, Any] = dict.fromkeys(LEAD_KEYS)
    body |= {"name": "Nora Field", "first_name": "Nora", "last_name": "Field"}
    body |= {"interaction_count": 0, "custom_fields": []}
    body |= {"socials": [], "tags": [], "websites": [], "phone_numbers": []}
    body |= {"status": settings.default_status.name, "status_id": settings.default_status.id}
    body |= {"date_created": service.clock.now, "date_modified": service.clock.now}
    assert changed.keys() <= body.keys()
    return body | changed


async def status_ids(service: Service) -> dict[str, int]:
    """Return the ids of the lead statuses by name."""
    settings = await service.store.settings(service.account.account_id)
    return {status.name: status.id for status in settings.statuses}


async def source_ids(service: Service) -> dict[str, int]:
    """Return the ids of the customer sources by name."""
    settings = await service.store.settings(service.account.account_id)
    return {source.name: source.id for source in settings.sources}


async def stored_lead(service: Service, lead_id: int) -> dict[str, Any]:
    """Fetch a lead that must exist."""
    response = await service.client.get(f"/leads/{lead_id}")
    assert response.status_code == 200, response.text
    return dict(response.json())


def assert_lead(response: httpx.Response, expected: Mapping[str, Any]) -> None:
    """The answer is exactly this lead, every key in the documented order."""
    assert_body(response, 200, {key: expected[key] for key in LEAD_KEYS})


def assert_receipt(response: httpx.Response, **expected: str | None) -> None:
    """The answer has exactly these receipt headers; `lead_match` stands for `Lead-Match`."""
    names = ("Lead-Outcome", "Lead-Changed", "ETag", "Lead-Match")
    wanted = {name: expected.get(name.lower().replace("-", "_")) for name in names}
    assert {name: response.headers.get(name) for name in names} == wanted
    assert response.headers["X-Request-Id"].startswith("request-")


def table_rows(folder: Path, table: str) -> list[dict[str, Any]]:
    """Read a whole table of the service that runs on the folder, in the order of its key."""
    declared = metadata.tables[table]
    names = [column.name for column in declared.c]
    key = [column.name for column in declared.primary_key]
    rows = database_in(folder).rows(
        f"SELECT {', '.join(names)} FROM {table} ORDER BY {', '.join(key)}"
    )
    return [dict(zip(names, row, strict=True)) for row in rows]


def written(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Read the rows, other than the ledger, that a lead write can change."""
    return {table: table_rows(folder, table) for table in ("lead", "match_key")}
