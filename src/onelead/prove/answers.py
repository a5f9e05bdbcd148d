"""Compares answers with the results of the model; the checks and the explanations use it."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import msgspec
from msgspec import Struct

from onelead.api.answers import bulk_failure, error_response
from onelead.api.wire import LeadBody, lead_body
from onelead.domain.account import AccountSettings
from onelead.domain.errors import OneleadError
from onelead.domain.lead import Lead
from onelead.domain.writes import Action, Outcome, WriteResult
from onelead.incoming.receipts import receipt_headers
from onelead.incoming.statuses import STATUS_BY_KIND
from onelead.prove.operations import Answer, Claim, Operation, is_act

_encode = msgspec.json.Encoder().encode


class _Dates(Struct):
    """The dates of an answered lead; the model has no clock, so it cannot know them."""

    date_created: int = 0
    date_modified: int = 0


_dates = msgspec.json.Decoder(_Dates)


def difference(operation: Operation, result: WriteResult, settings: AccountSettings) -> str | None:
    """Say how the answer differs from the model's result; None if it does not."""
    answer = operation.answer
    assert answer is not None
    status = HTTPStatus.OK
    if operation.item is None:
        if result.refusal is not None:
            status = STATUS_BY_KIND[result.refusal.kind]
        expected = receipt_headers(result)
        for name, is_so in (
            ("Lead-Outcome", answer.outcome),
            ("Lead-Changed", answer.changed),
            ("Lead-Match", answer.match),
            ("ETag", answer.etag),
            ("Lead-Ignored", answer.ignored),
            ("Lead-Shares", answer.shares),
            ("Lead-Kept", answer.kept),
            ("Lead-Merged-Into", answer.merged_into),
        ):
            if is_so != expected.get(name):
                return f"{name} is {is_so}, should be {expected.get(name)}"
    elif answer.outcome != result.outcome:
        return f"the outcome is {answer.outcome}, should be {result.outcome.value}"
    if answer.status != status:
        return f"the status is {answer.status}, should be {status.value}"
    is_own = is_act(operation.action, operation.payload, operation.about_seq)
    if result.refusal is None and is_own and operation.action is not Action.MERGE:
        return _act_difference(operation, result, settings, answer)
    return _body_difference(operation, result, settings, answer)


def differs_from_claim(claim: Claim, result: WriteResult) -> bool:
    """Say whether the model's result differs from what the ledger claims."""
    lead = result.lead
    given = (result.outcome, lead.id if lead else claim.lead_id, lead.version if lead else None)
    return given != (claim.outcome, claim.lead_id, claim.version)


def _body_difference(
    operation: Operation, result: WriteResult, settings: AccountSettings, answer: Answer
) -> str | None:
    expected = _body(operation, result, settings, answer.body)
    if expected == answer.body:
        return None
    is_so, should_be = msgspec.json.decode(answer.body), msgspec.json.decode(expected)
    if not (isinstance(is_so, dict) and isinstance(should_be, dict)):
        return f"the body is {is_so}, should be {should_be}"
    # The API promises an order of members, but another order is still the same answer.
    return _first_difference(is_so, should_be, [*should_be, *is_so])


def _act_difference(
    operation: Operation, result: WriteResult, settings: AccountSettings, answer: Answer
) -> str | None:
    """Compare what the answer to an act says about leads, in a form of its own."""
    is_so, lead = msgspec.json.decode(answer.body), result.lead
    should_be: dict[str, Any] = {"lead_id": lead.id if lead else None}
    if operation.action is Action.SEPARATE:
        should_be = {"lead_ids": sorted(msgspec.json.decode(operation.payload)["lead_ids"])}
    elif operation.about_seq is not None:
        # An undo or a replay shows the lead, unless it is gone.
        is_there = lead is not None and result.outcome is not Outcome.DELETED
        shown = _lead(lead, settings, _encode(is_so["lead"] or {})) if lead and is_there else None
        should_be["lead"] = msgspec.json.decode(_encode(shown))
    return _first_difference(is_so, should_be, should_be)


def _first_difference(
    is_so: dict[str, Any], should_be: dict[str, Any], names: Iterable[str]
) -> str | None:
    for name in names:
        if is_so.get(name) != should_be.get(name):
            return f"{name} is {is_so.get(name)!r}, should be {should_be.get(name)!r}"
    return None


def _body(
    operation: Operation, result: WriteResult, settings: AccountSettings, answered: bytes
) -> bytes:
    if result.refusal is not None:
        return _refusal(operation, result.refusal)
    assert result.lead is not None
    if result.outcome is Outcome.DELETED:
        return _encode({"id": result.lead.id, "is_deleted": True})
    return _encode(_lead(result.lead, settings, answered))


def _lead(lead: Lead, settings: AccountSettings, answered: bytes) -> LeadBody:
    """Return a lead as it should be shown, with the dates that were answered."""
    dates = _dates.decode(answered)
    lead = msgspec.structs.replace(
        lead, date_created=dates.date_created, date_modified=dates.date_modified
    )
    return lead_body(lead, settings)


def _refusal(operation: Operation, refusal: OneleadError) -> bytes:
    if operation.item is None:
        return bytes(error_response(refusal).body)
    return _encode(bulk_failure(refusal, operation.resource_id))
