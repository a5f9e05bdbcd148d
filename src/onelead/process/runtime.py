"""What one serving process works with, for the API and the web application alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from onelead.contract.store import Store
from onelead.domain.errors import NotPossible, WriteQueueFull
from onelead.domain.limits import (
    BULK_STREAMS_MAX,
    BULK_STREAMS_OF_ACCOUNT_MAX,
    LIVE_POLL_S,
    PAGE_EXPORTS_AT_ONCE_MAX,
    PAGE_EXPORTS_OF_ACCOUNT_MAX,
    RETRY_AFTER_S,
)
from onelead.process.api_key_uses import ApiKeyUses
from onelead.process.company_provider import CompanyProvider
from onelead.process.feed import Feed
from onelead.process.metrics import Metrics
from onelead.process.password_hashes import PasswordHashes
from onelead.process.readiness import Readiness
from onelead.process.refused_sign_ins import RefusedSignIns
from onelead.process.shared_values import SharedValueScans
from onelead.process.turns import Turns
from onelead.process.watch import Watch
from onelead.process.writer import BatchingWriter


@dataclass(frozen=True)
class Runtime:
    """What the composition root has put together, once for each process."""

    store: Store
    writer: BatchingWriter
    #: Unix seconds.
    clock: Callable[[], int]
    #: Seconds that never go backwards, for expiries and durations.
    monotonic: Callable[[], float]
    new_request_id: Callable[[], str]
    #: What links are made of; None to make them of what a request says.
    url: str | None = None
    #: Called after each settings change, which may have left index work.
    settings_changed: Callable[[], None] = lambda: None
    #: Called when the undo of a batch begins.
    undo_begun: Callable[[], None] = lambda: None
    #: Called after each step that people ask for of an import.
    import_begun: Callable[[], None] = lambda: None
    #: Called after each erasure that was begun, whose steps are done in the background.
    erasure_begun: Callable[[], None] = lambda: None
    metrics: Metrics = field(default_factory=Metrics)
    passwords: PasswordHashes = field(default_factory=PasswordHashes)
    #: None where users do not sign in at a company's provider.
    company: CompanyProvider | None = None
    api_key_uses: ApiKeyUses = field(default_factory=ApiKeyUses)
    #: How often the feed looks for new deliveries, in seconds.
    live_poll_s: float = LIVE_POLL_S

    @cached_property
    def bulk_streams(self) -> Turns:
        """A place for each bulk upsert that this process serves at a time."""
        return Turns(
            BULK_STREAMS_MAX,
            BULK_STREAMS_OF_ACCOUNT_MAX,
            lambda: WriteQueueFull(retry_after_s=RETRY_AFTER_S),
        )

    @cached_property
    def exports(self) -> Turns:
        """The places of those who take data out by the pages of this process."""
        return Turns(
            PAGE_EXPORTS_AT_ONCE_MAX,
            PAGE_EXPORTS_OF_ACCOUNT_MAX,
            lambda: NotPossible(
                "Other exports are under way; try again when one of them has ended"
            ),
        )

    @cached_property
    def refused_sign_ins(self) -> RefusedSignIns:
        """The refused sign-ins of this process."""
        return RefusedSignIns(self.store, self.monotonic)

    @cached_property
    def readiness(self) -> Readiness:
        """Whether this process should receive requests."""
        return Readiness(
            self.store.is_ready,
            lambda: self.writer.is_below_high_water,
            trouble=lambda: self.store.trouble,
            concerns=lambda: self.store.concerns,
        )

    @cached_property
    def feed(self) -> Feed:
        """New deliveries, for pages that show them as they arrive."""
        return Feed(self.store.search_ledger, poll_s=self.live_poll_s)

    @cached_property
    def ledger_watch(self) -> Watch[int]:
        """The newest ledger numbers, for calls that wait for the next write."""
        return Watch(self.store.ledger_seq, poll_s=self.live_poll_s)

    def stop_waiting(self) -> None:
        """End every stream, and let every call that waits for writes go on."""
        self.writer.end_bulk()
        self.feed.stop()
        self.ledger_watch.stop()

    @cached_property
    def scans(self) -> SharedValueScans:
        """The scans for values that several leads share."""
        return SharedValueScans(self.store, self.clock, self.monotonic)
