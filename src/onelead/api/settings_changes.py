"""Changes to an account's settings over the API: who may make them, and the answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from onelead.api.answers import DeletedBody, JsonResponse, error_response
from onelead.api.call import Call
from onelead.domain.account import AccountSettings, Role
from onelead.domain.errors import AdminRequired
from onelead.domain.settings.change import Resource, SettingsResult, SettingsWrite
from onelead.domain.writes import Action, Outcome

#: The header that says what a change did.
OUTCOME = "Setting-Outcome"

#: Shows what has an id in the settings after a change.
Show = Callable[[AccountSettings, int], Any]


async def change_settings(call: Call, resource: Resource, action: Action, show: Show) -> Response:
    """Make the change that the call asks for; the header Setting-Outcome says what it did."""
    await require_admin(call)
    resource_id = None if action is Action.CREATE else call.path_id()
    body = {} if action is Action.DELETE else await call.json_object()
    write = SettingsWrite(resource, action, call.delivery(), resource_id, body)
    return await write_change(call, write, show)


async def write_change(call: Call, write: SettingsWrite, show: Show) -> Response:
    """Make a change of a caller who is known to be an admin, and answer with what it shows."""
    result = await call.runtime.store.change_settings(call.account_id, write)
    call.line.wrote(result.outcome, result.seq, result.refusal)
    if result.changes:
        call.runtime.settings_changed()
    response = _answer(result, show)
    response.headers[OUTCOME] = result.outcome.value
    return response


async def require_admin(call: Call) -> None:
    """Refuse a caller who is not an admin. Raises AdminRequired."""
    settings = await call.runtime.store.settings(call.account_id)
    if settings.users_by_id[call.caller.user_id].role is not Role.ADMIN:
        raise AdminRequired


def _answer(result: SettingsResult, show: Show) -> Response:
    if result.refusal is not None:
        return error_response(result.refusal)
    assert result.resource_id is not None
    if result.outcome is Outcome.DELETED:
        return JsonResponse(DeletedBody(result.resource_id, is_deleted=True))
    return JsonResponse(show(result.settings, result.resource_id))
