"""A search's criteria as conditions on leads. Portable.

Names, cities and the like are compared in their folded form. E-mails, phones, tags, profiles and
custom fields are found through the match keys, so those filters never scan the leads.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from msgspec import structs
from sqlalchemy import (
    JSON,
    ColumnElement,
    Float,
    Select,
    Text,
    and_,
    cast,
    false,
    func,
    or_,
    select,
    union,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlalchemy.sql.compiler import SQLCompiler

from onelead.domain.custom_fields import (
    NUMBER_TYPES,
    TYPES_WITH_OPTIONS,
    CustomField,
    DataType,
    number_of_sortable,
)
from onelead.domain.matching import email_match_keys, key_value
from onelead.domain.search import (
    NO_ID,
    CheckedSearch,
    Combination,
    LeadSearch,
    MatchKeyFilter,
    QuickTerms,
    Range,
)
from onelead.domain.text import after_start, fold
from onelead.domain.writes import LEAD, Outcome
from onelead.storage.schema import (
    custom_field_option,
    lead,
    ledger,
    ledger_detail,
    match_key,
    merged_lead,
)

Condition = ColumnElement[bool]
Columns = ReadOnlyColumnCollection[str, Any]


def _is_in(column: ColumnElement[int], ids: Any) -> Condition:
    return column.in_(ids)


def conditions_of(checked: CheckedSearch, keyed: Keys, now: int) -> Iterable[Condition]:
    """Return a search's criteria for the leads of `keyed`; `now` is Unix seconds."""
    search, leads = checked.search, keyed.leads
    if search.followed is True or search.names_nobody:
        yield false()
        return
    yield from _text_conditions(search, leads)
    yield from _id_conditions(search, keyed)
    yield from _range_conditions(search, leads, now)
    if checked.quick_terms is not None:
        yield keyed.quick(checked.quick_terms)
    if search.batch_id is not None:
        yield keyed.of_batch(search.batch_id)
    if search.emails is not None:
        yield keyed.any_of("email", _email_values(search.emails))
    if search.socials is not None:
        yield keyed.any_of("social", [key_value(fold(url)) for url in search.socials])
    if search.phone_ending is not None:
        yield keyed.starting("phone", search.phone_ending[::-1])
    if search.tags is not None:
        values = [key_value(fold(tag)) for tag in search.tags.tags]
        if values:
            yield keyed.combined("tag", values, search.tags.combination)
        else:
            yield keyed.is_absent("tags")
    for key_filter in checked.key_filters:
        yield keyed.custom(key_filter)


class KeyCriterion(NamedTuple):
    """A criterion that match keys answer alone: by some values, or within bounds."""

    field: str
    values: Collection[str] = ()
    combination: Combination = Combination.ANY
    bounds: tuple[Condition, ...] = ()

    def ids(self, keyed: Keys) -> Select[int]:
        """Return the leads with such keys, which for NONE are those that do not meet it."""
        if self.bounds:
            return keyed.ids(self.field, *self.bounds)
        if self.combination is Combination.ALL:
            return keyed.ids_of_all(self.field, self.values)
        return keyed.ids(self.field, match_key.c.value.in_(self.values))

    @property
    def is_of_leads(self) -> bool:
        """Whether no lead is found more than once."""
        is_of_all = self.combination is Combination.ALL
        return not self.bounds and (is_of_all or len(self.values) <= 1)


def _email_values(texts: Iterable[str]) -> list[str]:
    return [key.value for text in texts for key in email_match_keys(text)]


def key_criteria(checked: CheckedSearch) -> Iterable[KeyCriterion]:
    """Return those of a search's criteria that match keys answer alone."""
    search, value = checked.search, match_key.c.value
    if search.emails is not None:
        yield KeyCriterion("email", _email_values(search.emails))
    if search.socials is not None:
        yield KeyCriterion("social", [key_value(fold(url)) for url in search.socials])
    if search.phone_ending is not None:
        yield KeyCriterion("phone", bounds=(starting(value, search.phone_ending[::-1]),))
    if search.tags is not None and search.tags.tags:
        tags = [key_value(fold(tag)) for tag in search.tags.tags]
        yield KeyCriterion("tag", tags, search.tags.combination)
    for wanted in checked.key_filters:
        if wanted.allow_empty:
            continue
        if wanted.values:
            yield KeyCriterion(wanted.field.key_field, wanted.values, wanted.combination)
        if bounds := tuple(in_range(value, wanted.low, wanted.high)):
            yield KeyCriterion(wanted.field.key_field, bounds=bounds)


