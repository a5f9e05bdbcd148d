"""Reads the headers that any write of a lead may have: when it was observed, and its key."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

import msgspec
from msgspec import Struct

from onelead.domain.errors import HeaderMalformed
from onelead.domain.limits import (
    BULK_LEADS_MAX,
    IDEMPOTENCY_KEY_CHARS_MAX,
    UNIX_SECONDS_MAX,
)
from onelead.domain.text import shortened, whole_number
from onelead.domain.writes import IdempotencyKey

_KEY, _OBSERVED_AT = b"idempotency-key", b"lead-observed-at"
_OURS = frozenset({_KEY, _OBSERVED_AT})
#: RFC 3339: a moment with its offset from UTC.
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


class WriteHeaders(Struct, frozen=True):
    """What the headers of a call ask for; None for what they leave open."""

    idempotency_key: str | None = None
    #: Unix seconds.
    observed_at: int | None = None


_NONE = WriteHeaders()


def write_headers(names: frozenset[bytes], raw: Iterable[tuple[bytes, bytes]]) -> WriteHeaders:
    """Read them from the headers of a request, whose `names` are in lower case.

    Raises HeaderMalformed.
    """
    if names.isdisjoint(_OURS):
        return _NONE
    found = [(name, value) for name, value in raw if name in (_KEY, _OBSERVED_AT)]
    values = {name: value.decode("latin-1").strip() for name, value in found}
    if len(values) < len(found):
        raise HeaderMalformed("Idempotency-Key and Lead-Observed-At can be sent only once")
    key, observed_at = values.get(_KEY), values.get(_OBSERVED_AT)
    if key is not None and not 1 <= len(key) <= IDEMPOTENCY_KEY_CHARS_MAX:
        text = f"Idempotency-Key must have 1 to {IDEMPOTENCY_KEY_CHARS_MAX} characters"
        raise HeaderMalformed(f"{text}, not {len(key)}")
    return WriteHeaders(key, None if observed_at is None else _seconds(observed_at))


def _seconds(text: str) -> int:
    number = whole_number(text)
    if _MOMENT.fullmatch(text):
        with suppress(ValueError, OverflowError):
            number = int(datetime.fromisoformat(text.upper()).timestamp())
    if isinstance(number, int) and 0 <= number <= UNIX_SECONDS_MAX:
        return number
    what = "Lead-Observed-At must be Unix seconds or RFC 3339, as in 2026-11-29T19:54:53Z"
    raise HeaderMalformed(f"{what}: {shortened(text)}")


class KeyPlace(Struct, frozen=True):
    """Within what an idempotency key means one request."""

    api_key_id: int | None
    path: str


def line_key(
    place: KeyPlace, key: str, method: str, line: str, number: int | None
) -> IdempotencyKey:
    """Return the key of a line of a bulk upsert; with a number, the key is that of the call."""
    return IdempotencyKey(_hash([place.api_key_id, place.path, key, number]), _hash([method, line]))


def idempotency_key(
    place: KeyPlace, key: str, method: str, body: str, *, is_bulk: bool = False
) -> IdempotencyKey:
    """Return the key of a request; of a bulk call, with those that its items can have."""

    def key_hash(number: int | None) -> str:
        return _hash([place.api_key_id, place.path, key, number])

    items = tuple(map(key_hash, range(BULK_LEADS_MAX))) if is_bulk else ()
    return IdempotencyKey(key_hash(None), _hash([method, body]), items)


def _hash(parts: list[str | int | None]) -> str:
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()
