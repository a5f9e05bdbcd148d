"""Connections that move to the worker of their account: two servers here, each like a worker."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from tests.support.api.service import Service
from tests.support.api.sockets import DEADLINE_S, Address, Connected, Stop, connected, head, sized

from onelead.api.application import Api
from onelead.domain.limits import MOVED_BYTES_MAX
from onelead.serving.connection import Connection
from onelead.serving.homes import Door, Homes
from onelead.serving.open_connections import OpenConnections
from onelead.serving.server import Entrance, listening, run_server

WORKERS = 2
BODY = (
    b'{"properties": {"name": "Nora Field", "email": {"email": "nora@field.example"}},'
    b' "match": {"field_name": "email", "field_value": "nora@field.example"}}'
)


class Worker(NamedTuple):
    """A server that runs."""

    address: Address
    stop: Stop
    serving: asyncio.Task[None]

    async def end(self) -> None:
        """Stop it and wait until everything is answered."""
        self.stop.server.should_exit = True
        await self.serving


@asynccontextmanager
async def working(service: Service, number: int, folder: Path) -> AsyncIterator[Worker]:
    """Serve as one of the workers; answers say which one, and the client's port."""
    api = Api(service.runtime)
    stop, started = Stop(), asyncio.Event()
    with (
        listening("127.0.0.1", 0) as listener,
        closing(Homes(number, WORKERS, folder, api.authenticator)) as homes,
    ):
        # The short way has no place for the sign.
        entrance = Entrance(
            signed(api, number), OpenConnections(service.runtime.metrics), homes=homes
        )
        serving = asyncio.create_task(run_server(entrance, listener, stop, started.set))
        await started.wait()
        worker = Worker(listener.getsockname(), stop, serving)
        yield worker
        await worker.end()


def signed(api: ASGIApp, number: int) -> ASGIApp:
    """Add the worker and the port of its client to each answer."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def signing(message: Message) -> None:
            if message["type"] == "http.response.start":
                sign = f"{number} {scope['client'][1]}".encode()
                message["headers"] = [*message["headers"], (b"x-worker", sign)]
            await send(message)

        await api(scope, receive, signing)

    return app


def numbers(service: Service) -> tuple[int, int]:
    """Return the home of the service's account, and the other worker."""
    home = 1 + service.account.account_id % WORKERS
    return home, WORKERS + 1 - home


@asynccontextmanager
async def both(service: Service, folder: Path) -> AsyncIterator[tuple[Worker, Worker]]:
    """Serve at the home of the account, and away from it."""
    home, away = numbers(service)
    async with working(service, home, folder) as one, working(service, away, folder) as other:
        yield one, other


async def until(is_so: Callable[[], bool]) -> None:
    """Let the servers go on until something is so."""
    async with asyncio.timeout(DEADLINE_S):
        while not is_so():  # noqa: ASYNC110 - what happens in a server has no event for a test
            await asyncio.sleep(0)


def upsert(service: Service, *more: str, key: str | None = None) -> bytes:
    """Spell an upsert."""
    size = f"Content-Length: {len(BODY)}"
    return head(service, "PUT /leads/upsert", size, *more, key=key) + BODY


async def worker_of(connection: Connected, status: int = 200) -> int:
    """Read an answer and return the worker that gave it."""
    answer = await connection.answer()
    assert answer.status == status, answer.body
    number, port = answer.headers["x-worker"].split()
    # Where the client is does not change by the move.
    assert int(port) == connection.writer.get_extra_info("sockname")[1]
    return int(number)


async def called(connection: Connected, request: bytes) -> int:
    """Send a request and return the worker that answered it."""
    connection.writer.write(request)
    return await worker_of(connection)


async def test_a_connection_moves_to_the_home_of_its_account_and_stays(
    service: Service, tmp_path: Path
) -> None:
    home, away = numbers(service)
    async with both(service, tmp_path) as (_, other), connected(other.address) as connection:
        # The key is not known there before the first call.
        assert await called(connection, upsert(service)) == away
        assert [await called(connection, upsert(service)) for _ in range(3)] == [home] * 3
        assert await called(connection, head(service, "GET /users/me")) == home
    async with both(service, tmp_path) as (one, _), connected(one.address) as connection:
        assert [await called(connection, upsert(service)) for _ in range(3)] == [home] * 3
    assert len((await service.client.post("/leads/search", json={})).json()) == 1


async def test_calls_that_write_nothing_stay_where_they_arrive(
    service: Service, tmp_path: Path
) -> None:
    home, away = numbers(service)
    search = sized(service, "POST /leads/search", b"{}")
    async with both(service, tmp_path) as (_, other), connected(other.address) as connection:
        for request in (head(service, "GET /users/me"), search) * 2:
            assert await called(connection, request) == away
        assert await called(connection, upsert(service)) == home


