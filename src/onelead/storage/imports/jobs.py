"""Imports and how far they are: who is at work, what was found, what is next. Portable.

Only numbering takes the account's lane; an import itself is held by one process at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, or_, select, update

from onelead.contract.imports import (
    AT_WORK,
    ENDED,
    UNDER_WAY,
    FileImport,
    ImportChange,
    ImportState,
    NewImport,
)
from onelead.domain.errors import ImportNotPossible, InputInvalid, Problem, ResourceNotFound
from onelead.domain.importing.limits import (
    IMPORT_CHOICES_CHARS_MAX,
    IMPORT_HELD_S,
    IMPORTS_OPEN_MAX,
)
from onelead.domain.text import too_long
from onelead.storage.lane import take_lane
from onelead.storage.leads.rows import json_text
from onelead.storage.schema import file_import, file_import_part, file_import_row

_read_counts = msgspec.json.Decoder(dict[str, int]).decode
_own = file_import.c
#: Dry runs say what is no longer true when the file is read again or written.
_ENDS_REHEARSAL = (ImportState.READING, ImportState.RUNNING)


def begin_import(connection: Connection, now: int, account_id: int, new: NewImport) -> FileImport:
    """Remember a new import. Raises ImportNotPossible, InputInvalid."""
    _require_bounded(new.choices)
    take_lane(connection, account_id, 0)
    is_open = and_(_own.account_id == account_id, _own.state.not_in(ENDED))
    if connection.execute(select(func.count()).where(is_open)).scalar_one() >= IMPORTS_OPEN_MAX:
        text = f"{IMPORTS_OPEN_MAX} imports are not done; finish, stop or remove one of them first"
        raise ImportNotPossible(text)
    number = 1 + max(
        connection.scalar(select(func.max(table.c.number)).where(table.c.account_id == account_id))
        or 0
        # The parts of a file can outlive its import for a while.
        for table in (file_import, file_import_part)
    )
    connection.execute(
        insert(file_import).values(
            account_id=account_id,
            number=number,
            batch_id=new.batch_id,
            state=ImportState.UPLOADING.value,
            date=now,
            user_id=new.user_id,
            name=new.name,
            path=new.path,
            size_bytes=new.size_bytes,
            digest=new.digest,
            choices=new.choices,
            counts="{}",
            line=0,
        )
    )
    return read_import(connection, account_id, number)


def _require_bounded(choices: str) -> None:
    if len(choices) > IMPORT_CHOICES_CHARS_MAX:
        raise InputInvalid(Problem("choices", too_long(IMPORT_CHOICES_CHARS_MAX), "too_long"))


def read_import(connection: Connection, account_id: int, number: int) -> FileImport:
    """Return an import. Raises ResourceNotFound."""
    row = connection.execute(select(file_import).where(_is(account_id, number))).first()
    if row is None:
        raise ResourceNotFound
    return _as_import(row)


def import_of_batch(connection: Connection, account_id: int, batch_id: str) -> FileImport | None:
    """Return the import whose ledger rows have this batch id."""
    of_batch = (_own.account_id == account_id, _own.batch_id == batch_id)
    row = connection.execute(select(file_import).where(*of_batch)).first()
    return None if row is None else _as_import(row)


def read_imports(
    connection: Connection, account_id: int, *, before: int | None = None, limit: int
) -> Sequence[FileImport]:
    """Return the imports below a number, the newest first."""
    statement = select(file_import).where(_own.account_id == account_id)
    if before is not None:
        statement = statement.where(_own.number < before)
    rows = connection.execute(statement.order_by(_own.number.desc()).limit(limit))
    return [_as_import(row) for row in rows]


def _is(account_id: int, number: int) -> ColumnElement[bool]:
    return and_(_own.account_id == account_id, _own.number == number)


def _as_import(row: Any) -> FileImport:
    return FileImport(
        number=row.number,
        batch_id=row.batch_id,
        source_id=row.api_key_id,
        state=ImportState(row.state),
        date=row.date,
        date_done=row.date_done,
        user_id=row.user_id,
        name=row.name,
        path=row.path,
        size_bytes=row.size_bytes,
        digest=row.digest,
        choices=row.choices,
        findings=row.findings,
        counts=_read_counts(row.counts),
        row_count=row.row_count,
        line=row.line,
        message=row.message,
    )


def change_import(
    connection: Connection,
    now: int,
    account_id: int,
    number: int,
    change: ImportChange,
    *,
    only_in: Collection[ImportState],
) -> FileImport:
    """Change an import that is in one of these states. Raises ResourceNotFound, ImportNotPossible.

    Work that begins again is nobody's, so that the process that was at it notices.
    """
    values = _values(change, now)
    if change.state in AT_WORK:
        values |= {"holder": None, "held_until": None}
    is_so = and_(_is(account_id, number), _own.state.in_([one.value for one in only_in]))
    if not connection.execute(update(file_import).where(is_so).values(values)).rowcount:
        read_import(connection, account_id, number)
        raise ImportNotPossible
    if change.state in _ENDS_REHEARSAL:
        remove_rows(connection, account_id, number)
    return read_import(connection, account_id, number)


def _values(change: ImportChange, now: int) -> dict[str, Any]:
    if change.choices is not None:
        _require_bounded(change.choices)
    given = msgspec.structs.asdict(change)
    names = ("choices", "findings", "size_bytes", "digest", "row_count", "line")
    values = {name: given[name] for name in names if given[name] is not None}
    if change.state is not None:
        is_over = change.state in ENDED
        values |= {"state": change.state.value, "date_done": now if is_over else None}
    if change.source_id is not None:
        values["api_key_id"] = change.source_id
    if change.counts is not None:
        values["counts"] = json_text(change.counts)
    if change.message is not None:
        values["message"] = change.message or None
    return values or {"line": _own.line}


def remove_rows(connection: Connection, account_id: int, number: int) -> None:
    """Remove what a dry run has said about the rows of an import."""
    row = file_import_row.c
    of_import = (row.account_id == account_id, row.number == number)
    connection.execute(delete(file_import_row).where(*of_import))


def forget_import(connection: Connection, account_id: int, number: int) -> None:
    """Remove an import that has written nothing. Raises ResourceNotFound, ImportNotPossible."""
    unstarted = and_(_is(account_id, number), has_not_started())
    if not connection.execute(delete(file_import).where(unstarted)).rowcount:
        read_import(connection, account_id, number)
        raise ImportNotPossible("The import has started; it can be undone instead")
    remove_rows(connection, account_id, number)


def has_not_started() -> ColumnElement[bool]:
    """Return the condition that an import has no source yet, so that it wrote nothing."""
    return _own.api_key_id.is_(None)


# --- Who is at work ------------------------------------------------------------------------------


def _is_to_do() -> ColumnElement[bool]:
    return and_(_own.state.in_([one.value for one in AT_WORK]), _own.path.is_(None))


def _is_free(now: int, holder: str) -> ColumnElement[bool]:
    return or_(_own.held_until.is_(None), _own.held_until <= now, _own.holder == holder)


def is_being_imported(connection: Connection, now: int, account_id: int, batch_id: str) -> bool:
    """Return whether a batch is that of an import of which rows may still be written."""
    of_batch = and_(_own.account_id == account_id, _own.batch_id == batch_id)
    is_held = and_(_own.held_until.is_not(None), _own.held_until > now)
    is_at_work = or_(_own.state.in_([one.value for one in UNDER_WAY]), is_held)
    return connection.scalar(select(_own.number).where(of_batch, is_at_work)) is not None


def accounts_importing(connection: Connection) -> list[int]:
    """Return the accounts with uploads that a process should be at work on."""
    statement = select(_own.account_id).where(_is_to_do()).distinct().order_by(_own.account_id)
    return list(connection.scalars(statement))


def take_import(
    connection: Connection, now: int, account_id: int, holder: str
) -> FileImport | None:
    """Keep the oldest upload to work on from the other processes."""
    wanted = and_(_own.account_id == account_id, _is_to_do(), _is_free(now, holder))
    oldest = select(_own.number).where(wanted).order_by(_own.number).limit(1)
    number: int | None = connection.scalar(oldest)
    if number is None or not hold_import(connection, now, account_id, number, holder):
        return None
    return read_import(connection, account_id, number)


def hold_import(
    connection: Connection, now: int, account_id: int, number: int, holder: str
) -> bool:
    """Keep an import from the other processes; False while one of them has it."""
    taken = connection.execute(
        update(file_import)
        .where(_is(account_id, number), _is_free(now, holder))
        .values(holder=holder, held_until=now + IMPORT_HELD_S)
    )
    return bool(taken.rowcount)


def note_import(
    connection: Connection,
    now: int,
    account_id: int,
    number: int,
    holder: str,
    change: ImportChange,
    *,
    leave: bool,
) -> FileImport | None:
    """Note how far the holder is; None when another process has taken the import over."""
    state = select(_own.state).where(_is(account_id, number)).with_for_update()
    if change.state is not None and connection.scalar(state) not in AT_WORK:
        # Someone has paused or stopped it meanwhile.
        change = msgspec.structs.replace(change, state=None)
    until = {"held_until": None if leave else now + IMPORT_HELD_S}
    noted = connection.execute(
        update(file_import)
        .where(_is(account_id, number), _own.holder == holder)
        .values(_values(change, now) | until | {"holder": None if leave else holder})
    )
    return read_import(connection, account_id, number) if noted.rowcount else None
