"""Acts as writes: done or only planned, and answered with what explains them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.responses import Response

from onelead.api.answers import JsonResponse, error_response
from onelead.api.call import Call
from onelead.api.endpoints import DRY_RUN, IDEMPOTENCY_KEY, RECEIPT, Endpoint
from onelead.api.lead_writes import Done, receipt_of
from onelead.domain.api_keys.purposes import KeyScope
from onelead.domain.errors import ResourceNotFound
from onelead.domain.text import known_id
from onelead.domain.writes import LeadWrite

#: An endpoint of an act, by default of one that is about no version of a lead.
act = partial(
    Endpoint,
    scope=KeyScope.WRITE,
    parameters=(DRY_RUN, IDEMPOTENCY_KEY),
    headers=tuple(name for name in RECEIPT if name != "ETag"),
    is_copper=False,
)


async def answered(call: Call, write: LeadWrite, shown: Callable[[Done], Any]) -> Response:
    """Do what an act asks for, and answer with what `shown` makes of it, or with its refusal."""
    done, headers = await receipt_of(call, write)
    if done.refusal is not None:
        return error_response(done.refusal, headers)
    return JsonResponse(shown(done), headers=headers)


def path_number(call: Call, name: str) -> int:
    """Return a number in the path. Raises ResourceNotFound for one that nothing can have."""
    number = known_id(call.request.path_params[name])
    if number is None:
        raise ResourceNotFound
    return number
