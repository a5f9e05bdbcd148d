"""The newest deliveries: when a page is loaded, and as they arrive (server-sent events).

An event is a rendered line of the list, with its ledger number as id. So a browser that lost the
connection says what it saw last, and misses nothing that is still among the newest.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress

from msgspec import Struct
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from onelead.contract.ledger import AccountLedgerRow, LedgerSlice
from onelead.domain.errors import StoreUnavailable
from onelead.domain.lead import Lead
from onelead.domain.limits import LIVE_HEARTBEAT_S, LIVE_SESSION_CHECK_S
from onelead.domain.text import known_id
from onelead.process.feed import NEWEST, Feed, rows_above
from onelead.web.frame.rendering import moment_writer, render
from onelead.web.frame.sessions import signed_in
from onelead.web.frame.visit import Visit
from onelead.web.words.deleted_names import settings_to_write_by
from onelead.web.words.ledger_lines import LedgerLine, api_key_labels, ledger_line

#: A browser that lost the connection reconnects after this time.
_RETRY_MS = 3_000
_MEDIA_TYPE = "text/event-stream"
#: A proxy that buffers responses would hold this one forever.
_HEADERS = {"X-Accel-Buffering": "no"}


class Delivery(Struct, frozen=True):
    """A line of the list."""

    line: LedgerLine
    #: The lead that it is about, if the lead still exists.
    lead: Lead | None


async def newest(visit: Visit, labels: Mapping[int, str]) -> list[Delivery]:
    """Return the newest deliveries, newest first."""
    found = await visit.store.search_ledger(visit.account_id, NEWEST)
    return await _deliveries(visit, found.rows, found, labels)


async def _deliveries(
    visit: Visit, rows: Sequence[AccountLedgerRow], found: LedgerSlice, labels: Mapping[int, str]
) -> list[Delivery]:
    leads = {lead.id: lead for lead in found.leads}
    settings = await settings_to_write_by(visit, found.settings, rows)
    return [
        Delivery(ledger_line(row, settings, labels), leads.get(row.resource_id or 0))
        for row in rows
    ]


async def stream(visit: Visit) -> Response:
    """Send deliveries as they arrive. Raises TooManyStreams."""
    if visit.request.method == "HEAD":
        # A HEAD request is not a stream, and does not count as one.
        response = Response(headers=_HEADERS, media_type=_MEDIA_TYPE)
        del response.headers["Content-Length"]
        return response
    feed = visit.runtime.feed
    feed.enter(visit.signed_in.user.id)
    return _Stream(visit, feed)


class _Stream(StreamingResponse):
    """A response that lasts until the browser, the session or the server ends it."""

    def __init__(self, visit: Visit, feed: Feed) -> None:
        super().__init__(_events(visit, feed), media_type=_MEDIA_TYPE, headers=_HEADERS)
        self._feed = feed
        self._user_id = visit.signed_in.user.id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._feed.leave(self._user_id)


async def _events(visit: Visit, feed: Feed) -> AsyncIterator[str]:
    runtime = visit.runtime
    seq = _seen(visit)
    checked_s = sent_s = runtime.monotonic()
    yield f"retry: {_RETRY_MS}\n\n"
    # Without a database the stream ends, and the browser reconnects later.
    with suppress(StoreUnavailable), feed.watching(visit.account_id) as channel:
        while not feed.is_stopping:
            rows = await channel.until(
                rows_above(seq), timeout_s=min(LIVE_HEARTBEAT_S, LIVE_SESSION_CHECK_S)
            )
            if runtime.monotonic() - checked_s >= LIVE_SESSION_CHECK_S:
                checked_s = runtime.monotonic()
                # A page that is merely left open does not keep its session alive.
                if await signed_in(runtime, visit.request, counts_as_use=False) is None:
                    return
            if rows:
                seq = rows[-1].seq
                for event in await _rendered(visit, rows, channel.latest):
                    yield event
            elif runtime.monotonic() - sent_s < LIVE_HEARTBEAT_S:
                continue
            else:
                yield ": still here\n\n"
            sent_s = runtime.monotonic()


async def _rendered(
    visit: Visit, rows: list[AccountLedgerRow], found: LedgerSlice | None
) -> list[str]:
    assert found is not None
    labels = api_key_labels(list(await visit.store.api_keys(visit.account_id)))
    when = moment_writer(found.settings.zone, visit.runtime.clock())
    events = []
    for delivery in await _deliveries(visit, rows, found, labels):
        html = render("overview/delivery.html", {"delivery": delivery, "when": when})
        # A line break would end the data line of the event.
        data = "\n".join(f"data: {line}" for line in html.splitlines())
        events.append(f"id: {delivery.line.seq}\n{data}\n\n")
    return events


def _seen(visit: Visit) -> int:
    """Return the last ledger number that the browser saw, as it claims; 0 for none."""
    sent = visit.request.headers.get("last-event-id") or visit.query("after")
    return known_id(sent) or 0
