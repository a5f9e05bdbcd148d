"""Erasures and retention: what all engines share."""

from __future__ import annotations

from abc import abstractmethod

from sqlalchemy import Connection

from onelead.contract.erasures import Erasure, ErasureBy, ErasureRequest
from onelead.domain.acts.erasure import ErasureState
from onelead.storage.erasure import finding, retention, steps
from onelead.storage.figures.portable import PortableFigures
from onelead.storage.settings.rows import load_settings
from onelead.storage.transactions import reads, reads_by_settings


class PortableErasures(PortableFigures):
    """The portable part of `ErasureStore`."""

    preview_erasure = reads_by_settings(finding.preview_erasure)
    erasure = reads(steps.read_erasure)
    erasures = reads(steps.read_erasures)

    @abstractmethod
    async def _clean_files(self) -> bool:
        """Clean the free space of the database's files; False if it has to be tried again."""

    async def begin_erasure(
        self, account_id: int, request: ErasureRequest, by: ErasureBy
    ) -> Erasure:
        now = self._clock()
        return await self._write(
            lambda connection: steps.begin_erasure(connection, account_id, now, request, by),
            lambda connection, begun: steps.is_begun(connection, account_id, begun),
        )

    async def erase_step(self, account_id: int) -> bool:
        unfinished = await self._read(
            lambda connection: steps.next_unfinished(connection, account_id)
        )
        if unfinished is None:
            return False
        if unfinished.is_ahead:
            # Another process may be folding them.
            await self.fold_ledger(account_id)
            return True
        if unfinished.erasure.state == ErasureState.FILES:
            return await self._finish(unfinished)

        def work(connection: Connection) -> bool:
            settings = load_settings(connection, account_id)
            if found is None:
                return steps.history_step(connection, settings, unfinished)
            return steps.ledger_step(connection, settings, found)

        found = None
        if unfinished.erasure.state == ErasureState.LEDGER:
            found = await self._read(lambda connection: steps.search_step(connection, unfinished))
        # A step that is already done is told by its progress, so repeating it is safe.
        return await self._write(work, lambda _connection, _done: False)

    async def _finish(self, unfinished: steps.Unfinished) -> bool:
        if not await self._clean_files():
            return False
        now = self._clock()
        return await self._write(
            lambda connection: steps.finish(connection, unfinished, now),
            lambda _connection, _done: False,
        )

    async def retention_step(self, account_id: int) -> bool:
        now = self._clock()

        def look(connection: Connection) -> retention.RetentionStep | None:
            settings = self._load_settings(connection, account_id)
            return retention.next_retention(connection, settings, now)

        step = await self._read(look)
        if step is None:
            return False
        if step.up_to is None:
            if not await self._clean_files():
                return False
            await self._write(
                lambda connection: retention.note_clean(connection, account_id, step, now),
                lambda _connection, _done: False,
            )
            return True
        return await self._write(
            lambda connection: retention.remove_old(
                connection, load_settings(connection, account_id), step, now
            ),
            lambda _connection, _done: False,
        )
