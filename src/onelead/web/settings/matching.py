"""System Settings, Matching: which texts identify nobody, and who decides a value."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from msgspec import to_builtins
from starlette.responses import Response

from onelead.domain.account import AccountSettings, ApiKey
from onelead.domain.errors import OneleadError, SettingsConflict
from onelead.domain.figures import caller_value
from onelead.domain.placeholders import DEFAULT_PLACEHOLDERS
from onelead.domain.settings.account_details import changed_details, details_of
from onelead.domain.settings.change import Resource
from onelead.domain.text import fold
from onelead.domain.writes import Action
from onelead.web.frame.line_form import LineForm, line_form
from onelead.web.frame.pages import Access, Page
from onelead.web.frame.visit import NO_PROBLEMS, Problems, Visit, problems_of
from onelead.web.settings.changes import change_settings
from onelead.web.settings.deciding_form import (
    POLICY_LABELS,
    DecidingForm,
    labelled,
    read_form,
    stored_lines,
    wanted_body,
)
from onelead.web.settings.what_if import Preview, preview

_MATCHING = "/settings/matching"
_VALUES = "/settings/matching/values"


async def matching_page(visit: Visit) -> Response:
    """Show the placeholders and the rules."""
    stored = visit.settings.placeholder_texts
    return await _form(visit, visit.settings, stored, stored)


async def _form(
    visit: Visit,
    settings: AccountSettings,
    typed: tuple[str, ...],
    was: tuple[str, ...],
    problems: Problems = NO_PROBLEMS,
    *,
    is_conflict: bool = False,
) -> Response:
    """Show the form of the list; `was` is the list that it is made from."""
    keys = await visit.store.api_keys(settings.account_id)
    deciding = labelled(line_form(stored_lines(settings, keys)), settings, keys)
    return await _page(
        visit,
        settings,
        deciding,
        _status(problems, is_conflict=is_conflict),
        typed="\n".join(typed),
        was="\n".join(was),
        problems=problems,
        conflicts=[("Placeholders", _difference(was, typed))] if is_conflict else None,
    )


def _status(problems: Problems, *, is_conflict: bool) -> HTTPStatus:
    if is_conflict:
        return HTTPStatus.CONFLICT
    return HTTPStatus.UNPROCESSABLE_ENTITY if problems else HTTPStatus.OK


async def _page(
    visit: Visit,
    settings: AccountSettings,
    deciding: DecidingForm,
    status: HTTPStatus = HTTPStatus.OK,
    **context: Any,
) -> Response:
    """Show the page; its two forms are as stored unless the context says otherwise."""
    listed = "\n".join(settings.placeholder_texts)
    stored: dict[str, Any] = {
        "typed": listed,
        "was": listed,
        "conflicts": None,
        "values_conflicts": None,
    }
    stored |= {"values_problems": NO_PROBLEMS, "what_if": None}
    return visit.page(
        "matching.html",
        status,
        **stored | context,
        is_default=settings.placeholder_texts == DEFAULT_PLACEHOLDERS,
        fields=[field for field in settings.lead_fields if field.is_filterable],
        rebuild=await visit.store.key_rebuild_progress(settings.account_id),
        deciding=deciding,
        policies=POLICY_LABELS,
    )


def _difference(was: tuple[str, ...], typed: tuple[str, ...]) -> str:
    """Say which entries another admin's list has and the form does not, and the reverse."""
    own, other = {fold(text) for text in typed}, {fold(text) for text in was}
    missing = [text for text in was if fold(text) not in own]
    more = [text for text in typed if fold(text) not in other]
    parts = [("with", missing), ("without", more)]
    return "; ".join(f"{word} {', '.join(texts)}" for word, texts in parts if texts)


