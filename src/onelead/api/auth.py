"""The caller of a request: three headers, checked in the same time whichever of them is wrong.

The owner of a key is remembered for API_KEY_CACHE_S, so that most calls need no read, and a
revoked key is soon refused in every process.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Mapping

from starlette.requests import Request

from onelead.contract.access import AccessStore
from onelead.domain.account import Caller
from onelead.domain.api_keys.purposes import is_from
from onelead.domain.api_keys.texts import is_damaged
from onelead.domain.errors import CredentialsInvalid, NetworkNotAllowed
from onelead.domain.limits import API_KEY_CACHE_ENTRIES_MAX, API_KEY_CACHE_S, API_KEY_CHARS_MAX
from onelead.domain.text import fold
from onelead.process.api_key_uses import ApiKeyUses

_SECRET, _EMAIL, _APPLICATION = b"x-pw-accesstoken", b"x-pw-useremail", b"x-pw-application"


class Authenticator:
    """Finds the caller of a request."""

    def __init__(
        self,
        store: AccessStore,
        api_key_uses: ApiKeyUses,
        clock: Callable[[], int],
        monotonic: Callable[[], float],
    ) -> None:
        self._store = store
        self._api_key_uses = api_key_uses
        self._clock = clock
        self._monotonic = monotonic
        #: By key hash: the caller, and until when to trust that. Unknown keys are remembered too.
        self._known: dict[str, tuple[Caller | None, float]] = {}
        #: Reads under way, each shared by all calls with the same key.
        self._reads: dict[str, asyncio.Task[Caller | None]] = {}

    async def caller_of(self, request: Request) -> Caller:
        """Return the caller. Raises CredentialsInvalid."""
        # Of several headers with one name, the first counts.
        headers = dict(reversed(request.scope["headers"]))
        key_hash = _key_hash(headers)
        caller, trusted_until = self._known.get(key_hash, (None, 0.0))
        if self._monotonic() >= trusted_until:
            # A key with a wrong checksum needs no read.
            caller = None if is_damaged(_secret(headers)) else await self._find(key_hash)
        caller = self._confirmed(caller, headers)
        if caller is None:
            raise CredentialsInvalid
        client = request.scope["client"]
        address = client[0] if client else ""
        if caller.networks and not is_from(caller.networks, address):
            raise NetworkNotAllowed
        self.note(caller, address)
        return caller

    def known_caller(self, headers: Mapping[bytes, bytes]) -> Caller | None:
        """Return the caller if that needs no read; None also for one who is to be refused.

        The networks of the key are left to those who know the address.
        """
        caller, trusted_until = self._known.get(_key_hash(headers), (None, 0.0))
        return self._confirmed(caller, headers) if self._monotonic() < trusted_until else None

    def note(self, caller: Caller, address: str) -> None:
        """Note a call from an address, which is empty if it is unknown."""
        self._api_key_uses.note(caller, self._clock(), address)

    async def _find(self, key_hash: str) -> Caller | None:
        read = self._reads.get(key_hash)
        if read is None:
            read = self._reads[key_hash] = asyncio.create_task(self._read(key_hash))
            read.add_done_callback(lambda _read: self._reads.pop(key_hash))
        return await asyncio.shield(read)

    async def _read(self, key_hash: str) -> Caller | None:
        now = self._monotonic()
        caller = await self._store.caller(key_hash)
        if len(self._known) >= API_KEY_CACHE_ENTRIES_MAX:
            self._known.clear()
        self._known[key_hash] = (caller, now + API_KEY_CACHE_S)
        return caller

    def _confirmed(self, caller: Caller | None, headers: Mapping[bytes, bytes]) -> Caller | None:
        """Return the owner of a key if the other two headers are right, until the key ends."""
        # Everything is compared before anything is refused.
        email = headers.get(_EMAIL, b"").decode("latin-1")
        email_is_right = _equal(email, caller.email if caller else "")
        if caller is None or not email_is_right or not headers.get(_APPLICATION):
            return None
        is_over = caller.date_expires is not None and caller.date_expires <= self._clock()
        return None if is_over else caller


def _secret(headers: Mapping[bytes, bytes]) -> str:
    return headers.get(_SECRET, b"").decode("latin-1")[:API_KEY_CHARS_MAX]


def _key_hash(headers: Mapping[bytes, bytes]) -> str:
    return hashlib.sha256(_secret(headers).encode()).hexdigest()


def _equal(sent: str, right: str) -> bool:
    """Compare two e-mails, ignoring case, in constant time."""
    if hmac.compare_digest(sent.encode(), right.encode()):
        return True
    digests = (hashlib.sha256(fold(email).encode()).digest() for email in (sent, right))
    return hmac.compare_digest(*digests)
