"""The page Needs a decision: a group of refused deliveries that one answer settles, and the list.

The address of a group is that of any of its deliveries.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

import msgspec
from msgspec import Struct
from starlette.responses import Response

from onelead.contract.ledger import AccountLedgerRow, LedgerRead
from onelead.contract.queue import BesideGroup, CallerCount, OpenGroup
from onelead.domain.account import AccountSettings
from onelead.domain.acts.queue import AMBIGUOUS, UNREAD, kind_of
from onelead.domain.errors import OneleadError
from onelead.domain.figures import caller_value
from onelead.domain.lead import Lead
from onelead.domain.limits import FIGURE_FAR_BEHIND_ROWS, QUEUE_GROUPS_SHOWN_MAX
from onelead.domain.text import known_id
from onelead.incoming.statuses import STATUS_BY_KIND
from onelead.web.frame.pages import Page
from onelead.web.frame.visit import NO_PROBLEMS, Problems, Visit, error_line, problems_of
from onelead.web.queue.answers import (
    Answer,
    Work,
    batch_id_from,
    begun,
    next_chunk,
    outcome_of,
    work_from,
)
from onelead.web.words.comparison import Comparison, comparison
from onelead.web.words.deleted_names import settings_to_write_by
from onelead.web.words.ledger_lines import (
    ApiKeyLabels,
    LedgerLine,
    api_key_labels,
    by_choices,
    ledger_line,
)
from onelead.web.words.ledger_rows import decoded, pretty, visible_row
from onelead.web.words.links import matching_leads_href

PATH = "/queue"
#: How many deliveries of a group the page lists, and how many sources a group names.
_DELIVERIES_SHOWN = 10
_SOURCES_NAMED = 3


class GroupLine(Struct, frozen=True):
    """A group in the list."""

    group: OpenGroup
    #: The newest of its deliveries.
    line: LedgerLine
    is_ambiguous: bool
    #: Who waits, those who sent most first, and how many more there are.
    sources: tuple[str, ...]
    more_sources: int


class Shown(Struct, frozen=True):
    """The group that is to be decided about, by its newest delivery."""

    of: GroupLine
    row: AccountLedgerRow
    #: The first of its deliveries, oldest first.
    deliveries: tuple[LedgerLine, ...]
    beside: BesideGroup
    #: Of an ambiguous match.
    compared: Comparison | None
    #: The list of all leads that match; empty without such a filter.
    leads_href: str
    #: What was sent, of any other delivery.
    payload: str
    is_unread: bool

    @property
    def leads(self) -> tuple[Lead, ...]:
        """The leads to choose from."""
        return tuple(self.compared.leads) if self.compared else ()


async def queue(visit: Visit) -> Response:
    """Show the newest group that a click can answer, and the list of groups."""
    return await queue_page(visit, None)


async def one_group(visit: Visit) -> Response:
    """Show the group of a delivery; go to the delivery when it is not open."""
    seq = visit.path_id("seq")
    delivery = (await visit.store.refused_deliveries(visit.account_id, [seq])).get(seq)
    group = None
    if delivery is not None:
        group = await visit.store.open_group(visit.account_id, delivery.group_key)
    if group is None:
        row = (await visible_row(visit, seq)).row
        return visit.redirect(f"/deliveries/{row.seq}")
    return await queue_page(visit, group)


async def queue_page(
    visit: Visit, group: OpenGroup | None, problems: Problems = NO_PROBLEMS
) -> Response:
    """Show a group, or else one of the newest, and the list of groups."""
    before = known_id(visit.query("before"))
    found = await visit.store.open_groups(
        visit.account_id, before=before, limit=QUEUE_GROUPS_SHOWN_MAX
    )
    labels = api_key_labels(await visit.store.api_keys(visit.account_id))
    settings = await settings_to_write_by(visit, visit.settings, found.newest)
    lines = [
        _group_line(one, row, settings, labels)
        for one, row in zip(found.groups, found.newest, strict=True)
    ]
    if group is None and lines:
        # The newest one whose question a click can answer.
        group = next((one for one in lines if one.line.named_leads), lines[0]).group
    shown = await _shown(visit, group, labels) if group is not None else None
    return visit.page(
        "queue/page.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if problems else HTTPStatus.OK,
        shown=shown,
        lines=lines,
        before=before,
        next_before=found.next_before,
        undo=batch_id_from(visit.query("undo")),
        is_counting=await visit.store.queue_rows_behind(visit.account_id) > FIGURE_FAR_BEHIND_ROWS,
        problems=problems,
    )


def _group_line(
    group: OpenGroup, row: AccountLedgerRow, settings: AccountSettings, labels: ApiKeyLabels
) -> GroupLine:
    return GroupLine(
        group,
        ledger_line(row, settings, labels),
        kind_of(group.key) == AMBIGUOUS,
        _sources(group.callers[:_SOURCES_NAMED], settings, labels),
        max(len(group.callers) - _SOURCES_NAMED, 0),
    )


def _sources(
    callers: Sequence[CallerCount], settings: AccountSettings, labels: ApiKeyLabels
) -> tuple[str, ...]:
    names = dict(by_choices(settings, labels)) | {caller_value(0, 0): "the command line"}
    return tuple(names.get(one.caller, one.caller) for one in callers)


async def _shown(visit: Visit, group: OpenGroup, labels: ApiKeyLabels) -> Shown:
    read = await visit.store.ledger_row(visit.account_id, group.newest_seq)
    row = read.row
    rows = await visit.store.first_of_group(visit.account_id, group.key, limit=_DELIVERIES_SHOWN)
    settings = await settings_to_write_by(visit, read.settings, [row, *rows])
    of = _group_line(group, row, settings, labels)
    is_unread = kind_of(group.key) == UNREAD
    return Shown(
        of=of,
        row=row,
        deliveries=tuple(ledger_line(one, settings, labels) for one in rows),
        beside=await visit.store.beside_group(visit.account_id, group.newest_seq),
        compared=_compared(read, of.line),
        leads_href=matching_leads_href(row.match, settings) if row.match else "",
        payload=str(decoded(row.payload)) if is_unread else pretty(row.payload),
        is_unread=is_unread,
    )


def _compared(read: LedgerRead, line: LedgerLine) -> Comparison | None:
    if not line.named_leads:
        return None
    body = decoded(read.row.payload)
    properties = body.get("properties") if isinstance(body, dict) else None
    return comparison(read.leads, line.named_leads, properties, read.settings)


async def answer(visit: Visit) -> Response:
    """Give an answer to all deliveries of a group, or go on with one, and show the progress."""
    form = await visit.form()
    work = work_from(form)
    if work is None:
        return visit.redirect(PATH)
    if not work.batch_id:
        group = await visit.store.open_group(visit.account_id, work.group)
        if group is None:
            return visit.redirect(PATH, "Somebody has answered this already.", is_problem=True)
        try:
            work = await begun(visit, msgspec.structs.replace(work, total=group.deliveries))
        except OneleadError as error:
            if STATUS_BY_KIND[error.kind] == HTTPStatus.NOT_FOUND:
                raise
            return await queue_page(visit, group, problems_of(error))
    try:
        work = await next_chunk(visit, work)
    except OneleadError as error:
        # Some of these may be written; the next try finds them as they are.
        return _progress(visit, work, error)
    if not work.is_finished:
        return _progress(visit, work)
    return visit.redirect(
        await _next_path(visit, work), outcome_of(work), is_problem=work.refused > 0
    )


async def _next_path(visit: Visit, work: Work) -> str:
    """Return the address of the next group, from which an answer can be taken back."""
    if work.answer is Answer.UNDO:
        return PATH
    older_seq = (await visit.store.beside_group(visit.account_id, work.until)).older_seq
    path = PATH if older_seq is None else f"{PATH}/{older_seq}"
    return f"{path}?undo={work.batch_id}"


def _progress(visit: Visit, work: Work, problem: OneleadError | None = None) -> Response:
    return visit.page(
        "queue/working.html",
        STATUS_BY_KIND[problem.kind] if problem else HTTPStatus.OK,
        work=work,
        title=_DOING[work.answer],
        problem=error_line(problem) if problem else "",
    )


_DOING = {
    **dict.fromkeys(Answer, "Applying deliveries"),
    Answer.DISMISS: "Dismissing deliveries",
    Answer.UNDO: "Taking an answer back",
}

PAGES = (
    Page("GET", PATH, queue),
    Page("POST", f"{PATH}/answer", answer, once=PATH),
    Page("GET", f"{PATH}/{{seq}}", one_group),
)
