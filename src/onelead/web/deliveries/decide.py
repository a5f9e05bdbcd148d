"""Deciding about one refused delivery: apply it as sent or corrected, dismiss it, put it back."""

from __future__ import annotations

from http import HTTPStatus

from msgspec import structs
from starlette.responses import Response

from onelead.contract.ledger import AccountLedgerRow
from onelead.domain.errors import BodyMalformed, OneleadError, ResourceNotFound
from onelead.domain.writes import Action, LeadWrite, Outcome, WriteResult
from onelead.incoming.delivery_states import delivery_states
from onelead.incoming.json_body import decode_json
from onelead.incoming.statuses import STATUS_BY_KIND
from onelead.incoming.stored_delivery import replay_write
from onelead.web.frame.catch_up import catch_up
from onelead.web.frame.pages import Page
from onelead.web.frame.visit import NO_PROBLEMS, Problems, Visit, error_line, problems_of
from onelead.web.words.ledger_lines import ChangeLine, change_lines
from onelead.web.words.ledger_rows import pretty, visible_row

_DONE = {
    "apply": "The delivery was applied.",
    "dismiss": "The delivery was dismissed.",
    "reopen": "The delivery waits for a decision again.",
}


async def _refused_row(visit: Visit) -> AccountLedgerRow:
    """Read the delivery that the path names. Raises ResourceNotFound for any other row."""
    row = (await visible_row(visit, visit.path_id("seq"))).row
    if not await delivery_states(visit.store, visit.account_id, [row]):
        raise ResourceNotFound
    return row


async def decide(visit: Visit) -> Response:
    """Apply a delivery as sent, dismiss it or put it back."""
    row, what = await _refused_row(visit), (await visit.form()).get("do")
    path = f"/deliveries/{row.seq}"
    if what not in _DONE:
        return visit.redirect(path)
    try:
        receipt = await visit.written(_write(visit, row, what))
    except OneleadError as error:
        return visit.redirect(path, error_line(error), is_problem=True)
    await catch_up(visit)
    result = receipt.result
    if result.refusal is not None:
        text = f"It was refused again: {error_line(result.refusal)}"
        return visit.redirect(path, text, is_problem=True)
    if what != "apply" and result.outcome is Outcome.UNCHANGED:
        # Somebody decided first; the page says what.
        return visit.redirect(path)
    undo_seq = receipt.seq if result.replayed_seq is None else None
    return visit.redirect(path, _DONE[what], undo_seq=undo_seq)


def _write(visit: Visit, row: AccountLedgerRow, what: str) -> LeadWrite:
    if what == "apply":
        return replay_write(row, visit.delivery(""))
    action = Action.DISMISS if what == "dismiss" else Action.REOPEN
    return LeadWrite(action, visit.delivery(""), about_seq=row.seq)


async def correct(visit: Visit) -> Response:
    """Show what was sent, to correct it."""
    row = await _refused_row(visit)
    if row.unread_bytes is not None or not row.payload:
        return visit.redirect(f"/deliveries/{row.seq}")
    return _correction(visit, row, pretty(row.payload))


async def send_corrected(visit: Visit) -> Response:
    """Check or send a corrected delivery, as the pressed button says."""
    row, form = await _refused_row(visit), await visit.form()
    text, is_check = form.raw("body"), form.get("do") == "check"
    try:
        decode_json(text.encode())
        corrected = structs.replace(row, payload=text.strip())
        write = replay_write(corrected, visit.delivery(""))
        if is_check:
            result = (await visit.store.plan_write(visit.account_id, write)).result
        else:
            receipt = await visit.written(write)
            result = receipt.result
    except BodyMalformed as error:
        problems = {"body": [error.message]}
        return _correction(visit, row, text, problems, status=HTTPStatus.BAD_REQUEST)
    except OneleadError as error:
        status = STATUS_BY_KIND[error.kind]
        return _correction(visit, row, text, problems_of(error), status=status)
    if result.refusal is not None:
        problems = problems_of(result.refusal)
        status = HTTPStatus.OK if is_check else HTTPStatus.UNPROCESSABLE_ENTITY
        return _correction(visit, row, text, problems, status=status)
    if is_check:
        return _correction(visit, row, text, checked=result)
    await catch_up(visit)
    return visit.redirect(f"/deliveries/{receipt.seq}", _DONE["apply"], undo_seq=receipt.seq)


def _correction(
    visit: Visit,
    row: AccountLedgerRow,
    text: str,
    problems: Problems = NO_PROBLEMS,
    *,
    status: int = HTTPStatus.OK,
    checked: WriteResult | None = None,
) -> Response:
    changes: tuple[ChangeLine, ...] = ()
    if checked is not None:
        changes = change_lines(checked.changes, visit.settings)
    return visit.page(
        "deliveries/correct.html",
        status,
        row=row,
        text=text,
        problems=problems,
        checked=checked,
        changes=changes,
    )


PAGES = (
    Page("GET", "/deliveries/{seq}/correct", correct),
    Page("POST", "/deliveries/{seq}/correct", send_corrected),
    Page("POST", "/deliveries/{seq}/decide", decide),
)