async def change_placeholders(visit: Visit) -> Response:
    """Save the list, or the one that accounts begin with."""
    form = await visit.form()
    was = tuple(form.raw("was").splitlines())
    is_reset = form.has("reset")
    typed = DEFAULT_PLACEHOLDERS if is_reset else tuple(form.raw("placeholders").splitlines())
    result = await change_settings(
        *(visit, Resource.ACCOUNT, Action.UPDATE),
        resource_id=visit.account_id,
        body={"placeholders": list(typed)},
        seen={} if is_reset else {"placeholders": was},
    )
    if isinstance(result.refusal, SettingsConflict):
        now = result.settings.placeholder_texts
        return await _form(visit, result.settings, typed, now, is_conflict=True)
    if result.refusal is not None:
        return await _form(visit, result.settings, typed, was, problems_of(result.refusal))
    return visit.redirect(
        _MATCHING, "The placeholders were saved." if result.changes else "Nothing changed."
    )


async def change_deciding(visit: Visit) -> Response:
    """Save who decides a value, or show what that would have meant."""
    settings = visit.settings
    keys = await visit.store.api_keys(visit.account_id)
    form = await visit.form()
    stored = stored_lines(settings, keys)
    lines = read_form(form, stored)
    if form.has("what_if"):
        return await _what_if_page(visit, lines, keys)
    if conflicts := _conflicts(lines, stored):
        return await _conflict_page(visit, settings, lines, keys, conflicts)
    body = wanted_body(lines, settings)
    seen = {name: to_builtins(details_of(settings))[name] for name in body}
    result = await change_settings(
        *(visit, Resource.ACCOUNT, Action.UPDATE),
        resource_id=visit.account_id,
        body=body,
        seen=seen,
    )
    if isinstance(result.refusal, SettingsConflict):
        now = stored_lines(result.settings, keys)
        return await _conflict_page(visit, result.settings, lines, keys, _conflicts(lines, now))
    if result.refusal is not None:
        return await _values_page(visit, lines, keys, result.refusal)
    return visit.redirect(
        f"{_MATCHING}#values", "The rules were saved." if result.changes else "Nothing changed."
    )


def _conflicts(lines: LineForm, stored: dict[str, str]) -> list[str]:
    """Return the lines that the form changes, and that somebody else changed differently."""
    return [name for name in lines.conflicts(stored) if stored[name] != lines.was[name]]


async def _conflict_page(
    visit: Visit,
    settings: AccountSettings,
    lines: LineForm,
    keys: Sequence[ApiKey],
    conflicts: list[str],
) -> Response:
    now = stored_lines(settings, keys)
    form = labelled(lines.over(now), settings, keys)
    told = [(form.label(name), form.text(name, now[name])) for name in conflicts]
    return await _page(visit, settings, form, HTTPStatus.CONFLICT, values_conflicts=told)


async def _values_page(
    visit: Visit,
    lines: LineForm,
    keys: Sequence[ApiKey],
    refusal: OneleadError | None = None,
    what_if: Preview | None = None,
) -> Response:
    problems = problems_of(refusal) if refusal else NO_PROBLEMS
    return await _page(
        visit,
        visit.settings,
        labelled(lines, visit.settings, keys),
        _status(problems, is_conflict=False),
        values_problems=problems,
        what_if=what_if,
    )


async def _what_if_page(visit: Visit, lines: LineForm, keys: Sequence[ApiKey]) -> Response:
    """Show what the newest deliveries would have done; nothing is saved."""
    callers = {caller_value(0, key.id) for key in keys}
    try:
        details = changed_details(
            wanted_body(lines, visit.settings), visit.settings, lambda: callers
        )
    except OneleadError as refusal:
        return await _values_page(visit, lines, keys, refusal)
    shown = await preview(visit, details.deciding)
    return await _values_page(visit, lines, keys, what_if=shown)


PAGES = (
    Page("GET", _MATCHING, matching_page, Access.ADMIN),
    Page("POST", _MATCHING, change_placeholders, Access.ADMIN),
    Page("POST", _VALUES, change_deciding, Access.ADMIN),
)
