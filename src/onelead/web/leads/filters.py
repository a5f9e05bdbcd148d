"""The filters of a list of leads on the page: chips for the active ones, and the panel."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import RANGE_TYPES, CustomField, DataType
from onelead.domain.matching import is_matchable
from onelead.domain.search import NO_ID, Combination
from onelead.domain.text import isolated, shortened
from onelead.web.frame.forms import in_one_form
from onelead.web.leads.form import Choices, id_choices
from onelead.web.leads.query import LeadQuery

COMBINATIONS: Choices = [
    (Combination.ANY, "Any of them"),
    (Combination.ALL, "All of them"),
    (Combination.NONE, "None of them"),
]
#: The maximum age of a lead, in seconds.
_AGES: Choices = [
    ("", "Any age"),
    ("3600", "Up to an hour"),
    ("86400", "Up to a day"),
    ("604800", "Up to 7 days"),
    ("2592000", "Up to 30 days"),
    ("31536000", "Up to 365 days"),
]
_FOLLOWED: Choices = [("", "Any"), ("1", "Followed by me"), ("2", "Not followed by me")]
WITHOUT_TEXTS = {
    "city": "No city",
    "state": "No state",
    "postal_code": "No postal code",
    "tags": "No tags",
}
_LABELS = {
    "q": "Search",
    "ids": "Lead",
    "name": "Name contains",
    "first_name": "First name contains",
    "middle_name": "Middle name contains",
    "last_name": "Last name contains",
    "company_name": "Company contains",
    "title": "Title contains",
    "phone_number": "Phone number ends with",
    "emails": "E-mail is",
    "socials": "Profile is",
    "city": "City is",
    "state": "State is",
    "postal_code": "Postal code is",
    "country": "Country is",
    "status_ids": "Status",
    "assignee_ids": "Owner",
    "customer_source_ids": "Source",
    "age": "Age",
    "followed": "Followed",
    "tags": "Tag",
    "minimum_monetary_value": "Value from",
    "maximum_monetary_value": "Value up to",
    "minimum_interaction_count": "Interactions from",
    "maximum_interaction_count": "Interactions up to",
    "minimum_created_date": "Created from",
    "maximum_created_date": "Created until",
    "minimum_modified_date": "Changed from",
    "maximum_modified_date": "Changed until",
    "minimum_interaction_date": "Last contacted from",
    "maximum_interaction_date": "Last contacted until",
}
_TAG_LABELS: dict[str, str] = {Combination.ALL: "And tag", Combination.NONE: "Not tag"}
_PART_LABELS = {"min": " from", "max": " up to", "option": ""}


class Chip(Struct, frozen=True):
    """An active filter, and the address of the list without it."""

    text: str
    href_without: str


class FieldPanel(Struct, frozen=True):
    """What the panel offers for one custom field."""

    field: CustomField
    #: Values to choose from; none for a field with typed values.
    choices: Choices
    has_range: bool

    @property
    def name(self) -> str:
        """The parameter of its values."""
        return f"cf_{self.field.id}"


def chips(
    query: LeadQuery, settings: AccountSettings, offered: Mapping[str, Choices], file_name: str = ""
) -> list[Chip]:
    """Return a chip for each active filter; the batch may be that of an imported file."""
    tag_label = _TAG_LABELS.get(query.value("tags_option").upper(), "Tag")
    made = []
    for name, value in query.filters:
        if name == "batch":
            text = f"Import of {isolated(shortened(file_name))}" if file_name else "One batch"
        elif name.startswith("cf_"):
            text = _custom_text(name, value, settings)
        else:
            text = _text(name, value, dict(offered.get(name, ())), tag_label)
        made.append(Chip(text, query.href(without=(name, value))))
    return made


def _text(name: str, value: str, named: Mapping[str, str], tag_label: str) -> str:
    if name == "without":
        return WITHOUT_TEXTS.get(value, shortened(value))
    if value == str(NO_ID) and value in named:
        return named[value]
    label = tag_label if name == "tags" else _LABELS.get(name, name)
    return f"{label} {isolated(shortened(named.get(value, value)))}"


def choices(settings: AccountSettings) -> dict[str, Choices]:
    """Return the choices of each criterion that has some: values and texts."""
    return {
        "status_ids": id_choices(settings.statuses),
        "assignee_ids": [(str(NO_ID), "No owner"), *id_choices(settings.users)],
        "customer_source_ids": [(str(NO_ID), "No source"), *id_choices(settings.sources)],
        "age": _AGES,
        "followed": _FOLLOWED,
    }


def _custom_text(name: str, value: str, settings: AccountSettings) -> str:
    _, definition_id, *parts = name.split("_")
    field = settings.fields_by_id.get(int(definition_id))
    label = isolated(field.name) if field else f"Custom field {definition_id}"
    part = parts[0] if parts else ""
    if part == "empty":
        return f"{label}: none"
    named = dict(_choices(field)) if field else {}
    return f"{label}{_PART_LABELS.get(part, ':')} {isolated(shortened(named.get(value, value)))}"


def _choices(field: CustomField) -> Choices:
    if field.data_type is DataType.CHECKBOX:
        return [("true", "Yes"), ("false", "No")]
    return id_choices(field.options)


def field_panels(query: LeadQuery, settings: AccountSettings) -> list[FieldPanel]:
    """Return the custom fields that the panel offers to filter by.

    If there are many: the first ones, those that are filtered by, and those that were asked for.
    """
    return [
        FieldPanel(field, _choices(field), field.data_type in RANGE_TYPES)
        for field in _offered(query, settings)
    ]


def more_fields(query: LeadQuery, settings: AccountSettings) -> Choices:
    """Return the other custom fields to filter by, which the panel offers when asked to."""
    offered = {field.id for field in _offered(query, settings)}
    return id_choices(field for field in _ready(settings) if field.id not in offered)


def _offered(query: LeadQuery, settings: AccountSettings) -> list[CustomField]:
    return in_one_form(_ready(settings), query.filtered_fields.union(query.asked_fields))


def _ready(settings: AccountSettings) -> list[CustomField]:
    return [field for field in settings.lead_fields if is_matchable(field)]


def other_fields(settings: AccountSettings) -> list[tuple[CustomField, str]]:
    """Return the custom fields of leads that cannot be searched, and why."""
    return [
        (field, "is being indexed" if field.is_filterable else "is not included in filters")
        for field in settings.lead_fields
        if not is_matchable(field)
    ]
