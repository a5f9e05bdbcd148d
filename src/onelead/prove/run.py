"""A proof, from its first process to its verdict.

Makes an account of its own, starts the processes, lets the clients deliver, disturbs the processes
and the database if asked to, stops everything, and checks the answers and what is stored.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
import signal
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import uvloop
from msgspec import Struct

from onelead import app
from onelead.configuration import Configuration, LogLevel
from onelead.contract.access import NewAccount
from onelead.contract.ledger import AccountRows
from onelead.contract.store import Store
from onelead.domain.errors import NotPossible
from onelead.domain.settings.change import Resource, SettingsWrite
from onelead.domain.writes import Action, Delivery
from onelead.prove.check.verdict import Beginning, Verdict, judge
from onelead.prove.drive.clients import Clients, Recorded
from onelead.prove.drive.disturbances import Disturbances, Happened
from onelead.prove.drive.people import DEFINITIONS, People
from onelead.prove.drive.processes import SERVE, ServerProcess
from onelead.prove.options import Options

EMAIL = "prove@example.com"
#: If deliveries under way at the end are not answered within this time, something is broken.
_END_TIMEOUT_S = 120.0
_PROGRESS_S = 0.25
_INDEX_STEPS_MAX = 10_000


class Progress(Struct, frozen=True):
    """How far a proof has come."""

    phase: str
    seconds: float
    sent: int = 0
    happened: Happened = msgspec.field(default_factory=Happened)


@dataclass
class Outcome:
    """What a proof did and found."""

    options: Options
    account_id: int
    #: How many processes served.
    processes: int
    recorded: Recorded
    verdict: Verdict
    happened: Happened
    #: Whether there is no database server.
    is_database_a_file: bool
    #: From the first delivery to the last answer.
    seconds: float
    #: The share of one core that the clients themselves took while they ran.
    client_share: float
    #: The last log lines of the processes that logged anything.
    logs: Sequence[str]


OnProgress = Callable[[Progress], None]


def prove(configuration: Configuration, options: Options, on_progress: OnProgress) -> Outcome:
    """Run a proof. Raises NotPossible if a process does not start or ends unexpectedly."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            run, rows = runner.run(_delivered(configuration, options, on_progress))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
    on_progress(run.progress("checking"))
    recorded = run.recorded
    verdict = judge(recorded.operations(), rows, run.beginning, recorded.reads())
    return run.outcome(verdict)


async def _delivered(
    configuration: Configuration, options: Options, on_progress: OnProgress
) -> tuple[_Run, AccountRows]:
    """Let the clients deliver, then read what is stored."""
    async with app.open_store(configuration, serving=False) as store:
        account, beginning = await _prepare(store, options.seed)
        run = _Run(configuration, options, account, beginning, on_progress)
        with _ended_by_sigterm(), _garbage_collected_rarely():
            await run.deliver()
        await _complete_index(store, account.account_id)
        return run, await store.account_rows(account.account_id)


