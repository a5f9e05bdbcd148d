"""The composition root: from the configuration to the running application, and back when it stops.

The only module that names an engine. Stopping works from the outside in: new requests are refused,
accepted ones are answered, background work ends its step while the writer drains, and the store
closes.
"""

from __future__ import annotations

import asyncio
import gc
import random
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeVar

import structlog
import uvloop
from msgspec import Struct
from starlette.types import ASGIApp, Receive, Scope, Send

from onelead.api.application import Api, is_api_path
from onelead.api.auth import Authenticator
from onelead.configuration import Configuration, masked
from onelead.contract.access import NewAccount
from onelead.contract.store import Store, StoreObserver
from onelead.contract.upkeep import Upkeep
from onelead.domain.api_keys.purposes import KeyScope
from onelead.domain.errors import DatabaseUnusable, NotPossible, OneleadError
from onelead.domain.limits import METRICS_SAMPLE_S
from onelead.files.imports.work import ImportWork
from onelead.incoming.api_calls import BASE_PATH
from onelead.incoming.own_host import is_over_tls
from onelead.process.access_cleaning import AccessCleaning
from onelead.process.api_key_uses import ApiKeyUses, ApiKeyUseWork
from onelead.process.batch_undo_work import BatchUndoWork
from onelead.process.company_provider import CompanyClient, CompanyProvider
from onelead.process.figure_work import FigureWork
from onelead.process.index_work import IndexWork
from onelead.process.metrics import Metrics, sharing_figures
from onelead.process.retention_work import RetentionWork
from onelead.process.runtime import Runtime
from onelead.process.writer import BatchingWriter
from onelead.serving.homes import Homes
from onelead.serving.open_connections import OpenConnections
from onelead.serving.server import (
    STOP_SIGNALS,
    Entrance,
    StopSignals,
    allow_open_files,
    base_url,
    behind_proxies,
    client_behind,
    connections_max,
    listening,
    run_server,
    shared_port,
    warn_of_plain_http,
    web_url,
)
from onelead.serving.workers import WorkerJob, Workers
from onelead.web.frame.sessions import welcome_path

if TYPE_CHECKING:
    from onelead.storage.postgresql.sessions import Sessions
    from onelead.storage.postgresql.store import PostgresqlStore
    from onelead.storage.sqlite.store import SqliteStore

T = TypeVar("T")
_FIRST_ACCOUNT = ("My account", "admin@example.com")

log = structlog.get_logger(__name__)


class Started(Struct, frozen=True):
    """A server that listens."""

    #: The address for API clients, as in `http://127.0.0.1:8000/developer_api/v1`.
    base_url: str
    #: The address for browsers, as in `http://127.0.0.1:8000`.
    web_url: str
    #: The account that was made because there was none; its API key, which delivers, is known only
    #: now.
    first_account: NewAccount | None = None
    #: Lets the first admin in, as long as no user of the first account has a password.
    sign_in_url: str | None = None


class _Front(Struct, frozen=True):
    """Where a process serves, for how long, and what it says when it begins."""

    listener: socket.socket
    stop: StopSignals
    on_started: Callable[[], None]
    #: Of a process that is one of several workers.
    job: WorkerJob | None = None


def browsers_url(configuration: Configuration) -> str:
    """Return the URL, or else the address of a server on this machine. Raises NotPossible."""
    if configuration.public_url is not None:
        return configuration.public_url
    if not configuration.port:
        raise NotPossible("port 0 takes any free port; give the server's address with --url")
    return web_url(configuration.host, configuration.port)


def on_store(
    configuration: Configuration,
    work: Callable[[Store], Awaitable[T]],
    *,
    create: bool = False,
    clock: Callable[[], int] | None = None,
) -> T:
    """Do one thing with the migrated database, even while a server runs on it.

    Without `create`, raises NotPossible if there is no database yet. `clock` returns the Unix
    seconds that writes are dated with, instead of the machine's clock.
    """

    async def run() -> T:
        async with open_store(configuration, serving=False, clock=clock) as store:
            return await work(store)

    path = configuration.database_path
    if path is not None and not create and not path.exists():
        raise NotPossible(f"there is no database {path}; create one with `onelead init`")
    return asyncio.run(run())


