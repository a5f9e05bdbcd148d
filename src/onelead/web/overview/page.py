"""The Overview: what arrives and from whom, which leads exist, and the health of the system."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from msgspec import Struct
from starlette.responses import Response

from onelead.contract.figures import DayFigure, Division, FoldState
from onelead.domain.account import AccountSettings, ApiKey
from onelead.domain.custom_fields import IndexState
from onelead.domain.figures import Grouping
from onelead.domain.limits import LIVE_ROWS
from onelead.process.readiness import Check as ReadyCheck
from onelead.web.frame.pages import Page
from onelead.web.frame.visit import Visit
from onelead.web.overview.arrivals import (
    Bucket,
    day_begins_late,
    day_buckets,
    description,
    hour_buckets,
    local_minute,
    stretches,
    totals,
    with_others,
)
from onelead.web.overview.attention import attention
from onelead.web.overview.callers import callers
from onelead.web.overview.chart import THEMES, arrivals_svg
from onelead.web.overview.live import newest, stream
from onelead.web.overview.shared_values import shared_lists
from onelead.web.overview.stack import BY_OUTCOME, Stack, drawn_stack, grouping_named, stack_of
from onelead.web.words.ledger_lines import api_key_labels
from onelead.web.words.spans import SPANS, Span, hours_of, span_named

#: An account with more leads than this is not new, even if some steps are not done.
_FIRST_LEADS = 10
#: How many senders are listed.
_CALLERS_MAX = 8
_STACKED_BY = {Grouping.OUTCOME: "outcome", Grouping.CALLER: "sender"}
_STATUSES, _SOURCES = "status_id", "customer_source_id"
#: The image is only shown inside its page, and contains its own style.
_IMAGE_HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}


class Share(Struct, frozen=True):
    """An entry of a pick list, and how many leads have it."""

    id: int
    name: str
    leads: int


async def overview(visit: Visit) -> Response:
    """Show the last hours or days on one page."""
    span, grouping = span_named(visit.query("span")), grouping_named(visit.query("by"))
    store, account_id = visit.store, visit.account_id
    since, until = hours_of(span, visit.now, visit.settings.zone)
    state, by_caller, leads, keys, checks, found_odd = await asyncio.gather(
        store.fold_state(account_id),
        store.deliveries_by_caller(account_id, since, until),
        store.lead_figures(account_id, fields=(_STATUSES, _SOURCES)),
        store.api_keys(account_id),
        visit.runtime.readiness.checks(),
        attention(visit),
    )
    settings = visit.settings
    labels = api_key_labels(keys)
    found = callers(by_caller, settings, keys)
    stack = stack_of(grouping, found)
    shown, deliveries = await asyncio.gather(_buckets(visit, span, stack), newest(visit, labels))
    by_outcome = Counter[str]()
    for caller in found:
        by_outcome.update(caller.counts)
    steps = _steps(settings, keys, state.lead_count)
    is_new = not state.lead_count and not deliveries
    is_beginner = visit.signed_in.is_admin and state.lead_count <= _FIRST_LEADS
    is_done = all(step.is_done for step in steps)
    in_span = urlencode({"about": "leads", "from": local_minute(since, settings.zone)})
    view = visit.runtime.scans.look(settings, state.lead_count)
    return visit.page(
        "overview/page.html",
        span=span,
        span_choices=[(choice.name, choice.label) for choice in SPANS],
        grouping=grouping,
        picture=_picture_query(span, stack),
        layers=stack.layers,
        buckets=shown,
        totals=totals(shown, stack.layers),
        stacked_by=_STACKED_BY[stack.grouping],
        day_begins="" if span.hours else day_begins_late(visit.now, settings.zone),
        description=description(span, shown, stack.layers, _STACKED_BY[stack.grouping]),
        outcomes=BY_OUTCOME.layers,
        by_outcome=by_outcome,
        callers=found,
        callers_max=_CALLERS_MAX,
        statuses=_shares(settings.statuses, leads.get(_STATUSES, {})),
        sources=_shares(settings.sources, leads.get(_SOURCES, {})),
        state=state,
        is_counting=state.is_far_behind,
        deliveries=deliveries,
        deliveries_max=LIVE_ROWS,
        is_new=is_new,
        steps=steps if is_new or (is_beginner and not is_done) else [],
        refused_query=f"outcome=refused&{in_span}",
        in_span=in_span,
        attention=found_odd,
        scan=view,
        shared=shared_lists(view.scan, settings) if view.scan else [],
        health=_health(visit, checks, state),
    )


async def picture(visit: Visit) -> Response:
    """Draw the chart of deliveries."""
    span, theme = span_named(visit.query("span")), visit.query("theme")
    query = visit.request.query_params
    stack = drawn_stack(query.getlist("caller"), has_others=visit.query("others") == "1")
    # In a thread, because drawing takes some 20 ms.
    drawn = await asyncio.to_thread(
        arrivals_svg,
        await _buckets(visit, span, stack),
        stack.layers,
        theme if theme in THEMES else THEMES[0],
        is_narrow=visit.query("narrow") == "1",
    )
    return Response(drawn, media_type="image/svg+xml", headers=_IMAGE_HEADERS)


def _picture_query(span: Span, stack: Stack) -> str:
    """Return the query of a picture with the same content as the page, without its theme."""
    query = [("span", span.name)]
    if stack.grouping is Grouping.CALLER:
        query += [("caller", value) for value in stack.division.values]
        query += [("others", "1")] if stack.has_others else []
    return urlencode(query)


async def _buckets(visit: Visit, span: Span, stack: Stack) -> Sequence[Bucket]:
    shown = await _counted(visit, span, stack.division)
    if stack.has_others:
        return with_others(shown, await _counted(visit, span, BY_OUTCOME.division))
    return shown


async def _counted(visit: Visit, span: Span, division: Division) -> Sequence[Bucket]:
    store, account_id, zone = visit.store, visit.account_id, visit.settings.zone
    since, until = hours_of(span, visit.now, zone)
    if span.hours:
        hours = await store.deliveries_by_hour(account_id, division, since, until)
        return hour_buckets(span, hours, visit.now, zone)
    days: list[DayFigure] = []
    for begin, end, ahead_s in stretches(since, until, zone):
        days += await store.deliveries_by_day(account_id, division, begin, end, ahead_s=ahead_s)
    return day_buckets(span, days, visit.now, zone)


def _shares(entries: Sequence[Any], leads: Mapping[str, int]) -> list[Share]:
    return [Share(entry.id, entry.name, leads.get(str(entry.id), 0)) for entry in entries]


class Step(Struct, frozen=True):
    """One of the first steps in a new account."""

    title: str
    text: str
    href: str
    link: str
    is_done: bool
    is_for_admins: bool = False


def _steps(settings: AccountSettings, keys: Sequence[ApiKey], lead_count: int) -> list[Step]:
    """Return the first steps in an account."""
    return [
        Step(
            "Create an API key",
            "Every program that sends leads needs its own key.",
            "/settings/api-keys",
            "API Keys",
            any(key.date_revoked is None and not key.is_source for key in keys),
            is_for_admins=True,
        ),
        Step(
            "Send your first upsert",
            "Try one here, and copy the curl command.",
            "/try",
            "Try it",
            is_done=lead_count > 0,
        ),
        Step(
            "Match by your own field",
            "Create a custom field, such as a customer number, and include it in filters. Upserts "
            "can then find leads by it.",
            "/settings/custom-fields",
            "Custom Fields",
            any(field.is_indexed for field in settings.lead_fields),
            is_for_admins=True,
        ),
    ]


class Check(Struct, frozen=True):
    """One line about the health of the system."""

    name: str
    text: str
    is_good: bool = True


def _health(visit: Visit, checks: Mapping[str, ReadyCheck], state: FoldState) -> list[Check]:
    building = [f for f in visit.settings.fields if f.index_state is IndexState.BUILDING]
    waiting = visit.runtime.writer.waiting_writes
    has_room, behind = checks["write_queue"].is_passed, state.rows_behind
    names = ", ".join(field.name for field in building)
    database = checks["database"]
    state_text = "is responding" if database.is_passed else "is not responding"
    text = f"{visit.store.kind} {state_text}" if database.error is None else database.error.message
    return [
        Check("Database", text, database.is_passed),
        Check("Waiting writes", f"{waiting:,}" if waiting or not has_room else "none", has_room),
        Check("Indexes", f"building: {names}" if building else "complete"),
        Check("Figures", f"{behind:,} behind" if behind else "up to date"),
    ]


PAGES = (
    Page("GET", "/", overview),
    Page("GET", "/overview/deliveries.svg", picture),
    Page("GET", "/overview/live", stream),
)
