"""Loading an account: the rows of its lines, and what follows from them by the rules. Portable.

All of it happens in one transaction of the engine, so that the account is there as a whole or not
at all. Lines are those of a file that anybody can have written: each is held against the tables,
the ids against the account's range, and the numbers against its lane.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec
from sqlalchemy import Connection, Table, delete, func, select

from onelead.contract.exports import AccountLines, Loaded
from onelead.domain.account import AccountSettings
from onelead.domain.acts.changes import changes_from
from onelead.domain.api_keys.texts import SOURCE, no_key_hash
from onelead.domain.audit import COMMAND_LINE, AuditEntry, AuditEvent
from onelead.domain.currencies import is_currency
from onelead.domain.custom_fields import DataType
from onelead.domain.errors import NotPossible
from onelead.domain.lead import Lead
from onelead.domain.limits import (
    ID_MAX,
    IDS_PER_ACCOUNT_MAX,
    LOAD_CHUNK_BYTES_MAX,
    LOAD_CHUNK_ROWS,
    UNIX_SECONDS_MAX,
)
from onelead.domain.matching import lead_keys
from onelead.domain.settings.account_details import time_zones
from onelead.domain.text import fold_case, quoted
from onelead.domain.writes import LEAD, Outcome
from onelead.storage import schema
from onelead.storage.access.audit import record
from onelead.storage.exports.lines import Kind, Line, column_names, lines_of
from onelead.storage.lane import first_id
from onelead.storage.leads.rows import lead_from, lead_row
from onelead.storage.settings.rows import load_settings

#: Writes rows of a table, which are tuples in the order of the columns.
Insert: TypeAlias = Callable[[Table, Sequence[str], Sequence[tuple[Any, ...]]], None]

_ACCOUNTS_MAX = ID_MAX // IDS_PER_ACCOUNT_MAX - 1
_LEAD_COLUMNS = column_names(schema.lead.c)
_KEY_COLUMNS = column_names(schema.match_key.c)
#: The outcomes of rows that are in the history of a lead.
_WRITTEN = frozenset({Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED, Outcome.DELETED})
#: By field: the old and the new value.
_settings_changes = msgspec.json.Decoder(dict[str, tuple[Any, Any]]).decode
_DOCUMENT = _LEAD_COLUMNS.index("document")
#: The tables of whose rows a lane has the number.
_COUNTED = {schema.ledger.name: "ledger_seq", schema.lead.name: "lead_count"}


def load_account(connection: Connection, account: AccountLines, insert: Insert, now: int) -> Loaded:
    """Load an account, in a transaction that others cannot see into. Raises NotPossible.

    An account that has no leads and no ledger yet is replaced.
    """
    loading = _Loading(connection, account, insert)
    loading.run()
    if not account.is_copy:
        entry = AuditEntry(AuditEvent.ACCOUNT_LOADED, COMMAND_LINE)
        record(connection, now, account.account_id, entry)
    return loading.loaded()


def account_column(table: Table) -> str:
    """Return the column that has the account's id."""
    return "id" if table is schema.account else "account_id"


