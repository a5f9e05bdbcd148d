"""One change of many leads, some at a time, each an ordinary write with a result of its own.

Nothing remembers how far the work is but the form that goes on with it. Each lead is written as it
is at that moment: one that has vanished is refused, and one that has the value stays unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct

from onelead.domain.errors import OneleadError, VersionConflict
from onelead.domain.lead import Lead
from onelead.domain.properties import tags_changed
from onelead.domain.search import LeadSearch
from onelead.domain.writes import Action, LeadWrite, Outcome
from onelead.incoming.lead_json import lead_patch
from onelead.process.writer import Receipt
from onelead.web.frame.visit import Visit, error_line

#: How often a lead is read again that somebody else changed between reading and writing.
_TRIES = 5


class ChangeKind(StrEnum):
    """What can be done to many leads."""

    STATUS = "status"
    OWNER = "owner"
    ADD_TAGS = "add-tags"
    REMOVE_TAGS = "remove-tags"
    DELETE = "delete"


class Change(Struct, frozen=True):
    """What is to be done to each lead."""

    kind: ChangeKind
    #: The properties that each lead gets, as the API's JSON.
    properties: Mapping[str, Any] = {}
    tags: tuple[str, ...] = ()


class Changed(Struct, frozen=True):
    """What became of one lead."""

    lead_id: int
    #: Empty for a lead that was not there.
    name: str
    outcome: Outcome
    #: Why nothing was written.
    refusal: OneleadError | None
    #: Its ledger number.
    seq: int

    @property
    def reason(self) -> str:
        """Why it was refused, in the words that the API has for it; empty when it was not."""
        return error_line(self.refusal) if self.refusal else ""


async def change_leads(visit: Visit, ids: Sequence[int], change: Change) -> list[Changed]:
    """Change the leads, and return what became of each, in order.

    Raises WriteQueueFull, ServiceStopping and StoreUnavailable; what was written then is written.
    """
    if change.kind in (ChangeKind.ADD_TAGS, ChangeKind.REMOVE_TAGS):
        return await _change_tags(visit, ids, change)
    writes = [_write(visit, lead_id, change) for lead_id in ids]
    receipts = await visit.runtime.writer.write_many(visit.account_id, writes)
    return [_changed(one, receipt) for one, receipt in zip(ids, receipts, strict=True)]


def _write(visit: Visit, lead_id: int, change: Change) -> LeadWrite:
    if change.kind is ChangeKind.DELETE:
        return LeadWrite(Action.DELETE, visit.delivery(""), lead_id)
    return _update(visit, lead_id, dict(change.properties))


def _update(
    visit: Visit, lead_id: int, properties: dict[str, Any], version: int | None = None
) -> LeadWrite:
    patch, problems = lead_patch(properties, "base")
    return LeadWrite(
        *(Action.UPDATE, visit.delivery(properties), lead_id, patch),
        problems=problems,
        expected_version=version,
    )


async def _change_tags(visit: Visit, ids: Sequence[int], change: Change) -> list[Changed]:
    """Write each lead's tags as they follow from those that it has, read again until they do."""
    done: dict[int, Changed] = {}
    for _ in range(_TRIES):
        left = [lead_id for lead_id in ids if lead_id not in done or _is_conflict(done[lead_id])]
        if not left:
            break
        leads = await _leads(visit, left)
        writes = [_tagged(visit, lead_id, leads.get(lead_id), change) for lead_id in left]
        receipts = await visit.runtime.writer.write_many(visit.account_id, writes)
        done |= {one: _changed(one, got) for one, got in zip(left, receipts, strict=True)}
    return [done[lead_id] for lead_id in ids]


def _tagged(visit: Visit, lead_id: int, lead: Lead | None, change: Change) -> LeadWrite:
    is_adding = change.kind is ChangeKind.ADD_TAGS
    tags = tags_changed(
        lead.tags if lead else (),
        added=change.tags if is_adding else (),
        removed=() if is_adding else change.tags,
    )
    # A lead that is not there is refused by the write, as any other.
    return _update(visit, lead_id, {"tags": tags}, lead.version if lead else None)


async def _leads(visit: Visit, ids: Sequence[int]) -> dict[int, Lead]:
    search = LeadSearch(ids=tuple(ids), limit=len(ids))
    found = await visit.store.search_leads(visit.account_id, search, now=visit.now)
    return {lead.id: lead for lead in found.leads}


def _is_conflict(changed: Changed) -> bool:
    return isinstance(changed.refusal, VersionConflict)


def _changed(lead_id: int, receipt: Receipt) -> Changed:
    result = receipt.result
    name = result.lead.name if result.lead else ""
    return Changed(lead_id, name, result.outcome, result.refusal, receipt.seq)
