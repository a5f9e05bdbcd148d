"""What became of the rows of a file, as files again: all rows, or those to be corrected.

A file of refused rows has the columns of the first file and one more, `why`; after the correction
it can be imported as it is. Everything is read from the ledger, so it can be made at any time.
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from onelead.contract.imports import BatchRow, FileImport, ImportRow
from onelead.domain.importing.cells import harmless
from onelead.files.imports.choices import findings_of, rehearsed_row
from onelead.files.imports.outcomes import NOT_TAKEN, reason_text
from onelead.files.imports.rows import WHY, unique_headers
from onelead.incoming.imported_rows import row_of

_PAGE_ROWS = 500
#: The columns of a report before those of the file.
REPORT_COLUMNS = ("line", "outcome", "lead id", WHY)


class ReportStore(Protocol):
    """What reports need of a store."""

    async def batch_rows(
        self, account_id: int, batch_id: str, *, after: int, limit: int, refused: bool = False
    ) -> Sequence[BatchRow]:
        """See `ImportStore`."""

    async def import_rows(
        self, account_id: int, number: int, *, outcome: str | None = None, after: int, limit: int
    ) -> Sequence[ImportRow]:
        """See `ImportStore`."""


class Sheet:
    """Writes rows as CSV that is harmless in a spreadsheet."""

    def __init__(self) -> None:
        self._text = io.StringIO()
        self._writer = csv.writer(self._text, lineterminator="\n")

    def line(self, cells: Sequence[str]) -> str:
        """Return a row as text."""
        self._writer.writerow([harmless(cell) for cell in cells])
        text = self._text.getvalue()
        self._text.seek(0)
        self._text.truncate()
        return text


def headers_of(one: FileImport) -> tuple[str, ...]:
    """Return the headers of an import's file, each a different one."""
    findings = findings_of(one)
    return () if findings is None else unique_headers(findings.header)


async def refused_rows(store: ReportStore, account_id: int, one: FileImport) -> AsyncIterator[str]:
    """Yield a CSV file of the rows that the run has refused, in the order of the file."""
    headers, sheet = headers_of(one), Sheet()
    yield sheet.line([*headers, WHY])
    last_line = 0
    async for row in _batch_rows(store, account_id, one.batch_id, refused=True):
        line = row.line or 0
        # After a kill, a row may have been refused twice.
        if line > last_line:
            last_line = line
            cells = _cells(row)
            beyond = [cell for name, cell in cells.items() if name not in headers]
            yield sheet.line([*(cells.get(name, "") for name in headers), _why(row), *beyond])


async def all_rows(store: ReportStore, account_id: int, one: FileImport) -> AsyncIterator[str]:
    """Yield a CSV file of all rows that the run has written into the ledger."""
    headers, sheet = headers_of(one), Sheet()
    yield sheet.line([*REPORT_COLUMNS, *headers])
    async for row in _batch_rows(store, account_id, one.batch_id):
        result = row.result
        lead_id = "" if result.lead_id is None else str(result.lead_id)
        told = (str(row.line or ""), result.outcome, lead_id, _why(row))
        cells = _cells(row)
        yield sheet.line([*told, *(cells.get(name, "") for name in headers)])


async def rehearsed_refused_rows(
    store: ReportStore, account_id: int, one: FileImport
) -> AsyncIterator[str]:
    """Yield the same file of refused rows, as far as the newest dry run has kept them."""
    headers, sheet = headers_of(one), Sheet()
    yield sheet.line([*headers, WHY])
    after = 0
    while rows := await store.import_rows(account_id, one.number, after=after, limit=_PAGE_ROWS):
        for row in rows:
            if row.outcome in NOT_TAKEN:
                content = rehearsed_row(row.content)
                cells = [*content.cells, *[""] * (len(headers) - len(content.cells))]
                yield sheet.line([*cells[: len(headers)], content.why or ""])
        after = rows[-1].line


async def _batch_rows(
    store: ReportStore, account_id: int, batch_id: str, *, refused: bool = False
) -> AsyncIterator[BatchRow]:
    after = 0
    while rows := await store.batch_rows(
        account_id, batch_id, after=after, limit=_PAGE_ROWS, refused=refused
    ):
        for row in rows:
            yield row
        after = rows[-1].result.seq


def _cells(row: BatchRow) -> Mapping[str, str]:
    """Return the cells by header, as they are in the file; none once they were erased."""
    imported = row_of(row.payload)
    return {} if imported is None else imported.cells


def _why(row: BatchRow) -> str:
    return reason_text(row.result.message) if row.result.message else ""
