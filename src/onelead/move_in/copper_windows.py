"""Reads all leads of Copper that changed since a moment, although they change while they are read.

A search reaches 100,000 leads, so time is cut into windows with fewer. Inside a window the pages
shift when a lead changes: the lead leaves the window, and the one behind it moves to a page that
was read before. So a window is read again until its count was the same all the time. A lead that
changes comes again in a later window.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, NamedTuple

from onelead.domain.limits import ID_MAX, PAGE_SIZE_MAX
from onelead.move_in.copper_api import Copper, CopperFailed, Found
from onelead.move_in.limits import (
    COPPER_OVERLAP_S,
    COPPER_PASSES_MAX,
    COPPER_REACH_LEADS,
    COPPER_WINDOW_LEADS_MAX,
)

LEADS = "/leads/search"


class Page(NamedTuple):
    """Leads that were not read before."""

    leads: list[dict[str, Any]]
    #: All leads that were last changed before this moment are on earlier pages.
    since: int


#: Clocks differ; a lead that changed just now is read, too.
_AHEAD_S = 86_400


class Windows:
    """The leads that were last changed since a moment, in Unix seconds; `now` is another."""

    def __init__(self, copper: Copper, since: int, now: int) -> None:
        self._copper = copper
        self._since, self._now = since, now
        #: How many leads Copper has counted and not shown.
        self.unseen = 0

    async def pages(self) -> AsyncGenerator[Page]:
        """Yield the pages, oldest change first; the next one is asked for meanwhile."""
        async with aclosing(self._windows()) as pages:
            coming = asyncio.ensure_future(anext(pages, None))
            try:
                while (page := await coming) is not None:
                    coming = asyncio.ensure_future(anext(pages, None))
                    yield page
            finally:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)

    async def _windows(self) -> AsyncGenerator[Page]:
        # Leads that change now enter the window that is open, and only leave the others.
        opened = max(self._since, self._now - COPPER_OVERLAP_S)
        waiting = [(opened, self._now + _AHEAD_S), (self._since, opened - 1)]
        while waiting:
            first, last = waiting.pop()
            if first > last:
                continue
            found = await self._page(first, last, 1)
            if (found.total or 0) > COPPER_WINDOW_LEADS_MAX and first < last:
                middle = (first + last) // 2
                waiting += [(middle + 1, last), (first, middle)]
                continue
            window = _Window(first, last, is_open=last >= opened)
            for _ in range(COPPER_PASSES_MAX):
                reading = _Pass(found.total)
                while not reading.is_over(found):
                    reading.add(found)
                    page = window.page(found.entries, reading)
                    if page.leads:
                        yield page
                    if reading.is_complete:
                        break
                    found = await self._page(first, last, reading.pages + 1)
                if reading.is_complete or not reading.has_news:
                    break
                found = await self._page(first, last, 1)
            self.unseen += max(0, (reading.total or 0) - len(window.seen))

    async def _page(self, first: int, last: int, number: int) -> Found:
        found = await self._copper.search(
            LEADS,
            {
                "page_number": number,
                "sort_by": "date_modified",
                "sort_direction": "asc",
                "minimum_modified_date": first,
                "maximum_modified_date": last,
                "include_converted_leads": True,
            },
        )
        if not all(map(_is_lead, found.entries)):
            raise CopperFailed(f"Copper's answer at {LEADS} is not a list of leads")
        return found


class _Pass:
    """One time that the pages of a window are read."""

    def __init__(self, total: int | None) -> None:
        self.total = total
        self.pages = 0
        self.has_news = False
        self._ids: set[int] = set()
        #: Whether the count was the same on all pages, so that none has shifted.
        self.is_quiet = total is not None

    def add(self, found: Found) -> None:
        self.pages += 1
        self.is_quiet = self.is_quiet and found.total == self.total
        self._ids.update(lead["id"] for lead in found.entries)

    def is_over(self, found: Found) -> bool:
        """Whether the next page is beyond the last one; one in between may be empty."""
        counted = min(self.total or 0, COPPER_REACH_LEADS)
        return not found.entries and self.pages * PAGE_SIZE_MAX >= counted

    @property
    def is_complete(self) -> bool:
        """Whether as many leads were seen as there are, and nothing changed meanwhile."""
        return self.is_quiet and len(self._ids) == self.total


class _Window:
    """What was read of a window."""

    def __init__(self, first: int, last: int, *, is_open: bool) -> None:
        self._first, self._last = first, last
        self._is_open = is_open
        #: When each lead was last changed, as it was read.
        self.seen: dict[int, int] = {}
        #: Up to when all leads are on the pages before, if they came in order.
        self._read_to: int | None = None

    def page(self, leads: list[dict[str, Any]], reading: _Pass) -> Page:
        """Return what is new of a page, and from when on a run would have to go on with it."""
        fresh = [lead for lead in leads if self.seen.get(lead["id"]) != lead["date_modified"]]
        reading.has_news = reading.has_news or bool(fresh)
        self.seen.update((lead["id"], lead["date_modified"]) for lead in fresh)
        before = self._first if reading.pages == 1 else self._read_to
        self._read_to = None
        if before is None or self._is_open or not reading.is_quiet:
            return Page(fresh, self._first)
        dates = [before, *(lead["date_modified"] for lead in leads), self._last]
        if dates != sorted(dates):
            return Page(fresh, self._first)
        self._read_to = dates[-2]
        return Page(fresh, before)


def _is_lead(entry: dict[str, Any]) -> bool:
    lead_id, date = entry.get("id"), entry.get("date_modified")
    is_id = type(lead_id) is int and 0 < lead_id <= ID_MAX
    return is_id and type(date) is int and 0 <= date <= ID_MAX
