"""Who is calling: the three headers, checked in the same time whichever of them is wrong.

A key that was found is remembered for API_KEY_CACHE_S, so that most calls need no read, and a
revoked key is refused everywhere soon.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Protocol

from starlette.requests import Request

from onelead.account import Caller
from onelead.errors import CredentialsInvalid
from onelead.limits import API_KEY_CACHE_ENTRIES_MAX, API_KEY_CACHE_S, API_KEY_CHARS_MAX
from onelead.text import fold


class CallerStore(Protocol):
    """What authentication needs of a store."""

    async def caller(self, key_hash: str) -> Caller | None:
        """See `Store`."""


class Authenticator:
    """Finds the caller of a request."""

    def __init__(self, store: CallerStore, monotonic: Callable[[], float]) -> None:
        self._store = store
        self._monotonic = monotonic
        #: By key hash: who, and until when that is believed. Unknown keys are remembered too.
        self._known: dict[str, tuple[Caller | None, float]] = {}

    async def caller_of(self, request: Request) -> Caller:
        """Return the caller. Raises CredentialsInvalid."""
        headers = request.headers
        secret = headers.get("x-pw-accesstoken", "")[:API_KEY_CHARS_MAX]
        caller = await self._find(hashlib.sha256(secret.encode()).hexdigest())
        # Everything is compared before anything is refused.
        email_is_right = _equal(headers.get("x-pw-useremail", ""), caller.email if caller else "")
        is_named = bool(headers.get("x-pw-application"))
        if caller is None or not email_is_right or not is_named:
            raise CredentialsInvalid
        return caller

    async def _find(self, key_hash: str) -> Caller | None:
        now = self._monotonic()
        caller, believed_until = self._known.get(key_hash, (None, 0.0))
        if now < believed_until:
            return caller
        caller = await self._store.caller(key_hash)
        if len(self._known) >= API_KEY_CACHE_ENTRIES_MAX:
            self._known.clear()
        self._known[key_hash] = (caller, now + API_KEY_CACHE_S)
        return caller


def _equal(sent: str, right: str) -> bool:
    """Compare two e-mails, without case, in constant time."""
    digests = (hashlib.sha256(fold(email).encode()).digest() for email in (sent, right))
    return hmac.compare_digest(*digests)
