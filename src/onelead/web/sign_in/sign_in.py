"""Signing in and out: by e-mail and password, and by a one-time link.

Nothing here reveals whether an e-mail has a user: text, status and work are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from starlette.responses import Response

from onelead.contract.access import LinkPurpose, OneTimeLink, StoredPassword
from onelead.domain.account import User
from onelead.domain.errors import InputInvalid, TooManyAttempts
from onelead.domain.limits import LINE_CHARS_MAX
from onelead.domain.sign_in.company import CompanyUser
from onelead.web.frame.pages import Access, Page
from onelead.web.frame.sessions import (
    forget_session,
    new_session,
    new_token,
    session_token,
    token_hash,
)
from onelead.web.frame.visit import Visit, own_path, problems_of
from onelead.web.sign_in.decisions import SignInOutcome, note_sign_in
from onelead.web.sign_in.password_check import (
    new_password_hash,
    require_new_password,
    users_with_password,
)
from onelead.web.sign_in.signed_in import entered

_REFUSED = "Wrong e-mail or password."


async def sign_in_page(visit: Visit) -> Response:
    """Show the form, or redirect a user who is already signed in."""
    wanted = own_path(visit.query("next", "/"))
    if visit.who is not None:
        return visit.redirect(wanted)
    return visit.page("sign_in/form.html", email="", wanted=wanted)


async def sign_in(visit: Visit) -> Response:
    """Sign in with a password, or say that the e-mail or the password is wrong."""
    form = await visit.form()
    email, password = form.get("email")[:LINE_CHARS_MAX], form.raw("password")
    wanted = own_path(form.get("next", "/"))
    try:
        found = await users_with_password(visit, email, password)
    except TooManyAttempts:
        await note_sign_in(visit, SignInOutcome.THROTTLED, email)
        raise
    if len(found) > 1:
        return await account_choice(visit, found, wanted)
    token = new_token()
    if found:
        session = new_session(visit.request, found[0].account_id, found[0].user_id, visit.now)
        hashed = token_hash(token)
        if await visit.store.sign_in(found[0], hashed, session, by=visit.requester):
            return await entered(visit, token, wanted)
    await note_sign_in(visit, SignInOutcome.REFUSED, email)
    problems = {"base": [_REFUSED]}
    page = "sign_in/form.html"
    return visit.page(page, 422, email=email, wanted=wanted, problems=problems)


async def account_choice(
    visit: Visit, users: Sequence[StoredPassword | CompanyUser], wanted: str
) -> Response:
    """Let somebody who is several users choose as which one to sign in."""
    tokens = [
        await visit.store.create_link(
            one.account_id, one.user_id, LinkPurpose.ACCOUNT_CHOICE, by=visit.requester
        )
        for one in users
    ]
    choices = list(zip(users, tokens, strict=True))
    return visit.page("sign_in/accounts.html", choices=choices, wanted=wanted)


async def choose_account(visit: Visit) -> Response:
    """Sign in to one of the accounts that somebody proved a moment ago to be a user of."""
    form = await visit.form()
    hashed = token_hash(form.get("choice"))
    link = await visit.store.link(hashed)
    wanted = own_path(form.get("next", "/"))
    token = new_token()
    if link is not None:
        session = new_session(visit.request, link.account_id, link.user_id, visit.now)
        new = token_hash(token)
        if await visit.store.choose_account(hashed, new, session, by=visit.requester):
            return await entered(visit, token, wanted)
    if visit.who is not None:
        # The account was already chosen, perhaps in another tab.
        return visit.redirect(wanted)
    return visit.redirect("/sign-in", "That took too long. Sign in again.", is_problem=True)


async def sign_out(visit: Visit) -> Response:
    """End this browser's session; without one, respond the same."""
    token = session_token(visit.request)
    response = visit.redirect("/sign-in", "You are signed out.")
    # A form from another site comes without the cookie, and must not delete it.
    if token:
        await visit.store.end_session(token_hash(token), by=visit.requester)
        forget_session(visit.request, response)
    return response


async def welcome_page(visit: Visit) -> Response:
    """Ask for a password; loading the page does not use up the link."""
    _hashed, link, user, account = await _invited(visit)
    if link is None:
        return visit.page("sign_in/dead_link.html", HTTPStatus.NOT_FOUND)
    return visit.page("sign_in/welcome.html", link=link, user=user, account_name=account)


async def welcome(visit: Visit) -> Response:
    """Set the password, use up the link, and sign in."""
    form = await visit.form()
    hashed, link, user, account = await _invited(visit)
    if link is None or user is None:
        return visit.page("sign_in/dead_link.html", HTTPStatus.NOT_FOUND)
    try:
        await require_new_password(visit, form, user, account)
    except InputInvalid as error:
        shown = {"link": link, "user": user, "account_name": account}
        return visit.page("sign_in/welcome.html", 422, problems=problems_of(error), **shown)
    password_hash = await new_password_hash(
        visit, link.account_id, user.email, form.raw("password")
    )
    token = new_token()
    session = new_session(visit.request, link.account_id, link.user_id, visit.now)
    new = token_hash(token)
    if not await visit.store.set_password(hashed, password_hash, new, session, by=visit.requester):
        return visit.page("sign_in/dead_link.html", HTTPStatus.NOT_FOUND)
    return await entered(visit, token, "/", f"Welcome, {user.name}. Your password is set.")


async def _invited(visit: Visit) -> tuple[str, OneTimeLink | None, User | None, str]:
    """Return the hash of the link in the path; if it works, the link, its user and account name."""
    hashed = token_hash(visit.request.path_params["token"])
    link = await visit.store.link(hashed)
    if link is None or link.purpose is LinkPurpose.ACCOUNT_CHOICE:
        return hashed, None, None, ""
    settings = await visit.store.settings(link.account_id)
    return hashed, link, settings.users_by_id[link.user_id], settings.name


PAGES = (
    Page("GET", "/sign-in", sign_in_page, Access.ANYONE),
    Page("POST", "/sign-in", sign_in, Access.ANYONE),
    Page("POST", "/sign-in/account", choose_account, Access.ANYONE),
    Page("POST", "/sign-out", sign_out, Access.ANYONE, needs_no_session=True),
    Page("GET", "/welcome/{token}", welcome_page, Access.ANYONE),
    Page("POST", "/welcome/{token}", welcome, Access.ANYONE),
)
