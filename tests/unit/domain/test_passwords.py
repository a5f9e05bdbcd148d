"""Which passwords are allowed, and how they are hashed and checked."""

from __future__ import annotations

import time
from contextlib import ExitStack

import pytest
from argon2 import PasswordHasher
from tests.support.api.service import QUICK_HASHER

from onelead.domain.account import User
from onelead.domain.errors import InputInvalid, Problem, TooManyAttempts
from onelead.domain.limits import (
    PASSWORD_CHARS_MAX,
    PASSWORD_HASHES_AT_ONCE_MAX,
    PASSWORD_HASHES_RESERVED_MAX,
    PASSWORD_HASHES_WAITING_MAX,
)
from onelead.domain.sign_in.passwords import require_good_password
from onelead.process.password_hashes import PasswordHashes

USER = User(1, "Dana Kowalski", "dana@shop.example")
GOOD = "a rainy afternoon"
COMPOSED, DECOMPOSED = "caf\u00e9 au lait chaud", "cafe\u0301 au lait chaud"


def problems_of(password: str, repeated: str | None = None) -> list[Problem]:
    """Return what is wrong with a password."""
    try:
        require_good_password(
            password, password if repeated is None else repeated, USER, "Acme Hardware"
        )
    except InputInvalid as error:
        return list(error.problems)
    return []


SHORT = "is too short (minimum is 12 characters)"
NAMES = (
    "is too short (minimum is 12 characters besides the names of onelead, the account and yourself)"
)
EASY = "is too easy to guess; a few unrelated words are harder"


@pytest.mark.parametrize(
    "password",
    [
        GOOD,
        "correct horse battery staple",
        "kq7-Vr2!mZ0x",
        "h\u00e4nde hoch, kater",
        "\u043f\u0435\u0440\u0432\u044b\u0439 \u0441\u043d\u0435\u0433 \u0432 \u043c\u0430\u0435",
        "acme hardware has green doors",
        (GOOD + " ") * 55,
    ],
)
def test_a_password_that_is_hard_to_guess_is_good(password: str) -> None:
    assert problems_of(password) == []


@pytest.mark.parametrize(
    ("password", "text"),
    [
        ("", SHORT),
        ("12345678901", SHORT),
        # Eleven letters, however they are composed.
        ("e\u0301" * 11, SHORT),
        ("xy" * 501, "is too long (maximum is 1000 characters)"),
        (USER.email, NAMES),
        (USER.email.upper() + " 12345678", NAMES),
        ("onelead-2026-acme", NAMES),
        ("MyAcmeHardware12!", NAMES),
        ("kowalski-Dana-99x", NAMES),
        ("aaaaaaaaaaaa", EASY),
        ("password1234", EASY),
        ("qwertyuiop12", EASY),
        ("abcabcabcabc", EASY),
        ("letmeinplease", EASY),
        ("11111111111112", EASY),
    ],
)
def test_a_bad_password_is_refused(password: str, text: str) -> None:
    assert problems_of(password) == [Problem("password", text)]


def test_a_password_is_rated_in_a_moment() -> None:
    """Signs that can be letters have hundreds of readings together: one took 13 seconds."""
    problems_of(GOOD)
    began = time.process_time()
    assert problems_of("4@8({[<36961!|1|7$5+7%20" * 40) == []
    assert problems_of("|14!@756" * 40) == []
    assert time.process_time() - began < 1
    assert problems_of("1234567890123456!$%") == [Problem("password", EASY)]


def test_both_entries_have_to_be_the_same() -> None:
    assert problems_of(GOOD, GOOD + "!") == [Problem("repeated", "is not the same as the password")]
    assert problems_of(COMPOSED, DECOMPOSED) == []


@pytest.fixture
def hashes() -> PasswordHashes:
    return PasswordHashes(QUICK_HASHER)


async def is_right(hashes: PasswordHashes, password: str, stored: str) -> bool:
    """Check a password for an e-mail that has one."""
    (checked,) = await hashes.check(password, [stored])
    return checked.is_right


async def test_the_right_password_is_right(hashes: PasswordHashes) -> None:
    stored = await hashes.of(GOOD)
    assert stored.startswith("$argon2id$")
    assert GOOD not in stored
    assert await hashes.check(GOOD, [stored]) == [(True, None)]
    assert not await is_right(hashes, GOOD + " ", stored)
    assert await hashes.of(GOOD) != stored


async def test_a_letter_may_be_typed_in_two_ways(hashes: PasswordHashes) -> None:
    assert await is_right(hashes, DECOMPOSED, await hashes.of(COMPOSED))


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "no hash",
        "\u00e9",
        "$argon2id$v=19$m=8,t=1,p=1$x$y",
        "$argon2id$v=19$m=8,t=1,p=1$eHg$eHh4",
    ],
)
async def test_without_a_hash_nothing_is_right(hashes: PasswordHashes, stored: str) -> None:
    for password in (GOOD, "", "the password of nobody"):
        assert await hashes.check(password, []) == []
        assert await hashes.check(password, [stored]) == [(False, None)]
        # It does not get in the way of another one either.
        assert await hashes.check(GOOD, [stored, await hashes.of(GOOD)]) == [
            (False, None),
            (True, None),
        ]


