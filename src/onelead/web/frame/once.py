"""Forms that do their work once: two clicks, a reload or a lost answer make nothing twice.

Each such form has an id of its own, made with its page, which is noted before the work begins and
given back when nothing was done. Without an id, as from a program, a form is done each time.
"""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus

from starlette.responses import Response

from onelead.domain.errors import StoreUnavailable
from onelead.domain.limits import FORM_ID_CHARS_MAX
from onelead.web.frame.pages import Page
from onelead.web.frame.visit import Visit

_DONE = "This was sent already, and was done once."
_NOBODY_KNOWS = "This was sent already. Look whether it is done before you send it again."


async def answered_once(visit: Visit, page: Page) -> Response:
    """Answer a form that is sent for the first time; lead on from one that was sent before."""
    form_id = (await visit.form()).get("form_id")
    if not form_id or len(form_id) > FORM_ID_CHARS_MAX:
        return await page.handler(visit)
    led_to = await visit.store.begin_form(visit.account_id, form_id)
    if led_to is not None:
        return visit.redirect(led_to or page.once, _DONE if led_to else _NOBODY_KNOWS)
    try:
        response = await page.handler(visit)
    except Exception:
        await _finish(visit, form_id, None)
        raise
    if response.status_code >= HTTPStatus.BAD_REQUEST:
        await _finish(visit, form_id, None)
    elif response.status_code == HTTPStatus.SEE_OTHER:
        await _finish(visit, form_id, response.headers["Location"])
    return response


async def _finish(visit: Visit, form_id: str, location: str | None) -> None:
    # What was done is done, whatever is noted of it.
    with suppress(StoreUnavailable):
        await visit.store.finish_form(visit.account_id, form_id, location)
