"""System Settings, Account: name, time zone, currency, and how long users stay signed in."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import Response

from onelead.domain.account import AccountSettings
from onelead.domain.errors import SettingsConflict
from onelead.domain.settings.account_details import details_of, time_zones
from onelead.domain.settings.change import Resource
from onelead.domain.sign_in.sessions import STRICT, USUAL, SessionLifetimes
from onelead.domain.text import known_id, span
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
    *,
    times: Mapping[str, str] | None = None,
    time_problems: Problems = NO_PROBLEMS,
) -> Response:
    """Show the form; `conflicts` are fields that somebody else changed meanwhile."""
    times = times or _times_shown(visit.settings)
    is_saved_zone = lines.typed["time_zone"] == visit.settings.time_zone
    refused = HTTPStatus.CONFLICT if conflicts else HTTPStatus.UNPROCESSABLE_ENTITY
    return visit.page(
        "account.html",
        refused if problems or conflicts or time_problems else HTTPStatus.OK,
        lines=lines,
        problems=problems,
        conflicts=conflicts,
        time_zones=time_zones(),
        currencies=currency_choices(),
        times=times,
        time_problems=time_problems,
        time_choices={name: _choices(name, times[name]) for name in _TIME_CHOICES},
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


async def change_times(visit: Visit) -> Response:
    """Save how long users stay signed in; shorter times hold for those who are signed in, too."""
    form, stored = await visit.form(), visit.settings.sessions
    chosen = SessionLifetimes(
        whole_seconds(form.get("session_s")), whole_seconds(form.get("session_idle_s"))
    )
    preset = form.get("times")
    if _PRESETS.get(preset) == stored != chosen:
        # Somebody has chosen other times, and nothing else.
        preset = "own"
    wanted = _PRESETS.get(preset, chosen)
    body = {"session_s": wanted.total_s, "session_idle_s": wanted.idle_s}
    if wanted == stored:
        return visit.redirect(_ACCOUNT, "Nothing changed.")
    result = await change_settings(
        *(visit, Resource.ACCOUNT, Action.UPDATE), resource_id=visit.account_id, body=body
    )
    if result.refusal is not None:
        typed = {"times": preset, **{name: str(seconds) for name, seconds in body.items()}}
        lines = line_form(_stored(visit.settings))
        return _form(visit, lines, times=typed, time_problems=problems_of(result.refusal))
    return visit.redirect(_ACCOUNT, "The times were saved.")


async def change_imports(visit: Visit) -> Response:
    """Save whether members may import files; the form is on the page of the imports."""
    body = {"members_import": (await visit.form()).has("members_import")}
    result = await change_settings(
        *(visit, Resource.ACCOUNT, Action.UPDATE), resource_id=visit.account_id, body=body
    )
    if result.refusal is not None:
        raise result.refusal
    may = "may import files now" if body["members_import"] else "may not import files any more"
    return visit.redirect("/imports", f"Members {may}." if result.changes else "Nothing changed.")


def whole_seconds(text: str) -> int:
    """Return the seconds that a select sent; what no select sends is too short for every rule."""
    return known_id(text) or 0


def _choices(name: str, chosen: str) -> list[tuple[str, str]]:
    """Return the times to choose from, and the chosen one, which came another way."""
    listed = {*_TIME_CHOICES[name], whole_seconds(chosen)}
    return [(str(seconds), span(seconds)) for seconds in sorted(listed) if seconds]


def _times_shown(settings: AccountSettings) -> dict[str, str]:
    """Return what the form of the times begins with."""
    stored = settings.sessions
    preset = next((name for name, one in _PRESETS.items() if one == stored), "own")
    return {
        "times": preset,
        "session_s": str(stored.total_s),
        "session_idle_s": str(stored.idle_s),
    }


_PRESETS = {"usual": USUAL, "strict": STRICT}
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400
_TIME_CHOICES = {
    "session_s": [
        *(15 * _MINUTE_S, 30 * _MINUTE_S, *(n * _HOUR_S for n in (1, 2, 4, 8, 12))),
        *(n * _DAY_S for n in (1, 2, 7, 14, 30, 60, 90)),
    ],
    "session_idle_s": [
        *(n * _MINUTE_S for n in (5, 10, 15, 30)),
        *(n * _HOUR_S for n in (1, 2, 4, 8, 12)),
        *(n * _DAY_S for n in (1, 2, 7, 14, 30)),
    ],
}

PAGES = (
    Page("GET", _ACCOUNT, account_page, Access.ADMIN),
    Page("POST", _ACCOUNT, change_account, Access.ADMIN),
    Page("POST", f"{_ACCOUNT}/imports", change_imports, Access.ADMIN, confirm=True),
    Page("POST", f"{_ACCOUNT}/sessions", change_times, Access.ADMIN, confirm=True),
)
