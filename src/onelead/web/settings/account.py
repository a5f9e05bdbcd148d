"""System Settings, Account: name, time zone and currency."""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import Response

from onelead.domain.account import AccountSettings
from onelead.domain.errors import SettingsConflict
from onelead.domain.settings.account_details import details_of, time_zones
from onelead.domain.settings.change import Resource
from onelead.domain.writes import Action
from onelead.web.frame.line_form import LineForm, line_form, read_lines
from onelead.web.frame.pages import Access, Page
from onelead.web.frame.rendering import minute
from onelead.web.frame.visit import NO_PROBLEMS, Problems, Visit, problems_of
from onelead.web.settings.changes import change_settings
from onelead.web.settings.field_form import currency_choices
from onelead.web.words.ledger_lines import setting_label

_ACCOUNT = "/settings/account"


async def account_page(visit: Visit) -> Response:
    """Show the form with the account's details."""
    return _form(visit, line_form(_stored(visit.settings)))


def _stored(settings: AccountSettings) -> dict[str, str]:
    details = details_of(settings)
    return {"name": details.name, "time_zone": details.time_zone, "currency": details.currency}


def _form(
    visit: Visit,
    lines: LineForm,
    problems: Problems = NO_PROBLEMS,
    conflicts: list[tuple[str, str]] | None = None,
) -> Response:
    """Show the form; `conflicts` are fields that somebody else changed meanwhile."""
    is_saved_zone = lines.typed["time_zone"] == visit.settings.time_zone
    refused = HTTPStatus.CONFLICT if conflicts else HTTPStatus.UNPROCESSABLE_ENTITY
    return visit.page(
        "account.html",
        refused if problems or conflicts else HTTPStatus.OK,
        lines=lines,
        problems=problems,
        conflicts=conflicts,
        time_zones=time_zones(),
        currencies=currency_choices(),
        # Left out while the form shows a zone that is not saved.
        now_there=minute(visit.now, visit.settings.zone) if is_saved_zone else "",
    )


async def change_account(visit: Visit) -> Response:
    """Save the details that the user changed, or show what somebody else changed meanwhile."""
    stored = _stored(visit.settings)
    lines = read_lines(await visit.form(), stored)
    result = await change_settings(
        *(visit, Resource.ACCOUNT, Action.UPDATE),
        resource_id=visit.account_id,
        body=lines.wanted,
        seen=lines.seen(stored),
    )
    if isinstance(result.refusal, SettingsConflict):
        now = _stored(result.settings)
        conflicts = [(setting_label(name), now[name]) for name in lines.conflicts(now)]
        return _form(visit, lines.over(now), conflicts=conflicts)
    if result.refusal is not None:
        return _form(visit, lines, problems_of(result.refusal))
    return visit.redirect(
        _ACCOUNT, "The account was saved." if result.changes else "Nothing changed."
    )


PAGES = (
    Page("GET", _ACCOUNT, account_page, Access.ADMIN),
    Page("POST", _ACCOUNT, change_account, Access.ADMIN),
)