async def test_a_connection_that_has_settled_serves_other_accounts_too(
    service: Service, tmp_path: Path
) -> None:
    """As that of a proxy does."""
    home, away = numbers(service)
    account = await service.store.create_account("Other Ltd", service.account.email)
    assert 1 + account.account_id % WORKERS == away
    async with both(service, tmp_path) as (one, _), connected(one.address) as connection:
        assert await called(connection, upsert(service)) == home
        assert await called(connection, upsert(service)) == home
        for _ in range(2):
            assert await called(connection, upsert(service, key=account.api_key)) == home


async def test_a_call_with_a_wrong_key_does_not_move(service: Service, tmp_path: Path) -> None:
    _, away = numbers(service)
    async with both(service, tmp_path) as (_, other), connected(other.address) as connection:
        for _ in range(2):
            connection.writer.write(upsert(service, key="wrong"))
            assert await worker_of(connection, 401) == away


async def test_a_body_under_way_follows_its_connection(service: Service, tmp_path: Path) -> None:
    home, away = numbers(service)
    async with both(service, tmp_path) as (one, other), connected(other.address) as connection:
        assert await called(connection, upsert(service)) == away
        request = upsert(service, "Expect: 100-continue")
        connection.writer.write(request[: -len(BODY)])
        assert await connection.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.writer.write(BODY[:10])
        # The home stops meanwhile: what it has begun is answered.
        one.stop.server.should_exit = True
        connection.writer.write(BODY[10:])
        assert await worker_of(connection) == home


async def test_a_head_in_pieces_is_served_where_it_arrives(
    service: Service, tmp_path: Path
) -> None:
    home, away = numbers(service)
    async with both(service, tmp_path) as (_, other), connected(other.address) as connection:
        assert await called(connection, upsert(service)) == away
        connection.writer.write(upsert(service)[:20])
        await until(lambda: has_begun(other, connection))
        assert await called(connection, upsert(service)[20:]) == away
        assert await called(connection, upsert(service)) == home


def has_begun(worker: Worker, connection: Connected) -> bool:
    """Say whether a worker has read the beginning of a client's next request."""
    port = connection.writer.get_extra_info("sockname")[1]
    (found,) = (
        one
        for one in worker.stop.server.server_state.connections
        if isinstance(one, Connection) and one.client is not None and one.client[1] == port
    )
    return found.scope is not found.cycle.scope


async def test_what_follows_a_head_that_has_begun_is_not_taken_for_a_call(
    service: Service, tmp_path: Path
) -> None:
    _, away = numbers(service)
    async with both(service, tmp_path) as (_, other), connected(other.address) as connection:
        assert await called(connection, upsert(service)) == away
        # The second head has begun behind the first, and its last value looks like an upsert.
        begun = b"GET /developer_api/v1/users/me HTTP/1.1\r\nX-Value: "
        assert await called(connection, head(service, "GET /users/me") + begun) == away
        assert await called(connection, upsert(service)) == away


async def test_pipelined_calls_are_answered_in_order_by_one_worker(
    service: Service, tmp_path: Path
) -> None:
    home, away = numbers(service)
    async with both(service, tmp_path) as (_, other), connected(other.address) as connection:
        for worker in (away, home, home):
            connection.writer.write(upsert(service) + head(service, "GET /users/me") * 2)
            answers = [await connection.answer() for _ in range(3)]
            assert [answer.headers["x-worker"].split()[0] for answer in answers] == [
                str(worker)
            ] * 3
            assert ["lead-outcome" in answer.headers for answer in answers] == [True, False, False]


@contextmanager
def bound(folder: Path, number: int) -> Iterator[socket.socket]:
    """Be the door of a worker that does not read."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
        door.bind(str(folder / f"{number}.sock"))
        door.settimeout(0)
        yield door


def fill(door: socket.socket) -> int:
    """Send to a door until it is full, and return how much it holds."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.settimeout(0)
        for count in range(1_000_000):
            try:
                sender.sendto(b"x", door.getsockname())
            except BlockingIOError:
                return count
    raise AssertionError("a door is never full")


async def test_a_call_is_served_where_it_is_while_its_home_is_busy_or_dead(
    service: Service, tmp_path: Path
) -> None:
    home, away = numbers(service)
    async with working(service, away, tmp_path) as other:
        async with connected(other.address) as connection:
            # No one is at home.
            assert [await called(connection, upsert(service)) for _ in range(2)] == [away] * 2
            with bound(tmp_path, home) as door:
                count = fill(door)
                assert await called(connection, upsert(service)) == away
                for _ in range(count):
                    door.recv(1)
                # What a worker dies with is lost, and the client sees its connection closed.
                connection.writer.write(upsert(service))
                data, descriptors, *_ = await asyncio.to_thread(received, door)
                assert data == upsert(service)
                socket.close(descriptors[0])
            assert await connection.is_closed()
        async with connected(other.address) as connection:
            # Its door is still there, but nobody behind it.
            assert await called(connection, upsert(service)) == away
            async with working(service, home, tmp_path):
                assert await called(connection, upsert(service)) == home


