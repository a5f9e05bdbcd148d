"""The counts of attempts to sign in, and the places where they succeeded. Portable.

They belong to no account, because signing in names none, so no lane orders them: each row is
changed by one statement.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, case, delete, select, update

from onelead.domain.limits import KNOWN_PLACE_S, KNOWN_PLACES_MAX
from onelead.domain.sign_in.attempts import Attempt, Count, Places
from onelead.storage.engine_insert import engine_insert
from onelead.storage.schema import attempt as table
from onelead.storage.schema import known_place


def require_attempts(connection: Connection, now: int, counts: Sequence[Count]) -> None:
    """Refuse an attempt that one of these counts does not allow. Raises TooManyAttempts."""
    hashes = [count.who_hash for count in counts]
    rows = connection.execute(select(table).where(table.c.who_hash.in_(hashes))).all()
    full_at = {row.who_hash: row.full_at_ms for row in rows}
    for count in counts:
        count.full_at_ms(full_at.get(count.who_hash, 0), now * 1_000)


def take_attempts(connection: Connection, now: int, counts: Sequence[Count]) -> None:
    """Add an attempt to each of these counts, or to none. Raises TooManyAttempts."""
    now_ms = now * 1_000
    # In one order, so that two attempts never wait for each other.
    for count in sorted(counts):
        begun = case((table.c.full_at_ms > now_ms, table.c.full_at_ms), else_=now_ms)
        after = begun + count.ms_each
        statement = engine_insert(connection, table).on_conflict_do_update(
            index_elements=[table.c.who_hash],
            set_={"full_at_ms": after},
            where=after - now_ms <= count.attempts_max * count.ms_each,
        )
        row = {"who_hash": count.who_hash, "full_at_ms": now_ms + count.ms_each}
        if connection.execute(statement.returning(table.c.who_hash), row).first() is None:
            require_attempts(connection, now, [count])


def known_places(connection: Connection, now: int, places: Places) -> frozenset[str]:
    """Return those of the places where the e-mail has signed in before."""
    hashes = (places.address, places.browser)
    statement = select(known_place.c.place_hash).where(
        known_place.c.place_hash.in_(hashes), known_place.c.date_last_used > now - KNOWN_PLACE_S
    )
    return frozenset(connection.execute(statement).scalars())


def give_back_attempt(connection: Connection, attempt: Attempt) -> None:
    """Let a successful attempt count for nothing, and give its place all attempts back."""
    connection.execute(delete(table).where(table.c.who_hash == attempt.own.who_hash))
    for count in sorted(attempt.shared):
        where = table.c.who_hash == count.who_hash
        after = table.c.full_at_ms - count.ms_each
        connection.execute(update(table).where(where).values(full_at_ms=after))


def remember_places(connection: Connection, now: int, places: Places) -> None:
    """Remember where an e-mail has signed in, and forget its oldest places."""
    for place in sorted((places.address, places.browser)):
        row = {"place_hash": place, "email_hash": places.email_hash, "date_last_used": now}
        statement = engine_insert(connection, known_place).on_conflict_do_update(
            index_elements=[known_place.c.place_hash], set_={"date_last_used": now}
        )
        connection.execute(statement, row)
    of_email = known_place.c.email_hash == places.email_hash
    newest_first = (known_place.c.date_last_used.desc(), known_place.c.place_hash)
    kept = (
        select(known_place.c.place_hash)
        .where(of_email)
        .order_by(*newest_first)
        .limit(KNOWN_PLACES_MAX)
    )
    is_kept = known_place.c.place_hash.in_(kept)
    connection.execute(delete(known_place).where(of_email, ~is_kept))


def forget_old_attempts(connection: Connection, now: int) -> None:
    """Delete the counts that are full again, and the places that were not used for long."""
    connection.execute(delete(table).where(table.c.full_at_ms <= now * 1_000))
    is_old = known_place.c.date_last_used <= now - KNOWN_PLACE_S
    connection.execute(delete(known_place).where(is_old))
