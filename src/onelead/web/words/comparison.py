"""Leads side by side, field by field, next to the delivery, to see which lead it means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from onelead.domain.account import AccountSettings
from onelead.domain.lead import (
    CHANGEABLE_FIELDS,
    DEFAULT_CATEGORIES,
    Lead,
    custom_name,
    with_categories,
)
from onelead.domain.limits import COMPARED_CELLS_MAX
from onelead.domain.names import NAME_PARTS, join_name
from onelead.domain.properties import checked
from onelead.incoming.lead_json import lead_patch
from onelead.web.words.lead_texts import field_label, field_text

#: The name contains all of its parts.
_FIELDS = tuple(field for field in CHANGEABLE_FIELDS if field not in NAME_PARTS)


class Cell(Struct, frozen=True):
    """A lead's value of one field; empty for no value."""

    text: str
    #: Whether it differs from the delivered value, or without one from most of the leads.
    differs: bool = False


class Row(Struct, frozen=True):
    """One field across all the leads."""

    label: str
    #: The delivered value; empty when this field was not delivered.
    delivered: str
    #: One per lead, in order.
    cells: Sequence[Cell]


class Comparison(Struct, frozen=True):
    """Leads side by side."""

    leads: Sequence[Lead]
    #: The fields that any lead has a value for, or that were delivered.
    rows: Sequence[Row]
    #: How many rows were left out; when there are too many, only those that differ stay.
    more_rows: int
    #: Ids whose leads no longer exist.
    deleted: Sequence[int]
    has_delivered: bool


def comparison(
    leads: Sequence[Lead], ids: Sequence[int], properties: Any, settings: AccountSettings
) -> Comparison:
    """Put the leads with these ids side by side; `properties` as delivered, if readable."""
    found = [lead for lead in leads if lead.id in ids]
    delivered = delivered_texts(properties, settings)
    names = [*_FIELDS, *(custom_name(field.id) for field in settings.lead_fields)]
    rows = [
        _row(name, [lead_text(lead, name, settings) for lead in found], delivered, settings)
        for name in names
    ]
    filled = [row for row in rows if row.delivered or any(cell.text for cell in row.cells)]
    kept = _most_telling(filled, COMPARED_CELLS_MAX // max(len(found), 1))
    return Comparison(
        leads=found,
        rows=kept,
        more_rows=len(filled) - len(kept),
        deleted=sorted(set(ids) - {lead.id for lead in found}),
        has_delivered=bool(delivered),
    )


def _most_telling(rows: list[Row], most: int) -> list[Row]:
    if len(rows) <= most:
        return rows
    return [row for row in rows if any(cell.differs for cell in row.cells)][:most]


def _row(
    name: str, texts: Sequence[str], delivered: Mapping[str, str], settings: AccountSettings
) -> Row:
    wanted = delivered.get(name, "")
    expected = wanted or (Counter(texts).most_common(1)[0][0] if texts else "")
    cells = [Cell(text, text != expected) for text in texts]
    return Row(field_label(name, settings), wanted, cells)


def lead_text(lead: Lead, name: str, settings: AccountSettings) -> str:
    """Write a field of a lead; a custom field is named as in `custom_name`."""
    if name in CHANGEABLE_FIELDS:
        return field_text(name, getattr(lead, name), settings)
    definition_id = int(name.rpartition(".")[2])
    return field_text(name, lead.custom_fields.get(definition_id), settings)


def delivered_texts(properties: Any, settings: AccountSettings) -> dict[str, str]:
    """Write delivered properties as a lead would have them; unreadable ones are left out."""
    patch, _problems = lead_patch(properties, "properties")
    if patch is None:
        return {}
    read = checked(patch, settings)
    unreadable = {problem.attribute for problem in read.problems}
    values = {name: value for name, value in read.fields.items() if name not in unreadable}
    for name in DEFAULT_CATEGORIES.keys() & values.keys():
        values[name] = with_categories(name, values[name], ())
    parts = {part: read.name_parts.get(part) for part in NAME_PARTS}
    values["name"] = read.name or join_name(parts)
    values |= {custom_name(number): value for number, value in read.custom_fields.items()}
    texts = {name: field_text(name, value, settings) for name, value in values.items()}
    return {name: text for name, text in texts.items() if text}
