"""Uploaded files in parts, the rows of dry runs, and saved mappings. Portable."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from onelead.contract.imports import ImportRow, ImportState, SavedMapping
from onelead.domain.errors import (
    BodyTooLarge,
    ImportNotPossible,
    InputInvalid,
    Problem,
    ResourceNotFound,
)
from onelead.domain.importing.limits import (
    IMPORT_CHOICES_CHARS_MAX,
    IMPORT_FILE_BYTES_MAX,
    IMPORT_KEPT_DAYS_MAX,
    IMPORT_MAPPINGS_MAX,
    IMPORT_PART_BYTES_MAX,
    IMPORT_REMOVED_PARTS_MAX,
)
from onelead.domain.limits import LINE_CHARS_MAX
from onelead.domain.text import as_one_line, fold, is_blank, tidy, too_long
from onelead.storage.imports.jobs import has_not_started, read_import, remove_rows
from onelead.storage.lane import take_lane
from onelead.storage.schema import (
    file_import,
    file_import_part,
    file_import_row,
    import_mapping,
)

_DAY_S = 86_400
_MIB = 1_048_576
_own, _part, _row, _saved = (
    table.c for table in (file_import, file_import_part, file_import_row, import_mapping)
)
#: What an import says whose file is gone.
_FILE_GONE = "The file was removed; import it again"


def add_part(
    connection: Connection, account_id: int, number: int, part: int, content: bytes
) -> None:
    """Keep a part of a file. Raises ResourceNotFound, ImportNotPossible, BodyTooLarge."""
    if len(content) > IMPORT_PART_BYTES_MAX or not 0 <= part < IMPORT_FILE_BYTES_MAX:
        raise BodyTooLarge
    this_part = and_(_part.account_id == account_id, _part.number == number, _part.part == part)
    before = connection.scalar(select(func.length(_part.content)).where(this_part)) or 0
    found = read_import(connection, account_id, number)
    more = len(content) - before
    if found.size_bytes + more > IMPORT_FILE_BYTES_MAX:
        raise BodyTooLarge(f"The file is larger than {IMPORT_FILE_BYTES_MAX // _MIB} MiB")
    added = connection.execute(
        update(file_import)
        .where(_own.account_id == account_id, _own.number == number)
        .where(_own.state == ImportState.UPLOADING.value, _own.path.is_(None))
        .values(size_bytes=_own.size_bytes + more)
    )
    if not added.rowcount:
        raise ImportNotPossible("All of the file is there already")
    connection.execute(delete(file_import_part).where(this_part))
    values = {"account_id": account_id, "number": number, "part": part, "content": content}
    connection.execute(insert(file_import_part).values(values))


def read_part(connection: Connection, account_id: int, number: int, part: int) -> bytes | None:
    """Return a part of a file; None after the last one."""
    where = (_part.account_id == account_id, _part.number == number, _part.part == part)
    content = connection.scalar(select(_part.content).where(*where))
    return None if content is None else bytes(content)


def clean_imports(connection: Connection, now: int) -> bool:
    """Remove some parts that nobody needs; return whether there were any."""
    _give_up_old(connection, now)
    is_needed = exists().where(
        _own.account_id == _part.account_id,
        _own.number == _part.number,
        _own.state != ImportState.DONE.value,
        or_(_own.digest != "", _own.state == ImportState.UPLOADING.value),
    )
    some = select(_part.account_id, _part.number, _part.part).where(~is_needed)
    found = connection.execute(some.limit(IMPORT_REMOVED_PARTS_MAX)).all()
    for account_id, number, part in found:
        this_part = (_part.account_id == account_id, _part.number == number, _part.part == part)
        connection.execute(delete(file_import_part).where(*this_part))
    return bool(found)


def _give_up_old(connection: Connection, now: int) -> None:
    """Forget imports that nobody has started for long, and the files of those that wait."""
    old = and_(
        _own.path.is_(None),
        _own.date < now - IMPORT_KEPT_DAYS_MAX * _DAY_S,
        _own.state.not_in((ImportState.DONE.value, ImportState.RUNNING.value)),
    )
    unstarted = and_(old, has_not_started())
    columns = (_own.account_id, _own.number)
    old_ones = select(*columns).where(unstarted).with_for_update()
    for account_id, number in connection.execute(old_ones).all():
        remove_rows(connection, account_id, number)
    connection.execute(delete(file_import).where(unstarted))
    gone = {"state": ImportState.FAILED.value, "digest": "", "message": _FILE_GONE}
    connection.execute(
        update(file_import)
        .where(old, _own.digest != "", ~has_not_started())
        .values(gone | {"findings": None, "choices": "{}", "date_done": now})
    )


def remove_all_files(connection: Connection, account_id: int, now: int) -> None:
    """Remove what an account's files have about people, but of the imports under way.

    Those lose theirs when they are done.
    """
    waiting = and_(
        _own.account_id == account_id,
        _own.state.not_in((ImportState.RUNNING.value, ImportState.DONE.value)),
    )
    # A dry run that keeps rows at this moment is waited for, so that they are removed, too.
    numbers = list(connection.scalars(select(_own.number).where(waiting).with_for_update()))
    for table in (file_import_part, file_import_row):
        of_account = (table.c.account_id == account_id, table.c.number.in_(numbers))
        connection.execute(delete(table).where(*of_account))
    gone = {"state": ImportState.FAILED.value, "digest": "", "message": _FILE_GONE}
    empty = {"findings": None, "choices": "{}", "date_done": now, "holder": None}
    connection.execute(update(file_import).where(waiting).values(gone | empty))


# --- Dry runs ------------------------------------------------------------------------------------


def keep_rows(
    connection: Connection,
    account_id: int,
    number: int,
    holder: str,
    rows: Sequence[ImportRow],
    *,
    first: bool,
) -> None:
    """Keep rows of a dry run, which take the place of those of the one before.

    Not for an import that was erased, removed or taken over meanwhile.
    """
    own_import = (_own.account_id == account_id, _own.number == number, _own.holder == holder)
    state = select(_own.state).where(*own_import).with_for_update()
    if connection.scalar(state) != ImportState.REHEARSING.value:
        return
    if first:
        remove_rows(connection, account_id, number)
    if rows:
        own = {"account_id": account_id, "number": number}
        connection.execute(insert(file_import_row), [own | row._asdict() for row in rows])


def read_rows(
    connection: Connection,
    account_id: int,
    number: int,
    *,
    outcome: str | None = None,
    after: int,
    limit: int,
) -> Sequence[ImportRow]:
    """Return the first rows of the newest dry run after a line."""
    statement = select(_row.line, _row.outcome, _row.content).where(
        _row.account_id == account_id, _row.number == number, _row.line > after
    )
    if outcome is not None:
        statement = statement.where(_row.outcome == outcome)
    rows = connection.execute(statement.order_by(_row.line).limit(limit))
    return [ImportRow(*row) for row in rows]


# --- Saved mappings ------------------------------------------------------------------------------


def save_mapping(connection: Connection, now: int, account_id: int, mapping: SavedMapping) -> None:
    """Save a mapping in the place of one with the same name. Raises InputInvalid."""
    name = tidy(as_one_line(mapping.name))
    if is_blank(name):
        raise InputInvalid(Problem("name", "can't be blank", "blank"))
    if len(name) > LINE_CHARS_MAX:
        raise InputInvalid(Problem("name", too_long(LINE_CHARS_MAX), "too_long"))
    if len(mapping.mapping) > IMPORT_CHOICES_CHARS_MAX:
        raise InputInvalid(Problem("mapping", too_long(IMPORT_CHOICES_CHARS_MAX), "too_long"))
    take_lane(connection, account_id, 0)
    connection.execute(delete(import_mapping).where(*_named(account_id, name)))
    count = select(func.count()).where(_saved.account_id == account_id)
    if (connection.scalar(count) or 0) >= IMPORT_MAPPINGS_MAX:
        text = f"there are {IMPORT_MAPPINGS_MAX} saved mappings already; remove one first"
        raise InputInvalid(Problem("base", text))
    connection.execute(
        insert(import_mapping).values(
            account_id=account_id,
            name_key=fold(name),
            name=name,
            headers_hash=mapping.headers_hash,
            mapping=mapping.mapping,
            date=now,
            user_id=mapping.user_id,
        )
    )


def _named(account_id: int, name: str) -> tuple[ColumnElement[bool], ...]:
    return (_saved.account_id == account_id, _saved.name_key == fold(name))


def read_mappings(
    connection: Connection, account_id: int, headers_hash: str | None = None
) -> Sequence[SavedMapping]:
    """Return the saved mappings, or those for a set of headers, by name."""
    statement = select(import_mapping).where(_saved.account_id == account_id)
    if headers_hash is not None:
        statement = statement.where(_saved.headers_hash == headers_hash)
    return [
        SavedMapping(
            name=row.name,
            headers_hash=row.headers_hash,
            mapping=row.mapping,
            date=row.date,
            user_id=row.user_id,
        )
        for row in connection.execute(statement.order_by(_saved.name_key))
    ]


def forget_mapping(connection: Connection, account_id: int, name: str) -> None:
    """Remove a saved mapping. Raises ResourceNotFound."""
    if not connection.execute(delete(import_mapping).where(*_named(account_id, name))).rowcount:
        raise ResourceNotFound