def _text_conditions(search: LeadSearch, leads: Columns) -> Iterable[Condition]:
    parts: list[tuple[str | None, ColumnElement[str]]] = [
        (search.name, leads.name_key),
        (search.first_name, leads.first_name_key),
        (search.last_name, leads.last_name_key),
        (search.middle_name, leads.middle_name_key),
        (search.company_name, leads.company_name_key),
        (search.title, leads.title_key),
    ]
    for text, column in parts:
        if text is not None:
            yield column.contains(fold(text), autoescape=True)
    wholes: list[tuple[str | None, ColumnElement[str]]] = [
        (search.city, leads.city_key),
        (search.state, leads.state_key),
        (search.postal_code, leads.postal_code_key),
        (search.country, leads.country_key),
    ]
    for text, column in wholes:
        if text is not None:
            yield column == fold(text)
        if text:
            # Allows the use of the partial index, which has only the leads with a value.
            yield column > ""


def _id_conditions(search: LeadSearch, keyed: Keys) -> Iterable[Condition]:
    leads = keyed.leads
    if search.ids is not None:
        yield keyed.with_ids(search.ids)
    lists: list[tuple[Sequence[int] | None, ColumnElement[int | None]]] = [
        (search.assignee_ids, leads.assignee_id),
        (search.status_ids, leads.status_id),
        (search.customer_source_ids, leads.customer_source_id),
    ]
    for ids, column in lists:
        if ids is not None:
            found = column.in_([value for value in ids if value != NO_ID])
            yield or_(found, column.is_(None)) if NO_ID in ids else found


def _range_conditions(search: LeadSearch, leads: Columns, now: int) -> Iterable[Condition]:
    if search.age_s is not None:
        yield leads.date_created >= now - search.age_s
    ranges: list[tuple[Range | None, ColumnElement[Any]]] = [
        (search.monetary_value, leads.monetary_value),
        (search.interaction_count, leads.interaction_count),
        (search.interaction_date, leads.date_last_contacted),
        (search.created_date, leads.date_created),
        (search.modified_date, leads.date_modified),
    ]
    for wanted, column in ranges:
        if wanted is not None:
            yield from in_range(column, wanted.minimum, wanted.maximum)


def in_range(column: ColumnElement[Any], low: Any, high: Any) -> Iterable[Condition]:
    """Yield the conditions of an inclusive range; None is open."""
    if low is not None:
        yield column >= low
    if high is not None:
        yield column <= high


def is_by_keys(checked: CheckedSearch) -> bool:
    """Return whether all criteria of a search are `key_criteria`."""
    search = checked.search
    tags = search.tags if search.tags is not None and not search.tags.tags else None
    keyed = {"emails": None, "socials": None, "phone_ending": None, "tags": tags}
    rest = structs.replace(search, **keyed, custom_fields=())
    has_empty = any(one.allow_empty for one in checked.key_filters)
    return not rest.criteria and not has_empty and not search.names_nobody


class InDocument(ColumnElement[Any]):
    """The value at a path of a lead's document, null when there is none."""

    inherit_cache = False

    def __init__(self, document: ColumnElement[str], *path: str) -> None:
        self.document = document
        self.path = path


# Both engines read JSON text; the function's name and the form of the path differ.
@compiles(InDocument, "sqlite")
def _in_document_sqlite(element: InDocument, compiler: SQLCompiler, **options: Any) -> str:
    path = "$" + "".join(f'."{part}"' for part in element.path)
    return compiler.process(func.json_extract(element.document, path), **options)


@compiles(InDocument, "postgresql")
def _in_document_postgresql(element: InDocument, compiler: SQLCompiler, **options: Any) -> str:
    document = cast(element.document, JSON)
    return compiler.process(func.json_extract_path_text(document, *element.path), **options)


def starting(column: ColumnElement[str], start: str) -> Condition:
    """Match texts that begin with `start`, as a range of an index."""
    end = after_start(start)
    return column >= start if end is None else and_(column >= start, column < end)


