"""Values that mean a lead: rulings, other values of a lead, and the fields that are pinned."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

from msgspec import Meta, Struct
from starlette.responses import Response

from onelead.api.acts.writes import act, answered, path_number
from onelead.api.answers import DeletedBody, JsonResponse
from onelead.api.call import Call
from onelead.api.endpoints import (
    DRY_RUN,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    PAGE_INVALID,
    PAGE_NUMBER,
    PAGE_SIZE,
    RECEIPT,
    Endpoint,
)
from onelead.api.examples import ANSWERED_LEAD, MATCH, OTHER_ID
from onelead.api.lead_writes import Done
from onelead.api.wire import custom_value
from onelead.domain.account import AccountSettings
from onelead.domain.api_keys.purposes import KeyScope
from onelead.domain.errors import ClaimTaken, InputInvalid, Problem, ResourceNotFound
from onelead.domain.lead import (
    MERGE_ORIGIN,
    OTHER_VALUE_PREFIX,
    RULING_ORIGIN,
    Changes,
    Lead,
    OtherValue,
    definition_id_of,
)
from onelead.domain.matching import Match, checked_match, value_keys
from onelead.domain.text import known_id
from onelead.domain.writes import Action, LeadEdit, LeadWrite, ValueToAdd
from onelead.incoming.act_bodies import PinsRequest, RulingRequest, pins_from, ruling_from
from onelead.incoming.lead_json import one_match_from
from onelead.incoming.paging import page_from


class OtherValueBody(Struct, frozen=True, gc=False):
    """A value by which a lead is found besides its own."""

    id: int
    lead_id: int
    field_name: Annotated[str, Meta(description="name, email or custom.")]
    field_value: Annotated[Any, Meta(description="As in a match.")]
    origin: Annotated[str, Meta(description="`merge`, `ruling` or `person`: where it came from.")]
    from_lead_id: Annotated[int | None, Meta(description="Of a merge: the lead that had it.")]
    is_ruling: Annotated[
        bool, Meta(description="Deliveries by it mean this lead, even if other leads have it.")
    ]


class PinsBody(Struct, frozen=True):
    """The fields of a lead that deliveries do not change."""

    id: int
    pins: Sequence[str]


async def create_ruling(call: Call) -> Response:
    """Say that deliveries by a value mean a lead.

    From then on such a delivery is not ambiguous, even if other leads have the value. While another
    lead has a ruling on it, the call is refused.
    """
    ruling, problems = ruling_from(await call.json_object())
    edit = LeadEdit(add_values=(ValueToAdd(ruling.match, claims=True),)) if ruling else None
    write = LeadWrite(
        *(Action.UPDATE, call.delivery(), ruling.lead_id if ruling else None),
        problems=problems,
        edit=edit,
    )
    return await answered(call, write, partial(_added, ruling.match if ruling else None))


async def list_rulings(call: Call) -> Response:
    """List the rulings that are in effect, ascending by lead."""
    page = page_from(call.request.query_params)
    found = await call.runtime.store.rulings(call.account_id, offset=page.offset, limit=page.limit)
    bodies = [_body(lead, value_id, found.settings) for lead, value_id in found.rulings]
    return JsonResponse(bodies, headers={"X-PW-TOTAL": str(found.total)})


async def delete_ruling(call: Call) -> Response:
    """Take back a ruling; the lead is no longer found by the value."""
    value_id = call.path_id()
    try:
        lead_id = await _ruled_lead_id(call, value_id)
    except ResourceNotFound:
        if call.delivery("").idempotency is None:
            raise
        # A repeated call is answered; for any other, no lead has a value with the lead's own id.
        lead_id = value_id
    return await _without(call, lead_id, value_id)


async def _ruled_lead_id(call: Call, value_id: int) -> int:
    """Return the lead that a ruling means. Raises ResourceNotFound."""
    store = call.runtime.store
    lead_id = await store.lead_of_value(call.account_id, value_id)
    value = (await store.lead(call.account_id, lead_id)).lead.other_values.get(value_id)
    if value is None or not value.claims:
        raise ResourceNotFound
    return lead_id


async def add_other_value(call: Call) -> Response:
    """Let a lead be found by another value besides its own."""
    lead_id, version = call.path_id(), call.expected_version()
    match, problems = one_match_from(await call.json_object())
    edit = LeadEdit(add_values=(ValueToAdd(match),)) if match else None
    write = LeadWrite(
        *(Action.UPDATE, call.delivery(), lead_id),
        problems=problems,
        expected_version=version,
        edit=edit,
    )
    return await answered(call, write, partial(_added, match))


async def list_other_values(call: Call) -> Response:
    """List the values by which a lead is found besides its own, rulings among them."""
    read = await call.runtime.store.lead(call.account_id, call.path_id())
    bodies = [_body(read.lead, value_id, read.settings) for value_id in read.lead.other_values]
    return JsonResponse(bodies, headers={"ETag": f'"{read.lead.version}"'})


async def delete_other_value(call: Call) -> Response:
    """Take another value away from a lead; it is no longer found by it."""
    return await _without(call, call.path_id(), path_number(call, "value_id"))


async def change_pins(call: Call) -> Response:
    """Pin fields of a lead, or let go of them.

    Deliveries with an API key do not change a pinned field; people can.
    """
    lead_id, version = call.path_id(), call.expected_version()
    edit, problems = pins_from(await call.json_object())
    write = LeadWrite(
        *(Action.UPDATE, call.delivery(), lead_id),
        problems=problems,
        expected_version=version,
        edit=edit,
    )
    return await answered(call, write, lambda done: PinsBody(_lead(done).id, _lead(done).pins))


async def _without(call: Call, lead_id: int, value_id: int) -> Response:
    write = LeadWrite(
        *(Action.UPDATE, call.delivery(""), lead_id),
        expected_version=call.expected_version(),
        edit=LeadEdit(remove_values=(value_id,)),
    )
    return await answered(call, write, lambda _done: DeletedBody(value_id, is_deleted=True))


def _lead(done: Done) -> Lead:
    assert done.result.lead is not None
    return done.result.lead


def _added(match: Match | None, done: Done) -> OtherValueBody:
    """Show the value that was added, or that was there before."""
    lead, settings = _lead(done), done.settings
    # The settings may no longer allow the match of a call that is repeated.
    if (value_id := _new_value_id(done.result.changes)) is None:
        assert match is not None
        key = checked_match(match, settings).key
        # The newest one may be a ruling on a value that was there before.
        value_id = max(
            value_id
            for value_id, value in lead.other_values.items()
            if key in value_keys(value, settings)
        )
    return _body(lead, value_id, settings)


def _new_value_id(changes: Changes) -> int | None:
    names = (name for name in changes if name.startswith(OTHER_VALUE_PREFIX))
    return next((known_id(name.removeprefix(OTHER_VALUE_PREFIX)) for name in names), None)


def _body(lead: Lead, value_id: int, settings: AccountSettings) -> OtherValueBody:
    value = lead.other_values[value_id]
    field_name, field_value = _match_of(value, settings)
    return OtherValueBody(
        id=value_id,
        lead_id=lead.id,
        field_name=field_name,
        field_value=field_value,
        origin=value.origin,
        from_lead_id=value.from_id,
        is_ruling=value.claims,
    )


def _match_of(value: OtherValue, settings: AccountSettings) -> tuple[str, Any]:
    """Return the match that looks for a value."""
    definition_id = definition_id_of(value.field)
    if definition_id is None:
        return value.field, value.value
    field = settings.fields_by_id.get(definition_id)
    shown = custom_value(field, value.value, settings) if field else value.value
    return "custom", {"custom_field_definition_id": definition_id, "value": shown}


_ID = ANSWERED_LEAD.id
_RULING = OtherValueBody(
    id=1000000031,
    lead_id=_ID,
    field_name="email",
    field_value=MATCH["field_value"],
    origin=RULING_ORIGIN,
    from_lead_id=None,
    is_ruling=True,
)
_MERGED = OtherValueBody(
    id=1000000024,
    lead_id=_ID,
    field_name="email",
    field_value=MATCH["field_value"],
    origin=MERGE_ORIGIN,
    from_lead_id=OTHER_ID,
    is_ruling=False,
)
_PLACEHOLDER = InputInvalid(Problem("field_value", "can't be blank", "blank"))
_TAG = "Rulings and other values"

_act = partial(act, tag=_TAG, headers=RECEIPT)
_act_on_version = partial(_act, parameters=(DRY_RUN, IDEMPOTENCY_KEY, IF_MATCH))
_read = partial(Endpoint, tag=_TAG, scope=KeyScope.READ, is_copper=False)

ENDPOINTS = (
    _act(
        *("POST", "/rulings", create_ruling),
        request=RulingRequest,
        response=OtherValueBody,
        example={"match": MATCH, "lead_id": _ID},
        answer=_RULING,
        refusals=(_PLACEHOLDER,),
        errors=(ResourceNotFound(), ClaimTaken(MATCH["field_value"], OTHER_ID)),
    ),
    _read(
        *("GET", "/rulings", list_rulings),
        response=list[OtherValueBody],
        parameters=(PAGE_NUMBER, PAGE_SIZE),
        answer=[_RULING],
        headers=("X-PW-TOTAL",),
        refusals=(PAGE_INVALID,),
    ),
    _act_on_version(
        *("DELETE", "/rulings/{id}", delete_ruling),
        response=DeletedBody,
        answer=DeletedBody(_RULING.id, is_deleted=True),
    ),
    _act_on_version(
        *("POST", "/leads/{id}/other_values", add_other_value),
        request=Match,
        response=OtherValueBody,
        example=MATCH,
        answer=_MERGED,
        refusals=(_PLACEHOLDER,),
    ),
    _read(
        *("GET", "/leads/{id}/other_values", list_other_values),
        response=list[OtherValueBody],
        answer=[_MERGED],
        headers=("ETag",),
    ),
    _act_on_version(
        *("DELETE", "/leads/{id}/other_values/{value_id}", delete_other_value),
        response=DeletedBody,
        answer=DeletedBody(_MERGED.id, is_deleted=True),
    ),
    _act_on_version(
        *("POST", "/leads/{id}/pins", change_pins),
        request=PinsRequest,
        response=PinsBody,
        example={"pin": ["title"], "unpin": ["company_name"]},
        answer=PinsBody(_ID, ["title"]),
        refusals=(InputInvalid(Problem("pins", 'has no such field: "titel"', "inclusion")),),
    ),
)
