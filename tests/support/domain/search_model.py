"""What a search must find, lead by lead: the model that the engines are compared with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import CustomField, DataType, day_seconds, number, stored_value
from onelead.domain.emails import email_keys
from onelead.domain.lead import Address, Lead
from onelead.domain.phones import phone_digits
from onelead.domain.search import (
    LAST_CONTACTED,
    NO_ID,
    SORT_KEYS,
    Combination,
    FieldFilter,
    LeadSearch,
    Range,
)
from onelead.domain.search_dates import LocalBound
from onelead.domain.text import fold, tidy

#: Sorts a lead without a value before all others.
NO_VALUE = float("-inf")


def expected(
    leads: Iterable[Lead], search: LeadSearch, settings: AccountSettings, now: int
) -> list[Lead]:
    """Return all leads that match, in the requested order; the caller takes a page of them."""
    found = [lead for lead in leads if all(_answers(lead, search, settings, now))]
    if search.sort_by not in SORT_KEYS:
        return _sorted_for_people(found, search, settings)
    return sorted(
        found,
        key=lambda lead: (sort_value(lead, search.sort_by), lead.id),
        reverse=search.descending,
    )


def _sorted_for_people(
    found: list[Lead], search: LeadSearch, settings: AccountSettings
) -> list[Lead]:
    """Sort by a key that only lists have: leads without a value come last."""
    values = {lead.id: _value_for_people(lead, search.sort_by, settings) for lead in found}
    has = [lead for lead in found if values[lead.id] is not None]
    has.sort(key=lambda lead: (values[lead.id], lead.id), reverse=search.descending)
    empty = [lead for lead in found if values[lead.id] is None]
    return has + sorted(empty, key=lambda lead: lead.id, reverse=search.descending)


def _value_for_people(lead: Lead, sort_by: str, settings: AccountSettings) -> Any:
    if sort_by == LAST_CONTACTED:
        return lead.date_last_contacted
    field = settings.fields_by_id[int(sort_by.removeprefix("cf_"))]
    value: Any = lead.custom_fields.get(field.id)
    match field.data_type:
        case DataType.CHECKBOX:
            return value is True
        case DataType.STRING | DataType.TEXT | DataType.URL:
            return value and fold(value[:600])[:600]
        case DataType.DROPDOWN | DataType.MULTI_SELECT if value:
            ids = [option.id for option in field.options]
            return min(ids.index(one) for one in (value if isinstance(value, tuple) else [value]))
    return value


def sort_value(lead: Lead, sort_by: str) -> Any:
    """Return the value that a lead is sorted by."""
    address = lead.address or Address()
    last_interaction = lead.date_last_contacted or lead.date_created
    values: dict[str, Any] = {
        "name": fold(lead.name),
        "first_name": fold(lead.first_name or ""),
        "last_name": fold(lead.last_name or ""),
        "company_name": fold(lead.company_name or ""),
        "title": fold(lead.title or ""),
        "value": NO_VALUE if lead.monetary_value is None else lead.monetary_value,
        "email": " ".join(_addresses(lead)),
        "phone": phone_digits(lead.phone_numbers[0].number) if lead.phone_numbers else "",
        "date_modified": lead.date_modified,
        "date_created": lead.date_created,
        "city": fold(address.city or ""),
        "state": fold(address.state or ""),
        "country": fold(address.country or ""),
        "zip": fold(address.postal_code or ""),
        "inactive_days": -last_interaction,
        "socials": fold(lead.socials[0].url)[:600] if lead.socials else "",
        "assignee": lead.assignee_id or 0,
        "customer_source": lead.customer_source_id or 0,
        "monetary_value": NO_VALUE if lead.monetary_value is None else lead.monetary_value,
        "status": lead.status_id,
        "last_interaction": last_interaction,
        "interaction_count": lead.interaction_count,
    }
    return values[sort_by]


def _addresses(lead: Lead) -> Sequence[str]:
    return email_keys(lead.email.email) if lead.email else ()


def _answers(lead: Lead, search: LeadSearch, settings: AccountSettings, now: int) -> Iterator[bool]:
    yield from _texts(lead, search)
    yield from (_is_within(lead, bound, settings) for bound in search.local_bounds)
    yield from _ids(lead, search)
    yield from _ranges(lead, search, now)
    yield search.followed is not True
    yield search.quick is None or _is_found_quickly(lead, search.quick)
    if search.emails is not None:
        wanted = {key for text in search.emails for key in email_keys(text)}
        yield not wanted.isdisjoint(_addresses(lead))
    if search.socials is not None:
        yield any(_is_one_of(link.url, search.socials) for link in lead.socials)
    if search.phone_ending is not None:
        numbers = (phone_digits(phone.number) for phone in lead.phone_numbers)
        yield search.phone_ending != "" and any(
            one.endswith(search.phone_ending) for one in numbers
        )
    if search.tags is not None:
        tags = {fold(tag) for tag in lead.tags}
        has = [fold(tag) in tags for tag in search.tags.tags]
        yield _combined(has, search.tags.combination) if has else not tags
    for entry in search.custom_fields:
        yield _holds(lead, entry, settings)


def _is_found_quickly(lead: Lead, text: str) -> bool:
    parts = (lead.name, lead.last_name, lead.company_name)
    if any(fold(part or "").startswith(fold(text)) for part in parts):
        return True
    wanted = email_keys(text)
    if not set(wanted).isdisjoint(_addresses(lead)):
        return True
    start = wanted[0] if len(wanted) == 1 else text.lower()
    if any(one.startswith(start) for one in _addresses(lead)):
        return True
    digits = "".join(mark for mark in text if mark.isdecimal())
    if len(digits) < 3 or not set(text) <= {*digits, *"+-()./ "}:
        return False
    numbers = [phone_digits(phone.number) for phone in lead.phone_numbers]
    if "+" in text:
        # The stored number may be in national form.
        national = [digits[cut:] for cut in (1, 2, 3) if len(digits) - cut >= 7]
        if not set(numbers).isdisjoint({*national, *("0" + one for one in national)}):
            return True
    return any(number.endswith(digits) for number in numbers)


def _texts(lead: Lead, search: LeadSearch) -> Iterator[bool]:
    address = lead.address or Address()
    parts = ("name", "first_name", "last_name", "middle_name", "company_name", "title")
    for part in parts:
        wanted = getattr(search, part)
        finds_nobody = wanted == "" and "name" in part
        is_in = wanted is None or fold(wanted) in fold(getattr(lead, part) or "")
        yield is_in and not finds_nobody
    for whole in ("city", "state", "postal_code", "country"):
        wanted = getattr(search, whole)
        yield wanted is None or fold(wanted) == fold(getattr(address, whole) or "")


def _ids(lead: Lead, search: LeadSearch) -> Iterator[bool]:
    for wanted, is_so in (
        (search.ids, lead.id),
        (search.assignee_ids, lead.assignee_id),
        (search.status_ids, lead.status_id),
        (search.customer_source_ids, lead.customer_source_id),
    ):
        yield wanted is None or is_so in wanted or (is_so is None and NO_ID in wanted)


def _ranges(lead: Lead, search: LeadSearch, now: int) -> Iterator[bool]:
    yield search.age_s is None or lead.date_created >= now - search.age_s
    yield _lies_in(lead.monetary_value, search.monetary_value)
    yield _lies_in(lead.interaction_count, search.interaction_count)
    yield _lies_in(lead.date_last_contacted, search.interaction_date)
    yield _lies_in(lead.date_created, search.created_date)
    yield _lies_in(lead.date_modified, search.modified_date)


def _is_within(lead: Lead, bound: LocalBound, settings: AccountSettings) -> bool:
    """Compare as clocks and calendars in the account's time zone show it."""
    moments = {
        "created_date": lead.date_created,
        "modified_date": lead.date_modified,
        "interaction_date": lead.date_last_contacted,
    }
    moment = moments[bound.range_name]
    if moment is None:
        return False
    shown = datetime.fromtimestamp(moment, settings.zone).isoformat()[: len(bound.text)]
    return shown <= bound.text if bound.is_maximum else shown >= bound.text


