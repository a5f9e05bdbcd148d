"""The handlers of leads: fetch, create, update, upsert, delete, bulk, and a lead's history."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import msgspec
from starlette.responses import Response

from onelead.api.answers import (
    BareErrorBody,
    JsonResponse,
    bulk_failure,
    error_response,
    next_page_link,
)
from onelead.api.call import Call
from onelead.api.endpoints import Handler
from onelead.api.wire import LeadBody, lead_body
from onelead.domain.errors import BodyMalformed, Problem
from onelead.domain.limits import BULK_LEADS_MAX
from onelead.domain.text import known_id
from onelead.domain.writes import Action, LeadWrite, Outcome
from onelead.incoming.bulk_body import UnreadableItem
from onelead.incoming.json_body import UNREAD
from onelead.incoming.lead_json import item_id, lead_patch, unknown_keys, upsert_write
from onelead.incoming.paging import page_from
from onelead.incoming.receipts import bulk_receipt_headers, receipt_headers
from onelead.incoming.search_request import search_from
from onelead.process.writer import Receipt

COMPUTED = "custom_field_computed_values"


def _recorded(action: Action) -> Callable[[Handler], Handler]:
    """Let the ledger have a row of a delivery whose body cannot be read, too."""

    def recording(handler: Handler) -> Handler:
        @wraps(handler)
        async def handled(call: Call) -> Response:
            try:
                return await handler(call)
            except UNREAD as error:
                lead_id = known_id(call.request.path_params.get("id"))
                delivery = call.unread_delivery()
                return await _written(call, LeadWrite(action, delivery, lead_id, unread=error))

        return handled

    return recording


async def fetch_lead(call: Call) -> Response:
    """Fetch a lead."""
    read = await call.runtime.store.lead(call.account_id, call.path_id())
    body = lead_body(read.lead, read.settings, computed=call.flag(COMPUTED))
    return JsonResponse(body, headers={"ETag": f'"{read.lead.version}"'})


@_recorded(Action.CREATE)
async def create_lead(call: Call) -> Response:
    """Create a lead without looking for a match."""
    patch, problems = lead_patch(await call.json_object(), "base")
    write = LeadWrite(Action.CREATE, call.delivery(), patch=patch, problems=problems)
    return await _written(call, write)


@_recorded(Action.UPDATE)
async def update_lead(call: Call) -> Response:
    """Update a lead.

    Members that are left out stay as they are, and null clears a value. A whole lead can be sent
    back.
    """
    lead_id, version = call.path_id(), call.expected_version()
    patch, problems = lead_patch(await call.json_object(), "base")
    write = LeadWrite(
        *(Action.UPDATE, call.delivery(), lead_id, patch),
        problems=problems,
        expected_version=version,
    )
    return await _written(call, write)


@_recorded(Action.UPSERT)
async def upsert_lead(call: Call) -> Response:
    """Create a lead, or update the one that matches.

    If no lead matches, one is created; it gets the match value unless the properties name the
    matched field. If one lead matches, it is updated. If several match, nothing is written, and the
    answer has their ids when they are at most 30. Finding and writing are one step, so two upserts
    of the same person never create two leads. A custom field can be matched when it is available on
    leads and included in filters.
    """
    body = await call.json_object()
    return await _written(call, upsert_write(body, call.delivery()))


async def delete_lead(call: Call) -> Response:
    """Delete a lead."""
    lead_id, version = call.path_id(), call.expected_version()
    write = LeadWrite(Action.DELETE, call.delivery(""), lead_id, expected_version=version)
    return await _written(call, write)


async def _written(call: Call, write: LeadWrite) -> Response:
    receipt = await call.runtime.writer.write(call.account_id, write)
    call.line.wrote(receipt.result.outcome, receipt.seq, receipt.result.refusal)
    headers = receipt_headers(receipt.result)
    if receipt.result.refusal is not None:
        return error_response(receipt.result.refusal, headers)
    return JsonResponse(_shown(call, receipt), headers=headers)


def _shown(call: Call, receipt: Receipt) -> Any:
    result = receipt.result
    assert result.lead is not None
    if result.outcome is Outcome.DELETED:
        return {"id": result.lead.id, "is_deleted": True}
    return lead_body(result.lead, receipt.settings, computed=call.flag(COMPUTED))


@_recorded(Action.CREATE)
async def bulk_create_leads(call: Call) -> Response:
    """Create up to ten leads, each on its own."""
    return await _bulk(call, Action.CREATE)


@_recorded(Action.UPDATE)
async def bulk_update_leads(call: Call) -> Response:
    """Update up to ten leads, each on its own."""
    return await _bulk(call, Action.UPDATE)


async def _bulk(call: Call, action: Action) -> Response:
    body = await call.json_bulk()
    items, problem = _bulk_items(body)
    if problem is not None:
        # A call that is refused as a whole is one delivery.
        write = LeadWrite(action, call.delivery(), problems=(problem,))
        receipt = await call.runtime.writer.write(call.account_id, write)
        call.line.wrote(receipt.result.outcome, receipt.seq, receipt.result.refusal)
        assert receipt.result.refusal is not None
        headers = receipt_headers(receipt.result)
        if problem.text == _TOO_MANY:
            # Copper answers this one in a shape of its own.
            return JsonResponse(BareErrorBody(_TOO_MANY), 422, headers)
        return error_response(receipt.result.refusal, headers)
    writes = [_item_write(call, action, item) for item in items]
    receipts = await call.runtime.writer.write_many(call.account_id, writes) if writes else []
    answers = [
        _item_answer(call, receipt, write) for receipt, write in zip(receipts, writes, strict=True)
    ]
    headers = bulk_receipt_headers([receipt.result for receipt in receipts])
    if receipts:
        call.line.outcome, call.line.seq = headers["Lead-Outcome"], receipts[0].seq
    return JsonResponse(answers, headers=headers)


_TOO_MANY = f"Request size too large, limit is {BULK_LEADS_MAX}"


def _bulk_items(body: dict[str, Any]) -> tuple[list[Any], Problem | None]:
    if unknown := unknown_keys(body, ("leads",)):
        return [], unknown
    items = body.get("leads")
    if items is None:
        return [], Problem("leads", "can't be blank", "blank")
    if not isinstance(items, list):
        return [], Problem("leads", "must be a list of leads")
    if len(items) > BULK_LEADS_MAX:
        return [], Problem("leads", _TOO_MANY, "too_long")
    return items, None


def _item_write(call: Call, action: Action, item: Any) -> LeadWrite:
    lead_id = None
    unreadable: tuple[Problem, ...] = ()
    if isinstance(item, UnreadableItem):
        payload, unreadable, item = item.payload, item.problems, item.readable
    else:
        payload = msgspec.json.encode(item).decode()
    patch, problems = lead_patch(item, "base")
    is_id_readable = all(problem.attribute != "id" for problem in unreadable)
    if action is Action.UPDATE and isinstance(item, dict) and is_id_readable:
        lead_id, id_problems = item_id(item)
        problems = (*id_problems, *problems)
    problems = (*unreadable, *problems)
    return LeadWrite(action, call.delivery(payload), lead_id, patch, problems=problems)


def _item_answer(call: Call, receipt: Receipt, write: LeadWrite) -> Any:
    if receipt.result.refusal is not None:
        return bulk_failure(receipt.result.refusal, write.lead_id)
    return _shown(call, receipt)


async def search_leads(call: Call) -> Response:
    """Find leads; a cursor pages through all of them, at any depth.

    A lead has to meet all criteria; without any, all leads are found. While more follow, the header
    Link has the address of the next page: send the same body there. This way no lead is skipped or
    repeated while other leads change. A custom field can be searched when it is included in
    filters.
    """
    body = await call.json_value()
    if not isinstance(body, dict) and body != []:
        raise BodyMalformed("Invalid input: the body must be a JSON object")
    search, keys = search_from(
        call.request.query_params, body, ignored=COMPUTED, showable=LeadBody.__struct_fields__
    )
    runtime = call.runtime
    page = await runtime.store.search_leads(call.account_id, search, now=runtime.clock())
    computed = call.flag(COMPUTED)
    bodies = [lead_body(lead, page.settings, computed=computed) for lead in page.leads]
    headers = {"X-PW-TOTAL": str(page.total)}
    if page.next_cursor is not None:
        headers["Link"] = next_page_link(call.request.url, page.next_cursor)
    return JsonResponse(bodies if keys is None else _projected(bodies, keys), headers=headers)


def _projected(bodies: list[LeadBody], keys: frozenset[str]) -> list[dict[str, Any]]:
    shown = [key for key in LeadBody.__struct_fields__ if key in keys]
    return [{key: getattr(body, key) for key in shown} for body in bodies]


async def lead_history(call: Call) -> Response:
    """List what happened to a lead, newest first.

    The history of a deleted lead stays. Refused writes are listed with their message and body.
    Upserts that were refused because the lead was one of several matches follow a moment later.
    """
    page = page_from(call.request.query_params)
    history = await call.runtime.store.lead_history(
        call.account_id, call.path_id(), offset=page.offset, limit=page.limit
    )
    return JsonResponse(history.rows, headers={"X-PW-TOTAL": str(history.total)})
