"""The sessions of browsers, and the forms that can be sent only once. Portable.

A session's token holds 256 random bits and is stored only as its SHA-256, as an API key is.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update

from onelead.contract.access import KnownSession, WebSession
from onelead.domain.audit import COMMAND_LINE, AuditEntry, AuditEvent, Requester
from onelead.domain.limits import SENT_FORM_S, SESSIONS_PER_USER_MAX
from onelead.domain.sign_in.sessions import USUAL
from onelead.storage.access.audit import record
from onelead.storage.engine_insert import engine_insert
from onelead.storage.lane import take_lane
from onelead.storage.schema import account, password, pending_sign_in, sent_form, web_session


def create_session(connection: Connection, token_hash: str, session: WebSession) -> None:
    """Store a new session, and delete the user's sessions that are too old or too many."""
    of_user = _of_user(session.account_id, session.user_id)
    total_s = connection.execute(
        select(account.c.session_s).where(account.c.id == session.account_id)
    ).scalar()
    is_over = web_session.c.date_created <= session.date_created - (total_s or USUAL.total_s)
    connection.execute(delete(web_session).where(of_user, is_over))
    known = sessions(connection, session.account_id, session.user_id)
    too_many = [one.token_hash for one in known[SESSIONS_PER_USER_MAX - 1 :]]
    if too_many:
        is_named = web_session.c.token_hash.in_(too_many)
        connection.execute(delete(web_session).where(of_user, is_named))
    row = {
        "token_hash": token_hash,
        "account_id": session.account_id,
        "user_id": session.user_id,
        "date_created": session.date_created,
        "date_last_used": session.date_last_used,
        "address": session.address,
        "user_agent": session.user_agent,
    }
    connection.execute(insert(web_session), row)
    where = (password.c.account_id == session.account_id) & (password.c.user_id == session.user_id)
    statement = update(password).where(where)
    connection.execute(statement.values(date_last_sign_in=session.date_created))


def session(connection: Connection, token_hash: str) -> WebSession | None:
    """Return the session of a token, whatever its age."""
    table = web_session
    row = connection.execute(select(table).where(table.c.token_hash == token_hash)).first()
    return None if row is None else _session(row)


def sessions(connection: Connection, account_id: int, user_id: int) -> Sequence[KnownSession]:
    """Return the sessions of a user, the one used last first."""
    table = web_session
    order = (table.c.date_last_used.desc(), table.c.date_created.desc(), table.c.token_hash)
    statement = select(table).where(_of_user(account_id, user_id)).order_by(*order)
    return [KnownSession(row.token_hash, _session(row)) for row in connection.execute(statement)]


def touch_session(connection: Connection, token_hash: str, now: int) -> None:
    """Record the last use of a session."""
    table = web_session
    where = table.c.token_hash == token_hash
    connection.execute(update(table).where(where).values(date_last_used=now))


def end_session(
    connection: Connection, now: int, token_hash: str, *, by: Requester = COMMAND_LINE
) -> None:
    """Delete a session."""
    found = session(connection, token_hash)
    if found is None:
        return
    take_lane(connection, found.account_id, 0)
    is_it = web_session.c.token_hash == token_hash
    # It may have ended after it was read and before the lane was taken.
    if connection.execute(delete(web_session).where(is_it)).rowcount:
        entry = AuditEntry(
            *(AuditEvent.SIGNED_OUT, by, found.user_id),
            changes={"session_address": (found.address, None)},
        )
        record(connection, now, found.account_id, entry)


def end_sessions(
    connection: Connection,
    now: int,
    account_id: int,
    user_id: int,
    *,
    keep: str = "",
    by: Requester = COMMAND_LINE,
) -> None:
    """Delete a user's sessions, except one, and record it."""
    take_lane(connection, account_id, 0)
    if ended := delete_sessions(connection, account_id, user_id, keep=keep):
        changes = {"sessions": (ended, None)}
        entry = AuditEntry(AuditEvent.SESSIONS_ENDED, by, user_id, changes=changes)
        record(connection, now, account_id, entry)


def delete_sessions(
    connection: Connection, account_id: int, user_id: int, *, keep: str = ""
) -> int:
    """Delete a user's sessions but one, and what could become one; return how many there were."""
    table = pending_sign_in
    is_theirs = (table.c.account_id == account_id) & (table.c.user_id == user_id)
    connection.execute(delete(table).where(is_theirs))
    where = _of_user(account_id, user_id) & (web_session.c.token_hash != keep)
    return connection.execute(delete(web_session).where(where)).rowcount


def _of_user(account_id: int, user_id: int) -> ColumnElement[bool]:
    table = web_session
    return (table.c.account_id == account_id) & (table.c.user_id == user_id)


def _session(row: Row[tuple[object, ...]]) -> WebSession:
    return WebSession(
        account_id=row.account_id,
        user_id=row.user_id,
        date_created=row.date_created,
        date_last_used=row.date_last_used,
        address=row.address,
        user_agent=row.user_agent,
        date_confirmed=row.date_confirmed,
    )


def begin_form(connection: Connection, now: int, account_id: int, form_id: str) -> str | None:
    """Record that a form was sent; None the first time, later where it led."""
    is_old = (sent_form.c.account_id == account_id) & (sent_form.c.date <= now - SENT_FORM_S)
    connection.execute(delete(sent_form).where(is_old))
    row = {"account_id": account_id, "form_id": form_id, "date": now, "location": ""}
    statement = engine_insert(connection, sent_form).on_conflict_do_nothing()
    if connection.execute(statement.returning(sent_form.c.form_id), row).first() is not None:
        return None
    return find_form(connection, account_id, form_id)


def find_form(connection: Connection, account_id: int, form_id: str) -> str | None:
    """Return where a form led, empty while unknown; None for a form that was not sent."""
    statement = select(sent_form.c.location).where(_is_form(account_id, form_id))
    location: str | None = connection.execute(statement).scalar()
    return location


def finish_form(
    connection: Connection, account_id: int, form_id: str, location: str | None
) -> None:
    """Record where a form led; None allows sending it again."""
    where = _is_form(account_id, form_id)
    if location is None:
        connection.execute(delete(sent_form).where(where))
    else:
        connection.execute(update(sent_form).where(where).values(location=location))


def _is_form(account_id: int, form_id: str) -> ColumnElement[bool]:
    return (sent_form.c.account_id == account_id) & (sent_form.c.form_id == form_id)
