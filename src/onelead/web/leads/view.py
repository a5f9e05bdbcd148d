"""A lead as it is read: its sections, and in each the fields with what they hold.

What was delivered is text. Only an address that is plainly one of the web becomes a link.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from msgspec import Struct

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import DataType
from onelead.domain.lead import Address, Lead, custom_name
from onelead.domain.limits import FORM_TEXT_CHARS_MAX
from onelead.web.leads.conflict import Difference
from onelead.web.leads.controls import Control
from onelead.web.leads.form import CUSTOM, GROUPS, custom_names, value_of
from onelead.web.leads.lost_values import LostValue
from onelead.web.words.lead_texts import custom_field_of, field_label, field_text, money_text
from onelead.web.words.ledger_lines import LongText

TITLES = {
    "name": "Name",
    "parts": "Parts of the name",
    "contact": "Contact",
    "company": "Company",
    "status": "Status",
    "tags": "Tags",
    "address": "Address",
    "web": "Websites and social profiles",
    "value": "Value",
    "details": "Details",
    CUSTOM: "Custom fields",
}
#: `field.example/about`: names with a dot between them; no port, user or scheme, so that nothing is
#: taken for a host that could be read in another way.
_BARE_HOST = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}(?:[/?#][!-~]*)?", re.IGNORECASE
)
#: With more custom fields than this, those without a value are folded away.
_ALL_SHOWN_MAX = 20


class Item(Struct, frozen=True):
    """One thing that a field holds."""

    text: LongText
    href: str = ""
    #: The category of an e-mail, number or link.
    note: str = ""


class Entry(Struct, frozen=True):
    """A field with what it holds."""

    name: str
    label: str
    items: tuple[Item, ...]


class Section(Struct, frozen=True, kw_only=True):
    """A part of the page: read, edited, or torn between two versions."""

    group: str
    title: str
    entries: Sequence[Entry] = ()
    #: Entries without a value, folded away.
    folded: Sequence[Entry] = ()
    #: The group's fields can be edited together.
    is_editable: bool = True
    #: Its inputs, while it is edited.
    controls: Sequence[Control] | None = None
    #: What was typed for fields that leads do not have any more.
    lost: Sequence[LostValue] = ()
    #: What differs, while somebody has to choose.
    differences: Sequence[Difference] | None = None


def sections(lead: Lead, settings: AccountSettings) -> dict[str, Section]:
    """Return every section of a lead's page, by group."""
    found = {
        group: Section(group=group, title=TITLES[group], entries=_entries(lead, names, settings))
        for group, names in GROUPS.items()
    }
    if settings.lead_fields:
        found[CUSTOM] = _custom_section(lead, settings)
    return found


def _custom_section(lead: Lead, settings: AccountSettings) -> Section:
    names = [custom_name(field.id) for field in settings.lead_fields]
    entries = _entries(lead, names, settings)
    folded: list[Entry] = []
    if len(entries) > _ALL_SHOWN_MAX:
        folded = [entry for entry in entries if not entry.items]
        entries = [entry for entry in entries if entry.items]
    return Section(
        group=CUSTOM,
        title=TITLES[CUSTOM],
        entries=entries,
        folded=folded,
        is_editable=len(custom_names(settings)) == len(names) and _fits_one_form(lead),
    )


def _fits_one_form(lead: Lead) -> bool:
    texts = (value for value in lead.custom_fields.values() if isinstance(value, str))
    return sum(map(len, texts)) <= FORM_TEXT_CHARS_MAX


def _entries(lead: Lead, names: Sequence[str], settings: AccountSettings) -> list[Entry]:
    return [
        Entry(name, field_label(name, settings), tuple(_items(lead, name, settings)))
        for name in names
    ]


def _items(lead: Lead, name: str, settings: AccountSettings) -> list[Item]:
    value = value_of(lead, name, settings)
    if name in _ITEMS:
        return _ITEMS[name](value) if value else []
    if name == "monetary_value":
        return [] if value is None else [Item(LongText(money_text(value, lead.monetary_unit)))]
    text = field_text(name, value, settings)
    field = custom_field_of(name, settings)
    if field is not None and field.data_type is DataType.CHECKBOX:
        return [Item(LongText("Yes" if value else "No"))]
    is_link = field is not None and field.data_type is DataType.URL
    return [Item(LongText(text), site_link(text) if is_link else "")] if text else []


def web_link(text: str) -> str:
    """Return the address that a text is; the empty text for one that is not plainly of the web."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    is_web = parts.scheme in ("http", "https") and bool(parts.netloc)
    return text if is_web and text.isprintable() else ""


def site_link(text: str) -> str:
    """Return the address of what stands where only addresses do: there a bare host is one, too."""
    return web_link(f"https://{text}" if _BARE_HOST.fullmatch(text) else text)


def _address(value: Address) -> list[Item]:
    region = " ".join(filter(None, (value.city, value.state, value.postal_code)))
    return [Item(LongText(line)) for line in (value.street, region, value.country) if line]


def _email(value: Any) -> list[Item]:
    return [Item(LongText(value.email), f"mailto:{quote(value.email, safe='@')}", value.category)]


def _phone_numbers(value: Any) -> list[Item]:
    return [
        Item(LongText(entry.number), f"tel:{quote(entry.number, safe='+')}", entry.category)
        for entry in value
    ]


def _websites(value: Any) -> list[Item]:
    return [Item(LongText(entry.url), site_link(entry.url), entry.category) for entry in value]


def _socials(value: Any) -> list[Item]:
    # Often no address but a name, which may look like a host: `nora.field`.
    return [Item(LongText(entry.url), web_link(entry.url), entry.category) for entry in value]


def _tags(value: Any) -> list[Item]:
    return [Item(LongText(tag)) for tag in value]


_ITEMS: dict[str, Callable[[Any], list[Item]]] = {
    "address": _address,
    "email": _email,
    "phone_numbers": _phone_numbers,
    "socials": _socials,
    "tags": _tags,
    "websites": _websites,
}
