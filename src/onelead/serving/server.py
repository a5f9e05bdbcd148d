"""Running the web server: its sockets, its options and its end."""

from __future__ import annotations

import asyncio
import resource
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from ipaddress import ip_address
from types import FrameType
from typing import Any, cast

import structlog
import uvicorn
from msgspec import Struct
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from onelead.api.short_way import ShortWay
from onelead.domain.errors import NotPossible
from onelead.domain.limits import (
    COMMIT_TIMEOUT_S,
    REQUEST_CONNECTIONS_MAX,
    STOP_TIMEOUT_S,
)
from onelead.incoming.api_calls import BASE_PATH
from onelead.incoming.own_host import STRICT_TRANSPORT, OwnHost, is_over_tls
from onelead.serving.connection import Connection
from onelead.serving.homes import Door, Homes
from onelead.serving.open_connections import OpenConnections

#: The signals that ask a server to stop.
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
#: Besides its connections, the process has files of the database and of Python open.
_OTHER_FILES = 256
_OPEN_FILES = REQUEST_CONNECTIONS_MAX + _OTHER_FILES
_BACKLOG = 2048

log = structlog.get_logger(__name__)


class StopSignals:
    """Turns SIGTERM and SIGINT into a request to stop, from the first moment to the last."""

    def __init__(self) -> None:
        self._seen = False
        self._server: uvicorn.Server | None = None

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Catch the signals inside the block."""
        former = {number: signal.signal(number, self._on_signal) for number in STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

    def hand_over(self, server: uvicorn.Server) -> None:
        """Stop this server on a signal; immediately if one came earlier."""
        self._server = server
        server.should_exit = self._seen

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._seen = True
        if self._server is not None:
            # A second SIGINT ends the wait for slow clients, but not for the commits.
            self._server.handle_exit(number, frame)


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """Listen while the block runs, with a file for every connection. Raises NotPossible."""
    allow_open_files()
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        # A name such as localhost may have both kinds of address: prefer IPv4.
        family, *_, address = min(addresses, key=lambda found: found[0] != socket.AF_INET)
        listener = socket.create_server(address, family=family, backlog=_BACKLOG)
    except OSError as error:
        raise NotPossible(f"cannot listen on {host}, port {port}: {error.strerror}") from error
    with listener:
        yield listener


class SharedPort(Struct, frozen=True):
    """A port on which several processes listen, each with a socket of its own.

    The kernel spreads new connections evenly over these sockets. Processes that share one socket
    take very uneven numbers of connections, and clients keep theirs.
    """

    family: int
    address: Any

    @property
    def number(self) -> int:
        """The port."""
        return int(self.address[1])

    def listener(self) -> socket.socket:
        """Open one more socket on the port."""
        return socket.create_server(
            self.address, family=self.family, backlog=_BACKLOG, reuse_port=True
        )


@contextmanager
def shared_port(host: str, port: int) -> Iterator[SharedPort]:
    """Keep a port for several sockets while the block runs. Raises NotPossible."""
    # Shared sockets would join those of another program, so check that the port is free.
    with listening(host, port) as listener:
        family, address = listener.family, listener.getsockname()
    # Bound but not listening: it keeps the port and gets no connections.
    with socket.socket(family, socket.SOCK_STREAM) as reserve:
        reserve.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserve.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reserve.bind(address)
        yield SharedPort(family, address)


def base_url(host: str, port: int) -> str:
    """Return the base URL for API clients, even when the server listens on every address."""
    return web_url(host, port) + BASE_PATH


def web_url(host: str, port: int) -> str:
    """Return the URL for browsers."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    shown = f"[{reachable}]" if ":" in reachable else reachable
    return f"http://{shown}:{port}"


class Entrance(Struct, frozen=True):
    """What requests are handed to."""

    application: ASGIApp
    connections: OpenConnections
    #: What links are made of, if it is configured; requests for other hosts are refused.
    url: str | None = None
    #: None to hand all of them to the application.
    short_way: ShortWay | None = None
    #: Of one of several workers.
    homes: Homes | None = None


