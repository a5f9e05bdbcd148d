"""Making one lead of several: choose the leads, compare them, see the result, merge.

Also "not the same person", which remembers that two leads are two persons.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from msgspec import Struct
from starlette.datastructures import QueryParams
from starlette.responses import Response

from onelead.domain.account import AccountSettings
from onelead.domain.errors import OneleadError, ResourceNotFound, VersionConflict
from onelead.domain.lead import Lead
from onelead.domain.limits import CONFLICT_CHANGES_MAX, MERGE_LEADS_MAX, MERGE_SEARCH_LEADS
from onelead.domain.search import LeadSearch
from onelead.domain.text import known_id
from onelead.domain.writes import Action, LeadWrite, Merge, WriteResult
from onelead.incoming.statuses import STATUS_BY_KIND
from onelead.web.frame.forms import Form
from onelead.web.frame.pages import Page
from onelead.web.frame.visit import Visit, error_line, local_path
from onelead.web.leads.merge_form import (
    MergeTable,
    lost_values,
    merge_href,
    merge_of,
    merge_table,
    oldest,
    versions_seen,
)
from onelead.web.leads.query import LeadQuery
from onelead.web.leads.view import FieldLine, sections
from onelead.web.leads.waiting import waiting_for, waiting_path
from onelead.web.words.deleted_names import settings_to_write_by
from onelead.web.words.lead_texts import other_value_text
from onelead.web.words.ledger_lines import LedgerLine, LongText, api_key_labels, ledger_line

#: A merge takes at least this many leads.
_TWO = 2
#: A merge page shows this many leads: the survivor and the others.
_LEADS_MAX = MERGE_LEADS_MAX + 1


class _Leads(Struct, frozen=True):
    """The leads of a merge page."""

    #: Ascending by id.
    leads: Sequence[Lead]
    settings: AccountSettings
    #: The ids that were asked for and lead to none of these: deleted or unknown.
    missing: Sequence[int]
    #: The ids that were merged before, each with the lead that stands for it.
    merged: Sequence[tuple[int, int]]


class Preview(Struct, frozen=True, kw_only=True):
    """What a merge would come to."""

    #: Why it cannot be done; empty when it can.
    problem: str
    lead: Lead | None = None
    fields: Sequence[FieldLine] = ()
    #: By what else the merged lead is found.
    others: Sequence[str] = ()
    #: Field, value, and the leads that had it: what only the history has afterwards.
    lost: Sequence[tuple[str, LongText, tuple[int, ...]]] = ()


async def merge_page(visit: Visit) -> Response:
    """Show leads side by side, with the sensible choices and what they come to."""
    read = await _read(visit, visit.path_id(), _asked_ids(visit))
    return await _shown(visit, read, Form([]))


def _asked_ids(visit: Visit) -> list[int]:
    values = visit.request.query_params.getlist("with")
    texts = (text for value in values for text in value.split(",")[:_LEADS_MAX])
    return [id_ for text in texts if (id_ := known_id(text.strip()))]


async def _read(visit: Visit, lead_id: int, others: Sequence[int]) -> _Leads:
    """Read the leads of a page. Raises ResourceNotFound when the first is not there."""
    first = await visit.store.lead(visit.account_id, lead_id)
    wanted = list(dict.fromkeys([lead_id, *others]))[:_LEADS_MAX]
    search = LeadSearch(ids=tuple(wanted), limit=len(wanted))
    found = await visit.store.search_leads(visit.account_id, search, now=visit.now)
    leads = {lead.id: lead for lead in found.leads}
    missing, merged = [], []
    for gone in (one for one in wanted if one not in leads):
        try:
            lead = (await visit.store.lead(visit.account_id, gone)).lead
        except ResourceNotFound:
            missing.append(gone)
            continue
        leads[lead.id] = lead
        if lead.id != gone:
            merged.append((gone, lead.id))
    in_order = sorted(leads.values(), key=lambda lead: lead.id)
    return _Leads(in_order, first.settings, missing, merged)


async def _shown(
    visit: Visit,
    read: _Leads,
    form: Form,
    *,
    refusal: OneleadError | None = None,
    since: Sequence[tuple[Lead, Sequence[LedgerLine]]] = (),
) -> Response:
    leads, settings = read.leads, read.settings
    then = local_path(form.get("then") or visit.query("then"))
    if len(leads) < _TWO:
        return _too_few(visit, read, then)
    survivor = _survivor(form, leads)
    values = [("status_id", lead.status_id) for lead in leads]
    to_write_by = await settings_to_write_by(visit, settings, (), values)
    table = merge_table(leads, survivor.id, form, to_write_by)
    versions = {lead.id: lead.version for lead in leads}
    write = _merge_write(visit, survivor.id, merge_of(table, leads, survivor.id, versions))
    plan = await visit.store.plan_write(visit.account_id, write)
    ids = [lead.id for lead in leads]
    return visit.page(
        "leads/merge.html",
        STATUS_BY_KIND[refusal.kind] if refusal else HTTPStatus.OK,
        leads=leads,
        read=read,
        settings=to_write_by,
        survivor=survivor,
        oldest=oldest(leads),
        table=table,
        preview=_preview(plan.result, table, to_write_by),
        waiting=await waiting_for(visit, ids),
        pairs=await visit.store.distinct_pairs(visit.account_id, ids),
        problem=error_line(refusal) if refusal else "",
        since=since,
        then=then,
        href_without=lambda lead: merge_href([one for one in ids if one != lead.id], then),
        here=merge_href(ids, then),
    )


def _too_few(visit: Visit, read: _Leads, then: str) -> Response:
    """Lead on when there is nothing to merge, such as after the same merge in another tab."""
    lead = read.leads[0]
    if read.merged:
        text = "These leads are one already."
    else:
        text = "The other lead no longer exists." if read.missing else "Choose another lead."
    path = then or (f"/leads/{lead.id}" if read.merged else f"/leads/{lead.id}/merge-with")
    return visit.redirect(path, text, is_problem=not read.merged)


def _survivor(form: Form, leads: Sequence[Lead]) -> Lead:
    asked = known_id(form.get("survivor"))
    return next((lead for lead in leads if lead.id == asked), oldest(leads))


def _merge_write(visit: Visit, survivor_id: int, merge: Merge) -> LeadWrite:
    body: dict[str, Any] = {"lead_ids": merge.lead_ids, "choose": merge.choose}
    return LeadWrite(Action.MERGE, visit.delivery(body), survivor_id, merge=merge)


def _preview(result: WriteResult, table: MergeTable, settings: AccountSettings) -> Preview:
    after = result.lead
    if result.refusal is not None or after is None:
        return Preview(problem=error_line(result.refusal) if result.refusal else "")
    lines = [line for section in sections(after, settings).values() for line in section.fields]
    own = {name for name, (old, _new) in result.changes.items() if old is None}
    return Preview(
        problem="",
        lead=after,
        fields=[line for line in lines if line.values],
        others=[
            other_value_text(value, settings)
            for value_id, value in after.other_values.items()
            if f"other_values.{value_id}" in own and value.from_id != after.id
        ],
        lost=[lost for row in table.rows for lost in lost_values(row, after, settings)],
    )


async def merge(visit: Visit) -> Response:
    """Preview or merge, as the pressed button says."""
    form = await visit.form()
    others = [id_ for text in form.all("with")[:_LEADS_MAX] if (id_ := known_id(text))]
    read = await _read(visit, visit.path_id(), others)
    leads = read.leads
    if form.get("do") != "merge" or len(leads) < _TWO:
        return await _shown(visit, read, form)
    survivor = _survivor(form, leads)
    table = merge_table(leads, survivor.id, form, read.settings)
    asked = merge_of(table, leads, survivor.id, versions_seen(form, leads))
    receipt = await visit.written(_merge_write(visit, survivor.id, asked))
    refusal = receipt.result.refusal
    if isinstance(refusal, VersionConflict):
        read = await _read(visit, survivor.id, asked.lead_ids)
        since = await _since(visit, read.leads, asked.versions)
        return await _shown(visit, read, form, refusal=refusal, since=since)
    if refusal is not None:
        return await _shown(visit, read, form, refusal=refusal)
    waiting = await waiting_for(visit, [lead.id for lead in leads])
    path = form.get("then") or f"/leads/{survivor.id}"
    if waiting and not form.get("then"):
        path = waiting_path(survivor.id, asked.lead_ids)
    count = len(asked.lead_ids)
    text = f"{count + 1} leads are one now. Every value of them leads to it."
    return visit.redirect(path, text, undo_seq=receipt.seq)


async def _since(
    visit: Visit, leads: Sequence[Lead], versions: Any
) -> list[tuple[Lead, Sequence[LedgerLine]]]:
    """Return what changed the leads since the page was shown, newest first."""
    labels = api_key_labels(await visit.store.api_keys(visit.account_id))
    found = list[tuple[Lead, Sequence[LedgerLine]]]()
    for lead in leads:
        seen = versions.get(lead.id, lead.version)
        if seen == lead.version:
            continue
        rows = await visit.store.lead_changes(
            visit.account_id, lead.id, since_version=seen, limit=CONFLICT_CHANGES_MAX
        )
        settings = await settings_to_write_by(visit, visit.settings, rows)
        found.append((lead, [ledger_line(row, settings, labels) for row in rows]))
    return found


async def merge_with(visit: Visit) -> Response:
    """Find the leads to merge a lead with: by name, e-mail, phone number, company or id."""
    read = await visit.store.lead(visit.account_id, visit.path_id())
    text = visit.query("q").strip()
    found = await _found(visit, text, read.lead.id) if text else []
    return visit.page(
        "leads/merge_with.html", lead=read.lead, q=text, found=found, settings=read.settings
    )


async def _found(visit: Visit, text: str, lead_id: int) -> list[Lead]:
    search = LeadQuery(QueryParams({"q": text}), visit.settings).search
    search = msgspec.structs.replace(search, limit=MERGE_SEARCH_LEADS + 1)
    page = await visit.store.list_leads(visit.account_id, search, now=visit.now)
    leads = {lead.id: lead for lead in page.leads}
    if (asked := known_id(text)) is not None:
        by_id = LeadSearch(ids=(asked,), limit=1)
        one = await visit.store.search_leads(visit.account_id, by_id, now=visit.now)
        leads = {lead.id: lead for lead in one.leads} | leads
    leads.pop(lead_id, None)
    return list(leads.values())[:MERGE_SEARCH_LEADS]


async def merge_found(visit: Visit) -> Response:
    """Lead to the merge of all leads that a list finds, when they are few enough."""
    query = LeadQuery(visit.request.query_params, visit.settings)
    listed = query.href()
    if query.problems or not query.pairs:
        return visit.redirect(listed)
    search = msgspec.structs.replace(query.search, limit=_LEADS_MAX)
    found = await visit.store.list_leads(visit.account_id, search, now=visit.now)
    ids = sorted(lead.id for lead in found.leads)
    if found.next_cursor is not None or not _TWO <= len(ids) <= _LEADS_MAX:
        text = f"Select 2 to {MERGE_LEADS_MAX} leads to merge."
        return visit.redirect(listed, text, is_problem=True)
    return visit.redirect(merge_href(ids, ""))


async def separate(visit: Visit) -> Response:
    """Remember that two leads are two persons."""
    lead_id, form = visit.path_id(), await visit.form()
    other = known_id(form.get("other"))
    if other is None:
        raise ResourceNotFound
    body = {"lead_ids": [lead_id, other]}
    write = LeadWrite(Action.SEPARATE, visit.delivery(body), pair=(lead_id, other))
    receipt = await visit.written(write)
    if receipt.result.refusal is not None:
        raise receipt.result.refusal
    others = [id_ for text in form.all("with")[:_LEADS_MAX] if (id_ := known_id(text))]
    left = sorted({lead_id, *others} - {other})
    then = local_path(form.get("then"))
    path = merge_href(left, then) if len(left) > 1 else then or f"/leads/{lead_id}"
    text = f"Leads {lead_id} and {other} are two persons. They will not be suggested again."
    return visit.redirect(path, text, undo_seq=receipt.seq)


PAGES = (
    Page("GET", "/leads/merge", merge_found),
    Page("GET", "/leads/{id}/merge", merge_page),
    Page("POST", "/leads/{id}/merge", merge),
    Page("GET", "/leads/{id}/merge-with", merge_with),
    Page("POST", "/leads/{id}/separate", separate),
)
