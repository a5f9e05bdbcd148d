"""Values that several leads share, which an upsert by them would refuse: looked for on demand.

Somebody who looks has the match keys walked in the background, one account at a time, at most
once in a while; until that is done the page shows what was found before, with its time.
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
from onelead.domain.custom_fields import TEXT_TYPES, CustomField
from onelead.domain.errors import StoreUnavailable
from onelead.domain.limits import SCAN_ACCOUNTS_MAX, SCAN_CHUNK_KEYS, SCAN_REST_S, SCAN_VALUES_MAX
from onelead.domain.matching import is_matchable

log = structlog.get_logger(__name__)


class FieldScan(Struct, frozen=True):
    """What was found in one field."""

    #: `name`, `email`, or a definition's `key_field`.
    key_field: str
    #: How many values are shared in all.
    shared: int
    #: Those of the most leads first.
    values: Sequence[SharedValue]


class SharedValueScan(Struct, frozen=True):
    """What was found in an account."""

    #: When the walk ended, Unix seconds.
    date: int
    #: Only fields with shared values.
    fields: Sequence[FieldScan]


class ScanView(Struct, frozen=True):
    """What can be said of an account now."""

    #: What the last complete walk found; None before the first.
    scan: SharedValueScan | None
    #: How much of the walk under way is done, 0 to 100; None when there is none.
    percent: int | None


class ScanStore(Protocol):
    """What the walk needs of a store."""

    async def shared_values(
        self, account_id: int, key_field: str, *, after: str, limit: int
    ) -> SharedValues:
        """See `FigureStore`."""


def scanned_fields(settings: AccountSettings) -> list[str]:
    """Return the match keys' fields that upserts tell people by, as far as they are indexed."""
    return ["name", "email", *(f.key_field for f in settings.lead_fields if _is_telling(f))]


def _is_telling(field: CustomField) -> bool:
    # Amounts, days and choices are shared by nature: they say nothing about who is one person.
    return is_matchable(field) and field.data_type in TEXT_TYPES


class SharedValueScans:
    """What one process knows of its accounts."""

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
        #: Whoever was looked at last is at the end.
        self._accounts: OrderedDict[int, _AccountScan] = OrderedDict()
        #: One walk at a time, whoever looks.
        self._turn = asyncio.Lock()

    def look(self, settings: AccountSettings, lead_count: int) -> ScanView:
        """Return what is known, and have it looked for anew when that was some time ago."""
        known = self._accounts.setdefault(settings.account_id, _AccountScan())
        self._accounts.move_to_end(settings.account_id)
        if known.is_due(self._monotonic()):
            walk = self._walk(known, settings, lead_count)
            known.began_s, known.part = self._monotonic(), 0.0
            known.task = asyncio.get_running_loop().create_task(walk)
        while len(self._accounts) > SCAN_ACCOUNTS_MAX:
            _, forgotten = self._accounts.popitem(last=False)
            forgotten.cancel()
        return known.view()

    async def stop(self) -> None:
        """End the walks."""
        tasks = [known.task for known in self._accounts.values() if known.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _walk(self, known: _AccountScan, settings: AccountSettings, leads: int) -> None:
        fields = scanned_fields(settings)
        try:
            async with self._turn:
                found = [
                    await self._walk_field(
                        known, settings.account_id, field, (n, len(fields), leads)
                    )
                    for n, field in enumerate(fields)
                ]
        except StoreUnavailable:
            return
        except Exception:
            log.exception("shared values could not be looked for")
            return
        known.scan = SharedValueScan(self._clock(), [field for field in found if field.shared])

    async def _walk_field(
        self, known: _AccountScan, account_id: int, key_field: str, place: tuple[int, int, int]
    ) -> FieldScan:
        number, fields, leads = place
        after: str | None = ""
        shared, passed = 0, 0
        most: list[SharedValue] = []
        while after is not None:
            began = self._monotonic()
            step = await self._store.shared_values(
                account_id, key_field, after=after, limit=SCAN_CHUNK_KEYS
            )
            shared, passed, after = shared + len(step.values), passed + step.passed, step.next_after
            most = heapq.nlargest(
                SCAN_VALUES_MAX, [*most, *step.values], key=lambda value: value.leads
            )
            known.part = (number + min(1.0, passed / max(leads, 1))) / fields
            # Others want to read, too.
            await asyncio.sleep(self._monotonic() - began)
        return FieldScan(key_field, shared, most)


class _AccountScan:
    """What is known of one account."""

    def __init__(self) -> None:
        self.scan: SharedValueScan | None = None
        self.began_s: float | None = None
        self.part = 0.0
        self.task: asyncio.Task[None] | None = None

    def is_due(self, now_s: float) -> bool:
        if self.task is not None and not self.task.done():
            return False
        return self.began_s is None or now_s - self.began_s >= SCAN_REST_S

    def view(self) -> ScanView:
        is_looking = self.task is not None and not self.task.done()
        return ScanView(self.scan, int(self.part * 100) if is_looking else None)

    def cancel(self) -> None:
        if self.task is not None:
            self.task.cancel()
