"""Reads JSON: an object a line, or one array of objects.

An object is a lead as the API has it, a line of a bulk upsert, or a line of an export, of which
only the leads are rows.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import msgspec

from onelead.domain.errors import BodyMalformed
from onelead.domain.importing.limits import FILE_LINE_CHARS_MAX, JSON_FILE_BYTES_MAX
from onelead.files.readers.errors import FileTooLarge, FileUnreadable
from onelead.files.readers.fingerprint import Watch
from onelead.files.readers.flat import FlatRow, flat, table_of
from onelead.files.readers.table import Choices, Reading, Table
from onelead.files.readers.text import TextFile
from onelead.incoming.json_body import decode_object

#: How the first line of an export begins, and one with a lead.
_EXPORT = '{"kind":"export",'
_LEAD = '{"kind":"lead",'
_CONCERN_ABOUT_EXPORT = (
    "This is the export of an account; only its leads are read, as new deliveries. "
    "`onelead load` makes an account of all of it."
)


def open_json(path: Path, watch: Watch, choices: Choices) -> Table:
    """Find out encoding and columns. Raises FileUnreadable, FileTooLarge."""
    text = TextFile(path, choices.encoding)
    traits = text.traits(None)
    start = text.start()
    concerns = traits.concerns
    if start.startswith(_EXPORT):
        concerns += (_CONCERN_ABOUT_EXPORT,)
    reading = Reading(
        format="json", encoding=traits.encoding, samples=traits.samples, concerns=concerns
    )
    read = _array if start.lstrip().startswith("[") else _lines
    return table_of(watch, reading, lambda: read(text, watch.fingerprint.size))


def _lines(text: TextFile, _: int) -> Generator[FlatRow]:
    is_export = text.start().startswith(_EXPORT)
    for number, line in text.lines():
        if len(line) > FILE_LINE_CHARS_MAX:
            yield number, f"The line is longer than {FILE_LINE_CHARS_MAX:,} characters."
        elif not line.isspace() and not (is_export and not line.startswith(_LEAD)):
            yield number, _cells(line.encode())


def _array(text: TextFile, size: int) -> Generator[FlatRow]:
    if size > JSON_FILE_BYTES_MAX:
        raise FileTooLarge(
            f"A JSON array can be read up to {JSON_FILE_BYTES_MAX >> 20} MiB; "
            "write one object a line instead"
        )
    array = "".join(line for block in text.blocks() for line in block).encode()
    line, at = 1, 0
    for raw in _entries(array):
        entry = bytes(raw)
        begin = array.index(entry, at)
        line += array.count(b"\n", at, begin)
        yield line, _cells(entry)
        line += entry.count(b"\n")
        at = begin + len(entry)


def _entries(array: bytes) -> Iterator[msgspec.Raw]:
    try:
        return iter(msgspec.json.decode(array, type=list[msgspec.Raw]))
    except RecursionError:
        raise FileUnreadable("The JSON array is nested too deep") from None
    except msgspec.DecodeError as error:
        raise FileUnreadable(f"The JSON array cannot be read: {error}") from None


def _cells(line: bytes) -> dict[str, str] | str:
    try:
        body = decode_object(line)
    except BodyMalformed as error:
        return error.message.replace("Invalid input: the body", "The row", 1) + "."
    return flat(_lead(body))


def _lead(body: dict[str, Any]) -> dict[str, Any]:
    """Return the lead of a bulk line or of a line of an export; any other object is one itself."""
    match body:
        case {"kind": "lead", "document": dict() as lead}:
            return lead
        case {"properties": dict() as properties, **others}:
            return {**others, **properties}
    return body
