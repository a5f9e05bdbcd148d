"""Deliveries that were refused because several leads matched, and wait for what they meant.

After a merge of these leads they mean one lead, and can be applied in the order of their arrival.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import uuid4

import msgspec
from starlette.responses import Response

from onelead.contract.ledger import AccountLedgerRow
from onelead.domain.acts.facts import OPEN, delivery_state
from onelead.domain.errors import OneleadError, ResourceNotFound
from onelead.domain.limits import HISTORY_ROWS, MERGE_LEADS_MAX
from onelead.domain.text import known_id
from onelead.domain.writes import LEAD, Action, Outcome
from onelead.web.frame.pages import Page
from onelead.web.frame.visit import Visit, error_line
from onelead.web.leads.undo import applied_write
from onelead.web.words.deleted_names import settings_to_write_by
from onelead.web.words.ledger_lines import LedgerLine, api_key_labels, ledger_line


def waiting_path(lead_id: int, merged: Sequence[int]) -> str:
    """Return the address of the page of what waits for leads that are one now."""
    return f"/leads/{lead_id}/waiting?of={','.join(map(str, merged))}"


async def waiting_for(visit: Visit, lead_ids: Sequence[int]) -> list[LedgerLine]:
    """Return the open deliveries that only these leads matched, oldest first."""
    rows = await _open_rows(visit, lead_ids)
    settings = await settings_to_write_by(visit, visit.settings, rows)
    labels = api_key_labels(await visit.store.api_keys(visit.account_id))
    return [ledger_line(row, settings, labels) for row in rows]


async def _open_rows(visit: Visit, lead_ids: Collection[int]) -> list[AccountLedgerRow]:
    found: dict[int, AccountLedgerRow] = {}
    for lead_id in lead_ids:
        try:
            history = await visit.store.lead_ledger(visit.account_id, lead_id, limit=HISTORY_ROWS)
        except ResourceNotFound:
            continue
        found.update({row.seq: row for row in history.rows if _named_only(row, lead_ids)})
    acts = await visit.store.acts_about(visit.account_id, found)
    return [row for seq, row in sorted(found.items()) if delivery_state(acts, seq).state == OPEN]


def _named_only(row: AccountLedgerRow, lead_ids: Collection[int]) -> bool:
    """Return whether a row is a refused upsert that only these leads matched."""
    if row.outcome != Outcome.REFUSED or row.action != Action.UPSERT or row.resource != LEAD:
        return False
    ids = (row.match or {}).get("ids", ())
    return len(ids) > 1 and set(ids) <= {*lead_ids}


async def waiting_page(visit: Visit) -> Response:
    """Offer what waited for leads that were merged."""
    read = await visit.store.lead(visit.account_id, visit.path_id())
    of = [id_ for text in visit.query("of").split(",")[:MERGE_LEADS_MAX] if (id_ := known_id(text))]
    lines = await waiting_for(visit, [read.lead.id, *of])
    if not lines:
        return visit.redirect(f"/leads/{read.lead.id}")
    return visit.page("leads/waiting.html", lead=read.lead, lines=lines)


async def apply_waiting(visit: Visit) -> Response:
    """Apply deliveries to a lead, oldest first, as they came."""
    lead_id, form = visit.path_id(), await visit.form()
    seqs = sorted({seq for text in form.all("seq") if (seq := known_id(text))})
    batch_id, done = uuid4().hex, list[int]()
    try:
        for seq in seqs[: HISTORY_ROWS * (MERGE_LEADS_MAX + 1)]:
            row = (await visit.store.ledger_row(visit.account_id, seq)).row
            acts = await visit.store.acts_about(visit.account_id, [seq])
            is_open = row.outcome == Outcome.REFUSED and delivery_state(acts, seq).state == OPEN
            if row.resource != LEAD or row.action != Action.UPSERT or not is_open:
                continue
            write = applied_write(visit, row, lead_id)
            delivery = msgspec.structs.replace(write.delivery, batch_id=batch_id)
            receipt = await visit.written(msgspec.structs.replace(write, delivery=delivery))
            if receipt.result.refusal is not None:
                raise receipt.result.refusal
            done.append(receipt.seq)
    except OneleadError as error:
        text = f"{_count(len(done))}; the next one was refused: {error_line(error)}"
        return visit.redirect(f"/leads/{lead_id}", text, is_problem=True)
    undo_seq = done[0] if len(done) == 1 else None
    return visit.redirect(f"/leads/{lead_id}", f"{_count(len(done))}.", undo_seq=undo_seq)


def _count(applied: int) -> str:
    return "1 delivery was applied" if applied == 1 else f"{applied} deliveries were applied"


PAGES = (
    Page("GET", "/leads/{id}/waiting", waiting_page),
    Page("POST", "/leads/{id}/waiting", apply_waiting),
)
