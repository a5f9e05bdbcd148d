"""One client's connection: how long and large a request's head may be, and how it is read.

uvicorn limits neither the time nor the size of a head, keeps the white space behind a header's
value, serves requests without a Host, and answers in plain text when it refuses a request itself.
Here both are limited, values are trimmed, Host is required, and refusals have the standard body.

A request that arrives whole, in one read and with nothing behind it, can go the short way, past
uvicorn and the application. While it is owed an answer, what arrives next is held. So is what comes
behind a few pipelined requests: each that is parsed takes a hundred times the memory of its bytes.
"""

from __future__ import annotations

import asyncio
import contextvars
import weakref
from collections.abc import Iterable
from http import HTTPStatus
from operator import itemgetter
from typing import Any, ClassVar, cast

import msgspec
import structlog
from httptools import parse_url
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn._types import HTTPScope
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from onelead.api.answers import SAFE_HEADERS, ErrorBody, error_response
from onelead.api.probes import PROBE_PATHS
from onelead.api.short_way import HotRoute, ShortWay
from onelead.domain.errors import HeaderMalformed, HostUnknown, TooManyConnections
from onelead.domain.limits import (
    PIPELINED_REQUESTS_MAX,
    REQUEST_CONNECTIONS_MAX,
    REQUEST_HEADERS_BYTES_MAX,
    REQUEST_HEADERS_TIMEOUT_S,
)
from onelead.incoming.json_body import ARRIVING
from onelead.incoming.own_host import OwnHost
from onelead.incoming.unread_body import Arriving, send_answer
from onelead.serving.homes import Homes
from onelead.serving.open_connections import OpenConnections

_BLANK = b" \t"
_HEAD_END = b"\r\n\r\n"
#: The key in a scope of a target that names a host.
_TARGET = "onelead.target"

log = structlog.get_logger(__name__)
_name_of = itemgetter(0)


