"""What is different at the end: the numbers of leads, a sample field by field, leads that are gone.

A lead is as it is there when bringing it once more would change nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

import msgspec

from onelead.contract.store import Store
from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import CustomField
from onelead.domain.lead import Lead, changes_between
from onelead.domain.limits import PAGE_SIZE_MAX
from onelead.domain.properties import applied, checked
from onelead.domain.search import FieldFilter, LeadSearch
from onelead.domain.text import known_id
from onelead.incoming.lead_json import lead_patch
from onelead.move_in.copper_api import Copper
from onelead.move_in.copper_leads import LeadMapper, api_properties
from onelead.move_in.copper_settings import count_of_leads
from onelead.move_in.copper_windows import LEADS
from onelead.move_in.known_leads import KnownLeads, copper_ids_of
from onelead.move_in.limits import (
    COPPER_COMPARED_LEADS_MAX,
    COPPER_DIFFERENCES_MAX,
    COPPER_GONE_LEADS_MAX,
)
from onelead.move_in.report import Comparison, Difference


class Sample:
    """Some of the leads that were read, each as likely as any other; all of a few."""

    def __init__(self) -> None:
        self._drawn: list[tuple[int, int]] = []
        self._seen = 0

    def add(self, copper_id: int, date_modified: int) -> None:
        """Take a lead down, perhaps in the place of another."""
        self._seen += 1
        if len(self._drawn) < COPPER_COMPARED_LEADS_MAX:
            self._drawn.append((copper_id, date_modified))
        elif (place := secrets.randbelow(self._seen)) < COPPER_COMPARED_LEADS_MAX:
            self._drawn[place] = (copper_id, date_modified)

    @property
    def dates(self) -> dict[int, int]:
        """When each of them was changed, as it was read last."""
        return dict(self._drawn)


class Compared(NamedTuple):
    """The two sides."""

    store: Store
    account_id: int
    copper: Copper
    known: KnownLeads
    mapper: LeadMapper
    #: With Copper's ids.
    field: CustomField


async def compare(sides: Compared, sample: Sample) -> Comparison:
    """Compare both sides. Raises CopperFailed."""
    settings = await sides.store.settings(sides.account_id)
    there, here = await count_of_leads(sides.copper), await _count_here(sides)
    dates = sample.dates
    compared, differing, differences = 0, set[int](), list[Difference]()
    for ids in _parts(list(dates)):
        ours = await sides.known.find(sides.field, ids)
        for lead in await _leads_there(sides.copper, ids):
            if lead.get("date_modified") != dates.get(lead["id"]):
                # It has changed meanwhile, and comes with the next run.
                continue
            compared += 1
            for one in _differences(sides.mapper, lead, ours.get(lead["id"], []), settings):
                differing.add(one.copper_id)
                differences.append(one)
    return Comparison(
        leads_there=there,
        leads_here=here,
        compared=compared,
        differing=len(differing),
        differences=differences[:COPPER_DIFFERENCES_MAX],
        gone=await _gone(sides) if here <= COPPER_GONE_LEADS_MAX or here > there else None,
    )


def _differences(
    mapper: LeadMapper, lead: dict[str, Any], ours: list[Lead], settings: AccountSettings
) -> Iterator[Difference]:
    if len(ours) != 1:
        yield Difference(lead["id"], None, "", None, None)
        return
    mapped = mapper.mapped(lead)
    patch, _problems = lead_patch(api_properties(mapped.properties), "properties")
    assert patch is not None
    after = applied(ours[0], checked(patch, settings), settings)
    for field, (here, there) in changes_between(ours[0], after).items():
        plain = msgspec.to_builtins((here, there))
        yield Difference(lead["id"], ours[0].id, field, *plain)


async def _leads_there(copper: Copper, ids: Collection[int]) -> list[dict[str, Any]]:
    criteria = {"ids": list(ids), "include_converted_leads": True}
    found = await copper.search(LEADS, criteria)
    return [lead for lead in found.entries if lead.get("id") in ids]


async def _count_here(sides: Compared) -> int:
    """Return how many leads have an id of Copper."""
    empty = FieldFilter(sides.field.id, allow_empty=True)
    counts = []
    for search in (LeadSearch(limit=1), LeadSearch(custom_fields=(empty,), limit=1)):
        page = await sides.store.search_leads(sides.account_id, search, now=0)
        counts.append(page.total)
    return counts[0] - counts[1]


async def _gone(sides: Compared) -> list[int]:
    """Return the ids of Copper's leads that are here and no longer there."""
    gone, waiting = list[int](), list[int]()
    search = LeadSearch(sort_by="date_created", limit=PAGE_SIZE_MAX)
    while True:
        page = await sides.store.search_leads(sides.account_id, search, now=0)
        texts = (text for lead in page.leads for text in copper_ids_of(lead, sides.field))
        waiting += filter(None, map(known_id, texts))
        while len(waiting) >= PAGE_SIZE_MAX or (waiting and page.next_cursor is None):
            asked, waiting = waiting[:PAGE_SIZE_MAX], waiting[PAGE_SIZE_MAX:]
            there = {lead["id"] for lead in await _leads_there(sides.copper, asked)}
            gone += [one for one in asked if one not in there]
        if page.next_cursor is None:
            return gone
        search = msgspec.structs.replace(search, cursor=page.next_cursor)


def _parts(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), PAGE_SIZE_MAX):
        yield ids[start : start + PAGE_SIZE_MAX]