def received(door: socket.socket) -> tuple[bytes, list[int], int, object]:
    """Wait for a connection at a door."""
    door.settimeout(None)
    return socket.recv_fds(door, MOVED_BYTES_MAX, 1)


async def test_the_half_that_a_client_has_closed_does_not_matter(
    service: Service, tmp_path: Path
) -> None:
    home, away = numbers(service)
    async with both(service, tmp_path) as (_, other):
        async with connected(other.address) as connection:
            assert await called(connection, upsert(service)) == away
            connection.writer.write(upsert(service, "Lead: last"))
            connection.writer.write_eof()
            assert await connection.is_closed()
        async with connected(other.address) as connection:
            assert await called(connection, upsert(service)) == home


class SmallDoor(Door):
    """A door that lets one connection in."""

    connections_max = 1
    rest_s = 0.001


class Guest(asyncio.Protocol):
    """What comes in."""

    def __init__(self, data: bytes, guests: list[Guest]) -> None:
        self.data = data
        self._guests = guests

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._guests.append(self)
        self.transport = transport

    def connection_lost(self, _exc: Exception | None) -> None:
        self._guests.remove(self)


async def leave(guests: list[Guest]) -> None:
    """Let all go."""
    for guest in guests:
        guest.transport.close()
    await until(lambda: not guests)


@asynccontextmanager
async def senders(service: Service, folder: Path) -> AsyncIterator[tuple[Homes, asyncio.Transport]]:
    """A worker that can send the end of a connection."""
    ours, other_end = socket.socketpair()
    with closing(Homes(2, WORKERS, folder, Api(service.runtime).authenticator)) as homes, other_end:
        transport, _ = await asyncio.get_running_loop().connect_accepted_socket(
            asyncio.Protocol, ours
        )
        yield homes, transport
        transport.abort()
        await asyncio.sleep(0)


async def test_what_is_at_the_door_when_it_closes_still_comes_in(
    service: Service, tmp_path: Path
) -> None:
    guests: list[Guest] = []
    door = Door(str(tmp_path / "1.sock"), lambda data: Guest(data, guests), guests)
    door.open()
    async with senders(service, tmp_path) as (homes, transport):
        assert homes.send(1, transport, b"first")
        assert homes.send(1, transport, b"second")
        await door.close()
        assert [guest.data for guest in guests] == [b"first", b"second"]
        assert not homes.send(1, transport, b"late")
        await leave(guests)


async def test_a_door_is_shut_while_the_worker_has_many_connections(
    service: Service, tmp_path: Path
) -> None:
    guests: list[Guest] = []
    door = SmallDoor(str(tmp_path / "1.sock"), lambda data: Guest(data, guests), guests)
    door.open()
    async with senders(service, tmp_path) as (homes, transport):
        assert homes.send(1, transport, b"first")
        await until(lambda: not homes.send(1, transport, b"more"))
        await until(lambda: bool(guests))
        assert not homes.send(1, transport, b"more")
        await leave(guests)
        await until(lambda: homes.send(1, transport, b"next"))
        await door.close()
        assert guests[-1].data == b"next"
        await leave(guests)


async def test_a_worker_whose_door_cannot_be_made_serves_without(
    service: Service, tmp_path: Path
) -> None:
    _, away = numbers(service)
    folder = tmp_path / ("x" * 120)
    async with both(service, folder) as (_, other), connected(other.address) as connection:
        assert [await called(connection, upsert(service)) for _ in range(2)] == [away] * 2


async def test_what_is_too_large_to_send_stays(service: Service, tmp_path: Path) -> None:
    with bound(tmp_path, 1):
        async with senders(service, tmp_path) as (homes, transport):
            assert not homes.send(1, transport, b"x" * (MOVED_BYTES_MAX + 1))
            assert homes.send(1, transport, b"x" * MOVED_BYTES_MAX)


@pytest.mark.parametrize("data", [b"", b"PUT /developer_api/v1/leads/1 HTTP/1.1\r\nHost: a\r\n"])
def test_bytes_without_a_whole_head_have_no_home(
    service: Service, tmp_path: Path, data: bytes
) -> None:
    with closing(Homes(1, WORKERS, tmp_path, Api(service.runtime).authenticator)) as homes:
        assert homes.home_of(data) is None
        assert homes.home_of(data + b"no header\r\n\r\n") is None
