"""The profile: a user's own name, ways to sign in and signed-in browsers."""

from __future__ import annotations

from starlette.responses import Response

from onelead.contract.access import KnownSession
from onelead.domain.access import UserChange
from onelead.domain.errors import InputInvalid, Problem
from onelead.web.frame.pages import Page
from onelead.web.frame.sessions import forget_session
from onelead.web.frame.visit import Problems, Visit, problems_of
from onelead.web.sign_in.browsers import browser_name
from onelead.web.sign_in.company import company_link_date
from onelead.web.sign_in.decisions import note_refused_confirmation
from onelead.web.sign_in.password_check import (
    new_password_hash,
    require_new_password,
    users_with_password,
)

_PROFILE = "/profile"


async def profile_page(visit: Visit) -> Response:
    """Show the profile."""
    return await _profile(visit)


async def _profile(
    visit: Visit, status: int = 200, *, name_problems: Problems | None = None, **shown: object
) -> Response:
    user = visit.signed_in.user
    known = await visit.store.sessions(visit.account_id, user.id)
    are_over = visit.settings.sessions.are_over
    context = {
        "name": user.name,
        "name_problems": name_problems or {},
        "password_problems": {},
        "sessions": [
            one
            for one in known
            if not are_over(one.session.date_created, one.session.date_last_used, visit.now)
        ],
        "browser_name": browser_name,
        "this_one": visit.signed_in.token_hash,
        "company_date": await company_link_date(visit),
        "passkeys": await visit.store.passkeys(visit.account_id, user.id),
        "codes": await visit.store.codes(visit.account_id, user.id),
    }
    return visit.page("profile.html", status, **context | shown)


async def rename(visit: Visit) -> Response:
    """Change the name."""
    name = (await visit.form()).get("name")
    user_id = visit.signed_in.user.id
    try:
        change = UserChange(name=name)
        await visit.store.change_user(visit.account_id, user_id, change, by=visit.requester)
    except InputInvalid as error:
        return await _profile(visit, 422, name_problems=problems_of(error), name=name)
    return visit.redirect(_PROFILE, "Your name was saved.")


async def change_password(visit: Visit) -> Response:
    """Change the password; all other browsers are signed out."""
    form, user = await visit.form(), visit.signed_in.user
    password = form.raw("password")
    try:
        await _require_own_password(visit, form.raw("current"))
        await require_new_password(visit, form, user, visit.settings.name)
    except InputInvalid as error:
        return await _profile(visit, 422, password_problems=problems_of(error))
    password_hash = await new_password_hash(visit, visit.account_id, user.email, password)
    await visit.store.change_password(
        *(visit.account_id, user.id, password_hash),
        keep=visit.signed_in.token_hash,
        by=visit.requester,
    )
    return visit.redirect(
        _PROFILE, "Your password was changed, and all other browsers were signed out."
    )


async def _require_own_password(visit: Visit, password: str) -> None:
    """Refuse any password but the user's own in this account. Raises InputInvalid."""
    right = await users_with_password(visit, visit.signed_in.user.email, password)
    if visit.account_id not in {one.account_id for one in right}:
        await note_refused_confirmation(visit, {"way": (None, "password")})
        raise InputInvalid(Problem("current", "is not your password"))


async def end_session(visit: Visit) -> Response:
    """Sign out one of the user's browsers."""
    named = (await visit.form()).get("session")
    user_id = visit.signed_in.user.id
    for one in await visit.store.sessions(visit.account_id, user_id):
        if one.token_hash == named:
            return await _ended(visit, one)
    return visit.redirect(_PROFILE, "That browser was already signed out.")


async def _ended(visit: Visit, one: KnownSession) -> Response:
    await visit.store.end_session(one.token_hash, by=visit.requester)
    return visit.redirect(_PROFILE, f"{browser_name(one.session.user_agent)} was signed out.")


async def sign_out_everywhere(visit: Visit) -> Response:
    """Sign out all of the user's browsers, including this one."""
    await visit.store.end_sessions(visit.account_id, visit.signed_in.user.id, by=visit.requester)
    response = visit.redirect("/sign-in", "You are signed out everywhere.")
    forget_session(visit.request, response)
    return response


PAGES = (
    Page("GET", _PROFILE, profile_page),
    Page("POST", _PROFILE, rename),
    Page("POST", f"{_PROFILE}/password", change_password),
    Page("POST", f"{_PROFILE}/sessions/end", end_session),
    Page("POST", f"{_PROFILE}/sign-out-everywhere", sign_out_everywhere),
)
