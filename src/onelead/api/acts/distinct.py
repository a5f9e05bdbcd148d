"""Pairs of leads that are two persons: "not the same", remembered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta, Struct
from starlette.responses import Response

from onelead.api.acts.examples import ANSWERED_LEAD, OTHER_ID
from onelead.api.acts.writes import DRY_RUN, answered, do, refused
from onelead.api.answers import JsonResponse
from onelead.api.call import Call
from onelead.api.endpoints import PAGE_INVALID, PAGE_NUMBER, PAGE_SIZE, Endpoint, Parameter
from onelead.domain.coercions import as_integer
from onelead.domain.errors import InputInvalid, Problem, ResourceNotFound
from onelead.domain.text import known_id
from onelead.domain.writes import Action, LeadWrite
from onelead.incoming.act_bodies import DistinctRequest, pair_from
from onelead.incoming.lead_json import id_problem
from onelead.incoming.paging import page_from


class DistinctBody(Struct, frozen=True):
    """Two leads that are two persons, in ascending order."""

    lead_ids: Sequence[int]
    seq: Annotated[int | None, Meta(description="The ledger row that says so; null in a dry run.")]


async def separate_leads(call: Call) -> Response:
    """Say that two leads are two persons, so that they are not suggested again."""
    pair, problems = pair_from(await call.json_object())
    write = LeadWrite(Action.SEPARATE, call.delivery(), problems=problems, pair=pair)
    return await answered(call, write, lambda done: _body(pair, done.seq))


async def list_distinct(call: Call) -> Response:
    """List the pairs of leads that are two persons, those that were said last first.

    A pair of merged leads is listed with the leads that stand for them now.
    """
    query = call.request.query_params
    page = page_from(query)
    found = await call.runtime.store.distinct_page(
        call.account_id, _lead_id(query.get("lead_id")), offset=page.offset, limit=page.limit
    )
    bodies = [_body((one, other), seq) for one, other, seq in found.pairs]
    return JsonResponse(bodies, headers={"X-PW-TOTAL": str(found.total)})


async def forget_distinct(call: Call) -> Response:
    """Take back that two leads are two persons."""
    pair, problems = pair_from(await call.json_object())
    if pair is None:
        write = LeadWrite(Action.UNDO, call.delivery(), problems=problems)
        return refused(await do(call, write))
    pairs = await call.runtime.store.pairs_between(call.account_id, *pair)
    if not pairs:
        raise ResourceNotFound
    for one in pairs:
        # Merged leads may have been said to be two persons one by one.
        done = await do(call, LeadWrite(Action.UNDO, call.delivery(), about_seq=one.seq))
        if done.result.refusal is not None:
            return refused(done)
    return JsonResponse(_body(pair, done.seq), headers=done.headers)


def _lead_id(sent: Any) -> int | None:
    if not sent:
        return None
    lead_id = known_id(as_integer(sent))
    if lead_id is None:
        raise InputInvalid(id_problem("lead_id", sent))
    return lead_id


def _body(pair: tuple[int, int] | None, seq: int | None) -> DistinctBody:
    assert pair is not None
    return DistinctBody(sorted(pair), seq)


_LEAD_ID = Parameter(
    "lead_id",
    "Only pairs with this lead, or with one that was merged into it.",
    {"type": "integer", "minimum": 1},
)
_PAIR = DistinctBody([ANSWERED_LEAD.id, OTHER_ID], 26)
_ONE_LEAD = InputInvalid(Problem("lead_ids", "must be two leads"))
_TAG = "Merging and undoing"

ENDPOINTS = (
    Endpoint(
        *("POST", "/distinct", separate_leads, _TAG, DistinctRequest, DistinctBody),
        parameters=(DRY_RUN,),
        example={"lead_ids": _PAIR.lead_ids},
        answer=_PAIR,
        headers=("Lead-Outcome", "Lead-Changed"),
        sometimes=("Lead-Dry-Run",),
        refusals=(_ONE_LEAD,),
        errors=(ResourceNotFound(),),
        is_copper=False,
    ),
    Endpoint(
        *("GET", "/distinct", list_distinct, _TAG, None, list[DistinctBody]),
        parameters=(_LEAD_ID, PAGE_NUMBER, PAGE_SIZE),
        answer=[_PAIR],
        headers=("X-PW-TOTAL",),
        refusals=(PAGE_INVALID,),
        is_copper=False,
    ),
    Endpoint(
        *("DELETE", "/distinct", forget_distinct, _TAG, DistinctRequest, DistinctBody),
        parameters=(DRY_RUN,),
        example={"lead_ids": _PAIR.lead_ids},
        answer=_PAIR,
        headers=("Lead-Outcome", "Lead-Changed"),
        sometimes=("Lead-Dry-Run",),
        refusals=(_ONE_LEAD,),
        errors=(ResourceNotFound(),),
        is_copper=False,
    ),
)
