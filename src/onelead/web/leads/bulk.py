"""Bulk changes: the same change to many leads, a chunk at a time, each lead by an ordinary write.

Only the form that continues the work knows how far it is. Each lead is written as it is at that
moment: a deleted one is refused, and one that already has the value stays unchanged.
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
    properties: Mapping[str, Any] = {}
    tags: tuple[str, ...] = ()


class ChangeResult(Struct, frozen=True):
    """What became of one lead."""

    lead_id: int
    #: Empty for a lead that does not exist.
    name: str
    outcome: Outcome
    #: Why nothing was written.
    refusal: OneleadError | None
    #: Its ledger number.
    seq: int

    @property
    def reason(self) -> str:
        """Why it was refused, in the API's words; empty when it was not."""
        return error_line(self.refusal) if self.refusal else ""


async def change_leads(visit: Visit, ids: Sequence[int], change: Change) -> list[ChangeResult]:
    """Change the leads and return their results in order.

    Raises WriteQueueFull, ServiceStopping and StoreUnavailable; writes made before that stay.
    """
    if change.kind in (ChangeKind.ADD_TAGS, ChangeKind.REMOVE_TAGS):
        return await _change_tags(visit, ids, change)
    writes = [_write(visit, lead_id, change) for lead_id in ids]
    receipts = await visit.runtime.writer.write_many(visit.account_id, writes)
    return [_result_of(one, receipt) for one, receipt in zip(ids, receipts, strict=True)]


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


async def _change_tags(visit: Visit, ids: Sequence[int], change: Change) -> list[ChangeResult]:
    """Derive each lead's tags from its stored ones; after a version conflict, read it again."""
    done: dict[int, ChangeResult] = {}
    for _ in range(_TRIES):
        left = [lead_id for lead_id in ids if lead_id not in done or _is_conflict(done[lead_id])]
        if not left:
            break
        leads = await _leads(visit, left)
        writes = [_tagged(visit, lead_id, leads.get(lead_id), change) for lead_id in left]
        receipts = await visit.runtime.writer.write_many(visit.account_id, writes)
        done |= {one: _result_of(one, got) for one, got in zip(left, receipts, strict=True)}
    return [done[lead_id] for lead_id in ids]


def _tagged(visit: Visit, lead_id: int, lead: Lead | None, change: Change) -> LeadWrite:
    is_adding = change.kind is ChangeKind.ADD_TAGS
    tags = tags_changed(
        lead.tags if lead else (),
        added=change.tags if is_adding else (),
        removed=() if is_adding else change.tags,
    )
    # The write refuses a lead that does not exist, like any other write.
    return _update(visit, lead_id, {"tags": tags}, lead.version if lead else None)


async def _leads(visit: Visit, ids: Sequence[int]) -> dict[int, Lead]:
    search = LeadSearch(ids=tuple(ids), limit=len(ids))
    found = await visit.store.search_leads(visit.account_id, search, now=visit.now)
    return {lead.id: lead for lead in found.leads}


def _is_conflict(result: ChangeResult) -> bool:
    return isinstance(result.refusal, VersionConflict)


def _result_of(lead_id: int, receipt: Receipt) -> ChangeResult:
    result = receipt.result
    name = result.lead.name if result.lead else ""
    return ChangeResult(lead_id, name, result.outcome, result.refusal, receipt.seq)
