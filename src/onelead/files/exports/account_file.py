"""The file of an export: JSON Lines between one that says what it is and one that proves it.

The first line has the format, the version of onelead and the account; then come the account's rows;
the last line has how many there are of each kind, and the SHA-256 of all lines before it. The same
account gives the same bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

import msgspec
from msgspec import Struct

from onelead import __version__
from onelead.contract.exports import AccountLines, Snapshot
from onelead.domain.errors import NotPossible
from onelead.domain.limits import (
    EXPORT_LINE_BYTES_MAX,
    EXPORT_PIECE_BYTES_MAX,
    EXPORT_REPORTED_ROWS,
)

#: It changes when a program of before could not read a file any more.
FORMAT = 1
_GZIP = b"\x1f\x8b"
_START = b'{"kind":"'
_encode = msgspec.json.Encoder().encode


class Head(Struct, frozen=True, tag_field="kind", tag="export"):
    """The first line."""

    format: int
    version: str
    account: int


class End(Struct, frozen=True, tag_field="kind", tag="end"):
    """The last line: the lines by kind, and the digest of everything before."""

    lines: dict[str, int]
    sha256: str


def export_pieces(snapshot: Snapshot, account_id: int) -> Iterator[bytes]:
    """Yield the bytes of an account's export, in pieces that are worth sending.

    Raises ResourceNotFound, StoreUnavailable.
    """
    head = _encode(Head(FORMAT, __version__, account_id))
    digest, kinds = hashlib.sha256(), Counter[str]()
    piece = bytearray()
    for line in chain([head], snapshot.lines(account_id)):
        piece += line
        piece += b"\n"
        if line is not head:
            kinds[_kind(line)] += 1
        if len(piece) >= EXPORT_PIECE_BYTES_MAX:
            digest.update(piece)
            yield bytes(piece)
            piece.clear()
    digest.update(piece)
    yield bytes(piece) + _encode(End(dict(sorted(kinds.items())), digest.hexdigest())) + b"\n"


def compressed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the pieces as gzip, the same bytes for the same pieces."""
    buffer = io.BytesIO()
    # Without the time and the name of a file.
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, compresslevel=6, mtime=0) as file:
        for piece in pieces:
            file.write(piece)
            if buffer.tell():
                yield buffer.getvalue()
                buffer.seek(0)
                buffer.truncate()
    yield buffer.getvalue()


def read_export(file: io.RawIOBase, on_lines: Callable[[int], None]) -> AccountLines:
    """Read the first line of an export, plain or as gzip; the rest while it is loaded.

    The lines raise NotPossible unless the last of them proves the others. `on_lines` is told now
    and then how many there were. Raises NotPossible.
    """
    buffered = io.BufferedReader(file, EXPORT_PIECE_BYTES_MAX)
    is_gzip = buffered.peek(len(_GZIP))[: len(_GZIP)] == _GZIP
    lines = _lines(gzip.GzipFile(fileobj=buffered) if is_gzip else buffered)
    first = next(lines, b"")
    return AccountLines(_head(first).account, _proved(first, lines, on_lines))


def _head(line: bytes) -> Head:
    try:
        head = msgspec.json.decode(line, type=Head)
    except msgspec.DecodeError:
        raise NotPossible(
            "the file is no export of onelead: its first line says otherwise"
        ) from None
    if head.format != FORMAT:
        raise NotPossible(
            f"the export has format {head.format}, of onelead {head.version[:20]}; "
            f"this is onelead {__version__}, which reads format {FORMAT}"
        )
    return head


def _lines(file: gzip.GzipFile | io.BufferedReader[Any]) -> Iterator[bytes]:
    """Yield the lines with their ends."""
    number = 0
    try:
        while line := file.readline(EXPORT_LINE_BYTES_MAX + 1):
            number += 1
            if len(line) > EXPORT_LINE_BYTES_MAX:
                raise NotPossible(f"line {number} has more than {EXPORT_LINE_BYTES_MAX:,} bytes")
            yield line
    except EOFError:
        raise _cut_off() from None
    except (gzip.BadGzipFile, zlib.error):
        raise NotPossible(f"the file is damaged after line {number}") from None


def _proved(
    first: bytes, lines: Iterator[bytes], on_lines: Callable[[int], None]
) -> Iterator[bytes]:
    digest, kinds = hashlib.sha256(first), Counter[str]()
    for number, line in enumerate(lines, 2):
        if not line.endswith(b"\n"):
            break
        kind = _kind(line)
        if kind == "end":
            _require_proof(line, kinds, digest.hexdigest())
            if next(lines, b""):
                raise NotPossible("the file goes on behind its last line")
            return
        digest.update(line)
        kinds[kind] += 1
        if number % EXPORT_REPORTED_ROWS == 0:
            on_lines(number)
        yield line
    raise _cut_off()


def _kind(line: bytes) -> str:
    """Return the kind of a line that this program wrote; empty for any other."""
    return (
        line[len(_START) : line.find(b'"', len(_START))].decode("ascii", "replace")
        if line.startswith(_START)
        else ""
    )


def _require_proof(line: bytes, kinds: Counter[str], digest: str) -> None:
    try:
        end = msgspec.json.decode(line, type=End)
    except msgspec.DecodeError:
        raise NotPossible("the last line of the export cannot be read") from None
    if end.lines != kinds or end.sha256 != digest:
        raise NotPossible("the export was changed after it was written: its digest is another one")


def _cut_off() -> NotPossible:
    return NotPossible("the export is cut off: its last line is missing")
