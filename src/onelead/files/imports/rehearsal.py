"""Rehearses writes: what they would do one after another, without writing anything.

The leads that a write can be about are copied into a scratch database when a write first asks for
them, and there the writes are made by the real write path. So each sees those before it, however
many there are, and the memory is bounded. Nobody waits for a rehearsal, and it has no ledger
number; what others write meanwhile is seen only of leads that no write has asked for yet.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol

from msgspec import structs

from onelead.contract.imports import Known, RehearsalStart, Sought
from onelead.contract.leads import Batch
from onelead.domain.account import AccountSettings
from onelead.domain.fold import checked_write, keys_needed
from onelead.domain.importing.limits import REHEARSAL_LEADS_MAX
from onelead.domain.limits import BATCH_WRITES_MAX
from onelead.domain.matching import claim_field
from onelead.domain.writes import CheckedWrite, LeadWrite, WriteResult
from onelead.files.imports.walks import in_thread
from onelead.storage.sqlite.scratch import Scratch
from onelead.storage.sqlite.temporary import temporary_room


class RehearsalStore(Protocol):
    """What a rehearsal needs of a store."""

    async def rehearsal_start(self, account_id: int) -> RehearsalStart:
        """See `ImportStore`."""

    async def known_of(self, account_id: int, sought: Sought) -> Known:
        """See `ImportStore`."""


class Rehearsal:
    """Plans the writes of one account; close it at the end."""

    def __init__(
        self, store: RehearsalStore, account_id: int, settings: AccountSettings | None = None
    ) -> None:
        """`settings` are those that the account would have; None for its own."""
        self._store = store
        self._account_id = account_id
        self._settings = settings
        self._start: RehearsalStart | None = None
        self._scratch: Scratch | None = None

    @property
    def settings(self) -> AccountSettings:
        """The settings under which it plans, as soon as it has planned something."""
        assert self._start is not None
        return self._start.settings

    def close(self) -> None:
        """Forget everything that was planned."""
        if self._scratch is not None:
            self._scratch.close()

    async def plan(self, writes: Sequence[LeadWrite]) -> list[WriteResult]:
        """Return what the writes would do after those of the calls before.

        They have to be deliveries that name no lead. Raises ResourceNotFound, IdsExhausted and
        TemporaryFull.
        """
        results: list[WriteResult] = []
        for at in range(0, len(writes), BATCH_WRITES_MAX):
            results += await self._plan(writes[at : at + BATCH_WRITES_MAX])
        return results

    async def _plan(self, writes: Sequence[LeadWrite]) -> Sequence[WriteResult]:
        start, scratch = await self._begun()
        checked = [checked_write(_without_payload(write), start.settings) for write in writes]
        sought = await in_thread(_sought, scratch, checked, start.last_id)
        known = await self._store.known_of(self._account_id, sought)
        batch = Batch(start.settings, checked)
        return await in_thread(_planned, scratch, known, batch)

    async def _begun(self) -> tuple[RehearsalStart, Scratch]:
        if self._start is None or self._scratch is None:
            start = await self._store.rehearsal_start(self._account_id)
            if self._settings is not None:
                start = start._replace(settings=self._settings)
            self._scratch = await in_thread(Scratch, start)
            self._start = start
        return self._start, self._scratch


def _without_payload(write: LeadWrite) -> LeadWrite:
    """Return the write without what only the ledger would keep."""
    return structs.replace(write, delivery=structs.replace(write.delivery, payload=""))


def _sought(scratch: Scratch, writes: Sequence[CheckedWrite], last_id: int) -> Sought:
    wanted = keys_needed(writes)
    wanted |= {(claim_field(field), value) for field, value in wanted}
    keyed = (write.write.delivery.idempotency for write in writes)
    hashes = {one for key in keyed if key for one in (key.key_hash, *key.call_hashes)}
    with temporary_room():
        unknown = scratch.unknown(sorted(wanted))
    return Sought(unknown, hashes, last_id, REHEARSAL_LEADS_MAX)


def _planned(scratch: Scratch, known: Known, batch: Batch) -> Sequence[WriteResult]:
    with temporary_room():
        scratch.learn(known)
        return scratch.write(batch, int(time.time())).results