async def run_server(
    entrance: Entrance,
    listener: socket.socket,
    stop: StopSignals,
    on_started: Callable[[], None],
    *,
    on_stopping: Callable[[], None] = lambda: None,
    stop_timeout_s: float = STOP_TIMEOUT_S,
) -> None:
    """Serve until a stop signal, and return when every accepted request is answered.

    Clients whose answers take longer than the timeout are cut off. `on_stopping` has to end the
    answers that would never end.
    """
    server = _Server(_options(entrance), on_started, on_stopping, stop_timeout_s)
    server.homes = entrance.homes
    stop.hand_over(server)
    await server.serve(sockets=[listener])


class _Server(uvicorn.Server):
    """uvicorn's server, which reports that it listens and leaves signals to the program."""

    def __init__(
        self,
        config: uvicorn.Config,
        on_started: Callable[[], None],
        on_stopping: Callable[[], None],
        stop_timeout_s: float,
    ) -> None:
        super().__init__(config)
        self._on_started = on_started
        self._on_stopping = on_stopping
        self._stop_timeout_s = stop_timeout_s
        self.homes: Homes | None = None
        self._door: Door | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.homes is not None:
            path = self.homes.door_of(self.homes.number)
            self._door = Door(path, self._moved_connection, self.server_state.connections)
            self._door.open()
        self._on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        log.info("stopping", open_connections=len(self.server_state.connections))
        self._on_stopping()
        if self._door is not None:
            # Before the connections are asked to end, so that what has come is among them.
            await self._door.close()
        timer = asyncio.get_running_loop().call_later(self._stop_timeout_s, self._stop_waiting)
        await super().shutdown(sockets)
        timer.cancel()
        await self._cut_off()
        if self.homes is not None:
            self.homes.close()

    def _moved_connection(self, data: bytes) -> Connection:
        make: Callable[..., Connection] = cast("Any", self.config.http_protocol_class)
        return make(self.config, self.server_state, self.lifespan.state, moved=data)

    def _stop_waiting(self) -> None:
        log.warning("clients are cut off", open_connections=len(self.server_state.connections))
        self.force_exit = True

    async def _cut_off(self) -> None:
        """Close the open connections and let their requests end as those of lost connections do."""
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=COMMIT_TIMEOUT_S)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn's own would raise the signal again at the end, which changes the exit code.
        yield


def _options(entrance: Entrance) -> uvicorn.Config:
    connection_class = partial(
        Connection,
        open_connections=entrance.connections,
        own_host=OwnHost(entrance.url),
        short_way=entrance.short_way,
        homes=entrance.homes,
    )
    return uvicorn.Config(
        entrance.application,
        http=cast("Any", connection_class),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        headers=[STRICT_TRANSPORT] if is_over_tls(entrance.url) else [],
        workers=1,
    )


def warn_of_plain_http(address: str, proxies: Sequence[str], url: str | None) -> None:
    """Log a warning if what listens at this IP address speaks plain HTTP with other machines."""
    is_near = ip_address(address).is_loopback
    if not is_near and not proxies and not is_over_tls(url):
        log.warning(
            "plain HTTP is served beyond this machine: passwords and API keys can be read on the "
            "way; put a proxy that speaks TLS in front, and name it in --trusted-proxies",
            address=address,
        )


def behind_proxies(application: ASGIApp, trusted: Sequence[str]) -> ASGIApp:
    """Trust the X-Forwarded- headers from these addresses and networks.

    Without any, the application is returned as it is, at no cost.
    """
    if not trusted:
        return application
    return cast("ASGIApp", ProxyHeadersMiddleware(cast("Any", application), list(trusted)))


def client_behind(trusted: Sequence[str]) -> Callable[[str, str], str]:
    """Return a function from the peer's address and X-Forwarded-For to the client's address.

    It says the same as the headers mean to an application that is `behind_proxies`.
    """
    hosts = ProxyHeadersMiddleware(cast("Any", None), list(trusted)).trusted_hosts

    def client_of(peer: str, forwarded: str) -> str:
        named = hosts.get_trusted_client_address(forwarded)[0] if peer in hosts else ""
        return named or peer

    return client_of


def connections_max() -> int:
    """Return how many connections this process may have: each is a file, and others are needed."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return REQUEST_CONNECTIONS_MAX
    return min(REQUEST_CONNECTIONS_MAX, max(files - _OTHER_FILES, files // 2))


def allow_open_files() -> None:
    """Let this process have a file for every connection, where the system permits it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
