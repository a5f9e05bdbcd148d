"""Reads request bodies: bounded in size, time and depth, and strictly JSON.

JSON that is ambiguous or cannot be stored counts as unreadable: duplicate keys, NUL characters,
lone surrogates, numbers out of range. One item of a bulk call can fail alone. Of a delivery whose
body fails here, the ledger gets the beginning and the size.
"""

from __future__ import annotations

import asyncio
import json
import re
from codecs import BOM_UTF8
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request

from onelead.domain.errors import (
    BodyEncodingUnknown,
    BodyMalformed,
    BodyTooLarge,
    BodyTooSlow,
)
from onelead.domain.limits import (
    ID_MAX,
    JSON_DEPTH_MAX,
    REQUEST_BODY_BYTES_MAX,
    REQUEST_BODY_TIMEOUT_S,
    UNREAD_BYTES_MAX,
)
from onelead.incoming.content_coding import decoded
from onelead.incoming.foreign_body import what_came

T = TypeVar("T")
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

#: Where our server puts a weak reference to a request's `Arrival` in its scope.
ARRIVING = "onelead.arriving"


#: Why a body could not be read.
UNREAD = (BodyMalformed, BodyTooLarge, BodyTooSlow, BodyEncodingUnknown)


class Received:
    """How much of a body was received, and how it begins, in case that it cannot be read."""

    def __init__(self) -> None:
        self.size_bytes = 0
        #: At least the first UNREAD_BYTES_MAX, as far as they were received.
        self.start = b""

    def add(self, piece: bytes) -> None:
        """Take down the next piece."""
        if not self.start:
            # Most bodies are one piece: copying it would be in vain.
            self.start = piece
        elif len(self.start) < UNREAD_BYTES_MAX:
            self.start += piece
        self.size_bytes += len(piece)

    def start_as_json(self) -> str:
        """Return the beginning as a JSON text that every database keeps."""
        start = self.start[:UNREAD_BYTES_MAX]
        text = start.decode(errors="backslashreplace").replace("\0", "\\0")
        return _encode(text).decode()


class Arrival(Protocol):
    """The part of a body that the server has received so far."""

    body: bytearray
    more_body: bool


def _no_arrival() -> None:
    """Stand in for the weak reference under another server, which has none."""


def read_json(body: bytes, decode: Callable[[bytes], T], request: Request) -> tuple[bytes, T]:
    """Return a request's body without its byte order mark, and what `decode` makes of it.

    Raises what `decode` raises. A body that is something else than JSON in UTF-8 is called what it
    is.
    """
    body = body.removeprefix(BOM_UTF8)
    try:
        return body, decode(body)
    except BodyMalformed:
        if (found := what_came(body, request.headers.get("content-type", ""))) is None:
            raise
    raise BodyMalformed(f"{_THE_BODY} {found}")


async def read_body(request: Request, received: Received) -> bytes:
    """Read the whole body, decompressed; `received` follows.

    Raises BodyTooLarge, BodyTooSlow, BodyMalformed, BodyEncodingUnknown.
    """
    body = _arrived(request, received)
    if body is None:
        body = await _awaited(request, received)
    encodings = [value for name, value in request.scope["headers"] if name == b"content-encoding"]
    return await decoded(body, encodings) if encodings and body else body


def _arrived(request: Request, received: Received) -> bytes | None:
    """Return a body that has arrived with its headers, as most do: no need to wait, or for a timer.

    None for any other. Raises BodyTooLarge.
    """
    arriving: Callable[[], Arrival | None] = request.scope.get(ARRIVING, _no_arrival)
    arrival = arriving()
    if arrival is None or arrival.more_body:
        return None
    body = bytes(arrival.body)
    received.add(body)
    if len(body) > REQUEST_BODY_BYTES_MAX:
        raise BodyTooLarge(f"The body is larger than {REQUEST_BODY_BYTES_MAX} bytes")
    return body


async def _awaited(request: Request, received: Received) -> bytes:
    length = request.headers.get("content-length", "0")
    if length.isascii() and length.isdigit() and int(length[:20]) > REQUEST_BODY_BYTES_MAX:
        # A size that nobody has could not be stored.
        received.size_bytes = min(int(length[:20]), ID_MAX)
        raise BodyTooLarge(f"The body is larger than {REQUEST_BODY_BYTES_MAX} bytes")
    try:
        async with asyncio.timeout(REQUEST_BODY_TIMEOUT_S):
            return await _read_chunks(request, received)
    except TimeoutError:
        raise BodyTooSlow(f"The body took longer than {REQUEST_BODY_TIMEOUT_S} seconds") from None
    except ClientDisconnect:
        raise BodyMalformed("The connection was closed before the body was complete") from None


