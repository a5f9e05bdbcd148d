"""System Settings, Account: its name, time zone and currency."""

from __future__ import annotations

from typing import Any

from msgspec import to_builtins
from starlette.responses import Response

from onelead.account_details import details_of, time_zones
from onelead.currencies import currencies
from onelead.settings_change import Resource
from onelead.upsert import Action
from onelead.web.pages import Access, Page
from onelead.web.rendering import exact
from onelead.web.settings_changes import change_settings
from onelead.web.visit import Problems, Visit, problems_of

_ACCOUNT = "/settings/account"


async def account_page(visit: Visit) -> Response:
    """Show the details."""
    return _form(visit, to_builtins(details_of(visit.settings)), {})


def _form(visit: Visit, typed: dict[str, Any], problems: Problems) -> Response:
    settings = visit.settings
    return visit.page(
        "account.html",
        422 if problems else 200,
        typed=typed,
        problems=problems,
        time_zones=time_zones(),
        currencies=[(code, f"{code}, {name}") for code, name in currencies()],
        now_there=exact(visit.now, settings.zone),
    )


async def change_account(visit: Visit) -> Response:
    """Change the details."""
    form = await visit.form()
    body = {name: form.get(name) for name in ("name", "time_zone", "currency")}
    result = await change_settings(
        visit, Resource.ACCOUNT, Action.UPDATE, resource_id=visit.account_id, body=body
    )
    if result.refusal is not None:
        return _form(visit, body, problems_of(result.refusal))
    return visit.go(_ACCOUNT, "The account is saved." if result.changes else "Nothing changed.")


PAGES = (
    Page("GET", _ACCOUNT, account_page, Access.ADMIN),
    Page("POST", _ACCOUNT, change_account, Access.ADMIN),
)
