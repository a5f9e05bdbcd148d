"""The lines of a text file in its encoding, and what in them depends on the encoding.

The order is: a byte order mark; UTF-8; where a line is not UTF-8, the encoding that the user has
chosen, or else windows-1252, for that line alone. An encoding that a line does not show, such as
UTF-16 or Shift JIS, holds for the whole file.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Generator, Iterator
from contextlib import closing
from io import StringIO
from pathlib import Path
from typing import NamedTuple, TextIO, cast

from onelead.domain.importing.garbled import repaired
from onelead.domain.importing.limits import FILE_LINE_CHARS_MAX
from onelead.domain.text import quoted
from onelead.files.readers.errors import FileUnreadable
from onelead.files.readers.table import Sample

#: By their usual names; the first ones are encodings in which a line can be read by itself.
BY_LINE = (
    *("utf-8", "windows-1252", "windows-1250", "windows-1251", "windows-1253", "windows-1254"),
    *("windows-1255", "windows-1256", "windows-1257", "windows-1258", "iso-8859-2", "iso-8859-5"),
    *("iso-8859-7", "iso-8859-9", "iso-8859-15", "koi8-r", "koi8-u", "mac-roman", "cp437", "cp850"),
)
BY_FILE = (
    *("utf-16", "utf-16-le", "utf-16-be", "utf-32", "shift-jis", "euc-jp", "gb18030", "big5"),
    *("euc-kr",),
)
ENCODINGS = BY_LINE + BY_FILE

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: Without their mark, these are mostly as Windows writes them.
_UNMARKED = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}
_HEAD_BYTES = 4_096
_BLOCK_CHARS = 262_144
_SAMPLES = 3
_SAMPLE_CHARS = 100
#: What texts do not have, but for a stray one; NUL is the mark of UTF-16 where many bytes are NUL.
_CONTROLS = re.compile(rb"[\x00-\x06\x0e-\x19\x1b-\x1f]")
#: What becomes of bytes that the encoding does not have.
_UNKNOWN_IS_NUL = "onelead.unknown_is_nul"
codecs.register_error(_UNKNOWN_IS_NUL, lambda error: ("\0", cast("UnicodeDecodeError", error).end))


class Traits(NamedTuple):
    """What depends on the encoding in all lines of a file."""

    encoding: str
    samples: tuple[Sample, ...]
    concerns: tuple[str, ...]


class TextFile:
    """A text file in an encoding that is known."""

    def __init__(self, path: Path, chosen: str | None) -> None:
        """Find the encoding out. Raises FileUnreadable."""
        if chosen is not None and chosen not in ENCODINGS:
            raise FileUnreadable(f"The encoding {quoted(chosen)} is not known")
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        self._path = path
        by_file = _UNMARKED.get(chosen, chosen) if chosen in BY_FILE else None
        self._codec = _marked(head) or _wide(head) or by_file or "utf-8"
        self._is_by_line = self._codec.startswith("utf-8")
        if self._is_by_line and len(_CONTROLS.findall(head)) * 20 > len(head):
            raise FileUnreadable("The file is no text, and no other kind of file that can be read")
        #: For lines that are not UTF-8.
        self._other = chosen if chosen in BY_LINE else "windows-1252"

    def blocks(self) -> Generator[list[str]]:
        """Yield the lines with their ends, many at a time.

        What is no text in the encoding is NUL, as is the end of a line that is too long.
        """
        for text in self._texts():
            lines = _split(text)
            # Nearly all files are UTF-8 from end to end.
            if self._is_by_line and _has_escapes(text):
                lines = [self.decoded(line) for line in lines]
            yield lines

    def lines(self) -> Generator[tuple[int, str]]:
        """Yield each line with its number."""
        for number, line in self.raw_lines():
            yield number, self.decoded(line)

    def raw_lines(self) -> Generator[tuple[int, str]]:
        """Yield each line with its number, for `decoded`."""
        number = 0
        for text in self._texts():
            lines = _split(text)
            yield from enumerate(lines, start=number + 1)
            number += len(lines)

    def decoded(self, line: str) -> str:
        """Return a line with what is not UTF-8 in it read in the other encoding."""
        if line.isascii() or not self._is_by_line or not _has_escapes(line):
            return line
        raw = line.encode(errors="surrogateescape")
        try:
            # Lines that were one may be UTF-8 only together.
            return raw.decode()
        except UnicodeDecodeError:
            return raw.decode(self._other, errors=_UNKNOWN_IS_NUL)

    def start(self) -> str:
        """Return the beginning of the text."""
        with closing(self._texts()) as texts:
            return next(texts, "")[:_HEAD_BYTES]

    def traits(self, separator: str | None) -> Traits:
        """Look at every line that is not ASCII."""
        total, foreign, garbled = Lines(), Lines(), Lines()
        samples: dict[bool, list[Sample]] = {True: [], False: []}
        for number, raw in self._lines_that_are_not_ascii():
            line = self.decoded(raw)
            total.add(number, line)
            if is_foreign := line is not raw:
                foreign.add(number, line)
            if len(samples[is_foreign]) < _SAMPLES:
                samples[is_foreign].append(Sample(number, _cell(line, separator)))
            if repaired(line) is not None:
                garbled.add(number, line)
        is_other = foreign.count * 2 > total.count or (self._is_by_line and self._other == "utf-8")
        return Traits(
            self._other if is_other else self._codec.removesuffix("-sig"),
            tuple((samples[True] + samples[False])[:_SAMPLES]),
            (
                *([] if is_other else _concern_about_foreign(foreign, self._other)),
                *concern_about_garbled(garbled, separator),
            ),
        )

    def _lines_that_are_not_ascii(self) -> Iterator[tuple[int, str]]:
        before = 0
        for text in self._texts():
            lines = _split(text)
            if not text.isascii():
                numbered = enumerate(lines, start=before + 1)
                yield from ((number, line) for number, line in numbered if not line.isascii())
            before += len(lines)

    def _texts(self) -> Generator[str]:
        """Yield whole lines, many at a time; bytes that are not UTF-8 are escaped."""
        errors = "surrogateescape" if self._is_by_line else _UNKNOWN_IS_NUL
        with self._path.open(encoding=self._codec, errors=errors, newline="") as file:
            while text := file.read(_BLOCK_CHARS):
                yield text if text.endswith("\n") else text + _rest_of_line(file)


def _has_escapes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _split(text: str) -> list[str]:
    # Not splitlines: it ends lines at characters that people have in cells.
    return StringIO(text, newline="").readlines()


def _rest_of_line(file: TextIO) -> str:
    rest = file.readline(FILE_LINE_CHARS_MAX)
    if len(rest) < FILE_LINE_CHARS_MAX or rest.endswith(("\n", "\r")):
        return rest
    while (more := file.readline(FILE_LINE_CHARS_MAX)) and not more.endswith(("\n", "\r")):
        pass
    return f"{rest}\0\n"


class Lines:
    """How many lines have something, and the first one."""

    def __init__(self) -> None:
        self.count = self.first = 0
        self.text = ""

    def add(self, number: int, text: str) -> None:
        """Take another line that has it."""
        if not self.count:
            self.first, self.text = number, text
        self.count += 1


def _concern_about_foreign(lines: Lines, encoding: str) -> Iterator[str]:
    if lines.count == 1:
        yield f"Line {lines.first} is not UTF-8; it was read as {encoding}."
    elif lines.count:
        yield (
            f"{lines.count:,} lines are not UTF-8, such as line {lines.first}; "
            f"they were read as {encoding}."
        )


def concern_about_garbled(lines: Lines, separator: str | None) -> Iterator[str]:
    """Say what the first of the garbled lines was probably; nothing if there are none."""
    if not lines.count:
        return
    cells = lines.text.split(separator) if separator else [lines.text]
    cell = next(cell for cell in cells if repaired(cell) is not None)
    was = _shown(repaired(cell) or "")
    many = "1 line was" if lines.count == 1 else f"{lines.count:,} lines were"
    yield (
        f"{many} garbled by another program: {quoted(_shown(cell))} in line {lines.first} "
        f"was probably {quoted(was)}. Nothing is repaired; correct the file if that is so."
    )


def _cell(line: str, separator: str | None) -> str:
    cells = line.split(separator) if separator else [line]
    return _shown(next((cell for cell in cells if not cell.isascii()), line))


def _shown(cell: str) -> str:
    return cell.strip(' "\t\r\n')[:_SAMPLE_CHARS]


def _marked(head: bytes) -> str | None:
    return next((codec for mark, codec in _MARKS if head.startswith(mark)), None)


def _wide(head: bytes) -> str | None:
    """Return the encoding of a file that is UTF-16 without saying so."""
    half = len(head) // 2
    evens, odds = head[::2].count(0), head[1::2].count(0)
    if odds * 3 > half and evens * 20 < half:
        return "utf-16-le"
    return "utf-16-be" if evens * 3 > half and odds * 20 < half else None
