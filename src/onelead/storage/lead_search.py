"""A search turned into SQL, and the page it finds. Portable.

Names, cities and the like are compared in their folded form. E-mails, phones, tags, profiles and
custom fields are found through the match keys, so those filters never scan the leads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    Float,
    Select,
    Text,
    and_,
    cast,
    false,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import literal

from onelead.account import AccountSettings
from onelead.custom_fields import TYPES_WITH_OPTIONS, CustomField, DataType
from onelead.limits import NUMBER_ABS_MAX
from onelead.matching import key_value
from onelead.search import (
    NO_ID,
    Combination,
    CursorPlace,
    KeyFilter,
    LeadSearch,
    Range,
    cursor_place,
    cursor_text,
    key_filters,
)
from onelead.storage.lane import lead_count
from onelead.storage.lead_rows import lead_from
from onelead.storage.schema import custom_field_option, lead, match_key
from onelead.store import LeadPage
from onelead.text import fold

Condition = ColumnElement[bool]
#: So many leads are sorted in about a tenth of a second.
_SORTED_MAX = 50_000

_LAST_INTERACTION = func.coalesce(lead.c.date_last_contacted, lead.c.date_created)
# Leads without a value come before those with the smallest.
_VALUE = func.coalesce(lead.c.monetary_value, cast(literal(-10.0 * NUMBER_ABS_MAX), Float))

#: What each sort key orders by. A column may be a bare one, so that its index serves.
_ORDER: dict[str, ColumnElement[Any]] = {
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
    # The longest inactive is the one whose last interaction is the oldest.
    "inactive_days": -_LAST_INTERACTION,
    "socials": lead.c.social_key,
    "assignee": func.coalesce(lead.c.assignee_id, 0),
    "customer_source": func.coalesce(lead.c.customer_source_id, 0),
    "monetary_value": _VALUE,
    "status": lead.c.status_id,
    "last_interaction": _LAST_INTERACTION,
    "interaction_count": lead.c.interaction_count,
}


def find_leads(
    connection: Connection, settings: AccountSettings, search: LeadSearch, now: int
) -> LeadPage:
    """Find a page of leads and count all that match. Raises InputInvalid."""
    criteria = list(_conditions(settings, search, now))
    conditions = [lead.c.account_id == settings.account_id, *criteria]
    if criteria:
        counted = select(func.count()).select_from(lead).where(*conditions)
        total = connection.execute(counted).scalar_one()
    else:
        total = lead_count(connection, settings.account_id)
    # PostgreSQL expects what matches evenly over the sort order, and walks it until a page is
    # full. Where it is not, as with the leads of one import, that is nearly all leads: few
    # matches are better sorted. SQLite goes by the keys anyway.
    is_few = bool(criteria) and total <= _SORTED_MAX and connection.dialect.name == "postgresql"
    rows = connection.execute(_page(conditions, search, is_few=is_few)).all()
    next_cursor = None
    if len(rows) > search.limit:
        rows = rows[: search.limit]
        last = rows[-1]
        next_cursor = cursor_text(CursorPlace(search.fingerprint(), last.sort_value, last.id))
    return LeadPage([lead_from(row.document) for row in rows], total, next_cursor, settings)


def _page(conditions: Sequence[Condition], search: LeadSearch, *, is_few: bool) -> Select[Any]:
    """Order the leads, go to the page, and read one lead more to know whether another follows.

    With `is_few`, the leads are found first and sorted then.
    """
    order = _ORDER[search.sort_by]
    found = select(lead.c.document, lead.c.id, order.label("sort_value")).where(*conditions)
    place = cursor_place(search)
    if place is not None:
        here, there = tuple_(order, lead.c.id), tuple_(place.sort_value, place.lead_id)
        found = found.where(here < there if search.descending else here > there)
    lead_id: ColumnElement[int] = lead.c.id
    if is_few:
        # The offset keeps the planner from making one query of the two.
        few = found.offset(0).subquery()
        found, order, lead_id = select(few), few.c.sort_value, few.c.id
    if search.descending:
        found = found.order_by(order.desc(), lead_id.desc())
    else:
        found = found.order_by(order, lead_id)
    offset = 0 if place else search.offset
    return found.limit(search.limit + 1).offset(offset)


def _conditions(settings: AccountSettings, search: LeadSearch, now: int) -> Iterable[Condition]:
    yield from _text_conditions(search)
    yield from _id_conditions(search)
    yield from _range_conditions(search, now)
    if search.followed is True:
        yield false()
    keyed = _Keys(settings.account_id)
    if search.emails is not None:
        yield keyed.any_of("email", [key_value(fold(email)) for email in search.emails])
    if search.socials is not None:
        yield keyed.any_of("social", [key_value(fold(url)) for url in search.socials])
    if search.phone_ending is not None:
        yield keyed.starting("phone", search.phone_ending[::-1])
    if search.tags is not None:
        values = [key_value(fold(tag)) for tag in search.tags.tags]
        if values:
            yield keyed.combined("tag", values, search.tags.combination)
        else:
            yield _is_absent("tags")
    for key_filter in key_filters(search, settings):
        yield keyed.custom(key_filter)


def _text_conditions(search: LeadSearch) -> Iterable[Condition]:
    parts: list[tuple[str | None, ColumnElement[str]]] = [
        (search.name, lead.c.name_key),
        (search.first_name, lead.c.first_name_key),
        (search.last_name, lead.c.last_name_key),
        (search.middle_name, lead.c.middle_name_key),
        (search.company_name, lead.c.company_name_key),
        (search.title, lead.c.title_key),
    ]
    for text, column in parts:
        if text is not None:
            yield column.contains(fold(text), autoescape=True)
    wholes: list[tuple[str | None, ColumnElement[str]]] = [
        (search.city, lead.c.city_key),
        (search.state, lead.c.state_key),
        (search.postal_code, lead.c.postal_code_key),
        (search.country, lead.c.country_key),
    ]
    for text, column in wholes:
        if text is not None:
            yield column == fold(text)
        if text:
            # Says that the partial index, which has only the leads with a value, is enough.
            yield column > ""


def _id_conditions(search: LeadSearch) -> Iterable[Condition]:
    lists: list[tuple[Sequence[int] | None, ColumnElement[int | None]]] = [
        (search.ids, lead.c.id),
        (search.assignee_ids, lead.c.assignee_id),
        (search.status_ids, lead.c.status_id),
        (search.customer_source_ids, lead.c.customer_source_id),
    ]
    for ids, column in lists:
        if ids is not None:
            found = column.in_([value for value in ids if value != NO_ID])
            yield or_(found, column.is_(None)) if NO_ID in ids else found


def _range_conditions(search: LeadSearch, now: int) -> Iterable[Condition]:
    if search.age_s is not None:
        yield lead.c.date_created >= now - search.age_s
    ranges: list[tuple[Range | None, ColumnElement[Any]]] = [
        (search.monetary_value, lead.c.monetary_value),
        (search.interaction_count, lead.c.interaction_count),
        (search.interaction_date, lead.c.date_last_contacted),
        (search.created_date, lead.c.date_created),
        (search.modified_date, lead.c.date_modified),
    ]
    for wanted, column in ranges:
        if wanted is not None and wanted.minimum is not None:
            yield column >= wanted.minimum
        if wanted is not None and wanted.maximum is not None:
            yield column <= wanted.maximum


class _InDocument(ColumnElement[Any]):
    """The value at a path of a lead's document, null when there is none."""

    inherit_cache = False

    def __init__(self, *path: str) -> None:
        self.path = path


