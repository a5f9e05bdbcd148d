"""System Settings, Users: who can sign in, with which role, and one-time links for them."""

from __future__ import annotations

from http import HTTPStatus

from msgspec import structs
from starlette.responses import Response

from onelead.contract.access import LINK_SECONDS, LinkPurpose, SignInFacts
from onelead.domain.access import UserChange
from onelead.domain.account import Role, User
from onelead.domain.errors import (
    InputInvalid,
    NotPossible,
    OneleadError,
    ResourceNotFound,
    SettingsConflict,
)
from onelead.web.frame.line_form import LineForm, line_form, read_lines
from onelead.web.frame.pages import Access, Page
from onelead.web.frame.sessions import welcome_path
from onelead.web.frame.visit import Visit, problems_of
from onelead.web.words.ledger_lines import setting_label

_USERS = "/settings/users"
#: The label and description of each role.
ROLES = (
    (Role.MEMBER, "Member", "Works with leads and deliveries. No access to System Settings."),
    (Role.ADMIN, "Admin", "Full access, including System Settings, users and API keys."),
)
_NO_FACTS = SignInFacts(has_password=False, date_last_sign_in=None)


async def user_list(visit: Visit) -> Response:
    """List the users, active ones first."""
    facts = await visit.store.sign_in_facts(visit.account_id)
    figures = await visit.store.lead_figures(visit.account_id, fields=("assignee_id",))
    in_order = sorted(
        visit.settings.users, key=lambda one: (not one.is_active, one.name.casefold(), one.id)
    )
    rows = [(one, facts.get(one.id, _NO_FACTS)) for one in in_order]
    return visit.page("users/list.html", rows=rows, leads=figures.get("assignee_id", {}))


async def new_user_page(visit: Visit) -> Response:
    """Show the form for an invitation."""
    return visit.page("users/new.html", name="", email="", role=Role.MEMBER, roles=ROLES)


async def invite(visit: Visit) -> Response:
    """Create a user, and show their link this once."""
    form = await visit.form()
    name, email, role = form.get("name"), form.get("email"), _role(form.get("role"))
    try:
        user = await visit.store.create_user(
            visit.account_id, email, name, role, by=visit.requester
        )
    except (InputInvalid, NotPossible) as error:
        problems = problems_of(error)
        if isinstance(error, NotPossible):
            problems = {"email": [error.message]}
        typed = {"name": name, "email": email, "role": role, "roles": ROLES}
        return visit.page("users/new.html", 422, problems=problems, **typed)
    return await _with_link(visit, user, LinkPurpose.INVITATION)


async def _with_link(visit: Visit, user: User, purpose: LinkPurpose) -> Response:
    """Create a one-time link for a user, and show it this once."""
    token = await visit.store.create_link(visit.account_id, user.id, purpose, by=visit.requester)
    return visit.page(
        "users/link.html",
        user=user,
        link=visit.base_url + welcome_path(token),
        date_expires=visit.now + LINK_SECONDS[purpose],
        is_invitation=purpose is LinkPurpose.INVITATION,
    )


async def user_page(visit: Visit) -> Response:
    """Show the form of a user."""
    user = _user(visit)
    return await _shown(visit, user, line_form(_stored(user)))


def _stored(user: User) -> dict[str, str]:
    return {"name": user.name, "role": user.role.value}


async def _shown(
    visit: Visit,
    user: User,
    lines: LineForm,
    error: OneleadError | None = None,
    conflicts: list[tuple[str, str]] | None = None,
) -> Response:
    """Show the form; `conflicts` are fields that somebody else changed meanwhile."""
    facts = await visit.store.sign_in_facts(visit.account_id)
    ways = await visit.store.sign_in_ways(visit.account_id)
    refused = HTTPStatus.CONFLICT if conflicts else HTTPStatus.UNPROCESSABLE_ENTITY
    return visit.page(
        "users/edit.html",
        refused if error or conflicts else HTTPStatus.OK,
        user=user,
        lines=lines,
        conflicts=conflicts,
        facts=facts.get(user.id, _NO_FACTS),
        ways=ways.get(user.id),
        roles=ROLES,
        problems=problems_of(error) if error else {},
    )


