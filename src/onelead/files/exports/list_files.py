"""A list of leads as a file: CSV, XLSX or Parquet, a few leads at a time."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any, BinaryIO, Protocol

from onelead.contract.exports import ExportStore
from onelead.domain.errors import NotPossible
from onelead.domain.importing.cells import harmless
from onelead.domain.lead import Lead
from onelead.domain.limits import LIST_FILE_CHUNK_LEADS, SHEET_CELL_CHARS_MAX
from onelead.domain.search import LeadSearch
from onelead.files.exports.list_columns import ColumnKind, ListColumn

#: By it, Excel knows that a CSV is in UTF-8.
_MARK = "\ufeff"
#: What XML cannot have.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class ListFile(Protocol):
    """A file that takes leads and is whole when it is closed."""

    def add(self, leads: Sequence[Lead]) -> None:
        """Write the next leads. Raises NotPossible when the format has no room for them."""

    def close(self) -> None:
        """Write what is left."""


async def leads_of(
    store: ExportStore, account_id: int, search: LeadSearch, *, now: int
) -> AsyncGenerator[Sequence[Lead], None]:
    """Yield the leads that a search finds, in the order of their ids, each once.

    Every piece is read for itself: a lead that changes meanwhile is as it is when its turn comes.
    """
    after, is_last = 0, False
    while not is_last:
        found = await store.leads_in_order(
            account_id, search, after=after, limit=LIST_FILE_CHUNK_LEADS, now=now
        )
        is_last = len(found.leads) < LIST_FILE_CHUNK_LEADS
        if found.leads:
            after = found.leads[-1].id
            yield found.leads


def csv_head(columns: Sequence[ListColumn], *, for_excel: bool) -> str:
    """Return the header of a CSV."""
    return (_MARK if for_excel else "") + _csv([_header(columns)])


def csv_rows(columns: Sequence[ListColumn], leads: Sequence[Lead]) -> str:
    """Return leads as lines of a CSV."""
    return _csv([[column.cell(lead) for column in columns] for lead in leads])


def _header(columns: Sequence[ListColumn]) -> list[str]:
    # The name of a custom field can be any text.
    return [harmless(column.label) for column in columns]


def _csv(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


class XlsxFile:
    """A workbook with one sheet; every cell is text, and stays what it is."""

    def __init__(self, file: BinaryIO, columns: Sequence[ListColumn], rows_max: int) -> None:
        # Only who asks for a workbook waits for its library.
        from openpyxl import Workbook  # noqa: PLC0415
        from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415

        self._target = file
        self._columns = columns
        self._rows_max = rows_max
        self._rows = 0
        self._book = Workbook(write_only=True)
        self._sheet = self._book.create_sheet("Leads")
        self._sheet.freeze_panes = "A2"
        self._new_cell: Any = WriteOnlyCell
        self._sheet.append([self._cell(label) for label in _header(columns)])

    def add(self, leads: Sequence[Lead]) -> None:
        """Write leads as rows. Raises NotPossible."""
        self._rows += len(leads)
        if self._rows > self._rows_max:
            raise NotPossible(
                f"a workbook can have {self._rows_max:,} leads here; filter the list, or take CSV"
            )
        for lead in leads:
            self._sheet.append([self._cell(column.cell(lead)) for column in self._columns])

    def _cell(self, text: str) -> Any:
        text = _sheet_cell(text)
        if not text.startswith("#"):
            return text
        # Otherwise, "#N/A" would become the error of that name.
        cell = self._new_cell(self._sheet, text)
        cell.data_type = "s"
        return cell

    def close(self) -> None:
        """Save the workbook."""
        self._book.save(self._target)
        self._book.close()


def _sheet_cell(text: str) -> str:
    clean = _CONTROLS.sub("", text)
    return clean if len(clean) <= SHEET_CELL_CHARS_MAX else clean[: SHEET_CELL_CHARS_MAX - 1] + "…"


class ParquetFile:
    """A table with typed columns, for programs that analyse."""

    def __init__(self, file: BinaryIO, columns: Sequence[ListColumn]) -> None:
        """Raises NotPossible without the package."""
        try:
            import pyarrow as pa  # noqa: PLC0415 - it is large, and an extra
            from pyarrow import parquet  # noqa: PLC0415
        except ImportError:
            raise NotPossible(
                "Parquet needs the package pyarrow; install it beside onelead with pip"
            ) from None
        types = {
            ColumnKind.TEXT: pa.string(),
            ColumnKind.NUMBER: pa.float64(),
            ColumnKind.MOMENT: pa.timestamp("s", tz="UTC"),
            ColumnKind.YES_OR_NO: pa.bool_(),
        }
        self._columns = columns
        fields = [
            (column.key, pa.int64() if column.key == "id" else types[column.kind])
            for column in columns
        ]
        self._schema: Any = pa.schema(fields)
        self._batch: Any = pa.record_batch
        self._file: Any = parquet.ParquetWriter(file, self._schema)
        self._waiting: list[Lead] = []

    def add(self, leads: Sequence[Lead]) -> None:
        """Write leads; groups of rows are large, as readers like them."""
        self._waiting += leads
        if len(self._waiting) >= _GROUP_LEADS:
            self._write()

    def close(self) -> None:
        """Write the last group and the end."""
        if self._waiting:
            self._write()
        self._file.close()

    def _write(self) -> None:
        leads, self._waiting = self._waiting, []
        values = [[column.value(lead) for lead in leads] for column in self._columns]
        self._file.write_batch(self._batch(values, schema=self._schema))


#: A group of rows in a Parquet file.
_GROUP_LEADS = 20 * LIST_FILE_CHUNK_LEADS


class CsvFile:
    """A CSV."""

    def __init__(self, file: BinaryIO, columns: Sequence[ListColumn], *, for_excel: bool) -> None:
        self._columns = columns
        self._file = file
        self._file.write(csv_head(columns, for_excel=for_excel).encode())

    def add(self, leads: Sequence[Lead]) -> None:
        """Write leads as lines."""
        self._file.write(csv_rows(self._columns, leads).encode())

    def close(self) -> None:
        """Do nothing: every line is written."""


async def write_list(file: ListFile, leads: AsyncIterator[Sequence[Lead]]) -> int:
    """Write all leads into a file, and return how many there were. Raises NotPossible."""
    count = 0
    async for some in leads:
        # A thousand rows take long enough to be felt by others.
        await asyncio.to_thread(file.add, some)
        count += len(some)
    await asyncio.to_thread(file.close)
    return count