class Keys:
    """Conditions on an account's match keys, which find their leads by an index."""

    def __init__(self, account_id: int) -> None:
        self.account_id = account_id
        #: The columns of the leads that the conditions are about.
        self.leads: Columns = lead.c

    def ids(self, field: str, *conditions: Condition) -> Select[int]:
        """Return the leads with a key of the field for which the conditions hold."""
        return select(match_key.c.lead_id).where(
            match_key.c.account_id == self.account_id, match_key.c.field == field, *conditions
        )

    def where(self, field: str, *conditions: Condition) -> Condition:
        """Match leads that have a key of the field for which the conditions hold."""
        return _is_in(self.leads.id, self.ids(field, *conditions))

    def with_ids(self, ids: Collection[int]) -> Condition:
        """Match the leads with these ids; that of a merged lead means the one that it became."""
        named, table = lead.alias("named"), merged_lead
        # As one set: for two conditions with "or", PostgreSQL looks at every lead.
        found = union(
            select(named.c.id).where(named.c.account_id == self.account_id, named.c.id.in_(ids)),
            select(table.c.lead_id).where(
                table.c.account_id == self.account_id, table.c.id.in_(ids)
            ),
        )
        return _is_in(self.leads.id, found)

    def batch_ids(self, batch_id: str) -> Select[Any]:
        """Return the leads of a batch, once for each delivery that was taken."""
        detail = ledger_detail.c
        same_row = and_(detail.account_id == ledger.c.account_id, detail.seq == ledger.c.seq)
        return (
            select(ledger.c.resource_id)
            .join_from(ledger_detail, ledger, same_row)
            .where(detail.account_id == self.account_id, detail.batch_id == batch_id)
            .where(ledger.c.resource == LEAD, ledger.c.outcome != Outcome.REFUSED.value)
        )

    def of_batch(self, batch_id: str) -> Condition:
        """Match leads that deliveries of a batch were about."""
        return _is_in(self.leads.id, self.batch_ids(batch_id))

    def any_of(self, field: str, values: Collection[str]) -> Condition:
        """Match leads that have one of these keys."""
        return self.where(field, match_key.c.value.in_(values))

    def all_of(self, field: str, values: Collection[str]) -> Condition:
        """Match leads that have all of these keys."""
        return _is_in(self.leads.id, self.ids_of_all(field, values))

    def ids_of_all(self, field: str, values: Collection[str]) -> Select[int]:
        """Return the leads that have all of these keys."""
        # Counting keeps the statement flat: a condition for each value would nest too deeply.
        wanted = set(values)
        ids = self.ids(field, match_key.c.value.in_(wanted)).group_by(match_key.c.lead_id)
        return ids.having(func.count() == len(wanted))

    def starting(self, field: str, start: str) -> Condition:
        """Match leads that have a key that begins with `start`."""
        return self.where(field, starting(match_key.c.value, start))

    def combined(self, field: str, values: Collection[str], combination: Combination) -> Condition:
        """Match leads that have any, all or none of these keys."""
        match combination:
            case Combination.ANY:
                return self.any_of(field, values)
            case Combination.ALL:
                return self.all_of(field, values)
            case Combination.NONE:
                return ~self.any_of(field, values)

    def quick(self, terms: QuickTerms) -> Condition:
        """Match the leads that a quick search finds."""
        return _is_in(self.leads.id, union(*quick_ids(self, terms)))

    def custom(self, wanted: MatchKeyFilter) -> Condition:
        """Match leads with a value that a custom field filter looks for."""
        found: list[Condition] = []
        if wanted.values:
            found.append(self.combined(wanted.field.key_field, wanted.values, wanted.combination))
        if wanted.low is not None or wanted.high is not None:
            found.append(self.between(wanted))
        holds = and_(*found) if found else false()
        if wanted.allow_empty:
            return or_(holds, self._is_empty(wanted.field))
        return holds

    def between(self, wanted: MatchKeyFilter) -> Condition:
        """Match leads with a value in the range of a custom field filter."""
        bounds = in_range(match_key.c.value, wanted.low, wanted.high)
        return self.where(wanted.field.key_field, *bounds)

    def is_absent(self, *path: str) -> Condition:
        """Match leads without a value there; the stored form leaves empty values out."""
        return InDocument(self.leads.document, *path).is_(None)

    def _is_empty(self, field: CustomField) -> Condition:
        if field.data_type is DataType.CHECKBOX:
            # A Checkbox without a value reads as false.
            return self.any_of(field.key_field, ["false"])
        if field.data_type in TYPES_WITH_OPTIONS:
            # The document keeps options that were removed from the definition.
            options = custom_field_option.c
            existing = select(cast(options.id, Text)).where(
                options.account_id == self.account_id, options.custom_field_id == field.id
            )
            return ~self.where(field.key_field, match_key.c.value.in_(existing))
        return self.is_absent("custom_fields", str(field.id))


