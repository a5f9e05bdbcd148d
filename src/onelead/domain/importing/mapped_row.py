"""What a row of a file means as a write."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, structs

from onelead.domain.errors import Problem
from onelead.domain.properties import AddressPatch, LeadPatch


class MappedRow(Struct, gc=False):
    """A row as an upsert, in the JSON of the API."""

    properties: dict[str, Any]
    #: None for a row that is matched by nothing.
    match: dict[str, Any] | list[dict[str, Any]] | None = None
    #: As policies name them.
    if_empty: tuple[str, ...] = ()
    #: Unix seconds.
    date_created: int | None = None
    #: Sentences about cells that were left out or changed.
    remarks: list[str] = []
    #: With any, the row is refused.
    problems: list[Problem] = []
    #: The cells that have a target, in the order of the targets.
    key_cells: tuple[str, ...] = ()


def with_other_parts(patch: LeadPatch, properties: dict[str, Any]) -> LeadPatch:
    """Return the patch of a row, which leaves parts of the address that have no cell as they are.

    A row that has a new city alone would otherwise clear the street.
    """
    address = properties.get("address")
    if not isinstance(address, dict):
        return patch
    parts = {part: address.get(part, UNSET) for part in AddressPatch.__struct_fields__}
    return structs.replace(patch, address=AddressPatch(**parts))


def custom_entry(row: MappedRow, definition_id: int) -> dict[str, Any] | None:
    """Return the entry of a custom field that a row has, with its `value`; None without one."""
    entries: list[dict[str, Any]] = row.properties.get("custom_fields", [])
    return next(
        (one for one in entries if one["custom_field_definition_id"] == definition_id), None
    )


def set_custom_value(row: MappedRow, definition_id: int, value: Any) -> None:
    """Give a row the value of a custom field."""
    entry = {"custom_field_definition_id": definition_id, "value": value}
    row.properties.setdefault("custom_fields", []).append(entry)
