"""The newest deliveries as they arrive: each once, for users who may see it, until the end."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from bs4 import BeautifulSoup
from starlette.types import ASGIApp, Message
from tests.support.api.service import Service
from tests.support.web.browser_client import Browser, tidy
from tests.support.web.web_service import Web

from onelead.app import Application
from onelead.domain.limits import LIVE_ROWS, LIVE_SESSION_CHECK_S, LIVE_USER_STREAMS_MAX
from onelead.process.runtime import Runtime
from onelead.web.frame.sessions import token_hash

DEADLINE_S = 60.0


class Stream:
    """A browser's end of a stream."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[Message] = asyncio.Queue()
        self.is_gone = asyncio.Event()
        self.status = 0
        self.headers: dict[str, str] = {}
        self._rest = ""

    async def receive(self) -> Message:
        await self.is_gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        await self.sent.put(message)

    async def started(self) -> None:
        """Wait for the head of the response."""
        message = await asyncio.wait_for(self.sent.get(), DEADLINE_S)
        self.status = message["status"]
        self.headers = {name.decode(): value.decode() for name, value in message["headers"]}

    async def block(self) -> str:
        """Return the next event or comment."""
        while "\n\n" not in self._rest:
            message = await asyncio.wait_for(self.sent.get(), DEADLINE_S)
            self._rest += message["body"].decode()
        block, _, self._rest = self._rest.partition("\n\n")
        return block

    async def event(self) -> tuple[int, BeautifulSoup]:
        """Return the next event: its id and its HTML."""
        while not (block := await self.block()).startswith("id: "):
            pass
        head, *data = block.split("\n")
        assert all(line.startswith("data: ") for line in data)
        html = "\n".join(line.removeprefix("data: ") for line in data)
        return int(head.removeprefix("id: ")), BeautifulSoup(html, "html.parser")

    async def rest(self) -> str:
        """Return everything up to the end of the stream."""
        text = self._rest
        message: Message = {"more_body": True}
        while message.get("more_body"):
            message = await asyncio.wait_for(self.sent.get(), DEADLINE_S)
            text += message["body"].decode()
        return text


#: Opens a stream at a path in a browser.
Opened = Callable[..., AbstractAsyncContextManager[Stream]]


@pytest.fixture
async def runtime(web: Web) -> AsyncIterator[Runtime]:
    """A service that looks for new deliveries all the time."""
    parts = dataclasses.replace(web.api.runtime, live_poll_s=0.002)
    yield parts
    parts.feed.stop()


@pytest.fixture
def opened(runtime: Runtime) -> Opened:
    app = Application(runtime)

    @asynccontextmanager
    async def open_stream(
        browser: Browser, query: str = "", **headers: str
    ) -> AsyncIterator[Stream]:
        stream = Stream()
        task = asyncio.create_task(_serve(app, browser, stream, query, headers))
        try:
            await stream.started()
            yield stream
        finally:
            stream.is_gone.set()
            await asyncio.wait_for(task, DEADLINE_S)

    return open_stream


async def _serve(
    app: ASGIApp, browser: Browser, stream: Stream, query: str, headers: dict[str, str]
) -> None:
    cookies = "; ".join(f"{name}={value}" for name, value in browser.client.cookies.items())
    sent = {"host": "onelead.test", "cookie": cookies}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/overview/live",
        "raw_path": b"/overview/live",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
        "client": ("127.0.0.1", 1234),
        "server": ("onelead.test", 80),
    }
    await app(scope, stream.receive, stream.send)


async def test_a_delivery_arrives_as_the_line_that_the_page_would_show(
    opened: Opened, browser: Browser, service: Service
) -> None:
    async with opened(browser) as stream:
        assert stream.status == 200
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["cache-control"] == "no-store"
        lead = await service.lead(name="Nora\n<b>Field</b>")
        seq, html = await stream.event()
    assert seq == 1
    assert html.b is None
    assert html.select_one(f'a[href="/leads/{lead["id"]}"]')
    assert html.select_one('a[href="/deliveries/1"]')
    shown = (await browser.get("/")).one("[data-live] li")
    assert tidy(shown) == tidy(html)


async def test_deliveries_come_in_order_and_once(
    opened: Opened, browser: Browser, service: Service
) -> None:
    async with opened(browser) as stream:
        for number in range(30):
            await service.lead(name=f"Lead {number}")
            seq, html = await stream.event()
            assert seq == number + 1
            assert f"Lead {number} " in tidy(html)


