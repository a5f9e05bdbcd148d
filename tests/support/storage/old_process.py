"""A process of the version before revision 0003: it knows the tables and the rules of its time.

It writes beside processes of this version, or before them into a database of its own.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import msgspec
import psycopg
from sqlalchemy import (
    Connection,
    Engine,
    Table,
    TableClause,
    column,
    create_engine,
    insert,
    table,
    text,
)
from tests.support.domain.builders import a_settings
from tests.support.storage.account_store import AccountStore

from onelead.contract.store import Store
from onelead.domain.account import DEFAULT_CURRENCY, DEFAULT_TIME_ZONE, LeadStatus
from onelead.domain.custom_fields import CustomField
from onelead.domain.lead import Lead, changes_between
from onelead.domain.limits import SORT_KEY_CHARS_MAX
from onelead.domain.matching import MatchKey, lead_keys
from onelead.domain.text import fold_case
from onelead.storage import schema
from onelead.storage.engine_insert import engine_insert
from onelead.storage.lane import first_id
from onelead.storage.leads.old_keys import old_keys
from onelead.storage.leads.rows import json_text, lead_from, lead_row
from onelead.storage.schema import lead as lead_table
from onelead.storage.settings.rows import insert_statuses

REVISION = "0002"
NOW = 1_700_000_000


def _table(name: str, *columns: str) -> TableClause:
    """Return a table as this process knows it; statements name its columns."""
    return table(name, *map(column, columns))


_LEAD = _table("lead", *(column.name for column in lead_table.c))
_KEY = _table("match_key", "account_id", "field", "value", "lead_id", "label")
_LEDGER = _table(
    "ledger",
    *("account_id", "seq", "date", "request_id", "resource", "resource_id", "action", "outcome"),
    *("version", "user_id", "api_key_id", "payload", "match", "changes", "message"),
)
_LANE = (
    "UPDATE lane SET ledger_seq = ledger_seq + 1, lead_count = lead_count + :more,"
    " last_id = last_id + :ids WHERE account_id = :account_id RETURNING ledger_seq, last_id"
)


def engine_on(address: str) -> Engine:
    """Open a database at the address that tests have of it."""
    if address.startswith("sqlite:"):
        connect: Any = partial(sqlite3.connect, address.removeprefix("sqlite:"))
        return create_engine("sqlite://", creator=connect)
    return create_engine("postgresql+psycopg://", creator=partial(psycopg.connect, address))


def create_account(connection: Connection, account_id: int, name: str) -> None:
    """Create an account without users, as far as leads need one."""
    times = {"date_created": NOW, "time_zone": DEFAULT_TIME_ZONE, "currency": DEFAULT_CURRENCY}
    connection.execute(insert(schema.account), {"id": account_id, "name": name} | times)
    last_id = first_id(account_id) + 1
    lane = {"account_id": account_id, "ledger_seq": 0, "settings_version": 1, "lead_count": 0}
    connection.execute(insert(schema.lane), lane | {"last_id": last_id})
    insert_statuses(connection, account_id, (LeadStatus(last_id, "New", is_default=True),))


@dataclass
class OldProcess:
    """What such a process does to the leads of an account."""

    engine: Engine
    account_id: int = 1
    #: The definitions that it knows as indexed.
    fields: tuple[CustomField, ...] = ()

    def create(self, **fields: Any) -> int:
        """Create a lead with these values as they are stored; return its id."""
        with self.engine.begin() as connection:
            seq, lead_id = self._take_lane(connection, more=1, ids=1)
            status = text("SELECT min(id) FROM lead_status WHERE account_id = :account_id")
            account = {"account_id": self.account_id}
            lead = Lead(
                id=lead_id,
                version=1,
                status_id=connection.execute(status, account).scalar_one(),
                date_created=NOW,
                date_modified=NOW,
                **{"name": "Nora Field", **fields},
            )
            self._write(connection, seq, None, lead)
        return lead_id

    def update(self, lead_id: int, **fields: Any) -> None:
        """Change values of a lead."""
        with self.engine.begin() as connection:
            seq, _ = self._take_lane(connection)
            before = self._lead(connection, lead_id)
            after = msgspec.structs.replace(before, version=before.version + 1, **fields)
            self._write(connection, seq, before, after)

    def delete(self, lead_id: int) -> None:
        """Delete a lead."""
        with self.engine.begin() as connection:
            seq, _ = self._take_lane(connection, more=-1)
            self._write(connection, seq, self._lead(connection, lead_id), None)

    def _take_lane(self, connection: Connection, more: int = 0, ids: int = 0) -> tuple[int, int]:
        numbers = {"account_id": self.account_id, "more": more, "ids": ids}
        seq, last_id = connection.execute(text(_LANE), numbers).one()
        return seq, last_id

    def _lead(self, connection: Connection, lead_id: int) -> Lead:
        statement = text("SELECT document FROM lead WHERE account_id = :account_id AND id = :id")
        found = connection.execute(statement, {"account_id": self.account_id, "id": lead_id})
        return msgspec.json.decode(found.scalar_one(), type=Lead)

    def _write(
        self, connection: Connection, seq: int, before: Lead | None, after: Lead | None
    ) -> None:
        some = after or before
        assert some is not None
        connection.execute(
            _LEAD.delete().where(_LEAD.c.account_id == self.account_id, _LEAD.c.id == some.id)
        )
        if after is not None:
            connection.execute(_LEAD.insert(), _rows(_LEAD, [old_row(self.account_id, after)]))
        was, now = self._keys(before), self._keys(after)
        for key in was - now:
            is_key = (_KEY.c.field == key.field) & (_KEY.c.value == key.value)
            of_lead = (_KEY.c.account_id == self.account_id) & (_KEY.c.lead_id == some.id)
            connection.execute(_KEY.delete().where(of_lead, is_key))
        added = [(self.account_id, key.field, key.value, some.id, key.label) for key in now - was]
        if added:
            insert = engine_insert(connection, cast("Table", _KEY)).on_conflict_do_nothing()
            connection.execute(insert, _rows(_KEY, added))
        action = "create" if before is None else "delete" if after is None else "update"
        result = (action, f"{action}d", some.version, None, None, "{}", None)
        changes = json_text(changes_between(before, after))
        row = (self.account_id, seq, NOW, f"old-{seq}", "lead", some.id, *result, changes, None)
        connection.execute(_LEDGER.insert(), _rows(_LEDGER, [row]))

    def _keys(self, lead: Lead | None) -> set[MatchKey]:
        settings = a_settings(account_id=self.account_id, fields=self.fields)
        return set() if lead is None else old_keys(lead, settings)


def _rows(into: TableClause, rows: Iterable[tuple[Any, ...]]) -> list[dict[str, Any]]:
    return [dict(zip(into.c.keys(), row, strict=True)) for row in rows]


def old_row(account_id: int, lead: Lead) -> tuple[Any, ...]:
    """Return the row of a lead with the columns that the version before derived from it."""
    (row,) = _rows(_LEAD, [lead_row(account_id, lead)])
    for name in ("name", "first_name", "last_name", "middle_name", "company_name", "title"):
        row[f"{name}_key"] = _key(getattr(lead, name))
    row["email_key"] = _key(lead.email.email if lead.email else None)
    row["social_key"] = _key(lead.socials[0].url if lead.socials else None)
    if lead.phone_numbers:
        row["phone_key"] = "".join(filter(str.isdecimal, lead.phone_numbers[0].number))
    for name in ("city", "state", "postal_code", "country"):
        row[f"{name}_key"] = _key(getattr(lead.address, name) if lead.address else None)
    return tuple(row.values())


def _key(value: str | None) -> str:
    return fold_case(value or "")[:SORT_KEY_CHARS_MAX]


def mark_upgraded(account: AccountStore) -> None:
    """Leave the account as the migration leaves that of an older database."""
    account.database.execute(
        "INSERT INTO key_rebuild (account_id, progress, checked_seq)"
        f" SELECT account_id, 0, ledger_seq FROM lane WHERE account_id = {account.account_id}"
    )
    account.database.execute("UPDATE lane SET settings_version = settings_version + 1")


async def wrong_rows(store: Store, account_id: int = 1) -> list[str]:
    """Return every lead row and match key that is not as today's rules make it."""
    settings = await store.settings(account_id)
    found = await store.account_rows(account_id)
    leads = [lead_from(row[_LEAD.c.keys().index("document")]) for row in found.leads]
    rows = {lead_row(account_id, lead) for lead in leads}
    keys = {
        (key.field, key.value, lead.id, key.label)
        for lead in leads
        for key in lead_keys(lead, settings)
    }
    return sorted(map(str, {*found.leads} ^ rows | {*found.keys} ^ keys))
