"""The background work at uploaded files: reading, dry runs, writing, and cleaning up.

Any process takes an import that no other one is at, and goes on where that has left it. A file that
the command line reads is the command line's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from onelead.contract.imports import FileImport, ImportChange, ImportState
from onelead.domain.errors import OneleadError, ServiceStopping, StoreUnavailable
from onelead.domain.importing.limits import IMPORT_WORK_REST_S, IMPORTS_AT_ONCE_MAX
from onelead.process.background import BackgroundWork

if TYPE_CHECKING:
    from onelead.files.imports.phases import BulkWriter, Phases, PhaseStore

log = structlog.get_logger(__name__)

DEFECT = "The import ended because of a defect of the program; its log says more"


class ImportWork(BackgroundWork):
    """A task that begins work at the imports of all accounts, and looks again after a rest.

    Every step that people ask for wakes it.
    """

    def __init__(
        self,
        store: PhaseStore,
        writer: BulkWriter,
        *,
        holder: str,
        monotonic: Callable[[], float] = time.monotonic,
        rest_s: float = IMPORT_WORK_REST_S,
    ) -> None:
        """Start; needs a running event loop."""
        super().__init__("imports", rest_s=rest_s)
        self._store = store
        self._writer = writer
        self._holder = holder
        self._monotonic = monotonic
        #: By account: what is under way.
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._phases: Phases | None = None

    async def stop(self) -> None:
        """Leave the imports to others, as soon as the rows on their way are written."""
        await super().stop()
        await asyncio.gather(*self._under_way.values())

    async def _round(self) -> None:
        for account_id in await self._store.accounts_importing():
            if account_id not in self._under_way and len(self._under_way) < IMPORTS_AT_ONCE_MAX:
                task = asyncio.create_task(self._see_to(account_id))
                self._under_way[account_id] = task
        while not self._is_stopping and await self._store.clean_imports():
            pass

    async def _see_to(self, account_id: int) -> None:
        """Work at the imports of an account until nothing is left, or a failure."""
        has_worked = False
        try:
            while not self._is_stopping and await self._attempt(
                lambda: self._step(account_id), account_id=account_id
            ):
                has_worked = True
        finally:
            del self._under_way[account_id]
        if has_worked:
            # Another account may wait for the place. Without work, others are at the import or
            # nothing can be written, and looking again at once would never end.
            self.wake()

    async def _step(self, account_id: int) -> bool:
        """Do the next phase of an import; return whether it was done to its end."""
        one = await self._store.take_import(account_id, self._holder)
        if one is None:
            return False
        if self._phases is None:
            self._phases = await asyncio.to_thread(self._loaded)
        try:
            await self._phases.do(account_id, one)
        except (StoreUnavailable, ServiceStopping):
            # The next process that takes it goes on.
            return False
        except OneleadError as error:
            await self._fail(account_id, one, error.message)
        except Exception:
            log.exception("an import failed", account_id=account_id, number=one.number)
            await self._fail(account_id, one, DEFECT)
        return True

    def _loaded(self) -> Phases:
        """Load what reads files: most processes never do, and start sooner and smaller."""
        from onelead.files.imports.phases import Phases  # noqa: PLC0415

        return Phases(
            *(self._store, self._writer, self._holder),
            monotonic=self._monotonic,
            goes_on=lambda: not self._is_stopping,
        )

    async def _fail(self, account_id: int, one: FileImport, message: str) -> None:
        change = ImportChange(state=ImportState.FAILED, message=message)
        await self._store.note_import(account_id, one.number, self._holder, change, leave=True)