@asynccontextmanager
async def open_store(
    configuration: Configuration,
    *,
    serving: bool,
    observer: StoreObserver | None = None,
    clock: Callable[[], int] | None = None,
) -> AsyncIterator[Store]:
    """Open and migrate the database for a block.

    Raises DatabaseUnusable, DatabaseNewer, DatabaseLocked.
    """
    store: SqliteStore | PostgresqlStore
    if configuration.database_path is not None:
        # Only the engine that is used is loaded.
        from onelead.storage.sqlite.store import SqliteStore  # noqa: PLC0415

        store = SqliteStore(configuration.database_path, clock or _unix_seconds, serving=serving)
    else:
        store = _postgresql(configuration, observer, clock)
        await store.open()
    try:
        yield store
    finally:
        await store.close()


def _postgresql(
    configuration: Configuration,
    observer: StoreObserver | None,
    clock: Callable[[], int] | None = None,
) -> PostgresqlStore:
    from onelead.storage.postgresql.store import PostgresqlStore  # noqa: PLC0415 - see open_store

    return PostgresqlStore(configuration.database, clock or _unix_seconds, observer=observer)


def database_sessions(configuration: Configuration) -> Sessions | None:
    """Return the sessions on the database; None if it has no server of its own."""
    if configuration.database_path is not None:
        return None
    from onelead.storage.postgresql.sessions import Sessions  # noqa: PLC0415 - see open_store

    return Sessions(configuration.database)


def upkeep(configuration: Configuration) -> Upkeep:
    """Return the care for the database as a whole, without opening it."""
    if configuration.database_path is not None:
        from onelead.storage.sqlite.upkeep import SqliteUpkeep  # noqa: PLC0415 - see open_store

        return SqliteUpkeep(configuration.database_path)
    from onelead.storage.postgresql.upkeep import PostgresqlUpkeep  # noqa: PLC0415 - see open_store

    return PostgresqlUpkeep(configuration.database)


def serve(configuration: Configuration, on_started: Callable[[Started], None]) -> None:
    """Serve until SIGTERM or SIGINT, and return when everything accepted is answered.

    Calls `on_started` once requests are accepted. Raises NotPossible and what `open_store` raises.
    """
    with _failures_logged():
        if configuration.workers > 1:
            asyncio.run(_serve_by_workers(configuration, on_started))
            return
        stop = StopSignals()
        with stop.caught(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(configuration, on_started, stop))


