"""The second step of signing in with a password: a code from an app, or a recovery code."""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import Response

from onelead.contract.access import KnownSession
from onelead.contract.credentials import PendingKind, PendingSignIn
from onelead.domain.errors import TooManyAttempts
from onelead.domain.sign_in.attempts import code_attempt
from onelead.process.codes import typed_code
from onelead.web.frame.pages import Access, Page
from onelead.web.frame.sessions import new_session, new_token, pending_token, token_hash
from onelead.web.frame.visit import NO_PROBLEMS, Problems, Visit, own_path
from onelead.web.sign_in.decisions import (
    SignInOutcome,
    email_of,
    note_refused_user,
    note_sign_in,
)
from onelead.web.sign_in.signed_in import CODE_PATH, entered

_TOO_LATE = "That took too long. Sign in again."


async def code_page(visit: Visit) -> Response:
    """Ask for the code."""
    if await _pending(visit) is None:
        return visit.redirect("/sign-in", _TOO_LATE, is_problem=True)
    return _form(visit, own_path(visit.query("next", "/")))


async def _pending(visit: Visit) -> PendingSignIn | None:
    """Return the half-done sign-in of the browser."""
    token = pending_token(visit.request)
    return await visit.store.pending(token_hash(token), PendingKind.CODE) if token else None


def _form(visit: Visit, wanted: str, problems: Problems = NO_PROBLEMS) -> Response:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if problems else HTTPStatus.OK
    return visit.page("sign_in/code.html", status, wanted=wanted, problems=problems)


async def enter_code(visit: Visit) -> Response:
    """Sign in when the code is right; wrong ones are counted and noted."""
    form, pending = await visit.form(), await _pending(visit)
    wanted = own_path(form.get("next", "/"))
    if pending is None or pending.account_id is None or pending.user_id is None:
        return visit.redirect("/sign-in", _TOO_LATE, is_problem=True)
    whose = (pending.account_id, pending.user_id)
    attempt = code_attempt(*whose)
    try:
        await visit.store.take_attempts(attempt.counts)
    except TooManyAttempts:
        await note_sign_in(visit, SignInOutcome.THROTTLED, await email_of(visit, *whose))
        raise
    codes = await visit.store.codes(*whose)
    proof = codes and typed_code(codes, form.get("code"), visit.now)
    if proof:
        token = new_token()
        if await visit.store.sign_in_with_code(
            token_hash(pending_token(visit.request)),
            proof,
            KnownSession(token_hash(token), new_session(visit.request, *whose, visit.now)),
            visit.requester,
        ):
            await visit.store.give_back_attempt(attempt)
            return await entered(visit, token, wanted)
    await note_refused_user(visit, *whose, {"way": (None, "code")})
    return _form(visit, wanted, {"code": ["is wrong, too old, or was used before"]})


PAGES = (
    Page("GET", CODE_PATH, code_page, Access.ANYONE),
    Page("POST", CODE_PATH, enter_code, Access.ANYONE),
)
