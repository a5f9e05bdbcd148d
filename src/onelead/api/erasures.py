"""Erasing a person over the API: bodies, handlers and endpoints. Only for admins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from msgspec import Meta, Struct
from starlette.responses import Response

from onelead.api.answers import JsonResponse
from onelead.api.call import Call
from onelead.api.endpoints import DRY_RUN, Endpoint
from onelead.api.settings_changes import require_admin
from onelead.contract.erasures import Erasure, ErasureBy, ErasurePreview, ErasureRequest
from onelead.domain.api_keys.purposes import KeyScope
from onelead.domain.coercions import as_integer, is_empty
from onelead.domain.errors import InputInvalid, Problem, ResourceNotFound, unrecognized
from onelead.domain.limits import ID_MAX, LINE_CHARS_MAX
from onelead.domain.text import known_id


class ErasureCall(Struct, frozen=True):
    """Who is to be forgotten: a lead or an e-mail. Nothing is erased without `confirm`."""

    lead_id: Annotated[int, Meta(ge=1, le=ID_MAX)] | None = None
    email: Annotated[str, Meta(max_length=LINE_CHARS_MAX)] | None = None
    confirm: bool | None = None
    reason: (
        Annotated[
            str,
            Meta(
                max_length=LINE_CHARS_MAX, description="It stays, so it must not name the person."
            ),
        ]
        | None
    ) = None


class ErasedRowBody(Struct, frozen=True):
    """A ledger row that an erasure is about, without anything that it says."""

    seq: int
    date: int
    action: str
    outcome: str


class ErasureBody(Struct, frozen=True, kw_only=True):
    """An erasure, or with `dry_run` what it would be. Times are Unix seconds."""

    #: None with `dry_run`.
    id: int | None
    #: `preview`, `history`, `ledger`, `files` or `done`.
    state: str
    date: int | None
    date_done: int | None
    user_id: int | None
    reason: str
    #: The ledger number of the last row of the erasure itself.
    seq: int | None
    lead_ids: Sequence[int]
    #: Leads that had been merged into these.
    merged_ids: Sequence[int]
    #: Other leads with an e-mail of these, which stay; only with `dry_run`.
    sharing_ids: Sequence[int]
    counts: Mapping[str, int]
    #: Some of the ledger rows; only with `dry_run`.
    rows: Sequence[ErasedRowBody]
    #: With `dry_run`: older ledger rows were not searched, so `counts` may be too low.
    is_partial: bool


async def erase(call: Call) -> Response:
    """Erase a person: the leads, what was merged into them, and all deliveries about them.

    With `dry_run` it answers what would go, and without it, it needs `confirm`. The leads are gone
    when it answers; the rest follows in the background, and `GET /erasures/{id}` says how far it
    is. The ledger keeps the number, time, caller and outcome of each row.
    """
    await require_admin(call)
    request, is_confirmed, reason = _read(await call.json_object())
    is_dry_run, problems = call.dry_run()
    if problems:
        raise InputInvalid(*problems)
    if is_dry_run:
        preview = await call.runtime.store.preview_erasure(call.account_id, request)
        return JsonResponse(_preview_body(preview))
    if not is_confirmed:
        raise _UNCONFIRMED
    by = ErasureBy(
        request_id=call.request_id,
        user_id=call.caller.user_id,
        api_key_id=call.caller.api_key_id,
        reason=reason,
    )
    begun = await call.runtime.store.begin_erasure(call.account_id, request, by)
    call.runtime.erasure_begun()
    return JsonResponse(_body(begun))


_UNCONFIRMED = InputInvalid(
    Problem(
        "confirm",
        "must be true: what is erased does not come back; see first what would go, with "
        "?dry_run=true",
        "blank",
    )
)
_NOBODY = InputInvalid(Problem("base", "name either a lead_id or an email", "blank"))


def _read(body: dict[str, Any]) -> tuple[ErasureRequest, bool, str]:
    """Read the call. Raises InputInvalid, ResourceNotFound."""
    if problem := unrecognized(sorted(body.keys() - set(ErasureCall.__struct_fields__))):
        raise InputInvalid(problem)
    lead, email = body.get("lead_id"), body.get("email")
    reason, confirm = body.get("reason"), body.get("confirm")
    problems = [
        Problem(name, f"must be {kind}")
        for name, value, kind, is_right in (
            ("lead_id", lead, "an integer", type(as_integer(lead)) is int),
            ("email", email, "text", isinstance(email, str)),
            ("reason", reason, "text", isinstance(reason, str)),
            ("confirm", confirm, "true or false", isinstance(confirm, bool)),
        )
        if not is_empty(value) and not is_right
    ]
    if problems:
        raise InputInvalid(*problems)
    if is_empty(lead) == is_empty(email):
        raise _NOBODY
    request = ErasureRequest(email=email)
    if not is_empty(lead):
        lead_id = known_id(as_integer(lead))
        if lead_id is None:
            raise ResourceNotFound
        request = ErasureRequest(lead_id=lead_id)
    return request, confirm is True, reason or ""


async def fetch_erasure(call: Call) -> Response:
    """Fetch an erasure, to see how far it is."""
    await require_admin(call)
    return JsonResponse(_body(await call.runtime.store.erasure(call.account_id, call.path_id())))


async def list_erasures(call: Call) -> Response:
    """List the newest erasures, newest first."""
    await require_admin(call)
    return JsonResponse([_body(one) for one in await call.runtime.store.erasures(call.account_id)])


def _body(of: Erasure) -> ErasureBody:
    return ErasureBody(
        id=of.id,
        state=of.state,
        date=of.date,
        date_done=of.date_done,
        user_id=of.user_id,
        reason=of.reason,
        seq=of.seq,
        lead_ids=of.lead_ids,
        merged_ids=of.merged_ids,
        sharing_ids=(),
        counts=of.counts,
        rows=(),
        is_partial=False,
    )


def _preview_body(preview: ErasurePreview) -> ErasureBody:
    return ErasureBody(
        id=None,
        state="preview",
        date=None,
        date_done=None,
        user_id=None,
        reason="",
        seq=None,
        lead_ids=preview.lead_ids,
        merged_ids=preview.merged_ids,
        sharing_ids=preview.sharing_ids,
        counts=preview.counts,
        rows=[ErasedRowBody(row.seq, row.date, row.action, row.outcome) for row in preview.rows],
        is_partial=preview.is_partial,
    )


_TAG = "Erasures"
_EXAMPLE = ErasureBody(
    id=1000000061,
    state="done",
    date=1767225600,
    date_done=1767225603,
    user_id=1000000008,
    reason="Letter of 2 January",
    seq=512,
    lead_ids=[1000000042],
    merged_ids=[1000000043],
    sharing_ids=[],
    counts={
        "leads": 1,
        "merged_leads": 1,
        "ledger_rows": 9,
        "idempotency_keys": 0,
        "refused_deliveries": 2,
        "mentions": 1,
    },
    rows=[],
    is_partial=False,
)
ENDPOINTS = (
    Endpoint(
        *("POST", "/erasures", erase, _TAG, ErasureCall, ErasureBody),
        scope=KeyScope.ADMIN,
        name="erase_person",
        parameters=(DRY_RUN,),
        example={"email": "nora@field.example", "confirm": True, "reason": "Letter of 2 January"},
        answer=_EXAMPLE,
        refusals=(_UNCONFIRMED, _NOBODY),
        is_for_admins=True,
        names_resource=True,
        is_copper=False,
    ),
    Endpoint(
        *("GET", "/erasures", list_erasures, _TAG),
        scope=KeyScope.ADMIN,
        response=list[ErasureBody],
        answer=[_EXAMPLE],
        is_for_admins=True,
        is_copper=False,
    ),
    Endpoint(
        *("GET", "/erasures/{id}", fetch_erasure, _TAG),
        scope=KeyScope.ADMIN,
        response=ErasureBody,
        answer=_EXAMPLE,
        is_for_admins=True,
        is_copper=False,
    ),
)
