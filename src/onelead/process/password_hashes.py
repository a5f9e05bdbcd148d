"""Hashing passwords by argon2id, in threads of their own, a few at a time.

Hashing takes tens of milliseconds and much memory by intention; so few run at once, and few wait.
All passwords of one e-mail have the same salt, so that one hash checks a password against all of
them: how long that takes does not tell in how many accounts an e-mail has a password.
"""

from __future__ import annotations

import asyncio
import hmac
from base64 import b64decode
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from argon2 import PasswordHasher, Type, extract_parameters
from argon2.exceptions import HashingError
from argon2.low_level import ARGON2_VERSION
from argon2.profiles import RFC_9106_LOW_MEMORY

from onelead.domain.errors import TooManyAttempts
from onelead.domain.limits import PASSWORD_HASHES_AT_ONCE_MAX, PASSWORD_HASHES_WAITING_MAX
from onelead.domain.passwords import hashed_form, is_too_long

T = TypeVar("T")


class Checked(NamedTuple):
    """What came out of a check against one stored hash."""

    is_right: bool
    #: The right password by today's parameters and the e-mail's salt, when its hash has others.
    newer_hash: str | None = None


class _Way(NamedTuple):
    """How a hash was made: done again, it makes the same hash of the same password."""

    time_cost: int
    memory_cost: int
    parallelism: int
    hash_len: int
    salt: bytes


class PasswordHashes:
    """Makes and checks the stored form of passwords."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
        self._threads = ThreadPoolExecutor(PASSWORD_HASHES_AT_ONCE_MAX, "password")
        self._under_way = 0

    async def of(self, password: str, others: Sequence[str] = ()) -> str:
        """Return what is stored of a password; `others` are hashes that its e-mail has already.

        Raises TooManyAttempts.
        """
        salts = [way.salt for way in map(_way, others) if way is not None]
        salt = salts[0] if salts else None
        return await self._in_thread(lambda: self._hasher.hash(hashed_form(password), salt=salt))

    async def check(self, password: str, stored: Sequence[str]) -> list[Checked]:
        """Check a password against the hashes of one e-mail; without any it takes the same time.

        Raises TooManyAttempts.
        """
        return await self._in_thread(lambda: self._check(password, stored))

    def _check(self, password: str, stored: Sequence[str]) -> list[Checked]:
        text = hashed_form(password)
        ways = [_way(one) for one in stored]
        known = [way for way in ways if way is not None] or [self._todays(_NOBODYS_SALT)]
        hashed = {way: self._hashed(text, way) for way in dict.fromkeys(known)}
        right = [
            way is not None and not is_too_long(text) and _are_equal(one, hashed[way])
            for one, way in zip(stored, ways, strict=True)
        ]
        if not any(right):
            return [Checked(is_right=False) for _ in stored]
        wanted = self._todays(known[0].salt)
        newest = hashed.get(wanted) or self._hashed(text, wanted) or None
        return [
            Checked(is_right, newest if is_right and way != wanted else None)
            for is_right, way in zip(right, ways, strict=True)
        ]

    def _todays(self, salt: bytes) -> _Way:
        hasher = self._hasher
        costs = (hasher.time_cost, hasher.memory_cost, hasher.parallelism)
        return _Way(*costs, hasher.hash_len, salt)

    def _hashed(self, text: str, way: _Way) -> str:
        """Hash a text in a way; nothing comes out of one that a damaged hash seems to have."""
        hasher = self._hasher
        if way != self._todays(way.salt):
            costs = (way.time_cost, way.memory_cost, way.parallelism)
            hasher = PasswordHasher(*costs, hash_len=way.hash_len)
        try:
            return hasher.hash(text, salt=way.salt)
        except HashingError:
            return ""

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._under_way >= PASSWORD_HASHES_AT_ONCE_MAX + PASSWORD_HASHES_WAITING_MAX:
            raise TooManyAttempts(retry_after_s=5)
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._under_way -= 1


#: What a password is hashed with when there is nothing to compare it with.
_NOBODYS_SALT = bytes(16)


def _way(stored: str) -> _Way | None:
    """Return how a hash was made; None for a text that is no hash of ours."""
    try:
        found = extract_parameters(stored)
        salt = b64decode(stored.split("$")[-2] + "==")
    except ValueError:
        return None
    if (found.type, found.version) != (Type.ID, ARGON2_VERSION):
        return None
    costs = (found.time_cost, found.memory_cost, found.parallelism)
    return _Way(*costs, found.hash_len, salt)


def _are_equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
