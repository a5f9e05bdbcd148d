"""The clients of a simulated server: what they send is drawn from the seed and from the answers."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

import sqlalchemy
from tests.support.domain.act_writes import dismiss, keyed, merge, reopen, rule, separate, undo
from tests.support.domain.lead_writes import settings_write, upsert
from tests.support.domain.random_writes import RandomWrites
from tests.support.simulation.history import Attempt, History
from tests.support.simulation.server import SimulatedStore
from tests.support.simulation.template import template
from tests.support.simulation.world import World

from onelead.domain.errors import (
    OneleadError,
    ResourceNotFound,
    ServiceStopping,
    StoreUnavailable,
    WriteQueueFull,
)
from onelead.domain.search import LeadSearch
from onelead.domain.settings.change import Resource, SettingsResult
from onelead.domain.writes import Action, LeadWrite, Outcome
from onelead.process.writer import BatchingWriter, Receipt

T = TypeVar("T")
_PEOPLE = 5
#: People whose e-mail only upserts bring, so that each is one lead at most.
STEADY_PEOPLE = 3
_ATTEMPTS_MAX = 3
_THINK_S = 0.004


def steady_email(person: int) -> str:
    """Return the e-mail of a person whom only upserts deliver."""
    return f"steady{person}@field.example"


class Clients:
    """Everyone who delivers to one server; what they know outlives it."""

    def __init__(self, world: World, seed: int) -> None:
        self.history = History()
        self._world = world
        self._chance = random.Random(f"clients {seed}")
        self._writes = RandomWrites(self._chance, template().fields, people=_PEOPLE)
        #: Ledger numbers of what was done and refused, and the ids of leads, newest last.
        self._done: list[int] = []
        self._refused: list[int] = []
        self._leads: list[int] = []
        self._keyed: list[LeadWrite] = []
        self._is_indexed = True

    async def deliver(self, store: SimulatedStore, writer: BatchingWriter, calls: int) -> None:
        """Be one client: call after call, sometimes without waiting for an answer."""
        for _ in range(calls):
            await asyncio.sleep(self._chance.choice((0, 0, self._chance.random() * _THINK_S)))
            call = self._chance.choices(
                (self._write, self._write_many, self._change_settings, self._read),
                (80, 7, 5, 8),
            )[0]
            task = asyncio.ensure_future(call(store, writer))
            if self._chance.random() < 0.03:
                await asyncio.sleep(self._chance.random() * _THINK_S)
                task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _write(self, _store: SimulatedStore, writer: BatchingWriter) -> None:
        write = self._next_write()
        account_id = template().account_id
        for _ in range(_ATTEMPTS_MAX):
            attempt, sent = self.history.begin(write)
            receipt = await self._answered([attempt], writer.write(account_id, sent))
            if receipt is not None:
                self._take(attempt, receipt)
                return
            await asyncio.sleep(self._chance.random() * _THINK_S * 10)

    async def _write_many(self, _store: SimulatedStore, writer: BatchingWriter) -> None:
        begun = [self.history.begin(self._next_write()) for _ in range(self._chance.randint(2, 9))]
        attempts = [attempt for attempt, _ in begun]
        call = writer.write_many(template().account_id, [sent for _, sent in begun])
        receipts = await self._answered(attempts, call)
        for attempt, receipt in zip(attempts, receipts or (), strict=False):
            self._take(attempt, receipt)

    async def _change_settings(self, store: SimulatedStore, _writer: BatchingWriter) -> None:
        field = template().fields[1]
        if self._chance.random() < 0.5:
            self._is_indexed = not self._is_indexed
            body: dict[str, Any] = {"is_filterable": self._is_indexed}
        else:
            body = {"name": self._chance.choice(("Contract", "Agreement", "Customer number"))}
        resource = Resource.CUSTOM_FIELD_DEFINITION
        write = settings_write(resource, Action.UPDATE, body, field.id)
        attempt, sent = self.history.begin(write)
        call = store.change_settings(template().account_id, sent)
        result = await self._answered([attempt], call)
        if result is not None:
            self._note(attempt, result)

    async def _read(self, store: SimulatedStore, _writer: BatchingWriter) -> None:
        account_id = template().account_id
        reads: list[Callable[[], Awaitable[object]]] = [
            lambda: store.search_leads(account_id, LeadSearch(limit=5), now=0),
            store.is_ready,
        ]
        if self._leads:
            lead_id = self._chance.choice(self._leads)
            reads.append(lambda: store.lead(account_id, lead_id))
        with suppress(ResourceNotFound):
            await self._answered([], self._chance.choice(reads)())

    async def _answered(self, attempts: list[Attempt], call: Awaitable[T]) -> T | None:
        """Return the answer; None after an error that clients may meet."""
        try:
            return await call
        except (WriteQueueFull, ServiceStopping) as error:
            for attempt in attempts:
                attempt.is_surely_unwritten = True
            self._world.note(f"turned away: {error.code}")
        except ResourceNotFound:
            raise
        except (OneleadError, sqlite3.DatabaseError, sqlalchemy.exc.DatabaseError) as error:
            if not isinstance(error, StoreUnavailable) and not self._world.faults.has_lied:
                self._world.defect(error)
            self._world.note(f"failed: {type(error).__name__}")
        except Exception as error:  # noqa: BLE001 - the simulation ends with it
            self._world.defect(error)
        return None

    def _take(self, attempt: Attempt, receipt: Receipt) -> None:
        result = receipt.result
        self._note(attempt, receipt)
        self._writes.learn(result)
        if result.outcome is Outcome.REFUSED:
            self._refused = [*self._refused, receipt.seq][-10:]
        elif result.lead is not None and "steady" not in str(result.lead.email):
            self._done = [*self._done, receipt.seq][-10:]
            self._leads = [*self._leads, result.lead.id][-10:]

    def _note(self, attempt: Attempt, answer: Receipt | SettingsResult) -> None:
        attempt.answer = answer
        outcome = answer.result.outcome if isinstance(answer, Receipt) else answer.outcome
        self._world.note(f"{attempt.request_id}: {outcome} {answer.seq}")

    # --- what is sent --------------------------------------------------------------------------

    def _next_write(self) -> LeadWrite:
        chance = self._chance
        kind = chance.choices(("plain", "steady", "act", "keyed"), (60, 15, 15, 10))[0]
        if kind == "steady":
            email = steady_email(chance.randrange(STEADY_PEOPLE))
            spelling = chance.choice((email, email.upper(), f"mailto:{email}", f"Nora <{email}>"))
            return upsert("email", spelling, name="Steady Field", title=chance.choice("AB"))
        if kind == "act" and len(self._leads) > 1:
            return self._act()
        if kind == "keyed":
            return self._with_key()
        return self._writes.next_write()

    def _with_key(self) -> LeadWrite:
        """Draw a write with a key, or send one again."""
        if self._keyed and self._chance.random() < 0.5:
            return self._chance.choice(self._keyed)
        number = len(self.history.attempts)
        write = keyed(self._writes.next_write(), f"key {number:05}")
        self._keyed = [*self._keyed, write][-5:]
        return write

    def _act(self) -> LeadWrite:
        chance = self._chance
        one, other = chance.choice(self._leads), chance.choice(self._leads)
        person = chance.randrange(_PEOPLE)
        acts: list[Callable[[], LeadWrite]] = [
            lambda: rule(one, "email", f"n{person}@field.example", claims=chance.random() < 0.5)
        ]
        if self._done:
            acts.append(lambda: undo(chance.choice(self._done), force=chance.random() < 0.3))
        if one != other:
            acts += [lambda: merge(one, other), lambda: separate(one, other)]
        if self._refused:
            acts.append(lambda: chance.choice((dismiss, reopen))(chance.choice(self._refused)))
        return chance.choice(acts)()
