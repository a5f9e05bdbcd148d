"""Reads request bodies: bounded in size, time and depth, and strictly JSON.

JSON that is ambiguous or cannot be stored counts as unreadable: duplicate keys, NUL characters,
lone surrogates, numbers out of range. No request that fails here reaches the ledger.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, Protocol

import msgspec
from starlette.requests import ClientDisconnect, Request

from onelead.domain.errors import BodyMalformed, BodyTooLarge, BodyTooSlow
from onelead.domain.limits import JSON_DEPTH_MAX, REQUEST_BODY_BYTES_MAX, REQUEST_BODY_TIMEOUT_S

#: Where our server puts a weak reference to a request's `Arrival` in its scope.
ARRIVING = "onelead.arriving"


class Arrival(Protocol):
    """The part of a body that the server has received so far."""

    body: bytearray
    more_body: bool


def _no_arrival() -> None:
    """Stand in for the weak reference under another server, which has none."""


async def read_body(request: Request) -> bytes:
    """Read the whole body. Raises BodyTooLarge, BodyTooSlow, BodyMalformed."""
    arriving: Callable[[], Arrival | None] = request.scope.get(ARRIVING, _no_arrival)
    arrival = arriving()
    # Most bodies arrive with their headers: no need to wait, or for a timer.
    if arrival is not None and not arrival.more_body:
        if len(arrival.body) > REQUEST_BODY_BYTES_MAX:
            raise BodyTooLarge(f"The body is larger than {REQUEST_BODY_BYTES_MAX} bytes")
        return bytes(arrival.body)
    length = request.headers.get("content-length", "0")
    if length.isascii() and length.isdigit() and int(length[:20]) > REQUEST_BODY_BYTES_MAX:
        raise BodyTooLarge(f"The body is larger than {REQUEST_BODY_BYTES_MAX} bytes")
    try:
        async with asyncio.timeout(REQUEST_BODY_TIMEOUT_S):
            return await _read_chunks(request)
    except TimeoutError:
        raise BodyTooSlow(f"The body took longer than {REQUEST_BODY_TIMEOUT_S} seconds") from None
    except ClientDisconnect:
        raise BodyMalformed("The connection was closed before the body was complete") from None


async def _read_chunks(request: Request) -> bytes:
    chunks: list[bytes] = []
    size_bytes = 0
    async for chunk in request.stream():
        size_bytes += len(chunk)
        if size_bytes > REQUEST_BODY_BYTES_MAX:
            raise BodyTooLarge(f"The body is larger than {REQUEST_BODY_BYTES_MAX} bytes")
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def decode_object(body: bytes) -> dict[str, Any]:
    """Decode a JSON object; an empty body is an empty object. Raises BodyMalformed."""
    value = decode_json(body)
    if not isinstance(value, dict):
        raise BodyMalformed("Invalid input: the body must be a JSON object")
    return value


def decode_json(body: bytes) -> Any:
    """Decode any JSON value; an empty body is an empty object. Raises BodyMalformed."""
    if not body.strip():
        return {}
    try:
        value = msgspec.json.decode(body)
        # The fast decoder keeps the last of two equal keys; the slow one sees both.
        if _may_have_lost_keys(body, value):
            _duplicate_finder.decode(body.decode())
    except RecursionError:
        raise BodyMalformed(_TOO_DEEP) from None
    except (ValueError, msgspec.DecodeError) as error:
        raise BodyMalformed(f"Invalid input: the body is not readable JSON: {error}") from None
    if body.count(b"{") + body.count(b"[") > JSON_DEPTH_MAX:
        _check_depth(value)
    if b"\\u0000" in body:
        _check_text(value)
    return value


_TOO_DEEP = f"Invalid input: the body is nested deeper than {JSON_DEPTH_MAX} levels"


def _may_have_lost_keys(body: bytes, value: Any) -> bool:
    """Return whether the text may have more keys than the value; False is certain.

    Every key ends in a quote and a colon. Without white space between the two, the text has at most
    as many keys as such pairs; a pair inside a string only makes the answer True needlessly.
    """
    if b" :" in body or b"\t:" in body or b"\n:" in body or b"\r:" in body:
        return True
    return isinstance(value, dict | list) and body.count(b'":') != _count_keys(value)


def _count_keys(value: Any) -> int:
    """Count the keys of all objects in a JSON value."""
    keys = 0
    found = [value]
    # The list grows during the loop; a comprehension per level would cost more than all the rest.
    for container in found:
        children = container
        if container.__class__ is dict:
            keys += len(container)
            children = container.values()
        for child in children:
            if child.__class__ is dict or child.__class__ is list:
                found.append(child)  # noqa: PERF401
    return keys


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) != len(pairs):
        raise BodyMalformed("Invalid input: the body has the same key twice in one object")


_duplicate_finder = json.JSONDecoder(object_pairs_hook=_refuse_duplicates)


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


def _check_text(value: Any) -> None:
    """Refuse the NUL character, which databases cannot keep in text."""
    if isinstance(value, str):
        if "\0" in value:
            raise BodyMalformed("Invalid input: the body has a NUL character")
        return
    if isinstance(value, dict):
        for key in value:
            _check_text(key)
    for child in _children(value):
        _check_text(child)
