"""System Settings, Matching: which texts identify nobody, and how values are told apart."""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import Response

from onelead.domain.account import AccountSettings
from onelead.domain.errors import SettingsConflict
from onelead.domain.placeholders import DEFAULT_PLACEHOLDERS
from onelead.domain.settings.change import Resource
from onelead.domain.text import fold
from onelead.domain.writes import Action
from onelead.web.frame.pages import Access, Page
from onelead.web.frame.visit import NO_PROBLEMS, Problems, Visit, problems_of
from onelead.web.settings.changes import change_settings

_MATCHING = "/settings/matching"


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
    """Show the form; `was` is the list that it is made from."""
    refused = HTTPStatus.CONFLICT if is_conflict else HTTPStatus.UNPROCESSABLE_ENTITY
    return visit.page(
        "matching.html",
        refused if problems or is_conflict else HTTPStatus.OK,
        typed="\n".join(typed),
        was="\n".join(was),
        problems=problems,
        conflicts=[("Placeholders", _difference(was, typed))] if is_conflict else None,
        is_default=settings.placeholder_texts == DEFAULT_PLACEHOLDERS,
        fields=[field for field in settings.lead_fields if field.is_filterable],
        rebuild=await visit.store.key_rebuild_progress(settings.account_id),
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


PAGES = (
    Page("GET", _MATCHING, matching_page, Access.ADMIN),
    Page("POST", _MATCHING, change_placeholders, Access.ADMIN),
)
