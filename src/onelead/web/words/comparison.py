"""Leads side by side, field by field, beside what was delivered, to see which one is meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from onelead.domain.account import AccountSettings
from onelead.domain.lead import CHANGEABLE_FIELDS, Lead, custom_name
from onelead.domain.limits import COMPARED_CELLS_MAX
from onelead.domain.names import NAME_PARTS, join_name
from onelead.domain.properties import checked
from onelead.incoming.lead_json import lead_patch
from onelead.web.words.lead_texts import field_label, field_text

#: The name says all that its parts say.
_FIELDS = tuple(field for field in CHANGEABLE_FIELDS if field not in NAME_PARTS)


class Cell(Struct, frozen=True):
    """A lead's value of one field; an empty text stands for none."""

    text: str
    #: Whether it is another value than what was delivered, or else than most of the leads have.
    differs: bool = False


class Row(Struct, frozen=True):
    """One field of all the leads."""

    label: str
    #: What was delivered; empty when this field was not.
    delivered: str
    #: One a lead, in order.
    cells: Sequence[Cell]


class Comparison(Struct, frozen=True):
    """Leads side by side."""

    leads: Sequence[Lead]
    #: Those fields that any lead has a value of, or that were delivered.
    rows: Sequence[Row]
    #: How many more there are: of very many, those stay in which the leads differ.
    more_rows: int
    #: Ids that were named and whose leads are not there any more.
    deleted: Sequence[int]
    has_delivered: bool


def comparison(
    leads: Sequence[Lead], ids: Sequence[int], properties: Any, settings: AccountSettings
) -> Comparison:
    """Put the leads of the ids side by side; `properties` as they were delivered, if readable."""
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
    """Write a field of a lead; a custom one by its name among the fields."""
    if name in CHANGEABLE_FIELDS:
        return field_text(name, getattr(lead, name), settings)
    definition_id = int(name.rpartition(".")[2])
    return field_text(name, lead.custom_fields.get(definition_id), settings)


def delivered_texts(properties: Any, settings: AccountSettings) -> dict[str, str]:
    """Write delivered properties as a lead would have them; what is not readable is left out."""
    patch, _problems = lead_patch(properties, "properties")
    if patch is None:
        return {}
    read = checked(patch, settings)
    unreadable = {problem.attribute for problem in read.problems}
    values = {name: value for name, value in read.fields.items() if name not in unreadable}
    parts = {part: read.name_parts.get(part) for part in NAME_PARTS}
    values["name"] = read.name or join_name(parts)
    values |= {custom_name(number): value for number, value in read.custom_fields.items()}
    texts = {name: field_text(name, value, settings) for name, value in values.items()}
    return {name: text for name, text in texts.items() if text}
