"""Decodes bodies that were compressed on the way: Content-Encoding, RFC 9110 (8.4).

A body never grows beyond the limit of a plain one, however much it would, and is decoded in slices,
so that one that costs much time keeps no other request waiting. A body that is read line by line
has no such limit, and is decoded as it arrives.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator

from onelead.domain.errors import BodyEncodingUnknown, BodyMalformed, BodyTooLarge
from onelead.domain.limits import (
    BODY_ENCODINGS_MAX,
    GZIP_MEMBERS_MAX,
    INFLATE_SLICE_BYTES_MAX,
    INFLATED_PIECE_BYTES_MAX,
    REQUEST_BODY_BYTES_MAX,
)
from onelead.domain.text import shortened

_GZIP, _DEFLATE = "gzip", "deflate"
_SAME_AS = {"x-gzip": _GZIP}
#: How zlib is told the format.
_GZIP_WBITS, _ZLIB_WBITS, _RAW_WBITS = 31, 15, -15
_ZLIB_METHOD = 8


async def decoded(body: bytes, content_encodings: Iterable[bytes]) -> bytes:
    """Return a body as it was before the encodings that these headers list.

    Raises BodyEncodingUnknown, BodyMalformed, BodyTooLarge.
    """
    # The last encoding in the list was applied last.
    for name in reversed(_known(content_encodings)):
        # An empty body is empty, whatever its headers say.
        body = await _inflated(body, name) if body else body
    return body


def decoded_pieces(
    pieces: AsyncIterator[bytes], content_encodings: Iterable[bytes]
) -> AsyncIterator[bytes]:
    """Return the pieces of a body as they were before the encodings that these headers list.

    Raises BodyEncodingUnknown at once, and BodyMalformed on the way.
    """
    for name in reversed(_known(content_encodings)):
        pieces = _inflated_pieces(pieces, name)
    return pieces


def _known(content_encodings: Iterable[bytes]) -> list[str]:
    """Return the encodings in the order in which they were applied. Raises BodyEncodingUnknown."""
    names = list(_names(content_encodings))
    unknown = [name for name in names if name not in (_GZIP, _DEFLATE)]
    if unknown or len(names) > BODY_ENCODINGS_MAX:
        raise BodyEncodingUnknown(
            f"The body is encoded as {shortened(', '.join(unknown or names))}; "
            "send it plain, or compressed once with gzip or deflate"
        )
    return names


def _names(content_encodings: Iterable[bytes]) -> Iterator[str]:
    for header in content_encodings:
        for listed in header.decode("latin-1").split(","):
            name = listed.strip().lower()
            if name not in ("", "identity"):
                yield _SAME_AS.get(name, name)


async def _inflated(body: bytes, name: str) -> bytes:
    plain = bytearray()
    start, members_max = 0, GZIP_MEMBERS_MAX if name == _GZIP else 1
    # Some clients append to what they have compressed: several members in a row are one gzip.
    for _ in range(members_max):
        member = zlib.decompressobj(_wbits(body, name))
        while not member.eof:
            if start >= len(body):
                raise _ends_early(name)
            end = start + INFLATE_SLICE_BYTES_MAX
            room_bytes = REQUEST_BODY_BYTES_MAX - len(plain)
            try:
                plain += member.decompress(body[start:end], room_bytes + 1)
            except zlib.error:
                raise _damaged(name) from None
            if len(plain) > REQUEST_BODY_BYTES_MAX:
                raise BodyTooLarge(
                    f"The body is larger than {REQUEST_BODY_BYTES_MAX} bytes when decompressed"
                )
            start = min(end, len(body)) - len(member.unused_data)
            if start < len(body):
                await asyncio.sleep(0)
        if start == len(body):
            return bytes(plain)
    raise _goes_on(name)


async def _inflated_pieces(pieces: AsyncIterator[bytes], name: str) -> AsyncIterator[bytes]:
    members_left = GZIP_MEMBERS_MAX if name == _GZIP else 1
    member: zlib._Decompress | None = None
    unread = b""
    async for piece in pieces:
        unread += piece
        # The first two bytes say which `deflate` it is.
        while len(unread) > (member is None):
            if member is None:
                if not members_left:
                    raise _goes_on(name)
                member, members_left = zlib.decompressobj(_wbits(unread, name)), members_left - 1
            for plain in _slices(member, unread, name):
                yield plain
                await asyncio.sleep(0)
            unread = member.unused_data
            member = None if member.eof else member
    if member is not None or unread:
        raise _ends_early(name)


def _slices(member: zlib._Decompress, encoded: bytes, name: str) -> Iterator[bytes]:
    """Decode all of it, a bounded piece at a time. Raises BodyMalformed."""
    is_all = False
    while not is_all and not member.eof:
        try:
            plain = member.decompress(encoded, INFLATED_PIECE_BYTES_MAX)
        except zlib.error:
            raise _damaged(name) from None
        encoded = member.unconsumed_tail
        # A full piece may have left something in the decoder.
        is_all = not encoded and len(plain) < INFLATED_PIECE_BYTES_MAX
        if plain:
            yield plain


def _ends_early(name: str) -> BodyMalformed:
    return BodyMalformed(f"Invalid input: the body is {name} that ends too early")


def _damaged(name: str) -> BodyMalformed:
    return BodyMalformed(
        f"Invalid input: Content-Encoding says {name}, but the body is not {name} or is damaged"
    )


def _goes_on(name: str) -> BodyMalformed:
    return BodyMalformed(f"Invalid input: the body goes on after the end of its {name}")


def _wbits(body: bytes, name: str) -> int:
    if name == _GZIP:
        return _GZIP_WBITS
    # Some clients send `deflate` without the header of zlib, which RFC 9110 asks for.
    has_header = body[0] & 0x0F == _ZLIB_METHOD and int.from_bytes(body[:2]) % 31 == 0
    return _ZLIB_WBITS if has_header else _RAW_WBITS
