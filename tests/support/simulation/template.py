"""The database that every simulation starts with: migrated, with one account and two fields."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path

from msgspec import Struct
from tests.support.domain.lead_writes import settings_write
from tests.support.simulation.history import named
from tests.support.simulation.world import BEGINNING_S

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import CustomField
from onelead.domain.settings.change import Resource
from onelead.domain.writes import Action
from onelead.storage.sqlite.store import SqliteStore


class Template(Struct, frozen=True):
    """The file, and the account in it."""

    content: bytes
    #: The settings and the last id before the first row of the ledger.
    initial: AccountSettings
    last_id: int
    #: By which upserts match.
    fields: tuple[CustomField, ...]
    #: How many rows the ledger has.
    rows: int

    @property
    def account_id(self) -> int:
        """The only account."""
        return self.initial.account_id


@cache
def template() -> Template:
    """Make the database, once in a process, the same in every process."""
    with tempfile.TemporaryDirectory(prefix="onelead-simulation-") as folder:
        path = Path(folder) / "onelead.db"
        initial, last_id, fields = asyncio.run(_fill(path))
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            # The secrets of the first key are the only chance in it.
            connection.execute("UPDATE api_key SET key_hash = 'none'")
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("VACUUM")
            connection.execute("PRAGMA journal_mode = WAL")
        content = path.read_bytes()
    return Template(content, initial, last_id, fields, len(fields))


async def _fill(path: Path) -> tuple[AccountSettings, int, tuple[CustomField, ...]]:
    store = SqliteStore(path, lambda: BEGINNING_S)
    account_id = (await store.create_account("Shop", "dana@shop.example")).account_id
    initial = await store.settings(account_id)
    _, last_id, _ = (await store.account_rows(account_id)).lane
    for name in ("Customer number", "Contract"):
        body = {
            "name": name,
            "data_type": "String",
            "available_on": ["lead"],
            "is_filterable": True,
        }
        write = settings_write(Resource.CUSTOM_FIELD_DEFINITION, Action.CREATE, body)
        await store.change_settings(account_id, named(write, f"template {name}"))
    while await store.build_index(account_id):
        pass
    fields = (await store.settings(account_id)).fields
    await store.close()
    return initial, last_id, fields
