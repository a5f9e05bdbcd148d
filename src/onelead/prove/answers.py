"""Compares answers with the results of the model; the checks and the explanations use it."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from msgspec import Struct

from onelead.api.answers import bulk_failure, error_response
from onelead.api.wire import lead_body
from onelead.domain.account import AccountSettings
from onelead.domain.errors import OneleadError
from onelead.domain.writes import Outcome, WriteResult
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
        ):
            if is_so != expected.get(name):
                return f"{name} is {is_so}, should be {expected.get(name)}"
    elif answer.outcome != result.outcome:
        return f"the outcome is {answer.outcome}, should be {result.outcome.value}"
    if answer.status != status:
        return f"the status is {answer.status}, should be {status.value}"
    if result.refusal is None and is_act(operation.action, operation.payload, operation.about_seq):
        # The body of an act says the same in a form of its own.
        return None
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
    for key in [*should_be, *is_so]:
        if is_so.get(key) != should_be.get(key):
            return f"{key} is {is_so.get(key)!r}, should be {should_be.get(key)!r}"
    # The API promises an order of members, but another order is still the same answer.
    return None


def _body(
    operation: Operation, result: WriteResult, settings: AccountSettings, answered: bytes
) -> bytes:
    if result.refusal is not None:
        return _refusal(operation, result.refusal)
    assert result.lead is not None
    if result.outcome is Outcome.DELETED:
        return _encode({"id": result.lead.id, "is_deleted": True})
    dates = _dates.decode(answered)
    lead = msgspec.structs.replace(
        result.lead, date_created=dates.date_created, date_modified=dates.date_modified
    )
    return _encode(lead_body(lead, settings))


def _refusal(operation: Operation, refusal: OneleadError) -> bytes:
    if operation.item is None:
        return bytes(error_response(refusal).body)
    return _encode(bulk_failure(refusal, operation.resource_id))
