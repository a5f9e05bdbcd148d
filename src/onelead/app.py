"""The composition root: settings -> store -> writer -> API, and how they start and stop.

The only module that names an engine. Stopping goes from the outside in: no new requests, those
accepted are answered, the index work ends its step, the writer drains, the store closes.
"""

from __future__ import annotations

import asyncio
import gc
import random
import socket
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
import uvloop
from msgspec import Struct

from onelead.api.application import create_api
from onelead.api.call import Services
from onelead.api.server import StopSignals, base_url, listening, run_server
from onelead.errors import NotPossible, OneleadError
from onelead.index_work import IndexWork
from onelead.settings import Settings
from onelead.storage.sqlite import SqliteStore
from onelead.store import NewAccount, Store
from onelead.writer import BatchingWriter

T = TypeVar("T")
_FIRST_ACCOUNT = ("My account", "admin@example.com")

log = structlog.get_logger(__name__)


class Started(Struct, frozen=True):
    """A server that listens."""

    #: What a client calls, as in `http://127.0.0.1:8000/developer_api/v1`.
    base_url: str
    #: The account that was made because there was none; its key is known this once.
    first_account: NewAccount | None


def on_store(
    settings: Settings, work: Callable[[Store], Awaitable[T]], *, create: bool = False
) -> T:
    """Do one thing with the migrated database, also while a server runs on it.

    Without `create`, raises NotPossible when there is no database yet.
    """

    async def run() -> T:
        store = open_store(settings, serving=False)
        try:
            return await work(store)
        finally:
            await store.close()

    path = settings.database_path
    if not create and not path.exists():
        raise NotPossible(f"there is no database {path}; `onelead init` makes one")
    return asyncio.run(run())


def open_store(settings: Settings, *, serving: bool) -> Store:
    """Open and migrate the database. Raises DatabaseUnusable, DatabaseNewer, DatabaseLocked."""
    return SqliteStore(settings.database_path, _unix_seconds, serving=serving)


def serve(settings: Settings, announce: Callable[[Started], None]) -> None:
    """Serve until SIGTERM or SIGINT, and return when everything accepted is answered.

    Calls `announce` once requests are accepted. Raises what `open_store` does, and NotPossible.
    """
    stop = StopSignals()
    try:
        with stop.caught(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings, announce, stop))
    except OneleadError:
        raise
    except Exception:
        log.exception("the server failed")
        raise


async def _serve(
    settings: Settings, announce: Callable[[Started], None], stop: StopSignals
) -> None:
    store = open_store(settings, serving=True)
    try:
        with listening(settings.host, settings.port) as listener:
            first_account = await _create_first_account(store)
            started = Started(base_url(settings.host, listener.getsockname()[1]), first_account)

            def on_started() -> None:
                log.info("listening", url=started.base_url, database=str(settings.database_path))
                announce(started)

            await _serve_from(store, listener, stop, on_started)
    finally:
        await store.close()
    log.info("stopped")


async def _serve_from(
    store: Store, listener: socket.socket, stop: StopSignals, on_started: Callable[[], None]
) -> None:
    _collect_garbage_rarely()
    writer = BatchingWriter(store)
    index_work = IndexWork(store)
    services = Services(
        store=store,
        writer=writer,
        clock=_unix_seconds,
        monotonic=time.monotonic,
        new_request_id=_new_request_id,
        settings_changed=index_work.wake,
    )
    try:
        await run_server(create_api(services), listener, stop, on_started)
    finally:
        await index_work.stop()
        await writer.drain()


def _collect_garbage_rarely() -> None:
    """Keep the cycle collector from walking everything that lives as long as the process.

    A request leaves next to no cycles; the pauses were the largest single cost of a batch.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


async def _create_first_account(store: Store) -> NewAccount | None:
    if await store.account_ids():
        return None
    return await store.create_account(*_FIRST_ACCOUNT)


def _new_request_id() -> str:
    # It names a request and guards nothing; asking the kernel for every one would cost more.
    return f"{random.getrandbits(128):032x}"


def _unix_seconds() -> int:
    return int(time.time())
