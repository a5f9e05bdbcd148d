"""Checking a typed password; attempts are counted, so that nobody can keep guessing."""

from __future__ import annotations

from msgspec import structs

from onelead.contract.access import StoredPassword
from onelead.domain.account import User
from onelead.domain.sign_in.attempts import (
    Attempt,
    Places,
    attempt_from,
    places_of,
    signed_in_attempt,
)
from onelead.domain.sign_in.passwords import require_good_password
from onelead.domain.text import fold_case
from onelead.web.frame.forms import Form
from onelead.web.frame.visit import Visit


async def users_with_password(visit: Visit, email: str, password: str) -> list[StoredPassword]:
    """Return the users with this e-mail and password, across all accounts.

    An unknown e-mail takes as much work as a wrong password, and an e-mail in several accounts
    takes no more. Raises TooManyAttempts.
    """
    store, passwords = visit.store, visit.runtime.passwords
    places = places_of(email, visit.address, visit.browser_token)
    attempt = await _attempt(visit, email, places)
    with passwords.room(is_known=not attempt.shared):
        await store.take_attempts(attempt.counts)
        stored = await store.passwords(email)
        outcomes = await passwords.check(password, [one.password_hash for one in stored])
    right = []
    for one, checked in zip(stored, outcomes, strict=True):
        if not checked.is_right:
            continue
        if checked.newer_hash is not None:
            await store.renew_password_hash(one, checked.newer_hash)
        right.append(structs.replace(one, password_hash=checked.newer_hash or one.password_hash))
    # An admin of another account can create a user with anyone's e-mail there: knowing that one
    # password must not give more attempts at the others.
    if right and len(right) == len(stored):
        await store.give_back_attempt(attempt)
    return right


async def _attempt(visit: Visit, email: str, places: Places) -> Attempt:
    who = visit.who
    if who is not None and fold_case(who.user.email) == fold_case(email):
        # By the user and not by the browser: a thief of the session can make up any browser.
        return signed_in_attempt(visit.account_id, who.user.id)
    return attempt_from(places, visit.address, await visit.store.known_places(places))


async def remember_places(visit: Visit, email: str) -> None:
    """Remember where somebody with an e-mail has signed in."""
    await visit.store.remember_places(places_of(email, visit.address, visit.browser_token))


async def require_new_password(visit: Visit, form: Form, user: User, account_name: str) -> None:
    """Refuse a new password that is not good, or not the same in both fields.

    Raises InputInvalid and TooManyAttempts.
    """
    typed = (form.raw("password"), form.raw("repeated"))
    await visit.runtime.passwords.rate(lambda: require_good_password(*typed, user, account_name))


async def new_password_hash(visit: Visit, account_id: int, email: str, password: str) -> str:
    """Hash a user's new password with the salt that the e-mail has in other accounts.

    Raises TooManyAttempts.
    """
    stored = await visit.store.passwords(email)
    others = [one.password_hash for one in stored if one.account_id != account_id]
    return await visit.runtime.passwords.of(password, others)
