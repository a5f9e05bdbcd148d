"""The values that several leads share in words, with links to those leads."""

from __future__ import annotations

from msgspec import Struct

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import CustomField
from onelead.domain.limits import MATCH_IDS_MAX
from onelead.process.shared_values import FieldScan, SharedValueScan
from onelead.web.words.ledger_lines import match_value_text
from onelead.web.words.links import leads_href

_LABELS = {"name": "Name", "email": "E-mail"}


class SharedLine(Struct, frozen=True):
    """A value and how many leads have it."""

    text: str
    #: As text, because beyond a limit they are not counted.
    leads: str
    #: The list of these leads; empty without such a filter.
    href: str
    #: The page that merges them; empty when they are too many.
    merge_href: str


class SharedList(Struct, frozen=True):
    """The shared values of one field, the most shared first."""

    label: str
    lines: list[SharedLine]
    #: How many more values are shared.
    more: int


def shared_lists(scan: SharedValueScan, settings: AccountSettings) -> list[SharedList]:
    """Put a scan into words, without fields that have been deleted since."""
    fields = {field.key_field: field for field in settings.lead_fields}
    return [
        _list(found, fields.get(found.key_field))
        for found in scan.fields
        if found.key_field in _LABELS or found.key_field in fields
    ]


def _list(found: FieldScan, field: CustomField | None) -> SharedList:
    lines = [_line(found.key_field, field, value, leads) for value, leads in found.values]
    label = field.name if field else _LABELS[found.key_field]
    return SharedList(label, lines, found.shared - len(lines))


def _line(key_field: str, field: CustomField | None, value: str, leads: int) -> SharedLine:
    href = leads_href(key_field, field, value)
    is_few = leads <= MATCH_IDS_MAX
    return SharedLine(
        match_value_text(field, value),
        str(leads) if is_few else f"more than {MATCH_IDS_MAX}",
        href,
        href.replace("/leads?", "/leads/merge?", 1) if is_few else "",
    )
