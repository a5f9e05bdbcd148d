"""Giving the leads of a pick list entry another entry, step by step, as ordinary lead updates.

Only the leads themselves tell how far the work is: after a stop in the middle it starts again with
the leads that are left.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, structs

from onelead.domain.errors import ResourceNotFound
from onelead.domain.limits import REPLACE_CHUNK_LEADS
from onelead.domain.properties import LeadPatch
from onelead.domain.settings.change import Resource
from onelead.domain.writes import Action, LeadWrite
from onelead.web.frame.visit import Visit


class Replacement(Struct, frozen=True):
    """The entry that is replaced, and the progress."""

    resource: Resource
    #: The property of a lead that names an entry.
    lead_property: str
    entry_id: int
    #: What the leads get instead, as chosen in the form; empty before the choice.
    choice: str = ""
    #: How many leads have been given it since the start.
    moved: int = 0
    #: Whether there are leads left for the next step.
    has_more: bool = False


async def next_leads(visit: Visit, work: Replacement) -> list[int]:
    """Return the leads of the next step: all leads with the entry when there are few."""
    found = await visit.store.leads_using(
        visit.account_id, work.resource, work.entry_id, limit=REPLACE_CHUNK_LEADS
    )
    return list(found)


async def leads_left(visit: Visit, work: Replacement, ids: list[int]) -> int:
    """Return how many leads have the entry: exactly when few, otherwise as last counted."""
    if len(ids) < REPLACE_CHUNK_LEADS:
        return len(ids)
    figures = await visit.store.lead_figures(visit.account_id, fields=[work.lead_property])
    return max(figures.get(work.lead_property, {}).get(str(work.entry_id), 0), len(ids))


async def replace_next(
    visit: Visit, work: Replacement, ids: list[int], value: int | None
) -> Replacement:
    """Give the next leads the other entry, or None. Raises the error that refuses it."""
    body: dict[str, Any] = {work.lead_property: value}
    delivery, patch = visit.delivery(body), LeadPatch(**body)
    writes = [LeadWrite(Action.UPDATE, delivery, lead_id, patch) for lead_id in ids]
    receipts = await visit.runtime.writer.write_many(visit.account_id, writes)
    refusals = [receipt.result.refusal for receipt in receipts]
    for refusal in refusals:
        # A lead that was deleted meanwhile needs no other entry.
        if refusal is not None and not isinstance(refusal, ResourceNotFound):
            raise refusal
    return structs.replace(
        work,
        moved=work.moved + refusals.count(None),
        has_more=len(ids) == REPLACE_CHUNK_LEADS,
    )