async def test_a_delivery_that_names_a_deleted_field_has_the_name_it_had(
    opened: Opened, browser: Browser, service: Service
) -> None:
    field = await service.field(name="Score")
    wanted = {"custom_field_definition_id": field["id"], "value": "A-77"}
    await service.upsert({"name": "Nora Field"}, "custom", wanted)
    await service.client.delete(f"/custom_field_definitions/{field['id']}")
    async with opened(browser, "after=1") as stream:
        _seq, html = await stream.event()
    assert "matched no leads by Score (deleted) A-77" in tidy(html)


async def test_who_comes_back_gets_what_came_meanwhile(
    opened: Opened, browser: Browser, service: Service
) -> None:
    for number in range(1, 6):
        await service.lead(name=f"Lead {number}")
    async with opened(browser, "after=3") as stream:
        assert [(await stream.event())[0] for _ in range(2)] == [4, 5]
    # The header of the browser is newer than the address it was given.
    async with opened(browser, "after=1", last_event_id="4") as stream:
        assert (await stream.event())[0] == 5


async def test_of_very_many_the_newest_come(
    opened: Opened, browser: Browser, service: Service
) -> None:
    for number in range(LIVE_ROWS + 5):
        await service.lead(name=f"Lead {number}")
    async with opened(browser, "after=0") as stream:
        assert (await stream.event())[0] == 6


@pytest.mark.parametrize("sent", ["-1", "x", "9" * 30, "1.5", "%00", "1e3"])
async def test_a_number_that_is_none_is_taken_for_the_beginning(
    opened: Opened, browser: Browser, service: Service, sent: str
) -> None:
    await service.lead()
    async with opened(browser, f"after={sent}") as stream:
        assert (await stream.event())[0] == 1


async def test_changes_of_the_settings_are_no_deliveries(
    opened: Opened, browser: Browser, service: Service
) -> None:
    async with opened(browser) as stream:
        await service.field()
        await service.lead()
        assert (await stream.event())[0] == 2


async def test_a_stranger_hears_nothing_of_this_account(
    opened: Opened, web: Web, service: Service, runtime: Runtime
) -> None:
    async with opened(await web.stranger()) as stream, opened(await web.admin()) as own:
        await service.lead()
        await own.event()
        runtime.feed.stop()
        assert "id:" not in await stream.rest()


async def test_a_user_has_a_bounded_number_of_streams(
    opened: Opened, browser: Browser, web: Web
) -> None:
    streams = [opened(browser) for _ in range(LIVE_USER_STREAMS_MAX)]
    for stream in streams:
        assert (await stream.__aenter__()).status == 200
    # The same in another browser.
    for mine in (browser, await web.admin()):
        async with opened(mine) as one_more:
            assert one_more.status == 503
            assert int(one_more.headers["retry-after"]) > 0
    async with opened(await web.member()) as elsewhere:
        assert elsewhere.status == 200
    for stream in streams:
        await stream.__aexit__(None, None, None)
    # Streams that were closed make room.
    async with opened(browser) as again:
        assert again.status == 200


async def test_asking_for_the_head_alone_takes_no_place(opened: Opened, browser: Browser) -> None:
    async with asyncio.timeout(DEADLINE_S):
        for _ in range(LIVE_USER_STREAMS_MAX + 1):
            head = await browser.client.head("/overview/live")
            assert (head.status_code, head.content) == (200, b"")
    async with opened(browser) as stream:
        assert stream.status == 200
        own = {"x-request-id", "date"}
        assert {*head.headers} - own == {*stream.headers} - own


async def test_a_stream_ends_with_its_session(
    opened: Opened, browser: Browser, web: Web, service: Service
) -> None:
    async with opened(browser) as stream:
        await service.lead()
        assert (await stream.event())[0] == 1
        token = browser.client.cookies["onelead_session"]
        await web.store.end_session(token_hash(token))
        web.clock.advance(LIVE_SESSION_CHECK_S)
        await service.lead()
        assert "id: 2" not in await stream.rest()


async def test_an_open_page_does_not_keep_its_session_alive(
    opened: Opened, browser: Browser, web: Web, service: Service
) -> None:
    async with opened(browser) as stream:
        await service.lead()
        await stream.event()
        token = browser.client.cookies["onelead_session"]
        before = await web.store.session(token_hash(token))
        for _ in range(5):
            web.clock.advance(LIVE_SESSION_CHECK_S)
            await service.lead()
            await stream.event()
        assert await web.store.session(token_hash(token)) == before


async def test_stopping_ends_the_streams_and_lets_nobody_in(
    opened: Opened, browser: Browser, runtime: Runtime
) -> None:
    async with opened(browser) as stream:
        await stream.block()
        runtime.feed.stop()
        await stream.rest()
    async with opened(browser) as late:
        assert late.status == 503
