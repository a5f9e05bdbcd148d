"""Carries out what a call asks to be written, or only plans it, and answers with the receipt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from msgspec import structs
from starlette.responses import Response

from onelead.api.answers import DeliveredBody, JsonResponse, bulk_failure, error_response
from onelead.api.call import Call
from onelead.api.wire import lead_body
from onelead.domain.account import AccountSettings, Caller
from onelead.domain.api_keys.purposes import KeyScope
from onelead.domain.errors import Erased, IdempotencyKeyReused, OneleadError
from onelead.domain.writes import LeadWrite, Outcome, WriteResult
from onelead.incoming.receipts import bulk_receipt_headers, receipt_headers, row_headers
from onelead.incoming.request_log import RequestLine

COMPUTED = "custom_field_computed_values"


class Done(NamedTuple):
    """What a write did, or what it would do."""

    result: WriteResult
    #: To show the lead by.
    settings: AccountSettings
    #: None for a dry run.
    seq: int | None

    @property
    def refusal(self) -> OneleadError | None:
        """Why there is nothing to answer with."""
        details = self.result.details
        if self.result.refusal is None and details is not None and details.erased:
            # A repeated request: what was answered to the first one has been erased since.
            return Erased()
        return self.result.refusal

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the receipt."""
        return receipt_headers(self.result) | row_headers([self.seq])


async def written(call: Call, write: LeadWrite) -> Response:
    """Do one write; answer with the lead, or with why the write was refused."""
    (done,) = await _done(call, [write])
    return answered(done, call.line, call.caller, computed=call.flag(COMPUTED))


def answered(done: Done, line: RequestLine, caller: Caller, *, computed: bool) -> Response:
    """Answer one write with the lead, or with why it was refused."""
    line.wrote(done.result.outcome, done.seq, done.refusal)
    if done.refusal is not None:
        return error_response(done.refusal, done.headers)
    return JsonResponse(_shown(done, caller, computed=computed), headers=done.headers)


async def receipt_of(call: Call, write: LeadWrite) -> tuple[Done, dict[str, str]]:
    """Do one write, and return the headers of its receipt, too."""
    (done,) = await _done(call, [write])
    call.line.wrote(done.result.outcome, done.seq, done.refusal)
    return done, done.headers


async def written_together(call: Call, writes: Sequence[LeadWrite]) -> Response:
    """Do the writes of a bulk call; each has its own answer."""
    if not writes:
        return JsonResponse([], headers=bulk_receipt_headers([]))
    done = await _done(call, writes)
    headers = bulk_receipt_headers([one.result for one in done])
    headers |= row_headers(one.seq for one in done)
    batch_id = writes[0].delivery.batch_id
    if batch_id is not None and any(one.seq and one.result.replayed_seq is None for one in done):
        headers["Lead-Batch"] = batch_id
    call.line.outcome, call.line.seq = headers["Lead-Outcome"], done[0].seq
    if all(isinstance(one.refusal, IdempotencyKeyReused) for one in done):
        # It is the key of the whole call.
        return error_response(IdempotencyKeyReused(), headers)
    computed = call.flag(COMPUTED)
    answers = [
        bulk_failure(one.refusal, write.lead_id)
        if one.refusal
        else _shown(one, call.caller, computed=computed)
        for one, write in zip(done, writes, strict=True)
    ]
    return JsonResponse(answers, headers=headers)


async def _done(call: Call, writes: Sequence[LeadWrite]) -> list[Done]:
    """Do the writes in order, or plan them for a dry run."""
    is_dry_run, problems = call.dry_run()
    if problems:
        writes = [structs.replace(one, problems=(*one.problems, *problems)) for one in writes]
    if is_dry_run:
        checks = await call.runtime.store.plan_writes(call.account_id, writes)
        return [Done(result, checks.settings, None) for result in checks.results]
    writer = call.runtime.writer
    if len(writes) == 1:
        receipts = [await writer.write(call.account_id, writes[0])]
    else:
        receipts = await writer.write_many(call.account_id, writes)
    return [Done(receipt.result, receipt.settings, receipt.seq) for receipt in receipts]


def _shown(done: Done, caller: Caller, *, computed: bool) -> Any:
    lead = done.result.lead
    assert lead is not None
    if caller.scope is KeyScope.DELIVER:
        return DeliveredBody(lead.id)
    if done.result.outcome is Outcome.DELETED:
        return {"id": lead.id, "is_deleted": True}
    return lead_body(lead, done.settings, computed=computed)
