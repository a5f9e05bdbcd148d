"""The pick lists: lead statuses and customer sources, and those of resources not here yet.

Copper only lists them; to create, change and delete entries on the same paths is our addition.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from msgspec import UNSET, Meta, Struct, UnsetType
from starlette.responses import Response

from onelead.api.answers import DeletedBody, JsonResponse
from onelead.api.call import Call
from onelead.api.endpoints import NAME_BLANK, NAME_TAKEN, Endpoint
from onelead.api.settings_changes import OUTCOME, change_settings
from onelead.domain.account import AccountSettings
from onelead.domain.errors import InputInvalid, Problem
from onelead.domain.limits import LINE_CHARS_MAX
from onelead.domain.settings_change import Resource
from onelead.domain.writes import Action

Body = TypeVar("Body", "LeadStatusBody", "CustomerSourceBody")

Line = Annotated[str, Meta(min_length=1, max_length=LINE_CHARS_MAX)]
Order = Annotated[int, Meta(ge=1, description="The place in the list, from 1.")]


class CustomerSourceRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A customer source to create; without an `order` it comes last."""

    name: Line
    order: Order | None = None


class CustomerSourcePatch(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a customer source."""

    name: Line | UnsetType = UNSET
    order: Order | None = None


class LeadStatusRequest(CustomerSourceRequest, frozen=True, forbid_unknown_fields=True):
    """A lead status to create; without an `order` it comes last."""

    is_default: bool | None = None


class LeadStatusPatch(CustomerSourcePatch, frozen=True, forbid_unknown_fields=True):
    """What to change of a lead status; one that is made the default takes the other's place."""

    is_default: bool | None = None


class LeadStatusBody(Struct, frozen=True):
    """A lead status as answered; `order` counts from 1."""

    id: int
    name: str
    order: int
    is_default: bool


class CustomerSourceBody(Struct, frozen=True):
    """A customer source as answered."""

    id: int
    name: str


def status_bodies(settings: AccountSettings) -> list[LeadStatusBody]:
    """Show the lead statuses, in order."""
    return [
        LeadStatusBody(status.id, status.name, order, status.is_default)
        for order, status in enumerate(settings.statuses, start=1)
    ]


def source_bodies(settings: AccountSettings) -> list[CustomerSourceBody]:
    """Show the customer sources, in order."""
    return [CustomerSourceBody(source.id, source.name) for source in settings.sources]


async def list_lead_statuses(call: Call) -> Response:
    """List the lead statuses, in order."""
    return JsonResponse(status_bodies(await call.runtime.store.settings(call.account_id)))


async def create_lead_status(call: Call) -> Response:
    """Create a lead status.

    The header Setting-Outcome says created or refused.
    """
    return await _changed_status(call, Action.CREATE)


async def update_lead_status(call: Call) -> Response:
    """Rename a lead status, move it, or make it the default.

    The header Setting-Outcome says updated, unchanged or refused.
    """
    return await _changed_status(call, Action.UPDATE)


async def delete_lead_status(call: Call) -> Response:
    """Delete a lead status that no lead has and that is not the default.

    The header Setting-Outcome says deleted or refused.
    """
    return await _changed_status(call, Action.DELETE)


async def list_customer_sources(call: Call) -> Response:
    """List the customer sources, in order."""
    return JsonResponse(source_bodies(await call.runtime.store.settings(call.account_id)))


async def create_customer_source(call: Call) -> Response:
    """Create a customer source.

    The header Setting-Outcome says created or refused.
    """
    return await _changed_source(call, Action.CREATE)


async def update_customer_source(call: Call) -> Response:
    """Rename a customer source, or move it.

    The header Setting-Outcome says updated, unchanged or refused.
    """
    return await _changed_source(call, Action.UPDATE)


async def delete_customer_source(call: Call) -> Response:
    """Delete a customer source that no lead has.

    The header Setting-Outcome says deleted or refused.
    """
    return await _changed_source(call, Action.DELETE)


async def list_nothing(call: Call) -> Response:
    """List nothing: the resource is not part of onelead, but clients ask for it at their start."""
    return JsonResponse([])


async def _changed_status(call: Call, action: Action) -> Response:
    return await change_settings(
        call,
        Resource.LEAD_STATUS,
        action,
        lambda settings, changed: _with_id(status_bodies(settings), changed),
    )


async def _changed_source(call: Call, action: Action) -> Response:
    return await change_settings(
        call,
        Resource.CUSTOMER_SOURCE,
        action,
        lambda settings, changed: _with_id(source_bodies(settings), changed),
    )


def _with_id(bodies: list[Body], wanted: int) -> Body:
    return next(body for body in bodies if body.id == wanted)


_STATUS_TAG = "Lead statuses"
_SOURCE_TAG = "Customer sources"
_EMPTY_TAG = "Pick lists of other resources"
_NEW = LeadStatusBody(1000000001, "New", 1, is_default=True)
_CONTACTED = LeadStatusBody(1000000020, "Contacted", 2, is_default=False)
_FAIR = CustomerSourceBody(1000000021, "Spring fair")
_USED = InputInvalid(
    Problem("base", "Contacted is used by 2 leads; give them another status first")
)

ENDPOINTS = (
    Endpoint(
        *("GET", "/lead_statuses", list_lead_statuses, _STATUS_TAG),
        response=list[LeadStatusBody],
        answer=[_NEW, _CONTACTED],
    ),
    Endpoint(
        *("POST", "/lead_statuses", create_lead_status, _STATUS_TAG),
        request=LeadStatusRequest,
        response=LeadStatusBody,
        example={"name": "Contacted", "order": 2},
        answer=_CONTACTED,
        headers=(OUTCOME,),
        refusals=(NAME_BLANK, NAME_TAKEN),
        is_settings_write=True,
        is_copper=False,
    ),
    Endpoint(
        *("PUT", "/lead_statuses/{id}", update_lead_status, _STATUS_TAG),
        request=LeadStatusPatch,
        response=LeadStatusBody,
        example={"order": 2},
        answer=_CONTACTED,
        headers=(OUTCOME,),
        refusals=(NAME_TAKEN,),
        is_settings_write=True,
        is_copper=False,
    ),
    Endpoint(
        *("DELETE", "/lead_statuses/{id}", delete_lead_status, _STATUS_TAG),
        response=DeletedBody,
        answer=DeletedBody(_CONTACTED.id, is_deleted=True),
        headers=(OUTCOME,),
        refusals=(_USED,),
        is_settings_write=True,
        is_copper=False,
    ),
    Endpoint(
        *("GET", "/customer_sources", list_customer_sources, _SOURCE_TAG),
        response=list[CustomerSourceBody],
        answer=[_FAIR],
    ),
    Endpoint(
        *("POST", "/customer_sources", create_customer_source, _SOURCE_TAG),
        request=CustomerSourceRequest,
        response=CustomerSourceBody,
        example={"name": "Spring fair"},
        answer=_FAIR,
        headers=(OUTCOME,),
        refusals=(NAME_BLANK, NAME_TAKEN),
        is_settings_write=True,
        is_copper=False,
    ),
    Endpoint(
        *("PUT", "/customer_sources/{id}", update_customer_source, _SOURCE_TAG),
        request=CustomerSourcePatch,
        response=CustomerSourceBody,
        example={"order": 1},
        answer=_FAIR,
        headers=(OUTCOME,),
        refusals=(NAME_TAKEN,),
        is_settings_write=True,
        is_copper=False,
    ),
    Endpoint(
        *("DELETE", "/customer_sources/{id}", delete_customer_source, _SOURCE_TAG),
        response=DeletedBody,
        answer=DeletedBody(_FAIR.id, is_deleted=True),
        headers=(OUTCOME,),
        refusals=(_USED,),
        is_settings_write=True,
        is_copper=False,
    ),
    *(
        Endpoint("GET", path, list_nothing, _EMPTY_TAG, response=list[Any], answer=[])
        for path in ("/contact_types", "/loss_reasons", "/pipelines", "/pipeline_stages")
    ),
)
