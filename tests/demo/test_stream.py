"""What the demo delivers while it runs: calls that the service understands."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any

import pytest
from tests.support.commands.process import wait_until
from tests.support.process.clock import Clock

from onelead.demo.company import set_up
from onelead.demo.people import people
from onelead.demo.seeding import Links, Seeded
from onelead.demo.stream import Stream
from onelead.domain.account import AccountSettings
from onelead.domain.fold import checked_write
from onelead.domain.writes import Delivery
from onelead.incoming.lead_json import upsert_write
from onelead.storage.sqlite.store import SqliteStore

pytestmark = pytest.mark.slow

DELIVERIES = 300


class _Receiver(BaseHTTPRequestHandler):
    """Takes calls as the API does, and keeps them."""

    calls: list[tuple[str, dict[str, str], dict[str, Any]]]

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.calls.append((self.path, dict(self.headers), json.loads(body)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as its base has it
        pass


@pytest.fixture
def receiver() -> Iterator[ThreadingHTTPServer]:
    """A server that keeps the calls it gets."""
    _Receiver.calls = []
    with ThreadingHTTPServer(("127.0.0.1", 0), _Receiver) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
async def account(tmp_path: Path) -> tuple[Seeded, AccountSettings]:
    """The demo account, without its past."""
    store = SqliteStore(tmp_path / "demo.db", Clock())
    try:
        company = await set_up(store)
        settings = await store.settings(company.account_id)
    finally:
        await store.close()
    strangers = people(Random(1))
    known = list(islice(strangers, 50))
    return Seeded(company, strangers, known, 0, Links("", "")), settings


async def test_every_source_delivers_what_the_service_reads(
    receiver: ThreadingHTTPServer, account: tuple[Seeded, AccountSettings]
) -> None:
    seeded, settings = account
    stream = Stream(seeded, 1, pause_s=(0, 0))
    stream.start(f"http://127.0.0.1:{receiver.server_port}/developer_api/v1")
    wait_until(lambda: len(_Receiver.calls) >= DELIVERIES)
    stream.stop()

    # There are more if the stop took some time.
    calls = _Receiver.calls[:DELIVERIES]
    assert {path for path, _headers, _body in calls} == {"/developer_api/v1/leads/upsert"}
    labels = {sender.secret: sender.label for sender in seeded.company.senders.values()}
    senders = Counter(labels[headers["X-PW-AccessToken"]] for _path, headers, _body in calls)
    assert set(senders) == {"Website form", "Ad platform", "Enrichment", "Call tracking"}
    refused = [body for _path, _headers, body in calls if _refusal(body, settings)]
    # Only the deliveries that are meant to be broken are refused.
    assert 0 < len(refused) < DELIVERIES / 10
    bodies = [json.dumps(body) for _path, _headers, body in calls]
    assert len(set(bodies)) < len(bodies)


async def test_nothing_is_delivered_after_it_is_stopped(
    receiver: ThreadingHTTPServer, account: tuple[Seeded, AccountSettings]
) -> None:
    stream = Stream(account[0], 1, pause_s=(0, 0))
    stream.start(f"http://127.0.0.1:{receiver.server_port}")
    wait_until(lambda: len(_Receiver.calls) >= 1)
    stream.stop()
    delivered = len(_Receiver.calls)
    receiver.shutdown()
    assert len(_Receiver.calls) == delivered


async def test_a_server_that_does_not_answer_ends_nothing(
    account: tuple[Seeded, AccountSettings],
) -> None:
    stream = Stream(account[0], 1, pause_s=(0, 0))
    known = len(account[0].known)
    stream.start("http://127.0.0.1:1")
    # It goes on with the next person, and the next.
    wait_until(lambda: len(account[0].known) > known + 3)
    stream.stop()


def _refusal(body: dict[str, Any], settings: AccountSettings) -> bool:
    write = upsert_write(body, Delivery("", None, None, ""))
    return checked_write(write, settings).refusal is not None
