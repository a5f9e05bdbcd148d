"""Bulk changes: the same change to many leads, a chunk at a time, each lead by an ordinary write.

Only the form that continues the work knows how far it is. Each lead is written as it is at that
moment: a deleted one is refused, and one that already has the value stays unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct, structs

from onelead.domain.errors import VersionConflict
from onelead.domain.lead import Lead
from onelead.domain.properties import tags_changed
from onelead.domain.search import LeadSearch
from onelead.domain.writes import Action, LeadWrite
from onelead.process.writer import Receipt
from onelead.web.frame.visit import Visit
from onelead.web.leads.form import lead_write

#: How many times to read and write a lead that others change in between.
_TRIES = 5


class ChangeKind(StrEnum):
    """What can be done to many leads."""

    STATUS = "status"
    OWNER = "owner"
    ADD_TAGS = "add-tags"
    REMOVE_TAGS = "remove-tags"
    DELETE = "delete"


class Change(Struct, frozen=True):
    """What to do to each lead."""

    kind: ChangeKind
    #: The properties that each lead gets, as the API's JSON.
    properties: dict[str, Any] = {}
    tags: tuple[str, ...] = ()
    #: Shared by all writes of the change, so that they can be undone together.
    batch_id: str = ""


async def change_leads(visit: Visit, ids: Sequence[int], change: Change) -> dict[int, Receipt]:
    """Change the leads and return their receipts in order, by lead id.

    Raises WriteQueueFull, ServiceStopping and StoreUnavailable; writes made before that stay.
    """
    if change.kind in (ChangeKind.ADD_TAGS, ChangeKind.REMOVE_TAGS):
        return await _change_tags(visit, ids, change)
    return await _written(visit, {lead_id: _write(visit, lead_id, change) for lead_id in ids})


async def _written(visit: Visit, writes: Mapping[int, LeadWrite]) -> dict[int, Receipt]:
    receipts = await visit.runtime.writer.write_many(visit.account_id, list(writes.values()))
    return dict(zip(writes, receipts, strict=True))


def _write(visit: Visit, lead_id: int, change: Change) -> LeadWrite:
    if change.kind is ChangeKind.DELETE:
        return _of_batch(LeadWrite(Action.DELETE, visit.delivery(""), lead_id), change)
    return _of_batch(lead_write(visit, Action.UPDATE, change.properties, lead_id), change)


def _of_batch(write: LeadWrite, change: Change) -> LeadWrite:
    delivery = structs.replace(write.delivery, batch_id=change.batch_id)
    return structs.replace(write, delivery=delivery)


async def _change_tags(visit: Visit, ids: Sequence[int], change: Change) -> dict[int, Receipt]:
    """Derive each lead's tags from its stored ones; after a version conflict, read it again."""
    done: dict[int, Receipt] = {}
    left = ids
    for _ in range(_TRIES):
        leads = await _leads(visit, left)
        writes = {lead_id: _tagged(visit, lead_id, leads.get(lead_id), change) for lead_id in left}
        done |= await _written(visit, writes)
        left = [one for one in left if isinstance(done[one].result.refusal, VersionConflict)]
        if not left:
            break
    return done


def _tagged(visit: Visit, lead_id: int, lead: Lead | None, change: Change) -> LeadWrite:
    is_adding = change.kind is ChangeKind.ADD_TAGS
    tags = tags_changed(
        lead.tags if lead else (),
        added=change.tags if is_adding else (),
        removed=() if is_adding else change.tags,
    )
    # The write refuses a lead that does not exist, like any other write.
    version = lead.version if lead else None
    write = lead_write(visit, Action.UPDATE, {"tags": tags}, lead_id, version)
    return _of_batch(write, change)


async def _leads(visit: Visit, ids: Sequence[int]) -> dict[int, Lead]:
    search = LeadSearch(ids=tuple(ids), limit=len(ids))
    found = await visit.store.search_leads(visit.account_id, search, now=visit.now)
    return {lead.id: lead for lead in found.leads}
