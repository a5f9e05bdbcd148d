"""Batches that can be undone together: bodies, handlers and endpoints."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.responses import Response

from onelead.api.answers import JsonResponse
from onelead.api.call import Call
from onelead.api.endpoints import DRY_RUN, PAGE_INVALID, PAGE_SIZE, Endpoint, Parameter
from onelead.contract.batches import BatchOverview, BatchResult, BatchUndo, UndoOrder
from onelead.domain.api_keys.purposes import KeyScope
from onelead.domain.errors import InputInvalid, Problem, UndoNotPossible
from onelead.domain.limits import BATCH_ID_CHARS_MAX, ID_MAX
from onelead.domain.text import known_id, quoted
from onelead.domain.writes import Action, Outcome
from onelead.incoming.act_bodies import UndoRequest, undo_from
from onelead.incoming.batch_ids import required_batch_id
from onelead.incoming.paging import page_from
from onelead.process.batch_undo_work import UndoPreview, preview_undo


class BatchBody(BatchOverview, frozen=True, kw_only=True):
    """A batch: all writes of a bulk call, of a bulk change on the pages, or of an undo of these."""

    #: In the order of the ledger.
    results: Sequence[BatchResult]
    #: For `after`, when more results follow.
    next_after: int | None


async def fetch_batch(call: Call) -> Response:
    """Fetch a batch and its results.

    Each write has a result; `after` pages through them in the order of the ledger.
    """
    query = call.request.query_params
    batch_id = required_batch_id(call.request.path_params["id"])
    after = _after(query.get("after", ""))
    limit = page_from({key: query[key] for key in ("page_size",) if key in query}).limit
    store = call.runtime.store
    batch = await store.batch(call.account_id, batch_id)
    # One more shows whether there are others.
    found = await store.batch_results(call.account_id, batch_id, after=after, limit=limit + 1)
    return JsonResponse(_body(batch, found, limit))


def _after(sent: str) -> int:
    if sent in ("", "0"):
        return 0
    seq = known_id(sent)
    if seq is None:
        raise InputInvalid(Problem("after", f"must be a ledger number: {quoted(sent)}"))
    return seq


def _body(batch: BatchOverview, found: Sequence[BatchResult], limit: int) -> BatchBody:
    results = found[:limit]
    return BatchBody(
        **{name: getattr(batch, name) for name in BatchOverview.__struct_fields__},
        results=results,
        next_after=results[-1].seq if len(found) > limit else None,
    )


async def undo_batch(call: Call) -> Response:
    """Undo a batch.

    Everything that the batch did is undone in the background, the newest first, and the answer is
    the batch of the undos: fetch it to follow the work. Rows that cannot be undone are refused in
    its results, and do not stop the others. The same call answers the same batch while the work is
    under way, and when nothing is left to do. A dry run answers what would happen, from a sample of
    the newest rows.
    """
    batch_id = required_batch_id(call.request.path_params["id"])
    force, problems = undo_from(await call.json_object())
    is_dry_run, more = call.dry_run()
    if problems := (*problems, *more):
        raise InputInvalid(*problems)
    store = call.runtime.store
    if is_dry_run:
        preview = await preview_undo(store, call.account_id, batch_id, force=force)
        return JsonResponse(preview, headers={"Lead-Dry-Run": "true"})
    caller = call.caller
    order = UndoOrder(call.request_id, batch_id, force, caller.user_id, caller.api_key_id)
    undo = await store.begin_undo(call.account_id, order)
    call.runtime.undo_begun()
    begun = await store.batch(call.account_id, undo.id)
    return JsonResponse(_body(begun, (), 0), HTTPStatus.ACCEPTED)


_ID_SCHEMA = {"type": "string", "maxLength": BATCH_ID_CHARS_MAX}
_AFTER = Parameter(
    "after",
    "Only results after this ledger number: `next_after` of the page before.",
    {"type": "integer", "minimum": 0, "maximum": ID_MAX, "default": 0},
)
_BATCH_ID, _UNDO_ID = "5f0c2b7de1a94f6f9f6a4c1d0b8e7a36", "b7f1c29a64d04c7c8fb5d6f3a3a90e11"
_CALLER: dict[str, Any] = {"user_id": 1000000008, "api_key_id": 1000000009}
_UNDO = BatchUndo(
    id=_UNDO_ID,
    about_id=_BATCH_ID,
    force=False,
    date=1700000600,
    date_done=None,
    rows=2,
    rows_done=0,
    **_CALLER,
)
_BATCH = BatchBody(
    id=_BATCH_ID,
    kind="bulk_call",
    date=1700000000,
    outcomes={Outcome.REFUSED.value: 1, Outcome.UPDATED.value: 1},
    results=[
        BatchResult(
            seq=17,
            lead_id=1000000012,
            action=Action.UPDATE,
            outcome=Outcome.UPDATED,
            message=None,
            about_seq=None,
            kept=(),
        ),
        BatchResult(
            seq=18,
            lead_id=71,
            action=Action.UPDATE,
            outcome=Outcome.REFUSED,
            message="Resource not found",
            about_seq=None,
            kept=(),
        ),
    ],
    next_after=None,
    **_CALLER,
)
_BEGUN = msgspec.structs.replace(
    _BATCH, id=_UNDO_ID, kind="undo", date=_UNDO.date, outcomes={}, results=(), undoes=_UNDO
)

ENDPOINTS = (
    Endpoint(
        *("GET", "/batches/{id}", fetch_batch, "Batches", None, BatchBody),
        scope=KeyScope.READ,
        parameters=(_AFTER, PAGE_SIZE),
        answer=_BATCH,
        refusals=(PAGE_INVALID,),
        is_copper=False,
        id_schema=_ID_SCHEMA,
    ),
    Endpoint(
        *("POST", "/batches/{id}/undo", undo_batch, "Batches", UndoRequest, UndoPreview),
        scope=KeyScope.WRITE,
        parameters=(DRY_RUN,),
        example={"force": False},
        answer=UndoPreview(
            rows=1, planned=1, outcomes={Outcome.UPDATED.value: 1}, kept=0, refusals={}
        ),
        headers=("Lead-Dry-Run",),
        accepted=BatchBody,
        accepted_answer=_BEGUN,
        refusals=(InputInvalid(Problem("force", "must be true or false")),),
        errors=(UndoNotPossible("This undo is still under way; it can be undone when it is done"),),
        is_copper=False,
        id_schema=_ID_SCHEMA,
    ),
)
