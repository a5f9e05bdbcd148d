"""Background work: what a failure costs, and that stopping always succeeds."""

from __future__ import annotations

import asyncio

from structlog.testing import capture_logs
from tests.support.commands.process import DEADLINE_S

from onelead.domain.errors import StoreUnavailable
from onelead.process.background import BackgroundWork


class Rounds(BackgroundWork):
    """Work whose rounds and steps end as the test says."""

    def __init__(
        self, *failures: BaseException, rest_s: float = 0.001, steps: tuple[int, ...] = ()
    ) -> None:
        super().__init__("rounds", rest_s=rest_s)
        self.failures = list(failures)
        self.steps = list(steps)
        self.stepped: list[int] = []
        self.begun = 0
        self.has_begun = asyncio.Event()
        self.done = asyncio.Event()

    async def _round(self) -> None:
        self.begun += 1
        self.has_begun.set()
        if self.steps:
            await self._in_turns(self.steps, self._step)
        elif self.failures:
            raise self.failures.pop(0)
        self.done.set()

    async def _step(self, account_id: int) -> bool:
        self.stepped.append(account_id)
        if self.failures:
            raise self.failures.pop(0)
        return False


async def ended(work: Rounds) -> None:
    async with asyncio.timeout(DEADLINE_S):
        await work.done.wait()
        await work.stop()


async def test_no_failure_ends_the_work_and_only_a_defect_has_a_traceback() -> None:
    with capture_logs() as logs:
        work = Rounds(StoreUnavailable(), OSError("no file descriptor is left"), ValueError("x"))
        await ended(work)
    assert work.begun >= 4
    assert [(line["log_level"], line["work"], "exc_info" in line) for line in logs] == [
        ("debug", "rounds", False),
        ("error", "rounds", True),
        ("error", "rounds", True),
    ]


async def test_the_log_names_the_account_whose_step_failed() -> None:
    with capture_logs() as logs:
        work = Rounds(ValueError("a defect"), rest_s=3_600, steps=(7, 8))
        await ended(work)
    assert work.stepped == [7, 8]
    assert [line["account_id"] for line in logs] == [7]


async def test_stopping_succeeds_when_the_task_has_ended() -> None:
    work = Rounds(asyncio.CancelledError())
    async with asyncio.timeout(DEADLINE_S):
        await work.has_begun.wait()
        await work.stop()
    assert work.begun == 1


async def test_stopping_and_waking_end_a_rest_immediately() -> None:
    work = Rounds(rest_s=3_600)
    async with asyncio.timeout(DEADLINE_S):
        await work.done.wait()
        work.done.clear()
        work.wake()
        await work.done.wait()
        await work.stop()
    assert work.begun == 2
