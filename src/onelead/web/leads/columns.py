"""The columns of a list of leads: which exist, which are chosen, and what they show."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import CustomField
from onelead.domain.lead import Lead
from onelead.domain.limits import LIST_COLUMNS_MAX
from onelead.domain.search import LAST_CONTACTED, custom_sort_key
from onelead.web.words.lead_texts import custom_text, field_label, field_text, money_text

DEFAULT_COLUMNS = ("company_name", "email", "phone", "status", "assignee", "date_modified")


def _nothing(_lead: Lead) -> str:
    return ""


class Column(Struct, frozen=True):
    """A column; instead of its text it can show a moment, a status or tags."""

    key: str
    label: str
    #: The sort key; empty when the list cannot be sorted by this column.
    sort_key: str
    text: Callable[[Lead], str] = _nothing
    #: The lead's field with a moment, in Unix seconds.
    moment: str = ""
    is_number: bool = False


def all_columns(settings: AccountSettings) -> list[Column]:
    """Return every column that the account's list of leads can have."""

    def plain(key: str, sort_key: str = "", name: str = "", **more: Any) -> Column:
        attribute = name or key
        return Column(
            key,
            field_label(attribute, settings),
            sort_key,
            lambda lead: field_text(attribute, getattr(lead, attribute), settings),
            **more,
        )

    def value(lead: Lead) -> str:
        if lead.monetary_value is None:
            return ""
        return money_text(lead.monetary_value, lead.monetary_unit or settings.currency)

    columns = [
        plain("first_name", "first_name"),
        plain("last_name", "last_name"),
        plain("company_name", "company_name"),
        plain("title", "title"),
        Column("email", "E-mail", "email", lambda lead: lead.email.email if lead.email else ""),
        Column("phone", "Phone", "phone", _phone),
        plain("status", "status", "status_id"),
        plain("assignee", "assignee", "assignee_id"),
        plain("customer_source", "customer_source", "customer_source_id"),
        Column("tags", "Tags", "", lambda lead: ", ".join(lead.tags)),
        Column("value", "Value", "monetary_value", value, is_number=True),
        Column("city", "City", "city", lambda lead: _place(lead, "city")),
        Column("state", "State", "state", lambda lead: _place(lead, "state")),
        Column("zip", "Postal code", "zip", lambda lead: _place(lead, "postal_code")),
        Column("country", "Country", "country", lambda lead: _place(lead, "country")),
        Column("socials", "Profile", "socials", lambda lead: _first_url(lead.socials)),
        Column("websites", "Website", "", lambda lead: _first_url(lead.websites)),
        plain("details"),
        plain("interaction_count", "interaction_count", is_number=True),
        Column("last_interaction", "Last contacted", LAST_CONTACTED, moment="date_last_contacted"),
        Column("date_created", "Created", "date_created", moment="date_created"),
        Column("date_modified", "Changed", "date_modified", moment="date_modified"),
    ]
    return columns + [_custom_column(field) for field in settings.lead_fields]


def _custom_column(field: CustomField) -> Column:
    def text(lead: Lead) -> str:
        return custom_text(field, lead.custom_fields.get(field.id))

    return Column(f"cf_{field.id}", field.name, custom_sort_key(field.id), text)


def chosen_columns(keys: Iterable[str], columns: list[Column]) -> list[Column]:
    """Return the columns with these keys, in their order; the default ones if there are none."""
    by_key = {column.key: column for column in columns}
    chosen = [by_key[key] for key in dict.fromkeys(keys) if key in by_key]
    return chosen[:LIST_COLUMNS_MAX] or [by_key[key] for key in DEFAULT_COLUMNS]


def _phone(lead: Lead) -> str:
    if not lead.phone_numbers:
        return ""
    more = len(lead.phone_numbers) - 1
    return lead.phone_numbers[0].number + (f" +{more}" if more else "")


def _place(lead: Lead, part: str) -> str:
    return getattr(lead.address, part, None) or ""


def _first_url(links: Any) -> str:
    return links[0].url if links else ""
