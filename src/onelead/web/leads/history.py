"""The history of a lead: its lines, what was undone, and the lines of leads that it took in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from starlette.responses import Response

from onelead.contract.ledger import AccountLedgerRow, LeadLedger
from onelead.domain.acts.facts import undo_of
from onelead.domain.errors import ResourceNotFound
from onelead.domain.limits import FOLDED_LEADS_MAX, FOLDED_ROWS, HISTORY_ROWS
from onelead.domain.text import known_id
from onelead.domain.writes import Outcome
from onelead.web.frame.pages import Page
from onelead.web.frame.visit import Visit
from onelead.web.words.deleted_names import settings_to_write_by
from onelead.web.words.file_names import file_names
from onelead.web.words.ledger_lines import ApiKeyLabels, LedgerLine, api_key_labels, ledger_line


class FoldedLead(Struct, frozen=True):
    """A lead that a merge took in, with its own history up to then."""

    id: int
    name: str
    lines: Sequence[LedgerLine]
    has_more: bool


async def read_history(visit: Visit, lead_id: int) -> LeadLedger:
    """Read the part of a history that the address asks for."""
    before = known_id(visit.query("before"))
    return await visit.store.lead_ledger(
        visit.account_id, lead_id, before=before, limit=HISTORY_ROWS
    )


async def labels_of(visit: Visit) -> ApiKeyLabels:
    """Return the labels of the account's API keys."""
    return api_key_labels(await visit.store.api_keys(visit.account_id))


async def history_context(
    visit: Visit, history: LeadLedger, labels: ApiKeyLabels
) -> dict[str, Any]:
    """Return what the template of a history needs."""
    rows = history.rows
    settings = await settings_to_write_by(visit, history.settings, rows)
    files = await file_names(visit, rows)
    acts = await visit.store.acts_about(visit.account_id, [row.seq for row in rows])
    undone = {row.seq: undo_of(acts, row.seq) for row in rows}
    return {
        "lines": [ledger_line(row, settings, labels, files) for row in rows],
        "next_before": history.next_before,
        "is_newest": not visit.query("before"),
        "undone": {seq: by for seq, by in undone.items() if by is not None},
        "folded": await _folded(visit, rows, labels),
    }


async def _folded(
    visit: Visit, rows: Sequence[AccountLedgerRow], labels: ApiKeyLabels
) -> dict[int, list[FoldedLead]]:
    """Return the histories of the leads that merges took in, by the number of the merge.

    Of many leads only the first are read; the others have pages of their own.
    """
    shown = {row.seq for row in rows}
    folded: dict[int, list[FoldedLead]] = {}
    left = FOLDED_LEADS_MAX
    for row in rows:
        if row.outcome != Outcome.MERGED or row.details is None:
            continue
        for lead in row.details.merged[:left]:
            history = await visit.store.lead_ledger(
                visit.account_id, lead.id, before=row.seq, limit=FOLDED_ROWS
            )
            own = [one for one in history.rows if one.seq not in shown]
            settings = await settings_to_write_by(visit, history.settings, own)
            lines = [ledger_line(one, settings, labels) for one in own]
            has_more = history.next_before is not None
            folded.setdefault(row.seq, []).append(FoldedLead(lead.id, lead.name, lines, has_more))
            left -= 1
    return folded


async def lead_history(visit: Visit) -> Response:
    """Show the history of a lead that was merged; that of any other is on its page.

    Raises ResourceNotFound for an id that never was a lead's.
    """
    lead_id = visit.path_id()
    history = await read_history(visit, lead_id)
    try:
        read = await visit.store.lead(visit.account_id, lead_id)
    except ResourceNotFound:
        return visit.redirect(f"/leads/{lead_id}")
    if read.lead.id == lead_id:
        return visit.redirect(f"/leads/{lead_id}#history")
    return visit.page(
        "leads/merged.html",
        lead_id=lead_id,
        survivor=read.lead,
        **await history_context(visit, history, await labels_of(visit)),
    )


PAGES = (Page("GET", "/leads/{id}/history", lead_history),)
