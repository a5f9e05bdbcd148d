"""Merging leads: the handler and its endpoint."""

from __future__ import annotations

from starlette.responses import Response

from onelead.api.acts.writes import act
from onelead.api.answers import JsonResponse, error_response
from onelead.api.call import Call
from onelead.api.endpoints import RECEIPT
from onelead.api.examples import ANSWERED_LEAD, OTHER_ID
from onelead.api.lead_writes import receipt_of
from onelead.api.wire import LeadBody, lead_body
from onelead.domain.errors import (
    InputInvalid,
    LeadMerged,
    MergeConflict,
    Problem,
    VersionConflict,
)
from onelead.domain.limits import MERGE_LEADS_MAX
from onelead.domain.writes import Action, LeadWrite
from onelead.incoming.act_bodies import MergeRequest, merge_from


async def merge_leads(call: Call) -> Response:
    """Merge leads into this one.

    The lead keeps its id and its values; where it has none, it gets the one of the other lead with
    the lowest id, and lists are united. `choose` decides otherwise. From then on the ids of the
    merged leads lead to this one, and deliveries by any of their values find it. Repeating the call
    changes nothing. The ledger row can be undone. Lead-Waiting is the number of refused deliveries
    that named one of these leads and are still open.
    """
    lead_id = call.path_id()
    merge, problems = merge_from(await call.json_object())
    write = LeadWrite(Action.MERGE, call.delivery(), lead_id, merge=merge, problems=problems)
    done, headers = await receipt_of(call, write)
    if done.refusal is not None:
        return error_response(done.refusal, headers)
    assert merge is not None
    assert done.result.lead is not None
    ids = {done.result.lead.id, *merge.lead_ids}
    if waiting := await call.runtime.store.waiting_deliveries(call.account_id, ids):
        headers["Lead-Waiting"] = str(waiting)
    return JsonResponse(lead_body(done.result.lead, done.settings), headers=headers)


_ID = ANSWERED_LEAD.id
_TOO_MANY = Problem("lead_ids", f"has too many leads (maximum is {MERGE_LEADS_MAX})", "too_long")

ENDPOINTS = (
    act(
        *("POST", "/leads/{id}/merge", merge_leads, "Merging and undoing", MergeRequest, LeadBody),
        example={
            "lead_ids": [OTHER_ID],
            "choose": {"title": OTHER_ID, "company_name": None},
            "versions": {str(_ID): 3, str(OTHER_ID): 1},
        },
        answer=ANSWERED_LEAD,
        headers=(*RECEIPT, "Lead-Waiting"),
        refusals=(InputInvalid(_TOO_MANY), LeadMerged(_ID, _ID + 5)),
        errors=(
            MergeConflict(f"Lead {OTHER_ID} was merged into lead {_ID + 5}; name that one instead"),
            VersionConflict(4),
        ),
    ),
)
