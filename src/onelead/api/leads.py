"""The handlers of leads: fetch, create, update, upsert, delete, bulk, and a lead's history."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import msgspec
from msgspec import structs
from starlette.responses import Response

from onelead.api.answers import BareErrorBody, JsonResponse, next_page_link
from onelead.api.call import Call
from onelead.api.endpoints import UNMERGED, Handler
from onelead.api.lead_writes import COMPUTED, receipt_of, written, written_together
from onelead.api.wire import LeadBody, lead_body
from onelead.domain.errors import BodyMalformed, Problem
from onelead.domain.limits import BULK_LEADS_MAX
from onelead.domain.text import known_id
from onelead.domain.writes import Action, LeadWrite
from onelead.incoming.api_calls import BASE_PATH
from onelead.incoming.bulk_body import UnreadableItem
from onelead.incoming.json_body import UNREAD
from onelead.incoming.lead_json import (
    item_id,
    lead_patch,
    lead_write,
    unknown_keys,
    upsert_write,
)
from onelead.incoming.search_request import search_from


def recorded(action: Action) -> Callable[[Handler], Handler]:
    """Let the ledger have a row of a delivery whose body cannot be read, too."""

    def recording(handler: Handler) -> Handler:
        @wraps(handler)
        async def handled(call: Call) -> Response:
            try:
                return await handler(call)
            except UNREAD as error:
                lead_id = known_id(call.request.path_params.get("id"))
                delivery = call.unread_delivery()
                return await written(call, LeadWrite(action, delivery, lead_id, unread=error))

        return handled

    return recording


async def fetch_lead(call: Call) -> Response:
    """Fetch a lead.

    Of a lead that was merged, the one that stands for it is answered, and the header
    Lead-Merged-Into has that one's id.
    """
    unmerged = call.flag(UNMERGED.name)
    read = await call.runtime.store.lead(call.account_id, call.path_id(), unmerged=unmerged)
    body = lead_body(read.lead, read.settings, computed=call.flag(COMPUTED))
    headers = {"ETag": f'"{read.lead.version}"'}
    if read.merged_into is not None:
        headers["Lead-Merged-Into"] = str(read.merged_into)
        if not unmerged:
            headers["Content-Location"] = f"{BASE_PATH}/leads/{read.merged_into}"
    return JsonResponse(body, headers=headers)


@recorded(Action.CREATE)
async def create_lead(call: Call) -> Response:
    """Create a lead without looking for a match."""
    body = await call.json_object()
    return await written(call, lead_write(Action.CREATE, None, body, call.delivery()))


@recorded(Action.UPDATE)
async def update_lead(call: Call) -> Response:
    """Update a lead.

    Members that are left out stay as they are, and null clears a value. A whole lead can be sent
    back. Properties that `if_empty` lists are written only where the lead has none.
    """
    lead_id, version = call.path_id(), call.expected_version()
    body = await call.json_object()
    write = lead_write(Action.UPDATE, lead_id, body, call.delivery())
    return await written(call, structs.replace(write, expected_version=version))


@recorded(Action.UPSERT)
async def upsert_lead(call: Call) -> Response:
    """Create a lead, or update the one that matches.

    If no lead matches, one is created; it gets the match value unless the properties name the
    matched field. If one lead matches, it is updated. If several match, nothing is written, and the
    answer has their ids when they are at most 30. Finding and writing are one step, so two upserts
    of the same person never create two leads. A custom field can be matched when it is available on
    leads and included in filters.
    """
    wanted = call.precondition()
    write = upsert_write(await call.json_object(), call.delivery())
    if wanted.only is not None:
        write = structs.replace(write, only=wanted.only, expected_version=wanted.version)
    return await written(call, write)


async def delete_lead(call: Call) -> Response:
    """Delete a lead."""
    lead_id, version = call.path_id(), call.expected_version()
    write = LeadWrite(Action.DELETE, call.delivery(""), lead_id, expected_version=version)
    return await written(call, write)


@recorded(Action.CREATE)
async def bulk_create_leads(call: Call) -> Response:
    """Create up to ten leads, each on its own."""
    return await _bulk(call, Action.CREATE)


@recorded(Action.UPDATE)
async def bulk_update_leads(call: Call) -> Response:
    """Update up to ten leads, each on its own."""
    return await _bulk(call, Action.UPDATE)


async def _bulk(call: Call, action: Action) -> Response:
    body = await call.json_bulk()
    items, problem = _bulk_items(body)
    if problem is not None:
        # A call that is refused as a whole is one delivery.
        write = LeadWrite(action, call.delivery(), problems=(problem,))
        if problem.text != _TOO_MANY:
            return await written(call, write)
        # Copper answers this one in a shape of its own.
        _, headers = await receipt_of(call, write)
        return JsonResponse(BareErrorBody(_TOO_MANY), 422, headers)
    writes = [_item_write(call, action, item, number) for number, item in enumerate(items)]
    return await written_together(call, writes)


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


def _item_write(call: Call, action: Action, item: Any, number: int) -> LeadWrite:
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
    delivery = structs.replace(call.delivery(payload, number), batch_id=call.request_id)
    return LeadWrite(action, delivery, lead_id, patch, problems=problems)


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
        headers["Link"] = next_page_link(call.request.url, cursor=page.next_cursor)
    return JsonResponse(bodies if keys is None else _projected(bodies, keys), headers=headers)


def _projected(bodies: list[LeadBody], keys: frozenset[str]) -> list[dict[str, Any]]:
    shown = [key for key in LeadBody.__struct_fields__ if key in keys]
    return [{key: getattr(body, key) for key in shown} for body in bodies]
