"""The files that `onelead import --report` writes: all rows, and those to correct."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from onelead.domain.errors import NotPossible
from onelead.domain.writes import WriteResult
from onelead.files.imports.outcomes import NOT_TAKEN, outcome_of, why
from onelead.files.imports.reports import REPORT_COLUMNS, Sheet
from onelead.files.imports.rows import WHY, WrittenRow, unique_headers
from onelead.storage.new_file import new_file


class Report:
    """Writes what became of rows into a file, and those that were not taken into another one."""

    def __init__(self, all_rows: TextIO, refused: TextIO, header: Sequence[str]) -> None:
        self._all = all_rows
        self._refused = refused
        self._sheet = Sheet()
        self.refused_count = 0
        headers = unique_headers(header)
        self._all.write(self._sheet.line([*REPORT_COLUMNS, *headers]))
        self._refused.write(self._sheet.line([*header, WHY]))
        self._columns = len(headers)

    def add(self, rows: Sequence[WrittenRow], results: Sequence[WriteResult]) -> None:
        """Write some rows down."""
        for one, result in zip(rows, results, strict=True):
            outcome, reason, cells = outcome_of(result), why(result) or "", one.row.cells
            lead_id = str(result.lead.id) if result.lead else ""
            notes = "; ".join(filter(None, [reason, *one.remarks]))
            self._all.write(self._sheet.line([str(one.row.line), outcome, lead_id, notes, *cells]))
            if outcome in NOT_TAKEN:
                self.refused_count += 1
                short = [""] * (self._columns - len(cells))
                own, beyond = cells[: self._columns], cells[self._columns :]
                self._refused.write(self._sheet.line([*own, *short, reason, *beyond]))

    async def add_earlier(self, lines: AsyncIterator[str], *, refused: bool = False) -> None:
        """Write down what an earlier run has done, without its header."""
        is_header = True
        async for line in lines:
            if not is_header:
                (self._refused if refused else self._all).write(line)
                self.refused_count += refused
            is_header = False


def require_new(path: Path) -> None:
    """Raise NotPossible where the files of a report cannot be written."""
    for one in (path, _beside(path)):
        if one.exists():
            raise NotPossible(f"{one} exists already; choose another name for the report")
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise NotPossible(f"{path} cannot be written: {error.strerror}") from error


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.stem}.refused.csv")


@contextmanager
def reported(path: Path, header: Sequence[str]) -> Iterator[Report]:
    """Give a block a report; both files are there when it ends well.

    Raises NotPossible for a file that exists or cannot be written.
    """
    beside = _beside(path)
    with (
        new_file(path, replace=False) as part,
        part.open("w", encoding="utf-8", newline="") as all_rows,
        tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as refused,
    ):
        report = Report(all_rows, refused, header)
        yield report
        if report.refused_count:
            refused.seek(0)
            with (
                new_file(beside, replace=False) as refused_part,
                refused_part.open("w", encoding="utf-8", newline="") as file,
            ):
                while text := refused.read(1_048_576):
                    file.write(text)
