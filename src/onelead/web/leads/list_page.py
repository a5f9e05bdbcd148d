"""The page of all leads: search, filters, columns, order, pages."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from msgspec import Struct
from starlette.responses import Response

from onelead.contract.leads import LeadList
from onelead.domain.errors import InputInvalid
from onelead.domain.limits import MERGE_LEADS_MAX, SELECTED_LEADS_MAX
from onelead.web.frame.address import Pair
from onelead.web.frame.pages import Page
from onelead.web.frame.sessions import is_secure
from onelead.web.frame.visit import Visit, error_line, own_path
from onelead.web.leads.columns import Column, all_columns, chosen_columns
from onelead.web.leads.filters import (
    COMBINATIONS,
    WITHOUT_TEXTS,
    chips,
    choices,
    field_panels,
    more_fields,
    other_fields,
)
from onelead.web.leads.query import PAGE_SIZES, PATH, LeadQuery
from onelead.web.words.file_names import file_name

_COLUMNS_COOKIE = "onelead_columns"
_COLUMNS_KEPT_S = 365 * 86_400


class Header(Struct, frozen=True):
    """The head of a column: whether the list is sorted by it, and the address that sorts by it."""

    column: Column
    href: str
    #: The value of `aria-sort`; empty when the list is not sorted by this column.
    sorted: str


async def lead_list(visit: Visit) -> Response:
    """Show the leads that the address asks for."""
    query = LeadQuery(visit.request.query_params, visit.settings)
    tidy = query.tidy_href
    # An address that is too long for a redirect is shown as it is.
    if query.has_blanks and own_path(tidy) == tidy:
        return visit.redirect(tidy)
    found: LeadList | None = None
    if not query.problems:
        try:
            found = await visit.store.list_leads(
                visit.account_id, query.search, now=visit.now, backwards=bool(query.before)
            )
        except InputInvalid as error:
            if not (query.cursor or query.before):
                raise
            # An old address: the leads or the fields have changed since.
            return visit.redirect(query.href(), error_line(error), is_problem=True)
    if query.before and found and not found.leads and found.previous_cursor is None:
        return visit.redirect(query.href())
    context = _context(visit, query, found, await file_name(visit, query.search.batch_id))
    response = visit.page("leads/list.html", 422 if query.problems else 200, **context)
    _remember_columns(visit, query, response)
    return response


def _context(
    visit: Visit, query: LeadQuery, found: LeadList | None, of_file: str
) -> dict[str, Any]:
    settings = found.settings if found else visit.settings
    columns, offered = all_columns(settings), choices(settings)
    remembered = visit.request.cookies.get(_COLUMNS_COOKIE, "").split(".")
    chosen = chosen_columns(query.columns or remembered, columns)
    name = Column("name", "Name", "name", lambda lead: lead.name)
    return {
        "query": query,
        "problems": query.problems,
        "found": found,
        "columns": chosen,
        "all_columns": columns,
        "headers": [_header(column, query, found) for column in (name, *chosen)],
        "chips": chips(query, settings, offered, of_file),
        "choices": offered,
        "combinations": COMBINATIONS,
        "without": WITHOUT_TEXTS,
        "panels": field_panels(query, settings),
        "more_fields": more_fields(query, settings),
        "other_fields": other_fields(settings),
        "page_sizes": PAGE_SIZES,
        "sort_keys": [(column.sort_key, column.label) for column in columns if column.sort_key],
        "sort_label": next(
            (one.label for one in columns if one.sort_key == query.search.sort_by), "that"
        ),
        "selected_max": SELECTED_LEADS_MAX,
        "merge_max": MERGE_LEADS_MAX,
        "export_href": f"{PATH}/export?{urlencode(_exported(query, chosen))}",
        "is_first": not (query.cursor or query.before),
        "settings": settings,
    }


def _exported(query: LeadQuery, chosen: list[Column]) -> list[Pair]:
    return [*query.pairs, *(("columns", column.key) for column in chosen)]


def _header(column: Column, query: LeadQuery, found: LeadList | None) -> Header:
    is_sorted = found is not None and found.sort_by == column.sort_key
    # A list that is sorted by another key than requested is ascending.
    descends = is_sorted and query.search.descending and column.sort_key == query.search.sort_by
    direction = "desc" if is_sorted and not descends else "asc"
    changed = [("sort_by", column.sort_key), ("sort_direction", direction)]
    state = ("descending" if descends else "ascending") if is_sorted else ""
    return Header(column, query.href(changed=changed) if column.sort_key else "", state)


def _remember_columns(visit: Visit, query: LeadQuery, response: Response) -> None:
    """Remember the columns that the address names."""
    known = {column.key for column in all_columns(visit.settings)}
    if keys := [key for key in query.columns if key in known]:
        response.set_cookie(
            _COLUMNS_COOKIE,
            ".".join(keys),
            max_age=_COLUMNS_KEPT_S,
            path=PATH,
            secure=is_secure(visit.request),
            httponly=True,
            samesite="lax",
        )


PAGES = (Page("GET", PATH, lead_list),)
