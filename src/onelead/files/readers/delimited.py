"""Reads CSV: cells between separators, quoted where they have to be."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from onelead.domain.importing.limits import (
    FILE_COLUMNS_MAX,
    FILE_LINE_CHARS_MAX,
    FILE_ROW_CHARS_MAX,
)
from onelead.domain.text import quoted
from onelead.files.readers.errors import FileTooLarge, FileUnreadable
from onelead.files.readers.fingerprint import Watch
from onelead.files.readers.header import IsKnown, concerns_about_header, find_header, first_rows
from onelead.files.readers.table import Choices, Reading, Row, Table, is_empty
from onelead.files.readers.text import TextFile

#: In the order of preference where a file does not decide.
SEPARATORS = (",", ";", "\t", "|", "^")
_SAMPLE_LINES = 500
#: The scores of separators by which nothing can be read. A header that is too large is still more
#: likely than a single column.
_WRONG, _TOO_LARGE = (0, -1.0, 0), (0, 0.1, 0)
#: So many known headers are enough, however many cells the rows have.
_KNOWN_WORDS_MIN = 2
#: What closes a quote may be the sign of inches, as in 24".
_INCHES = re.compile(r'\d"')

#: It holds for the whole process; the library's own default is the same.
csv.field_size_limit(FILE_ROW_CHARS_MAX)


def open_csv(path: Path, watch: Watch, is_known: IsKnown, choices: Choices) -> Table:
    """Find out encoding, separator and header. Raises FileUnreadable, FileTooLarge."""
    text = TextFile(path, choices.encoding)
    with closing(text.blocks()) as blocks:
        sample = next(blocks, [])[:_SAMPLE_LINES]
    form = _form(sample, is_known, choices)
    with closing(_rows(text.blocks(), form)) as rows:
        first = first_rows(rows, choices.header_line)
    header = find_header(first, is_known, choices.header_line)
    traits = text.traits(form.separator)
    reading = Reading(
        format="csv",
        encoding=traits.encoding,
        separator=form.separator if header.width > 1 else None,
        header_line=header.line,
        titles=header.titles,
        samples=traits.samples,
        concerns=(*traits.concerns, *concerns_about_header(first, header)),
    )
    form = form._replace(width=header.width)
    return Table(watch, reading, header.names, lambda: _rows(text.blocks(), form))


class _Form(NamedTuple):
    """How the cells of a file are written."""

    separator: str
    #: Quotes have a space in front.
    is_spaced: bool = False
    #: The first line says the separator, as only Excel writes and reads it.
    is_declared: bool = False
    #: Of the header; None while it is not known.
    width: int | None = None


def _form(sample: list[str], is_known: IsKnown, choices: Choices) -> _Form:
    declared = sample[0].strip() if sample else ""
    is_declared = declared[:-1].lower() == "sep=" and declared[-1] in SEPARATORS
    separator = choices.separator or (declared[-1] if is_declared else _guessed(sample, is_known))
    if separator not in SEPARATORS:
        raise FileUnreadable(f"The separator {quoted(separator)} is not one of , ; tab | ^")
    spaced = sum(line.count(f'{separator} "') for line in sample)
    return _Form(separator, is_spaced=spaced * 2 > len(sample), is_declared=is_declared)


def _guessed(sample: list[str], is_known: IsKnown) -> str:
    """Return the separator that gives most rows the same number of cells, and known headers."""
    scores = {separator: _score(sample, separator, is_known) for separator in SEPARATORS}
    return max(scores, key=scores.__getitem__)


def _score(sample: list[str], separator: str, is_known: IsKnown) -> tuple[int, float, int]:
    rows = [row for row in _rows([sample], _Form(separator)) if not is_empty(row.cells)]
    sound = [row for row in rows if row.fault is None]
    if not sound:
        return _WRONG
    widths = Counter(len(row.cells) for row in sound)
    [(width, count)] = widths.most_common(1)
    try:
        header = find_header(first_rows(sound, None), is_known, None)
    except FileTooLarge:
        return _TOO_LARGE
    is_common = width > 1 and header.width > 1 and count * 2 > len(rows)
    if not is_common and header.known < _KNOWN_WORDS_MIN:
        # A single column, then: this separator is wrong for the rows that it divides.
        return 0, widths[1] / len(rows) - 1, 0
    return header.known, count / len(rows), width


def _rows(blocks: Iterable[list[str]], form: _Form) -> Generator[Row]:
    """Divide lines into rows of cells.

    A quote that is not closed as it should be is a fault of the line where it opens, and the next
    row is looked for in the next line. Lines that such a quote has swallowed may be what is left of
    its cell; they are rows only if they are as wide as the header.
    """
    lines: list[str] = []
    first, doubt = 1, _Doubt()
    for block, is_last in _with_last(blocks):
        lines += block
        done = yield from _whole_rows(lines, first, form, doubt, is_last=is_last)
        lines, first = lines[done:], first + done


def _whole_rows(
    lines: list[str], first: int, form: _Form, doubt: _Doubt, *, is_last: bool
) -> Generator[Row, None, int]:
    """Divide lines, the first of them with its number; return how many are done with.

    The others may be the beginning of a row that goes on in the next lines.
    """
    at = 1 if first == 1 and form.is_declared else 0
    while at < len(lines):
        start, error = at, None
        reader = csv.reader(
            # Not a part of the list: a file may have a fault in every line.
            map(lines.__getitem__, range(at, len(lines))) if at else lines,
            delimiter=form.separator,
            skipinitialspace=form.is_spaced,
            strict=True,
        )
        try:
            for cells in reader:
                end = start + reader.line_num
                if end - at > 1 and _swallows(lines[at:end], cells, form):
                    error = ""
                    break
                line = first + at
                is_doubtful = line <= doubt.last and cells and len(cells) != form.width
                yield Row(line, cells, doubt.fault if is_doubtful else None)
                at = end
        except csv.Error as found:
            error = str(found)
        if error is None:
            continue
        end = start + reader.line_num
        if end == len(lines) and not is_last and _is_short(lines[at:]):
            break
        fault = _fault(error, is_single=end - at == 1)
        yield Row(first + at, _naive_cells(lines[at], form.separator), fault)
        if form.width is not None:
            doubt.line, doubt.last = first + at, first + end - 1
        at += 1
    return at


class _Doubt:
    """The line where a quote opens that is not closed, and the last one that it has swallowed."""

    line = last = 0

    @property
    def fault(self) -> str:
        return f"The row may belong to the quote that opens in line {self.line} and is not closed."


def _with_last(blocks: Iterable[list[str]]) -> Iterator[tuple[list[str], bool]]:
    """Yield each block, and whether it is the last one."""
    before: list[str] | None = None
    for block in blocks:
        if before is not None:
            yield before, False
        before = block
    if before is not None:
        yield before, True


def _is_short(lines: list[str]) -> bool:
    return sum(map(len, lines)) <= 2 * FILE_LINE_CHARS_MAX


def _swallows(lines: list[str], cells: list[str], form: _Form) -> bool:
    """Tell whether a row of several lines is rather as many rows, and a quote was left open."""
    if form.width is None or form.width == 1:
        return False
    if len(cells) == form.width and not _INCHES.search(lines[-1]):
        return False
    return all(line.count(form.separator) == form.width - 1 for line in lines)


def _naive_cells(line: str, separator: str) -> list[str]:
    return line.rstrip("\r\n")[:FILE_ROW_CHARS_MAX].split(separator, FILE_COLUMNS_MAX)


def _fault(error: str, *, is_single: bool) -> str:
    if "field limit" in error and is_single:
        return f"The row is longer than {FILE_ROW_CHARS_MAX:,} characters."
    if is_single and "end of data" not in error:
        return "A quote is closed in the middle of a cell."
    return "A quote opens in this row and is not closed."