class _Loading:
    """The loading of one account."""

    def __init__(self, connection: Connection, account: AccountLines, insert: Insert) -> None:
        if not 1 <= account.account_id <= _ACCOUNTS_MAX:
            raise NotPossible(f"there can be no account {account.account_id}")
        self._connection = connection
        self._account_id = account.account_id
        self._source = account.lines
        self._lines = lines_of(is_copy=account.is_copy)
        self._insert = insert
        #: The rows that wait to be written, all of one kind, each with the number of its line.
        self._waiting: list[tuple[int, Line]] = []
        #: The line that is looked at. The header is the first one of a file.
        self._number = 1
        self._kind = self._lines.kinds[0]
        self._bytes = 0
        self._counts: dict[str, int] = {}
        self._ids = range(first_id(self._account_id) + 1, first_id(self._account_id + 1))
        self._settings: AccountSettings | None = None

    def run(self) -> None:
        version = self._make_room()
        try:
            for number, line in enumerate(self._source, 2):
                self._number = number
                self._add(line, version)
            self._flush(version)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise NotPossible(f"line {self._number} cannot be loaded: {_why(error)}") from error
        self._require_whole()

    def loaded(self) -> Loaded:
        """Return what was loaded."""
        settings = self._known_settings()
        leads, rows = (self._counts.get(name, 0) for name in ("lead", "ledger"))
        return Loaded(self._account_id, settings.name, leads, rows)

    def _make_room(self) -> int:
        """Remove an account that is empty, and return the next version of its settings."""
        lane = schema.lane
        of_account = lane.c.account_id == self._account_id
        there = self._connection.execute(select(lane).where(of_account)).first()
        if there is None:
            return 1
        if there.ledger_seq or there.lead_count:
            raise NotPossible(
                f"the database has an account {self._account_id} that is not empty, and every id "
                "in the export is one of that account; load it into another database"
            )
        for table in schema.metadata.tables.values():
            if (name := account_column(table)) in table.c:
                where = table.c[name] == self._account_id
                self._connection.execute(delete(table).where(where))
        # Processes that know the settings of before read them again.
        return int(there.settings_version) + 1

    def _add(self, text: bytes, version: int) -> None:
        line, number = self._lines.decode(text), self._number
        kind = self._lines.by_line[type(line)]
        if kind is not self._kind:
            if kind.place < self._kind.place:
                raise ValueError(f"{kind.table.name} comes after {self._kind.table.name}")
            self._flush(version)
            self._kind = kind
        elif len(self._waiting) >= LOAD_CHUNK_ROWS or self._bytes >= LOAD_CHUNK_BYTES_MAX:
            self._flush(version)
        self._waiting.append((number, line))
        self._bytes += len(text)

    def _flush(self, version: int) -> None:
        waiting, self._waiting, self._bytes = self._waiting, [], 0
        if not waiting:
            return
        kind = self._kind
        name = str(kind.table.name)
        self._counts[name] = self._counts.get(name, 0) + len(waiting)
        if kind.table is schema.lead:
            self._write_leads(waiting)
            return
        columns = column_names(kind.table.c)
        rows = []
        for self._number, line in waiting:
            rows.append(self._row(kind, line, columns, version))
        self._insert(kind.table, columns, rows)

    def _row(self, kind: Kind, line: Line, columns: Sequence[str], version: int) -> tuple[Any, ...]:
        values = kind.values(line)
        if "id" in values:
            self._require_own(values["id"])
        values[account_column(kind.table)] = self._account_id
        if kind.table is schema.user:
            values["email_key"] = fold_case(values["email"])
        elif kind.table is schema.api_key:
            values["key_hash"] = self._key_hash(values["key_hash"])
        elif kind.table is schema.lane:
            values["settings_version"] = version
        elif kind.table is schema.ledger:
            _require_readable(values)
        return tuple(values.get(name) for name in columns)

    def _key_hash(self, stored: str | None) -> str:
        """Return the hash that a line has: all those of a copy, and the names of sources."""
        if stored is None:
            return no_key_hash(secrets.randbits(256))
        if stored.startswith(SOURCE) and not stored.startswith(f"{SOURCE}{self._account_id}:"):
            raise ValueError(f"{stored[:100]} is no source of account {self._account_id}")
        return stored

    def _require_own(self, row_id: int) -> None:
        if row_id not in self._ids:
            raise ValueError(f"{row_id} is no id of account {self._account_id}")

    def _write_leads(self, lines: Sequence[tuple[int, Any]]) -> None:
        settings = self._known_settings()
        rows, keys = [], []
        for self._number, line in lines:
            document = bytes(line.document).decode()
            lead = lead_from(document)
            self._require_own(lead.id)
            _require_dates(lead)
            row = lead_row(self._account_id, lead)
            if row[_DOCUMENT] != document:
                # From before a change of the program, perhaps, which it is not this one's to make.
                _require_as_written(document)
                row = (*row[:_DOCUMENT], document, *row[_DOCUMENT + 1 :])
            rows.append(row)
            keys += [
                (self._account_id, key.field, key.value, lead.id, key.label)
                for key in lead_keys(lead, settings)
            ]
        self._insert(schema.lead, _LEAD_COLUMNS, rows)
        self._insert(schema.match_key, _KEY_COLUMNS, keys)

    def _known_settings(self) -> AccountSettings:
        if self._settings is None:
            if not {"account", "lane", "user"} <= self._counts.keys():
                raise ValueError("the lines of the account are missing")
            self._settings = _sound(load_settings(self._connection, self._account_id))
        return self._settings

    def _require_whole(self) -> None:
        """Hold the numbers of rows and ids against the lane."""
        try:
            self._known_settings()
        except (ValueError, msgspec.DecodeError) as error:
            raise NotPossible(f"the settings cannot be loaded: {_why(error)}") from error
        lane, ledger = schema.lane, schema.ledger
        of_account = lane.c.account_id == self._account_id
        numbers = self._connection.execute(select(lane).where(of_account)).one()
        for name, column in _COUNTED.items():
            should_be, count = getattr(numbers, column), self._counts.get(name, 0)
            if count != should_be:
                raise NotPossible(
                    f"the export has {count:,} rows of {name}, and should have {should_be:,}"
                )
        seqs = select(func.min(ledger.c.seq), func.max(ledger.c.seq))
        ends = self._connection.execute(seqs.where(ledger.c.account_id == self._account_id)).one()
        if numbers.ledger_seq and tuple(ends) != (1, numbers.ledger_seq):
            raise NotPossible("the ledger of the export has gaps")
        if numbers.last_id + 1 not in self._ids or self._newest_id() > numbers.last_id:
            raise NotPossible(f"the newest id of the export is not {numbers.last_id}")

    def _newest_id(self) -> int:
        newest = [
            self._connection.execute(
                select(func.max(kind.table.c.id)).where(kind.table.c.account_id == self._account_id)
            ).scalar()
            for kind in self._lines.kinds
            if {"id", "account_id"} <= set(column_names(kind.table.c))
        ]
        return max(one or 0 for one in newest)


