"""What becomes of refused deliveries: they are applied, dismissed or reopened."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from msgspec import Meta, Struct, structs
from starlette.responses import Response

from onelead.api.acts.writes import act, path_number
from onelead.api.answers import JsonResponse, error_response
from onelead.api.call import Call
from onelead.api.endpoints import PATCH_RECEIPT
from onelead.api.examples import ANSWERED_LEAD, OTHER_ID
from onelead.api.lead_writes import Done, receipt_of
from onelead.api.wire import LeadBody, lead_body
from onelead.domain.acts.facts import DISMISSED, OPEN
from onelead.domain.errors import Erased, InputInvalid, MatchAmbiguous, Problem, ResourceNotFound
from onelead.domain.writes import Action, LeadWrite, Outcome
from onelead.incoming.act_bodies import ReplayRequest, replay_from
from onelead.incoming.delivery_states import states_of
from onelead.incoming.stored_delivery import replay_write


class ReplayBody(Struct, frozen=True):
    """What became of a refused delivery that was applied."""

    seq: Annotated[
        int | None, Meta(description="The ledger row that applied it; null in a dry run.")
    ]
    lead_id: int | None
    lead: Annotated[LeadBody | None, Meta(description="The lead; null when it is gone.")]


class DeliveryStateBody(Struct, frozen=True):
    """A refused delivery, and what became of it."""

    seq: int
    state: Annotated[str, Meta(description="`open`, `applied` or `dismissed`.")]


async def replay_delivery(call: Call) -> Response:
    """Apply a refused delivery.

    It is applied as it came, with another match, or to the lead that it means. Under the policy
    `newest` its values are as old as the delivery. The delivery is then `applied`; applying it
    twice changes nothing, and the answer is the lead that it was applied to.
    """
    seq = path_number(call, "seq")
    store = call.runtime.store
    body = await call.json_object()
    row = (await store.ledger_row(call.account_id, seq)).row
    asked = replay_from(body)
    write = replay_write(row, call.delivery(), asked.lead_id, asked.match)
    done, headers = await receipt_of(call, write)
    if done.refusal is not None:
        return error_response(done.refusal, headers)
    lead = done.result.lead
    if lead is None:
        assert done.result.replayed_seq is not None
        return await _applied_before(call, done, done.result.replayed_seq)
    is_there = done.result.outcome is not Outcome.DELETED
    shown = lead_body(lead, done.settings) if is_there else None
    return JsonResponse(ReplayBody(done.seq, lead.id, shown), headers=headers)


async def _applied_before(call: Call, done: Done, seq: int) -> Response:
    """Answer with the lead that a delivery was applied to."""
    store = call.runtime.store
    row = (await store.ledger_row(call.account_id, seq)).row
    body = None
    result = structs.replace(done.result, replayed_seq=None)
    try:
        assert row.resource_id is not None
        read = await store.lead(call.account_id, row.resource_id)
    except ResourceNotFound:
        pass
    else:
        body = lead_body(read.lead, read.settings)
        result = structs.replace(result, lead=read.lead)
    headers = done._replace(result=result).headers
    return JsonResponse(ReplayBody(seq, row.resource_id, body), headers=headers)


async def dismiss_delivery(call: Call) -> Response:
    """Take a refused delivery out of the queue.

    Nothing else changes, and it can be reopened.
    """
    return await _settle(call, Action.DISMISS)


async def reopen_delivery(call: Call) -> Response:
    """Put a dismissed delivery back into the queue."""
    return await _settle(call, Action.REOPEN)


async def _settle(call: Call, action: Action) -> Response:
    seq = path_number(call, "seq")
    write = LeadWrite(action, call.delivery(""), about_seq=seq)
    done, headers = await receipt_of(call, write)
    if done.refusal is not None:
        return error_response(done.refusal, headers)
    if done.result.outcome is Outcome.DECIDED:
        state = DISMISSED if action is Action.DISMISS else OPEN
    else:
        states = await states_of(call.runtime.store, call.account_id, [seq])
        state = states[seq].state
    return JsonResponse(DeliveryStateBody(seq, state), headers=headers)


_NOT_REFUSED = InputInvalid(Problem("seq", "was not refused: there is nothing to decide"))

_settling = partial(
    act,
    tag="Ledger",
    response=DeliveryStateBody,
    refusals=(_NOT_REFUSED,),
    errors=(Erased(),),
)

ENDPOINTS = (
    act(
        *("POST", "/ledger/{seq}/replay", replay_delivery, "Ledger", ReplayRequest, ReplayBody),
        example={"lead_id": ANSWERED_LEAD.id},
        answer=ReplayBody(25, ANSWERED_LEAD.id, ANSWERED_LEAD),
        # What cannot be applied is refused before a write is tried, without a receipt.
        headers=(),
        sometimes=(*PATCH_RECEIPT, "Lead-Match"),
        refusals=(
            InputInvalid(Problem("seq", "was not refused: there is nothing to apply")),
            InputInvalid(Problem("seq", "has a body that could not be read; send it again")),
            MatchAmbiguous((ANSWERED_LEAD.id, OTHER_ID)),
        ),
        errors=(Erased(),),
    ),
    _settling(
        *("POST", "/ledger/{seq}/dismiss", dismiss_delivery),
        answer=DeliveryStateBody(17, DISMISSED),
    ),
    _settling(
        *("POST", "/ledger/{seq}/reopen", reopen_delivery),
        answer=DeliveryStateBody(17, OPEN),
    ),
)
