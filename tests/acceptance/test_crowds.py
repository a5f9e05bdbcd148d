"""Thousands of idle connections of strangers, and a good caller, on the real server."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from tests.support.commands.process import DEADLINE_S, Server, serving
from tests.support.storage.empty_databases import empty_postgresql

from onelead.domain.limits import ADDRESS_CONNECTIONS_MAX, REQUEST_CONNECTIONS_MAX

pytestmark = pytest.mark.slow

CONNECTIONS = 10_000
#: The files of the test itself.
OTHER_FILES = 200
#: What the strangers send: nothing, or half a head.
SENT = {"idle": b"", "half a head": b"GET /healthz HTTP/1.1\r\nHost: onel"}


@contextmanager
def many_files() -> Iterator[int]:
    """Let this process open as many connections as it may, and say how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        yield CONNECTIONS if hard < 0 else min(CONNECTIONS, hard - OTHER_FILES)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def connect(server: Server, come_from: str, data: bytes) -> socket.socket:
    """Connect from an address of this machine, and send the beginning of a request."""
    at = ("127.0.0.1", server.port)
    client = socket.create_connection(at, DEADLINE_S, source_address=(come_from, 0))
    client.sendall(data)
    return client


def crowd(server: Server, stack: ExitStack, addresses: Sequence[str], data: bytes) -> None:
    """Open as many connections as one machine can, and keep them."""
    count = stack.enter_context(many_files())
    for number in range(count):
        stack.enter_context(connect(server, addresses[number % len(addresses)], data))


def metric(server: Server, name: str) -> float:
    """Return the sum of a metric over its reasons."""
    page = ask(server, "127.0.0.9", "/metrics")
    lines = [line for line in page.splitlines() if line.startswith(name)]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def ask(server: Server, come_from: str, path: str) -> str:
    """Return the answer to a call from an address that nobody else uses."""
    request = f"GET {path} HTTP/1.1\r\nHost: onelead.test\r\nConnection: close\r\n\r\n"
    with connect(server, come_from, request.encode()) as client:
        answer = b"".join(iter(lambda: client.recv(65_536), b"")).decode()
    assert answer.startswith("HTTP/1.1 200 "), answer[:200]
    return answer


@pytest.mark.parametrize("data", SENT.values(), ids=SENT)
def test_ten_thousand_connections_of_one_stranger_are_in_nobodys_way(
    tmp_path: Path, data: bytes
) -> None:
    with serving(tmp_path) as server, ExitStack() as stack:
        crowd(server, stack, ["127.0.0.2"], data)
        for come_from in ("127.0.0.1", "127.0.0.3", "127.0.0.2"):
            ask(server, come_from, "/readyz")
        assert metric(server, "onelead_connections ") <= ADDRESS_CONNECTIONS_MAX + 2
        assert server.log.count("Traceback") == 0


@pytest.mark.parametrize("data", SENT.values(), ids=SENT)
def test_a_crowd_from_many_addresses_fills_the_server_and_still_makes_room(
    tmp_path: Path, data: bytes
) -> None:
    addresses = [f"127.0.{net}.{host}" for net in range(1, 5) for host in range(1, 26)]
    with serving(tmp_path) as server, ExitStack() as stack:
        crowd(server, stack, addresses, data)
        for come_from in ("127.0.0.1", "127.0.0.3", "127.0.1.1"):
            ask(server, come_from, "/readyz")
        assert metric(server, "onelead_connections ") <= REQUEST_CONNECTIONS_MAX
        assert metric(server, "onelead_connections_made_room_total") > 0
        assert server.log.count("Traceback") == 0


def test_each_of_several_workers_lets_a_good_caller_in(tmp_path: Path) -> None:
    with (
        empty_postgresql() as database,
        serving(tmp_path, "--workers", "2", "--database", database.url) as server,
        ExitStack() as stack,
    ):
        crowd(server, stack, ["127.0.0.2"], b"")
        # Often enough that both have answered.
        for _ in range(50):
            ask(server, "127.0.0.3", "/readyz")
        assert metric(server, "onelead_connections_made_room_total") > 0
