"""Scans for values that several leads share, so that an upsert by them would be refused.

Placeholders are left out: they identify nobody, so that nothing is gained by making them unique.

A look at an account starts a scan of its match keys in the background, unless the last one is
recent. Scans run one at a time; until one is done, the page shows the last one with its date.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog
from msgspec import Struct

from onelead.contract.figures import SharedValue, SharedValues
from onelead.domain.account import AccountSettings
from onelead.domain.errors import StoreUnavailable
from onelead.domain.limits import SCAN_ACCOUNTS_MAX, SCAN_CHUNK_KEYS, SCAN_REST_S, SCAN_VALUES_MAX

log = structlog.get_logger(__name__)


class FieldScan(Struct, frozen=True):
    """What a scan found in one field."""

    #: `name`, `email`, or a definition's `key_field`.
    key_field: str
    #: How many shared values the field has in all.
    shared: int
    #: The first SCAN_VALUES_MAX of them, those with the most leads first.
    values: Sequence[SharedValue]


class SharedValueScan(Struct, frozen=True):
    """What a scan of an account found."""

    #: When the scan ended, Unix seconds.
    date: int
    #: Only fields with shared values.
    fields: Sequence[FieldScan]


class ScanView(Struct, frozen=True):
    """What can be shown of an account now."""

    #: The last complete scan; None before the first.
    scan: SharedValueScan | None
    #: How much of the scan under way is done, 0 to 100; None if none is.
    percent: int | None


class ScanStore(Protocol):
    """What a scan needs of a store."""

    async def shared_values(
        self, account_id: int, key_field: str, *, after: str, limit: int
    ) -> SharedValues:
        """See `FigureStore`."""


def scanned_fields(settings: AccountSettings) -> list[str]:
    """Return the fields of match keys that identify people, as far as they are indexed."""
    return ["name", "email", *(field.key_field for field in settings.identifying_fields)]


class SharedValueScans:
    """The scans of one process."""

    def __init__(
        self,
        store: ScanStore,
        clock: Callable[[], int],
        monotonic: Callable[[], float],
    ) -> None:
        """Take a clock in Unix seconds, and one in seconds that never goes backwards."""
        self._store = store
        self._clock = clock
        self._monotonic = monotonic
        #: The account that was looked at last is at the end.
        self._accounts: OrderedDict[int, _Account] = OrderedDict()
        #: One scan at a time, of whatever account.
        self._turn = asyncio.Lock()

    def look(self, settings: AccountSettings, lead_count: int) -> ScanView:
        """Return what is known, and start a new scan if the last began SCAN_REST_S ago."""
        account = self._accounts.setdefault(settings.account_id, _Account())
        self._accounts.move_to_end(settings.account_id)
        if account.is_due(self._monotonic()):
            scan = self._scan(account, settings, lead_count)
            account.began_s, account.done = self._monotonic(), 0.0
            account.task = asyncio.get_running_loop().create_task(scan)
        while len(self._accounts) > SCAN_ACCOUNTS_MAX:
            _, forgotten = self._accounts.popitem(last=False)
            forgotten.cancel()
        return account.view()

    async def stop(self) -> None:
        """End the scans."""
        tasks = [account.task for account in self._accounts.values() if account.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _scan(self, account: _Account, settings: AccountSettings, leads: int) -> None:
        fields = scanned_fields(settings)
        try:
            async with self._turn:
                found = [
                    await self._scan_field(account, settings, field, (n, len(fields), leads))
                    for n, field in enumerate(fields)
                ]
        except StoreUnavailable:
            return
        except Exception:
            log.exception("the scan for shared values failed")
            return
        account.last = SharedValueScan(self._clock(), [field for field in found if field.shared])

    async def _scan_field(
        self,
        account: _Account,
        settings: AccountSettings,
        key_field: str,
        place: tuple[int, int, int],
    ) -> FieldScan:
        number, fields, leads = place
        after: str | None = ""
        shared, passed = 0, 0
        most: list[SharedValue] = []
        while after is not None:
            began = self._monotonic()
            step = await self._store.shared_values(
                settings.account_id, key_field, after=after, limit=SCAN_CHUNK_KEYS
            )
            found = [one for one in step.values if not settings.placeholders.have(one.value)]
            shared, passed, after = shared + len(found), passed + step.passed, step.next_after
            most = heapq.nlargest(SCAN_VALUES_MAX, [*most, *found], key=lambda value: value.leads)
            account.done = (number + min(1.0, passed / max(leads, 1))) / fields
            # Leave the database to others for as long as the step took.
            await asyncio.sleep(self._monotonic() - began)
        return FieldScan(key_field, shared, most)


class _Account:
    """The last scan of one account, and the one under way."""

    def __init__(self) -> None:
        self.last: SharedValueScan | None = None
        self.began_s: float | None = None
        #: The part of the scan under way that is done, 0 to 1.
        self.done = 0.0
        self.task: asyncio.Task[None] | None = None

    def is_due(self, now_s: float) -> bool:
        if self.task is not None and not self.task.done():
            return False
        return self.began_s is None or now_s - self.began_s >= SCAN_REST_S

    def view(self) -> ScanView:
        is_scanning = self.task is not None and not self.task.done()
        return ScanView(self.last, int(self.done * 100) if is_scanning else None)

    def cancel(self) -> None:
        if self.task is not None:
            self.task.cancel()
