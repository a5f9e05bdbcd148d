"""Pairs of leads that are two persons: "not the same", remembered."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

from msgspec import Meta, Struct, structs
from starlette.responses import Response

from onelead.api.acts.writes import act, answered
from onelead.api.answers import JsonResponse, error_response
from onelead.api.call import Call
from onelead.api.endpoints import (
    DRY_RUN,
    PAGE_INVALID,
    PAGE_NUMBER,
    PAGE_SIZE,
    Endpoint,
    Parameter,
)
from onelead.api.examples import ANSWERED_LEAD, OTHER_ID
from onelead.api.lead_writes import receipt_of
from onelead.domain.api_keys.purposes import KeyScope
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
    """Take back that two leads are two persons.

    The call takes no Idempotency-Key; when it is repeated, it is answered with 404.
    """
    pair, problems = pair_from(await call.json_object())
    # Merged leads may have been said to be two persons one by one, and a key means one write.
    delivery = structs.replace(call.delivery(), idempotency=None)
    if pair is None:
        write = LeadWrite(Action.UNDO, delivery, problems=problems)
        return await answered(call, write, lambda done: _body(pair, done.seq))
    pairs = await call.runtime.store.pairs_between(call.account_id, *pair)
    if not pairs:
        raise ResourceNotFound
    for one in pairs:
        write = LeadWrite(Action.UNDO, delivery, about_seq=one.seq)
        done, headers = await receipt_of(call, write)
        if done.refusal is not None:
            return error_response(done.refusal, headers)
    return JsonResponse(_body(pair, done.seq), headers=headers)


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

_pair_act = partial(
    act,
    tag=_TAG,
    request=DistinctRequest,
    response=DistinctBody,
    example={"lead_ids": _PAIR.lead_ids},
    answer=_PAIR,
    refusals=(_ONE_LEAD,),
    errors=(ResourceNotFound(),),
)

ENDPOINTS = (
    _pair_act("POST", "/distinct", separate_leads),
    Endpoint(
        *("GET", "/distinct", list_distinct, _TAG, None, list[DistinctBody]),
        scope=KeyScope.READ,
        parameters=(_LEAD_ID, PAGE_NUMBER, PAGE_SIZE),
        answer=[_PAIR],
        headers=("X-PW-TOTAL",),
        refusals=(PAGE_INVALID,),
        is_copper=False,
    ),
    _pair_act("DELETE", "/distinct", forget_distinct, parameters=(DRY_RUN,)),
)
