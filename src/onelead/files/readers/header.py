"""Finds the header of a table by its words, and the lines above it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice, takewhile
from typing import NamedTuple

from onelead.domain.importing.limits import (
    FILE_COLUMNS_MAX,
    FILE_HEADER_LINE_MAX,
    FILE_HEADER_ROWS,
    FILE_ROW_CHARS_MAX,
)
from onelead.domain.text import shortened
from onelead.files.readers.errors import FileTooLarge, FileUnreadable
from onelead.files.readers.table import Row, is_empty

IsKnown = Callable[[str], bool]


class Header(NamedTuple):
    """The names of the columns, and where they are; line 0 is nowhere."""

    names: tuple[str, ...]
    line: int
    titles: tuple[str, ...] = ()
    #: How many of the names are known words.
    known: int = 0
    #: With the empty cells behind the last name.
    width: int = 0


def first_rows(rows: Iterable[Row], chosen_line: int | None) -> list[Row]:
    """Return the first rows that are not empty, as many as the search for the header needs."""
    filled = (
        # A row may have a million cells; so many are enough to see that they are too many.
        row._replace(cells=row.cells[: FILE_COLUMNS_MAX + 1])
        for row in rows
        if row.fault is not None or not is_empty(row.cells)
    )
    if chosen_line is None:
        return list(islice(filled, FILE_HEADER_ROWS))
    up_to_it = takewhile(lambda row: row.line <= max(chosen_line, FILE_HEADER_LINE_MAX), filled)
    return list(islice(up_to_it, FILE_HEADER_LINE_MAX))


def find_header(rows: Sequence[Row], is_known: IsKnown, chosen_line: int | None) -> Header:
    """Find the header among the first rows.

    It is the first row with the most known words; without any, the first one that is as wide as
    most rows. Raises FileUnreadable, FileTooLarge.
    """
    if not rows:
        raise FileUnreadable("The file has no rows")
    if chosen_line == 0:
        widest = max(rows, key=lambda row: len(filled(row)))
        return _header([""] * len(filled(widest)), Header((), 0))
    row = (
        _by_words(rows, is_known) or _by_width(rows)
        if chosen_line is None
        else next((row for row in rows if row.line == chosen_line), None)
    )
    if row is None:
        raise FileUnreadable(f"There is no header in line {chosen_line}: no row begins there")
    if row.fault is not None:
        raise FileUnreadable(f"The header in line {row.line} cannot be read: {row.fault}")
    titles = tuple(_title(above) for above in rows[: rows.index(row)])
    known = _known(row, is_known)
    return _header(
        filled(row), Header((), row.line, titles[-FILE_HEADER_ROWS:], known, len(row.cells))
    )


def concerns_about_header(rows: Sequence[Row], header: Header) -> Iterator[str]:
    """Say what is strange about a header among the first rows."""
    if header.line and rows[-1].line == header.line:
        yield "The file has a header and no rows."
    if not header.known and any("@" in name for name in header.names):
        yield (
            f"Line {header.line} was taken for the header, but looks like a lead; "
            "if the file has no header, say so."
        )


def filled(row: Row) -> Sequence[str]:
    """Return the cells of a row up to the last one with something in it."""
    last = max((at for at, cell in enumerate(row.cells, start=1) if cell.strip()), default=0)
    return row.cells[:last]


def _header(cells: Sequence[str], header: Header) -> Header:
    names = tuple(cell.strip() or f"Column {at}" for at, cell in enumerate(cells, start=1))
    check_names(names, f"in line {header.line}" if header.line else "of the file")
    return header._replace(names=names, width=header.width or len(cells))


def check_names(names: Collection[str], where: str) -> None:
    """Raise FileTooLarge for more columns than can be read, or longer names."""
    if len(names) > FILE_COLUMNS_MAX:
        raise FileTooLarge(f"The header {where} has more than {FILE_COLUMNS_MAX:,} columns")
    if sum(map(len, names)) > FILE_ROW_CHARS_MAX:
        raise FileTooLarge(f"The header {where} is longer than {FILE_ROW_CHARS_MAX:,} characters")


def _by_words(rows: Sequence[Row], is_known: IsKnown) -> Row | None:
    best = max(rows, key=lambda row: _known(row, is_known))
    known, cells = _known(best, is_known), sum(1 for cell in best.cells if cell.strip())
    # One known word among many cells is rather a value.
    return best if known > 1 or 0 < cells <= 2 * known else None


def _by_width(rows: Sequence[Row]) -> Row:
    [(width, _)] = Counter(len(filled(row)) for row in rows).most_common(1)
    return next(row for row in rows if len(filled(row)) >= width)


def _known(row: Row, is_known: IsKnown) -> int:
    if row.fault is not None:
        return 0
    return sum(1 for cell in row.cells[:FILE_COLUMNS_MAX] if cell.strip() and is_known(cell))


def _title(row: Row) -> str:
    return shortened(" ".join(filter(None, map(str.strip, row.cells[:FILE_COLUMNS_MAX]))))
