"""Custom field definitions on Copper's wire: bodies, handlers and endpoints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace
from starlette.responses import Response

from onelead.api.answers import DeletedBody, JsonResponse
from onelead.api.call import Call
from onelead.api.endpoints import NAME_BLANK, Endpoint
from onelead.api.settings_changes import OUTCOME, change_settings
from onelead.domain.account import AccountSettings
from onelead.domain.api_keys.purposes import KeyScope
from onelead.domain.custom_fields import TYPES_WITH_OPTIONS, CustomField, DataType
from onelead.domain.errors import InputInvalid, Problem, ResourceNotFound
from onelead.domain.settings.change import Resource
from onelead.domain.settings.definitions import DefinitionPatch, DefinitionRequest
from onelead.domain.writes import Action


class OptionBody(Struct, frozen=True):
    """An option; `rank` counts from 0."""

    id: int
    name: str
    rank: int


class DefinitionBody(Struct, frozen=True, kw_only=True):
    """A custom field definition in an answer.

    `canonical_name` is present only after a create or an update, `options` only for a type that
    has them, and `currency` only for the type Currency.
    """

    id: int
    name: str
    canonical_name: str | UnsetType | None = UNSET
    data_type: DataType
    available_on: Sequence[str]
    is_filterable: bool
    options: Sequence[OptionBody] | UnsetType = UNSET
    currency: str | UnsetType = UNSET


def definition_body(field: CustomField, *, with_canonical_name: bool = False) -> DefinitionBody:
    """Show a definition."""
    has_options = field.data_type in TYPES_WITH_OPTIONS
    return DefinitionBody(
        id=field.id,
        name=field.name,
        canonical_name=field.canonical_name if with_canonical_name else UNSET,
        data_type=field.data_type,
        available_on=field.available_on,
        is_filterable=field.is_filterable,
        options=_option_bodies(field) if has_options else UNSET,
        currency=UNSET if field.currency is None else field.currency,
    )


def _option_bodies(field: CustomField) -> list[OptionBody]:
    return [OptionBody(option.id, option.name, rank) for rank, option in enumerate(field.options)]


async def list_definitions(call: Call) -> Response:
    """List the custom field definitions."""
    settings = await call.runtime.store.settings(call.account_id)
    return JsonResponse([definition_body(field) for field in settings.fields])


async def fetch_definition(call: Call) -> Response:
    """Fetch a custom field definition."""
    settings = await call.runtime.store.settings(call.account_id)
    field = settings.fields_by_id.get(call.path_id())
    if field is None:
        raise ResourceNotFound
    return JsonResponse(definition_body(field))


async def create_definition(call: Call) -> Response:
    """Create a custom field definition."""
    return await _changed(call, Action.CREATE)


async def update_definition(call: Call) -> Response:
    """Update a custom field definition; members that are left out stay as they are.

    After `is_filterable` was turned on, matches and filters by the field are answered with 422
    and Retry-After until the existing leads are indexed.
    """
    return await _changed(call, Action.UPDATE)


async def delete_definition(call: Call) -> Response:
    """Delete a custom field definition and its values on all leads."""
    return await _changed(call, Action.DELETE)


async def _changed(call: Call, action: Action) -> Response:
    return await change_settings(call, Resource.CUSTOM_FIELD_DEFINITION, action, _changed_body)


def _changed_body(settings: AccountSettings, definition_id: int) -> DefinitionBody:
    return definition_body(settings.fields_by_id[definition_id], with_canonical_name=True)


_PATH = "/custom_field_definitions"
_PATH_ID = f"{_PATH}/{{id}}"
_TAG = "Custom field definitions"
_TIER: dict[str, Any] = {
    "name": "Tier",
    "data_type": "Dropdown",
    "available_on": ["lead"],
    "is_filterable": True,
    "options": [{"name": "Silver"}, {"name": "Gold"}],
}
_WRITTEN = DefinitionBody(
    id=1000000010,
    name="Tier",
    canonical_name=None,
    data_type=DataType.DROPDOWN,
    available_on=["lead"],
    is_filterable=True,
    options=[OptionBody(1000000011, "Silver", 0), OptionBody(1000000012, "Gold", 1)],
)
_FEW_OPTIONS = InputInvalid(Problem("options", "has too few entries (minimum is 1)", "too_short"))
_READ = replace(_WRITTEN, canonical_name=UNSET)

ENDPOINTS = (
    Endpoint(
        *("GET", _PATH, list_definitions, _TAG, None, list[DefinitionBody]),
        scope=KeyScope.READ,
        answer=[_READ],
    ),
    Endpoint(
        *("POST", _PATH, create_definition, _TAG, DefinitionRequest, DefinitionBody),
        example=_TIER,
        answer=_WRITTEN,
        headers=(OUTCOME,),
        refusals=(NAME_BLANK, _FEW_OPTIONS),
        scope=KeyScope.ADMIN,
        is_settings_write=True,
    ),
    Endpoint(
        *("GET", _PATH_ID, fetch_definition, _TAG, None, DefinitionBody),
        scope=KeyScope.READ,
        answer=_READ,
    ),
    Endpoint(
        *("PUT", _PATH_ID, update_definition, _TAG, DefinitionPatch, DefinitionBody),
        example={"is_filterable": True},
        answer=_WRITTEN,
        headers=(OUTCOME,),
        refusals=(NAME_BLANK, _FEW_OPTIONS),
        scope=KeyScope.ADMIN,
        is_settings_write=True,
    ),
    Endpoint(
        *("DELETE", _PATH_ID, delete_definition, _TAG, None, DeletedBody),
        answer=DeletedBody(_WRITTEN.id, is_deleted=True),
        headers=(OUTCOME,),
        scope=KeyScope.ADMIN,
        is_settings_write=True,
    ),
)
