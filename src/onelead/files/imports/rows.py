"""From a row of a file to the write that it asks for, with the key by which it is done once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from msgspec import Struct

from onelead.domain.account import AccountSettings
from onelead.domain.errors import Problem
from onelead.domain.importing.creating import with_created
from onelead.domain.importing.mapper import Mapper
from onelead.domain.importing.mapping import Mapping as ColumnMapping
from onelead.domain.text import fold
from onelead.domain.writes import Delivery, IdempotencyKey, LeadWrite
from onelead.files.imports.choices import Findings, ImportChoices
from onelead.files.readers.table import Row
from onelead.incoming.imported_rows import ImportedRow, imported_write, payload_of
from onelead.storage.sqlite.temporary import Occurrences

#: The last column of a file of refused rows, which is left out when it is imported again.
WHY = "why"


class Sender(Struct, frozen=True):
    """In whose name rows are written."""

    batch_id: str
    #: The folded name of the source, and what else makes the key of a row.
    key_scope: str
    user_id: int | None = None
    source_id: int | None = None


class WrittenRow(Struct, frozen=True, gc=False):
    """A row, and the write that it asks for."""

    row: Row
    write: LeadWrite
    remarks: Sequence[str] = ()


def key_scope(source: str, batch_id: str | None) -> str:
    """Return what the keys of rows begin with; with a batch id, only that import knows them."""
    return f"row of an import\n{fold(source)}\n{batch_id or ''}"


def unique_headers(header: Sequence[str]) -> tuple[str, ...]:
    """Return the headers with a number behind those that came before."""
    seen: dict[str, int] = {}
    found = []
    for one in header:
        seen[one] = seen.get(one, 0) + 1
        found.append(one if seen[one] == 1 else f"{one} ({seen[one]})")
    return tuple(found)


def row_writes_of(
    header: Sequence[str],
    findings: Findings,
    choices: ImportChoices,
    settings: AccountSettings,
    sender: Sender,
) -> RowWrites:
    """Return what makes the writes of a file; close it at the end. Raises InputInvalid."""
    mapping = with_created(findings.surveyed.mapping, settings)
    return RowWrites(header, mapping, settings, sender, choices.corrections)


class RowWrites:
    """Makes the writes of one file, row after row, in the order of the file."""

    def __init__(
        self,
        header: Sequence[str],
        mapping: ColumnMapping,
        settings: AccountSettings,
        sender: Sender,
        corrections: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        """Raises InputInvalid for a mapping that cannot be used; close it at the end."""
        self._mapper = Mapper(mapping, settings)
        self._headers = unique_headers(header)
        self._sender = sender
        self._only = None if mapping.mode == "upsert" else mapping.mode
        self._corrections = corrections or {}
        self._occurrences = Occurrences()
        scope = f"{sender.key_scope}\n{self._mapper.key_prefix}\n"
        self._digest = hashlib.sha256(scope.encode())

    def close(self) -> None:
        """Forget which rows came before."""
        self._occurrences.close()

    def of(self, row: Row) -> WrittenRow:
        """Return the write of a row."""
        if row.fault is not None:
            problem = Problem("base", row.fault)
            imported = ImportedRow(self._cells(row.cells), problems=(problem,))
            return WrittenRow(row, self._write(row.line, imported, None))
        cells = self._corrected(row)
        row = Row(row.line, cells, None)
        mapped = self._mapper.row(cells)
        imported = ImportedRow(
            cells={name: cell for name, cell in zip(self._headers, cells, strict=True) if cell},
            properties=mapped.properties,
            match=mapped.match,
            if_empty=tuple(mapped.if_empty),
            only=self._only,
            date_created=mapped.date_created,
            problems=tuple(mapped.problems),
        )
        write = self._write(row.line, imported, mapped.key_cells)
        return WrittenRow(row, write, mapped.remarks)

    def pass_over(self, row: Row) -> None:
        """Count a row that is done, so that the keys of later ones are right."""
        if row.fault is None:
            self._key(self._mapper.key_cells(self._corrected(row)))

    def _corrected(self, row: Row) -> Sequence[str]:
        """Return the cells of a row as they should have been."""
        corrections = self._corrections.get(str(row.line))
        if not corrections:
            return row.cells
        corrected = list(row.cells)
        for place, text in corrections.items():
            if place.isdecimal() and int(place) < len(corrected):
                corrected[int(place)] = text
        return corrected

    def _cells(self, cells: Sequence[str]) -> dict[str, str]:
        """Return the cells of a row that may have more of them than the header."""
        names = [
            *self._headers,
            *(f"Column {at + 1}" for at in range(len(self._headers), len(cells))),
        ]
        return {name: cell for name, cell in zip(names, cells, strict=False) if cell}

    def _write(self, line: int, row: ImportedRow, key_cells: Sequence[str] | None) -> LeadWrite:
        sender = self._sender
        delivery = Delivery(
            request_id=sender.batch_id,
            user_id=sender.user_id,
            api_key_id=sender.source_id,
            payload=payload_of(row),
            batch_id=sender.batch_id,
            # A row that cannot be read is refused, and what is refused has no key.
            idempotency=None if key_cells is None else self._key(key_cells),
            line=line,
        )
        return imported_write(row, delivery)

    def _key(self, cells: Sequence[str]) -> IdempotencyKey:
        """Return the key of a row: its cells, and how often the same ones came before."""
        digest = self._digest.copy()
        digest.update("\x1f".join(cells).encode("utf-8", "surrogatepass"))
        before = self._occurrences.count(digest.digest()[:16])
        if before:
            digest.update(b"\n%d" % before)
        text = digest.hexdigest()
        return IdempotencyKey(text, text, is_answered=False)
