"""Writing a lead through its page: change a section, create a lead, delete one.

Only what the user changed is written, to the version that the form was made from. If somebody else
has changed the lead since, nothing is written until the user has seen both versions; if another
lead may be the same person, until the user has seen that lead.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.responses import Response

from onelead.contract.leads import LeadRead
from onelead.contract.ledger import AccountLedgerRow
from onelead.domain.account import AccountSettings
from onelead.domain.errors import (
    BodyMalformed,
    InputInvalid,
    OneleadError,
    Problem,
    ResourceNotFound,
    VersionConflict,
)
from onelead.domain.fold import checked_write
from onelead.domain.lead import CUSTOM_PREFIX, Lead, changes_between, definition_id_of
from onelead.domain.limits import CONFLICT_CHANGES_MAX
from onelead.domain.properties import applied, checked
from onelead.domain.text import known_id
from onelead.domain.writes import Action, LeadWrite, Outcome
from onelead.incoming.lead_json import lead_patch
from onelead.process.writer import Receipt
from onelead.web.frame.forms import Form
from onelead.web.frame.pages import Page
from onelead.web.frame.visit import Problems, Visit, problems_of
from onelead.web.leads.conflict import YOURS, differences, lead_before
from onelead.web.leads.controls import by_field, controls
from onelead.web.leads.form import (
    CUSTOM,
    GROUPS,
    NEW_LEAD_FIELDS,
    custom_names,
    lead_write,
    names_of,
    properties,
    sent_values,
    stored_form,
    value_of,
    wanted_values,
)
from onelead.web.leads.lost_values import LostValue, lost_values
from onelead.web.leads.page import lead_page, open_section
from onelead.web.leads.similar import BACK, question_about, question_page, shares_text
from onelead.web.leads.view import TITLES, sections
from onelead.web.words.deleted_names import settings_to_write_by
from onelead.web.words.ledger_lines import api_key_labels, ledger_line

_FLASHES = {Outcome.UPDATED: "Saved.", Outcome.UNCHANGED: "Nothing was changed."}
#: The form of a new lead: its cards, and the groups in each.
_NEW_CARDS = (
    ("Person", ("name", "contact", "company")),
    ("About", ("status", "value", "tags", "details")),
    ("Address, websites and social profiles", ("address", "web")),
)
_GONE = "This lead has been deleted. Nothing was saved."


class _Edit(msgspec.Struct):
    """A section's form, and the lead as it is now and as it was when the form was made."""

    read: LeadRead
    group: str
    names: tuple[str, ...]
    form: Form
    #: The lead that the form was made from, and what has changed it since, newest first.
    base: Lead
    later: list[AccountLedgerRow]
    #: Whether there were more changes than are read back. The base is a later version then, and
    #: it is unknown who made the changes before it.
    is_cut: bool

    @property
    def path(self) -> str:
        return f"/leads/{self.read.lead.id}"

    @property
    def wanted(self) -> dict[str, Any]:
        """What the user changed, or chose between two versions."""
        settings = self.read.settings
        if self.form.has("resolve"):
            chosen = self.chosen
            names = [name for name in self.names if name in chosen]
            return sent_values(self.form, names, settings)
        return wanted_values(self.form, self.base, self.names, settings)

    @property
    def chosen(self) -> set[str]:
        """The fields for which the user chose their own value over the stored one."""
        return {name for name, pick in self.form.starting("pick.").items() if pick == YOURS}

    async def lost(self, visit: Visit) -> Sequence[LostValue]:
        """What cannot be written because its field is gone."""
        form = self.form
        if form.has("resolve"):
            chosen = self.chosen
            form = Form([pair for pair in form.fields if pair[0] in chosen])
        return await lost_values(visit, form, self.base, self.read.settings)

    def is_conflict(self, user_id: int) -> bool:
        """Whether the user has to see what changed since the form was made."""
        if self.read.lead.version == self.base.version:
            return False
        # A user's own changes to other sections are no conflict.
        is_own = all(row.user_id == user_id and row.api_key_id is None for row in self.later)
        changed = {name for row in self.later for name in row.changes or ()}
        return self.is_cut or not is_own or not changed.isdisjoint(self.names)


async def save_lead(visit: Visit) -> Response:
    """Save a section of a lead, or show why it cannot be saved."""
    lead_id = visit.path_id()
    try:
        edit = await _edit(visit, lead_id)
        lost = await edit.lost(visit)
        if lost or edit.form.has(BACK):
            return await _refused(visit, edit, lost=lost)
        return await _saved(visit, edit)
    except ResourceNotFound:
        return visit.redirect(f"/leads/{lead_id}", _GONE, is_problem=True)


