"""What becomes of refused deliveries: they are applied, dismissed or reopened."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from msgspec import Meta, Struct, structs
from starlette.responses import Response

from onelead.api.acts.examples import ANSWERED_LEAD
from onelead.api.acts.writes import DRY_RUN, Done, do, path_number, refused
from onelead.api.answers import JsonResponse
from onelead.api.call import Call
from onelead.api.endpoints import Endpoint
from onelead.api.wire import LeadBody, lead_body
from onelead.contract.store import Store
from onelead.domain.acts.facts import DISMISSED, OPEN, delivery_state
from onelead.domain.errors import Erased, InputInvalid, MatchAmbiguous, Problem, ResourceNotFound
from onelead.domain.writes import Action, LeadWrite, Outcome, WriteResult
from onelead.incoming.act_bodies import ReplayRequest, replay_from
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
    read = await store.ledger_row(call.account_id, seq)
    try:
        asked = replay_from(body)
        write = replay_write(read.row, call.delivery(), asked.lead_id, asked.match)
    except InputInvalid as error:
        # There is no delivery that a ledger row could be about.
        return refused(Done(WriteResult(Outcome.REFUSED, refusal=error), read.settings, seq))
    done = await do(call, write)
    if done.result.refusal is not None:
        return refused(done)
    if done.result.replayed_seq is not None:
        return await _applied_before(call, done, done.result.replayed_seq)
    lead = done.result.lead
    assert lead is not None
    is_there = done.result.outcome is not Outcome.DELETED
    shown = lead_body(lead, done.settings) if is_there else None
    return JsonResponse(ReplayBody(done.seq, lead.id, shown), headers=done.headers)


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
    done = await do(call, LeadWrite(action, call.delivery(""), about_seq=seq))
    if done.result.refusal is not None:
        return refused(done)
    if done.result.outcome is Outcome.DECIDED:
        state = DISMISSED if action is Action.DISMISS else OPEN
    else:
        state = await _state(call.runtime.store, call.account_id, seq)
    return JsonResponse(DeliveryStateBody(seq, state), headers=done.headers)


async def _state(store: Store, account_id: int, seq: int) -> str:
    return delivery_state(await store.acts_about(account_id, [seq]), seq).state


_NOT_REFUSED = InputInvalid(Problem("seq", "was not refused: there is nothing to decide"))

_settling = partial(
    Endpoint,
    tag="Ledger",
    response=DeliveryStateBody,
    parameters=(DRY_RUN,),
    headers=("Lead-Outcome", "Lead-Changed"),
    sometimes=("Lead-Dry-Run",),
    refusals=(_NOT_REFUSED,),
    errors=(Erased(),),
    is_copper=False,
)

ENDPOINTS = (
    Endpoint(
        *("POST", "/ledger/{seq}/replay", replay_delivery, "Ledger", ReplayRequest, ReplayBody),
        parameters=(DRY_RUN,),
        example={"lead_id": ANSWERED_LEAD.id},
        answer=ReplayBody(25, ANSWERED_LEAD.id, ANSWERED_LEAD),
        headers=("Lead-Outcome", "Lead-Changed"),
        sometimes=("ETag", "Lead-Match", "Lead-Ignored", "Lead-Shares", "Lead-Dry-Run"),
        refusals=(
            InputInvalid(Problem("seq", "was not refused: there is nothing to apply")),
            InputInvalid(Problem("seq", "has a body that could not be read; send it again")),
            MatchAmbiguous((ANSWERED_LEAD.id, ANSWERED_LEAD.id + 7)),
        ),
        errors=(Erased(),),
        is_copper=False,
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
