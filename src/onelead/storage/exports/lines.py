"""The lines of an account: one JSON object for each row, with `kind`, the name of its table.

Columns without a value are left out. The types of a line are those of the table's columns, so a
line that does not fit is refused when it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, reduce
from operator import or_
from typing import Annotated, Any, Literal

import msgspec
from sqlalchemy import Boolean, Column, Connection, Float, Integer, select
from sqlalchemy.types import TypeEngine

from onelead.domain.limits import EXPORT_CHUNK_ROWS, ID_MAX, UNIX_SECONDS_MAX
from onelead.domain.writes import Action, Outcome
from onelead.storage.exports.tables import COPIED_ONLY, EXPORTED, Exported

#: A line of any kind; its fields are the columns.
Line = msgspec.Struct

_INTEGER_MAX = 2**31 - 1
_encode = msgspec.json.Encoder().encode
#: A JSON column without a value.
_NULL = msgspec.Raw(b"")
#: Columns whose texts are one of a few, which pages know.
_WORDS: dict[str, Any] = {
    "action": Literal[tuple(one.value for one in Action)],
    "outcome": Literal[tuple(one.value for one in Outcome)],
}
_DATE = Annotated[int, msgspec.Meta(ge=0, le=UNIX_SECONDS_MAX)]


class Kind:
    """A table as lines."""

    def __init__(self, exported: Exported, *, is_copy: bool, place: int) -> None:
        table = exported.table
        unread = {"account_id", *exported.left_out}
        #: How the values of some columns have to begin; others are left out.
        self._begins = {} if is_copy else exported.copied_only
        self.table = table
        #: Where the kind is in the order of a file.
        self.place = place
        self.columns = [column for column in table.c if column.name not in unread]
        self._nested = exported.nested
        self.nested = [column.name in exported.nested for column in self.columns]
        self.line: type[Line] = msgspec.defstruct(
            str(table.name),
            # Those that can be left out come last.
            sorted(map(self._field, self.columns), key=len),
            tag_field="kind",
            tag=str(table.name),
            omit_defaults=True,
            forbid_unknown_fields=True,
            frozen=True,
            gc=False,
        )

    def _field(self, column: Column[Any]) -> tuple[Any, ...]:
        name = str(column.name)
        if name in self._nested:
            return (name, msgspec.Raw, _NULL) if column.nullable else (name, msgspec.Raw)
        if begin := self._begins.get(name):
            public = Annotated[str, msgspec.Meta(pattern=rf"\A{begin}[^\x00]*\Z")]
            return (name, public | None, None)
        of_type = _WORDS[name] if name in _WORDS else _python_type(column.type)
        if name == "date" or name.startswith("date_"):
            of_type = _DATE
        return (name, of_type | None, None) if column.nullable else (name, of_type)

    def lines(self, connection: Connection, account_id: int) -> Iterator[bytes]:
        """Yield the account's rows in the order of the key."""
        owner = self.table.c["id" if self.table.name == "account" else "account_id"]
        rows = connection.execution_options(yield_per=EXPORT_CHUNK_ROWS).execute(
            select(*self.columns).where(owner == account_id).order_by(*self.table.primary_key)
        )
        names = column_names(self.columns)
        for row in rows:
            values = {
                name: _raw(value) if is_nested else value
                for name, is_nested, value in zip(names, self.nested, row, strict=True)
                if value is not None and not self._is_secret(name, value)
            }
            yield _encode(self.line(**values))

    def _is_secret(self, name: str, value: Any) -> bool:
        return name in self._begins and not value.startswith(self._begins[name])

    def values(self, line: Line) -> dict[str, Any]:
        """Return the values of a line by column, JSON as text."""
        return {
            column.name: _text(getattr(line, column.name))
            if is_nested
            else getattr(line, column.name)
            for column, is_nested in zip(self.columns, self.nested, strict=True)
        }


def _python_type(column_type: TypeEngine[Any]) -> Any:
    if isinstance(column_type, Boolean):
        return bool
    if isinstance(column_type, Float):
        return float
    if isinstance(column_type, Integer):
        # A BigInteger is an Integer, too.
        is_big = column_type.__visit_name__ == "big_integer"
        most = ID_MAX if is_big else _INTEGER_MAX
        return Annotated[int, msgspec.Meta(ge=-most, le=most)]
    length = getattr(column_type, "length", None)
    # No text of the tables has a NUL, and PostgreSQL takes none.
    return Annotated[str, msgspec.Meta(max_length=length, pattern=r"\A[^\x00]*\Z")]


def _raw(text: str) -> msgspec.Raw:
    # In JSON a line end is between values, where it means nothing.
    return msgspec.Raw((text.replace("\n", " ") if "\n" in text else text).encode())


def _text(raw: msgspec.Raw) -> str | None:
    text = bytes(raw).decode()
    return None if text in ("", "null") else text


class Lines:
    """The kinds of lines of an export, or of a copy."""

    def __init__(self, *, is_copy: bool) -> None:
        tables: Sequence[Exported] = (*EXPORTED, *COPIED_ONLY) if is_copy else EXPORTED
        kinds = [Kind(one, is_copy=is_copy, place=place) for place, one in enumerate(tables)]
        self.kinds = kinds
        self.by_line = {kind.line: kind for kind in kinds}
        union = reduce(or_, (kind.line for kind in kinds))
        #: Raises msgspec.DecodeError.
        self.decode: Callable[[bytes], Line] = msgspec.json.Decoder(union).decode

    def of_account(self, connection: Connection, account_id: int) -> Iterator[bytes]:
        """Yield all lines of an account."""
        for kind in self.kinds:
            yield from kind.lines(connection, account_id)


@cache
def lines_of(*, is_copy: bool) -> Lines:
    """Return the lines of an export, or of a copy."""
    return Lines(is_copy=is_copy)


def column_names(columns: Iterable[Column[Any]]) -> list[str]:
    """Return the names of columns as plain texts."""
    return [str(column.name) for column in columns]
