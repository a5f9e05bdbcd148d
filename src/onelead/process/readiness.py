"""Whether this process should receive requests now: its database answers, its queue has room.

However many probes arrive together, the database gets one check at a time, and no probe waits for
it longer than READY_TIMEOUT_S.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable

import structlog

from onelead.domain.limits import READY_TIMEOUT_S

DATABASE = "database"
WRITE_QUEUE = "write_queue"

log = structlog.get_logger(__name__)


class Readiness:
    """Checks this process."""

    def __init__(
        self,
        is_database_ready: Callable[[], Awaitable[bool]],
        has_queue_room: Callable[[], bool],
        *,
        timeout_s: float = READY_TIMEOUT_S,
    ) -> None:
        self._is_database_ready = is_database_ready
        self._has_queue_room = has_queue_room
        self._timeout_s = timeout_s
        self._check: asyncio.Task[bool] | None = None

    async def checks(self) -> dict[str, bool]:
        """Return whether each check passed, by its name."""
        return {
            DATABASE: await self._database_answers(),
            WRITE_QUEUE: self._has_queue_room(),
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
