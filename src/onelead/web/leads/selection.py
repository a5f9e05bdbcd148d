"""A selection of leads and the change to make, as forms carry them from page to page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct
from starlette.datastructures import QueryParams

from onelead.domain.account import AccountSettings
from onelead.domain.errors import InputInvalid, Problem
from onelead.domain.fold import checked_write
from onelead.domain.limits import SELECTED_CHUNK_LEADS, SELECTED_LEADS_MAX
from onelead.domain.search import LeadSearch, Range
from onelead.domain.text import fold, known_id, whole_number
from onelead.domain.writes import Action, Outcome
from onelead.incoming.batch_ids import known_batch_id
from onelead.web.frame.forms import Form
from onelead.web.frame.visit import Visit
from onelead.web.leads.bulk import Change, ChangeKind
from onelead.web.leads.form import lead_write
from onelead.web.leads.query import LeadQuery

_QUERY_CHARS_MAX = 50_000
_PART = re.compile(r"([\w-]{1,64})\.(\d{1,9})", re.ASCII)
_COUNTED = (Outcome.UPDATED, Outcome.UNCHANGED, Outcome.DELETED, Outcome.REFUSED)


class Selection(Struct, frozen=True, kw_only=True):
    """The selected leads: some by their ids, or all that a list finds, up to a limit."""

    #: The leads that are left, when they are selected by id.
    ids: tuple[int, ...] = ()
    #: The query string of the list, when all that it finds are selected.
    query: str | None = None
    #: How many there are; None when they were not counted.
    total: int | None = None
    #: Where the work continues.
    cursor: str | None = None
    #: Of a list, only leads that were created by then (Unix seconds), when the user saw it.
    until: int | None = None

    @property
    def is_bounded(self) -> bool:
        """Whether the list may find more leads than one bulk change takes."""
        return self.query is not None and (self.total is None or self.total > SELECTED_LEADS_MAX)


class Part(Struct, frozen=True):
    """One request's share of a bulk change: its id and how many were refused."""

    request_id: str
    refused: int


class Progress(Struct, frozen=True):
    """The results so far."""

    #: Each of the outcomes that a bulk change can have.
    counts: dict[Outcome, int]
    parts: tuple[Part, ...] = ()

    @property
    def done(self) -> int:
        """How many leads have been written, or refused."""
        return sum(self.counts.values())

    def with_chunk(self, outcomes: Sequence[Outcome], request_id: str) -> Progress:
        """Return the progress after another chunk."""
        counts = {one: count + outcomes.count(one) for one, count in self.counts.items()}
        part = Part(request_id, outcomes.count(Outcome.REFUSED))
        return Progress(counts, (*self.parts, part) if outcomes else self.parts)


def selection_from(form: Form) -> Selection:
    """Read the selection from a form."""
    if form.get("all"):
        return Selection(
            query=form.raw("query")[:_QUERY_CHARS_MAX],
            total=_count(form, "count"),
            cursor=form.get("cursor") or None,
            until=known_id(form.get("until")),
        )
    chosen = tuple(filter(None, dict.fromkeys(map(known_id, form.all("ids")))))
    total = _count(form, "count") if form.has("done") else None
    return Selection(ids=chosen, total=len(chosen) if total is None else total)


def _count(form: Form, name: str) -> int | None:
    number = whole_number(form.get(name))
    return number if isinstance(number, int) else None


def progress_from(form: Form) -> Progress:
    """Read the progress from a form."""
    counts = {one: _count(form, f"count.{one}") or 0 for one in _COUNTED}
    found = filter(None, map(_PART.fullmatch, form.all("parts")))
    parts = [Part(part[1], int(part[2])) for part in found]
    return Progress(counts, tuple(parts[: SELECTED_LEADS_MAX // SELECTED_CHUNK_LEADS]))


def search_of(selection: Selection, settings: AccountSettings) -> LeadSearch:
    """Return the search for a selection's leads, in an order that no bulk change disturbs.

    Raises InputInvalid for a list that cannot be shown.
    """
    pairs = parse_qsl(selection.query or "", keep_blank_values=True)
    query = LeadQuery(QueryParams(pairs), settings)
    if query.problems:
        problems = [Problem(name, text) for name, texts in query.problems.items() for text in texts]
        raise InputInvalid(*problems)
    return msgspec.structs.replace(
        query.search,
        created_date=_until(query.search.created_date, selection.until),
        sort_by="date_created",
        descending=False,
        limit=SELECTED_CHUNK_LEADS,
        cursor=selection.cursor,
    )


def _until(asked: Range | None, until: int | None) -> Range | None:
    if until is None:
        return asked
    if asked is None:
        return Range(maximum=until)
    return Range(asked.minimum, until if asked.maximum is None else min(asked.maximum, until))


async def next_ids(
    visit: Visit, selection: Selection, done: int
) -> tuple[Sequence[int], Selection | None]:
    """Return the leads to change next, and what is left of the selection after them."""
    if selection.query is None:
        ids, left = selection.ids[:SELECTED_CHUNK_LEADS], selection.ids[SELECTED_CHUNK_LEADS:]
        return ids, msgspec.structs.replace(selection, ids=left) if left else None
    search = search_of(selection, visit.settings)
    found = await visit.store.list_leads(visit.account_id, search, now=visit.now)
    ids = tuple(lead.id for lead in found.leads)[: max(SELECTED_LEADS_MAX - done, 0)]
    if found.next_cursor is None or done + len(ids) >= SELECTED_LEADS_MAX:
        return ids, None
    return ids, msgspec.structs.replace(selection, cursor=found.next_cursor)


def change_from(visit: Visit, form: Form) -> Change:
    """Read the change from a form. Raises InputInvalid, before any lead is written."""
    # The request that begins the change names the batch; the form carries it from then on.
    batch_id = known_batch_id(form.get("batch")) or visit.line.request_id
    return msgspec.structs.replace(_change(visit, form), batch_id=batch_id)


def _change(visit: Visit, form: Form) -> Change:
    kind = ChangeKind(form.get("action"))
    match kind:
        case ChangeKind.STATUS:
            return _setting(visit, kind, "status_id", form.get("status_id"))
        case ChangeKind.OWNER:
            owner = form.get("assignee_id")
            return _setting(visit, kind, "assignee_id", None if owner == "none" else owner)
        case ChangeKind.DELETE:
            return Change(kind)
    tags = tuple(tag for tag in map(str.strip, form.all("tags")) if fold(tag))
    if not tags:
        raise InputInvalid(Problem("tags", "can't be blank", "blank"))
    _require_valid(visit, {"tags": list(tags)})
    return Change(kind, tags=tags)


def _setting(visit: Visit, kind: ChangeKind, name: str, value: str | None) -> Change:
    if value == "":
        raise InputInvalid(Problem(name, "can't be blank", "blank"))
    properties = {name: whole_number(value)}
    _require_valid(visit, properties)
    return Change(kind, properties)


def _require_valid(visit: Visit, properties: dict[str, Any]) -> None:
    write = lead_write(visit, Action.UPDATE, properties)
    if refusal := checked_write(write, visit.settings).refusal:
        raise refusal
