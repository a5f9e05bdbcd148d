"""What a column can be: the targets of a mapping, their labels, and the field that each gives.

A target is a text: the name of a property (`title`), a part of one (`address.city`), one entry of a
list, also of one category (`phone`, `phone:mobile`), the categories of a column beside it
(`phone.category`), a custom field (`custom:<definition id>`), or one that is made on the way
(`new:<data type>:<name>`).
"""

from __future__ import annotations

from onelead.domain.account import AccountSettings
from onelead.domain.acts.policies import field_of
from onelead.domain.custom_fields import CustomField, DataType
from onelead.domain.lead import (
    EMAIL_CATEGORIES,
    PHONE_CATEGORIES,
    SOCIAL_CATEGORIES,
    WEBSITE_CATEGORIES,
    custom_name,
)
from onelead.domain.limits import LINE_CHARS_MAX
from onelead.domain.text import fold, is_blank, is_one_line, known_id

#: The kinds of values that have categories.
CATEGORIES = {
    "email": EMAIL_CATEGORIES,
    "phone": PHONE_CATEGORIES,
    "website": WEBSITE_CATEGORIES,
    "social": SOCIAL_CATEGORIES,
}
_NETWORKS = {"linkedin": "LinkedIn", "googleplus": "Google Plus", "youtube": "YouTube"}
_NOUNS = {"email": "email", "phone": "phone", "website": "website", "social": "social profile"}


def _label_of_category(kind: str, category: str) -> str:
    if kind == "social" and category != "other":
        return _NETWORKS.get(category, category.capitalize())
    return f"{category.capitalize()} {_NOUNS[kind]}"


#: How a file that onelead writes calls each target; a header that says so needs no question.
LABELS = {
    "name": "Name",
    "prefix": "Prefix",
    "first_name": "First name",
    "middle_name": "Middle name",
    "last_name": "Last name",
    "suffix": "Suffix",
    "title": "Title",
    "company_name": "Company",
    "email": "Email",
    "phone": "Phone",
    "website": "Website",
    "social": "Social profile",
    "address": "Address",
    "address.street": "Street",
    "address.city": "City",
    "address.state": "State",
    "address.postal_code": "Postal code",
    "address.country": "Country",
    "tags": "Tags",
    "status": "Status",
    "assignee": "Assignee",
    "customer_source": "Source",
    "monetary_value": "Value",
    "monetary_unit": "Currency",
    "details": "Details",
    "date_created": "Created",
    **{
        f"{kind}:{category}": _label_of_category(kind, category)
        for kind, categories in CATEGORIES.items()
        for category in categories
    },
    **{f"{kind}.category": f"{_NOUNS[kind].capitalize()} category" for kind in CATEGORIES},
}
#: Those that several columns can be at once.
_LISTS = frozenset({*CATEGORIES, "tags", "details", "address.street"})
_FIELDS = {
    "phone": "phone_numbers",
    "website": "websites",
    "social": "socials",
    "status": "status_id",
    "assignee": "assignee_id",
    "customer_source": "customer_source_id",
}
CUSTOM, NEW = "custom:", "new:"


def base_of(target: str) -> str:
    """Return a target without its category: `phone` for `phone:mobile`."""
    base, colon, _ = target.partition(":")
    return base if colon and base in CATEGORIES else target


def is_list(target: str) -> bool:
    """Return whether several columns can be this target at once."""
    return base_of(target) in _LISTS or target.endswith(".category")


def field_of_target(target: str) -> str:
    """Return the field of a lead that a target gives a value, as policies name it."""
    if target.startswith(CUSTOM):
        return custom_name(int(target.removeprefix(CUSTOM)))
    base = base_of(target)
    if base.startswith("address"):
        return "address"
    return field_of(_FIELDS.get(base, base))


def custom_field_of(target: str, settings: AccountSettings) -> CustomField | None:
    """Return the definition of a target, if it is one that leads have."""
    if not target.startswith(CUSTOM):
        return None
    field = settings.fields_by_id.get(known_id(target.removeprefix(CUSTOM)) or 0)
    return field if field is not None and field.on_leads else None


def new_field_of(target: str) -> tuple[DataType, str] | None:
    """Return the data type and the name of a field to make; None for any other text."""
    prefix, _, rest = target.partition(":")
    kind, _, name = rest.partition(":")
    if prefix != "new" or kind not in {*DataType} or is_blank(name):
        return None
    if len(name) > LINE_CHARS_MAX or not is_one_line(name):
        return None
    return DataType(kind), name


def as_made(target: str, settings: AccountSettings) -> str:
    """Return the target of the field that a new one would be, if leads have it already."""
    if (new := new_field_of(target)) is None:
        return target
    data_type, name = new
    same = [
        field.id
        for field in settings.lead_fields
        if field.data_type is data_type and fold(field.name) == fold(name)
    ]
    return f"{CUSTOM}{same[-1]}" if same else target


def data_type_of(target: str, settings: AccountSettings) -> DataType | None:
    """Return the type by whose rules a column is read; None for one without."""
    if target == "monetary_value":
        return DataType.CURRENCY
    if target == "date_created":
        return DataType.DATE
    if (new := new_field_of(target)) is not None:
        return new[0]
    field = custom_field_of(target, settings)
    return field.data_type if field is not None else None


def is_target(target: str, settings: AccountSettings) -> bool:
    """Return whether a column can be this."""
    if target in LABELS or custom_field_of(target, settings) is not None:
        return True
    return new_field_of(target) is not None


def targets(settings: AccountSettings) -> tuple[str, ...]:
    """Return everything that a column can be, but new fields."""
    return (*LABELS, *(f"{CUSTOM}{field.id}" for field in settings.lead_fields))
