"""A search turned into SQL, and the page it finds. Portable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Float,
    Select,
    cast,
    except_,
    func,
    select,
    tuple_,
    union,
)
from sqlalchemy.sql.expression import literal

from onelead.contract.leads import LeadPage
from onelead.domain.account import AccountSettings
from onelead.domain.limits import LIST_EXAMINED_MAX, NUMBER_ABS_MAX
from onelead.domain.search import (
    Combination,
    CursorPlace,
    LeadSearch,
    checked_search,
    cursor_place,
    cursor_text,
)
from onelead.storage.lane import lead_count
from onelead.storage.leads.changed import BY_CHANGE, Changes, Place
from onelead.storage.leads.conditions import (
    Condition,
    KeyCriterion,
    Keys,
    conditions_of,
    is_by_keys,
    key_criteria,
)
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
    keyed = Keys(settings.account_id)
    criteria = list(conditions_of(checked, keyed, now))
    conditions = [lead.c.account_id == settings.account_id, *criteria]
    changes = Changes(connection, settings.account_id, search.modified_date)
    if search.modified_date and (ids := changes.lead_ids(_SORTED_MAX)) is not None:
        conditions.append(lead.c.id.in_(ids))
    if not criteria:
        total = lead_count(connection, settings.account_id)
    elif is_by_keys(checked) and not settings.may_have_old_keys:
        total = _count_by_keys(connection, keyed, list(key_criteria(checked)))
    else:
        counted = select(func.count()).select_from(lead).where(*conditions)
        total = connection.execute(counted).scalar_one()
    # PostgreSQL expects the matches evenly spread over the sort order, and walks it until a page
    # is full. Where they are not, as with the leads of one import, it walks nearly all leads, so
    # few matches are better sorted. SQLite uses the keys anyway.
    is_few = bool(criteria) and total <= _SORTED_MAX and connection.dialect.name == "postgresql"
    rows = None
    if search.sort_by == BY_CHANGE and not is_few:
        rows = _by_change(connection, changes, criteria, search)
    if rows is None:
        rows = connection.execute(_page(conditions, search, is_few=is_few)).all()
    next_cursor = None
    if len(rows) > search.limit:
        rows = rows[: search.limit]
        last = rows[-1]
        next_cursor = cursor_text(CursorPlace(search.fingerprint(), last.sort_value, last.id))
    return LeadPage([lead_from(row.document) for row in rows], total, next_cursor, settings)


def _by_change(
    connection: Connection, changes: Changes, conditions: Sequence[Condition], search: LeadSearch
) -> Sequence[Any] | None:
    """Find the leads of a page among the ledger's changes; None if it has too many for them."""
    place = cursor_place(search)
    end = Place(place.sort_value, place.lead_id) if place else None
    skipped = 0 if place else search.offset
    if skipped > LIST_EXAMINED_MAX:
        return None
    wanted = skipped + search.limit + 1
    rows: list[Any] = []
    order = lead.c.date_modified, lead.c.id
    columns = (lead.c.document, lead.c.id, lead.c.date_modified.label("sort_value"))
    for count in (2 * wanted, 2 * wanted + LIST_EXAMINED_MAX):
        found, end = changes.look(end, count, descends=search.descending)
        page = select(*columns).select_from(changes.leads(found)).where(*conditions)
        page = page.order_by(*(one.desc() if search.descending else one for one in order))
        rows += connection.execute(page.limit(wanted - len(rows))).all()
        if len(rows) == wanted or end is None:
            return rows[skipped:]
    return None


def _count_by_keys(connection: Connection, keyed: Keys, criteria: Sequence[KeyCriterion]) -> int:
    """Count the leads that meet all criteria without reading any: every key is that of a lead."""
    are = [one for one in criteria if one.combination is not Combination.NONE]
    are_not = [one.ids(keyed) for one in criteria if one.combination is Combination.NONE]
    if not are:
        with_them = select(union(*are_not).subquery()).distinct()
        return lead_count(connection, keyed.account_id) - _count(connection, with_them)
    first, *others = are
    found = first.ids(keyed).subquery()
    ids = select(found.c.lead_id).where(*(found.c.lead_id.in_(one.ids(keyed)) for one in others))
    if are_not:
        return _count(connection, except_(ids, *are_not))
    return _count(connection, ids if first.is_of_leads else ids.distinct())


def _count(connection: Connection, ids: Select[Any] | CompoundSelect[Any]) -> int:
    found: int = connection.execute(select(func.count()).select_from(ids.subquery())).scalar_one()
    return found


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
