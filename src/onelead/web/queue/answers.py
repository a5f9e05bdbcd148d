"""Answers in the queue: one answer applies to all deliveries of a group, a chunk at a time.

Only the form that continues the work knows how far it is. Deliveries are applied oldest first, and
those that arrive later wait for an answer of their own. Everything that an answer writes has one
batch id, and is taken back newest first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from uuid import uuid4

from msgspec import Struct, structs

from onelead.contract.ledger import AccountLedgerRow
from onelead.domain.errors import InputInvalid, OneleadError, Problem
from onelead.domain.limits import MERGE_LEADS_MAX, QUEUE_ANSWERED_AT_ONCE_MAX
from onelead.domain.matching import Match
from onelead.domain.text import known_id, whole_number
from onelead.domain.writes import (
    Action,
    Delivery,
    LeadEdit,
    LeadWrite,
    Merge,
    Outcome,
    ValueToAdd,
)
from onelead.incoming.lead_json import one_match_from
from onelead.incoming.stored_delivery import replay_write
from onelead.web.frame.catch_up import catch_up
from onelead.web.frame.forms import Form
from onelead.web.frame.visit import Visit, error_line
from onelead.web.words.ledger_rows import decoded

_BATCH_ID = re.compile(r"[0-9a-f]{32}")
_GROUP_CHARS_MAX = 2_000


class Answer(StrEnum):
    """What to do with the deliveries of a group."""

    #: They mean a lead, this time.
    ONCE = "once"
    #: They mean a lead, and so do all later ones by the same value.
    ALWAYS = "always"
    #: The leads that match are one person.
    MERGE = "merge"
    #: Apply them as they came, after the cause was mended.
    REPLAY = "replay"
    DISMISS = "dismiss"
    #: Take an answer back.
    UNDO = "undo"


class Work(Struct, frozen=True, kw_only=True):
    """An answer, and how far its work is."""

    answer: Answer
    #: What all its writes share; of an undo, what they have in common that are taken back.
    batch_id: str
    #: The group; empty for an undo.
    group: str = ""
    lead_id: int | None = None
    #: The leads that the user saw side by side.
    seen: tuple[int, ...] = ()
    #: The newest delivery that the user saw, and how many there were.
    until: int = 0
    total: int = 0
    #: The ledger number of the last delivery that is done; 0 before the first.
    last: int = 0
    done: int = 0
    refused: int = 0
    #: Why the last one was refused.
    reason: str = ""
    #: Whether nothing is left.
    is_finished: bool = False


def work_from(form: Form) -> Work | None:
    """Read an answer from a form; None when the form has none."""
    if form.get("answer") not in list(Answer):
        return None
    batch_id = form.get("batch")
    seen = dict.fromkeys(filter(None, map(known_id, form.all("seen"))))
    return Work(
        answer=Answer(form.get("answer")),
        batch_id=batch_id if _BATCH_ID.fullmatch(batch_id) else "",
        group=form.raw("group")[:_GROUP_CHARS_MAX],
        lead_id=known_id(form.get("lead_id")),
        seen=tuple(seen)[: MERGE_LEADS_MAX + 1],
        until=known_id(form.get("until")) or 0,
        total=_count(form, "total"),
        last=_count(form, "last"),
        done=_count(form, "done"),
        refused=_count(form, "refused"),
    )


def batch_id_from(text: str) -> str:
    """Return the text if an answer can have that batch id, or else an empty text."""
    return text if _BATCH_ID.fullmatch(text) else ""


def _count(form: Form, name: str) -> int:
    number = whole_number(form.get(name))
    return number if isinstance(number, int) and number > 0 else 0


async def begun(visit: Visit, work: Work) -> Work:
    """Write what comes before the deliveries: a ruling or a merge.

    Raises InputInvalid without a lead, ResourceNotFound, and what refuses the ruling or the merge.
    """
    work = structs.replace(work, batch_id=uuid4().hex)
    if work.answer not in (Answer.ONCE, Answer.ALWAYS, Answer.MERGE):
        return work
    if work.lead_id is None:
        raise InputInvalid(Problem("lead_id", "Choose the lead that is meant", "blank"))
    # Once for all: every delivery would be refused for it.
    await visit.store.lead(visit.account_id, work.lead_id)
    first = None
    if work.answer is Answer.ALWAYS:
        first = await _ruling(visit, work)
    elif work.answer is Answer.MERGE:
        first = _merge(visit, work)
    if first is not None:
        receipt = await visit.written(first)
        if receipt.result.refusal is not None:
            raise receipt.result.refusal
    return work


async def _ruling(visit: Visit, work: Work) -> LeadWrite:
    """Return the write that says what deliveries by the value mean from now on."""
    newest = await visit.store.ledger_row(visit.account_id, work.until)
    match = _match_of(newest.row)
    body = {"match": match, "lead_id": work.lead_id}
    edit = LeadEdit(add_values=(ValueToAdd(match, claims=True),))
    return LeadWrite(Action.UPDATE, _delivery(visit, work, body), work.lead_id, edit=edit)


def _match_of(row: AccountLedgerRow) -> Match:
    """Return the match by which a delivery found several leads. Raises InputInvalid."""
    body = decoded(row.payload)
    match, problems = one_match_from(body.get("match") if isinstance(body, dict) else None)
    if match is None:
        raise InputInvalid(*problems)
    found = row.match or {}
    if found.get("by") != "properties" or found.get("field_name") == "custom":
        return match
    return Match(found["field_name"], found["value"])


def _merge(visit: Visit, work: Work) -> LeadWrite:
    assert work.lead_id is not None
    losers = tuple(one for one in work.seen if one != work.lead_id)
    delivery = _delivery(visit, work, {"lead_ids": losers})
    return LeadWrite(Action.MERGE, delivery, work.lead_id, merge=Merge(losers))


def _delivery(visit: Visit, work: Work, body: object) -> Delivery:
    return structs.replace(visit.delivery(body), batch_id=work.batch_id)


async def next_chunk(visit: Visit, work: Work) -> Work:
    """Apply or dismiss the next deliveries, or take back the next rows, and return the progress.

    Raises WriteQueueFull, ServiceStopping and StoreUnavailable; writes made before that stay.
    """
    rows = await _next_rows(visit, work, limit=QUEUE_ANSWERED_AT_ONCE_MAX)
    writes, reasons = list[LeadWrite](), list[str]()
    for row in rows:
        if work.answer is Answer.UNDO and row.outcome == Outcome.REFUSED:
            continue
        try:
            writes.append(_write(visit, work, row))
        except OneleadError as error:
            reasons.append(error_line(error))
    receipts = await visit.runtime.writer.write_many(visit.account_id, writes) if writes else []
    refusals = [error_line(one.result.refusal) for one in receipts if one.result.refusal]
    reasons += refusals
    work = structs.replace(
        work,
        last=rows[-1].seq if rows else work.last,
        done=work.done + len(writes) - len(refusals),
        refused=work.refused + len(reasons),
        reason=reasons[-1] if reasons else work.reason,
    )
    await catch_up(visit)
    return structs.replace(work, is_finished=not await _next_rows(visit, work, limit=1))


async def _next_rows(visit: Visit, work: Work, *, limit: int) -> Sequence[AccountLedgerRow]:
    if work.answer is Answer.UNDO:
        return await visit.store.rows_of_batch(
            visit.account_id, work.batch_id, before=work.last or None, limit=limit
        )
    return await visit.store.deliveries_of_group(
        visit.account_id, work.group, after=work.last, until=work.until, limit=limit
    )


def _write(visit: Visit, work: Work, row: AccountLedgerRow) -> LeadWrite:
    if work.answer is Answer.UNDO:
        return LeadWrite(Action.UNDO, visit.delivery(""), about_seq=row.seq)
    delivery = _delivery(visit, work, "")
    if work.answer is Answer.DISMISS:
        return LeadWrite(Action.DISMISS, delivery, about_seq=row.seq)
    lead_id = None if work.answer is Answer.REPLAY else work.lead_id
    return replay_write(row, delivery, lead_id)


def outcome_of(work: Work) -> str:
    """Say what an answer did, in a sentence."""
    if work.answer is Answer.UNDO:
        done = "The answer was taken back"
        return f"{done}." if not work.refused else f"{done}, except {_rows(work.refused)}."
    verb = "dismissed" if work.answer is Answer.DISMISS else "applied"
    text = f"{_deliveries(work.done)} {verb}."
    if work.refused:
        text += f" {_deliveries(work.refused)} refused again: {work.reason}"
    return text


def _deliveries(count: int) -> str:
    return "1 delivery was" if count == 1 else f"{count:,} deliveries were"


def _rows(count: int) -> str:
    return "1 row, which was changed since" if count == 1 else f"{count:,} rows"
