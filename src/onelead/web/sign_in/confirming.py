"""Asking again who somebody is, before something that matters; `Page.confirm` says where.

The page that asks sends its form to the address that was asked for, together with what was typed
there, so that nobody has to type it again.
"""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from msgspec import Struct
from starlette.responses import Response

from onelead.contract.credentials import PendingKind
from onelead.domain.errors import TooManyAttempts
from onelead.domain.limits import CONFIRM_FORM_CHARS_MAX
from onelead.domain.sign_in.sessions import is_confirmed
from onelead.process.passkeys import new_challenge, request_options
from onelead.web.frame.forms import Form
from onelead.web.frame.pages import Page
from onelead.web.frame.visit import Visit, local_path, own_path
from onelead.web.sign_in.company import company_link_date
from onelead.web.sign_in.decisions import note_refused_confirmation
from onelead.web.sign_in.passkey_answers import (
    NOT_ACCEPTED,
    accepted_answer,
    question,
    site,
)
from onelead.web.sign_in.password_check import users_with_password

_CONFIRM = "/confirm"
#: What the page that asks adds to a form.
_OURS = "confirm."
_PASSWORD, _BACK = f"{_OURS}password", f"{_OURS}back"
_PENDING, _CREDENTIAL = f"{_OURS}pending", f"{_OURS}credential"
#: What is never sent back to a browser.
_SECRETS = frozenset({"password", "repeated", "current"})


class _Refused(Struct, frozen=True):
    """Why somebody is asked again."""

    text: str = ""
    status: int = HTTPStatus.FORBIDDEN
    retry_after_s: int | None = None


async def unconfirmed(visit: Visit, page: Page) -> Response | None:
    """Return what to answer to a user who has to confirm first; None for one who has."""
    session = visit.signed_in.session
    if is_confirmed(session.date_confirmed or session.date_created, visit.now):
        return None
    if page.method == "GET":
        return visit.redirect(f"{_CONFIRM}?{urlencode({'next': _address(visit)})}")
    form = await visit.form()
    if not form.has(_PASSWORD) and not form.get(_CREDENTIAL):
        return await _ask(visit, _kept(form), _Refused())
    refused = await _refused(visit, form)
    return None if refused is None else await _ask(visit, _kept(form), refused)


def _address(visit: Visit) -> str:
    url = visit.request.url
    return f"{url.path}?{url.query}" if url.query else url.path


async def _refused(visit: Visit, form: Form) -> _Refused | None:
    """Check what was sent to confirm, and record the result; None when it is right."""
    if form.get(_CREDENTIAL):
        if await _is_right_passkey(visit, form):
            return None
        return _Refused(NOT_ACCEPTED, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        is_right = await _is_right_password(visit, form.raw(_PASSWORD))
    except TooManyAttempts as error:
        return _Refused(error.message, HTTPStatus.TOO_MANY_REQUESTS, error.retry_after_s)
    if is_right:
        whose = (visit.account_id, visit.signed_in.token_hash)
        await visit.store.confirm_session(*whose, "password", visit.requester)
        return None
    await note_refused_confirmation(visit, {"way": (None, "password")})
    return _Refused("This is not your password.", HTTPStatus.UNPROCESSABLE_ENTITY)


async def _is_right_password(visit: Visit, password: str) -> bool:
    user = visit.signed_in.user
    right = await users_with_password(visit, user.email, password)
    return (visit.account_id, user.id) in {(one.account_id, one.user_id) for one in right}


async def _is_right_passkey(visit: Visit, form: Form) -> bool:
    sent = (form.get(_PENDING), form.get(_CREDENTIAL))
    found = await accepted_answer(visit, PendingKind.CONFIRM, *sent)
    if found is None:
        return False
    token_hash = visit.signed_in.token_hash
    return await visit.store.confirm_with_passkey(*found, token_hash, visit.requester)


def _kept(form: Form) -> list[tuple[str, str]] | None:
    """Return the fields to send again after confirming; None for more than a page may keep."""
    fields = [
        (name, value)
        for name, value in form.fields
        if name != "csrf" and name not in _SECRETS and not name.startswith(_OURS)
    ]
    if sum(len(name) + len(value) for name, value in fields) > CONFIRM_FORM_CHARS_MAX:
        return None
    return fields


async def _ask(visit: Visit, kept: list[tuple[str, str]] | None, refused: _Refused) -> Response:
    """Show the page that asks; what is too long to be kept has to be sent again."""
    back = local_path((await visit.form()).get(_BACK)) or _sender(visit)
    if kept is None:
        action, fields = _CONFIRM, [("next", back)]
    else:
        is_link = visit.request.url.path == _CONFIRM
        action, fields = _CONFIRM if is_link else _address(visit), kept
    user = visit.signed_in.user
    facts = await visit.store.sign_in_facts(visit.account_id)
    response = visit.page(
        "sign_in/confirm.html",
        refused.status,
        action=action,
        kept=fields,
        is_lost=kept is None,
        is_form=action != _CONFIRM,
        back=back,
        problem=refused.text,
        has_password=user.id in facts and facts[user.id].has_password,
        has_company=await company_link_date(visit) is not None,
        has_passkeys=bool(await visit.store.passkeys(visit.account_id, user.id)),
    )
    if refused.retry_after_s is not None:
        response.headers["Retry-After"] = str(refused.retry_after_s)
    return response


def _sender(visit: Visit) -> str:
    """Return the page that the browser comes from; the start page if that is unknown."""
    try:
        sender = urlsplit(visit.request.headers.get("referer", ""))
    except ValueError:
        return "/"
    is_ours = f"{sender.scheme}://{sender.netloc}" == visit.base_url
    path = f"{sender.path}?{sender.query}" if sender.query else sender.path
    return own_path(path) if is_ours and sender.path != _CONFIRM else "/"


async def confirm_page(visit: Visit) -> Response:
    """Ask a user who wants to see a page that only confirmed users see."""
    wanted = own_path(visit.query("next", "/"))
    return await _ask(visit, [("next", wanted)], _Refused(status=HTTPStatus.OK))


async def go_on(visit: Visit) -> Response:
    """Lead on to the page that was asked for."""
    return visit.redirect(own_path((await visit.form()).get("next", "/")))


async def options(visit: Visit) -> Response:
    """Send the browser a question to the user's passkeys."""
    challenge = new_challenge()
    known = await visit.store.passkeys(visit.account_id, visit.signed_in.user.id)
    asked = request_options(site(visit), known, challenge)
    return await question(visit, PendingKind.CONFIRM, challenge, asked)


PAGES = (
    Page("GET", _CONFIRM, confirm_page),
    Page("POST", _CONFIRM, go_on, confirm=True),
    Page("POST", f"{_CONFIRM}/options", options),
)
