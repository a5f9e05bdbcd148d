"""System Settings, Erasure: find a person, see what would go, confirm by typing, and the result.

An e-mail is only ever sent in a form: addresses are kept by browsers and proxies.
"""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import Response

from onelead.contract.erasures import ErasureBy, ErasurePreview, ErasureRequest
from onelead.domain.acts.erasure import ErasureState
from onelead.domain.errors import InputInvalid, OneleadError, Problem, ResourceNotFound
from onelead.domain.limits import ERASURE_PREVIEW_ROWS, LINE_CHARS_MAX
from onelead.domain.text import known_id
from onelead.web.frame.pages import Access, Page
from onelead.web.frame.visit import NO_PROBLEMS, Problems, Visit, problems_of

_ERASURE = "/settings/erasure"
_KINDS = (
    ("leads", "Leads"),
    ("merged_leads", "Leads that were merged into them"),
    ("ledger_rows", "Entries of their history"),
    ("refused_deliveries", "Deliveries about the person that reached no lead"),
    ("idempotency_keys", "Idempotency keys"),
    ("mentions", "Entries of other leads that lost a match or an id"),
)
_STATES = {
    ErasureState.HISTORY: "Erasing the history",
    ErasureState.LEDGER: "Searching the ledger",
    ErasureState.FILES: "Cleaning the database's files",
    ErasureState.DONE: "Done",
}


async def erasure_page(visit: Visit) -> Response:
    """Show the form that finds a person, and the preview of a lead that the address names."""
    lead_id = visit.query("lead_id")
    if not lead_id:
        return await _find(visit)
    if known_id(lead_id) is None:
        raise ResourceNotFound
    found = await visit.store.preview_erasure(visit.account_id, _request_for(lead_id))
    return await _shown(visit, lead_id, found)


async def _find(visit: Visit, who: str = "", problems: Problems = NO_PROBLEMS) -> Response:
    return visit.page(
        "erasure/find.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if problems else HTTPStatus.OK,
        who_typed=who,
        problems=problems,
        erasures=await visit.store.erasures(visit.account_id),
        states=_STATES,
    )


def _request_for(who: str) -> ErasureRequest:
    """Return what was typed: the number of a lead or an e-mail."""
    lead_id = known_id(who)
    return ErasureRequest(email=who) if lead_id is None else ErasureRequest(lead_id=lead_id)


async def find_person(visit: Visit) -> Response:
    """Show what would go of the person whose e-mail or lead was typed."""
    return await _preview(visit, (await visit.form()).get("who"))


async def _preview(visit: Visit, who: str, problems: Problems = NO_PROBLEMS) -> Response:
    try:
        found = await visit.store.preview_erasure(visit.account_id, _request_for(who))
    except (InputInvalid, ResourceNotFound) as error:
        return await _find(visit, who, {"who": [_why_nobody(error, who)]})
    return await _shown(visit, who, found, problems)


async def _shown(
    visit: Visit, who: str, found: ErasurePreview, problems: Problems = NO_PROBLEMS
) -> Response:
    reason = (await visit.form()).get("reason") if problems else ""
    return visit.page(
        "erasure/preview.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if problems else HTTPStatus.OK,
        who_typed=who,
        reason=reason,
        problems=problems,
        preview=found,
        kinds=_kinds_of(found),
        examined=ERASURE_PREVIEW_ROWS,
        reason_chars=LINE_CHARS_MAX,
    )


def _why_nobody(error: OneleadError, who: str) -> str:
    if isinstance(error, ResourceNotFound):
        return f"There is no lead {who}, and there never was one."
    return " ".join(text for texts in problems_of(error).values() for text in texts)


def _kinds_of(preview: ErasurePreview) -> list[tuple[str, int]]:
    return [(label, preview.counts[kind]) for kind, label in _KINDS if kind in preview.counts]


async def erase(visit: Visit) -> Response:
    """Begin the erasure when the person was typed once more."""
    form = await visit.form()
    who, reason = form.get("who"), form.get("reason")
    if form.get("typed") != who:
        return await _preview(visit, who, {"typed": [f"Type {who} to confirm."]})
    by = ErasureBy(
        request_id=visit.line.request_id,
        user_id=visit.signed_in.user.id,
        api_key_id=None,
        reason=reason,
    )
    try:
        begun = await visit.store.begin_erasure(visit.account_id, _request_for(who), by)
    except (InputInvalid, ResourceNotFound) as error:
        problems = problems_of(error) if _is_about_reason(error) else {}
        return await _preview(visit, who, problems)
    visit.runtime.erasure_begun()
    return visit.redirect(f"{_ERASURE}/{begun.id}")


def _is_about_reason(error: OneleadError) -> bool:
    problems: tuple[Problem, ...] = error.problems if isinstance(error, InputInvalid) else ()
    return any(problem.attribute == "reason" for problem in problems)


async def result_page(visit: Visit) -> Response:
    """Show how far an erasure is, and what it has erased."""
    found = await visit.store.erasure(visit.account_id, visit.path_id())
    user = visit.settings.users_by_id.get(found.user_id or 0)
    return visit.page(
        "erasure/result.html",
        erasure=found,
        state=_STATES[ErasureState(found.state)],
        kinds=[(label, found.counts[kind]) for kind, label in _KINDS if kind in found.counts],
        by=user.name if user else "the command line",
    )


PAGES = (
    Page("GET", _ERASURE, erasure_page, Access.ADMIN),
    Page("POST", _ERASURE, erase, Access.ADMIN, once=_ERASURE, confirm=True),
    Page("POST", f"{_ERASURE}/preview", find_person, Access.ADMIN, confirm=True),
    Page("GET", f"{_ERASURE}/{{id}}", result_page, Access.ADMIN),
)
