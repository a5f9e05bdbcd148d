"""What every reader gives: a table of text that can be read again and again."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import Literal, NamedTuple

from msgspec import Struct

from onelead.domain.importing.limits import FILE_COLUMNS_MAX, FILE_ROW_CHARS_MAX
from onelead.domain.text import quoted
from onelead.files.readers.fingerprint import Fingerprint, Watch, cannot_be_opened

_TITLES_SHOWN = 3
Format = Literal["csv", "xlsx", "xlsb", "xls", "ods", "vcard", "json"]


class Row(NamedTuple):
    """A row of a file; a fault is the sentence that says why it cannot be taken."""

    #: The line of the file where it begins, or its number in the sheet; the first one is 1.
    line: int
    #: As many as the header has; of a row with a fault, what could be read of it.
    cells: Sequence[str]
    fault: str | None


#: Reads the file from its beginning.
Rows = Callable[[], Generator[Row]]


class Choices(Struct, frozen=True):
    """What the user has said about a file; a reader finds out the rest."""

    encoding: str | None = None
    separator: str | None = None
    #: 0 for a file without a header.
    header_line: int | None = None
    sheet: str | None = None


class Sample(Struct, frozen=True):
    """A cell to look at."""

    line: int
    text: str


class Reading(Struct):
    """How a file was read, to be shown and stored."""

    format: Format
    encoding: str | None = None
    #: None where there is none: in workbooks, and between the columns of a single one.
    separator: str | None = None
    header_line: int = 0
    sheet: str | None = None
    #: The one that is read among them.
    sheets: tuple[str, ...] = ()
    #: The lines above the header, which are skipped.
    titles: tuple[str, ...] = ()
    #: Cells that depend on the encoding.
    samples: tuple[Sample, ...] = ()
    #: Sentences about what may be wrong with the file as a whole.
    concerns: tuple[str, ...] = ()
    #: Rows of nothing that the last walk through the rows has skipped so far.
    empty_rows: int = 0

    def skips(self) -> Iterator[str]:
        """Say which lines were skipped."""
        if self.titles:
            count = len(self.titles)
            lines = "1 line above it was" if count == 1 else f"{count} lines above it were"
            shown = ", ".join(map(quoted, self.titles[:_TITLES_SHOWN]))
            more = f" and {count - _TITLES_SHOWN} more" if count > _TITLES_SHOWN else ""
            yield f"The header is in line {self.header_line}; {lines} skipped: {shown}{more}."
        if self.empty_rows:
            rows = (
                "1 empty row was"
                if self.empty_rows == 1
                else f"{self.empty_rows:,} empty rows were"
            )
            yield f"{rows} skipped."


class Table:
    """The rows of a file below its header, all of them text."""

    def __init__(
        self, watch: Watch, reading: Reading, header: tuple[str, ...], all_rows: Rows
    ) -> None:
        """Take all rows of the file; those up to the header are left out."""
        self.reading = reading
        self.header = header
        self._watch = watch
        self._all_rows = all_rows

    @property
    def fingerprint(self) -> Fingerprint:
        """Size and digest of the file that is read."""
        return self._watch.fingerprint

    def rows(self) -> Generator[Row]:
        """Walk through the rows from the first one; close it to stop early.

        Raises FileUnreadable, FileTooLarge, and, at the end, FileChanged.
        """
        # The last row of a file that somebody cuts off may be half a row.
        held: Row | None = None
        for row in self._rows():
            if held is not None:
                yield held
            held = row
        self._watch.check()
        if held is not None:
            yield held

    def _rows(self) -> Generator[Row]:
        reading, width, header_line = self.reading, len(self.header), self.reading.header_line
        reading.empty_rows = 0
        try:
            with closing(self._all_rows()) as all_rows:
                for row in all_rows:
                    line, cells, fault = row
                    if line <= header_line:
                        continue
                    text = "".join(cells)
                    if (
                        fault is None
                        and len(cells) == width
                        and len(text) <= FILE_ROW_CHARS_MAX
                        and "\0" not in text
                        and text
                        and not text.isspace()
                    ):
                        yield row
                    elif fault is None and (not text or text.isspace()):
                        reading.empty_rows += 1
                    else:
                        yield fitted(row, width)
        except OSError as error:
            raise cannot_be_opened(error) from None


def is_empty(cells: Sequence[str]) -> bool:
    """Tell whether a row has nothing in it."""
    return not any(map(str.strip, cells))


def fitted(row: Row, width: int) -> Row:
    """Fill a short row up, and give one that cannot be taken its fault."""
    line, cells, fault = row
    beyond = len(cells) - width
    if fault is None:
        fault = _fault(cells, width)
    if fault is not None:
        return Row(line, cells[:FILE_COLUMNS_MAX], fault)
    return Row(line, cells[:width] if beyond > 0 else [*cells, *[""] * -beyond], None)


def _fault(cells: Sequence[str], width: int) -> str | None:
    if len(cells) > FILE_COLUMNS_MAX and any(cells[FILE_COLUMNS_MAX:]):
        return f"The row has more than {FILE_COLUMNS_MAX:,} cells."
    if sum(map(len, cells)) > FILE_ROW_CHARS_MAX:
        return f"The row is longer than {FILE_ROW_CHARS_MAX:,} characters."
    if any("\0" in cell for cell in cells):
        return "The row has bytes that are not text."
    if any(map(str.strip, cells[width:])):
        filled = max(at for at, cell in enumerate(cells, start=1) if cell.strip())
        return f"The row has {filled:,} cells, but the header has {width:,}."
    return None
