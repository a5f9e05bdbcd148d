"""A lead as its page shows it: sections of fields with their values.

Values are shown as text. Only an unmistakable web address becomes a link.
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
from onelead.web.leads.form import CUSTOM, ENTRIES, GROUPS, custom_names, value_of
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
#: `field.example/about`: names with dots between them; no port, user or scheme, so that nothing
#: ambiguous is taken for a host.
_BARE_HOST = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}(?:[/?#][!-~]*)?", re.IGNORECASE
)
#: With more custom fields than this, those without a value are folded away.
_ALL_SHOWN_MAX = 20


class ValueLine(Struct, frozen=True):
    """One line of a field's value, such as a phone number."""

    text: LongText
    href: str = ""
    #: The category of an e-mail, number or link.
    note: str = ""


class FieldLine(Struct, frozen=True):
    """A field with its value, line by line."""

    name: str
    label: str
    values: tuple[ValueLine, ...]


class Section(Struct, frozen=True, kw_only=True):
    """A section of the page: shown, being edited, or in conflict between two versions."""

    group: str
    fields: Sequence[FieldLine] = ()
    #: Fields without a value, folded away.
    folded: Sequence[FieldLine] = ()
    #: The group's fields can be edited together.
    is_editable: bool = True
    #: Its inputs, while it is being edited.
    controls: Sequence[Control] | None = None
    #: What was typed for fields that leads no longer have.
    lost: Sequence[LostValue] = ()
    #: The differences, while the user has to choose.
    differences: Sequence[Difference] | None = None

    @property
    def title(self) -> str:
        """The heading."""
        return TITLES[self.group]


def sections(lead: Lead, settings: AccountSettings) -> dict[str, Section]:
    """Return every section of a lead's page, by group."""
    found = {
        group: Section(group=group, fields=_field_lines(lead, names, settings))
        for group, names in GROUPS.items()
    }
    if settings.lead_fields:
        found[CUSTOM] = _custom_section(lead, settings)
    return found


def _custom_section(lead: Lead, settings: AccountSettings) -> Section:
    names = [custom_name(field.id) for field in settings.lead_fields]
    lines = _field_lines(lead, names, settings)
    folded: list[FieldLine] = []
    if len(lines) > _ALL_SHOWN_MAX:
        folded = [line for line in lines if not line.values]
        lines = [line for line in lines if line.values]
    return Section(
        group=CUSTOM,
        fields=lines,
        folded=folded,
        is_editable=len(custom_names(settings)) == len(names) and _fits_one_form(lead),
    )


def _fits_one_form(lead: Lead) -> bool:
    texts = (value for value in lead.custom_fields.values() if isinstance(value, str))
    return sum(map(len, texts)) <= FORM_TEXT_CHARS_MAX


def _field_lines(lead: Lead, names: Sequence[str], settings: AccountSettings) -> list[FieldLine]:
    return [
        FieldLine(name, field_label(name, settings), tuple(_value_lines(lead, name, settings)))
        for name in names
    ]


def _value_lines(lead: Lead, name: str, settings: AccountSettings) -> list[ValueLine]:
    value = value_of(lead, name, settings)
    if name in _LINKED:
        entries = value if name in ENTRIES else filter(None, [value])
        return [_linked_line(name, entry) for entry in entries]
    if name == "address":
        return [ValueLine(LongText(line)) for line in _address_lines(value)]
    if name == "tags":
        return [ValueLine(LongText(tag)) for tag in value]
    if name == "monetary_value":
        return [] if value is None else [ValueLine(LongText(money_text(value, lead.monetary_unit)))]
    text = field_text(name, value, settings)
    field = custom_field_of(name, settings)
    if field is not None and field.data_type is DataType.CHECKBOX:
        return [ValueLine(LongText("Yes" if value else "No"))]
    is_link = field is not None and field.data_type is DataType.URL
    return [ValueLine(LongText(text), site_link(text) if is_link else "")] if text else []


def _address_lines(address: Address | None) -> list[str]:
    if address is None:
        return []
    region = " ".join(filter(None, (address.city, address.state, address.postal_code)))
    return [line for line in (address.street, region, address.country) if line]


def _linked_line(name: str, entry: Any) -> ValueLine:
    member, href_of = _LINKED[name]
    text = getattr(entry, member)
    return ValueLine(LongText(text), href_of(text), entry.category)


def web_link(text: str) -> str:
    """Return a text that is clearly a web address, and an empty text for any other."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    is_web = parts.scheme in ("http", "https") and bool(parts.netloc)
    return text if is_web and text.isprintable() else ""


def site_link(text: str) -> str:
    """Do the same in a field for addresses only, where a bare host counts as one, too."""
    return web_link(f"https://{text}" if _BARE_HOST.fullmatch(text) else text)


#: By field: the member with the text, and what makes the text a link.
_LINKED: dict[str, tuple[str, Callable[[str], str]]] = {
    "email": ("email", lambda address: f"mailto:{quote(address, safe='@')}"),
    "phone_numbers": ("number", lambda number: f"tel:{quote(number, safe='+')}"),
    # Often a name, which may look like a host: `nora.field`.
    "socials": ("url", web_link),
    "websites": ("url", site_link),
}