class Connection(HttpToolsProtocol):
    """uvicorn's protocol with these limits."""

    headers_timeout_s: ClassVar[float] = REQUEST_HEADERS_TIMEOUT_S
    headers_bytes_max: ClassVar[int] = REQUEST_HEADERS_BYTES_MAX
    #: A request whose client has left may still be answered, so there can be more than connections.
    requests_max: ClassVar[int] = REQUEST_CONNECTIONS_MAX

    def __init__(
        self,
        *arguments: Any,
        open_connections: OpenConnections,
        own_host: OwnHost,
        short_way: ShortWay | None = None,
        homes: Homes | None = None,
        moved: bytes = b"",
        **named: Any,
    ) -> None:
        """With `homes` it may move to another worker, unless it has: `moved` came along then."""
        super().__init__(*arguments, **named)
        self._open_connections = open_connections
        self._own_host = own_host
        #: Whether there was no room for it.
        self._is_over = False
        self._homes = None if moved else homes
        self._moved = moved
        self._is_between_messages = True
        self._short_way = short_way
        #: What is being parsed, if it begins with a head.
        self._chunk = b""
        #: What the whole request that is being parsed asks for, and its body.
        self._hot: HotRoute | None = None
        self._body = b""
        #: Whether a request on the short way is owed an answer, and what has arrived since, or
        #: behind as many pipelined requests as are parsed at once.
        self._owes = False
        self._held = b""
        self._is_stopping = False
        self._is_complete = False
        #: The cycle that an application answers; `cycle` is that of the newest request.
        self._answered: RequestResponseCycle | None = None
        self._awaits_head = True
        #: When the head under way is late. A timer that fires earlier is set again, so that a
        #: request needs no timer of its own.
        self._head_due_s: float | None = None
        self._head_timer: asyncio.TimerHandle | None = None
        #: The bytes since the parser last finished a head or handed over a piece of a body: the
        #: head under way, or the trailers and framing of a body.
        self._unfinished_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio.Protocol."""
        super().connection_made(transport)
        # What has moved here has shown an API key.
        peer = None if self._moved or self.client is None else self.client[0]
        self._is_over = not self._open_connections.admit(self, peer)
        self._expect_head()
        if self._moved:
            try:
                self.data_received(self._moved)
            except BaseException:
                # As a loop does when this fails for any other bytes.
                transport.abort()
                raise
            self.loop.call_soon(self._pause_again)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._open_connections.forget(self)
        self._head_due_s = None
        if self._head_timer is not None:
            self._head_timer.cancel()
        if self._answered is not None:
            # uvicorn tells only the newest cycle, and the answer of an earlier one would be written
            # to what is closed.
            self._answered.disconnected = True
            self._answered.message_event.set()
        self.pipeline.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if self._owes or self._held or self.pipeline:
            self._hold(data)
            return
        if self._homes is not None and self._is_free():
            has_moved = self._homes.settle(self.transport, data)
            if has_moved is not None:
                # It may be used for many accounts, so it does not move on with the next one.
                self._homes = None
            if has_moved:
                return
        if data.count(_HEAD_END) > PIPELINED_REQUESTS_MAX:
            self._parse_a_few(data)
        else:
            self._parse(data)

    def _parse_a_few(self, data: bytes) -> None:
        while data and not self.transport.is_closing():
            if self._owes or self.pipeline:
                self._hold(data)
                return
            end = _end_of_heads(data)
            self._parse(data[:end])
            data = data[end:]

    def _hold(self, data: bytes) -> None:
        self._held += data
        self.flow.pause_reading()

    def _parse(self, data: bytes) -> None:
        if self._awaits_head and self._head_due_s is None:
            self._expect_head()
        self._chunk = b"" if self._unfinished_bytes or not self._awaits_head else data
        self._unfinished_bytes += len(data)
        super().data_received(data)
        self._chunk = b""
        if self._hot is not None:
            self._go(self._hot)
        if self._unfinished_bytes > self.headers_bytes_max:
            self._refuse(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                f"The headers are larger than {self.headers_bytes_max} bytes",
            )

    def on_message_begin(self) -> None:
        """See httptools.HttpRequestParser."""
        self._is_between_messages = False
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """See httptools.HttpRequestParser."""
        # As in uvicorn, whose own is not called, as that would double the cost. But white space
        # around a value is no part of it (RFC 9110, 5.5).
        name, value = name.lower(), value.strip(_BLANK)
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """See httptools.HttpRequestParser."""
        self._awaits_head = False
        self._head_due_s = None
        self._unfinished_bytes = 0
        self._is_complete = False
        self._hot = self._hot_route()
        if self._hot is None:
            self._note_target()
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """See httptools.HttpRequestParser."""
        self._unfinished_bytes = 0
        if self._hot is None:
            super().on_body(body)
        else:
            self._body += body

    def on_message_complete(self) -> None:
        """See httptools.HttpRequestParser."""
        self._is_between_messages = True
        self._unfinished_bytes = 0
        self._is_complete = True
        if self._hot is None:
            super().on_message_complete()
            self._note_owed()

    def on_response_complete(self) -> None:
        """See HttpToolsProtocol."""
        # The head of a pipelined request has arrived already. Otherwise a head comes next, or the
        # rest of a body that is no longer read: neither may take long.
        self._awaits_head = not self.pipeline
        if not self.pipeline:
            self._open_connections.note_idle(self)
            self.timeout_keep_alive = self._open_connections.keep_alive_s
        super().on_response_complete()
        if self.pipeline:
            self.flow.pause_reading()
        elif self._held:
            # The body of the request that begins now may be there. Not within the task of another.
            self.loop.call_soon(self._read_on, context=contextvars.Context())

    def pause_writing(self) -> None:
        """See asyncio.Protocol."""
        self._open_connections.note_idle(self)
        super().pause_writing()

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        self._note_owed()
        super().resume_writing()

    def make_room(self) -> None:
        """See MakesRoom."""
        self.connections.discard(self)
        self.transport.abort()

    def shutdown(self) -> None:
        """See HttpToolsProtocol."""
        if self._owes:
            self._is_stopping = True
        else:
            super().shutdown()

    def answer(self, response: Response) -> None:
        """Answer the request on the short way, as uvicorn does; then what was held is read."""
        ends = self._is_stopping and not self._held
        if not self.transport.is_closing():
            parts: list[bytes | memoryview] = [STATUS_LINE[response.status_code]]
            for name, value in (*self.server_state.default_headers, *response.raw_headers):
                parts += (name, b": ", value, b"\r\n")
            parts += (b"connection: close\r\n" if ends else b"", b"\r\n", response.body)
            self.transport.write(b"".join(parts))
            if ends:
                self.transport.close()
        if self._held and not self.transport.is_closing():
            # Not within the writer's task: neither its context nor its errors are this request's.
            self.loop.call_soon(self._read_held, context=contextvars.Context())
            return
        self._owes = False
        self.on_response_complete()

    def _read_held(self) -> None:
        held, self._held, self._owes = self._held, b"", False
        self.on_response_complete()
        if not self.transport.is_closing():
            self.data_received(held)
            if self._is_stopping:
                self.shutdown()

    def _read_on(self) -> None:
        held, self._held = self._held, b""
        if held and not self.transport.is_closing():
            self.flow.resume_reading()
            self.data_received(held)

    def send_400_response(self, msg: str) -> None:
        """See HttpToolsProtocol."""
        self._refuse(HTTPStatus.BAD_REQUEST, msg)

    def _unsupported_upgrade_warning(self) -> None:
        """Log nothing: a client that offers another protocol continues with this one."""

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if self._is_over or len(self.tasks) >= self.requests_max:
            app = _refuse_connection
        elif not _names_host(cycle.scope["headers"], cycle.scope["http_version"]):
            app = _refuse_host
        elif not self._is_for_us(cycle.scope):
            app = _refuse_other_host
        # Weak, because the cycle has the scope: a strong one would wait for the garbage collector.
        cast("dict[str, Any]", cycle.scope)[ARRIVING] = weakref.ref(cycle)
        self._answered = cycle
        if cycle.more_body:
            self._open_connections.note_idle(self)
        super()._start_asgi_task(cycle, app)

    def _note_target(self) -> None:
        """Keep a target that is more than a path: it names a host, too, which comes first."""
        if not self.url.startswith(b"/"):
            cast("dict[str, Any]", self.scope)[_TARGET] = self.url

    def _is_for_us(self, scope: HTTPScope) -> bool:
        """Return whether a request is for this service, under whatever name probes ask for it."""
        if scope["path"] in PROBE_PATHS:
            return True
        host = next((value for name, value in scope["headers"] if name == b"host"), None)
        target = cast("dict[str, Any]", scope).get(_TARGET)
        named = None if target is None else parse_url(target).host
        return self._own_host.is_own(host) and (named is None or self._own_host.is_own(named))

    def _hot_route(self) -> HotRoute | None:
        """Return what the request asks for if it is whole and may go the short way."""
        chunk, self._chunk = self._chunk, b""
        if self._short_way is None or not chunk or not self._seems_whole(chunk):
            return None
        is_busy = self._is_over or self.flow.write_paused or not self._is_idle()
        return None if is_busy else self._short_way.route(self.parser.get_method(), self.url)

    def _is_free(self) -> bool:
        """Return whether nothing is owed, not even a sent byte, and a request begins next."""
        is_sent = not self.transport.get_write_buffer_size()
        return self._is_between_messages and is_sent and self._is_idle()

    def _pause_again(self) -> None:
        # A transport begins to read after `connection_made`, even if it was paused there.
        if self.flow.read_paused:
            self.transport.pause_reading()

    def _is_idle(self) -> bool:
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is None or cycle.response_complete

    def _seems_whole(self, chunk: bytes) -> bool:
        """Return whether, by its head, a chunk is one request on a connection that stays.

        The body has then come, unless blank lines in front of the head were taken for its end.
        """
        length = b"0"
        for name, value in self.headers:
            if name == b"content-length":
                length = value
            elif name == b"transfer-encoding" or (
                name in (b"connection", b"proxy-connection") and value.lower() != b"keep-alive"
            ):
                return False
        rest = len(chunk) - chunk.find(_HEAD_END) - len(_HEAD_END)
        return length == b"%d" % rest and self.parser.get_http_version() == "1.1"

    def _go(self, hot: HotRoute) -> None:
        """Send a whole request the short way, or else the long one."""
        body, self._body, self._hot = self._body, b"", None
        self._owes = True
        self._open_connections.note_owed(self)
        peer = self.client[0] if self.client else ""
        assert self._short_way is not None
        is_complete = self._is_complete
        if not (is_complete and self._short_way.take(hot, self.headers, body, peer, self)):
            self._owes = False
            self._note_target()
            super().on_headers_complete()
            super().on_body(body)
            if is_complete:
                super().on_message_complete()
                self._note_owed()

    def _note_owed(self) -> None:
        if self._owes or not (self._is_idle() or self.cycle.more_body):
            self._open_connections.note_owed(self)

    def _expect_head(self) -> None:
        self._head_due_s = self.loop.time() + self.headers_timeout_s
        if self._head_timer is None:
            self._head_timer = self.loop.call_at(self._head_due_s, self._look_for_head)

    def _look_for_head(self) -> None:
        self._head_timer = None
        if self._head_due_s is None:
            return
        if self.loop.time() < self._head_due_s:
            self._head_timer = self.loop.call_at(self._head_due_s, self._look_for_head)
        elif self._unfinished_bytes:
            message = f"The headers took longer than {self.headers_timeout_s:g} seconds"
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, message)
        else:
            self.transport.close()

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        """Answer with the standard body, unless an answer is under way, and close."""
        if self.transport.is_closing():
            return
        if self._is_idle() or not self.cycle.response_started:
            self.transport.write(_refusal(status, message))
        # The client may not read it.
        self._open_connections.note_idle(self)
        self.transport.close()


def _end_of_heads(data: bytes) -> int:
    """Return the end of as many heads as are parsed at once; the length if there are fewer."""
    end = 0
    for _ in range(PIPELINED_REQUESTS_MAX):
        found = data.find(_HEAD_END, end)
        if found < 0:
            return len(data)
        end = found + len(_HEAD_END)
    return end


def _names_host(headers: Iterable[tuple[bytes, bytes]], http_version: str) -> bool:
    """Return whether a request names its host as RFC 9112 (3.2) demands."""
    hosts = [*map(_name_of, headers)].count(b"host")
    return hosts == 1 or (hosts == 0 and http_version != "1.1")


async def _refuse_host(scope: Scope, receive: Receive, send: Send) -> None:
    response = error_response(HeaderMalformed("An HTTP/1.1 request needs one Host header"))
    await send_answer(response, Arriving(receive), scope, send)


async def _refuse_other_host(scope: Scope, receive: Receive, send: Send) -> None:
    # Without the host, which can be anything; if it is the own one, --url is wrong.
    log.info("a request for another host was refused")
    await send_answer(error_response(HostUnknown()), Arriving(receive), scope, send)


async def _refuse_connection(scope: Scope, receive: Receive, send: Send) -> None:
    response = error_response(TooManyConnections())
    response.headers["Connection"] = "close"
    await response(scope, receive, send)


def _refusal(status: HTTPStatus, message: str) -> bytes:
    body = msgspec.json.encode(ErrorBody(success=False, status=status, message=message))
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}",
        "content-type: application/json",
        f"content-length: {len(body)}",
        "connection: close",
        *(f"{name.lower()}: {value}" for name, value in SAFE_HEADERS.items()),
        "\r\n",
    )
    return "\r\n".join(head).encode() + body
