"""Forms of pages that may be sent once: which have been, and what page they led to. Portable."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, delete, select, update

from onelead.domain.limits import SENT_FORM_S
from onelead.storage.engine_insert import engine_insert
from onelead.storage.schema import sent_form


def begin(connection: Connection, account_id: int, form_id: str, now: int) -> str | None:
    """Note that a form was sent; None for the first time, and later where it led to."""
    is_old = (sent_form.c.account_id == account_id) & (sent_form.c.date <= now - SENT_FORM_S)
    connection.execute(delete(sent_form).where(is_old))
    row = {"account_id": account_id, "form_id": form_id, "date": now, "location": ""}
    statement = engine_insert(connection, sent_form).on_conflict_do_nothing()
    if connection.execute(statement.returning(sent_form.c.form_id), row).first() is not None:
        return None
    return find(connection, account_id, form_id)


def find(connection: Connection, account_id: int, form_id: str) -> str | None:
    """Return where a form led to, empty while nobody knows; None for one that was not sent."""
    statement = select(sent_form.c.location).where(_is_form(account_id, form_id))
    location: str | None = connection.execute(statement).scalar()
    return location


def finish(connection: Connection, account_id: int, form_id: str, location: str | None) -> None:
    """Note where a form led to; None lets it be sent again."""
    where = _is_form(account_id, form_id)
    if location is None:
        connection.execute(delete(sent_form).where(where))
    else:
        connection.execute(update(sent_form).where(where).values(location=location))


def _is_form(account_id: int, form_id: str) -> ColumnElement[bool]:
    return (sent_form.c.account_id == account_id) & (sent_form.c.form_id == form_id)
