"""A store of leads in memory, on the pure plan, that commits when a test allows it."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import TypeVar

from onelead.contract.leads import Batch, BatchReceipt
from onelead.domain.account import AccountSettings
from onelead.domain.acts.state import Snapshot
from onelead.domain.errors import ResourceNotFound
from onelead.domain.fold import checked_write, plan_batch
from onelead.domain.lead import Lead
from onelead.domain.matching import lead_keys

T = TypeVar("T")


@dataclass
class _Account:
    leads: dict[int, Lead] = field(default_factory=dict)
    #: Request ids in the order of the ledger.
    ledger: list[str] = field(default_factory=list)
    last_id: int = 0


class MemoryStore:
    """A `WriterStore` for the accounts whose settings it is given.

    Like a real engine it commits one batch at a time, in order of arrival.
    """

    def __init__(self, *settings: AccountSettings) -> None:
        self._settings = {one.account_id: one for one in settings}
        self._turn = asyncio.Lock()
        #: None while no commits are held.
        self._permits: asyncio.Semaphore | None = None
        self.accounts: dict[int, _Account] = defaultdict(_Account)
        #: Every batch that arrived, in order.
        self.batches: list[Batch] = []
        #: Request ids of all accounts in the order of the commits.
        self.committed: list[str] = []
        #: The errors of the next commits, before anything is written; None for one that succeeds.
        self.failures: deque[Exception | None] = deque()
        #: Request ids of writes that make any batch fail.
        self.poison: set[str] = set()
        #: The errors of the next reads of settings.
        self.settings_failures: deque[Exception] = deque()
        #: How many turns of the event loop the next reads of settings take; after those, one each.
        self.settings_turns: deque[int] = deque()

    def change_settings(self, settings: AccountSettings) -> None:
        """Commit new settings, as another process would."""
        self._settings[settings.account_id] = settings

    @property
    def is_held(self) -> bool:
        """Whether commits wait for a release."""
        return self._permits is not None

    def hold(self) -> None:
        """Make every commit from now on wait for a release."""
        self._permits = asyncio.Semaphore(0)

    def release(self, commits: int = 1) -> None:
        """Release that many of the held commits."""
        assert self._permits is not None, "nothing is held"
        for _ in range(commits):
            self._permits.release()

    def let_all_pass(self) -> None:
        """Release all held commits, and hold no more."""
        permits, self._permits = self._permits, None
        if permits is not None:
            for _ in range(1_000):
                permits.release()

    def request_ids(self) -> list[list[str]]:
        """Return the request ids of every batch that arrived."""
        return [[one.write.delivery.request_id for one in batch.writes] for batch in self.batches]

    async def settings(self, account_id: int) -> AccountSettings:
        for _ in range(self.settings_turns.popleft() if self.settings_turns else 1):
            await asyncio.sleep(0)
        if self.settings_failures:
            raise self.settings_failures.popleft()
        if account_id not in self._settings:
            raise ResourceNotFound
        return self._settings[account_id]

    async def write_leads(self, batch: Batch) -> BatchReceipt:
        self.batches.append(batch)
        async with self._turn:
            if self._permits is not None:
                await self._permits.acquire()
            await asyncio.sleep(0)
            return self._commit(batch)

    def _commit(self, batch: Batch) -> BatchReceipt:
        request_ids = [one.write.delivery.request_id for one in batch.writes]
        failure = self.failures.popleft() if self.failures else None
        if failure is not None:
            raise failure
        if self.poison.intersection(request_ids):
            raise RuntimeError("poison")
        settings = self._settings[batch.settings.account_id]
        writes = batch.writes
        if settings.version != batch.settings.version:
            writes = [checked_write(one.write, settings) for one in writes]
        account = self.accounts[settings.account_id]
        snapshot = Snapshot(dict(account.leads), _matches(account, settings))
        last_id, first_seq = account.last_id, len(account.ledger) + 1
        now = 1_700_000_000
        plan = plan_batch(writes, snapshot, settings, now=now, last_id=last_id, first_seq=first_seq)
        account.last_id = plan.last_id
        account.leads |= {lead.id: lead for lead in plan.created + plan.updated}
        for lead_id in plan.deleted:
            del account.leads[lead_id]
        account.ledger += request_ids
        self.committed += request_ids
        return BatchReceipt(plan.results, settings, plan.seqs)


def _matches(account: _Account, settings: AccountSettings) -> dict[tuple[str, str], list[int]]:
    matches: dict[tuple[str, str], list[int]] = defaultdict(list)
    for lead_id, lead in sorted(account.leads.items()):
        for key in lead_keys(lead, settings):
            matches[key.field, key.value].append(lead_id)
    return matches


async def at_once(answer: Awaitable[T]) -> T:
    """Wait for an answer that is due now: a test fails instead of hanging."""
    return await asyncio.wait_for(answer, 60)


async def settle() -> None:
    """Let every task run until it waits for the test."""
    for _ in range(50):
        await asyncio.sleep(0)