# Both engines read JSON text; they name the function and write the path in ways of their own.
@compiles(_InDocument, "sqlite")
def _in_document_sqlite(element: _InDocument, compiler: SQLCompiler, **options: Any) -> str:
    path = "$" + "".join(f'."{part}"' for part in element.path)
    return compiler.process(func.json_extract(lead.c.document, path), **options)


@compiles(_InDocument, "postgresql")
def _in_document_postgresql(element: _InDocument, compiler: SQLCompiler, **options: Any) -> str:
    document = cast(lead.c.document, JSON)
    return compiler.process(func.json_extract_path(document, *element.path), **options)


def _is_absent(*path: str) -> Condition:
    """Say that the document has no value there; the stored form leaves empty values out."""
    return _InDocument(*path).is_(None)


class _Keys:
    """Conditions on an account's match keys."""

    def __init__(self, account_id: int) -> None:
        self._account_id = account_id

    def _ids(self, field: str, *conditions: Condition) -> Select[int]:
        return select(match_key.c.lead_id).where(
            match_key.c.account_id == self._account_id, match_key.c.field == field, *conditions
        )

    def where(self, field: str, *conditions: Condition) -> Condition:
        """Leads with a key of the field for which the conditions hold."""
        return lead.c.id.in_(self._ids(field, *conditions))

    def any_of(self, field: str, values: Sequence[str]) -> Condition:
        return self.where(field, match_key.c.value.in_(values))

    def all_of(self, field: str, values: Sequence[str]) -> Condition:
        # Counting keeps the statement flat: a condition for each value would nest too deeply.
        wanted = set(values)
        ids = self._ids(field, match_key.c.value.in_(wanted)).group_by(match_key.c.lead_id)
        return lead.c.id.in_(ids.having(func.count() == len(wanted)))

    def starting(self, field: str, start: str) -> Condition:
        # ":" follows "9", so the range holds every longer row of digits.
        return self.where(field, match_key.c.value >= start, match_key.c.value < f"{start}:")

    def combined(self, field: str, values: Sequence[str], combination: Combination) -> Condition:
        match combination:
            case Combination.ANY:
                return self.any_of(field, values)
            case Combination.ALL:
                return self.all_of(field, values)
            case Combination.NONE:
                return ~self.any_of(field, values)

    def custom(self, wanted: KeyFilter) -> Condition:
        field = wanted.field.key_field
        found: list[Condition] = []
        if wanted.values:
            found.append(self.combined(field, wanted.values, wanted.combination))
        bounds: list[Condition] = []
        if wanted.low is not None:
            bounds.append(match_key.c.value >= wanted.low)
        if wanted.high is not None:
            bounds.append(match_key.c.value <= wanted.high)
        if bounds:
            found.append(self.where(field, *bounds))
        holds = and_(*found) if found else false()
        if wanted.allow_empty:
            return or_(holds, self._is_empty(wanted.field))
        return holds

    def _is_empty(self, field: CustomField) -> Condition:
        if field.data_type is DataType.CHECKBOX:
            # A Checkbox without a value reads as false.
            return self.any_of(field.key_field, ["false"])
        if field.data_type in TYPES_WITH_OPTIONS:
            # The document still has an option that was removed from the definition.
            options = custom_field_option.c
            existing = select(cast(options.id, Text)).where(
                options.account_id == self._account_id, options.custom_field_id == field.id
            )
            return ~self.where(field.key_field, match_key.c.value.in_(existing))
        return _is_absent("custom_fields", str(field.id))
