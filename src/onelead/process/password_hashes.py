"""Hashes passwords with argon2id, in threads of their own, a few at a time.

Hashing takes tens of milliseconds and much memory on purpose, so only a few run at a time, and few
may wait. All passwords of one e-mail have the same salt, so that one hash checks a password against
all of them: the time that takes does not reveal in how many accounts an e-mail has a password.
"""

from __future__ import annotations

import asyncio
import hmac
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

from argon2 import Parameters, PasswordHasher, Type, extract_parameters
from argon2.exceptions import HashingError
from argon2.low_level import ARGON2_VERSION
from argon2.profiles import RFC_9106_LOW_MEMORY

from onelead.domain.errors import TooManyAttempts
from onelead.domain.limits import (
    PASSWORD_HASHES_AT_ONCE_MAX,
    PASSWORD_HASHES_RESERVED_MAX,
    PASSWORD_HASHES_WAITING_MAX,
)
from onelead.domain.sign_in.passwords import hashed_form, is_too_long

T = TypeVar("T")


class Checked(NamedTuple):
    """The result of a check against one stored hash."""

    is_right: bool
    #: The right password hashed with today's parameters and the e-mail's salt, if its hash has
    #: others.
    newer_hash: str | None = None


class _Recipe(NamedTuple):
    """The parameters and salt of a hash: with them the same password gives the same hash."""

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

    @contextmanager
    def room(self, *, is_known: bool) -> Iterator[None]:
        """Keep a place among those that hash, or wait for it, while the block runs.

        Some are kept for users at known places, and for those with a link or a session. Raises
        TooManyAttempts.
        """
        most = PASSWORD_HASHES_AT_ONCE_MAX + PASSWORD_HASHES_WAITING_MAX
        if self._under_way >= most + (PASSWORD_HASHES_RESERVED_MAX if is_known else 0):
            raise TooManyAttempts(retry_after_s=5)
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    async def of(self, password: str, others: Sequence[str] = ()) -> str:
        """Return the hash to store for a password; `others` are the stored hashes of its e-mail.

        Raises TooManyAttempts.
        """
        salts = [recipe.salt for recipe in map(_recipe, others) if recipe is not None]
        salt = salts[0] if salts else None
        with self.room(is_known=True):
            return await self._in_thread(
                lambda: self._hasher.hash(hashed_form(password), salt=salt)
            )

    async def rate(self, rating: Callable[[], None]) -> None:
        """Rate a new password, which takes a moment, too. Raises TooManyAttempts."""
        with self.room(is_known=True):
            await self._in_thread(rating)

    async def check(self, password: str, stored: Sequence[str]) -> list[Checked]:
        """Check a password against the hashes of one e-mail; it takes as long without any.

        The caller keeps a `room` meanwhile.
        """
        return await self._in_thread(lambda: self._check(password, stored))

    def _check(self, password: str, stored: Sequence[str]) -> list[Checked]:
        text = hashed_form(password)
        recipes = [_recipe(one) for one in stored]
        known = [recipe for recipe in recipes if recipe is not None] or [
            _recipe_of(self._hasher, _DUMMY_SALT)
        ]
        hashed = {recipe: self._hashed(text, recipe) for recipe in dict.fromkeys(known)}
        right = [
            recipe is not None and not is_too_long(text) and _are_equal(one, hashed[recipe])
            for one, recipe in zip(stored, recipes, strict=True)
        ]
        if not any(right):
            return [Checked(is_right=False) for _ in stored]
        wanted = _recipe_of(self._hasher, known[0].salt)
        newest = hashed.get(wanted) or self._hashed(text, wanted) or None
        return [
            Checked(is_right, newest if is_right and recipe != wanted else None)
            for is_right, recipe in zip(right, recipes, strict=True)
        ]

    def _hashed(self, text: str, recipe: _Recipe) -> str:
        """Hash a text; empty for a recipe that only a damaged hash can have."""
        hasher = self._hasher
        if recipe != _recipe_of(hasher, recipe.salt):
            costs = (recipe.time_cost, recipe.memory_cost, recipe.parallelism)
            hasher = PasswordHasher(*costs, hash_len=recipe.hash_len)
        try:
            return hasher.hash(text, salt=recipe.salt)
        except HashingError:
            return ""

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


#: The salt for a password that has nothing to be compared with.
_DUMMY_SALT = bytes(16)


def _recipe(stored: str) -> _Recipe | None:
    """Return the recipe of a hash; None for a text that is not one of our hashes."""
    try:
        found = extract_parameters(stored)
        salt = b64decode(stored.split("$")[-2] + "==")
    except ValueError:
        return None
    if (found.type, found.version) != (Type.ID, ARGON2_VERSION):
        return None
    return _recipe_of(found, salt)


def _recipe_of(costs: PasswordHasher | Parameters, salt: bytes) -> _Recipe:
    return _Recipe(costs.time_cost, costs.memory_cost, costs.parallelism, costs.hash_len, salt)


def _are_equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
