"""One ledger row on a page: who may see it, and its payload."""

from __future__ import annotations

from typing import Any

import msgspec

from onelead.contract.ledger import AccountLedgerRow, LedgerRead
from onelead.domain.errors import AdminRequired
from onelead.domain.limits import PRETTY_PAYLOAD_CHARS_MAX
from onelead.domain.writes import LEAD, Action
from onelead.web.frame.visit import Visit


async def visible_row(visit: Visit, seq: int) -> LedgerRead:
    """Read a ledger row that the user may see. Raises ResourceNotFound, AdminRequired."""
    read = await visit.store.ledger_row(visit.account_id, seq)
    if read.row.resource != LEAD and not visit.signed_in.is_admin:
        raise AdminRequired
    return read


def is_upsert(row: AccountLedgerRow) -> bool:
    """Say whether a row is an upsert, which can be tried again."""
    return row.resource == LEAD and row.action == Action.UPSERT


def decoded(payload: str) -> Any:
    """Decode a payload; None when it is not JSON."""
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError):
        return None


def pretty(payload: str) -> str:
    """Indent a payload if it is JSON and short enough; otherwise return it unchanged."""
    if not payload or len(payload) > PRETTY_PAYLOAD_CHARS_MAX or decoded(payload) is None:
        return payload
    return msgspec.json.format(payload, indent=2)
