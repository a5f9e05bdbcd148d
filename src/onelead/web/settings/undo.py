"""Taking back a change of the settings, from its ledger row."""

from __future__ import annotations

from starlette.responses import Response

from onelead.domain.errors import ResourceNotFound
from onelead.domain.settings.change import SettingsResult
from onelead.domain.settings.undo import undo_settings
from onelead.domain.writes import LEAD, Outcome
from onelead.web.frame.pages import Access, Page
from onelead.web.frame.visit import Visit, error_line
from onelead.web.words.ledger_lines import setting_label
from onelead.web.words.ledger_rows import visible_row


async def undo_change(visit: Visit) -> Response:
    """Undo a change of the settings, and show the row of the undo."""
    read = await visible_row(visit, visit.path_id("seq"))
    if read.row.resource == LEAD:
        raise ResourceNotFound
    body = {"undo": read.row.seq}
    write = undo_settings(
        read.row.resource, read.row.resource_id, read.row.seq, visit.delivery(body)
    )
    result = await visit.store.change_settings(visit.account_id, write)
    visit.line.wrote(result.outcome, result.seq, result.refusal)
    if result.refusal is not None:
        text = f"Not undone: {error_line(result.refusal)}"
        return visit.redirect(f"/deliveries/{read.row.seq}", text, is_problem=True)
    if result.changes:
        visit.runtime.settings_changed()
    return visit.redirect(f"/deliveries/{result.seq}", _flash(result))


def _flash(result: SettingsResult) -> str:
    text = _TEXTS.get(result.outcome, "There was nothing to undo.")
    kept = ", ".join(map(setting_label, result.details.kept)) if result.details else ""
    return f"{text} Not taken back, because it is different by now: {kept}." if kept else text


_TEXTS = {
    Outcome.UPDATED: "The change was undone.",
    Outcome.DELETED: "It was deleted again.",
    Outcome.RESTORED: "It was restored, with the values that leads still keep.",
}

PAGES = (Page("POST", "/settings/changes/{seq}/undo", undo_change, Access.ADMIN, confirm=True),)
