"""The profile: a user's own name, password, and the browsers that are signed in."""

from __future__ import annotations

from starlette.responses import Response

from onelead.contract.access import KnownSession
from onelead.domain.access import UserChange
from onelead.domain.errors import InputInvalid, Problem
from onelead.domain.passwords import require_good_password
from onelead.web.frame.pages import Page
from onelead.web.frame.sessions import forget_session, is_alive
from onelead.web.frame.visit import Problems, Visit, problems_of
from onelead.web.sign_in.password_check import new_password_hash, rightful_users

#: Browsers name others that they are like, so the order matters.
_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


_PROFILE = "/profile"


async def profile_page(visit: Visit) -> Response:
    """Show the profile."""
    return await _profile(visit)


async def _profile(
    visit: Visit, status: int = 200, *, of_name: Problems | None = None, **shown: object
) -> Response:
    user = visit.signed_in.user
    known = await visit.store.sessions(visit.account_id, user.id)
    context = {
        "name": user.name,
        "name_problems": of_name or {},
        "password_problems": {},
        "sessions": [one for one in known if is_alive(one.session, visit.now)],
        "browser_name": browser_name,
        "this_one": visit.signed_in.token_hash,
    }
    return visit.page("profile.html", status, **context | shown)


async def rename(visit: Visit) -> Response:
    """Change the name."""
    name = (await visit.form()).get("name")
    user_id = visit.signed_in.user.id
    try:
        change = UserChange(name=name)
        await visit.store.change_user(visit.account_id, user_id, change, by=user_id)
    except InputInvalid as error:
        return await _profile(visit, 422, of_name=problems_of(error), name=name)
    return visit.redirect(_PROFILE, "Your name is saved.")


async def change_password(visit: Visit) -> Response:
    """Change the password; all other browsers are signed out."""
    form, user = await visit.form(), visit.signed_in.user
    password = form.raw("password")
    try:
        await _require_own_password(visit, form.raw("current"))
        require_good_password(password, form.raw("repeated"), user.email)
    except InputInvalid as error:
        return await _profile(visit, 422, password_problems=problems_of(error))
    password_hash = await new_password_hash(visit, visit.account_id, user.email, password)
    await visit.store.change_password(
        visit.account_id, user.id, password_hash, keep=visit.signed_in.token_hash
    )
    return visit.redirect(
        _PROFILE, "Your password is changed, and all other browsers are signed out."
    )


async def _require_own_password(visit: Visit, password: str) -> None:
    """Refuse another password than the one of this account. Raises InputInvalid."""
    right = await rightful_users(visit, visit.signed_in.user.email, password)
    if visit.account_id not in {one.account_id for one in right}:
        raise InputInvalid(Problem("current", "is not your password"))


async def end_session(visit: Visit) -> Response:
    """Sign one of the user's browsers out."""
    named = (await visit.form()).get("session")
    user_id = visit.signed_in.user.id
    for one in await visit.store.sessions(visit.account_id, user_id):
        if one.token_hash == named:
            return await _ended(visit, one)
    return visit.redirect(_PROFILE, "That browser is signed out already.")


async def _ended(visit: Visit, one: KnownSession) -> Response:
    await visit.store.end_session(one.token_hash)
    return visit.redirect(_PROFILE, f"{browser_name(one.session.user_agent)} is signed out.")


async def sign_out_everywhere(visit: Visit) -> Response:
    """Sign all of the user's browsers out, this one too."""
    await visit.store.end_sessions(visit.account_id, visit.signed_in.user.id)
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


def browser_name(user_agent: str) -> str:
    """Name the browser and its system, as far as what it says of itself tells."""
    browser = _first(_BROWSERS, user_agent) or "A browser"
    system = _first(_SYSTEMS, user_agent)
    return f"{browser} on {system}" if system else browser


def _first(known: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for mark, name in known if mark in user_agent), "")
