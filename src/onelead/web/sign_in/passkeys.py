"""Passkeys: a user adds, lists and removes them on the profile, and signs in with one."""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import Response

from onelead.contract.access import KnownSession
from onelead.contract.credentials import Passkey, PendingKind
from onelead.domain.errors import NotPossible, ResourceNotFound, TooManyAttempts
from onelead.domain.settings.body import name_problem
from onelead.domain.sign_in.attempts import passkey_question
from onelead.process.passkeys import (
    creation_options,
    new_challenge,
    new_credential,
    request_options,
)
from onelead.web.frame.pages import Access, Page
from onelead.web.frame.sessions import new_session, new_token, token_hash
from onelead.web.frame.visit import NO_PROBLEMS, Problems, Visit, own_path
from onelead.web.sign_in.browsers import browser_name
from onelead.web.sign_in.decisions import SignInOutcome, note_sign_in
from onelead.web.sign_in.passkey_answers import (
    NOT_ACCEPTED,
    accepted_answer,
    challenge_of,
    question,
    site,
)
from onelead.web.sign_in.signed_in import entered

_PROFILE = "/profile"
_PASSKEYS = "/profile/passkeys"


async def new_page(visit: Visit) -> Response:
    """Show the form that adds a passkey."""
    return _new(visit, browser_name(visit.request.headers.get("user-agent", "")))


def _new(visit: Visit, label: str, problems: Problems = NO_PROBLEMS) -> Response:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if problems else HTTPStatus.OK
    return visit.page("sign_in/passkey.html", status, label=label, problems=problems)


async def new_options(visit: Visit) -> Response:
    """Send the browser what it needs to make a passkey."""
    who, challenge = visit.signed_in, new_challenge()
    known = await visit.store.passkeys(visit.account_id, who.user.id)
    options = creation_options(site(visit), visit.account_id, who.user, known, challenge)
    return await question(visit, PendingKind.ADD, challenge, options)


async def add(visit: Visit) -> Response:
    """Add the passkey that the browser has made."""
    form, user_id = await visit.form(), visit.signed_in.user.id
    label = form.get("label")
    if found := name_problem(label):
        return _new(visit, label, {"label": [found[0]]})
    challenge = await challenge_of(visit, PendingKind.ADD, form.get("pending"))
    made = challenge and await new_credential(site(visit), challenge, form.get("credential"))
    if not made:
        return _new(visit, label, {"base": ["The passkey was not accepted. Try again."]})
    passkey = Passkey(
        credential_id=made.credential_id,
        account_id=visit.account_id,
        user_id=user_id,
        public_key=made.public_key,
        sign_count=made.sign_count,
        label=label,
        transports=made.transports,
        date_created=visit.now,
    )
    try:
        await visit.store.add_passkey(passkey, visit.requester)
    except NotPossible as error:
        return _new(visit, label, {"base": [error.message]})
    return visit.redirect(_PROFILE, f"The passkey {label} was added.")


async def remove(visit: Visit) -> Response:
    """Remove a passkey."""
    credential_id = (await visit.form()).get("passkey")
    whose = (visit.account_id, visit.signed_in.user.id)
    try:
        removed = await visit.store.remove_passkey(*whose, credential_id, visit.requester)
    except ResourceNotFound:
        return visit.redirect(_PROFILE, "That passkey was already removed.")
    text = f"The passkey {removed.label} was removed. Delete it in your device or browser, too."
    return visit.redirect(_PROFILE, text)


async def sign_in_options(visit: Visit) -> Response:
    """Send the browser a question to any passkey that it has for this site."""
    try:
        await visit.store.take_attempts([passkey_question(visit.address)])
    except TooManyAttempts:
        await note_sign_in(visit, SignInOutcome.THROTTLED, "")
        raise
    challenge = new_challenge()
    options = request_options(site(visit), (), challenge)
    return await question(visit, PendingKind.SIGN_IN, challenge, options)


async def sign_in_with_passkey(visit: Visit) -> Response:
    """Sign in the user whose passkey has answered; it counts for the code, too."""
    form = await visit.form()
    wanted = own_path(form.get("next", "/"))
    sent = (form.get("pending"), form.get("credential"))
    found = await accepted_answer(visit, PendingKind.SIGN_IN, *sent)
    if found is not None:
        passkey, sign_count = found
        token = new_token()
        session = new_session(visit.request, passkey.account_id, passkey.user_id, visit.now)
        if await visit.store.sign_in_with_passkey(
            passkey, sign_count, KnownSession(token_hash(token), session), visit.requester
        ):
            return await entered(visit, token, wanted)
    shown = {"email": "", "wanted": wanted, "problems": {"base": [NOT_ACCEPTED]}}
    return visit.page("sign_in/form.html", HTTPStatus.UNPROCESSABLE_ENTITY, **shown)


PAGES = (
    Page("GET", f"{_PASSKEYS}/new", new_page, confirm=True),
    Page("POST", f"{_PASSKEYS}/options", new_options),
    Page("POST", _PASSKEYS, add, confirm=True),
    Page("POST", f"{_PASSKEYS}/remove", remove, confirm=True),
    Page("POST", "/sign-in/passkey/options", sign_in_options, Access.ANYONE),
    Page("POST", "/sign-in/passkey", sign_in_with_passkey, Access.ANYONE),
)