class Counting(PasswordHasher):
    """Records the salt of each hash that is made to check a password."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.salts: list[bytes | None] = []

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        self.salts.append(salt)
        return super().hash(password, salt=salt)


async def test_a_check_is_one_hash_however_many_passwords_an_email_has() -> None:
    hasher = Counting()
    hashes = PasswordHashes(hasher)
    stored: list[str] = []
    for password in (GOOD, "a dry day", GOOD):
        stored.append(await hashes.of(password, stored))
    assert len({one.split("$")[4] for one in stored}) == 1
    hasher.salts.clear()
    for number in range(4):
        assert await hashes.check("wrong", stored[:number]) == [(False, None)] * number
    assert await hashes.check(GOOD, stored) == [(True, None), (False, None), (True, None)]
    assert await hashes.check("a dry day", stored) == [(False, None), (True, None), (False, None)]
    assert len(hasher.salts) == 6


async def test_each_email_has_a_salt_of_its_own(hashes: PasswordHashes) -> None:
    first, second = await hashes.of(GOOD), await hashes.of(GOOD)
    assert first.split("$")[4] != second.split("$")[4]


async def test_salts_that_differ_become_one_when_the_password_is_used() -> None:
    """Two accounts may set passwords for one e-mail at the same moment."""
    hasher = Counting()
    hashes = PasswordHashes(hasher)
    first, second = await hashes.of("a dry day"), await hashes.of(GOOD)
    unknown, (right, newer) = await hashes.check(GOOD, [first, second])
    assert (unknown, right) == ((False, None), True)
    assert newer is not None
    hasher.salts.clear()
    assert await hashes.check(GOOD, [first, newer]) == [(False, None), (True, None)]
    assert len(hasher.salts) == 1


async def test_a_password_with_other_parameters_is_hashed_again(hashes: PasswordHashes) -> None:
    older = PasswordHashes(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    stored = await older.of(GOOD)
    ((right, newer),) = await hashes.check(GOOD, [stored])
    assert right
    assert newer is not None
    assert newer.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    # The passwords of one e-mail keep one salt.
    assert newer.split("$")[4] == stored.split("$")[4]
    assert await hashes.check(GOOD, [newer]) == [(True, None)]
    assert await hashes.check("wrong", [stored]) == [(False, None)]


async def test_an_endless_password_is_wrong_and_costs_no_more(hashes: PasswordHashes) -> None:
    longest = "x" * PASSWORD_CHARS_MAX
    stored = await hashes.of(longest)
    assert await is_right(hashes, longest, stored)
    assert not await is_right(hashes, longest + "x", stored)
    assert not await is_right(hashes, longest + "x" * 500_000, stored)


#: Each letter is typed as a base and three marks: as many pieces as a letter can have.
IN_PIECES = "\u03b1\u0313\u0300\u0345"


async def test_the_length_counts_letters_and_not_their_pieces(
    hashes: PasswordHashes,
) -> None:
    letters = PASSWORD_CHARS_MAX - 1
    for typed in ("x" + IN_PIECES * letters, "x" + "e\u0301\u0302" * (letters // 2)):
        assert len(typed) > PASSWORD_CHARS_MAX
        assert all("long" not in problem.text for problem in problems_of(typed))
        assert await is_right(hashes, typed, await hashes.of(typed))
    assert problems_of(IN_PIECES * (PASSWORD_CHARS_MAX + 1)) == [
        Problem("password", "is too long (maximum is 1000 characters)")
    ]


def has_room(hashes: PasswordHashes, *, is_known: bool) -> bool:
    try:
        with hashes.room(is_known=is_known):
            return True
    except TooManyAttempts:
        return False


def test_strangers_leave_room_for_those_who_are_known(hashes: PasswordHashes) -> None:
    with ExitStack() as strangers:
        for _ in range(PASSWORD_HASHES_AT_ONCE_MAX + PASSWORD_HASHES_WAITING_MAX):
            strangers.enter_context(hashes.room(is_known=False))
        assert not has_room(hashes, is_known=False)
        with ExitStack() as known:
            for _ in range(PASSWORD_HASHES_RESERVED_MAX):
                known.enter_context(hashes.room(is_known=True))
            assert not has_room(hashes, is_known=True)
        assert has_room(hashes, is_known=True)
    assert has_room(hashes, is_known=False)


async def test_the_parameters_are_those_of_rfc_9106() -> None:
    stored = await PasswordHashes().of(GOOD)
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
