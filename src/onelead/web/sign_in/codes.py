"""Codes from an app: a user turns them on and off on the profile, and gets recovery codes."""

from __future__ import annotations

from http import HTTPStatus

from markupsafe import Markup
from starlette.responses import Response

from onelead.contract.credentials import FirstCode
from onelead.domain.errors import NotPossible
from onelead.process.codes import (
    new_recovery_codes,
    new_secret,
    picture,
    setup_address,
    typed_code,
)
from onelead.web.frame.pages import Page
from onelead.web.frame.visit import NO_PROBLEMS, Problems, Visit

_PROFILE = "/profile"
_CODES = "/profile/codes"


async def begin(visit: Visit) -> Response:
    """Make a secret, and show it until the first code is right."""
    secret = new_secret()
    try:
        await visit.store.begin_codes(visit.account_id, visit.signed_in.user.id, secret)
    except NotPossible:
        return visit.redirect(_PROFILE, "Codes are already on.")
    return _setup(visit, secret)


def _setup(visit: Visit, secret: str, problems: Problems = NO_PROBLEMS) -> Response:
    # The account tells apart the codes of one e-mail in an app.
    issuer = f"onelead {visit.settings.name}"
    svg = picture(setup_address(secret, visit.signed_in.user.email, issuer))
    groups = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    return visit.page(
        "sign_in/codes.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if problems else HTTPStatus.OK,
        # The library has drawn it; it holds no text of ours.
        picture=Markup(svg),  # noqa: S704
        secret=groups,
        problems=problems,
    )


async def turn_on(visit: Visit) -> Response:
    """Turn codes on with the first right one, and show the recovery codes this once."""
    whose = (visit.account_id, visit.signed_in.user.id)
    codes = await visit.store.codes(*whose)
    if codes is None or codes.are_on:
        text = "Codes are already on." if codes else "Begin again to turn codes on."
        return visit.redirect(_PROFILE, text)
    proof = typed_code(codes, (await visit.form()).get("code"), visit.now)
    if proof is None or proof.step is None:
        return _setup(visit, codes.secret, {"code": ["is wrong, or the clock of your phone is"]})
    shown, hashes = new_recovery_codes()
    first = FirstCode(proof.step, hashes)
    if not await visit.store.turn_on_codes(*whose, first, visit.requester):
        return visit.redirect(_PROFILE, "Codes are already on.")
    return visit.page("sign_in/recovery_codes.html", codes=shown, is_first=True)


async def turn_off(visit: Visit) -> Response:
    """Turn codes off."""
    whose = (visit.account_id, visit.signed_in.user.id)
    await visit.store.turn_off_codes(*whose, visit.requester)
    return visit.redirect(_PROFILE, "Codes are off. Your password alone signs you in.")


async def renew(visit: Visit) -> Response:
    """Show new recovery codes this once; the old ones stop working."""
    shown, hashes = new_recovery_codes()
    whose = (visit.account_id, visit.signed_in.user.id)
    try:
        await visit.store.renew_recovery_codes(*whose, hashes, visit.requester)
    except NotPossible:
        return visit.redirect(_PROFILE, "Codes are off.")
    return visit.page("sign_in/recovery_codes.html", codes=shown, is_first=False)


PAGES = (
    Page("POST", _CODES, begin, confirm=True),
    Page("POST", f"{_CODES}/on", turn_on, confirm=True),
    Page("POST", f"{_CODES}/off", turn_off, confirm=True),
    Page("POST", f"{_CODES}/recovery", renew, confirm=True),
)
