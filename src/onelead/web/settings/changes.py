"""Changing settings from a page, with the same writes as over the API."""

from __future__ import annotations

from typing import Any

from onelead.domain.settings.change import Resource, SettingsResult, SettingsWrite
from onelead.domain.writes import Action
from onelead.web.frame.visit import Visit


async def change_settings(
    visit: Visit,
    resource: Resource,
    action: Action,
    *,
    resource_id: int | None = None,
    body: dict[str, Any] | None = None,
    seen: dict[str, Any] | None = None,
) -> SettingsResult:
    """Make a change, which can be refused; `body` is the JSON that the API would receive.

    `seen` has the attributes as the page showed them.
    """
    delivery = visit.delivery("" if body is None else body)
    write = SettingsWrite(resource, action, delivery, resource_id, body or {}, seen or {})
    result = await visit.store.change_settings(visit.account_id, write)
    visit.line.wrote(result.outcome, result.seq, result.refusal)
    if result.changes:
        visit.runtime.settings_changed()
    return result
