"""What one serving process works with, for the API and the web application alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from onelead.metrics import Metrics
from onelead.store import Store
from onelead.writer import BatchingWriter


@dataclass(frozen=True)
class Services:
    """The parts; the composition root makes them."""

    store: Store
    writer: BatchingWriter
    #: Unix seconds.
    clock: Callable[[], int]
    #: Seconds that never go backwards, for what expires.
    monotonic: Callable[[], float]
    new_request_id: Callable[[], str]
    #: Called after each change of the field settings, which may have left work for the index job.
    settings_changed: Callable[[], None] = lambda: None
    metrics: Metrics = field(default_factory=Metrics)
