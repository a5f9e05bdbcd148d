"""The columns of a list of leads in a file: what each is called, and its value of a lead.

Their labels are those by which an import knows its targets, so that a list reads back without a
question. Three columns are only for people; an import passes over them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Any

from msgspec import Struct

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import CustomField, DataType
from onelead.domain.importing.cells import harmless
from onelead.domain.importing.headers import label_of
from onelead.domain.importing.numbers import written_number
from onelead.domain.importing.targets import targets
from onelead.domain.lead import Lead

_BETWEEN = "; "
#: What would end a tag in a cell with several.
_TAG_ENDS = frozenset('",;|')
_NUMBERS = (DataType.FLOAT, DataType.PERCENTAGE, DataType.CURRENCY)
#: The columns of the page that are other ones, or several, in a file.
_OF_PAGE = {
    "phone": ("phone:*",),
    "websites": ("website:*",),
    "socials": ("social:*",),
    "email": ("email", "email.category"),
    "value": ("monetary_value", "monetary_unit"),
    "city": ("address.city",),
    "state": ("address.state",),
    "zip": ("address.postal_code",),
    "country": ("address.country",),
}
#: Targets that others of the list say better.
_LEFT_OUT = frozenset({"address", "phone", "website", "social"})
_LEFT_OUT_STARTS = ("email:", "phone.", "website.", "social.")


class ColumnKind(Enum):
    """What the values of a column are."""

    TEXT = auto()
    NUMBER = auto()
    #: Unix seconds.
    MOMENT = auto()
    YES_OR_NO = auto()


class ListColumn(Struct, frozen=True):
    """A column; its value is None for a lead without any."""

    key: str
    label: str
    value: Callable[[Lead], Any]
    kind: ColumnKind = ColumnKind.TEXT

    def cell(self, lead: Lead) -> str:
        """Return the text of a lead's value that no spreadsheet takes for a formula."""
        value = self.value(lead)
        if value is None:
            return ""
        match self.kind:
            case ColumnKind.NUMBER:
                return written_number(value)
            case ColumnKind.MOMENT:
                return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%dT%H:%M:%SZ}"
            case ColumnKind.YES_OR_NO:
                return "yes" if value else "no"
        return harmless(value)


def list_columns(settings: AccountSettings, keys: Iterable[str] = ()) -> Sequence[ListColumn]:
    """Return the columns with these keys of the page, or all; the id and the name come first."""
    every = _all(settings)
    wanted = [part for key in keys for part in _OF_PAGE.get(key, (key.replace("cf_", "custom:"),))]
    if not wanted:
        return every
    chosen = ["id", "name", *wanted]
    by_place = {
        column: place
        for column in every
        for place, key in enumerate(chosen)
        if column.key == key or (key.endswith("*") and column.key.startswith(key[:-1]))
    }
    return sorted(by_place, key=by_place.__getitem__)


def _all(settings: AccountSettings) -> list[ListColumn]:
    return [
        ListColumn("id", "Lead ID", lambda lead: lead.id, ColumnKind.NUMBER),
        *(
            _column(target, settings)
            for target in targets(settings)
            if not (target in _LEFT_OUT or target.startswith(_LEFT_OUT_STARTS))
        ),
        ListColumn(
            *("interaction_count", "Interactions", lambda lead: lead.interaction_count),
            ColumnKind.NUMBER,
        ),
        ListColumn(
            *("last_interaction", "Last contacted", lambda lead: lead.date_last_contacted),
            ColumnKind.MOMENT,
        ),
        ListColumn("date_modified", "Changed", lambda lead: lead.date_modified, ColumnKind.MOMENT),
    ]


def _column(target: str, settings: AccountSettings) -> ListColumn:
    label = label_of(target, settings)
    base, _, part = target.partition(":")
    if base == "custom":
        return _custom_column(target, label, settings.fields_by_id[int(part)])
    if part:
        return ListColumn(target, label, _LISTS[base](part))
    base, _, part = target.partition(".")
    if base == "address":
        return ListColumn(target, label, lambda lead: getattr(lead.address, part, None))
    if part:
        return ListColumn(target, label, lambda lead: lead.email.category if lead.email else None)
    if target in _NAMED:
        return ListColumn(target, label, _NAMED[target](settings))
    kind = {"monetary_value": ColumnKind.NUMBER, "date_created": ColumnKind.MOMENT}
    plain: Callable[[Lead], Any] = lambda lead: getattr(lead, target)  # noqa: E731 - as the others
    return ListColumn(target, label, plain, kind.get(target, ColumnKind.TEXT))


def _joined(texts: Iterable[str]) -> str | None:
    return _BETWEEN.join(texts) or None


#: The values of a category.
_LISTS: dict[str, Callable[[str], Callable[[Lead], str | None]]] = {
    "phone": lambda part: (
        lambda lead: _joined(one.number for one in lead.phone_numbers if one.category == part)
    ),
    "website": lambda part: (
        lambda lead: _joined(one.url for one in lead.websites if one.category == part)
    ),
    "social": lambda part: (
        lambda lead: _joined(one.url for one in lead.socials if one.category == part)
    ),
}


def _names(attribute: str, names: dict[int, str]) -> Callable[[Lead], str | None]:
    return lambda lead: names.get(getattr(lead, attribute))


#: The targets whose values are named otherwise than they are stored.
_NAMED: dict[str, Callable[[AccountSettings], Callable[[Lead], str | None]]] = {
    "email": lambda _settings: lambda lead: lead.email.email if lead.email else None,
    "tags": lambda _settings: lambda lead: _joined(map(_tag, lead.tags)),
    "status": lambda settings: _names("status_id", {s.id: s.name for s in settings.statuses}),
    "assignee": lambda settings: _names("assignee_id", {u.id: u.email for u in settings.users}),
    "customer_source": lambda settings: _names(
        "customer_source_id", {s.id: s.name for s in settings.sources}
    ),
}


def _tag(tag: str) -> str:
    if _TAG_ENDS.isdisjoint(tag):
        return tag
    doubled = tag.replace('"', '""')
    return f'"{doubled}"'


def _custom_column(target: str, label: str, field: CustomField) -> ListColumn:
    def plain(lead: Lead) -> Any:
        return lead.custom_fields.get(field.id)

    if field.data_type in _NUMBERS:
        return ListColumn(target, label, plain, ColumnKind.NUMBER)
    if field.data_type is DataType.CHECKBOX:
        return ListColumn(target, label, plain, ColumnKind.YES_OR_NO)
    options = {option.id: option.name for option in field.options}

    def chosen(lead: Lead) -> str | None:
        value = plain(lead)
        ids = value if isinstance(value, tuple) else (value,)
        return _joined(options[one] for one in ids if one in options)

    return ListColumn(target, label, chosen if field.options else plain)
