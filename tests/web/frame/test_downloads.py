"""Downloads end when nobody reads them, and when their user may have no more of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.types import Message
from tests.support.storage.audit_rows import audit_of
from tests.support.web.browser_client import Browser
from tests.support.web.web_service import Web

from onelead.domain.audit import AuditEvent
from onelead.domain.limits import LIVE_SESSION_CHECK_S
from onelead.files.exports import list_files
from onelead.incoming.json_body import ARRIVING
from onelead.web.frame import downloads


class Connection:
    """The connection of a browser that has asked for a file."""

    def __init__(self, *, reads: bool) -> None:
        self.transport = self
        self.is_cut_off = asyncio.Event()
        self._reads = reads
        self.received: list[bytes] = []
        self.scope: dict[str, Any] = {"type": "http", ARRIVING: lambda: self}

    def abort(self) -> None:
        self.is_cut_off.set()

    async def receive(self) -> Message:
        await self.is_cut_off.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message.get("body"):
            self.received.append(message["body"])
            if not self._reads:
                await asyncio.Event().wait()


async def pieces() -> AsyncIterator[bytes]:
    yield b"one"
    yield b"two"


async def test_a_file_that_nobody_reads_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "DOWNLOAD_STALLED_S", 0.01)
    read, unread = Connection(reads=True), Connection(reads=False)
    for one in (read, unread):
        await downloads.Download(pieces())(one.scope, one.receive, one.send)
    assert (read.received, read.is_cut_off.is_set()) == ([b"one", b"two"], False)
    assert (unread.received, unread.is_cut_off.is_set()) == ([b"one"], True)


async def test_a_file_ends_with_the_session_that_asked_for_it(
    web: Web, member: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_files, "LIST_FILE_CHUNK_LEADS", 1)
    for number in range(3):
        await web.api.lead(name=f"Nora {number}")
    rows = list_files.csv_rows

    def slowly(*arguments: Any) -> str:
        web.clock.advance(LIVE_SESSION_CHECK_S)
        return rows(*arguments)

    monkeypatch.setattr("onelead.web.leads.list_file.csv_rows", slowly)
    whole = await member.client.get("/leads/export/file?which=shown")
    assert whole.text.count("Nora") == 3

    async def nobody(*_arguments: Any, **_options: Any) -> None:
        return None

    monkeypatch.setattr(downloads, "signed_in", nobody)
    # The client of the tests takes no half answer.
    with pytest.raises(AssertionError):
        await member.client.get("/leads/export/file?which=shown")
    assert len(await audit_of(web.store, web.account_id, AuditEvent.EXPORTED)) == 2
