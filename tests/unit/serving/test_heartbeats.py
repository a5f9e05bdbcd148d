"""A worker that falls silent gets no new connections, and is killed when it stays silent."""

from __future__ import annotations

import asyncio
import os
from asyncio import StreamReader
from asyncio.subprocess import Process
from typing import cast

import pytest

from onelead.domain.limits import WORKER_HANGS_S, WORKER_SILENT_S, WORKER_START_TIMEOUT_S
from onelead.serving import heartbeats
from onelead.serving.heartbeats import READY, Pulse, Watch, serve_with_heartbeats


def test_a_pulse_fences_once_and_then_says_that_the_worker_hangs() -> None:
    pulse = Pulse()
    pulse.serves = True
    fences = [pulse.look(1) for _ in range(WORKER_HANGS_S - 1)]
    assert [at for at, is_new in enumerate(fences, 1) if is_new] == [WORKER_SILENT_S]
    assert not pulse.hangs
    pulse.look(1)
    assert pulse.hangs


def test_a_pulse_begins_again_with_each_heartbeat() -> None:
    pulse = Pulse()
    pulse.serves = True
    for _ in range(3):
        assert not pulse.look(WORKER_SILENT_S - 1)
        assert not pulse.beat()
    assert pulse.look(WORKER_SILENT_S)
    # Only the first heartbeat says that it answers again.
    assert [pulse.beat(), pulse.beat()] == [True, False]


def test_a_start_may_take_longer() -> None:
    pulse = Pulse()
    assert not pulse.look(WORKER_START_TIMEOUT_S - 1)
    assert not pulse.hangs
    pulse.look(1)
    assert (pulse.hangs, pulse.is_fenced) == (True, False)


class FakeWorker:
    """A process whose output and end the test decides."""

    pid = 4711

    def __init__(self) -> None:
        self.stdout = StreamReader()
        self.signals: list[str] = []
        self._ended = asyncio.Event()
        self._looks: asyncio.Queue[None] = asyncio.Queue()

    def terminate(self) -> None:
        self.signals.append("terminate")

    def kill(self) -> None:
        self.signals.append("kill")
        self.end()

    def end(self) -> None:
        self.stdout.feed_eof()
        self._ended.set()

    async def wait(self) -> int:
        await self._ended.wait()
        return -9

    async def rest(self, _seconds: float) -> None:
        await self._looks.get()

    async def is_silent(self, seconds: float) -> None:
        """Let the parent look for as long as this, with all that follows from it."""
        for _ in range(round(seconds * 2)):
            self._looks.put_nowait(None)
            for _ in range(5):
                await asyncio.sleep(0)


@pytest.fixture
async def worker() -> FakeWorker:
    return FakeWorker()


def watched(worker: FakeWorker, happened: list[object]) -> tuple[Watch, asyncio.Task[int]]:
    watch = Watch(
        *(1, cast("Process", worker)),
        settle=happened.append,
        fence=lambda: happened.append("fenced"),
        rest=worker.rest,
    )
    return watch, asyncio.create_task(watch.until_it_ends())


async def test_a_worker_that_stays_silent_is_fenced_and_then_killed(worker: FakeWorker) -> None:
    happened: list[object] = []
    watch, ended = watched(worker, happened)
    worker.stdout.feed_data(READY)
    await worker.is_silent(0.5)
    assert happened == [True]
    await worker.is_silent(WORKER_SILENT_S)
    assert (happened, worker.signals) == ([True, "fenced"], [])
    await worker.is_silent(WORKER_HANGS_S - WORKER_SILENT_S)
    assert worker.signals == ["kill"]
    assert await ended == -9
    assert watch.has_hung


async def test_a_worker_that_answers_again_answers_what_it_has_and_is_replaced(
    worker: FakeWorker,
) -> None:
    happened: list[object] = []
    watch, ended = watched(worker, happened)
    worker.stdout.feed_data(READY)
    await worker.is_silent(WORKER_SILENT_S + 1)
    worker.stdout.feed_data(b"...")
    await worker.is_silent(1)
    assert (happened, worker.signals) == ([True, "fenced"], ["terminate"])
    # It may hang again while it stops.
    await worker.is_silent(WORKER_HANGS_S)
    assert worker.signals == ["terminate", "kill"]
    assert (await ended, watch.has_hung) == (-9, True)


async def test_a_worker_that_beats_is_left_alone(worker: FakeWorker) -> None:
    happened: list[object] = []
    watch, ended = watched(worker, happened)
    worker.stdout.feed_data(READY)
    for _ in range(20):
        await worker.is_silent(WORKER_SILENT_S - 1)
        worker.stdout.feed_data(b".")
    worker.end()
    assert (await ended, happened, worker.signals, watch.has_hung) == (-9, [True], [], False)


async def test_a_worker_that_hangs_before_it_serves_is_killed(worker: FakeWorker) -> None:
    happened: list[object] = []
    watch, ended = watched(worker, happened)
    await worker.is_silent(WORKER_START_TIMEOUT_S)
    assert (await ended, happened, worker.signals) == (-9, [False], ["kill"])
    assert watch.has_hung


async def test_a_parent_that_reads_nothing_does_not_make_its_workers_hang(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(heartbeats, "WORKER_BEAT_S", 0)
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as parent, os.fdopen(writing, "wb") as worker:
        os.write(writing, b"x" * 10)
        serve_with_heartbeats(writing)
        os.write(writing, b"x" * 1_000_000)
        for _ in range(10):
            await asyncio.sleep(0)
        assert parent.read(16) == b"x" * 10 + READY
        worker.close()
        # The parent has gone.
        for _ in range(10):
            await asyncio.sleep(0)
