"""One ledger row on a page: who may see it, and what was delivered."""

from __future__ import annotations

from typing import Any

import msgspec

from onelead.contract.ledger import AccountLedgerRow, LedgerRead
from onelead.domain.errors import AdminRequired
from onelead.domain.limits import PRETTY_PAYLOAD_CHARS_MAX
from onelead.domain.writes import Action
from onelead.web.frame.visit import Visit

_LEAD = "lead"


async def visible_row(visit: Visit, seq: int) -> LedgerRead:
    """Read a ledger row that whoever looks may see. Raises ResourceNotFound, AdminRequired."""
    read = await visit.store.ledger_row(visit.account_id, seq)
    if read.row.resource != _LEAD and not visit.signed_in.is_admin:
        raise AdminRequired
    return read


def is_upsert(row: AccountLedgerRow) -> bool:
    """Say whether a row is of an upsert, which can be tried again."""
    return row.resource == _LEAD and row.action == Action.UPSERT


def decoded(payload: str) -> Any:
    """Return what a payload says as JSON; None for one that is none."""
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError):
        return None


def pretty(payload: str) -> str:
    """Write a payload line by line where it is JSON and short enough, and else as it came."""
    if not payload or len(payload) > PRETTY_PAYLOAD_CHARS_MAX or decoded(payload) is None:
        return payload
    return msgspec.json.format(payload, indent=2)
