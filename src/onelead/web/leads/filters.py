"""The filters of a list of leads on the page: chips for the active ones, and the panel."""

from __future__ import annotations

from msgspec import Struct

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import RANGE_TYPES, CustomField, DataType
from onelead.domain.matching import is_matchable
from onelead.domain.search import NO_ID, Combination
from onelead.domain.text import isolated, quoted
from onelead.web.frame.address import Pair
from onelead.web.frame.forms import in_one_form
from onelead.web.leads.query import LeadQuery

Choices = list[tuple[str, str]]

COMBINATIONS: Choices = [
    (Combination.ANY, "Any of them"),
    (Combination.ALL, "All of them"),
    (Combination.NONE, "None of them"),
]
#: The maximum age of a lead, in seconds.
AGES: Choices = [
    ("", "Any age"),
    ("3600", "Up to an hour"),
    ("86400", "Up to a day"),
    ("604800", "Up to 7 days"),
    ("2592000", "Up to 30 days"),
    ("31536000", "Up to 365 days"),
]
FOLLOWED: Choices = [("", "Any"), ("1", "Followed by me"), ("2", "Not followed by me")]
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
#: The choice of leads without an owner or source, also as a chip.
_NONE_TEXTS = {"assignee_ids": "No owner", "customer_source_ids": "No source"}
_TAG_LABELS: dict[str, str] = {Combination.ALL: "And tag", Combination.NONE: "Not tag"}
_PART_LABELS = {"min": " from", "max": " up to", "option": ""}


class Chip(Struct, frozen=True):
    """An active filter, and the address of the list without it."""

    text: str
    href_without: str


class FieldPanel(Struct, frozen=True):
    """What the panel offers for one custom field."""

    field: CustomField
    #: The values that the list is filtered by.
    values: list[str]
    minimum: str
    maximum: str
    option: str
    is_empty: bool
    problems: list[str]
    #: Values to choose from; none for a field with typed values.
    choices: Choices
    has_range: bool

    @property
    def name(self) -> str:
        """The parameter of its values."""
        return f"cf_{self.field.id}"


def chips(query: LeadQuery, settings: AccountSettings) -> list[Chip]:
    """Return a chip for each active filter."""
    tag_label = _TAG_LABELS.get(query.value("tags_option").upper(), "Tag")
    made = []
    for pair in query.filters:
        if pair[0].endswith("_option"):
            continue
        text = _custom_text(pair, settings) if pair[0].startswith("cf_") else None
        if text is None and pair[0] == "tags":
            text = f"{tag_label} {isolated(quoted(pair[1]))}"
        made.append(Chip(text or _text(pair, settings), query.href(without=pair)))
    return made


def _text(pair: Pair, settings: AccountSettings) -> str:
    name, value = pair
    if name == "without":
        return WITHOUT_TEXTS.get(value, quoted(value))
    if value == str(NO_ID) and name in _NONE_TEXTS:
        return _NONE_TEXTS[name]
    named = dict(choices_of(name, settings))
    return f"{_LABELS.get(name, name)} {isolated(quoted(named.get(value, value)))}"


def choices_of(name: str, settings: AccountSettings) -> Choices:
    """Return the choices for a criterion: values and texts."""
    match name:
        case "status_ids":
            return [(str(one.id), one.name) for one in settings.statuses]
        case "assignee_ids":
            users = [(str(one.id), one.name) for one in settings.users]
            return [(str(NO_ID), _NONE_TEXTS[name]), *users]
        case "customer_source_ids":
            sources = [(str(one.id), one.name) for one in settings.sources]
            return [(str(NO_ID), _NONE_TEXTS[name]), *sources]
        case "age":
            return AGES
        case "followed":
            return FOLLOWED
    return []


def _custom_text(pair: Pair, settings: AccountSettings) -> str | None:
    """Describe a filter of a custom field."""
    _, definition_id, *parts = pair[0].split("_")
    field = settings.fields_by_id.get(int(definition_id))
    label = isolated(field.name) if field else f"Custom field {definition_id}"
    part = parts[0] if parts else ""
    if part == "empty":
        return f"{label}: none"
    named = dict(_choices(field)) if field else {}
    return f"{label}{_PART_LABELS.get(part, ':')} {isolated(quoted(named.get(pair[1], pair[1])))}"


def _choices(field: CustomField) -> Choices:
    if field.data_type is DataType.CHECKBOX:
        return [("true", "Yes"), ("false", "No")]
    return [(str(option.id), option.name) for option in field.options]


def field_panels(query: LeadQuery, settings: AccountSettings) -> list[FieldPanel]:
    """Return the custom fields that the panel offers to filter by.

    If there are many: the first ones, those that are filtered by, and those that were asked for.
    """
    return [
        FieldPanel(
            field=field,
            values=query.values(f"cf_{field.id}"),
            minimum=query.value(f"cf_{field.id}_min"),
            maximum=query.value(f"cf_{field.id}_max"),
            option=query.value(f"cf_{field.id}_option").upper(),
            is_empty=bool(query.value(f"cf_{field.id}_empty")),
            problems=query.problems.get(f"cf_{field.id}", []),
            choices=_choices(field),
            has_range=field.data_type in RANGE_TYPES,
        )
        for field in _offered(query, settings)
    ]


def more_fields(query: LeadQuery, settings: AccountSettings) -> Choices:
    """Return the other custom fields to filter by, which the panel offers when asked to."""
    offered = {field.id for field in _offered(query, settings)}
    return [
        (str(field.id), field.name)
        for field in settings.lead_fields
        if is_matchable(field) and field.id not in offered
    ]


def _offered(query: LeadQuery, settings: AccountSettings) -> list[CustomField]:
    ready = [field for field in settings.lead_fields if is_matchable(field)]
    return in_one_form(ready, query.filtered_fields.union(query.asked_fields))


def other_fields(settings: AccountSettings) -> list[tuple[CustomField, str]]:
    """Return the custom fields of leads that cannot be searched, and why."""
    return [
        (field, "is being indexed" if field.is_filterable else "is not included in filters")
        for field in settings.lead_fields
        if not is_matchable(field)
    ]
