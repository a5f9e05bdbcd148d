"""Questions to passkeys and their answers: one answer for each question, from the same browser.

A question is kept in the database, so any process can check its answer, after a restart, too. It is
used up by the first answer, right or wrong.
"""

from __future__ import annotations

import hmac
from typing import Any

from starlette.responses import JSONResponse, Response

from onelead.contract.credentials import Passkey, PendingKind, PendingSignIn
from onelead.domain.limits import PASSKEY_ANSWER_S
from onelead.domain.sign_in.sessions import went_back
from onelead.process.passkeys import Site, credential_id_of, sign_count_of, site_of
from onelead.web.frame.sessions import new_token, session_token, token_hash, visitor_token
from onelead.web.frame.visit import Visit
from onelead.web.sign_in.decisions import (
    SignInOutcome,
    note_refused_confirmation,
    note_refused_user,
    note_sign_in,
)

#: What a page says about an answer that is not accepted.
NOT_ACCEPTED = "This passkey was not accepted. Try again, or sign in another way."


async def question(
    visit: Visit, kind: PendingKind, challenge: str, options: dict[str, Any]
) -> Response:
    """Remember a question, and send it to the browser's script with a token for the answer."""
    token, whose = new_token(), visit.who
    pending = PendingSignIn(
        kind=kind,
        date_expires=visit.now + PASSKEY_ANSWER_S,
        account_id=whose.session.account_id if whose else None,
        user_id=whose.session.user_id if whose else None,
        data={"challenge": challenge, "browser": _browser(visit)},
    )
    await visit.store.begin_pending(token_hash(token), pending)
    return JSONResponse({"pending": token, "publicKey": options})


def site(visit: Visit) -> Site:
    """Return the site that the visit is to."""
    return site_of(visit.base_url)


async def challenge_of(visit: Visit, kind: PendingKind, token: str) -> str | None:
    """Use up a question, and return its challenge; None for one of another browser, or too old."""
    pending = await visit.store.take_pending(token_hash(token), kind)
    if pending is None or not hmac.compare_digest(pending.data["browser"], _browser(visit)):
        return None
    return pending.data["challenge"]


def _browser(visit: Visit) -> str:
    token = session_token(visit.request) if visit.who else visitor_token(visit.request)
    return token_hash(token)


async def accepted_answer(
    visit: Visit, kind: PendingKind, token: str, answer: str
) -> tuple[Passkey, int] | None:
    """Return the passkey that has answered a question, and its sign count; None for a wrong one.

    Wrong answers are noted. An answer to no question says nothing about anybody.
    """
    challenge = await challenge_of(visit, kind, token)
    if challenge is None:
        return None
    passkey, sign_count = await _named(visit, kind, answer), None
    if passkey is not None:
        sign_count = await sign_count_of(site(visit), challenge, passkey, answer)
        if sign_count is not None and not went_back(passkey.sign_count, sign_count):
            return passkey, sign_count
    await _note_refused(visit, kind, passkey, sign_count)
    return None


async def _named(visit: Visit, kind: PendingKind, answer: str) -> Passkey | None:
    """Return the passkey that an answer names; nobody confirms with that of another user."""
    found = await visit.store.passkey(credential_id_of(answer))
    if found is None or kind is PendingKind.SIGN_IN:
        return found
    own = (visit.account_id, visit.signed_in.user.id)
    return found if (found.account_id, found.user_id) == own else None


async def _note_refused(
    visit: Visit, kind: PendingKind, passkey: Passkey | None, sign_count: int | None
) -> None:
    changes: dict[str, tuple[Any, Any]] = {"way": (None, "passkey")}
    if passkey is not None:
        changes = {"passkey": (None, passkey.label)}
        if sign_count is not None:
            changes["sign_count"] = (passkey.sign_count, sign_count)
    if kind is PendingKind.CONFIRM:
        await note_refused_confirmation(visit, changes)
    elif passkey is not None:
        await note_refused_user(visit, passkey.account_id, passkey.user_id, changes)
    else:
        await note_sign_in(visit, SignInOutcome.REFUSED, "")
