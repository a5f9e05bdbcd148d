"""Forms that are processed only once, despite double clicks, reloads and lost responses.

Each such form has its own id, created with its page. The id is recorded before the work begins
and released when nothing was done. A form without an id, as from a program, is always processed.
"""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus

from starlette.responses import Response

from onelead.domain.errors import StoreUnavailable
from onelead.domain.limits import FORM_ID_CHARS_MAX
from onelead.web.frame.pages import Page
from onelead.web.frame.visit import Visit

_DONE = "This form was already submitted, and was processed only once."
_UNCERTAIN = "This form was already submitted. Check the result before sending it again."


async def answered_once(visit: Visit, page: Page) -> Response:
    """Process a form the first time; redirect to its result when it is sent again."""
    form_id = (await visit.form()).get("form_id")
    if not form_id or len(form_id) > FORM_ID_CHARS_MAX:
        return await page.handler(visit)
    led_to = await visit.store.begin_form(visit.account_id, form_id)
    if led_to is not None:
        return visit.redirect(led_to or page.once, _DONE if led_to else _UNCERTAIN)
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
    # The work is done, whether or not that can be recorded.
    with suppress(StoreUnavailable):
        await visit.store.finish_form(visit.account_id, form_id, location)