async def _saved(visit: Visit, edit: _Edit) -> Response:
    """Save what a form changes. Raises ResourceNotFound when the lead has been deleted."""
    lead, settings, wanted = edit.read.lead, edit.read.settings, edit.wanted
    if not wanted:
        return visit.redirect(edit.path, "Nothing was changed.")
    raw = properties(wanted, settings)
    write = lead_write(visit, Action.UPDATE, raw, lead.id, lead.version)
    if refusal := _refusal(write, settings):
        return await _refused(visit, edit, refusal)
    if edit.is_conflict(visit.signed_in.user.id):
        return await _conflict_page(visit, edit, wanted)
    if question := await question_about(visit, write, lead, edit.form):
        return question_page(visit, question, edit.form, lead, _place(edit.group))
    receipt = await visit.written(write)
    return await _after_write(visit, edit, wanted, receipt)


def _refusal(write: LeadWrite, settings: AccountSettings) -> OneleadError | None:
    """Return why a form cannot be saved; other than a program, a person is told what is gone."""
    checked = checked_write(write, settings)
    if checked.refusal is None and checked.patch is not None and checked.patch.ignored:
        names = (name.partition(".")[0] for name in checked.patch.ignored)
        text = "what you chose was deleted in the meantime"
        return InputInvalid(*(Problem(name, text, "inclusion") for name in names))
    return checked.refusal


async def _after_write(
    visit: Visit, edit: _Edit, wanted: dict[str, Any], receipt: Receipt
) -> Response:
    result = receipt.result
    if isinstance(result.refusal, VersionConflict):
        # It was changed between reading and writing.
        return await _conflict_page(visit, await _edit(visit, edit.read.lead.id), wanted)
    if isinstance(result.refusal, InputInvalid):
        return await _refused(visit, edit, result.refusal)
    if result.refusal is not None:
        raise result.refusal
    flash = f"{_FLASHES[result.outcome]} {await shares_text(visit, result)}"
    undo_seq = receipt.seq if result.outcome is Outcome.UPDATED else None
    return visit.redirect(edit.path, flash.rstrip(), undo_seq=undo_seq)


async def _edit(visit: Visit, lead_id: int) -> _Edit:
    """Read the form and its lead. Raises ResourceNotFound, BodyMalformed."""
    form = await visit.form()
    read = await visit.store.lead(visit.account_id, lead_id)
    group = form.get("edit")
    names = names_of(group, read.settings)
    version = known_id(form.get("version"))
    # A form whose fields are all gone has no names, but can still hold values.
    is_known = names or group == CUSTOM or definition_id_of(group) is not None
    if not is_known or version is None:
        raise BodyMalformed("The form does not say what it changes")
    later: list[AccountLedgerRow] = []
    base, is_cut = read.lead, False
    if version != read.lead.version:
        rows = await visit.store.lead_changes(
            visit.account_id, lead_id, since_version=version, limit=CONFLICT_CHANGES_MAX
        )
        is_cut = len(rows) == CONFLICT_CHANGES_MAX
        later = [row for row in rows if (row.version or 0) <= read.lead.version]
        base = msgspec.structs.replace(lead_before(read.lead, later), version=version)
    return _Edit(read, group, names, form, base, later, is_cut)


async def _refused(
    visit: Visit,
    edit: _Edit,
    refusal: OneleadError | None = None,
    lost: Sequence[LostValue] = (),
) -> Response:
    settings, form = edit.read.settings, edit.form
    shown = sections(edit.read.lead, settings)
    problems = _problems(refusal, lost, settings)
    if form.has("resolve"):
        # A choice sends the fields that differed; the next form has the whole section.
        form = Form(_submitted(edit, edit.wanted, list(edit.names)))
    open_section(shown, edit.group, form, settings, problems, lost)
    return await lead_page(
        *(visit, edit.read, shown, HTTPStatus.UNPROCESSABLE_ENTITY),
        edited=edit.group,
        # What was typed was meant for that version.
        version=edit.base.version,
        problems=problems,
        attempted=True,
    )


def _place(group: str) -> str:
    """Return the section that a group's form is in: that of a single custom field is in theirs."""
    return group if group in GROUPS else CUSTOM


def _problems(
    refusal: OneleadError | None, lost: Sequence[LostValue], settings: AccountSettings
) -> Problems:
    """Return what is wrong with a form, by field."""
    refused = by_field(problems_of(refusal), settings) if refusal else {}
    return refused | {value.name: [value.problem] for value in lost}


async def _conflict_page(visit: Visit, edit: _Edit, wanted: dict[str, Any]) -> Response:
    """Let the user choose between both versions, unless what they want is already stored."""
    settings, theirs = edit.read.settings, edit.read.lead
    patch, _problems = lead_patch(properties(wanted, settings), "base")
    yours = edit.base
    if patch is not None:
        change = checked(patch, settings)
        missing = changes_between(theirs, applied(theirs, change, settings))
        if missing.keys().isdisjoint(wanted):
            # This happens when the button is pressed twice.
            return visit.redirect(edit.path, _FLASHES[Outcome.UPDATED])
        yours = applied(edit.base, change, settings)
    shown = sections(theirs, settings)
    place = _place(edit.group)
    values = [
        (name, value_of(lead, name, settings)) for lead in (theirs, yours) for name in edit.names
    ]
    to_write_by = await settings_to_write_by(visit, settings, edit.later, values)
    found = differences(
        *(edit.base, theirs, yours, edit.names, to_write_by), is_base_known=not edit.is_cut
    )
    shown[place] = msgspec.structs.replace(shown[place], differences=found)
    labels = api_key_labels(await visit.store.api_keys(visit.account_id))
    return await lead_page(
        *(visit, edit.read, shown, HTTPStatus.CONFLICT),
        edited=edit.group,
        submitted=_submitted(edit, wanted, [difference.name for difference in found]),
        since=[ledger_line(row, to_write_by, labels) for row in edit.later],
        attempted=True,
    )


