"""Databases full of people for onelead, made fast and kept for later runs.

The accounts are made through the store. The leads are rows made by the product's own functions and
written into the tables directly: by COPY on PostgreSQL, from a process for each processor, and by
executemany on SQLite.
"""

from __future__ import annotations

import gc
import hashlib
import multiprocessing
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import psycopg
from msgspec import Struct
from rich.progress import track
from sqlalchemy import Table

import onelead
from benchmarks.people import Person, lead_of, stored_people
from benchmarks.postgresql import PostgresqlServer
from onelead.app import on_store
from onelead.configuration import Configuration
from onelead.contract.access import NewAccount
from onelead.contract.store import Store
from onelead.domain.account import AccountSettings
from onelead.domain.lead import changes_between
from onelead.domain.matching import Match, MatchKey, lead_keys
from onelead.domain.settings.change import Resource, SettingsWrite
from onelead.domain.writes import Action, Delivery, LeadWrite, MatchResult, Outcome, WriteResult
from onelead.storage import schema
from onelead.storage.leads.rows import lead_row, ledger_entry

#: What a lead takes on the disk, with its keys, its ledger row and their indexes.
POSTGRESQL_BYTES_A_LEAD = 3_500
_CHUNK = 50_000
_EMAIL = "bench@onelead.example"
_TABLES: tuple[Table, ...] = (schema.lead, schema.match_key, schema.ledger)
_DEFINITIONS = (("Customer number", "String"), ("Score", "Float"))
Row = tuple[Any, ...]
T = TypeVar("T")
Connection = psycopg.Connection[Row]


class Seed(Struct, frozen=True):
    """A database to start from: this many people, spread over this many accounts."""

    people: int
    accounts: int = 1

    @property
    def name(self) -> str:
        """The name of its file or database, which changes with whatever affects its content."""
        return f"seed_{self.people}_{self.accounts}_{_fingerprint()}"


class SeededAccount(Struct, frozen=True):
    """What is needed to call the service as an account of a seeded database."""

    account_id: int
    email: str
    api_key: str
    #: The definitions' ids: a text and a number.
    definitions: tuple[int, int]


def is_current(name: str) -> bool:
    """Say whether a seed with this name has the same content as one made now."""
    return name.startswith("seed_") and name.endswith(f"_{_fingerprint()}")


def _fingerprint() -> str:
    """Return a digest of the code that determines the content of a seeded database."""
    package = Path(onelead.__file__).parent
    sources = [
        *(
            package / name
            for name in (
                "domain/lead.py",
                "domain/matching.py",
                "domain/text.py",
                "storage/leads/rows.py",
            )
        ),
        *sorted((package / "storage" / "migrations").rglob("*.py")),
        *(Path(__file__).parent / name for name in ("people.py", "seeding.py")),
    ]
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources))
    return digest.hexdigest()[:10]


def seed_sqlite(seed: Seed, folder: Path) -> tuple[Path, list[SeededAccount]]:
    """Return the file of a seed and its accounts, creating it if it does not exist."""
    file, keys = folder / f"{seed.name}.db", folder / f"{seed.name}.sqlite.json"
    if not keys.exists():
        for leftover in folder.glob(f"{file.name}*"):
            leftover.unlink()
        accounts = _make_accounts(f"sqlite:///{file.resolve()}", seed)
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            _fill_sqlite(connection, seed, [settings for _account, settings in accounts])
        _remember(keys, accounts)
    return file, _remembered(keys)


def seed_postgresql(
    seed: Seed, server: PostgresqlServer, folder: Path
) -> tuple[str, list[SeededAccount]]:
    """Return the database of a seed and its accounts, creating it if it does not exist."""
    keys = folder / f"{seed.name}.postgresql.json"
    if not (keys.exists() and server.has_database(seed.name)):
        server.execute(
            f"DROP DATABASE IF EXISTS {seed.name}",
            f"CREATE DATABASE {seed.name}",
        )
        accounts = _make_accounts(server.url(seed.name), seed)
        settings = [settings for _account, settings in accounts]
        _fill_postgresql(server.url(seed.name), seed, settings)
        if seed.people > 1:
            # Without leads it stays as `init` leaves it: statistics of empty tables mislead.
            server.execute("VACUUM ANALYZE", database=seed.name)
        _remember(keys, accounts)
    return seed.name, _remembered(keys)


