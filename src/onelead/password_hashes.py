"""Hashing passwords by argon2id, in threads of their own, a few at a time.

Hashing takes tens of milliseconds and much memory by intention; so few run at once, and few wait.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION
from argon2.profiles import RFC_9106_LOW_MEMORY

from onelead.errors import TooManyAttempts
from onelead.limits import (
    PASSWORD_CHARS_MAX,
    PASSWORD_HASHES_AT_ONCE_MAX,
    PASSWORD_HASHES_WAITING_MAX,
)
from onelead.passwords import hashed_form

T = TypeVar("T")


class Checked(NamedTuple):
    """What came out of a check."""

    is_right: bool
    #: The right password by today's parameters, when its hash has others.
    newer_hash: str | None = None


class PasswordHashes:
    """Makes and checks the stored form of passwords."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
        self._nobodys = _hash_of_nothing(self._hasher)
        self._threads = ThreadPoolExecutor(PASSWORD_HASHES_AT_ONCE_MAX, "password")
        self._under_way = 0

    async def of(self, password: str) -> str:
        """Return what is stored of a password. Raises TooManyAttempts."""
        return await self._in_thread(lambda: self._hasher.hash(hashed_form(password)))

    async def check(self, password: str, stored: str | None) -> Checked:
        """Check a password; without a stored one it takes the same time. Raises TooManyAttempts."""
        return await self._in_thread(lambda: self._check(password, stored))

    def _check(self, password: str, stored: str | None) -> Checked:
        text = hashed_form(password[: PASSWORD_CHARS_MAX + 1])
        try:
            self._hasher.verify(self._nobodys if stored is None else stored, text)
        except (VerificationError, InvalidHashError):
            return Checked(is_right=False)
        if stored is None or len(text) > PASSWORD_CHARS_MAX:
            return Checked(is_right=False)
        if self._hasher.check_needs_rehash(stored):
            return Checked(is_right=True, newer_hash=self._hasher.hash(text))
        return Checked(is_right=True)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._under_way >= PASSWORD_HASHES_AT_ONCE_MAX + PASSWORD_HASHES_WAITING_MAX:
            raise TooManyAttempts(retry_after_s=5)
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._under_way -= 1


def _hash_of_nothing(hasher: PasswordHasher) -> str:
    """Return a hash that no password has, and that takes as much work to check as any other."""
    salt, digest = (
        b64encode(bytes(length)).decode().rstrip("=")
        for length in (hasher.salt_len, hasher.hash_len)
    )
    costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v={ARGON2_VERSION}${costs}${salt}${digest}"
