"""Stopping a server process: it takes nothing new, answers what it took and exits with 0."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.commands.load import Load, stored_emails
from tests.support.commands.process import DEADLINE_S, Server, serving, wait_until

pytestmark = pytest.mark.slow

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def request_in_flight(server: Server) -> Iterator[tuple[socket.socket, bytes]]:
    """Yield a connection on which the server waits for the body, and the body."""
    request = server.printed_request()
    body = request.read()
    head = b"PUT /developer_api/v1/leads/upsert HTTP/1.1\r\nExpect: 100-continue\r\n"
    for name, value in request.headers.items():
        head += f"{name}: {value}\r\n".encode()
    with connect(server) as client:
        client.sendall(head + b"\r\n")
        assert client.recv(1_000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        yield client, body


def connect(server: Server) -> socket.socket:
    """Open a connection."""
    return socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE_S)


def is_listening(server: Server) -> bool:
    """Say whether the server takes connections."""
    try:
        connect(server).close()
    except ConnectionRefusedError:
        return False
    return True


def rest_of(client: socket.socket) -> bytes:
    """Read until the server closes the connection."""
    return b"".join(iter(lambda: client.recv(65_536), b""))


def was_waited_for(client: socket.socket) -> bool:
    """Say whether the server told a client that it took too long.

    It does so after REQUEST_BODY_TIMEOUT_S. Unlike the seconds of a busy machine, this shows that a
    stop waited for the client.
    """
    try:
        return rest_of(client) != b""
    except ConnectionResetError:
        return False


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_request_in_flight_is_answered_and_nothing_new_is_taken(
    tmp_path: Path, number: signal.Signals
) -> None:
    with serving(tmp_path) as server, request_in_flight(server) as (client, body):
        server.process.send_signal(number)
        wait_until(lambda: not is_listening(server))
        client.sendall(body)
        head = rest_of(client).decode().lower()
        assert head.startswith("http/1.1 200 ok\r\n")
        assert "lead-outcome: created\r\n" in head
        assert "connection: close\r\n" in head
        assert server.process.wait(DEADLINE_S) == 0
    assert stored_emails(tmp_path / "data" / "onelead.db") == ["nora@field.example"]
    assert "Traceback" not in server.log


@pytest.mark.parametrize("number", STOP_SIGNALS)
async def test_under_load_everything_that_is_written_is_answered(
    tmp_path: Path, number: signal.Signals
) -> None:
    with serving(tmp_path) as server:
        load = Load(server.credentials())
        async with load.on(server.base_url):
            await load.reach(300)
            assert await asyncio.to_thread(server.stop, number) == 0
    assert dict(load.refused) == {}
    assert stored_emails(tmp_path / "data" / "onelead.db") == sorted(load.answered)
    assert "Traceback" not in server.log


def test_idle_and_unfinished_connections_do_not_hold_it_up(tmp_path: Path) -> None:
    with serving(tmp_path) as server, connect(server) as idle, connect(server) as unfinished:
        unfinished.sendall(b"GET / HTTP/1.1\r\n")
        # A request on a third connection shows that the first two have been taken.
        with request_in_flight(server) as (client, body):
            client.sendall(body)
        assert server.stop() == 0
        assert not was_waited_for(idle)
        assert not was_waited_for(unfinished)


def test_a_second_interrupt_does_not_wait_for_slow_clients(tmp_path: Path) -> None:
    with serving(tmp_path) as server, request_in_flight(server) as (client, _body):
        server.process.send_signal(signal.SIGINT)
        wait_until(lambda: not is_listening(server))
        assert server.stop(signal.SIGINT) == 0
        assert not was_waited_for(client)
    assert "Traceback" not in server.log


def test_a_stopped_server_leaves_one_plain_file_that_the_next_one_serves(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        assert server.stop() == 0
    left = {file.name for file in (tmp_path / "data").iterdir()}
    assert left == {"onelead.db", "onelead.db.serving", "onelead.db.first-sign-in"}
    with serving(tmp_path) as server:
        assert server.stop() == 0
