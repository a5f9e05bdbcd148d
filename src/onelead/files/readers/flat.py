"""Turns the JSON of a lead into columns with dotted names, such as `phone_numbers.0.number`."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Any

import msgspec

from onelead.domain.importing.limits import FILE_COLUMNS_MAX
from onelead.files.readers.errors import FileUnreadable
from onelead.files.readers.fingerprint import Watch
from onelead.files.readers.header import check_names
from onelead.files.readers.table import Reading, Row, Table

#: A line, and what it has by column; or the sentence that says why it cannot be read.
FlatRow = tuple[int, dict[str, str] | str]
FlatRows = Callable[[], Generator[FlatRow]]


def flat(value: dict[str, Any]) -> dict[str, str]:
    """Return the texts of a JSON object by their dotted names."""
    return {name: text for name, text in _texts("", value) if text}


def table_of(watch: Watch, reading: Reading, rows: FlatRows) -> Table:
    """Return the table whose columns are all that the rows have, in order of appearance.

    Raises FileUnreadable, FileTooLarge.
    """
    columns: dict[str, None] = {}
    fault = None
    with closing(rows()) as found:
        for line, cells in found:
            if isinstance(cells, str):
                fault = fault or f"Line {line}: {cells}"
            elif len(cells) <= FILE_COLUMNS_MAX:
                columns.update(dict.fromkeys(cells))
                check_names(columns, f"of all rows up to line {line}")
    if not columns:
        raise FileUnreadable(fault or "The file has no rows")
    return Table(watch, reading, tuple(columns), lambda: _rows(rows, tuple(columns)))


def _rows(rows: FlatRows, columns: tuple[str, ...]) -> Generator[Row]:
    with closing(rows()) as found:
        for line, cells in found:
            if isinstance(cells, str):
                yield Row(line, (), cells)
            elif len(cells) > FILE_COLUMNS_MAX:
                yield Row(line, (), f"The row has more than {FILE_COLUMNS_MAX:,} cells.")
            else:
                yield Row(line, [cells.get(column, "") for column in columns], None)


def _texts(name: str, value: Any) -> Iterator[tuple[str, str]]:
    match value:
        case dict():
            for key, member in value.items():
                if key == "custom_fields" and not name:
                    yield from _custom_fields(member)
                else:
                    yield from _texts(f"{name}.{key}" if name else key, member)
        case list():
            for at, entry in enumerate(value):
                yield from _texts(f"{name}.{at}", entry)
        case _:
            yield name, _text(value)


def _custom_fields(entries: Any) -> Iterator[tuple[str, str]]:
    """Name a custom field by its definition, wherever it is in the list."""
    if isinstance(entries, dict):
        # As a lead is stored: by the ids of the definitions.
        entries = [
            {"custom_field_definition_id": key, "value": value} for key, value in entries.items()
        ]
    for at, entry in enumerate(entries if isinstance(entries, list) else [entries]):
        match entry:
            case {"custom_field_definition_id": int() | str() as definition_id, "value": value}:
                values = value if isinstance(value, list) else [value]
                yield f"custom:{definition_id}", "; ".join(map(_text, values))
            case _:
                yield from _texts(f"custom_fields.{at}", entry)


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case dict() | list():
            return msgspec.json.encode(value).decode()
    return str(value)
