"""A selection of leads and the change to make, as forms carry them from page to page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct
from starlette.datastructures import QueryParams

from onelead.domain.account import AccountSettings
from onelead.domain.errors import InputInvalid, Problem
from onelead.domain.limits import SELECTED_CHUNK_LEADS, SELECTED_LEADS_MAX
from onelead.domain.properties import checked
from onelead.domain.search import LeadSearch, Range
from onelead.domain.text import fold, known_id, whole_number
from onelead.domain.writes import Outcome
from onelead.incoming.lead_json import lead_patch
from onelead.web.frame.forms import Form
from onelead.web.frame.visit import Visit
from onelead.web.leads.bulk import Change, ChangeKind, ChangeResult
from onelead.web.leads.query import LeadQuery

_QUERY_CHARS_MAX = 50_000
_PART = re.compile(r"([\w-]{1,64})\.(\d{1,9})", re.ASCII)
#: The outcomes that a bulk change counts.
COUNTED = (Outcome.UPDATED, Outcome.UNCHANGED, Outcome.DELETED, Outcome.REFUSED)


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

    @property
    def text(self) -> str:
        """How a form carries it."""
        return f"{self.request_id}.{self.refused}"


class Progress(Struct, frozen=True):
    """The results so far."""

    counts: dict[Outcome, int]
    parts: tuple[Part, ...] = ()

    @property
    def done(self) -> int:
        """How many leads have been written, or refused."""
        return sum(self.counts.values())

    def with_chunk(self, changed: Sequence[ChangeResult], request_id: str) -> Progress:
        """Return the progress after another chunk."""
        outcomes = [one.outcome for one in changed]
        counts = {one: self.counts.get(one, 0) + outcomes.count(one) for one in COUNTED}
        part = Part(request_id, outcomes.count(Outcome.REFUSED))
        return Progress(counts, (*self.parts, part) if changed else self.parts)


def selection_from(form: Form) -> Selection:
    """Read the selection from a form."""
    if form.get("all"):
        total = whole_number(form.get("count"))
        return Selection(
            query=form.raw("query")[:_QUERY_CHARS_MAX],
            total=total if isinstance(total, int) else None,
            cursor=form.get("cursor") or None,
            until=known_id(form.get("until")),
        )
    chosen = tuple(filter(None, dict.fromkeys(map(known_id, form.all("ids")))))
    total = whole_number(form.get("count")) if form.has("done") else len(chosen)
    return Selection(ids=chosen, total=total if isinstance(total, int) else len(chosen))


def progress_from(form: Form) -> Progress:
    """Read the progress from a form."""
    counts = {one: whole_number(form.get(f"count.{one}")) for one in COUNTED}
    known = {one: count for one, count in counts.items() if isinstance(count, int)}
    found = filter(None, map(_PART.fullmatch, form.all("parts")))
    parts = [Part(part[1], int(part[2])) for part in found]
    return Progress(known, tuple(parts[: SELECTED_LEADS_MAX // SELECTED_CHUNK_LEADS]))


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


def change_from(form: Form, settings: AccountSettings) -> Change:
    """Read the change from a form. Raises InputInvalid, before any lead is written."""
    kind = ChangeKind(form.get("action"))
    match kind:
        case ChangeKind.STATUS:
            return _setting(kind, "status_id", form.get("status_id"), settings)
        case ChangeKind.OWNER:
            owner = form.get("assignee_id")
            return _setting(kind, "assignee_id", None if owner == "none" else owner, settings)
        case ChangeKind.DELETE:
            return Change(kind)
    tags = tuple(tag for tag in map(str.strip, form.all("tags")) if fold(tag))
    if not tags:
        raise InputInvalid(Problem("tags", "can't be blank", "blank"))
    _require_valid({"tags": list(tags)}, settings)
    return Change(kind, tags=tags)


def _setting(kind: ChangeKind, name: str, value: str | None, settings: AccountSettings) -> Change:
    if value == "":
        raise InputInvalid(Problem(name, "can't be blank", "blank"))
    properties = {name: whole_number(value)}
    _require_valid(properties, settings)
    return Change(kind, properties)


def _require_valid(properties: dict[str, object], settings: AccountSettings) -> None:
    patch, problems = lead_patch(properties, "base")
    if patch is not None:
        problems += tuple(checked(patch, settings).problems)
    if problems:
        raise InputInvalid(*problems)
