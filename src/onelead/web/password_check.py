"""Checking the password that somebody typed: counted, so that nobody can go on guessing."""

from __future__ import annotations

from msgspec import structs

from onelead.access_store import StoredPassword
from onelead.attempts import origin
from onelead.text import fold
from onelead.web.visit import Visit


async def rightful_users(visit: Visit, email: str, password: str) -> list[StoredPassword]:
    """Return the users of an e-mail whose password it is, of every account.

    An unknown e-mail takes as much work as a wrong password. Raises TooManyAttempts.
    """
    services, key = visit.services, fold(email)
    services.attempts_by_address.take(origin(visit.address))
    services.attempts_by_email.take(key)
    right = []
    # For nobody, one check all the same.
    stored: list[StoredPassword | None] = [*await visit.store.passwords(email)] or [None]
    for one in stored:
        checked = await services.passwords.check(password, one.password_hash if one else None)
        if one is None or not checked.is_right:
            continue
        if checked.newer_hash is not None:
            await visit.store.renew_password_hash(one, checked.newer_hash)
        right.append(structs.replace(one, password_hash=checked.newer_hash or one.password_hash))
    if right:
        services.attempts_by_email.forget(key)
    return right
