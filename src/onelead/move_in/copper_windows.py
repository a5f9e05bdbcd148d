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

from onelead.domain.limits import (
    COPPER_PASSES_MAX,
    COPPER_REACH_LEADS,
    COPPER_WINDOW_LEADS_MAX,
    ID_MAX,
    PAGE_SIZE_MAX,
)
from onelead.move_in.copper_api import Copper, CopperFailed, Found

LEADS = "/leads/search"


class Page(NamedTuple):
    """Leads that were not read before."""

    leads: list[dict[str, Any]]
    #: All leads that were last changed before this moment are on earlier pages.
    since: int


class Windows:
    """The leads whose last change lies between two moments, in Unix seconds, both included."""

    def __init__(self, copper: Copper, first: int, last: int) -> None:
        self._copper = copper
        self._first, self._last = first, last
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
        waiting = [(self._first, self._last)]
        while waiting:
            first, last = waiting.pop()
            found = await self._page(first, last, 1)
            if (found.total or 0) > COPPER_WINDOW_LEADS_MAX and first < last:
                middle = (first + last) // 2
                waiting += [(middle + 1, last), (first, middle)]
                continue
            window = _Window(first, last)
            for _ in range(COPPER_PASSES_MAX):
                reading = _Pass(found.total)
                while not reading.is_over(found):
                    page = window.page(found.entries, reading)
                    if page.leads:
                        yield page
                    reading.add(found)
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
        self._is_quiet = total is not None

    def add(self, found: Found) -> None:
        self.pages += 1
        self._is_quiet = self._is_quiet and found.total == self.total
        self._ids.update(lead["id"] for lead in found.entries)

    def is_over(self, found: Found) -> bool:
        """Whether the next page is beyond the last one; one in between may be empty."""
        counted = min(self.total or 0, COPPER_REACH_LEADS)
        return not found.entries and self.pages * PAGE_SIZE_MAX >= counted

    @property
    def is_complete(self) -> bool:
        """Whether as many leads were seen as there are, and nothing changed meanwhile."""
        return self._is_quiet and len(self._ids) == self.total


class _Window:
    def __init__(self, first: int, last: int) -> None:
        self._first, self._last = first, last
        #: When each lead was last changed, as it was read.
        self.seen: dict[int, int] = {}
        self._in_order_to: int | None = first

    def page(self, leads: list[dict[str, Any]], reading: _Pass) -> Page:
        fresh = [lead for lead in leads if self.seen.get(lead["id"]) != lead["date_modified"]]
        reading.has_news = reading.has_news or bool(fresh)
        self.seen.update((lead["id"], lead["date_modified"]) for lead in fresh)
        since = self._first
        if reading.pages == 0:
            self._in_order_to = self._first
        if self._in_order_to is not None:
            since = self._in_order_to
            dates = [since, *(lead["date_modified"] for lead in leads), self._last]
            self._in_order_to = dates[-2] if dates == sorted(dates) else None
            since = since if self._in_order_to is not None else self._first
        return Page(fresh, since)


def _is_lead(entry: dict[str, Any]) -> bool:
    lead_id, date = entry.get("id"), entry.get("date_modified")
    is_id = type(lead_id) is int and 0 < lead_id <= ID_MAX
    return is_id and type(date) is int and 0 <= date <= ID_MAX
