"""What the newest deliveries would have done under policies that are not saved yet."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from onelead.contract.ledger import AccountLedgerRow, LedgerScope, LedgerSearch
from onelead.domain.account import AccountSettings
from onelead.domain.acts.deciding import caller_of, is_typed, observed_at
from onelead.domain.acts.policies import Deciding
from onelead.domain.acts.what_if import Difference, PastWrite, WhatIf, what_if
from onelead.domain.custom_fields import DataType
from onelead.domain.lead import FieldOrigin, custom_name
from onelead.domain.limits import (
    WHAT_IF_LISTED_MAX,
    WHAT_IF_ROWS_MAX,
    WHAT_IF_SLICE_ROWS,
    WHAT_IF_SLICES_MAX,
)
from onelead.domain.writes import DELIVERED, Delivery, KeptReason, Outcome, RowDetails
from onelead.web.frame.visit import Visit
from onelead.web.words.lead_texts import field_label, field_text

_OUTCOMES = frozenset({Outcome.CREATED, Outcome.UPDATED, Outcome.MERGED})
_WHY = {
    None: "It was not taken, and would have been",
    KeptReason.FILL: "The lead has a value",
    KeptReason.NEWEST: "The value of the lead is newer, or the delivery left it empty",
    KeptReason.RANKED: "The value of the lead ranks higher, or the delivery left it empty",
}


class DifferenceLine(Struct, frozen=True):
    """A difference in words."""

    seq: int
    lead_id: int
    #: Empty for a lead that is gone.
    lead_name: str
    label: str
    brought: str
    other: str
    why: str


class Preview(Struct, frozen=True):
    """The result, in words."""

    deliveries: int
    otherwise: int
    #: The newest first.
    lines: Sequence[DifferenceLine]
    #: The date of the oldest delivery that was looked at; None if there was none.
    looked_back_to: int | None
    #: Whether there are older ones.
    has_older: bool


async def preview(visit: Visit, deciding: Deciding) -> Preview:
    """Decide the newest deliveries that changed something again, under other policies."""
    writes: list[PastWrite] = []
    names: dict[int, str] = {}
    before, oldest = None, None
    for _ in range(WHAT_IF_SLICES_MAX):
        limit = min(WHAT_IF_SLICE_ROWS, WHAT_IF_ROWS_MAX - len(writes))
        search = LedgerSearch(
            scope=LedgerScope.LEADS, outcomes=_OUTCOMES, before=before, limit=limit
        )
        found = await visit.store.search_ledger(visit.account_id, search)
        writes += map(_past_write, found.rows)
        names |= {lead.id: lead.name for lead in found.leads}
        before, oldest = found.next_before, found.looked_back_to or oldest
        if before is None or len(writes) == WHAT_IF_ROWS_MAX:
            break
    # In a thread: it takes a moment, and other requests go on.
    result = await asyncio.to_thread(
        what_if,
        list(reversed(writes)),
        deciding,
        boxes=_boxes(visit.settings),
        listed=WHAT_IF_LISTED_MAX,
    )
    return _preview(result, names, visit.settings, oldest, has_older=before is not None)


def _past_write(row: AccountLedgerRow) -> PastWrite:
    details = row.details or RowDetails()
    delivery = Delivery(
        row.request_id, row.user_id, row.api_key_id, "", observed_at=details.observed_at
    )
    assert row.resource_id is not None, "a write that did something has a lead"
    return PastWrite(
        row.seq,
        row.resource_id,
        is_delivery=row.action in DELIVERED and not is_typed(delivery),
        is_new=row.outcome == Outcome.CREATED,
        origin=FieldOrigin(caller_of(delivery), observed_at(delivery, row.date)),
        changes=row.changes or {},
        kept=details.kept,
    )


def _boxes(settings: AccountSettings) -> frozenset[str]:
    boxes = (field for field in settings.lead_fields if field.data_type is DataType.CHECKBOX)
    return frozenset(custom_name(field.id) for field in boxes)


def _preview(
    result: WhatIf,
    names: dict[int, str],
    settings: AccountSettings,
    oldest: int | None,
    *,
    has_older: bool,
) -> Preview:
    lines = [_line(one, names, settings) for one in result.differences]
    return Preview(result.deliveries, result.otherwise, lines, oldest, has_older)


def _line(one: Difference, names: dict[int, str], settings: AccountSettings) -> DifferenceLine:
    return DifferenceLine(
        one.seq,
        one.lead_id,
        names.get(one.lead_id, ""),
        field_label(one.field, settings),
        field_text(one.field, one.value, settings),
        field_text(one.field, one.other, settings),
        _WHY[one.reason],
    )