@contextlib.contextmanager
def _garbage_collected_rarely() -> Iterator[None]:
    """Keep the garbage collector from walking the growing history, which has no cycles."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 100, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@contextlib.contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end the proof and all its processes, as Ctrl-C does."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


async def _prepare(store: Store, seed: int) -> tuple[NewAccount, Beginning]:
    """Make the account and its definitions."""
    account = await store.create_account(f"prove {seed}", EMAIL)
    empty = await store.settings(account.account_id)
    _, last_id, _ = (await store.account_rows(account.account_id)).lane
    for definition in DEFINITIONS:
        body = {**definition, "available_on": ["lead"], "is_filterable": True}
        payload = msgspec.json.encode(body).decode()
        delivery = Delivery("", account.user_id, None, payload)
        write = SettingsWrite(Resource.CUSTOM_FIELD_DEFINITION, Action.CREATE, delivery, None, body)
        await store.change_settings(account.account_id, write)
    settings = await store.settings(account.account_id)
    return account, Beginning(empty, last_id, settings, len(DEFINITIONS))


async def _complete_index(store: Store, account_id: int) -> None:
    for _ in range(_INDEX_STEPS_MAX):
        if not await store.build_index(account_id):
            return
    raise NotPossible("the index work of the account does not finish")


class _Run:
    """The processes and the clients of one proof."""

    def __init__(
        self,
        configuration: Configuration,
        options: Options,
        account: NewAccount,
        beginning: Beginning,
        on_progress: OnProgress,
    ) -> None:
        self._options = options
        self._account = account
        self.beginning = beginning
        self._on_progress = on_progress
        own = replace(
            configuration,
            host="127.0.0.1",
            port=0,
            workers=1,
            log_level=LogLevel.WARNING,
            url=Configuration.url,
        )
        count = options.processes
        if configuration.database_path is not None and options.command is SERVE:
            # Only one process can serve a SQLite file.
            count = 1
        self.processes = [ServerProcess(options.command, own) for _ in range(count)]
        definition_ids = tuple(field.id for field in beginning.settings.fields)
        drawn = random.Random(options.seed)  # noqa: S311 - no secret
        people = People(drawn, options.people, definition_ids)
        self._clients = Clients(self.processes, people, account)
        self.recorded = self._clients.recorded
        self._disturbances = Disturbances(
            self.processes,
            app.database_sessions(own),
            random.Random(options.seed),  # noqa: S311 - no secret
            lambda: self._clients.ending,
        )
        self._started = time.monotonic()
        self._seconds = 0.0
        self._own_cpu_s = 0.0
        self._logs: list[str] = []

    async def deliver(self) -> None:
        """Start the processes, let the clients deliver, and stop the processes."""
        try:
            self._on_progress(self.progress("starting"))
            async with asyncio.TaskGroup() as starting:
                for process in self.processes:
                    starting.create_task(process.start())
            await self._drive()
            self._on_progress(self.progress("stopping"))
            await asyncio.gather(*(process.stop() for process in self.processes))
        except ExceptionGroup as failures:
            # The first failure is what ended the others.
            raise failures.exceptions[0] from None
        finally:
            self._logs = [process.log_tail for process in self.processes if process.log_tail]
            await asyncio.gather(*(process.abandon() for process in self.processes))

    async def _drive(self) -> None:
        self._started = time.monotonic()
        own_cpu_s = time.process_time()
        asyncio.get_running_loop().call_later(self._options.seconds, self._end)
        try:
            async with (
                asyncio.timeout(self._options.seconds + _END_TIMEOUT_S),
                asyncio.TaskGroup() as group,
            ):
                group.create_task(self._watch())
                for number in range(self._options.clients):
                    group.create_task(self._clients.run(number))
                group.create_task(self._clients.switch(self._options.clients))
                for disturb in self._wanted():
                    group.create_task(disturb())
        except TimeoutError:
            log = self.processes[0].log_tail
            raise NotPossible(f"the processes stopped answering\n  {log}") from None
        self._seconds = time.monotonic() - self._started
        self._own_cpu_s = time.process_time() - own_cpu_s

    def _end(self) -> None:
        self._clients.ending = True

    async def _watch(self) -> None:
        """Report progress, and fail if a process ends unexpectedly."""
        while not self._clients.ending:
            await asyncio.sleep(_PROGRESS_S)
            self._on_progress(self.progress("delivering"))
            for process in self.processes:
                if process.has_ended:
                    raise NotPossible(f"a server ended unexpectedly\n  {process.log_tail}")

    def _wanted(self) -> Iterator[Callable[[], Coroutine[Any, Any, None]]]:
        """Return how the processes and the database are to be disturbed."""
        if self._options.kill:
            yield self._disturbances.kill
        if self._options.pause:
            yield self._disturbances.pause
        if self._options.kill_database:
            yield self._disturbances.kill_database

    def progress(self, phase: str) -> Progress:
        """Return how far the proof has come."""
        return Progress(
            phase,
            time.monotonic() - self._started,
            len(self.recorded.attempts),
            self._disturbances.happened,
        )

    def outcome(self, verdict: Verdict) -> Outcome:
        """Return what was done and found."""
        return Outcome(
            options=self._options,
            account_id=self._account.account_id,
            processes=len(self.processes),
            recorded=self.recorded,
            verdict=verdict,
            happened=self._disturbances.happened,
            is_database_a_file=self._disturbances.sessions is None,
            seconds=self._seconds,
            client_share=self._own_cpu_s / max(self._seconds, 1e-9),
            logs=self._logs,
        )
