"""Example upserts, each of which fills the form of Try it with one click."""

from __future__ import annotations

from msgspec import Struct

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import CustomField, DataType
from onelead.web.try_it.form import Values, custom_input

_NAME, _EMAIL = "Nora Field", "nora@field.example"


class Example(Struct, frozen=True):
    """One upsert and what it shows."""

    name: str
    title: str
    values: Values


def examples(settings: AccountSettings) -> list[Example]:
    """Return the examples; the one with a custom field only if leads have such a field."""
    person = {"name": [_NAME], "email": [_EMAIL]}
    by_email: Values = {"by": ["email"], "value": [_EMAIL]}
    found = [
        Example("new", "A person, by e-mail", by_email | person),
        Example(
            "again",
            "The same person, updated",
            by_email
            | person
            | {"title": ["Head of purchasing"], "company_name": ["Field & Sons"], "tags": ["fair"]},
        ),
        Example(
            "name",
            "By name only",
            {"by": ["name"], "value": [_NAME], "phone": ["+1 312 555 0100"]},
        ),
    ]
    field = example_field(settings)
    if field is not None:
        found.append(Example("custom", f"By {field.name}", field_values(field)))
    refused: Values = by_email | {"name": [_NAME], "status": ["Unheard of"]}
    return [*found, Example("refused", "A refused upsert", refused)]


def example_field(settings: AccountSettings) -> CustomField | None:
    """Return the text field that an example matches by, if possible one included in filters."""
    texts = [field for field in settings.lead_fields if field.data_type is DataType.STRING]
    return max(texts, key=lambda field: (field.is_filterable, -field.id), default=None)


def field_values(field: CustomField) -> Values:
    """Return an upsert that matches by a custom field."""
    value = field.options[0].id if field.options else _SOUGHT.get(field.data_type, "A-1001")
    # Another person than in the other examples, because this match would not find their lead.
    person = {"name": ["Sam Roe"], "email": ["sam@roe.example"]}
    return person | {"by": [custom_input(field)], "value": [str(value)]}


_SOUGHT = {
    DataType.CHECKBOX: "true",
    DataType.CURRENCY: "1000",
    DataType.DATE: "2026-01-31",
    DataType.FLOAT: "1.5",
    DataType.PERCENTAGE: "50",
    DataType.URL: "https://field.example",
}
