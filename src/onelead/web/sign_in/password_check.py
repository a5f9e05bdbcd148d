"""Checking the password that somebody typed: counted, so that nobody can go on guessing."""

from __future__ import annotations

from msgspec import structs

from onelead.contract.access import StoredPassword
from onelead.domain.text import fold
from onelead.process.attempts import origin
from onelead.web.frame.visit import Visit


async def rightful_users(visit: Visit, email: str, password: str) -> list[StoredPassword]:
    """Return the users of an e-mail whose password it is, of every account.

    An unknown e-mail takes as much work as a wrong password, and one of several accounts takes no
    more. Raises TooManyAttempts.
    """
    runtime, key = visit.runtime, fold(email)
    runtime.attempts_by_address.take(origin(visit.address))
    runtime.attempts_by_email.take(key)
    right = []
    stored = await visit.store.passwords(email)
    outcomes = await runtime.passwords.check(password, [one.password_hash for one in stored])
    for one, checked in zip(stored, outcomes, strict=True):
        if not checked.is_right:
            continue
        if checked.newer_hash is not None:
            await visit.store.renew_password_hash(one, checked.newer_hash)
        right.append(structs.replace(one, password_hash=checked.newer_hash or one.password_hash))
    # Whoever is an admin of another account can have a user with anybody's e-mail there: that one
    # right password gives nobody more attempts at the other ones.
    if right and len(right) == len(stored):
        runtime.attempts_by_email.forget(key)
    return right


async def new_password_hash(visit: Visit, account_id: int, email: str, password: str) -> str:
    """Hash a new password of a user with the salt that the e-mail has in other accounts.

    Raises TooManyAttempts.
    """
    stored = await visit.store.passwords(email)
    others = [one.password_hash for one in stored if one.account_id != account_id]
    return await visit.runtime.passwords.of(password, others)
