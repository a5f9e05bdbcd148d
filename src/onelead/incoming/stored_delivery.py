"""Reads a delivery that the ledger keeps, to apply it now, for the front ends and the command line.

A refused delivery is applied as it came, or with another match, or to the lead that it means.
"""

from __future__ import annotations

from typing import Any

from msgspec import structs, to_builtins

from onelead.contract.ledger import AccountLedgerRow
from onelead.domain.errors import BodyMalformed, Erased, InputInvalid, Problem
from onelead.domain.matching import Match
from onelead.domain.writes import DELIVERED, LEAD, Action, Delivery, LeadWrite, Outcome
from onelead.incoming.imported_rows import imported_write, row_of
from onelead.incoming.json_body import decode_json
from onelead.incoming.lead_json import item_id, lead_write


def replay_write(
    row: AccountLedgerRow,
    delivery: Delivery,
    lead_id: int | None = None,
    match: Match | None = None,
) -> LeadWrite:
    """Return the write that applies a refused delivery.

    `row` has its payload, `delivery` says who applies it and when; `lead_id` is the lead that is
    meant, and `match` takes the place of the match that was sent. What was observed when the
    delivery came is as old as it is. Raises InputInvalid for a row that cannot be applied, or not
    so, and Erased.
    """
    action = _delivered_action(row)
    _check_meant(action, lead_id, match)
    delivery = structs.replace(
        delivery, payload=row.payload or "", observed_at=_observed_at(row), unread_bytes=None
    )
    named = row.resource_id if lead_id is None else lead_id
    if row.details is not None and row.details.line is not None:
        write = _write_of_row(delivery, match)
    else:
        body = _body_of(delivery.payload)
        if match is not None and isinstance(body, dict):
            body["match"] = to_builtins(match)
        write = lead_write(action, named, body, delivery)
    problems = write.problems
    if action is Action.UPSERT:
        write = structs.replace(write, lead_id=lead_id)
        if lead_id is not None:
            # Nobody looks at the match, so it does not matter what is wrong with it.
            problems = tuple(one for one in problems if one.attribute != "match")
    elif action is Action.UPDATE and named is None:
        # An item of a bulk call whose id could not be read.
        problems = (*item_id(body if isinstance(body, dict) else {})[1], *problems)
    return structs.replace(write, about_seq=row.seq, problems=problems)


def _delivered_action(row: AccountLedgerRow) -> Action:
    """Return what a refused delivery asked for. Raises InputInvalid, Erased."""
    if row.details is not None and row.details.erased is not None:
        raise Erased
    if row.resource != LEAD or row.action not in DELIVERED:
        raise _invalid("is no delivery of a lead")
    if row.outcome != Outcome.REFUSED:
        raise _invalid("was not refused: there is nothing to apply")
    if row.unread_bytes is not None:
        raise _invalid("has a body that could not be read; send it again")
    return Action(row.action)


def _write_of_row(delivery: Delivery, match: Match | None) -> LeadWrite:
    """Read what an import brought, with another match if there is one."""
    found = row_of(delivery.payload)
    if found is None:
        raise _invalid("has a payload that could not be read; import the row again")
    if match is not None:
        found.match = to_builtins(match)
    return imported_write(found, delivery)


def _body_of(payload: str) -> Any:
    try:
        body = decode_json(payload.encode())
    except BodyMalformed:
        # An item of a bulk call, whose other items were written.
        raise _invalid("has a text that cannot be stored; send it corrected") from None
    if isinstance(body, dict):
        # What a lead was where it came from is beside what the delivery asked for.
        body.pop("cells", None)
    return body


def _check_meant(action: Action, lead_id: int | None, match: Match | None) -> None:
    if lead_id is not None and action in (Action.CREATE, Action.DELETE):
        raise InputInvalid(Problem("lead_id", f"cannot be chosen for a delivery to {action}"))
    if match is None:
        return
    if action is not Action.UPSERT:
        raise InputInvalid(Problem("match", f"cannot be chosen for a delivery to {action}"))
    if lead_id is not None:
        raise InputInvalid(Problem("match", "cannot be sent with a lead_id"))


def _observed_at(row: AccountLedgerRow) -> int:
    observed_at = row.details.observed_at if row.details is not None else None
    return row.date if observed_at is None else observed_at


def _invalid(text: str) -> InputInvalid:
    return InputInvalid(Problem("seq", text))
