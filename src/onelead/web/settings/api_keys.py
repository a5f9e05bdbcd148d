"""System Settings, API Keys: the keys of programs, what each is for, and when it was last used."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct
from starlette.responses import Response

from onelead.domain.access import require_label
from onelead.domain.account import ApiKey, User
from onelead.domain.api_keys.purposes import (
    KeyPurpose,
    KeyScope,
    end_of_day,
    includes,
    listed_networks,
)
from onelead.domain.errors import InputInvalid, NotPossible, Problem, ResourceNotFound
from onelead.domain.limits import API_KEY_CACHE_S, API_KEY_USE_REST_S
from onelead.incoming.api_calls import BASE_PATH, upsert_command
from onelead.web.frame.pages import Access, Page
from onelead.web.frame.visit import Visit, problems_of
from onelead.web.words.audit_lines import SCOPE_LABELS
from onelead.web.words.spans import local

_KEYS = "/settings/api-keys"
#: The label and description of each scope.
SCOPES = (
    (KeyScope.DELIVER, "Sends leads in, and can read nothing. For forms and other sources."),
    (KeyScope.READ, "Reads and searches, and changes nothing."),
    (KeyScope.WRITE, "Reads, and changes leads in every way. No settings."),
    (KeyScope.ADMIN, "Everything that the owner's role allows, including settings and erasure."),
)


class NewKey(Struct, frozen=True):
    """What was typed into the form of a new key."""

    label: str = ""
    email: str = ""
    scope: str = KeyScope.DELIVER
    expires: str = ""
    networks: str = ""

    def purpose(self, zone: ZoneInfo) -> KeyPurpose:
        """Return what the key is to be for. Raises InputInvalid."""
        if self.scope not in {*KeyScope}:
            raise InputInvalid(Problem("scope", "is not a scope"))
        return KeyPurpose(
            KeyScope(self.scope),
            end_of_day(self.expires, zone) if self.expires else None,
            listed_networks(self.networks),
        )


async def key_list(visit: Visit) -> Response:
    """List the keys: active ones first, newest first."""
    keys = await _keys(visit)
    users = await _owners(visit)
    active_ids = {
        one.id
        for one in keys
        if one.date_revoked is None
        and users[one.user_id].is_active
        and not one.is_expired(visit.now)
    }
    return visit.page(
        "api_keys/list.html",
        keys=sorted(keys, key=lambda one: (one.id not in active_ids, -one.id)),
        active_ids=active_ids,
        users=users,
        scopes=SCOPE_LABELS,
        rest_s=API_KEY_USE_REST_S,
    )


async def _keys(visit: Visit) -> list[ApiKey]:
    """Return the keys that calls are made with; the sources of imports are none."""
    return [one for one in await visit.store.api_keys(visit.account_id) if not one.is_source]


async def _owners(visit: Visit) -> dict[int, User]:
    """Return the users, read after the keys: the owner of a key can be newer than this visit."""
    return (await visit.store.settings(visit.account_id)).users_by_id


async def new_key_page(visit: Visit) -> Response:
    """Show the form of a new key."""
    return _form(visit, NewKey(email=visit.signed_in.user.email))


def _form(visit: Visit, typed: NewKey, error: InputInvalid | None = None) -> Response:
    owners_in_order = sorted(
        (user for user in visit.settings.users if user.is_active),
        key=lambda user: (user.name.casefold(), user.id),
    )
    owners = [(user.email, f"{user.name} ({user.email})") for user in owners_in_order]
    problems = problems_of(error) if error else {}
    return visit.page(
        "api_keys/new.html",
        422 if error else 200,
        typed=typed,
        owners=owners,
        scopes=SCOPES,
        labels=SCOPE_LABELS,
        problems=problems,
        tomorrow=(local(visit.now, visit.settings.zone) + timedelta(days=1)).date().isoformat(),
    )


async def create_key(visit: Visit) -> Response:
    """Create a key, and show it this once."""
    form = await visit.form()
    typed = NewKey(*(form.get(name) for name in NewKey.__struct_fields__))
    try:
        require_label(typed.label)
        key, secret = await visit.store.create_api_key(
            *(visit.account_id, typed.email, typed.label),
            typed.purpose(visit.settings.zone),
            by=visit.requester,
        )
    except InputInvalid as error:
        return _form(visit, typed, error)
    except (NotPossible, ResourceNotFound):
        # The user has just been deactivated.
        text = f"{typed.email} is not an active user."
        return visit.redirect(f"{_KEYS}/new", text, is_problem=True)
    can_deliver = includes(key.scope, KeyScope.DELIVER)
    command = upsert_command(visit.base_url + BASE_PATH, key.email, secret) if can_deliver else ""
    return visit.page("api_keys/created.html", key=key, secret=secret, command=command)


async def revoke_page(visit: Visit) -> Response:
    """Ask before revoking a key."""
    key = await _key(visit)
    if key.date_revoked is not None:
        return visit.redirect(_KEYS, f"{key.label} was already revoked.")
    owner = (await _owners(visit))[key.user_id]
    return visit.page("api_keys/revoke.html", key=key, owner=owner, seconds=API_KEY_CACHE_S)


async def revoke(visit: Visit) -> Response:
    """Revoke a key."""
    key = await visit.store.revoke_api_key(
        visit.account_id, (await _key(visit)).id, by=visit.requester
    )
    return visit.redirect(_KEYS, f"{key.label} was revoked.")


async def _key(visit: Visit) -> ApiKey:
    """Return the key in the path. Raises ResourceNotFound."""
    key_id = visit.path_id()
    for key in await _keys(visit):
        if key.id == key_id:
            return key
    raise ResourceNotFound


PAGES = (
    Page("GET", _KEYS, key_list, Access.ADMIN),
    Page("GET", f"{_KEYS}/new", new_key_page, Access.ADMIN, confirm=True),
    Page("POST", f"{_KEYS}/new", create_key, Access.ADMIN, once=_KEYS, confirm=True),
    Page("GET", f"{_KEYS}/{{id}}/revoke", revoke_page, Access.ADMIN, confirm=True),
    Page("POST", f"{_KEYS}/{{id}}/revoke", revoke, Access.ADMIN, confirm=True),
)
