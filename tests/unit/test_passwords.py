"""What a password may be, and how it is hashed and checked."""

from __future__ import annotations

import asyncio
from typing import Literal

import pytest
from argon2 import PasswordHasher
from tests.service import QUICK_HASHER

from onelead.errors import InputInvalid, Problem, TooManyAttempts
from onelead.limits import (
    PASSWORD_CHARS_MAX,
    PASSWORD_HASHES_AT_ONCE_MAX,
    PASSWORD_HASHES_WAITING_MAX,
)
from onelead.password_hashes import PasswordHashes
from onelead.passwords import require_good_password

EMAIL = "dana@shop.example"
GOOD = "a rainy day"
COMPOSED, DECOMPOSED = "caf\u00e9 au lait", "cafe\u0301 au lait"


def problems_of(password: str, repeated: str | None = None) -> list[Problem]:
    """Return what is wrong with a password."""
    try:
        require_good_password(password, password if repeated is None else repeated, EMAIL)
    except InputInvalid as error:
        return list(error.problems)
    return []


@pytest.mark.parametrize(
    "password", [GOOD, "0123456789", " " * 9 + "x", "x" + "\u00e9" * (PASSWORD_CHARS_MAX - 1)]
)
def test_a_password_of_some_length_is_good(password: str) -> None:
    assert problems_of(password) == []


@pytest.mark.parametrize(
    ("password", "text"),
    [
        ("", "is too short (minimum is 10 characters)"),
        ("123456789", "is too short (minimum is 10 characters)"),
        # Nine letters, however they are composed.
        ("e\u0301" * 9, "is too short (minimum is 10 characters)"),
        ("xy" * 501, "is too long (maximum is 1000 characters)"),
        (EMAIL, "can't be the e-mail"),
        (EMAIL.upper() + " ", "can't be the e-mail"),
        ("aaaaaaaaaaaa", "can't be one character again and again"),
    ],
)
def test_a_bad_password_is_refused(password: str, text: str) -> None:
    assert problems_of(password) == [Problem("password", text)]


def test_both_have_to_be_the_same() -> None:
    assert problems_of(GOOD, GOOD + "!") == [Problem("repeated", "is not the same as the password")]
    assert problems_of(COMPOSED, DECOMPOSED) == []


@pytest.fixture
def hashes() -> PasswordHashes:
    return PasswordHashes(QUICK_HASHER)


async def test_the_right_password_is_right(hashes: PasswordHashes) -> None:
    stored = await hashes.of(GOOD)
    assert stored.startswith("$argon2id$")
    assert GOOD not in stored
    assert await hashes.check(GOOD, stored) == (True, None)
    assert not (await hashes.check(GOOD + " ", stored)).is_right
    assert await hashes.of(GOOD) != stored


async def test_a_letter_may_be_typed_in_two_ways(hashes: PasswordHashes) -> None:
    assert (await hashes.check(DECOMPOSED, await hashes.of(COMPOSED))).is_right


@pytest.mark.parametrize("stored", [None, "", "no hash", "$argon2id$v=19$m=8,t=1,p=1$x$y"])
async def test_without_a_hash_nothing_is_right(hashes: PasswordHashes, stored: str | None) -> None:
    for password in (GOOD, "", "the password of nobody"):
        assert not (await hashes.check(password, stored)).is_right


async def test_nobody_takes_the_same_work_as_a_wrong_password() -> None:
    worked: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002
            worked.append(str(hash)[: len("$argon2id$v=19$m=8,t=1,p=1$")])
            return super().verify(hash, password)

    hashes = PasswordHashes(Counting(time_cost=1, memory_cost=8, parallelism=1))
    stored = await hashes.of(GOOD)
    await hashes.check("wrong", stored)
    await hashes.check("wrong", None)
    # The same number of checks, by the same parameters.
    assert worked[0] == worked[1]
    assert len(worked) == 2


async def test_a_password_with_other_parameters_is_hashed_anew(hashes: PasswordHashes) -> None:
    older = PasswordHashes(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    stored = await older.of(GOOD)
    is_right, newer = await hashes.check(GOOD, stored)
    assert is_right
    assert newer is not None
    assert await hashes.check(GOOD, newer) == (True, None)
    assert await hashes.check("wrong", stored) == (False, None)


async def test_an_endless_password_is_wrong_and_costs_no_more(hashes: PasswordHashes) -> None:
    longest = "x" * PASSWORD_CHARS_MAX
    stored = await hashes.of(longest)
    assert (await hashes.check(longest, stored)).is_right
    assert not (await hashes.check(longest + "x", stored)).is_right
    assert not (await hashes.check(longest + "x" * 500_000, stored)).is_right


async def test_more_than_may_wait_are_refused(hashes: PasswordHashes) -> None:
    most = PASSWORD_HASHES_AT_ONCE_MAX + PASSWORD_HASHES_WAITING_MAX
    checks = [asyncio.create_task(hashes.check(GOOD, None)) for _ in range(most + 3)]
    outcomes = await asyncio.gather(*checks, return_exceptions=True)
    refused = [one for one in outcomes if isinstance(one, TooManyAttempts)]
    assert len(refused) == 3
    assert refused[0].retry_after_s == 5
    assert not (await hashes.check(GOOD, None)).is_right


async def test_the_parameters_are_those_of_rfc_9106() -> None:
    stored = await PasswordHashes().of(GOOD)
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