class KeysOfEach(Keys):
    """The same conditions, looked up lead by lead: for a few leads that are already found."""

    def __init__(self, account_id: int, leads: Columns) -> None:
        super().__init__(account_id)
        self.leads = leads

    def where(self, field: str, *conditions: Condition) -> Condition:
        keys = self.ids(field, match_key.c.lead_id == self.leads.id, *conditions)
        return keys.correlate_except(match_key).exists()

    def of_batch(self, batch_id: str) -> Condition:
        rows = self.batch_ids(batch_id).where(ledger.c.resource_id == self.leads.id)
        return rows.correlate_except(ledger, ledger_detail).exists()

    def all_of(self, field: str, values: Collection[str]) -> Condition:
        wanted = set(values)
        keys = self.ids(field, match_key.c.lead_id == self.leads.id, match_key.c.value.in_(wanted))
        count = keys.with_only_columns(func.count()).correlate_except(match_key)
        return count.scalar_subquery() == len(wanted)

    def starting(self, field: str, start: str) -> Condition:
        # No index has one lead's keys in order, but one has all keys that begin like this.
        return _is_in(self.leads.id, self.ids(field, starting(match_key.c.value, start)))

    def quick(self, terms: QuickTerms) -> Condition:
        leads = self.leads
        parts = (leads.name_key, leads.last_name_key, leads.company_name_key)
        found = [starting(part, terms.start) for part in parts]
        if terms.email_start is not None:
            found.append(starting(leads.email_key, terms.email_start))
            # Some leads have several addresses.
            found.append(leads.email_key.contains(f" {terms.email_start}", autoescape=True))
        if terms.emails:
            found.append(self.any_of("email", [key_value(one) for one in terms.emails]))
        if terms.phone_ending is not None:
            found.append(self.starting("phone", terms.phone_ending[::-1]))
        if terms.national_numbers:
            found.append(self.any_of("phone", [one[::-1] for one in terms.national_numbers]))
        return or_(*found)

    def between(self, wanted: MatchKeyFilter) -> Condition:
        # Looking through a range of keys for each lead would take too long.
        value = InDocument(self.leads.document, "custom_fields", str(wanted.field.id))
        low: Any = wanted.low
        high: Any = wanted.high
        column: ColumnElement[Any] = cast(value, Text)
        if wanted.field.data_type in NUMBER_TYPES:
            column = cast(value, Float)
            low, high = (None if one is None else number_of_sortable(one) for one in (low, high))
        return and_(*in_range(column, low, high))


def quick_ids(keyed: Keys, terms: QuickTerms) -> list[Select[int]]:
    """Return the statements that find the leads of a quick search, each by an index."""
    columns = (lead.c.name_key, lead.c.last_name_key, lead.c.company_name_key)
    of_account = lead.c.account_id == keyed.account_id
    found = [select(lead.c.id).where(of_account, starting(part, terms.start)) for part in columns]
    if terms.email_start is not None:
        found.append(keyed.ids("email", starting(match_key.c.value, key_value(terms.email_start))))
    if terms.emails:
        found.append(
            keyed.ids("email", match_key.c.value.in_([key_value(one) for one in terms.emails]))
        )
    if terms.phone_ending is not None:
        ending = starting(match_key.c.value, terms.phone_ending[::-1])
        found.append(keyed.ids("phone", ending))
    if terms.national_numbers:
        whole = match_key.c.value.in_([one[::-1] for one in terms.national_numbers])
        found.append(keyed.ids("phone", whole))
    return found
