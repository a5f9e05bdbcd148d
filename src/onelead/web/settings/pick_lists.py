"""System Settings, Lead Statuses and Customer Sources: two pick lists with the same pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

from msgspec import Struct, structs
from starlette.responses import Response

from onelead.domain.account import AccountSettings, CustomerSource, LeadStatus
from onelead.domain.errors import InputInvalid, OneleadError, ResourceNotFound
from onelead.domain.limits import ID_MAX, LINE_CHARS_MAX
from onelead.domain.settings.change import Resource
from onelead.domain.settings.pick_lists import without
from onelead.domain.text import whole_number
from onelead.domain.writes import Action
from onelead.web.frame.forms import Form
from onelead.web.frame.pages import Access, Page
from onelead.web.frame.visit import NO_PROBLEMS, Problems, Visit, problems_of
from onelead.web.settings.changes import change_settings
from onelead.web.settings.field_usage import is_counting
from onelead.web.settings.replacement import Replacement, leads_left, next_leads, replace_next
from onelead.web.settings.senders import sent_lately, still_sent

Entry = LeadStatus | CustomerSource
#: The choice of no customer source at all.
NO_ENTRY = "none"


class PickList(Struct, frozen=True):
    """One of the two lists: its path and its names."""

    resource: Resource
    path: str
    title: str
    text: str
    noun: str
    #: The property of a lead that names an entry, and the filter of the leads by it.
    lead_property: str
    lead_filter: str
    entries: Callable[[AccountSettings], Sequence[Entry]]

    @property
    def has_default(self) -> bool:
        """Whether leads without an entry get a default; otherwise a lead can have none."""
        return self.resource is Resource.LEAD_STATUS


STATUSES = PickList(
    Resource.LEAD_STATUS,
    "/settings/lead-statuses",
    "Lead Statuses",
    "Where a lead stands. New leads get the default unless they bring one.",
    "status",
    "status_id",
    "status_ids",
    lambda settings: settings.statuses,
)
SOURCES = PickList(
    Resource.CUSTOMER_SOURCE,
    "/settings/customer-sources",
    "Customer Sources",
    "How a lead heard of you. Leads can do without one.",
    "customer source",
    "customer_source_id",
    "customer_source_ids",
    lambda settings: settings.sources,
)


async def entry_list(pick_list: PickList, visit: Visit) -> Response:
    """Show the list; one entry can be open for renaming."""
    edited = whole_number(visit.query("edit"))
    return await _list_page(pick_list, visit, edited=edited if isinstance(edited, int) else None)


async def create_entry(pick_list: PickList, visit: Visit) -> Response:
    """Add an entry at the end of the list."""
    name = (await visit.form()).raw("name")
    body = {"name": name}
    result = await change_settings(visit, pick_list.resource, Action.CREATE, body=body)
    if result.refusal is not None:
        return await _list_page(pick_list, visit, problems_of(result.refusal), new_name=name)
    return visit.redirect(pick_list.path, f"{name} was added.")


async def update_entry(pick_list: PickList, visit: Visit) -> Response:
    """Rename an entry, move it, or make it the default."""
    entry_id, form = visit.path_id(), await visit.form()
    body = _body(form)
    result = await change_settings(
        *(visit, pick_list.resource, Action.UPDATE), resource_id=entry_id, body=body
    )
    if isinstance(result.refusal, ResourceNotFound):
        raise result.refusal
    if result.refusal is not None:
        problems = problems_of(result.refusal)
        typed = form.raw("name") if "name" in body else None
        return await _list_page(pick_list, visit, problems, edited=entry_id, typed=typed)
    if "order" in body:
        return visit.redirect(pick_list.path)
    entry = _find(pick_list, result.settings, entry_id)
    flash = f"{entry.name} is now the default." if "is_default" in body else ""
    return visit.redirect(pick_list.path, flash or f"{entry.name} was saved.")


def _body(form: Form) -> dict[str, Any]:
    body: dict[str, Any] = {"name": form.raw("name")} if form.has("name") else {}
    if form.has("order"):
        body["order"] = whole_number(form.get("order"))
    if form.has("is_default"):
        body["is_default"] = True
    return body


async def _list_page(
    pick_list: PickList,
    visit: Visit,
    problems: Problems = NO_PROBLEMS,
    *,
    edited: int | None = None,
    typed: str | None = None,
    new_name: str = "",
) -> Response:
    figures = await visit.store.lead_figures(visit.account_id, fields=[pick_list.lead_property])
    return visit.page(
        "pick_lists/list.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if problems else HTTPStatus.OK,
        pick_list=pick_list,
        entries=pick_list.entries(visit.settings),
        leads=figures.get(pick_list.lead_property, {}),
        is_counting=await is_counting(visit),
        still_sent=await still_sent(visit, (pick_list.resource,)),
        edited=edited,
        typed=typed,
        new_name=new_name,
        problems=problems,
        chars_max=LINE_CHARS_MAX,
    )


async def delete_page(pick_list: PickList, visit: Visit) -> Response:
    """Ask which entry the leads with this one get instead."""
    entry = _found(pick_list, visit.settings, visit.path_id())
    if entry is None:
        return _gone(pick_list, visit)
    return await _delete_page(pick_list, visit, entry, _work(pick_list, entry))


async def delete_entry(pick_list: PickList, visit: Visit) -> Response:
    """Give the next leads another entry; delete this one when no lead has it anymore."""
    entry, form = _found(pick_list, visit.settings, visit.path_id()), await visit.form()
    if entry is None:
        return _gone(pick_list, visit)
    work = _work(pick_list, entry, form)
    try:
        work = await _next_step(pick_list, visit, entry, work)
    except OneleadError as error:
        return await _delete_page(pick_list, visit, entry, work, error)
    if work.has_more:
        return await _delete_page(pick_list, visit, entry, work)
    return await _delete_unused(pick_list, visit, entry, work)


def _gone(pick_list: PickList, visit: Visit) -> Response:
    return visit.redirect(pick_list.path, f"That {pick_list.noun} has already been deleted.")


def _work(pick_list: PickList, entry: Entry, form: Form | None = None) -> Replacement:
    work = Replacement(pick_list.resource, pick_list.lead_property, entry.id)
    if form is None:
        return work
    moved = whole_number(form.get("moved"))
    moved = min(moved, ID_MAX) if isinstance(moved, int) else 0
    return structs.replace(work, choice=form.get("replacement"), moved=moved)


async def _next_step(
    pick_list: PickList, visit: Visit, entry: Entry, work: Replacement
) -> Replacement:
    """Give the next leads the chosen entry. Raises the error that refuses it."""
    entries = tuple(pick_list.entries(visit.settings))
    # The default cannot be deleted: find that out before any lead changes.
    others = without(entry, entries, lambda: 0)
    ids = await next_leads(visit, work)
    if not ids:
        return work
    if work.choice == NO_ENTRY and not pick_list.has_default:
        return await replace_next(visit, work, ids, None)
    if chosen := [other.id for other in others if str(other.id) == work.choice]:
        return await replace_next(visit, work, ids, chosen[0])
    left = await leads_left(visit, work, ids)
    without(entry, entries, lambda: left)
    raise AssertionError("a used entry cannot be deleted")


async def _delete_unused(
    pick_list: PickList, visit: Visit, entry: Entry, work: Replacement
) -> Response:
    result = await change_settings(visit, pick_list.resource, Action.DELETE, resource_id=entry.id)
    if isinstance(result.refusal, ResourceNotFound):
        return _gone(pick_list, visit)
    if result.refusal is not None and work.moved:
        # A lead has got the entry meanwhile: continue with that lead.
        work = structs.replace(work, has_more=True)
        return await _delete_page(pick_list, visit, entry, work)
    if result.refusal is not None:
        return await _delete_page(pick_list, visit, entry, work, result.refusal)
    if not work.moved:
        return visit.redirect(pick_list.path, f"{entry.name} was deleted.")
    # No redirect: a script that follows it would use up the flash message.
    return visit.page("pick_lists/deleted.html", pick_list=pick_list, entry=entry, work=work)


async def _delete_page(
    pick_list: PickList,
    visit: Visit,
    entry: Entry,
    work: Replacement,
    refusal: OneleadError | None = None,
) -> Response:
    left = await leads_left(visit, work, await next_leads(visit, work))
    is_default = isinstance(entry, LeadStatus) and entry.is_default
    has_choice = left > 0 and not work.moved and not is_default
    problems = problems_of(refusal) if refusal else NO_PROBLEMS
    if has_choice and isinstance(refusal, InputInvalid):
        # Problems of the leads are then problems of the chosen entry.
        problems = {"replacement": [text for texts in problems.values() for text in texts]}
    others = [one for one in pick_list.entries(visit.settings) if one.id != entry.id]
    nothing = [] if pick_list.has_default else [(NO_ENTRY, f"No {pick_list.noun}")]
    (sent,) = await sent_lately(visit, entry.id)
    return visit.page(
        "pick_lists/delete.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if problems else HTTPStatus.OK,
        pick_list=pick_list,
        entry=entry,
        choices=[("", "Choose one"), *((str(one.id), one.name) for one in others), *nothing],
        work=work,
        left=left,
        is_default=is_default,
        has_choice=has_choice,
        sent=sent,
        is_counting=await is_counting(visit),
        problems=problems,
    )


def _find(pick_list: PickList, settings: AccountSettings, entry_id: int) -> Entry:
    entry = _found(pick_list, settings, entry_id)
    if entry is None:
        raise ResourceNotFound
    return entry


def _found(pick_list: PickList, settings: AccountSettings, entry_id: int) -> Entry | None:
    found = (entry for entry in pick_list.entries(settings) if entry.id == entry_id)
    return next(found, None)


def _pages_of(pick_list: PickList) -> tuple[Page, ...]:
    one = f"{pick_list.path}/{{id}}"
    return (
        Page("GET", pick_list.path, partial(entry_list, pick_list), Access.ADMIN),
        Page(
            *("POST", pick_list.path, partial(create_entry, pick_list), Access.ADMIN),
            once=pick_list.path,
        ),
        Page("POST", one, partial(update_entry, pick_list), Access.ADMIN),
        Page("GET", f"{one}/delete", partial(delete_page, pick_list), Access.ADMIN),
        Page("POST", f"{one}/delete", partial(delete_entry, pick_list), Access.ADMIN),
    )


PAGES = (*_pages_of(STATUSES), *_pages_of(SOURCES))
