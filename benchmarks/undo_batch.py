"""Measures how fast a batch is undone, alone and beside live deliveries, in one process.

    python -m benchmarks.undo_batch --rows 100000

Each engine has a database of its own that is gone afterwards. The writer's own speed is that of
updates by 64 clients in the same process, so that nothing but the writer and the database is
compared.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop

from benchmarks.postgresql import postgresql_running
from onelead.app import open_store
from onelead.configuration import Configuration
from onelead.contract.batches import UndoOrder
from onelead.contract.leads import Batch, BatchReceipt
from onelead.contract.store import Store
from onelead.domain.account import AccountSettings
from onelead.domain.properties import EmailPatch, LeadPatch
from onelead.domain.writes import Action, Delivery, LeadWrite
from onelead.process.batch_undo_work import BatchUndoWork
from onelead.process.writer import BatchingWriter

_CLIENTS = 64
_CALL_WRITES = 500
_WRITER_S = 5.0
_ids = itertools.count(1)


class _Counted:
    """A store that counts, batch by batch, how many writes were undos."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.undos: list[int] = []
        self.others = 0

    async def write_leads(self, batch: Batch) -> BatchReceipt:
        receipt = await self._store.write_leads(batch)
        undos = sum(write.write.action is Action.UNDO for write in batch.writes)
        self.undos.append(undos)
        self.others += len(batch.writes) - undos
        return receipt

    async def settings(self, account_id: int) -> AccountSettings:
        return await self._store.settings(account_id)


def _delivery(batch_id: str | None = None) -> Delivery:
    return Delivery(f"r{next(_ids)}", None, None, '{"title":"Buyer"}', batch_id=batch_id)


async def _updates(
    writer: BatchingWriter, account_id: int, lead_ids: Sequence[int], until: asyncio.Event
) -> int:
    """Update leads by many clients until told to stop; return how many updates were answered."""
    done = 0

    async def client(number: int) -> None:
        nonlocal done
        for turn in itertools.count():
            if until.is_set():
                return
            lead_id = lead_ids[(number + turn * _CLIENTS) % len(lead_ids)]
            patch = LeadPatch(title=f"Buyer {turn}")
            await writer.write(account_id, LeadWrite(Action.UPDATE, _delivery(), lead_id, patch))
            done += 1

    await asyncio.gather(*(client(number) for number in range(_CLIENTS)))
    return done


async def _created(
    writer: BatchingWriter, account_id: int, rows: int, batch_id: str | None
) -> list[int]:
    ids = []
    for at in range(0, rows, _CALL_WRITES):
        writes = [
            LeadWrite(
                Action.CREATE,
                _delivery(batch_id),
                patch=LeadPatch(
                    name=f"Nora Field {number}",
                    email=EmailPatch(f"{batch_id}{number}@field.example", "work"),
                ),
            )
            for number in range(at, min(at + _CALL_WRITES, rows))
        ]
        receipts = await writer.write_many(account_id, writes)
        ids += [receipt.result.lead.id for receipt in receipts if receipt.result.lead]
    return ids


async def _undone(store: Store, writer: BatchingWriter, account_id: int, about_id: str) -> float:
    """Undo a batch in the background, and return the seconds that it took."""
    undo_id = f"{about_id}-undo"
    work = BatchUndoWork(store, writer, holder=undo_id)
    began = time.perf_counter()
    await store.begin_undo(
        account_id, UndoOrder(undo_id, about_id, force=False, user_id=None, api_key_id=None)
    )
    work.wake()
    while account_id in await store.accounts_undoing():  # noqa: ASYNC110 - as a page would look
        await asyncio.sleep(0.05)
    seconds = time.perf_counter() - began
    await work.stop()
    return seconds


async def _measure(database: str, rows: int) -> None:
    async with open_store(Configuration(database=database), serving=True) as store:
        account = await store.create_account("Undo", "dana@undo.example")
        account_id = account.account_id
        counted = _Counted(store)
        writer = BatchingWriter(counted)
        live = await _created(writer, account_id, 2_000, None)
        for batch_id in ("alone", "beside"):
            began = time.perf_counter()
            await _created(writer, account_id, rows, batch_id)
            print(f"creating {rows:,}: {rows / (time.perf_counter() - began):,.0f} rows/s")
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(_WRITER_S, stop.set)
        updates = await _updates(writer, account_id, live, stop)
        print(f"updates of {_CLIENTS} clients alone: {updates / _WRITER_S:,.0f} rows/s")

        seconds = await _undone(store, writer, account_id, "alone")
        print(f"undo alone: {rows / seconds:,.0f} rows/s")

        counted.undos, counted.others = [], 0
        stop = asyncio.Event()
        load = asyncio.create_task(_updates(writer, account_id, live, stop))
        seconds = await _undone(store, writer, account_id, "beside")
        stop.set()
        updates = await load
        print(
            f"undo beside {_CLIENTS} clients: {rows / seconds:,.0f} rows/s, "
            f"their updates {updates / seconds:,.0f} rows/s, together "
            f"{(rows + updates) / seconds:,.0f}; at most {max(counted.undos)} undos in a batch"
        )
        batch = await store.batch(account_id, "beside-undo")
        print(f"outcomes: {dict(batch.outcomes)}")


@contextmanager
def _databases() -> Iterator[dict[str, str]]:
    """Make an empty database of each engine, and return their URLs."""
    # PostgreSQL refuses to run as root, and its user has to reach the folder.
    with TemporaryDirectory(prefix="onelead-undo-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with postgresql_running(folder / "postgresql", folder / "postgresql.log") as server:
            server.execute("CREATE DATABASE undo")
            yield {"SQLite": f"sqlite:///{folder}/undo.db", "PostgreSQL": server.url("undo")}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=20_000)
    options = parser.parse_args()
    with _databases() as databases:
        for engine, database in databases.items():
            print(f"{engine}:")
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_measure(database, options.rows))


if __name__ == "__main__":
    main()