def serve_as_worker(job: WorkerJob, on_started: Callable[[], None]) -> None:
    """Serve on the socket that a worker was given, as `serve` does on its own socket."""
    stop = StopSignals()
    with (
        _failures_logged(),
        stop.caught(),
        sharing_figures(job.number),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(_serve_job(job, on_started, stop))


@contextmanager
def _failures_logged() -> Iterator[None]:
    try:
        yield
    except OneleadError:
        raise
    except Exception:
        log.exception("the server failed")
        raise


async def _serve(
    configuration: Configuration, on_started: Callable[[Started], None], stop: StopSignals
) -> None:
    metrics = Metrics()
    async with open_store(configuration, serving=True, observer=metrics) as store:
        with listening(configuration.host, configuration.port) as listener:
            address, port = listener.getsockname()[:2]
            started = await _first_steps(store, configuration, port)

            def report() -> None:
                url, database = base_url(configuration.host, port), masked(configuration.database)
                log.info("listening", url=url, database=database)
                warn_of_plain_http(address, configuration.proxies, configuration.public_url)
                on_started(started)

            await _serve_from(configuration, store, metrics, _Front(listener, stop, report))
    log.info("stopped")


async def _serve_job(job: WorkerJob, on_started: Callable[[], None], stop: StopSignals) -> None:
    metrics = Metrics(Path(job.folder), follows_hang=job.follows_hang)
    # Not migrated here: the parent has done it. A newer program may have migrated the database
    # since, when this worker replaces one that died; a migration only adds, so it can serve.
    store = _postgresql(job.configuration, metrics)
    try:
        allow_open_files()
        with socket.socket(fileno=job.listener) as listener:
            front = _Front(listener, stop, on_started, job)
            await _serve_from(job.configuration, store, metrics, front)
    finally:
        await store.close()
    log.info("stopped")


async def _serve_by_workers(
    configuration: Configuration, on_started: Callable[[Started], None]
) -> None:
    """Serve by workers; this process only makes the first account and looks after them."""
    loop = asyncio.get_running_loop()
    with (
        shared_port(configuration.host, configuration.port) as port,
        TemporaryDirectory(prefix="onelead-", ignore_cleanup_errors=True) as folder,
    ):
        workers = Workers(configuration, port.listener, Path(folder))
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, workers.stop)
        async with open_store(configuration, serving=False) as store:
            started = await _first_steps(store, configuration, port.number)

        def report() -> None:
            database, count = masked(configuration.database), configuration.workers
            url = base_url(configuration.host, port.number)
            log.info("listening", url=url, database=database, workers=count)
            warn_of_plain_http(port.address[0], configuration.proxies, configuration.public_url)
            on_started(started)

        await workers.run(report)
    log.info("stopped")


async def _first_steps(store: Store, configuration: Configuration, port: int) -> Started:
    """Look at the database, make the first account if there is none, and a link for its admin."""
    if findings := await store.quick_check():
        raise DatabaseUnusable(
            f"the database is not sound: {findings[0].line}; `onelead check` looks for more"
        )
    first_account = await store.create_first_account(*_FIRST_ACCOUNT, KeyScope.DELIVER)
    token = await store.create_first_link()
    if store.concerns:
        log.warning(
            "answered writes can be lost when the database's machine crashes", **store.concerns
        )
    web = configuration.public_url or web_url(configuration.host, port)
    return Started(
        base_url=web + BASE_PATH,
        web_url=web,
        first_account=first_account,
        sign_in_url=None if token is None else web + welcome_path(token),
    )


async def _serve_from(
    configuration: Configuration, store: Store, metrics: Metrics, front: _Front
) -> None:
    _collect_garbage_rarely()
    writer = BatchingWriter(store, observer=metrics)
    sampling = asyncio.create_task(_sample_always(metrics, writer, store))
    visited = asyncio.Event()
    preparing = asyncio.create_task(_prepare_pages(visited))
    index_work = IndexWork(store, on_step=metrics.index_step)
    figure_work = FigureWork(store, time.monotonic, is_busy=lambda: writer.waiting_writes > 0)
    retention_work = RetentionWork(store, time.monotonic)
    api_key_uses = ApiKeyUses()
    api_key_use_work = ApiKeyUseWork(store.record_api_key_uses, api_key_uses)
    access_cleaning = AccessCleaning(store)
    batch_undo_work = BatchUndoWork(store, writer, holder=_new_request_id())
    import_work = ImportWork(store, writer, holder=_new_request_id())
    runtime = Runtime(
        store=store,
        writer=writer,
        clock=_unix_seconds,
        monotonic=time.monotonic,
        new_request_id=_new_request_id,
        url=configuration.public_url,
        settings_changed=index_work.wake,
        undo_begun=batch_undo_work.wake,
        import_begun=import_work.wake,
        erasure_begun=retention_work.wake,
        metrics=metrics,
        company=_company(configuration),
        api_key_uses=api_key_uses,
    )
    application = Application(runtime, configuration.proxies, visited.set)
    homes = None if front.job is None else _homes(front.job, application.authenticator)
    proxied = behind_proxies(application, configuration.proxies)
    try:
        await run_server(
            Entrance(
                proxied,
                OpenConnections(metrics, configuration.proxies, connections_max=connections_max()),
                configuration.public_url,
                application.short_way,
                homes,
            ),
            front.listener,
            front.stop,
            front.on_started,
            on_stopping=runtime.stop_waiting,
        )
    finally:
        # Concurrently: each may wait for a database that does not answer.
        await asyncio.gather(
            runtime.scans.stop(),
            runtime.refused_sign_ins.settle(),
            figure_work.stop(),
            retention_work.stop(),
            api_key_use_work.stop(),
            index_work.stop(),
            batch_undo_work.stop(),
            import_work.stop(),
            access_cleaning.stop(),
            writer.drain(),
        )
        sampling.cancel()
        preparing.cancel()


