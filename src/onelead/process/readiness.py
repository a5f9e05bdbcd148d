"""Whether this process should receive requests now: its database answers, its queue has room.

However many probes arrive together, the database gets one check at a time, and no probe waits for
it longer than READY_TIMEOUT_S.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Mapping

import structlog
from msgspec import Struct

from onelead.domain.errors import OneleadError
from onelead.domain.limits import READY_TIMEOUT_S

DATABASE = "database"
WRITE_QUEUE = "write_queue"

log = structlog.get_logger(__name__)


class Check(Struct, frozen=True):
    """What one check found."""

    is_passed: bool
    #: What is known about why not.
    error: OneleadError | None = None


class Readiness:
    """Checks this process."""

    def __init__(
        self,
        is_database_ready: Callable[[], Awaitable[bool]],
        has_queue_room: Callable[[], bool],
        *,
        trouble: Callable[[], OneleadError | None] = lambda: None,
        concerns: Callable[[], Mapping[str, str]] = dict,
        timeout_s: float = READY_TIMEOUT_S,
    ) -> None:
        """Take what to ask; `trouble` and `concerns` are those of the store, see `Store`."""
        self._is_database_ready = is_database_ready
        self._has_queue_room = has_queue_room
        self._trouble = trouble
        #: What does not keep the process from being ready, and should be looked at all the same.
        self.concerns = concerns
        self._timeout_s = timeout_s
        self._check: asyncio.Task[bool] | None = None

    async def checks(self) -> dict[str, Check]:
        """Return what each check found, by its name."""
        answers = await self._database_answers()
        return {
            DATABASE: Check(answers, None if answers else self._trouble()),
            WRITE_QUEUE: Check(self._has_queue_room()),
        }

    async def _database_answers(self) -> bool:
        if self._check is None or self._check.done():
            # It outlives the request that starts it.
            self._check = asyncio.get_running_loop().create_task(
                self._ask(), context=contextvars.Context()
            )
        check = self._check
        await asyncio.wait([check], timeout=self._timeout_s)
        return check.done() and check.result()

    async def _ask(self) -> bool:
        try:
            return await self._is_database_ready()
        except Exception:
            log.exception("the database could not be checked")
            return False
