"""Users and their account on Copper's wire: bodies, handlers and endpoints. All read-only."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

from msgspec import Meta, Struct
from starlette.responses import Response

from onelead.api.answers import JsonResponse
from onelead.api.call import Call
from onelead.api.endpoints import PAGE_INVALID, PAGE_NUMBER, PAGE_SIZE, Endpoint
from onelead.domain.account import User
from onelead.domain.api_keys.purposes import KeyScope
from onelead.domain.errors import BodyMalformed, ResourceNotFound
from onelead.domain.limits import PAGE_NUMBER_MAX, PAGE_SIZE_MAX
from onelead.incoming.paging import page_from


class UserSearchRequest(Struct, frozen=True):
    """Which users to list; each member can also be sent in the query string."""

    page_number: Annotated[int, Meta(ge=1, le=PAGE_NUMBER_MAX)] | None = None
    page_size: Annotated[int, Meta(ge=1, le=PAGE_SIZE_MAX)] | None = None


class UserBody(Struct, frozen=True):
    """A user in an answer; onelead has no groups."""

    id: int
    name: str
    email: str
    groups: Sequence[Any]


class AccountFlags(Struct, frozen=True):
    """What is turned on in an account."""

    setting_team_permissions_enabled: bool
    setting_enable_leads: bool


class AccountBody(Struct, frozen=True):
    """An account in an answer."""

    id: int
    name: str
    primary_timezone: str
    settings: AccountFlags


async def fetch_account(call: Call) -> Response:
    """Fetch the account of the key."""
    settings = await call.runtime.store.settings(call.account_id)
    flags = AccountFlags(setting_team_permissions_enabled=False, setting_enable_leads=True)
    return JsonResponse(AccountBody(settings.account_id, settings.name, settings.time_zone, flags))


async def fetch_own_user(call: Call) -> Response:
    """Fetch the owner of the key; clients use it to test their credentials."""
    return await _fetched(call, call.caller.user_id)


async def fetch_user(call: Call) -> Response:
    """Fetch a user, even a deactivated one, whom leads may still name."""
    return await _fetched(call, call.path_id())


async def _fetched(call: Call, user_id: int) -> Response:
    settings = await call.runtime.store.settings(call.account_id)
    user = settings.users_by_id.get(user_id)
    if user is None:
        raise ResourceNotFound
    return JsonResponse(_body(user))


async def search_users(call: Call) -> Response:
    """List the active users, page by page."""
    sent = await call.json_value()
    # As in other searches, an empty list counts as no criteria. Other members are ignored, as in
    # Copper.
    if not isinstance(sent, dict) and sent != []:
        raise BodyMalformed("Invalid input: the body must be a JSON object")
    page = page_from({**call.request.query_params, **dict(sent)})
    settings = await call.runtime.store.settings(call.account_id)
    active = [_body(user) for user in settings.users if user.is_active]
    shown = active[page.offset : page.offset + page.limit]
    return JsonResponse(shown, headers={"X-PW-TOTAL": str(len(active))})


def _body(user: User) -> UserBody:
    return UserBody(user.id, user.name, user.email, groups=())


_TAG = "Account and users"
_ACCOUNT = AccountBody(
    id=1,
    name="Shop Ltd",
    primary_timezone="America/Chicago",
    settings=AccountFlags(setting_team_permissions_enabled=False, setting_enable_leads=True),
)
_DANA = UserBody(1000000008, "Dana Poe", "dana@shop.example", groups=())

_read = partial(Endpoint, "GET", tag=_TAG, scope=KeyScope.READ)

ENDPOINTS = (
    _read("/account", fetch_account, response=AccountBody, answer=_ACCOUNT),
    # Before /users/{id}, which would take "me" for an id.
    _read("/users/me", fetch_own_user, response=UserBody, answer=_DANA),
    _read("/users/{id}", fetch_user, response=UserBody, answer=_DANA),
    Endpoint(
        *("POST", "/users/search", search_users, _TAG, UserSearchRequest, list[UserBody]),
        scope=KeyScope.READ,
        parameters=(PAGE_NUMBER, PAGE_SIZE),
        example={"page_number": 1, "page_size": 200},
        answer=[_DANA],
        headers=("X-PW-TOTAL",),
        refusals=(PAGE_INVALID,),
    ),
)