class _LateWeb:
    """The web application, which is loaded when the first page is asked for.

    Most processes only serve programs; they start sooner and smaller without the pages.
    """

    def __init__(self, runtime: Runtime, on_visit: Callable[[], None]) -> None:
        self._runtime = runtime
        self._on_visit = on_visit
        self._loading = asyncio.Lock()
        self._web: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._web is None:
            await self._load()
        assert self._web is not None
        await self._web(scope, receive, send)

    async def _load(self) -> None:
        """Load it in a thread, so that the API answers meanwhile; try again if that failed."""
        async with self._loading:
            if self._web is None:
                self._web = await asyncio.to_thread(_web, self._runtime)
                self._on_visit()


def _web(runtime: Runtime) -> ASGIApp:
    from onelead.web.application import create_web  # noqa: PLC0415 - see _LateWeb

    return create_web(runtime)


async def _prepare_pages(visited: asyncio.Event) -> None:
    """Compile the templates of a visited process, so that few requests have to wait for it."""
    await visited.wait()
    from onelead.web.frame.rendering import prepare  # noqa: PLC0415 - see _LateWeb

    await prepare()


def _company(configuration: Configuration) -> CompanyProvider | None:
    if not configuration.has_company_sign_in:
        return None
    client = CompanyClient(
        configuration.company_issuer,
        configuration.company_client_id,
        configuration.company_client_secret,
    )
    return CompanyProvider(client, _unix_seconds, time.monotonic)


def _homes(job: WorkerJob, authenticator: Authenticator) -> Homes:
    return Homes(job.number, job.configuration.workers, Path(job.folder), authenticator)


class Application:
    """The API and the web application side by side; paths outside the API are pages."""

    def __init__(
        self,
        runtime: Runtime,
        proxies: Sequence[str] = (),
        on_visit: Callable[[], None] = lambda: None,
    ) -> None:
        """Believe the X-Forwarded- headers of these proxies.

        `on_visit` is called once, at the first request for a page.
        """
        self._api = Api(runtime, client_behind(proxies))
        self._web = _LateWeb(runtime, on_visit)
        self.short_way = self._api.short_way
        self.authenticator = self._api.authenticator
        self._is_over_tls = is_over_tls(runtime.url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if self._is_over_tls:
            # Whatever the last proxy says: the URL is how browsers come.
            scope["scheme"] = "https"
        is_page = scope["type"] == "http" and not is_api_path(scope["path"])
        await (self._web if is_page else self._api)(scope, receive, send)


async def _sample_always(metrics: Metrics, writer: BatchingWriter, store: Store) -> None:
    """Keep the samples fresh, as any process can be asked for the metrics of all."""
    while True:
        metrics.sample(writer.waiting_writes, writer.waiting_bytes, store.pool_use(), store.trouble)
        await asyncio.sleep(METRICS_SAMPLE_S)


def _collect_garbage_rarely() -> None:
    """Keep the garbage collector from walking what lives as long as the process.

    Requests leave almost no cycles; its pauses were the largest single cost of a batch.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


def _new_request_id() -> str:
    # It names a request and guards nothing, so it need not cost a call of the kernel.
    return f"{random.getrandbits(128):032x}"


def _unix_seconds() -> int:
    return int(time.time())
