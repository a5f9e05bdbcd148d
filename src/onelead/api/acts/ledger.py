"""The ledger for programs: all rows, newest first or in order as they come; one row; a history."""

from __future__ import annotations

import asyncio
from functools import partial
from operator import lt
from typing import Any

from starlette.responses import Response

from onelead.api.acts.ledger_rows import LedgerRowBody, row_bodies
from onelead.api.acts.writes import path_number
from onelead.api.answers import JsonResponse, next_page_link
from onelead.api.call import Call
from onelead.api.endpoints import PAGE_INVALID, PAGE_NUMBER, PAGE_SIZE, Endpoint, Parameter
from onelead.api.examples import ANSWERED_LEAD, UPSERT
from onelead.contract.ledger import LedgerRun
from onelead.domain.acts.facts import APPLIED, DISMISSED, OPEN
from onelead.domain.api_keys.purposes import KeyScope
from onelead.domain.errors import InputInvalid, Problem
from onelead.domain.limits import (
    LEDGER_EXAMINED_MAX,
    LEDGER_SLICE_ROWS,
    LEDGER_WAIT_S_MAX,
    PAGE_SIZE_MAX,
)
from onelead.domain.writes import LEAD, Action, Outcome
from onelead.incoming.ledger_query import LedgerQuery, ledger_query
from onelead.incoming.paging import page_from


async def list_ledger(call: Call) -> Response:
    """List the ledger: every write that was asked for, refused ones included.

    Newest first; while older rows are left, the header Link has the address of the next page, which
    can be short or empty when few rows meet the criteria. With `after`, the rows above that number
    come in order, and Link always has the address to go on from: a client that follows it gets
    every row once, while others write. With `wait` the call is answered as soon as there is a row,
    or with none after that many seconds, or when many rows did not meet the criteria. Rows come
    without `payload`; fetch a row to get it.
    """
    query = ledger_query(call.request.query_params)
    store = call.runtime.store
    if query.after is None:
        found = await store.search_ledger(call.account_id, query.search)
        rows, next_page = found.rows, {"before": found.next_before} if found.next_before else {}
    else:
        run = await _followed(call, query, query.after)
        rows, next_page = run.rows, {"after": run.last_seq}
    bodies = await row_bodies(store, call.account_id, rows, with_payload=False)
    headers = {"Link": next_page_link(call.request.url, **next_page)} if next_page else {}
    return JsonResponse(bodies, headers=headers)


async def _followed(call: Call, query: LedgerQuery, after: int) -> LedgerRun:
    """Return the next rows; wait for some if there are none, as long as the caller wants."""
    runtime, account_id = call.runtime, call.account_id
    loop = asyncio.get_running_loop()
    until = loop.time() + query.wait_s
    run = await runtime.store.follow_ledger(account_id, query.search, after=after)
    if run.rows or not query.wait_s:
        return run
    with runtime.ledger_watch.watching(account_id) as watched:
        # One call examines no more rows than it would without `wait`.
        while not run.rows and run.last_seq < after + LEDGER_EXAMINED_MAX:
            is_beyond = partial(lt, run.last_seq)
            if not await watched.until(is_beyond, timeout_s=until - loop.time()):
                break
            run = await runtime.store.follow_ledger(account_id, query.search, after=run.last_seq)
    return run


async def fetch_ledger_row(call: Call) -> Response:
    """Fetch a row of the ledger, with the delivery as it came."""
    read = await call.runtime.store.ledger_row(call.account_id, path_number(call, "seq"))
    store = call.runtime.store
    (body,) = await row_bodies(store, call.account_id, [read.row], with_payload=True)
    return JsonResponse(body)


async def lead_history(call: Call) -> Response:
    """List what happened to a lead, newest first.

    The history of a deleted lead stays. Refused writes are listed with their message and body.
    Upserts that were refused because the lead was one of several matches follow a moment later. The
    histories of leads that were merged into it are part of it; `lead_id` says whose a row is. That
    of a merged lead ends with its merge.
    """
    page = page_from(call.request.query_params)
    store = call.runtime.store
    history = await store.lead_history(
        call.account_id, call.path_id(), offset=page.offset, limit=page.limit
    )
    bodies = await row_bodies(store, call.account_id, history.rows, with_payload=True)
    return JsonResponse(bodies, headers={"X-PW-TOTAL": str(history.total)})


