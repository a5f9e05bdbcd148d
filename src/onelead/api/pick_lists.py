"""The pick lists: lead statuses, customer sources, and the empty ones of other resources.

Copper only lists them; creating, changing and deleting entries on the same paths is an addition.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from msgspec import Struct
from starlette.responses import Response

from onelead.api.answers import DeletedBody, JsonResponse
from onelead.api.call import Call
from onelead.api.endpoints import NAME_BLANK, NAME_TAKEN, Endpoint
from onelead.api.settings_changes import OUTCOME, change_settings
from onelead.domain.account import AccountSettings
from onelead.domain.api_keys.purposes import KeyScope
from onelead.domain.errors import InputInvalid, Problem
from onelead.domain.settings.change import Resource
from onelead.domain.settings.pick_lists import (
    CustomerSourcePatch,
    CustomerSourceRequest,
    LeadStatusPatch,
    LeadStatusRequest,
)
from onelead.domain.writes import Action


class CustomerSourceBody(Struct, frozen=True):
    """A customer source in an answer."""

    id: int
    name: str


class LeadStatusBody(CustomerSourceBody, frozen=True):
    """A lead status in an answer; `order` counts from 1."""

    order: int
    is_default: bool


class PickList(Struct, frozen=True):
    """One of the lists: its path, its bodies, and its texts in the documentation."""

    resource: Resource
    path: str
    tag: str
    bodies: Callable[[AccountSettings], Sequence[CustomerSourceBody]]
    #: The types of the answered list, and of the bodies of a create and an update.
    response: Any
    create: type[CustomerSourceRequest]
    update: type[CustomerSourcePatch]
    create_example: dict[str, Any]
    update_example: dict[str, Any]
    update_text: str
    delete_text: str
    #: An example of the list; a write is answered with its last entry.
    answer: Sequence[CustomerSourceBody]


def status_bodies(settings: AccountSettings) -> list[LeadStatusBody]:
    """Show the lead statuses, in order."""
    return [
        LeadStatusBody(status.id, status.name, order, status.is_default)
        for order, status in enumerate(settings.statuses, start=1)
    ]


def source_bodies(settings: AccountSettings) -> list[CustomerSourceBody]:
    """Show the customer sources, in order."""
    return [CustomerSourceBody(source.id, source.name) for source in settings.sources]


async def list_entries(pick_list: PickList, call: Call) -> Response:
    """List the entries, in order."""
    settings = await call.runtime.store.settings(call.account_id)
    return JsonResponse(pick_list.bodies(settings))


async def change_entry(pick_list: PickList, action: Action, call: Call) -> Response:
    """Create, update or delete an entry."""

    def show(settings: AccountSettings, entry_id: int) -> CustomerSourceBody:
        return next(body for body in pick_list.bodies(settings) if body.id == entry_id)

    return await change_settings(call, pick_list.resource, action, show)


async def list_nothing(call: Call) -> Response:
    """List nothing: onelead does not have the resource, but clients fetch it when they start."""
    return JsonResponse([])


STATUSES = PickList(
    *(Resource.LEAD_STATUS, "/lead_statuses", "Lead statuses", status_bodies),
    *(list[LeadStatusBody], LeadStatusRequest, LeadStatusPatch),
    update_text="Rename a lead status, move it, or make it the default.",
    delete_text="Delete a lead status that no lead has and that is not the default.",
    create_example={"name": "Contacted", "order": 2},
    update_example={"order": 2},
    answer=[
        LeadStatusBody(1000000001, "New", 1, is_default=True),
        LeadStatusBody(1000000020, "Contacted", 2, is_default=False),
    ],
)
SOURCES = PickList(
    *(Resource.CUSTOMER_SOURCE, "/customer_sources", "Customer sources", source_bodies),
    *(list[CustomerSourceBody], CustomerSourceRequest, CustomerSourcePatch),
    update_text="Rename a customer source, or move it.",
    delete_text="Delete a customer source that no lead has.",
    create_example={"name": "Spring fair"},
    update_example={"order": 1},
    answer=[CustomerSourceBody(1000000021, "Spring fair")],
)
_USED = InputInvalid(
    Problem("base", "Contacted is used by 2 leads; give them another status first")
)


def _endpoints_of(pick_list: PickList) -> tuple[Endpoint, ...]:
    path, entry = pick_list.path, pick_list.answer[-1]

    def change(action: Action, method: str, path: str, **rest: Any) -> Endpoint:
        return Endpoint(
            *(method, path, partial(change_entry, pick_list, action), pick_list.tag),
            name=f"{action}_{pick_list.resource}",
            headers=(OUTCOME,),
            scope=KeyScope.ADMIN,
            is_settings_write=True,
            is_copper=False,
            **rest,
        )

    return (
        Endpoint(
            *("GET", path, partial(list_entries, pick_list), pick_list.tag),
            scope=KeyScope.READ,
            name=f"list_{path[1:]}",
            text=f"List the {pick_list.tag.lower()}, in order.",
            response=pick_list.response,
            answer=pick_list.answer,
        ),
        change(
            *(Action.CREATE, "POST", path),
            text=f"Create a {pick_list.resource.replace('_', ' ')}.",
            request=pick_list.create,
            response=type(entry),
            example=pick_list.create_example,
            answer=entry,
            refusals=(NAME_BLANK, NAME_TAKEN),
        ),
        change(
            *(Action.UPDATE, "PUT", f"{path}/{{id}}"),
            text=pick_list.update_text,
            request=pick_list.update,
            response=type(entry),
            example=pick_list.update_example,
            answer=entry,
            refusals=(NAME_TAKEN,),
        ),
        change(
            *(Action.DELETE, "DELETE", f"{path}/{{id}}"),
            text=pick_list.delete_text,
            response=DeletedBody,
            answer=DeletedBody(entry.id, is_deleted=True),
            refusals=(_USED,),
        ),
    )


ENDPOINTS = (
    *_endpoints_of(STATUSES),
    *_endpoints_of(SOURCES),
    *(
        Endpoint(
            *("GET", path, list_nothing, "Pick lists of other resources", None, list[Any]),
            scope=KeyScope.READ,
            name=f"list_{path[1:]}",
            answer=[],
        )
        for path in ("/contact_types", "/loss_reasons", "/pipelines", "/pipeline_stages")
    ),
)
