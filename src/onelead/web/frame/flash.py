"""Flashes: a sentence that a page shows once, about the form just sent, and a button to undo it.

A flash waits in a cookie for the page that the browser is sent to.
"""

from __future__ import annotations

import base64
import binascii

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from onelead.web.frame.sessions import is_secure

_COOKIE = "onelead_flash"
_CHARS_MAX = 500
_KEPT_S = 60


class Flash(Struct, frozen=True, array_like=True):
    """What the next page says."""

    text: str
    is_problem: bool = False
    #: The ledger row of a lead that the button `Undo` takes back; None for no button.
    undo_seq: int | None = None


_read = msgspec.json.Decoder(Flash).decode


def set_flash(request: Request, response: Response, flash: Flash) -> None:
    """Leave a flash for the page that the response leads to."""
    raw = msgspec.json.encode(msgspec.structs.replace(flash, text=flash.text[:_CHARS_MAX]))
    response.set_cookie(
        _COOKIE,
        base64.urlsafe_b64encode(raw).decode(),
        max_age=_KEPT_S,
        path="/",
        secure=is_secure(request),
        httponly=True,
        samesite="lax",
    )


def flash_of(request: Request) -> Flash | None:
    """Return the flash that the previous page left; the cookie can be forged."""
    raw = request.cookies.get(_COOKIE, "")
    if not raw:
        return None
    try:
        flash = _read(base64.urlsafe_b64decode(raw))
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return None
    return msgspec.structs.replace(flash, text=flash.text[:_CHARS_MAX])


def forget_flash(response: Response) -> None:
    """Show a flash no more than once."""
    response.delete_cookie(_COOKIE, path="/", httponly=True, samesite="lax")
