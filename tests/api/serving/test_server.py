"""Stopping the web server in this process: by a signal, at any moment, within a time limit."""

from __future__ import annotations

import asyncio
import resource
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import pytest
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from onelead.domain.errors import NotPossible
from onelead.process.metrics import Metrics
from onelead.serving.open_connections import OpenConnections
from onelead.serving.server import (
    Entrance,
    StopSignals,
    connections_max,
    listening,
    run_server,
    warn_of_plain_http,
)

DEADLINE_S = 60.0


class WaitingApp:
    """An application that answers a request after its client has gone."""

    def __init__(self) -> None:
        self.called = asyncio.Event()
        self.answered = asyncio.Event()

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        self.called.set()
        while (await receive())["type"] != "http.disconnect":
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})
        self.answered.set()


@asynccontextmanager
async def running(
    app: WaitingApp, stop: StopSignals, stop_timeout_s: float
) -> AsyncIterator[tuple[asyncio.Task[None], int]]:
    """Run the server until it ends by itself; yields it and its port."""
    started = asyncio.Event()
    with listening("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        async with asyncio.timeout(DEADLINE_S):
            server = asyncio.create_task(
                run_server(
                    Entrance(app, OpenConnections(Metrics())),
                    listener,
                    stop,
                    started.set,
                    stop_timeout_s=stop_timeout_s,
                )
            )
            await started.wait()
            yield server, port
            await server


async def test_a_client_that_takes_too_long_is_cut_off_and_its_request_ends() -> None:
    app, stop = WaitingApp(), StopSignals()
    with stop.caught():
        async with running(app, stop, stop_timeout_s=0.05) as (server, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with closing(writer):
                writer.write(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nslow")
                await app.called.wait()
                signal.raise_signal(signal.SIGTERM)
                await server
                assert app.answered.is_set()
                assert await reader.read() == b""


async def test_a_signal_that_comes_before_the_server_stops_it_at_once() -> None:
    stop = StopSignals()
    with stop.caught():
        signal.raise_signal(signal.SIGINT)
        async with running(WaitingApp(), stop, stop_timeout_s=DEADLINE_S):
            pass


async def test_the_signals_are_given_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with StopSignals().caught():
        assert signal.getsignal(signal.SIGTERM) != before[1]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.mark.parametrize(
    ("address", "proxies", "url", "warns"),
    [
        ("127.0.0.1", (), None, False),
        ("::1", (), None, False),
        ("0.0.0.0", (), None, True),
        ("::", (), "http://leads.shop.example", True),
        ("10.0.0.7", (), None, True),
        ("0.0.0.0", ("10.0.0.7/32",), None, False),
        ("0.0.0.0", (), "https://leads.shop.example", False),
    ],
)
def test_plain_http_beyond_this_machine_is_warned_of(
    address: str, proxies: tuple[str, ...], url: str | None, *, warns: bool
) -> None:
    with capture_logs() as lines:
        warn_of_plain_http(address, proxies, url)
    assert [(line["log_level"], line["address"]) for line in lines] == [
        ("warning", address)
    ] * warns


def test_there_are_as_many_connections_as_files(monkeypatch: pytest.MonkeyPatch) -> None:
    for files, expected in ((1_024, 768), (300, 150), (100_000, 4_096), (-1, 4_096)):
        monkeypatch.setattr(resource, "getrlimit", lambda _kind, files=files: (files, files))
        assert connections_max() == expected


def test_an_address_that_cannot_be_listened_on_is_refused_in_words() -> None:
    with (
        listening("localhost", 0) as taken,
        pytest.raises(NotPossible, match=r"cannot listen on 127\.0\.0\.1, port"),
        listening("127.0.0.1", taken.getsockname()[1]),
    ):
        pass
    with (
        pytest.raises(NotPossible, match="cannot listen on no such host, port 0"),
        listening("no such host", 0),
    ):
        pass
