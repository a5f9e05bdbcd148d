"""The mapper: from a row of a file to a write, by a mapping and the settings.

A mapping is compiled once, into one function for each column; a row then costs its filled cells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from onelead.domain.account import AccountSettings
from onelead.domain.errors import Problem
from onelead.domain.importing.cells import TEST_LEAD, cleaner, file_placeholders, unwrapped
from onelead.domain.importing.choices import choices_of
from onelead.domain.importing.headers import match_part
from onelead.domain.importing.mapped_row import MappedRow, custom_entry, set_custom_value
from onelead.domain.importing.mapping import Column, Mapping, require_usable
from onelead.domain.importing.takers import (
    Context,
    Take,
    TakeEntry,
    address_taker,
    amount_taker,
    category_of,
    choice_taker,
    custom_taker,
    details_taker,
    email_taker,
    link_taker,
    moment_taker,
    phone_taker,
    tags_taker,
    text_taker,
)
from onelead.domain.importing.targets import (
    CATEGORIES,
    CUSTOM,
    NEW,
    base_of,
    field_of_target,
)
from onelead.domain.limits import LINE_CHARS_MAX
from onelead.domain.names import NAME_PARTS, join_name
from onelead.domain.text import fold

#: Columns for the same field are read in this order: what the others add to comes first.
_FIRST = ("details", "email", "email:work", "email:personal", "email:other", "address.street")
_ORDER = {target: place for place, target in enumerate(_FIRST)}
_LISTS = {"phone": "phone_numbers", "website": "websites", "social": "socials"}
_IDS = {"status": "status_id", "assignee": "assignee_id", "customer_source": "customer_source_id"}
#: What an empty cell cannot clear: every lead has one, or it is no property.
_KEPT = frozenset({"name", *NAME_PARTS, "status", "monetary_unit", "date_created"})


class Mapper:
    """Maps the rows of one file."""

    def __init__(self, mapping: Mapping, settings: AccountSettings) -> None:
        """Compile a mapping. Raises InputInvalid for one that these settings do not allow."""
        require_usable(mapping, settings)
        self._mapping = mapping
        self._word = fold(mapping.clearing_word) if mapping.clearing_word else None
        self._clears_blank = mapping.blank == "clears"
        nothing = file_placeholders(settings)
        self._clean = cleaner(nothing)
        columns = [
            (place, column)
            for place, column in enumerate(mapping.columns)
            if column.target and not column.target.startswith(NEW)
        ]
        columns.sort(key=lambda one: _ORDER.get(one[1].target or "", len(_ORDER)))
        self._steps: list[tuple[int, Take]] = []
        self._paired: list[tuple[int, int, str, TakeEntry]] = []
        self._clears: list[tuple[int, Callable[[MappedRow], None]]] = []
        for place, column in columns:
            context = Context(column, mapping, settings, cleaner(nothing))
            self._compile(place, context, columns)
        self._match_parts = [
            (place, part)
            for place, column in enumerate(mapping.columns)
            if column.target is None and (part := match_part(column.header))
        ]
        by_target = sorted((column.target or "", place) for place, column in columns)
        by_target += [(part, place) for place, part in self._match_parts]
        #: The targets of the key cells.
        self.key_prefix = "\x1f".join(target for target, _ in by_target)
        self._key_cells = _getter([place for _, place in by_target])
        self._fills = _filled_fields([column for _, column in columns])

    def _compile(self, place: int, context: Context, columns: list[tuple[int, Column]]) -> None:
        target = context.column.target or ""
        base = base_of(target)
        if base.endswith(".category"):
            return
        if base in CATEGORIES:
            take = _entry_taker(base, context)
            beside = _category_place(place, base, columns)
            if beside is None:
                self._steps.append((place, take))
            else:
                self._paired.append((place, beside, base, take))
        else:
            self._steps.append((place, _taker(context)))
        if (self._clears_blank or self._word is not None) and base not in _KEPT:
            self._clears.append((place, _clearer(target)))

    def key_cells(self, cells: Sequence[str]) -> tuple[str, ...]:
        """Return the cells of a row that have a target, in the order of the targets."""
        return self._key_cells(cells)

    def row(self, cells: Sequence[str]) -> MappedRow:
        """Return what a row means; it has a cell for each column."""
        row = MappedRow({}, key_cells=self._key_cells(cells))
        if self._clears:
            cells = self._cleared(cells, row)
        for place, take in self._steps:
            if text := cells[place]:
                take(text, row)
        for place, beside, kind, take_entry in self._paired:
            if text := cells[place]:
                take_entry(text, row, category_of(kind, cells[beside]))
        if TEST_LEAD in "\n".join(cells):
            row.problems.append(Problem("base", "is a test lead of Facebook, not a person"))
        brought = self._brought_match(cells) if self._match_parts else None
        if brought is None or brought["field_name"] != "name":
            self._name(row, brought)
        row.match = brought or self._match(row)
        if self._fills:
            row.if_empty += self._fills
        return row

    def _cleared(self, cells: Sequence[str], row: MappedRow) -> Sequence[str]:
        """Clear the fields of the cells that say so, and return the row without these."""
        rest = list(cells)
        for place, clear in self._clears:
            text = unwrapped(cells[place])
            if self._word is not None and fold(text) == self._word:
                rest[place] = ""
                clear(row)
            elif self._clears_blank and not self._clean(text):
                clear(row)
        return rest

    def _name(self, row: MappedRow, brought: dict[str, Any] | None) -> None:
        """Leave one way to name the lead, or borrow another value of the row for its name."""
        properties = row.properties
        first, last = properties.get("first_name"), properties.get("last_name")
        if properties.get("name"):
            if first and last:
                # The parts say which word is what.
                del properties["name"]
            else:
                for part in NAME_PARTS:
                    properties.pop(part, None)
        elif not (first or last or properties.get("middle_name")):
            borrowed = _other_text(properties) or (brought and _match_text(brought))
            if not borrowed:
                row.problems.append(Problem("base", "has nothing to import", "blank"))
            elif self._mapping.mode != "update":
                properties["name"] = borrowed[:LINE_CHARS_MAX]
                row.if_empty = (*row.if_empty, "name")

    def _brought_match(self, cells: Sequence[str]) -> dict[str, Any] | None:
        """Return the match that a row of a bulk call brings."""
        parts = {part: text for place, part in self._match_parts if (text := cells[place])}
        name, value = parts.get("name"), parts.get("value")
        if not name or not value:
            return None
        if definition_id := parts.get("definition_id"):
            named = {"custom_field_definition_id": definition_id, "value": value}
            return {"field_name": name, "field_value": named}
        return {"field_name": name, "field_value": value}

    def _match(self, row: MappedRow) -> dict[str, Any] | list[dict[str, Any]] | None:
        steps = []
        for field in self._mapping.match:
            value = self._match_value(field, row)
            if value:
                name = "custom" if field.startswith(CUSTOM) else field
                steps.append({"field_name": name, "field_value": value})
        return steps if len(steps) > 1 else (steps[0] if steps else None)

    def _match_value(self, field: str, row: MappedRow) -> Any:
        properties = row.properties
        if field == "email":
            return (properties.get("email") or {}).get("email")
        if field == "name":
            parts = {part: properties.get(part) for part in NAME_PARTS}
            return properties.get("name") or join_name(parts)
        definition_id = int(field.removeprefix(CUSTOM))
        entry = custom_entry(row, definition_id)
        return None if entry is None or entry["value"] is None else entry


def _getter(places: list[int]) -> Callable[[Sequence[str]], tuple[str, ...]]:
    if len(places) > 1:
        return itemgetter(*places)
    return lambda cells: tuple(cells[place] for place in places)


def _filled_fields(columns: list[Column]) -> tuple[str, ...]:
    """Return the fields that are only filled: all of their columns say so."""
    fields: dict[str, bool] = {}
    for column in columns:
        if column.target and column.target != "date_created" and "category" not in column.target:
            field = field_of_target(column.target)
            fields[field] = fields.get(field, True) and column.fill
    return tuple(field for field, is_filled in fields.items() if is_filled)


def _other_text(properties: dict[str, Any]) -> str | None:
    """Return what a lead without a name is called; None when it has nothing else."""
    found = [properties.get("company_name")]
    found.append((properties.get("email") or {}).get("email"))
    for name, member in (("phone_numbers", "number"), ("websites", "url"), ("socials", "url")):
        found += [entry[member] for entry in properties.get(name, ())]
    found += [properties.get("title"), *(properties.get("address") or {}).values()]
    found += [entry["value"] for entry in properties.get("custom_fields", ())]
    found += [*properties.get("tags", ()), (properties.get("details") or "").partition("\n")[0]]
    found.append(properties.get("monetary_value"))
    return next((one for one in found if isinstance(one, str) and one), None)


def _match_text(match: dict[str, Any]) -> str:
    value = match["field_value"]
    return str(value["value"] if isinstance(value, dict) else value)


def _taker(context: Context) -> Take:
    target = context.column.target or ""
    if target.startswith("address"):
        return address_taker(target.partition(".")[2], context.clean)
    if target.startswith(CUSTOM):
        return custom_taker(context)
    if choices := choices_of(target, context.settings, context.mapping.choices):
        return choice_taker(_IDS[target], choices, context)
    if make := _TAKERS.get(target):
        return make(context)
    return text_taker(target, context.clean)


_TAKERS: dict[str, Callable[[Context], Take]] = {
    "details": lambda context: details_taker(context.clean),
    "tags": lambda context: tags_taker(context.clean),
    "monetary_value": amount_taker,
    "date_created": moment_taker,
}


def _entry_taker(kind: str, context: Context) -> TakeEntry:
    if kind == "email":
        return email_taker(context)
    return phone_taker(context) if kind == "phone" else link_taker(_LISTS[kind], context)


def _category_place(place: int, kind: str, columns: list[tuple[int, Column]]) -> int | None:
    """Return the column with the category of another one: that with the same number, or in turn."""
    values = sorted(at for at, one in columns if base_of(one.target or "") == kind)
    headers = dict(columns)
    beside = sorted(at for at, one in columns if one.target == f"{kind}.category")
    numbers = {_digits(headers[at].header): at for at in beside}
    if (digits := _digits(headers[place].header)) and digits in numbers:
        return numbers[digits]
    turn = values.index(place)
    return beside[turn] if turn < len(beside) and not any(numbers) else None


def _digits(header: str) -> str:
    return "".join(filter(str.isdigit, header))


def _clearer(target: str) -> Callable[[MappedRow], None]:
    """Return the function that clears the field of a target."""
    base = base_of(target)
    if target.startswith(CUSTOM):
        definition_id = int(target.removeprefix(CUSTOM))
        return lambda row: set_custom_value(row, definition_id, None)
    if base.startswith("address"):
        part = base.partition(".")[2] or "street"
        return lambda row: row.properties.setdefault("address", {}).setdefault(part, None)
    if base in _LISTS or base == "tags":
        return lambda row: row.properties.setdefault(_LISTS.get(base, base), [])
    return lambda row: row.properties.setdefault(_IDS.get(base, base), None)
