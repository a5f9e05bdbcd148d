"""A server process that answers for acts what is not so, which a proof must find broken.

Run by its path instead of `onelead serve`; its configuration comes from the environment. It applies
a few refused deliveries to another lead than it was told, then none at all, and shows wrong leads,
ledger rows and survivors.
"""

from __future__ import annotations

import sys
from typing import Any

from msgspec import structs
from starlette.responses import Response

from onelead.api.acts import merges, refused_deliveries, undos, values
from onelead.api.acts.writes import answered
from onelead.api.call import Call
from onelead.api.lead_writes import Done, receipt_of
from onelead.api.wire import LeadBody, lead_body
from onelead.commands.cli import main
from onelead.domain.account import AccountSettings
from onelead.domain.lead import Lead
from onelead.domain.writes import DELIVERED, LeadWrite, Outcome, WriteResult
from onelead.incoming import receipts

_WRONG_LEADS = 3
_named: list[int] = []


_Receipt = tuple[Done, dict[str, str]]


async def _receipt_of(call: Call, write: LeadWrite) -> _Receipt:
    """Apply a delivery to the lead that was named in the call before; later apply none."""
    if write.action not in DELIVERED or write.lead_id is None:
        return await receipt_of(call, write)
    _named.append(write.lead_id)
    if len(_named) > _WRONG_LEADS + 1:
        unwritten = WriteResult(Outcome.UNCHANGED, replayed_seq=1)
        settings = await call.runtime.store.settings(call.account_id)
        done = Done(unwritten, settings, 1)
        return done, done.headers
    return await receipt_of(call, structs.replace(write, lead_id=_named[-2:][0]))


async def _answered(*asked: Any) -> Response:
    response = await answered(*asked)
    response.headers["Ledger-Row"] = "1"
    return response


def _merged_body(lead: Lead, settings: AccountSettings) -> LeadBody:
    return structs.replace(lead_body(lead, settings), title="Merged")


def _undone(done: Done) -> Any:
    return structs.replace(shown(done), lead_id=1)


shown = vars(undos)["_shown"]


if __name__ == "__main__":
    vars(refused_deliveries).update(receipt_of=_receipt_of)
    vars(merges).update(lead_body=_merged_body)
    vars(undos).update(_shown=_undone)
    vars(values).update(answered=_answered)
    vars(receipts).update(_survivor_id=lambda _result: None)
    sys.argv[1:] = ["serve"]
    main()
