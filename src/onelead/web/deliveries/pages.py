"""The pages of the deliveries: the ledger with its filters, and one delivery in full."""

from __future__ import annotations

from itertools import islice

import msgspec
from msgspec import Struct
from starlette.responses import Response

from onelead.contract.ledger import AccountLedgerRow, LedgerRead, LedgerScope, LedgerSlice
from onelead.domain.account import AccountSettings
from onelead.domain.errors import AdminRequired
from onelead.domain.lead import Lead
from onelead.domain.limits import MATCH_IDS_MAX
from onelead.domain.writes import LEAD, Outcome
from onelead.incoming.delivery_states import delivery_states
from onelead.web.deliveries.filters import SCOPES, STATES, DeliveryFilters, match_choices
from onelead.web.frame.pages import Page
from onelead.web.frame.rendering import exact
from onelead.web.frame.visit import Visit
from onelead.web.words.comparison import Comparison, comparison
from onelead.web.words.deleted_names import settings_to_write_by
from onelead.web.words.file_names import file_name, file_names
from onelead.web.words.ledger_lines import (
    ApiKeyLabels,
    LedgerLine,
    api_key_labels,
    by_choices,
    ledger_line,
)
from onelead.web.words.ledger_rows import decoded, is_upsert, pretty, visible_row
from onelead.web.words.links import matching_leads_href

#: Where each kind of setting is changed.
_SETTINGS_PAGES = {
    "account": "/settings/account",
    "custom_field_definition": "/settings/custom-fields",
    "lead_status": "/settings/lead-statuses",
    "customer_source": "/settings/customer-sources",
}
_CHANGES_NAMED = 6


class LedgerListLine(Struct, frozen=True):
    """A ledger row in the list."""

    line: LedgerLine
    #: The lead that it is about, if it still exists.
    lead: Lead | None
    #: Whether the lead ever existed: its page then has its history.
    was_lead: bool
    #: How many fields an update changed, 0 for other writes; the line has the first few of them.
    changed: int


async def delivery_list(visit: Visit) -> Response:
    """Show what was delivered, newest first. Raises AdminRequired."""
    filters = DeliveryFilters(visit.request.query_params, visit.settings)
    if filters.search.scope is LedgerScope.SETTINGS and not visit.signed_in.is_admin:
        raise AdminRequired
    labels = api_key_labels(await visit.store.api_keys(visit.account_id))
    found, lines = None, []
    if not filters.problems:
        search = filters.search
        if not visit.signed_in.is_admin and search.scope is not LedgerScope.UNREAD:
            # Members may not see changes of the settings.
            search = msgspec.structs.replace(search, scope=LedgerScope.LEADS)
        found = await visit.store.search_ledger(visit.account_id, search)
        lines = await _list_lines(visit, found, labels)
    return visit.page(
        "deliveries/list.html",
        422 if filters.problems else 200,
        filters=filters,
        problems=filters.problems,
        found=found,
        lines=lines,
        chips=filters.chips(labels, await file_name(visit, filters.search.batch_id)),
        outcomes=list(Outcome),
        states=STATES,
        scopes=list(SCOPES.items()) if visit.signed_in.is_admin else [],
        people=by_choices(visit.settings, labels),
        matches=match_choices(visit.settings),
    )


async def _list_lines(
    visit: Visit, found: LedgerSlice, labels: ApiKeyLabels
) -> list[LedgerListLine]:
    leads = {lead.id: lead for lead in found.leads}
    # A write can change hundreds of fields; only these are put into words.
    named = [
        msgspec.structs.replace(
            row, changes=dict(islice((row.changes or {}).items(), _CHANGES_NAMED))
        )
        for row in found.rows
    ]
    settings = await settings_to_write_by(visit, found.settings, named)
    files = await file_names(visit, named)
    lines = [ledger_line(row, settings, labels, files) for row in named]
    return [_list_line(*pair, leads) for pair in zip(found.rows, lines, strict=True)]


def _list_line(row: AccountLedgerRow, line: LedgerLine, leads: dict[int, Lead]) -> LedgerListLine:
    lead = leads.get(row.resource_id or 0) if row.resource == LEAD else None
    was_lead = row.resource == LEAD and row.version is not None
    changed = len(row.changes or {}) if row.outcome == Outcome.UPDATED else 0
    return LedgerListLine(line, lead, was_lead, changed)


async def delivery(visit: Visit) -> Response:
    """Show one delivery: what was sent, what it found, and what it did."""
    read = await visible_row(visit, visit.path_id("seq"))
    labels = api_key_labels(await visit.store.api_keys(visit.account_id))
    row, settings = read.row, read.settings
    file_import = await visit.store.import_of_batch(visit.account_id, row.batch_id or "")
    files = {row.batch_id or "": file_import.name} if file_import else {}
    line = ledger_line(row, await settings_to_write_by(visit, settings, [row]), labels, files)
    state = (await delivery_states(visit.store, visit.account_id, [row])).get(row.seq)
    return visit.page(
        "deliveries/delivery.html",
        row=row,
        line=line,
        state=state,
        state_text=STATES[state.state] if state else "",
        can_apply=state is not None and row.unread_bytes is None,
        lead=next((lead for lead in read.leads if lead.id == row.resource_id), None),
        is_of_lead=row.resource == LEAD,
        written=exact(row.date, settings.zone),
        file_import=file_import,
        settings_page=_settings_page(row, settings),
        is_upsert=is_upsert(row) and row.unread_bytes is None,
        payload=pretty(row.payload) if row.unread_bytes is None else decoded(row.payload),
        compared=_compared(read, line),
        # More leads match than are named.
        is_too_many=row.match is not None and row.match["matches"] > MATCH_IDS_MAX,
        leads_href=matching_leads_href(row.match, settings) if row.match else "",
    )


def _settings_page(row: AccountLedgerRow, settings: AccountSettings) -> str:
    path = _SETTINGS_PAGES.get(row.resource, "")
    if row.resource == "custom_field_definition" and row.resource_id in settings.fields_by_id:
        return f"{path}/{row.resource_id}"
    return path


def _compared(read: LedgerRead, line: LedgerLine) -> Comparison | None:
    if not line.named_leads:
        return None
    body = decoded(read.row.payload)
    properties = body.get("properties") if isinstance(body, dict) else None
    return comparison(read.leads, line.named_leads, properties, read.settings)


PAGES = (
    Page("GET", "/deliveries", delivery_list),
    Page("GET", "/deliveries/{seq}", delivery),
)
