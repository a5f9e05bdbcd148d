"""The home of each account among the workers of one port, and how a connection gets there.

An account's writes wait for each other, so they are fastest in one process, where they share
batches. A worker that reads the first write of an account with another home sends the connection
there: the socket and the bytes read so far. So a call is served by one process. One whose
connection cannot be sent is served where it is.
"""

from __future__ import annotations

import asyncio
import re
import resource
import socket
from array import array
from collections.abc import Callable, Collection
from pathlib import Path
from typing import ClassVar

import structlog

from onelead.api.auth import Authenticator
from onelead.domain.limits import DOOR_REST_S, MOVED_BYTES_MAX, MOVED_CONNECTIONS_MAX
from onelead.incoming.api_calls import BASE_PATH

#: Searches, which are POST too, take no turn in the lane: they stay where they arrive.
_WRITE = re.compile(rb"(?:POST|PUT|DELETE) %b/(?!\w+/search\b)" % BASE_PATH.encode())
_HEAD_END = b"\r\n\r\n"

log = structlog.get_logger(__name__)


class Homes:
    """The homes as one worker sees them."""

    def __init__(
        self, number: int, workers: int, folder: Path, authenticator: Authenticator
    ) -> None:
        #: This worker; they are numbered from 1.
        self.number = number
        self._workers = workers
        self._folder = folder
        self._authenticator = authenticator
        self._sender = _unix_socket()

    def settle(self, transport: asyncio.Transport, data: bytes) -> bool | None:
        """Move a connection to the home of the call that begins with these bytes.

        Returns whether it has moved; None if a later call may decide that.
        """
        home = self.home_of(data)
        if home == self.number:
            return False
        if home is None or not self.send(home, transport, data):
            return None
        # This only closes the descriptor.
        transport.abort()
        return True

    def home_of(self, data: bytes) -> int | None:
        """Return the worker where a call should be; None if it may be anywhere.

        A key that is not in the cache has no home yet. Only the place depends on this look at the
        head: it is read again where the call is served.
        """
        end = data.find(_HEAD_END)
        if end < 0 or not _WRITE.match(data):
            return None
        caller = self._authenticator.known_caller(_headers(data[: end + len(_HEAD_END)]))
        return None if caller is None else 1 + caller.account_id % self._workers

    def send(self, home: int, transport: asyncio.Transport, data: bytes) -> bool:
        """Send a connection and the bytes read from it; False if the other worker takes none."""
        if len(data) > MOVED_BYTES_MAX:
            return False
        descriptors = array("i", [transport.get_extra_info("socket").fileno()])
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)
        try:
            # `socket.send_fds` takes an address and does not use it.
            self._sender.sendmsg([data], [rights], 0, self.door_of(home))
        except OSError:
            # It is dead, stopping or busy.
            return False
        return True

    def door_of(self, number: int) -> str:
        """Return the path of a worker's door."""
        return door_of(self._folder, number)

    def close(self) -> None:
        """Send no more connections."""
        self._sender.close()


class Door:
    """Where the connections of other workers come in."""

    rest_s: ClassVar[float] = DOOR_REST_S
    connections_max: ClassVar[int] = MOVED_CONNECTIONS_MAX

    def __init__(
        self,
        path: str,
        connection_with: Callable[[bytes], asyncio.Protocol],
        connections: Collection[object],
    ) -> None:
        """Given what makes a connection with its first bytes, and those that the worker has."""
        self._path = Path(path)
        self._connection_with = connection_with
        self._connections = connections
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._most = min(self.connections_max, files // 2)
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = None
        self._opening: asyncio.TimerHandle | None = None
        self._arriving: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        """Let connections in, as long as the worker has not too many."""
        if self._is_full():
            self._opening = self._loop.call_later(self.rest_s, self.open)
            return
        opened = _unix_socket()
        try:
            # A worker that died has left its own.
            self._path.unlink(missing_ok=True)
            opened.bind(str(self._path))
        except OSError as error:
            opened.close()
            log.warning("no connections can move to this worker", error=str(error))
            return
        self._socket = opened
        self._loop.add_reader(opened, self._take, opened)

    async def close(self) -> None:
        """Let no more connections in, and return when those that have come are being served."""
        if self._opening is not None:
            self._opening.cancel()
        if self._socket is not None:
            self._shut(self._socket)
        if self._arriving:
            await asyncio.wait(self._arriving)

    def _take(self, opened: socket.socket) -> None:
        self._take_all(opened)
        # The others can serve what would be refused here.
        if self._is_full():
            self._shut(opened)
            self.open()

    def _take_all(self, opened: socket.socket) -> None:
        while True:
            try:
                data, descriptors, *_ = socket.recv_fds(opened, MOVED_BYTES_MAX, 1)
            except BlockingIOError:
                return
            if not descriptors:
                log.warning("a connection was lost on its way: too many files are open")
            for descriptor in descriptors:
                task = self._loop.create_task(self._serve(descriptor, data))
                self._arriving.add(task)
                task.add_done_callback(self._arriving.discard)

    async def _serve(self, descriptor: int, data: bytes) -> None:
        connection = socket.socket(fileno=descriptor)
        try:
            await self._loop.connect_accepted_socket(
                lambda: self._connection_with(data), connection
            )
        except (OSError, RuntimeError):
            # The client has gone.
            connection.close()

    def _shut(self, opened: socket.socket) -> None:
        # From here on the kernel refuses what others send; what it has accepted is taken.
        opened.shutdown(socket.SHUT_RD)
        self._take_all(opened)
        self._loop.remove_reader(opened)
        opened.close()
        self._socket = None

    def _is_full(self) -> bool:
        return len(self._connections) + len(self._arriving) >= self._most


def door_of(folder: Path, number: int) -> str:
    """Return the path of a worker's door in the folder that the workers share."""
    return str(folder / f"{number}.sock")


def _headers(head: bytes) -> dict[bytes, bytes]:
    """Return the first header of each name; what is no header does no harm."""
    lines = (line.partition(b":") for line in reversed(head.split(b"\r\n")[1:]))
    return {name.lower(): value.strip() for name, _, value in lines}


def _unix_socket() -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.settimeout(0)
    return made
