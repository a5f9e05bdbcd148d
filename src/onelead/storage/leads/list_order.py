"""The orders of a list that the engines do not have: by custom fields, and with empty values last.

Only Python folds text, so the values are read and sorted here, and only those of few leads.
Portable.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Text, cast, func

from onelead.domain.custom_fields import NUMBER_TYPES, CustomField, DataType
from onelead.domain.limits import SORT_KEY_CHARS_MAX
from onelead.domain.search import LAST_CONTACTED, CheckedSearch, CursorPlace, SortValue, list_order
from onelead.storage.leads.conditions import InDocument
from onelead.storage.schema import lead

#: A complete id in a list of ids whose end may be cut off.
_WHOLE_ID = re.compile(r"\d+(?=[],\s])")


class Row(NamedTuple):
    """A lead of a list, and what it is sorted by."""

    sort_value: SortValue
    id: int


class ListOrder(NamedTuple):
    """An order made in Python: what a statement reads for it, and how that becomes a sort value."""

    stored: ColumnElement[Any]
    sort_value: Callable[[Any], SortValue]

    def page(
        self, found: list[Any], place: CursorPlace | None, *, descends: bool, limit: int
    ) -> list[Row]:
        """Sort everything that was found, and return the rows after a place."""
        rows = [Row(self.sort_value(row.sort_value), row.id) for row in found]
        if place is not None:
            there = Row(place.sort_value, place.lead_id)
            rows = [row for row in rows if (row < there if descends else row > there)]
        rows.sort(key=attrgetter("sort_value", "id"), reverse=descends)
        return rows[:limit]


def order_in_python(checked: CheckedSearch) -> ListOrder | None:
    """Return the order of a search; None for one that the engines have."""
    field = checked.sorted_field
    place = list_order(field, descending=checked.search.descending)
    if checked.search.sort_by == LAST_CONTACTED:
        return ListOrder(lead.c.date_last_contacted, place)
    if field is None:
        return None

    def sort_value(stored: Any) -> SortValue:
        return place(None if stored is None else _read(field, stored))

    return ListOrder(_stored(field), sort_value)


def _stored(field: CustomField) -> ColumnElement[Any]:
    value = InDocument(lead.c.document, "custom_fields", str(field.id))
    if field.data_type in NUMBER_TYPES | {DataType.CHECKBOX, DataType.DROPDOWN}:
        return value
    # A text may be far longer than the part that it is sorted by.
    return func.substr(cast(value, Text), 1, SORT_KEY_CHARS_MAX)


def _read(field: CustomField, stored: Any) -> Any:
    """Read a value as either engine returns it: typed, or as text."""
    match field.data_type:
        case DataType.CHECKBOX:
            return str(stored).lower() in ("1", "true")
        case DataType.DROPDOWN:
            return int(stored)
        case DataType.MULTI_SELECT:
            return [int(text) for text in _WHOLE_ID.findall(stored)]
    return float(stored) if field.data_type in NUMBER_TYPES else stored
