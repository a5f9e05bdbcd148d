"""Bad requests over real sockets to the real server: answered, no traceback, a bounded log."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from tests.support.api.bad_requests import ANSWERED, UNFINISHED
from tests.support.commands.process import DEADLINE_S, Server, serving

from onelead.domain.limits import LOG_LINES_PER_S_MAX

#: As closing a socket with this sends a reset.
_NO_LINGER = struct.pack("ii", 1, 0)
PIPELINED = 1_000


def sent(server: Server, data: bytes) -> socket.socket:
    """Send bytes on a new connection, as far as the server takes them."""
    client = socket.create_connection(("127.0.0.1", server.port), DEADLINE_S)
    # It may be refused and closed before everything is sent.
    with suppress(OSError):
        client.sendall(data)
    return client


def answer(client: socket.socket) -> bytes:
    """Read the first bytes of the answer; none if the connection was reset before that."""
    try:
        return client.recv(65_536)
    except ConnectionError:
        return b""


def leave_at_once(client: socket.socket) -> None:
    client.close()


def leave_with_a_reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    client.close()


def close_one_half(client: socket.socket) -> None:
    try:
        client.shutdown(socket.SHUT_WR)
        while client.recv(65_536):
            pass
    except OSError:
        # The server has closed the other half, or reset it.
        pass
    client.close()


LEAVING: tuple[Callable[[socket.socket], None], ...] = (
    leave_at_once,
    leave_with_a_reset,
    close_one_half,
)


def log_lines(server: Server) -> list[dict[str, Any]]:
    return [json.loads(line) for line in server.log.splitlines()]


def goes_on(server: Server) -> bool:
    return httpx.get(f"http://127.0.0.1:{server.port}/healthz").status_code == 200


def created(server: Server) -> bytes:
    """Spell a request that creates a lead."""
    headers = server.credentials() | {"Host": "onelead.test", "Content-Length": "13"}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST /developer_api/v1/leads HTTP/1.1\r\n{lines}\r\n".encode() + b'{"name": "A"}'


def refuse_in_words(server: Server) -> None:
    """Check that what is no HTTP is answered with the standard body."""
    for name in ("CONNECT", "TLS", "HTTP/2 preface", "bare LF", "two lengths", "NULs"):
        with sent(server, ANSWERED[name]) as client:
            raw = b"".join(iter(partial(client.recv, 65_536), b""))
        head, _, body = raw.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 "), name
        assert json.loads(body)["message"] == "Invalid HTTP request received."


def test_bad_requests_are_answered_and_the_log_stays_short(tmp_path: Path) -> None:
    with serving(tmp_path, "--log-format", "json") as server:
        began = time.monotonic()
        refuse_in_words(server)
        request = created(server)
        for name, data in ANSWERED.items():
            with sent(server, data) as client:
                assert answer(client)[:9] in (b"HTTP/1.1 ", b""), name
            for leave in LEAVING:
                leave(sent(server, data))
        for data in UNFINISHED.values():
            for leave in LEAVING:
                leave(sent(server, data))
        for _ in range(10):
            close_one_half(sent(server, request * 3))
        for data in (request, b"GET /sign-in HTTP/1.1\r\nHost: a\r\n\r\n"):
            for leave in LEAVING[:2]:
                leave(sent(server, data * PIPELINED))
        assert goes_on(server)
        seconds = time.monotonic() - began
        assert server.stop() == 0
        lines = log_lines(server)
    assert [line for line in lines if line["level"] == "error" or "exception" in line] == []
    about_itself = ("onelead.app", "onelead.serving.server")
    bounded = [line for line in lines if line["logger"] not in about_itself]
    assert len(bounded) <= LOG_LINES_PER_S_MAX * (seconds + 1)
    assert {line["event"] for line in lines} >= {"listening", "stopping", "stopped"}
    # More than that had been to say, and the log says how much more.
    assert sum(line.get("lines_left_out", 0) for line in lines) > len(ANSWERED)
