"""An event loop without a clock, threads or sockets: what runs next is drawn from a seed.

It keeps what asyncio promises: callbacks run in the order in which they were scheduled, and an
executor runs no more at a time than it has threads. Everything else is chance: which process goes
on, how long a thread takes, how long the system needs for anything.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import Context
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple, Unpack

from msgspec import Struct

if TYPE_CHECKING:
    from tests.support.simulation.world import World

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
#: How many threads asyncio's own executor has, at least.
_DEFAULT_THREADS = 5
_THREAD_DELAY_S = 0.000_2


class Job(Struct):
    """Work for a thread."""

    due: float
    threads: Executor | None
    work: Callable[[], Any]
    future: asyncio.Future[Any]


class SimulatedLoop(asyncio.AbstractEventLoop):
    """The event loop of one simulated process. The world runs its callbacks, one at a time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._numbers = itertools.count()
        self._jobs: list[Job] = []
        self._running_jobs: Counter[int] = Counter()
        #: Whether one of its callbacks is under way, so that no other can begin.
        self.is_blocked = False
        self.is_dead = False

    # --- what the world asks -------------------------------------------------------------------

    def is_runnable(self) -> bool:
        """Whether there is a callback to run, or a thread that ends."""
        if self.is_dead:
            return False
        return bool(not self.is_blocked and self._next_callback()) or bool(self._due_jobs())

    def next_time(self) -> float | None:
        """When something becomes runnable, if nothing is."""
        times = [job.due for job in self._jobs if self._has_thread(job)]
        while self._timers and self._timers[0][2].cancelled():
            heapq.heappop(self._timers)
        if self._timers and not self.is_blocked:
            times.append(self._timers[0][0])
        return min(times, default=None)

    def run_one(self) -> None:
        """Run one callback, or the work of one thread."""
        jobs = self._due_jobs()
        handle = None if self.is_blocked else self._next_callback()
        if jobs and (handle is None or self._world.chance.random() < 0.5):
            self._run_job(jobs[self._world.chance.randrange(len(jobs))])
        elif handle is not None:
            self._ready.popleft()
            self._run_callback(handle)

    def die(self) -> None:
        """End as a killed process does: nothing that waits here ever goes on."""
        self.is_dead = True
        self._ready.clear()
        self._timers.clear()
        self._jobs.clear()

    def _next_callback(self) -> asyncio.Handle | None:
        while self._timers and self._timers[0][0] <= self._world.now_s:
            self._ready.append(heapq.heappop(self._timers)[2])
        while self._ready and self._ready[0].cancelled():
            self._ready.popleft()
        return self._ready[0] if self._ready else None

    def _due_jobs(self) -> list[Job]:
        due = [job for job in self._jobs if job.due <= self._world.now_s and self._has_thread(job)]
        # A thread takes the oldest work first.
        first = {id(job.threads): job for job in reversed(due)}
        return [job for job in due if first[id(job.threads)] is job]

    def _has_thread(self, job: Job) -> bool:
        threads = _DEFAULT_THREADS
        if isinstance(job.threads, ThreadPoolExecutor):
            threads = job.threads._max_workers  # noqa: SLF001 - it never gets a thread of its own
        return self._running_jobs[id(job.threads)] < threads

    def _run_callback(self, handle: asyncio.Handle) -> None:
        self.is_blocked = True
        with _running_loop(self):
            handle._run()  # noqa: SLF001
        self.is_blocked = False

    def _run_job(self, job: Job) -> None:
        self._jobs.remove(job)
        if job.future.cancelled():
            return
        self._running_jobs[id(job.threads)] += 1
        with _running_loop(None):
            try:
                result, error = job.work(), None
            except Exception as raised:  # noqa: BLE001 - it belongs to who waits for the thread
                result, error = None, raised
        self._running_jobs[id(job.threads)] -= 1
        delay_s = self._world.chance.random() * _THREAD_DELAY_S
        self.call_later(delay_s, self._answer, job.future, result, error)

    @staticmethod
    def _answer(future: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    # --- what asyncio asks ---------------------------------------------------------------------

    def time(self) -> float:
        return self._world.now_s

    def call_soon(
        self,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        if not self.is_dead:
            self._ready.append(handle)
        return handle

    def call_later(
        self,
        delay: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        if not self.is_dead:
            heapq.heappush(self._timers, (when, next(self._numbers), handle))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is skipped when its time comes."""

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        future: asyncio.Future[T] = self.create_future()
        due = self._world.now_s + self._world.chance.random() ** 3 * 5 * _THREAD_DELAY_S
        self._jobs.append(Job(due, executor, lambda: func(*args), future))
        return future

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(
        self, coro: Any, *, name: str | None = None, context: Context | None = None
    ) -> Any:
        return asyncio.Task(coro, loop=self, name=name, context=context)

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return not self.is_dead

    def is_closed(self) -> bool:
        return self.is_dead

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Report what nobody waits for; in a dead process everything is like that."""
        if not self.is_dead:
            self._world.defect(context.get("exception") or RuntimeError(context["message"]))


@contextmanager
def _running_loop(loop: SimulatedLoop | None) -> Iterator[None]:
    """Be in a loop, or in a thread; a callback may run while a thread of another loop waits."""
    outer = asyncio._get_running_loop()  # noqa: SLF001 - made for those who write event loops
    asyncio._set_running_loop(loop)  # noqa: SLF001
    try:
        yield
    finally:
        asyncio._set_running_loop(outer)  # noqa: SLF001
