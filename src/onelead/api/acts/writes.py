"""Acts as writes: done or only planned, and answered with what explains them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from starlette.responses import Response

from onelead.api.answers import JsonResponse, error_response
from onelead.api.call import Call
from onelead.api.endpoints import Parameter
from onelead.domain.account import AccountSettings
from onelead.domain.errors import ResourceNotFound
from onelead.domain.text import known_id
from onelead.domain.writes import LeadWrite, WriteResult
from onelead.incoming.receipts import receipt_headers, row_headers

DRY_RUN = Parameter(
    "dry_run",
    "Answer with what the call would do, and write nothing.",
    {"type": "boolean", "default": False},
)


class Done(NamedTuple):
    """What an act did, or in a dry run would do."""

    result: WriteResult
    #: To show the lead by.
    settings: AccountSettings
    #: The ledger number; None in a dry run.
    seq: int | None

    @property
    def headers(self) -> dict[str, str]:
        """The receipt of the act."""
        return receipt_headers(self.result) | row_headers([self.seq])


async def do(call: Call, write: LeadWrite) -> Done:
    """Do what an act asks for, or plan it in a dry run."""
    runtime = call.runtime
    if call.flag("dry_run"):
        check = await runtime.store.plan_write(call.account_id, write)
        return Done(check.result, check.settings, None)
    receipt = await runtime.writer.write(call.account_id, write)
    call.line.wrote(receipt.result.outcome, receipt.seq, receipt.result.refusal)
    return Done(receipt.result, receipt.settings, receipt.seq)


async def answered(call: Call, write: LeadWrite, shown: Callable[[Done], Any]) -> Response:
    """Do what an act asks for, and answer with what `shown` makes of it."""
    done = await do(call, write)
    if done.result.refusal is not None:
        return refused(done)
    return JsonResponse(shown(done), headers=done.headers)


def refused(done: Done) -> Response:
    """Answer a refused act."""
    assert done.result.refusal is not None
    return error_response(done.result.refusal, done.headers)


def path_number(call: Call, name: str) -> int:
    """Return a number in the path. Raises ResourceNotFound for one that nothing can have."""
    number = known_id(call.request.path_params[name])
    if number is None:
        raise ResourceNotFound
    return number
