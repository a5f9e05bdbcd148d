"""The metrics of the service, in the Prometheus text format; `docs/metrics.md` explains each.

The only module that knows Prometheus. Each process counts for itself. Where several processes
serve one port, each keeps its metrics in memory-mapped files of a shared folder, and any of them
shows the sum of all. The files are named by the worker's number and not its process id, so a worker
that replaces a dead one counts on from where that one stopped.
"""

from __future__ import annotations

import resource
import time
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    values,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from onelead.contract.store import PoolUse, StoreObserver
from onelead.domain.errors import OneleadError
from onelead.domain.writes import Outcome, WriteResult
from onelead.process.writer import WriterObserver

CONTENT_TYPE = CONTENT_TYPE_LATEST

# The time at which a metric began is one more line for each, and no one reads it.
disable_created_metrics()  # type: ignore[no-untyped-call]

_REQUEST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_TRANSACTION_SECONDS = (0.0005, *_REQUEST_SECONDS[:-1], 20)
_BATCH_WRITES = (1, 2, 4, 8, 16, 32, 64, 128, 256)

#: Takes a request's status and its duration in seconds.
CountRequest = Callable[[int, float], None]


class Metrics(WriterObserver, StoreObserver):
    """The metrics of this process, and the page that shows those of the whole service."""

    def __init__(self, shared_folder: Path | None = None, *, follows_hang: bool = False) -> None:
        """Begin to count; with a folder, only inside `sharing_figures`.

        `follows_hang` says that this process replaces one that hung, which could not count it.
        """
        self._shared_folder = shared_folder
        self._registry = CollectorRegistry()
        self._define_counts()
        self._define_state()
        self._cpu_seconds_counted = 0.0
        self._trouble_shown: str | None = None
        self._starts.inc()
        self._hangs.inc(follows_hang)
        self._workers.set(1)

    def _define_counts(self) -> None:
        counter = partial(Counter, registry=self._registry)
        histogram = partial(Histogram, registry=self._registry)
        self._request_seconds = histogram(
            "onelead_request_seconds",
            "From a request's headers to its answer.",
            ("method", "route", "status"),
            buckets=_REQUEST_SECONDS,
        )
        writes = counter("onelead_writes", "Lead writes committed, by outcome.", ("outcome",))
        #: Bound once, and shown as 0 before they happen, so that the first time is a change.
        self._writes = {outcome: writes.labels(outcome.value) for outcome in Outcome}
        self._refusals = counter("onelead_refusals", "Lead writes refused, by reason.", ("reason",))
        self._turned_away = counter(
            "onelead_writes_turned_away", "Lead writes not accepted.", ("reason",)
        )
        self._batch_writes = histogram(
            "onelead_batch_writes", "Lead writes in a committed batch.", buckets=_BATCH_WRITES
        )
        transaction_seconds = histogram(
            "onelead_transaction_seconds",
            "A batch's transaction, with waiting for its turn and all retries.",
            ("result",),
            buckets=_TRANSACTION_SECONDS,
        )
        self._committed_seconds = transaction_seconds.labels("committed")
        self._failed_seconds = transaction_seconds.labels("failed")
        self._retries = counter("onelead_transaction_retries", "Transactions retried.", ("reason",))
        index_steps = counter("onelead_index_steps", "Steps of the index work.", ("result",))
        self._steps_done = index_steps.labels("done")
        self._steps_failed = index_steps.labels("failed")
        self._made_room = counter(
            "onelead_connections_made_room", "Idle connections closed for new ones.", ("reason",)
        )
        self._connections_refused = counter(
            "onelead_connections_refused", "Connections beyond the bounds.", ("reason",)
        )

    def _define_state(self) -> None:
        counter = partial(Counter, registry=self._registry)
        # With several processes: the sum over those that are alive.
        gauge = partial(Gauge, registry=self._registry, multiprocess_mode="livesum")
        self._queue_writes = gauge("onelead_queue_writes", "Lead writes waiting or in flight.")
        self._queue_bytes = gauge("onelead_queue_bytes", "Bytes of their bodies.")
        self._pool_in_use = gauge("onelead_pool_in_use", "Database connections in use.")
        self._pool_size = gauge("onelead_pool_size", "Database connections at most.")
        self._connections = gauge("onelead_connections", "Connections of clients.")
        self._trouble = gauge(
            "onelead_database_trouble", "Processes whose database is in trouble.", ("reason",)
        )
        self._workers = gauge("onelead_workers", "Processes that serve.")
        self._memory = gauge("process_resident_memory_bytes", "Resident memory.")
        self._starts = counter("onelead_worker_starts", "Processes that began to serve.")
        self._hangs = counter("onelead_worker_hangs", "Processes that hung and were replaced.")
        self._cpu_seconds = counter("process_cpu_seconds", "User and system CPU time.")

    def request_counter(self, method: str, route: str) -> CountRequest:
        """Return what counts the requests of a route; routes without any are not shown."""
        by_status: dict[int, Callable[[float], None]] = {}

        def count(status: int, seconds: float) -> None:
            observe = by_status.get(status)
            if observe is None:
                histogram = self._request_seconds.labels(method, route, str(int(status)))
                observe = by_status[status] = histogram.observe
            observe(seconds)

        return count

    def batch_committed(self, results: Sequence[WriteResult], seconds: float) -> None:
        """See WriterObserver."""
        self._committed_seconds.observe(seconds)
        self._batch_writes.observe(len(results))
        # A repeated request is no write.
        done = [result.outcome for result in results if result.replayed_seq is None]
        for outcome, count in Tally(done).items():
            self._writes[outcome].inc(count)
            if outcome is Outcome.REFUSED:
                self._count_refusals(results)

    def _count_refusals(self, results: Sequence[WriteResult]) -> None:
        for result in results:
            if result.refusal is not None:
                self._refusals.labels(result.refusal.code).inc()

    def batch_failed(self, seconds: float) -> None:
        """See WriterObserver."""
        self._failed_seconds.observe(seconds)

    def turned_away(self, writes: int, error: OneleadError) -> None:
        """See WriterObserver."""
        self._turned_away.labels(error.code).inc(writes)

    def transaction_retried(self, reason: str) -> None:
        """See StoreObserver."""
        self._retries.labels(reason).inc()

    def index_step(self, is_done: bool) -> None:  # noqa: FBT001 - see IndexWork
        """Count a step of the index work."""
        (self._steps_done if is_done else self._steps_failed).inc()

    def connections_open(self, count: int) -> None:
        """Record how many connections of clients are open."""
        self._connections.set(count)

    def connection_made_room(self, reason: str) -> None:
        """Count an idle connection that was closed for a new one."""
        self._made_room.labels(reason).inc()

    def connection_refused(self, reason: str) -> None:
        """Count a new connection for which none could make room."""
        self._connections_refused.labels(reason).inc()

    def sample(
        self,
        queue_writes: int,
        queue_bytes: int,
        pool: PoolUse,
        trouble: OneleadError | None = None,
    ) -> None:
        """Record the state of this moment, which is not counted as it changes."""
        self._show_trouble(None if trouble is None else trouble.code)
        self._queue_writes.set(queue_writes)
        self._queue_bytes.set(queue_bytes)
        self._pool_in_use.set(pool.in_use)
        self._pool_size.set(pool.size)
        self._memory.set(_resident_bytes())
        cpu_seconds = time.process_time()
        self._cpu_seconds.inc(cpu_seconds - self._cpu_seconds_counted)
        self._cpu_seconds_counted = cpu_seconds

    def _show_trouble(self, reason: str | None) -> None:
        if self._trouble_shown not in (None, reason):
            self._trouble.labels(self._trouble_shown).set(0)
        if reason is not None:
            self._trouble.labels(reason).set(1)
        self._trouble_shown = reason

    def page(self) -> bytes:
        """Return the metrics of all processes in the text format."""
        registry = self._registry
        if self._shared_folder is not None:
            registry = CollectorRegistry()
            MultiProcessCollector(registry, str(self._shared_folder))  # type: ignore[no-untyped-call]
        return generate_latest(registry)


@contextmanager
def sharing_figures(worker: int) -> Iterator[None]:
    """Keep this process's metrics in the shared folder while the block runs.

    The Prometheus library finds the folder in an environment variable of its own.
    """
    former = values.ValueClass
    values.ValueClass = values.MultiProcessValue(lambda: worker)  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        values.ValueClass.close_all_files()
        values.ValueClass = former


def forget_state_of(worker: int, shared_folder: Path) -> None:
    """Leave a dead worker out of the gauges; its counters stay."""
    mark_process_dead(worker, str(shared_folder))  # type: ignore[no-untyped-call]


def _resident_bytes() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        # Not Linux: the peak, in KiB.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return pages * resource.getpagesize()