async def _read_chunks(request: Request, received: Received) -> bytes:
    chunks: list[bytes] = []
    async for chunk in request.stream():
        received.add(chunk)
        if received.size_bytes > REQUEST_BODY_BYTES_MAX:
            raise BodyTooLarge(f"The body is larger than {REQUEST_BODY_BYTES_MAX} bytes")
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def decode_object(body: bytes) -> dict[str, Any]:
    """Decode a JSON object; an empty body is an empty object. Raises BodyMalformed."""
    value = decode_json(body)
    if not isinstance(value, dict):
        raise BodyMalformed(f"{_THE_BODY} must be a JSON object")
    return value


def decode_json(body: bytes) -> Any:
    """Decode any JSON value; an empty body is an empty object. Raises BodyMalformed."""
    if not body.strip():
        return {}
    try:
        value = _decode(body)
        # The fast decoder keeps the last of two equal keys; the slow one sees both.
        encoded = _encode(value)
        if encoded != body and _may_have_lost_keys(body, encoded):
            _slowly_decoded(body)
    except RecursionError:
        raise BodyMalformed(_TOO_DEEP) from None
    except (ValueError, msgspec.DecodeError) as error:
        raise _explained(error, body) from None
    if body.count(b"{") + body.count(b"[") > JSON_DEPTH_MAX:
        _check_depth(value)
    # Looking for one character is the fastest, and most bodies have no escape.
    if b"\\" in body and b"\\u0000" in body and (fault := fault_of_text(value)):
        raise TextMalformed(fault, value)
    return value


_THE_BODY = "Invalid input: the body"
_TOO_DEEP = f"{_THE_BODY} is nested deeper than {JSON_DEPTH_MAX} levels"


class TextMalformed(BodyMalformed, code=BodyMalformed.code, kind=BodyMalformed.kind):
    """The body is JSON with a text that no database keeps; `value` is the body, decoded."""

    def __init__(self, fault: str, value: Any) -> None:
        super().__init__(f"{_THE_BODY} {fault}")
        self.value = value


#: Half of a surrogate pair: in JSON, an escape from `\\ud800` to `\\udfff` without its other half.
HALF_PAIR = re.compile("[\ud800-\udfff]")


def fault_of_text(value: Any) -> str | None:
    """Return what keeps a database from storing the texts of a decoded value; None for nothing."""
    if isinstance(value, str):
        if "\0" in value:
            return "has a NUL character"
        has_half = not value.isascii() and HALF_PAIR.search(value)
        return "has half of a surrogate pair" if has_half else None
    texts = [*value, *value.values()] if isinstance(value, dict) else _children(value)
    return next(filter(None, map(fault_of_text, texts)), None)


def _explained(error: Exception, body: bytes) -> BodyMalformed:
    """Return why the fast decoder has failed.

    At half of a surrogate pair it says something wrong, and nothing of the value is left; the slow
    one takes it as text.
    """
    fault = value = None
    try:
        value = _slowly_decoded(body)
        # Refuses a number that is out of range, about which the fast one is right.
        json.dumps(value, allow_nan=False)
        fault = fault_of_text(value)
    except BodyMalformed as malformed:
        return malformed
    except ValueError:
        pass
    if fault is not None:
        return TextMalformed(fault, value)
    return BodyMalformed(f"{_THE_BODY} is not readable JSON: {error}")


def _slowly_decoded(body: bytes) -> Any:
    """Decode JSON and see every key of it. Raises BodyMalformed, or ValueError for what is none."""
    try:
        value = _slow_decoder.decode(body.decode())
    except RecursionError:
        raise BodyMalformed(_TOO_DEEP) from None
    _check_depth(value)
    return value


def _may_have_lost_keys(body: bytes, encoded: bytes) -> bool:
    """Return whether a text may have more keys than its value, encoded again; False is certain.

    Each key has a colon, and the colons in texts stay colons: a key that is lost takes one along.
    Only where an escape hides a colon, the encoded value has one more.
    """
    if body.count(b":") != encoded.count(b":"):
        return True
    return b"\\" in body and b"\\u003" in body


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise BodyMalformed(f"{_THE_BODY} has the same key twice in one object")
    return members


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


_slow_decoder = json.JSONDecoder(
    object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant
)


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(JSON_DEPTH_MAX):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return
    raise BodyMalformed(_TOO_DEEP)


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
