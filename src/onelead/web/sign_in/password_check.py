"""Checking a typed password; attempts are counted, so that nobody can keep guessing."""

from __future__ import annotations

from msgspec import structs

from onelead.contract.access import StoredPassword
from onelead.domain.text import fold_case
from onelead.process.attempts import origin
from onelead.web.frame.visit import Visit


async def users_with_password(visit: Visit, email: str, password: str) -> list[StoredPassword]:
    """Return the users with this e-mail and password, across all accounts.

    An unknown e-mail takes as much work as a wrong password, and an e-mail in several accounts
    takes no more. Raises TooManyAttempts.
    """
    runtime, key = visit.runtime, fold_case(email)
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
    # An admin of another account can create a user with anyone's e-mail there: knowing that one
    # password must not give more attempts at the others.
    if right and len(right) == len(stored):
        runtime.attempts_by_email.forget(key)
    return right


async def new_password_hash(visit: Visit, account_id: int, email: str, password: str) -> str:
    """Hash a user's new password with the salt that the e-mail has in other accounts.

    Raises TooManyAttempts.
    """
    stored = await visit.store.passwords(email)
    others = [one.password_hash for one in stored if one.account_id != account_id]
    return await visit.runtime.passwords.of(password, others)
