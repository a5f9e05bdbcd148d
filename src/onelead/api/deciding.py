"""Who decides a value, and how long the ledger keeps deliveries: read by all, changed by admins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct
from starlette.responses import Response

from onelead.api.answers import JsonResponse
from onelead.api.call import Call
from onelead.api.endpoints import Endpoint
from onelead.api.settings_changes import OUTCOME, require_admin, write_change
from onelead.domain.account import AccountSettings
from onelead.domain.acts.policies import Policy
from onelead.domain.api_keys.purposes import KeyScope
from onelead.domain.errors import InputInvalid, Problem
from onelead.domain.settings.account_details import DECIDING_MEMBERS, PayloadDays, Rank
from onelead.domain.settings.change import Resource, SettingsWrite
from onelead.domain.writes import Action

Policies = Annotated[
    Mapping[str, Policy],
    Meta(description="By field: a property, or `custom_fields.` and the id of a definition."),
]
Ranks = Annotated[
    Mapping[str, Rank],
    Meta(description="By caller: `key-` and the id of an API key, or `web`. Others have 0."),
]
PinsEdits = Annotated[
    bool, Meta(description="An edit in the web application pins the fields that it changes.")
]
Days = Annotated[
    PayloadDays,
    Meta(description="How long the ledger keeps deliveries; 0 for as long as it stands."),
]


class DecidingPatch(Struct, frozen=True, forbid_unknown_fields=True):
    """A change of who decides a value: each member that is there replaces the one before."""

    policies: Policies | None = None
    ranks: Ranks | None = None
    pins_edits: PinsEdits | None = None
    payload_days: Days | None = None


class DecidingBody(Struct, frozen=True):
    """Who decides a value."""

    policies: Policies
    ranks: Ranks
    pins_edits: PinsEdits
    payload_days: Days


async def fetch_deciding(call: Call) -> Response:
    """Show who decides a value, field by field."""
    settings = await call.runtime.store.settings(call.account_id)
    return JsonResponse(_body(settings, call.account_id))


async def change_deciding(call: Call) -> Response:
    """Change who decides a value."""
    await require_admin(call)
    body = await call.json_object()
    write = SettingsWrite(
        *(Resource.ACCOUNT, Action.UPDATE, call.delivery(), call.account_id, body),
        members=DECIDING_MEMBERS,
    )
    return await write_change(call, write, _body)


def _body(settings: AccountSettings, _account_id: int) -> DecidingBody:
    deciding = settings.deciding
    return DecidingBody(
        *(deciding.policies, deciding.ranks, deciding.pins_edits, settings.payload_days)
    )


_TAG = "Who decides a value"
_EXAMPLE = DecidingBody(
    policies={"title": Policy.FILL, "custom_fields.1000000010": Policy.RANKED},
    ranks={"key-1000000009": 5},
    pins_edits=False,
    payload_days=0,
)
_UNKNOWN = InputInvalid(Problem("policies", 'name fields that do not exist: "colour"', "inclusion"))

ENDPOINTS = (
    Endpoint(
        *("GET", "/deciding", fetch_deciding, _TAG),
        scope=KeyScope.READ,
        response=DecidingBody,
        answer=_EXAMPLE,
        is_copper=False,
    ),
    Endpoint(
        *("PUT", "/deciding", change_deciding, _TAG, DecidingPatch, DecidingBody),
        scope=KeyScope.ADMIN,
        example={"policies": {"title": "fill"}},
        answer=_EXAMPLE,
        headers=(OUTCOME,),
        refusals=(_UNKNOWN,),
        is_settings_write=True,
        is_copper=False,
    ),
)