def _require_readable(row: Mapping[str, Any]) -> None:
    """Refuse a row of the ledger that pages could not tell."""
    if row["payload"]:
        msgspec.json.decode(row["payload"])
    is_of_lead = row["resource"] == LEAD
    if row["changes"] and is_of_lead:
        changes_from(row["changes"])
    elif row["changes"]:
        for data_type in _settings_changes(row["changes"]).get("data_type", ()):
            if data_type is not None:
                DataType(data_type)
    if is_of_lead and row["outcome"] in _WRITTEN and row["resource_id"] is None:
        raise ValueError(f"{row['outcome']} is about a lead, and none is named")


def _require_dates(lead: Lead) -> None:
    """Refuse a lead with a date that no calendar has."""
    for date in (lead.date_created, lead.date_modified, lead.date_last_contacted or 0):
        if not 0 <= date <= UNIX_SECONDS_MAX:
            raise ValueError(f"{date} is no date")


def _sound(settings: AccountSettings) -> AccountSettings:
    """Return settings that pages can be shown with. Raises ValueError."""
    if settings.time_zone not in time_zones():
        raise ValueError(f"{quoted(settings.time_zone)} is no time zone")
    if not is_currency(settings.currency):
        raise ValueError(f"{quoted(settings.currency)} is no currency")
    return settings


def _require_as_written(document: str) -> None:
    """Refuse a document that this program has not written: twice one name, or spaces."""
    if msgspec.json.encode(msgspec.json.decode(document)).decode() != document:
        raise ValueError("the lead is not written as onelead writes it")


def _why(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
