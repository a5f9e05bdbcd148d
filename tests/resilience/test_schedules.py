"""Seeded schedules: writers in several processes, random faults, and what must always hold."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest
from tests.support.domain.random_writes import RandomWrites
from tests.support.storage.account_store import AccountStore
from tests.support.storage.faulty_network import BATCH_POINTS, IMPATIENT_S, Network
from tests.support.storage.postgresql_proxy import Action, Moment, Proxy

from onelead.domain.errors import StoreUnavailable
from onelead.domain.writes import LeadWrite
from onelead.process.writer import BatchingWriter, Receipt

pytestmark = pytest.mark.slow

ACCOUNTS = 3
CLIENTS = 6
WRITES = 25
FAULTS = 30
#: A silence lasts until it is noticed, so a schedule has few of them.
SILENCES = 2

Answer = Receipt | StoreUnavailable


class Schedule:
    """Two processes that write to the same accounts, each through a proxy that fails."""

    def __init__(self, network: Network, seed: int) -> None:
        self._network = network
        self._chance = random.Random(seed)
        self._faults = 0
        #: By account, each write and its one answer.
        self.answers: dict[int, list[tuple[LeadWrite, Answer]]] = {}

    async def run(self) -> list[AccountStore]:
        """Write until every client is done, and return the accounts."""
        network = self._network
        account_ids = await network.more_accounts(ACCOUNTS)
        proxies = [await network.proxy() for _ in range(2)]
        # One of them gives up immediately.
        stores = [
            await network.store(proxy, timeout_s=IMPATIENT_S, retry_s=retry_s)
            for proxy, retry_s in zip(proxies, (20.0, 0.0), strict=True)
        ]
        direct = await network.store(await network.proxy())
        accounts = [await AccountStore.of(direct, one, network.database) for one in account_ids]
        self._plan_faults(proxies)
        writers = [BatchingWriter(store, batch_writes_max=8) for store in stores]
        async with asyncio.TaskGroup() as clients:
            for account_id in account_ids:
                self.answers[account_id] = []
                writes = RandomWrites(self._chance, [])
                for number in range(CLIENTS):
                    writer = writers[number % len(writers)]
                    clients.create_task(self._deliver(writer, account_id, writes))
        for writer in writers:
            await writer.drain()
        self.faults_left = sum(proxy.planned for proxy in proxies)
        return accounts

    def _plan_faults(self, proxies: list[Proxy]) -> None:
        chance, points = self._chance, list(BATCH_POINTS.values())
        for proxy in proxies:
            for number in range(FAULTS):
                point = chance.choice(points)
                if number < SILENCES:
                    proxy.plan(Action.DROP, point, after=chance.randrange(20))
                    continue
                action = chance.choice((Action.CUT, Action.CUT, Action.DELAY))
                if point.moment is Moment.SENT:
                    action = Action.CUT
                fault = proxy.plan(action, point, after=chance.randrange(30))
                fault.let_go_after(chance.uniform(0, 0.05))

    async def _deliver(self, writer: BatchingWriter, account_id: int, writes: RandomWrites) -> None:
        for _ in range(WRITES):
            write = writes.next_write()
            answer: Answer
            try:
                answer = await writer.write(account_id, write)
                writes.learn(answer.result)
            except StoreUnavailable as error:
                answer = error
            self.answers[account_id].append((write, answer))


def untrue(account: AccountStore, answers: list[tuple[LeadWrite, Answer]]) -> list[str]:
    """Return the answers that are not true."""
    ledger = account.ledger("seq, request_id, outcome, version")
    times = Counter(request_id for _, request_id, _, _ in ledger)
    found = []
    for write, answer in answers:
        request_id = write.delivery.request_id
        if isinstance(answer, StoreUnavailable):
            if times[request_id] > 1:
                found.append(f"{request_id} was written {times[request_id]} times")
            continue
        lead = answer.result.lead
        is_refused = answer.result.refusal is not None
        version = None if lead is None or is_refused else lead.version
        row = (answer.seq, request_id, answer.result.outcome.value, version)
        if ledger[answer.seq - 1] != row or times[request_id] != 1:
            found.append(f"answered {row}, in the ledger {ledger[answer.seq - 1]}")
    unknown = times.keys() - {write.delivery.request_id for write, _ in answers}
    return found + [f"nobody sent {request_id}" for request_id in unknown]


@pytest.mark.parametrize("seed", range(3))
async def test_every_accepted_write_is_answered_once_and_truthfully(
    network: Network, seed: int
) -> None:
    schedule = Schedule(network, seed)
    accounts = await schedule.run()
    kinds: Counter[str] = Counter()
    for account in accounts:
        answers = schedule.answers[account.account_id]
        assert len(answers) == CLIENTS * WRITES
        assert untrue(account, answers) == [], f"seed {seed}"
        assert await account.unexplained() == [], f"seed {seed}"
        kinds.update(type(answer).__name__ for _, answer in answers)
    # The schedule has exercised what it is for.
    assert schedule.faults_left < FAULTS
    assert network.retries.reasons["connection_lost"] > 3
    assert kinds["StoreUnavailable"] > 3
    assert kinds["Receipt"] > len(accounts) * WRITES