def _remember(file: Path, accounts: Sequence[tuple[NewAccount, AccountSettings]]) -> None:
    seeded = [
        SeededAccount(
            *(made.account_id, made.email, made.api_key),
            (settings.fields[0].id, settings.fields[1].id),
        )
        for made, settings in accounts
    ]
    file.write_bytes(msgspec.json.encode(seeded))


def _remembered(file: Path) -> list[SeededAccount]:
    return msgspec.json.decode(file.read_bytes(), type=list[SeededAccount])


def _make_accounts(url: str, seed: Seed) -> list[tuple[NewAccount, AccountSettings]]:
    """Create the database and its accounts, with their definitions."""

    async def make(store: Store) -> list[tuple[NewAccount, AccountSettings]]:
        return [await _make_account(store) for _ in range(seed.accounts)]

    return on_store(Configuration(database=url), make, create=True)


async def _make_account(store: Store) -> tuple[NewAccount, AccountSettings]:
    account = await store.create_account("Benchmark", _EMAIL)
    for name, data_type in _DEFINITIONS:
        body = {"name": name, "data_type": data_type, "available_on": ["lead"]}
        write = SettingsWrite(
            *(Resource.CUSTOM_FIELD_DEFINITION, Action.CREATE, _delivery(0, "{}")),
            body={**body, "is_filterable": True},
        )
        await store.change_settings(account.account_id, write)
    while await store.build_index(account.account_id):
        pass
    return account, await store.settings(account.account_id)


def _delivery(number: int, payload: str) -> Delivery:
    return Delivery(f"{number:032x}", None, None, payload)


class _AccountRows(Struct, frozen=True):
    """Makes the rows of one account's leads, by table."""

    settings: AccountSettings
    #: The ids and the ledger numbers of the leads follow these.
    last_id: int
    last_seq: int

    def of(self, person: Person, place: int) -> tuple[Row, list[Row], Row]:
        """Return the rows of the lead at a place: its own, its keys', and its ledger row."""
        account_id = self.settings.account_id
        lead = lead_of(person, self.last_id + 1 + place, self.settings)
        keys = [
            (account_id, key.field, key.value, lead.id, key.label)
            for key in lead_keys(lead, self.settings)
        ]
        write, result = _delivered(person, MatchKey("email", person.email))
        result = msgspec.structs.replace(result, lead=lead, changes=changes_between(None, lead))
        row = ledger_entry(account_id, self.last_seq + 1 + place, lead.date_created, write, result)
        return lead_row(account_id, lead), keys, row


def _delivered(person: Person, key: MatchKey) -> tuple[LeadWrite, WriteResult]:
    """Return the upsert that delivered the person, and its result without the lead."""
    payload = (
        f'{{"properties":{{"name":"{person.name}","email":{{"email":"{person.email}",'
        f'"category":"work"}},"phone_numbers":[{{"number":"{person.phone}",'
        f'"category":"mobile"}}],"company_name":"Field Supplies","title":"{person.title}",'
        f'"tags":["{person.tag}"]}},"match":{{"field_name":"email",'
        f'"field_value":"{person.email}"}}}}'
    )
    write = LeadWrite(
        *(Action.UPSERT, _delivery(person.number, payload)), match=Match("email", person.email)
    )
    match = MatchResult("email", key.value, 0, ())
    return write, WriteResult(Outcome.CREATED, match=match)


def _chunks(seed: Seed) -> list[range]:
    """Return the numbers of all people, in pieces that fit into memory."""
    return [
        range(first, min(first + _CHUNK, seed.people)) for first in range(0, seed.people, _CHUNK)
    ]


def _rows(
    seed: Seed, accounts: Sequence[_AccountRows], numbers: range
) -> tuple[list[Row], list[Row], list[Row]]:
    """Return the rows of lead, match_key and ledger; the accounts take turns."""
    leads, keys, ledger = [], [], []
    with _without_collector():
        for person in stored_people(seed.people, numbers):
            place, turn = divmod(person.number, len(accounts))
            lead, its_keys, its_ledger_row = accounts[turn].of(person, place)
            leads.append(lead)
            keys += its_keys
            ledger.append(its_ledger_row)
    # Rows in the order of the index are written in half the time.
    keys.sort(key=lambda row: row[:4])
    return leads, keys, ledger


