"""The pages of a bulk change: choose what to do, then follow its progress."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import Response

from onelead.domain.errors import InputInvalid, OneleadError
from onelead.domain.limits import MERGE_LEADS_MAX, SELECTED_CHUNK_LEADS, SELECTED_LEADS_MAX
from onelead.incoming.statuses import STATUS_BY_KIND
from onelead.process.writer import Receipt
from onelead.web.frame.forms import Form
from onelead.web.frame.pages import Page
from onelead.web.frame.visit import NO_PROBLEMS, Problems, Visit, error_line, problems_of
from onelead.web.leads.bulk import Change, ChangeKind, change_leads
from onelead.web.leads.form import id_choices
from onelead.web.leads.merge_form import merge_href
from onelead.web.leads.query import PATH
from onelead.web.leads.selection import (
    Progress,
    Selection,
    change_from,
    next_ids,
    progress_from,
    search_of,
    selection_from,
)

#: What the page is called before the change, and while it is made.
_TITLES = {
    ChangeKind.STATUS: ("Set the status of", "Setting the status"),
    ChangeKind.OWNER: ("Set the owner of", "Setting the owner"),
    ChangeKind.ADD_TAGS: ("Add tags to", "Adding tags"),
    ChangeKind.REMOVE_TAGS: ("Remove tags from", "Removing tags"),
    ChangeKind.DELETE: ("Delete", "Deleting"),
}


async def choose_change(visit: Visit) -> Response:
    """Ask what to do to the selected leads."""
    form = await visit.form()
    selection = selection_from(form)
    if form.get("action") == "merge":
        return _to_merge(visit, form, selection)
    if form.get("action") not in list(ChangeKind):
        return visit.redirect(PATH)
    if selection.query is not None:
        search_of(selection, visit.settings)
    elif not selection.ids:
        return visit.redirect(_back(form), "Select some leads first.", is_problem=True)
    return _choice(visit, form, selection)


def _to_merge(visit: Visit, form: Form, selection: Selection) -> Response:
    """Lead to the page that merges the selected leads."""
    ids = sorted(selection.ids)
    if len(ids) not in range(2, MERGE_LEADS_MAX + 1):
        text = f"Select 2 to {MERGE_LEADS_MAX} leads to merge."
        return visit.redirect(_back(form), text, is_problem=True)
    return visit.redirect(merge_href(ids, ""))


def _choice(
    visit: Visit, form: Form, selection: Selection, problems: Problems = NO_PROBLEMS
) -> Response:
    settings, kind = visit.settings, ChangeKind(form.get("action"))
    users = id_choices(user for user in settings.users if user.is_active)
    return visit.page(
        "leads/change.html",
        422 if problems else 200,
        kind=kind,
        title=f"{_TITLES[kind][0]} {_how_many(selection)}",
        selection=selection,
        selected_max=SELECTED_LEADS_MAX,
        statuses=id_choices(settings.statuses),
        owners=[("none", "No owner"), *users],
        form=form,
        back=_back(form),
        problems=problems,
    )


def _how_many(selection: Selection) -> str:
    if selection.is_bounded:
        return f"up to {SELECTED_LEADS_MAX:,} leads"
    total = selection.total or 0
    return "1 lead" if total == 1 else f"{total:,} leads"


def _back(form: Form) -> str:
    query = form.raw("query")
    return f"{PATH}?{query}" if query else PATH


async def change_next(visit: Visit) -> Response:
    """Change the next leads of the selection and show the progress."""
    form = await visit.form()
    if form.get("action") not in list(ChangeKind):
        return visit.redirect(PATH)
    selection = selection_from(form)
    try:
        change = change_from(visit, form)
    except InputInvalid as error:
        return _choice(visit, form, selection, problems_of(error))
    progress = progress_from(form)
    try:
        ids, left = await next_ids(visit, selection, progress.done)
        changed = await change_leads(visit, ids, change) if ids else {}
    except OneleadError as error:
        # Some of these leads may have been written; the next try finds them as they are.
        return await _shown(visit, change, progress, left=selection, problem=error)
    outcomes = [receipt.result.outcome for receipt in changed.values()]
    progress = progress.with_chunk(outcomes, visit.line.request_id)
    return await _shown(visit, change, progress, left=left, changed=changed)


async def _shown(
    visit: Visit,
    change: Change,
    progress: Progress,
    *,
    left: Selection | None,
    changed: Mapping[int, Receipt] = {},
    problem: OneleadError | None = None,
) -> Response:
    form = await visit.form()
    return visit.page(
        "leads/changing.html",
        STATUS_BY_KIND[problem.kind] if problem else HTTPStatus.OK,
        doing=_TITLES[change.kind][1],
        change=change,
        changed=changed,
        problem=error_line(problem) if problem else "",
        progress=progress,
        total=_total(left, progress.done),
        left=left,
        error_line=error_line,
        form=form,
        back=_back(form),
        chunk=SELECTED_CHUNK_LEADS,
        selected_max=SELECTED_LEADS_MAX,
    )


def _total(left: Selection | None, done: int) -> int | None:
    """Return how many leads the bulk change has in all; None when unknown."""
    if left is None:
        return done
    return None if left.total is None else max(min(left.total, SELECTED_LEADS_MAX), done)


async def to_list(visit: Visit) -> Response:
    """Redirect a GET of a form's address to the list."""
    return visit.redirect(PATH)


PAGES = (
    Page("GET", "/leads/change", to_list),
    Page("GET", "/leads/change/run", to_list),
    Page("POST", "/leads/change", choose_change),
    Page("POST", "/leads/change/run", change_next, once=PATH),
)