def _lies_in(value: float | None, wanted: Range | None) -> bool:
    if wanted is None or (wanted.minimum is None and wanted.maximum is None):
        return True
    return (
        value is not None
        and (wanted.minimum is None or value >= wanted.minimum)
        and (wanted.maximum is None or value <= wanted.maximum)
    )


def _is_one_of(text: str, wanted: Iterable[str]) -> bool:
    return fold(text) in {fold(one) for one in wanted}


def _combined(has: list[bool], combination: Combination) -> bool:
    if combination is Combination.ANY:
        return any(has)
    return all(has) if combination is Combination.ALL else not any(has)


def _holds(lead: Lead, entry: FieldFilter, settings: AccountSettings) -> bool:
    field = settings.fields_by_id[entry.definition_id]
    is_checkbox = field.data_type is DataType.CHECKBOX
    value = lead.custom_fields.get(field.id, False if is_checkbox else None)
    is_empty = value is None or (is_checkbox and value is False)
    raws = [raw for raw in entry.values if raw is not None and raw != ""]
    is_bare = not raws and entry.minimum is None and entry.maximum is None
    if is_empty and (entry.allow_empty or len(raws) < len(entry.values) or is_bare):
        return True
    if is_bare:
        return False
    has = [_has(field, value, raw, settings) for raw in raws]
    return (not has or _combined(has, entry.combination)) and _lies_between(
        field, value, entry, settings
    )


def _has(field: CustomField, value: Any, raw: Any, settings: AccountSettings) -> bool:
    if field.data_type is DataType.CHECKBOX:
        return value is raw
    wanted: Any = stored_value(field, raw, settings.zone)
    if field.data_type is DataType.MULTI_SELECT:
        return value is not None and set(wanted) <= set(value)
    if isinstance(wanted, str) and value is not None:
        return tidy(value) == tidy(wanted)
    return bool(value == wanted)


def _lies_between(
    field: CustomField, value: Any, entry: FieldFilter, settings: AccountSettings
) -> bool:
    if entry.minimum is None and entry.maximum is None:
        return True
    if value is None:
        return False
    if field.data_type is DataType.DATE:
        value = day_seconds(value, settings.zone)
    low, high = (_bound(field, raw, settings) for raw in (entry.minimum, entry.maximum))
    return (low is None or value >= low) and (high is None or value <= high)


def _bound(field: CustomField, raw: Any, settings: AccountSettings) -> float | None:
    if raw is None:
        return None
    if field.data_type is not DataType.DATE:
        return number(raw)
    if isinstance(raw, str):
        day = raw if "-" in raw else str(stored_value(field, raw, settings.zone))
        return day_seconds(day, settings.zone)
    if raw % 86_400 == 0:
        return day_seconds(datetime.fromtimestamp(raw, UTC).date().isoformat(), settings.zone)
    return float(raw)