_CREATION = LedgerRowBody(
    seq=17,
    date=ANSWERED_LEAD.date_created,
    request_id="5f0c2b7de1a94f6f9f6a4c1d0b8e7a36",
    resource=LEAD,
    resource_id=ANSWERED_LEAD.id,
    lead_id=ANSWERED_LEAD.id,
    action=Action.UPSERT,
    outcome=Outcome.CREATED,
    version=1,
    user_id=1000000008,
    api_key_id=1000000009,
    match={
        "field_name": "email",
        "value": UPSERT["match"]["field_value"],
        "matches": 0,
        "ids": [],
        "by": None,
        "definition_id": None,
    },
    changes={
        "name": [None, "Nora Field"],
        "first_name": [None, "Nora"],
        "last_name": [None, "Field"],
        "email": [None, UPSERT["properties"]["email"]],
        "status_id": [None, ANSWERED_LEAD.status_id],
    },
    message=None,
    payload=UPSERT,
    ignored=None,
    shares=None,
    unread_bytes=None,
    state=None,
    about_seq=None,
    batch_id=None,
    kept=[],
    merged=[],
    restored=[],
    pair=None,
    via_id=None,
    observed_at=None,
    erased=None,
)


def _of_list(row: LedgerRowBody) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__struct_fields__ if name != "payload"}


def _number(name: str, description: str, *, minimum: int = 1) -> Parameter:
    return Parameter(name, description, {"type": "integer", "minimum": minimum})


def _words(name: str, description: str, words: list[str]) -> Parameter:
    schema = {"type": "array", "items": {"type": "string", "enum": words}}
    return Parameter(name, f"{description} Several are separated by commas.", schema)


_LIST = (
    _words("outcome", "Only rows with this outcome.", [one.value for one in Outcome]),
    _words("action", "Only rows that asked for this.", [one.value for one in Action]),
    _number("lead_id", "Only rows of this lead, and, without `after`, refusals that named it."),
    _number("user_id", "Only rows of this user."),
    _number("api_key_id", "Only rows that came with this API key."),
    _number("from", "Only rows from this time on, in Unix seconds.", minimum=0),
    _number("until", "Only rows before this time, in Unix seconds.", minimum=0),
    Parameter(
        "state",
        "Only refused deliveries in this state, as of a moment ago; not with `after`.",
        {"type": "string", "enum": [OPEN, APPLIED, DISMISSED]},
    ),
    Parameter(
        "limit",
        "The most rows to answer with.",
        {
            "type": "integer",
            "minimum": 1,
            "maximum": PAGE_SIZE_MAX,
            "default": LEDGER_SLICE_ROWS,
        },
    ),
    _number("before", "Only rows below this ledger number."),
    _number("after", "The rows above this ledger number, in order.", minimum=0),
    Parameter(
        "wait",
        "With `after`: how many seconds to wait for a row.",
        {"type": "number", "minimum": 0, "maximum": LEDGER_WAIT_S_MAX, "default": 0},
    ),
)

ENDPOINTS = (
    Endpoint(
        *("GET", "/ledger", list_ledger, "Ledger", None, list[LedgerRowBody]),
        scope=KeyScope.READ,
        parameters=_LIST,
        answer=[_of_list(_CREATION)],
        headers=("Link",),
        refusals=(
            InputInvalid(
                Problem("limit", f'must be an integer from 1 to {PAGE_SIZE_MAX}: "0"', "inclusion")
            ),
        ),
        is_copper=False,
    ),
    Endpoint(
        *("GET", "/ledger/{seq}", fetch_ledger_row, "Ledger", None, LedgerRowBody),
        scope=KeyScope.READ,
        answer=_CREATION,
        is_copper=False,
    ),
    Endpoint(
        *("GET", "/leads/{id}/history", lead_history, "Leads", None, list[LedgerRowBody]),
        scope=KeyScope.READ,
        parameters=(PAGE_NUMBER, PAGE_SIZE),
        answer=[_CREATION],
        headers=("X-PW-TOTAL",),
        refusals=(PAGE_INVALID,),
        is_copper=False,
    ),
)