def _submitted(edit: _Edit, wanted: dict[str, Any], differing: list[str]) -> list[tuple[str, str]]:
    """Return what the choice sends again: what was typed, or what the form had."""
    untouched = [name for name in differing if name not in wanted]
    stored = stored_form(edit.base, untouched, edit.read.settings)
    typed = [pair for pair in edit.form.fields if _field_of(pair[0]) in wanted]
    return typed + stored.fields


def _field_of(input_name: str) -> str:
    """Return the field that an input belongs to: `address` of `address.city`."""
    return input_name if input_name.startswith(CUSTOM_PREFIX) else input_name.partition(".")[0]


async def new_lead(visit: Visit) -> Response:
    """Show an empty form."""
    return _new_page(visit, stored_form(_blank(visit), _new_names(visit), visit.settings))


async def create_lead(visit: Visit) -> Response:
    """Create a lead without matching."""
    form, settings = await visit.form(), visit.settings
    if lost := await lost_values(visit, form, _blank(visit), settings):
        return _new_page(visit, form, lost=lost)
    if form.has(BACK):
        return _new_page(visit, form)
    wanted = wanted_values(form, _blank(visit), _new_names(visit), settings)
    write = lead_write(visit, Action.CREATE, properties(wanted, settings))
    refusal = _refusal(write, settings)
    if refusal is None:
        if question := await question_about(visit, write, None, form):
            return question_page(visit, question, form)
        receipt = await visit.written(write)
        result = receipt.result
        if result.lead is not None:
            flash = f"The lead was created. {await shares_text(visit, result)}"
            path = f"/leads/{result.lead.id}"
            return visit.redirect(path, flash.rstrip(), undo_seq=receipt.seq)
        refusal = result.refusal
    assert refusal is not None
    if not isinstance(refusal, InputInvalid):
        raise refusal
    return _new_page(visit, form, refusal)


def _blank(visit: Visit) -> Lead:
    status_id = visit.settings.default_status.id
    return Lead(0, 0, "", status_id, date_created=visit.now, date_modified=visit.now)


def _new_names(visit: Visit) -> tuple[str, ...]:
    return (*NEW_LEAD_FIELDS, *custom_names(visit.settings))


def _new_page(
    visit: Visit,
    form: Form,
    refusal: OneleadError | None = None,
    lost: Sequence[LostValue] = (),
) -> Response:
    settings, custom = visit.settings, custom_names(visit.settings)
    problems = _problems(refusal, lost, settings)
    cards = [
        (title, tuple(name for group in groups for name in GROUPS[group]))
        for title, groups in _NEW_CARDS
    ]
    if custom:
        cards.append((TITLES[CUSTOM], custom))
    return visit.page(
        "leads/new.html",
        # A form that comes back has done nothing, so it can be sent again.
        HTTPStatus.UNPROCESSABLE_ENTITY if problems or form.has(BACK) else HTTPStatus.OK,
        cards=[(title, controls(form, names, settings, problems)) for title, names in cards],
        lost=lost,
        left_out=len(settings.lead_fields) - len(custom),
        problems=problems,
    )


async def confirm_delete(visit: Visit) -> Response:
    """Ask before a lead is deleted."""
    read = await visit.store.lead(visit.account_id, visit.path_id())
    return visit.page("leads/delete.html", lead=read.lead, has_changed=False)


async def delete_lead(visit: Visit) -> Response:
    """Delete a lead, unless it has changed since the user saw it."""
    lead_id, form = visit.path_id(), await visit.form()
    expected = known_id(form.get("version")) or 0
    write = LeadWrite(Action.DELETE, visit.delivery(""), lead_id, expected_version=expected)
    receipt = await visit.written(write)
    refusal = receipt.result.refusal
    if isinstance(refusal, VersionConflict):
        read = await visit.store.lead(visit.account_id, lead_id)
        return visit.page(
            "leads/delete.html", HTTPStatus.CONFLICT, lead=read.lead, has_changed=True
        )
    if refusal is not None:
        raise refusal
    flash = "The lead was deleted. Its history is kept."
    return visit.redirect("/leads", flash, undo_seq=receipt.seq)


PAGES = (
    Page("GET", "/leads/new", new_lead),
    Page("POST", "/leads/new", create_lead, once="/leads"),
    Page("POST", "/leads/{id}", save_lead),
    Page("GET", "/leads/{id}/delete", confirm_delete),
    Page("POST", "/leads/{id}/delete", delete_lead),
)
