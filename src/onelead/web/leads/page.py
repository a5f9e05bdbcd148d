"""The page of a lead: its values, its history, and one section open for editing."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.responses import JSONResponse, Response

from onelead.contract.leads import LeadRead
from onelead.domain.account import AccountSettings
from onelead.domain.errors import ResourceNotFound
from onelead.domain.limits import TAG_COMPLETIONS_MAX
from onelead.domain.writes import Outcome
from onelead.web.frame.forms import Form
from onelead.web.frame.pages import Page
from onelead.web.frame.visit import NO_PROBLEMS, Problems, Visit
from onelead.web.leads.beside import addable_fields, not_taken, origin_texts, other_lines
from onelead.web.leads.controls import controls
from onelead.web.leads.form import CUSTOM, names_of, stored_form
from onelead.web.leads.history import history_context, labels_of, read_history
from onelead.web.leads.lost_values import LostValue
from onelead.web.leads.view import Section, sections
from onelead.web.words.ledger_lines import ledger_line


async def show_lead(visit: Visit) -> Response:
    """Show a lead; `edit` names a section to open, `before` where its history continues."""
    lead_id = visit.path_id()
    try:
        read = await visit.store.lead(visit.account_id, lead_id)
    except ResourceNotFound as gone:
        return await _deleted_page(visit, lead_id, gone)
    if read.lead.id != lead_id:
        text = f"Lead {lead_id} is part of this lead since a merge."
        return visit.redirect(f"/leads/{read.lead.id}", text)
    shown = sections(read.lead, read.settings)
    group = visit.query("edit")
    if names := names_of(group, read.settings):
        form = stored_form(read.lead, names, read.settings)
        open_section(shown, group, form, read.settings)
    return await lead_page(visit, read, shown)


def open_section(
    shown: dict[str, Section],
    group: str,
    form: Form,
    settings: AccountSettings,
    problems: Problems = NO_PROBLEMS,
    lost: Sequence[LostValue] = (),
) -> None:
    """Replace a section by its form; a single custom field's form goes into the custom section."""
    names = names_of(group, settings)
    inputs = controls(form, names, settings, problems)
    place = group if group in shown else CUSTOM
    # The section is missing when the last custom field is gone.
    section = shown.get(place, Section(group=CUSTOM))
    shown[place] = msgspec.structs.replace(section, controls=inputs, lost=lost)


async def lead_page(
    visit: Visit,
    read: LeadRead,
    shown: dict[str, Section],
    status: int = HTTPStatus.OK,
    **context: Any,
) -> Response:
    """Render the page of a lead with its sections."""
    history, labels = await read_history(visit, read.lead.id), await labels_of(visit)
    lead, settings = read.lead, read.settings
    return visit.page(
        "leads/show.html",
        status,
        **{
            "lead": lead,
            "settings": settings,
            "sections": shown,
            "edited": visit.query("edit"),
            "version": lead.version,
            "submitted": [],
            "since": [],
            "attempted": False,
            "others": other_lines(lead, settings),
            "addable": addable_fields(settings),
            "origin_texts": origin_texts(lead, settings, labels),
            "not_taken": not_taken(lead, history.rows, settings),
            **await history_context(visit, history, labels),
            **context,
        },
    )


async def _deleted_page(visit: Visit, lead_id: int, gone: ResourceNotFound) -> Response:
    """Show what is left of a deleted lead. Raises `gone` for any other id."""
    history = await read_history(visit, lead_id)
    last = await visit.store.lead_changes(visit.account_id, lead_id, since_version=0, limit=1)
    if not last or last[0].outcome != Outcome.DELETED:
        raise gone
    labels = await labels_of(visit)
    name, _ = (last[0].changes or {}).get("name", ("", None))
    return visit.page(
        "leads/deleted.html",
        lead_id=lead_id,
        name=name,
        deletion=ledger_line(last[0], history.settings, labels),
        **await history_context(visit, history, labels),
    )


async def complete_tags(visit: Visit) -> Response:
    """Answer a script with the tags that begin with `prefix`."""
    found = await visit.store.tag_completions(
        visit.account_id, visit.query("prefix"), TAG_COMPLETIONS_MAX
    )
    return JSONResponse(list(found))


PAGES = (
    Page("GET", "/tags", complete_tags),
    Page("GET", "/leads/{id}", show_lead),
)
