"""One process of a concurrency test, with its own store and writer, and a job to do.

Started as `python -m tests.concurrency.driver ADDRESS ACCOUNT JOB SEED COUNT`. It prints `ready`,
waits for a line, and then prints a line for every answer as soon as it gets it, so that what was
acknowledged is known even if the process is killed.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable, Sequence

import msgspec
from tests.support.domain.lead_writes import settings_write, upsert, upsert_custom
from tests.support.domain.random_writes import RandomWrites
from tests.support.storage.databases import open_at

from onelead.contract.store import Store
from onelead.domain.errors import StoreUnavailable
from onelead.domain.settings.change import Resource
from onelead.domain.writes import Action, LeadWrite, Outcome
from onelead.process.writer import BatchingWriter, Receipt

CALLERS = 6
PAUSE_S_MAX = 0.02


class Answer(msgspec.Struct, array_like=True):
    """An acknowledged write."""

    request_id: str
    seq: int
    outcome: Outcome
    lead_id: int | None
    version: int | None


class Driver:
    """What the jobs work with."""

    def __init__(self, store: Store, account_id: int, seed: int, count: int) -> None:
        self.store = store
        self.account_id = account_id
        self.writer = BatchingWriter(store)
        self.chance = random.Random(seed)
        self.count = count

    async def deliver(self, writes: Sequence[LeadWrite]) -> Sequence[Receipt]:
        """Write, and print the answers."""
        try:
            if len(writes) == 1:
                receipts = [await self.writer.write(self.account_id, writes[0])]
            else:
                receipts = await self.writer.write_many(self.account_id, writes)
        except StoreUnavailable:
            # Written or not: nothing was promised.
            return []
        for write, receipt in zip(writes, receipts, strict=True):
            lead = receipt.result.lead
            answer = Answer(
                write.delivery.request_id,
                receipt.seq,
                receipt.result.outcome,
                lead.id if lead else None,
                lead.version if lead else None,
            )
            say(msgspec.json.encode(answer).decode())
        return receipts

    async def pause(self) -> None:
        """Leave the database to the other processes for a moment, so that the writes interleave."""
        await asyncio.sleep(self.chance.random() * PAUSE_S_MAX)

    async def deliver_people(self) -> None:
        """Deliver the same few people in every way, as several callers."""
        fields = (await self.store.settings(self.account_id)).fields
        writes = RandomWrites(self.chance, fields)

        async def caller() -> None:
            for _ in range(self.count // CALLERS):
                number = self.chance.choice((1, 1, 1, 1, 2, 5))
                batch = [writes.next_write() for _ in range(number)]
                for receipt in await self.deliver(batch):
                    writes.learn(receipt.result)
                await self.pause()

        await asyncio.gather(*(caller() for _ in range(CALLERS)))

    async def switch(self) -> None:
        """Switch the definitions in and out of filters, and do the index work in between."""
        for _ in range(self.count):
            field = self.chance.choice((await self.store.settings(self.account_id)).fields)
            change = self.chance.choice(
                (
                    {"is_filterable": not field.is_filterable},
                    {"is_filterable": not field.is_filterable},
                    {"available_on": ["person"] if field.on_leads else ["lead", "person"]},
                    {"name": f"Field {self.chance.randrange(1000)}"},
                )
            )
            write = settings_write(
                Resource.CUSTOM_FIELD_DEFINITION, Action.UPDATE, change, field.id
            )
            await self.store.change_settings(self.account_id, write)
            await self.deliver([upsert_custom(field.id, f"P-{self.chance.randrange(1000)}")])
            for _ in range(self.chance.choice((0, 1, 2, 9))):
                await self.store.build_index(self.account_id)
                await self.pause()

    async def deliver_by_email(self) -> None:
        """Match each person by e-mail, and bring the name."""
        await self._in_random_order(
            lambda person: upsert("email", f"n{person}@x.example", name=f"Nora Field {person}")
        )

    async def deliver_by_name(self) -> None:
        """Match each person by name, and bring the e-mail."""
        await self._in_random_order(
            lambda person: upsert("name", f"Nora Field {person}", email=f"n{person}@x.example")
        )

    async def _in_random_order(self, write_of: Callable[[int], LeadWrite]) -> None:
        """Stay close to the other processes: all take the same order, slightly shuffled."""
        people = sorted(range(self.count), key=lambda one: one + self.chance.random() * 4)

        async def caller(number: int) -> None:
            for person in people[number::CALLERS]:
                await self.deliver([write_of(person)])
                await self.pause()

        await asyncio.gather(*(caller(number) for number in range(CALLERS)))


JOBS: dict[str, Callable[[Driver], Awaitable[None]]] = {
    "people": Driver.deliver_people,
    "switch": Driver.switch,
    "by_email": Driver.deliver_by_email,
    "by_name": Driver.deliver_by_name,
}


def say(line: str) -> None:
    """Write a line and flush it, so that it survives the process."""
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


async def run(address: str, account_id: str, job: str, seed: str, count: str) -> None:
    store = await open_at(address, lambda: int(time.time()))
    driver = Driver(store, int(account_id), int(seed), int(count))
    say("ready")
    await asyncio.to_thread(sys.stdin.readline)
    await JOBS[job](driver)
    await driver.writer.drain()
    await store.close()


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:]))
