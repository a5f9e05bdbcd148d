"""A search turned into SQL, and the page it finds. Portable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Float, Select, cast, func, select, tuple_
from sqlalchemy.sql.expression import literal

from onelead.contract.leads import LeadPage
from onelead.domain.account import AccountSettings
from onelead.domain.limits import NUMBER_ABS_MAX
from onelead.domain.search import CursorPlace, LeadSearch, checked_search, cursor_place, cursor_text
from onelead.storage.lane import lead_count
from onelead.storage.leads.conditions import Condition, Keys, conditions_of
from onelead.storage.leads.rows import lead_from
from onelead.storage.schema import lead

#: Sorting this many leads takes about a tenth of a second.
_SORTED_MAX = 50_000

_LAST_INTERACTION = func.coalesce(lead.c.date_last_contacted, lead.c.date_created)
# Leads without a value come before the smallest value.
_VALUE = func.coalesce(lead.c.monetary_value, cast(literal(-10.0 * NUMBER_ABS_MAX), Float))

#: What each sort key orders by; of a bare column the index is used.
ORDER: dict[str, ColumnElement[Any]] = {
    "name": lead.c.name_key,
    "first_name": lead.c.first_name_key,
    "last_name": lead.c.last_name_key,
    "company_name": lead.c.company_name_key,
    "title": lead.c.title_key,
    "value": _VALUE,
    "email": lead.c.email_key,
    "phone": lead.c.phone_key,
    "date_modified": lead.c.date_modified,
    "date_created": lead.c.date_created,
    "city": lead.c.city_key,
    "state": lead.c.state_key,
    "country": lead.c.country_key,
    "zip": lead.c.postal_code_key,
    # The lead with the oldest last interaction has been inactive the longest.
    "inactive_days": -_LAST_INTERACTION,
    "socials": lead.c.social_key,
    "assignee": func.coalesce(lead.c.assignee_id, 0),
    "customer_source": func.coalesce(lead.c.customer_source_id, 0),
    "monetary_value": _VALUE,
    "status": lead.c.status_id,
    "last_interaction": _LAST_INTERACTION,
    "interaction_count": lead.c.interaction_count,
}


def search_leads(
    connection: Connection, settings: AccountSettings, search: LeadSearch, *, now: int
) -> LeadPage:
    """Find a page of leads and count all that match. Raises InputInvalid."""
    checked = checked_search(search, settings)
    search = checked.search
    criteria = list(conditions_of(checked, Keys(settings.account_id), now))
    conditions = [lead.c.account_id == settings.account_id, *criteria]
    if criteria:
        counted = select(func.count()).select_from(lead).where(*conditions)
        total = connection.execute(counted).scalar_one()
    else:
        total = lead_count(connection, settings.account_id)
    # PostgreSQL expects the matches evenly spread over the sort order, and walks it until a page
    # is full. Where they are not, as with the leads of one import, it walks nearly all leads, so
    # few matches are better sorted. SQLite uses the keys anyway.
    is_few = bool(criteria) and total <= _SORTED_MAX and connection.dialect.name == "postgresql"
    rows = connection.execute(_page(conditions, search, is_few=is_few)).all()
    next_cursor = None
    if len(rows) > search.limit:
        rows = rows[: search.limit]
        last = rows[-1]
        next_cursor = cursor_text(CursorPlace(search.fingerprint(), last.sort_value, last.id))
    return LeadPage([lead_from(row.document) for row in rows], total, next_cursor, settings)


def _page(conditions: Sequence[Condition], search: LeadSearch, *, is_few: bool) -> Select[Any]:
    """Select the leads of a page in order, and one more to know whether another page follows.

    With `is_few`, the leads are found first and then sorted.
    """
    order = ORDER[search.sort_by]
    found = select(lead.c.document, lead.c.id, order.label("sort_value")).where(*conditions)
    place = cursor_place(search)
    if place is not None:
        here, there = tuple_(order, lead.c.id), tuple_(place.sort_value, place.lead_id)
        found = found.where(here < there if search.descending else here > there)
    lead_id: ColumnElement[int] = lead.c.id
    if is_few:
        # The offset keeps the planner from merging the two queries.
        few = found.offset(0).subquery()
        found, order, lead_id = select(few), few.c.sort_value, few.c.id
    if search.descending:
        found = found.order_by(order.desc(), lead_id.desc())
    else:
        found = found.order_by(order, lead_id)
    offset = 0 if place else search.offset
    return found.limit(search.limit + 1).offset(offset)
