"""The database of commands under test, written to by this process."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from onelead import app
from onelead.configuration import Configuration
from onelead.contract.store import Store
from onelead.domain.properties import LeadPatch
from onelead.domain.writes import Action, Delivery, LeadWrite
from onelead.process.writer import BatchingWriter

_CALL_WRITES = 500


def write_all(folder: Path, writes: Sequence[LeadWrite]) -> None:
    """Write to the first account of the default database of a folder."""

    async def write(store: Store) -> None:
        writer = BatchingWriter(store)
        for at in range(0, len(writes), _CALL_WRITES):
            await writer.write_many(1, writes[at : at + _CALL_WRITES])

    app.on_store(Configuration(database=f"sqlite:///{folder}/data/onelead.db"), write)


def create_batch(folder: Path, rows: int, batch_id: str = "b1") -> None:
    """Create so many leads, all in one batch."""
    made = [
        LeadWrite(
            Action.CREATE,
            Delivery(f"r{number}", None, None, "{}", batch_id=batch_id),
            patch=LeadPatch(name=f"Nora {number}"),
        )
        for number in range(rows)
    ]
    write_all(folder, made)


def stored(folder: Path, statement: str) -> list[tuple[Any, ...]]:
    """Read rows of the default database of a folder."""
    with closing(sqlite3.connect(folder / "data" / "onelead.db")) as connection:
        return connection.execute(statement).fetchall()