@contextmanager
def _without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


_LANES = "SELECT last_id, ledger_seq FROM lane WHERE account_id = {}"
#: Each lead has one ledger row, so as many numbers of both kinds are taken.
_SAVE_LANE = (
    "UPDATE lane SET last_id = last_id + leads, ledger_seq = ledger_seq + leads,"
    " lead_count = leads"
    " FROM (SELECT count(*) AS leads FROM lead WHERE account_id = {0}) AS counted"
    " WHERE account_id = {0}"
)


def _fill_sqlite(
    connection: sqlite3.Connection, seed: Seed, accounts: Sequence[AccountSettings]
) -> None:
    """Fill the tables of a new file; nothing is synced before the end."""
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -2000000"):
        connection.execute(f"PRAGMA {pragma}")
    filled = [
        _AccountRows(one, *connection.execute(_LANES.format(one.account_id)).fetchone())
        for one in accounts
    ]
    for numbers in _tracked(_chunks(seed), seed):
        connection.execute("BEGIN")
        for table, rows in zip(_TABLES, _rows(seed, filled, numbers), strict=True):
            places = ", ".join("?" * len(table.columns))
            connection.executemany(f"INSERT INTO {table.name} VALUES ({places})", rows)
        connection.execute("COMMIT")
    for account in accounts:
        connection.execute(_SAVE_LANE.format(account.account_id))
    connection.execute("PRAGMA journal_mode = WAL")


def _fill_postgresql(url: str, seed: Seed, accounts: Sequence[AccountSettings]) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        filled = [
            _AccountRows(one, *_one_row(connection, _LANES.format(one.account_id)))
            for one in accounts
        ]
        indexes = _drop_indexes(connection)
        _copy_chunks(url, seed, filled)
        connection.execute("SET maintenance_work_mem = '1GB'")
        lanes = (_SAVE_LANE.format(one.account_id) for one in accounts)
        for statement in (*indexes, *lanes):
            connection.execute(statement.encode())


def _copy_chunks(url: str, seed: Seed, accounts: Sequence[_AccountRows]) -> None:
    """Fill the tables from as many processes as there are processors."""
    # A forked process would share the connections of this one.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), context) as processes:
        copied = [
            processes.submit(_copy_chunk, url, seed, accounts, numbers) for numbers in _chunks(seed)
        ]
        for each in _tracked(as_completed(copied), seed, len(copied)):
            each.result()


def _copy_chunk(url: str, seed: Seed, accounts: Sequence[_AccountRows], numbers: range) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for table, rows in zip(_TABLES, _rows(seed, accounts, numbers), strict=True):
            copy_rows(connection, table.name, [column.name for column in table.columns], rows)


def _tracked(pieces: Iterable[T], seed: Seed, total: int | None = None) -> Iterable[T]:
    """Show the progress on the terminal."""
    return track(pieces, f"storing {seed.people:,} leads", total, transient=True)


def copy_rows(
    connection: Connection, table: str, columns: Sequence[str], rows: Iterable[Row]
) -> None:
    """Copy rows into a table of PostgreSQL."""
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        for row in rows:
            copy.write_row(row)


def _one_row(connection: Connection, query: str) -> Row:
    (row,) = connection.execute(query.encode())
    return row


def _drop_indexes(connection: Connection) -> list[str]:
    """Drop the indexes and keys of the tables, and return the statements that create them again."""
    again = []
    for table in _TABLES:
        keys = (
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
            f"WHERE conrelid = '{table.name}'::regclass AND contype = 'p'"
        )
        for name, definition in connection.execute(keys.encode()).fetchall():
            connection.execute(f"ALTER TABLE {table.name} DROP CONSTRAINT {name}".encode())
            again.append(f"ALTER TABLE {table.name} ADD CONSTRAINT {name} {definition}")
        indexes = f"SELECT indexname, indexdef FROM pg_indexes WHERE tablename = '{table.name}'"
        for name, definition in connection.execute(indexes.encode()).fetchall():
            connection.execute(f"DROP INDEX {name}".encode())
            again.append(definition)
    return again
