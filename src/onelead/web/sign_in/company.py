"""Signing in at the company's own provider (OIDC), and connecting a user with it.

A browser that goes there takes a cookie with a secret token along; the provider's answer counts
only in the browser with the cookie, and only once.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from http import HTTPStatus

from msgspec import Struct, ValidationError
from msgspec.json import decode, encode
from starlette.responses import Response

from onelead.domain.account import User
from onelead.domain.errors import CompanySignInFailed, NotPossible, ResourceNotFound
from onelead.domain.limits import COMPANY_SIGN_IN_S, LINE_CHARS_MAX
from onelead.domain.sign_in.company import CompanyIdentity
from onelead.process.company_provider import CompanyProvider, derived
from onelead.web.frame.pages import Access, Page
from onelead.web.frame.sessions import (
    company_token,
    forget_company,
    new_session,
    new_token,
    set_company,
    token_hash,
)
from onelead.web.frame.visit import Visit, own_path
from onelead.web.sign_in.decisions import SignInOutcome, note_sign_in
from onelead.web.sign_in.sign_in import account_choice
from onelead.web.sign_in.signed_in import entered

_RETURN = "/sign-in/company/return"
_PROFILE = "/profile"
_NO_USER = (
    "No user here has the e-mail of your company sign-in. "
    "Ask an admin to invite you, or connect it in your profile."
)


class _Purpose(Struct, frozen=True, array_like=True):
    """What a browser goes to the provider for; kept in its cookie."""

    #: The page to show afterwards.
    wanted: str
    #: The session whose user is to be connected, by its token's hash; empty to sign in.
    connects: str = ""
    #: The session whose user is to confirm who they are, likewise.
    confirms: str = ""


async def begin(visit: Visit) -> Response:
    """Send the browser to the provider."""
    wanted = own_path(visit.query("next", "/"))[:LINE_CHARS_MAX]
    confirms = visit.who.token_hash if visit.who and visit.query("confirm") else ""
    token = new_token()
    try:
        address = await _provider(visit).address(token, _return_url(visit), confirms=bool(confirms))
    except CompanySignInFailed as error:
        return visit.redirect("/sign-in", f"{error.message}.", is_problem=True)
    response = Response(status_code=HTTPStatus.SEE_OTHER, headers={"Location": address})
    _remember(visit, response, token, _Purpose(wanted, confirms=confirms))
    return response


async def connect(visit: Visit) -> Response:
    """Show the way to the provider; a form may not lead out of this site."""
    token, provider = new_token(), _provider(visit)
    try:
        address = await provider.address(token, _return_url(visit), confirms=True)
    except CompanySignInFailed as error:
        return visit.redirect(_PROFILE, f"{error.message}.", is_problem=True)
    response = visit.page("sign_in/continue.html", provider=provider.name, address=address)
    _remember(visit, response, token, _Purpose(_PROFILE, visit.signed_in.token_hash))
    return response


async def come_back(visit: Visit) -> Response:
    """Sign in, or connect somebody who comes back from the provider."""
    token, purpose = _remembered(visit)
    try:
        response = await _came_back(visit, token, purpose)
    except CompanySignInFailed as error:
        where = _PROFILE if purpose.connects or purpose.confirms else "/sign-in"
        response = visit.redirect(where, f"{error.message}.", is_problem=True)
    forget_company(visit.request, response)
    return response


async def _came_back(visit: Visit, token: str, purpose: _Purpose) -> Response:
    """Find out who is there. Raises CompanySignInFailed."""
    provider, state = _provider(visit), visit.query("state")
    if not token or not hmac.compare_digest(state.encode(), derived(token, "state").encode()):
        raise CompanySignInFailed
    if visit.query("iss", provider.issuer) != provider.issuer or not visit.query("code"):
        # The user has refused, or somebody else answered.
        raise CompanySignInFailed
    identity = await provider.identity(token, _return_url(visit), visit.query("code"))
    if purpose.connects:
        return await _connected(visit, purpose, identity)
    if purpose.confirms:
        return await _confirmed(visit, purpose, identity)
    return await _signed_in(visit, purpose, identity)


async def _signed_in(visit: Visit, purpose: _Purpose, identity: CompanyIdentity) -> Response:
    users = await visit.store.company_users(identity, visit.requester)
    if not users:
        await note_sign_in(visit, SignInOutcome.REFUSED, identity.email)
        return visit.redirect("/sign-in", _NO_USER, is_problem=True)
    if len(users) > 1:
        return await account_choice(visit, users, purpose.wanted)
    token = new_token()
    session = new_session(visit.request, users[0].account_id, users[0].user_id, visit.now)
    if not await visit.store.sign_in_by_company(
        identity, token_hash(token), session, visit.requester
    ):
        raise CompanySignInFailed
    return await entered(visit, token, purpose.wanted)


async def _connected(visit: Visit, purpose: _Purpose, identity: CompanyIdentity) -> Response:
    user = _same_user(visit, purpose.connects)
    try:
        await visit.store.link_company(visit.account_id, user.id, identity, visit.requester)
    except NotPossible as error:
        return visit.redirect(_PROFILE, f"{error.message}.", is_problem=True)
    return visit.redirect(_PROFILE, "You can sign in with your company from now on.")


async def _confirmed(visit: Visit, purpose: _Purpose, identity: CompanyIdentity) -> Response:
    user = _same_user(visit, purpose.confirms)
    users = await visit.store.company_users(identity, visit.requester)
    if (visit.account_id, user.id) not in {(one.account_id, one.user_id) for one in users}:
        raise CompanySignInFailed
    if identity.date_confirmed is None or visit.now - identity.date_confirmed > COMPANY_SIGN_IN_S:
        # The provider has not asked again.
        raise CompanySignInFailed
    whose = (visit.account_id, visit.signed_in.token_hash)
    await visit.store.confirm_session(*whose, "company", visit.requester)
    return visit.redirect(purpose.wanted)


def _same_user(visit: Visit, token_hash: str) -> User:
    """Return the user whose browser went to the provider. Raises CompanySignInFailed."""
    if visit.who is None or not hmac.compare_digest(visit.who.token_hash, token_hash):
        # Signed out, or somebody else is signed in meanwhile.
        raise CompanySignInFailed
    return visit.who.user


async def disconnect(visit: Visit) -> Response:
    """Let the company sign-in no longer sign in to this user."""
    issuer, user_id = _provider(visit).issuer, visit.signed_in.user.id
    await visit.store.unlink_company(visit.account_id, user_id, issuer, visit.requester)
    return visit.redirect(_PROFILE, "The company sign-in was disconnected.")


async def company_link_date(visit: Visit) -> int | None:
    """Return when the signed-in user was connected with the provider; None if not."""
    company = visit.runtime.company
    if company is None:
        return None
    user_id = visit.signed_in.user.id
    return await visit.store.company_link_date(visit.account_id, user_id, company.issuer)


def _provider(visit: Visit) -> CompanyProvider:
    """Return the provider. Raises ResourceNotFound where there is none."""
    if visit.runtime.company is None:
        raise ResourceNotFound
    return visit.runtime.company


def _return_url(visit: Visit) -> str:
    return visit.base_url + _RETURN


def _remember(visit: Visit, response: Response, token: str, purpose: _Purpose) -> None:
    text = urlsafe_b64encode(encode(purpose)).decode().rstrip("=")
    set_company(visit.request, response, token, text)


def _remembered(visit: Visit) -> tuple[str, _Purpose]:
    """Return the token and purpose in the browser's cookie; an empty token without a good one."""
    token, text = company_token(visit.request)
    try:
        purpose = decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=_Purpose)
    except (ValueError, ValidationError):
        return "", _Purpose("/")
    return token, purpose


PAGES = (
    Page("GET", "/sign-in/company", begin, Access.ANYONE),
    Page("GET", _RETURN, come_back, Access.ANYONE),
    Page("POST", "/profile/company/connect", connect, confirm=True),
    Page("POST", "/profile/company/disconnect", disconnect, confirm=True),
)
