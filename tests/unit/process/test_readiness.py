"""Readiness: what is checked, in bounded time, and that probes do not pile up."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from onelead.process.readiness import Readiness


@dataclass
class Database:
    """A database that answers when the test allows it."""

    is_up: bool = True
    defect: Exception | None = None
    calls: int = 0
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    async def is_ready(self) -> bool:
        self.calls += 1
        await self.may_answer.wait()
        if self.defect is not None:
            raise self.defect
        return self.is_up


async def answers(readiness: Readiness) -> bool:
    return (await readiness.checks())["database"].is_passed


@pytest.mark.parametrize("is_up", [True, False])
@pytest.mark.parametrize("has_room", [True, False])
async def test_each_check_has_its_name(is_up: bool, has_room: bool) -> None:  # noqa: FBT001
    database = Database(is_up=is_up)
    database.may_answer.set()
    checks = await Readiness(database.is_ready, lambda: has_room).checks()
    assert {name: check.is_passed for name, check in checks.items()} == {
        "database": is_up,
        "write_queue": has_room,
    }


async def test_a_database_that_hangs_is_not_ready_in_bounded_time() -> None:
    database = Database()
    readiness = Readiness(database.is_ready, lambda: True, timeout_s=0.01)
    assert not await answers(readiness)
    # The next probe waits for the check that the first one started.
    assert not await answers(readiness)
    assert database.calls == 1
    database.may_answer.set()
    assert await answers(readiness)


async def test_many_probes_are_one_check_of_the_database() -> None:
    database = Database()
    readiness = Readiness(database.is_ready, lambda: True)
    probes = [asyncio.create_task(readiness.checks()) for _ in range(50)]
    await asyncio.sleep(0)
    database.may_answer.set()
    assert all([(await probe)["database"].is_passed for probe in probes])
    assert database.calls == 1
    assert await answers(readiness)
    assert database.calls == 2


async def test_a_probe_that_is_cancelled_does_not_end_the_check() -> None:
    database = Database()
    readiness = Readiness(database.is_ready, lambda: True)
    first, second = (asyncio.create_task(readiness.checks()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    database.may_answer.set()
    assert (await second)["database"].is_passed


async def test_a_defect_is_logged_and_not_ready() -> None:
    database = Database(defect=ValueError("a defect"))
    database.may_answer.set()
    with capture_logs() as logs:
        assert not await answers(Readiness(database.is_ready, lambda: True))
    assert [line["event"] for line in logs] == ["the database could not be checked"]