async def change(visit: Visit) -> Response:
    """Save the changed name and role, or show what somebody else changed meanwhile."""
    form, user = await visit.form(), _user(visit)
    lines = read_lines(form, _stored(user))
    lines = structs.replace(lines, typed={**lines.typed, "role": _role(form.get("role")).value})
    try:
        after = await visit.store.change_user(
            visit.account_id, user.id, _asked(user, lines), by=visit.requester
        )
    except SettingsConflict:
        return await _conflict_page(visit, user.id, lines)
    except (InputInvalid, NotPossible) as error:
        return await _shown(visit, user, lines, error)
    # After saving an outdated page unchanged, an admin must not believe that it is stored now.
    return visit.redirect(
        _USERS, f"{after.name} was saved." if lines.wanted else "Nothing changed."
    )


def _asked(user: User, lines: LineForm) -> UserChange:
    wanted, seen = lines.wanted, lines.seen(_stored(user))
    return UserChange(
        name=wanted.get("name"),
        role=_role(wanted["role"]) if "role" in wanted else None,
        seen=structs.replace(user, name=seen["name"], role=_role(seen["role"])),
    )


async def _conflict_page(visit: Visit, user_id: int, lines: LineForm) -> Response:
    user = (await visit.store.settings(visit.account_id)).users_by_id[user_id]
    now = _stored(user)
    shown = now | {"role": next(label for role, label, _text in ROLES if role is user.role)}
    conflicts = [(setting_label(name), shown[name]) for name in lines.conflicts(now)]
    return await _shown(visit, user, lines.over(now), conflicts=conflicts)


async def deactivate(visit: Visit) -> Response:
    """Deactivate a user, which signs them out everywhere immediately."""
    return await _switch(visit, is_active=False, flash="was deactivated and signed out everywhere")


async def reactivate(visit: Visit) -> Response:
    """Let a user sign in again."""
    return await _switch(visit, is_active=True, flash="can sign in again")


async def _switch(visit: Visit, *, is_active: bool, flash: str) -> Response:
    user, asked = _user(visit), UserChange(is_active=is_active)
    try:
        await visit.store.change_user(visit.account_id, user.id, asked, by=visit.requester)
    except NotPossible as error:
        return await _shown(visit, user, line_form(_stored(user)), error)
    return visit.redirect(_USERS, f"{user.name} {flash}.")


async def new_link(visit: Visit) -> Response:
    """Show a one-time link that lets a user set a new password."""
    user = _user(visit)
    facts = (await visit.store.sign_in_facts(visit.account_id)).get(user.id, _NO_FACTS)
    purpose = LinkPurpose.LOST_PASSWORD if facts.has_password else LinkPurpose.INVITATION
    try:
        return await _with_link(visit, user, purpose)
    except NotPossible as error:
        return await _shown(visit, user, line_form(_stored(user)), error)


async def forget(visit: Visit) -> Response:
    """Remove the passkeys and codes of a user who has lost them."""
    user = _user(visit)
    await visit.store.forget_credentials(visit.account_id, user.id, visit.requester)
    text = f"{user.name} has no passkeys and codes any more, and was signed out everywhere."
    return visit.redirect(_USERS, text)


def _user(visit: Visit) -> User:
    """Return the user in the path. Raises ResourceNotFound."""
    user = visit.settings.users_by_id.get(visit.path_id())
    if user is None:
        raise ResourceNotFound
    return user


def _role(text: str) -> Role:
    return Role.ADMIN if text == Role.ADMIN else Role.MEMBER


PAGES = (
    Page("GET", _USERS, user_list, Access.ADMIN),
    Page("GET", f"{_USERS}/new", new_user_page, Access.ADMIN, confirm=True),
    Page("POST", f"{_USERS}/new", invite, Access.ADMIN, once=_USERS, confirm=True),
    Page("GET", f"{_USERS}/{{id}}", user_page, Access.ADMIN),
    Page("POST", f"{_USERS}/{{id}}", change, Access.ADMIN, confirm=True),
    Page("POST", f"{_USERS}/{{id}}/deactivate", deactivate, Access.ADMIN, confirm=True),
    Page("POST", f"{_USERS}/{{id}}/reactivate", reactivate, Access.ADMIN, confirm=True),
    Page("POST", f"{_USERS}/{{id}}/forget", forget, Access.ADMIN, confirm=True),
    Page("POST", f"{_USERS}/{{id}}/link", new_link, Access.ADMIN, confirm=True),
)
