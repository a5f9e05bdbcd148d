"""The payload of a row that an import brings: what it means as a write, and how it is in the file.

The ledger keeps it, so that every row can be explained, applied again, and written into a file to
be corrected.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct, structs

from onelead.domain.errors import Problem
from onelead.domain.writes import Action, Delivery, LeadWrite
from onelead.incoming.lead_json import lead_write, upsert_write

_NOTHING_TO_MATCH = Problem("match", "has nothing to be matched by, and only updates are wanted")


class ImportedRow(Struct, omit_defaults=True, gc=False):
    """A row of a file, and what it means in the JSON of the API."""

    #: By header; empty cells are left out.
    cells: dict[str, str]
    properties: dict[str, Any] = {}
    match: Any = None
    #: As policies name them.
    if_empty: tuple[str, ...] = ()
    only: Literal["create", "update"] | None = None
    #: Unix seconds.
    date_created: int | None = None
    #: Why it cannot be written, found before it was tried.
    problems: tuple[Problem, ...] = ()


_decode = msgspec.json.Decoder(ImportedRow).decode
_encode = msgspec.json.Encoder().encode


def payload_of(row: ImportedRow) -> str:
    """Return what the ledger keeps of a row."""
    return _encode(row).decode()


def row_of(payload: str) -> ImportedRow | None:
    """Read what the ledger keeps of a row; None for what was erased or is no row of a file."""
    try:
        return _decode(payload)
    except msgspec.MsgspecError:
        return None


def imported_write(row: ImportedRow, delivery: Delivery) -> LeadWrite:
    """Return the write that a row asks for."""
    if row.problems or (row.match is None and row.only == "update"):
        action = Action.CREATE if row.match is None else Action.UPSERT
        return LeadWrite(action, delivery, problems=row.problems or (_NOTHING_TO_MATCH,))
    if row.match is None:
        write = lead_write(Action.CREATE, None, row.properties, delivery)
        only = None
    else:
        write = upsert_write({"properties": row.properties, "match": row.match}, delivery)
        only = row.only
    if only or row.if_empty or row.date_created is not None:
        write = structs.replace(
            write, only=only, if_empty=row.if_empty, date_created=row.date_created
        )
    return write
