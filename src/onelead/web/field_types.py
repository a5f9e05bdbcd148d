"""How the data types of custom fields are offered to a person: a name, a line and an icon each."""

from __future__ import annotations

from msgspec import Struct

from onelead.domain.currencies import currencies
from onelead.domain.custom_fields import TYPES_WITH_OPTIONS, DataType


class TypeChoice(Struct, frozen=True):
    """A data type as a person chooses it."""

    value: DataType
    label: str
    #: What it is for, in one line.
    text: str
    icon: str

    @property
    def has_options(self) -> bool:
        """Whether its values are options."""
        return self.value in TYPES_WITH_OPTIONS


_CHOICES = (
    TypeChoice(DataType.STRING, "Line of text", "A customer number, a campaign", "tag"),
    TypeChoice(DataType.TEXT, "Long text", "Several lines, such as a note", "document-text"),
    TypeChoice(DataType.DROPDOWN, "One choice", "One of your options", "chevron-up-down"),
    TypeChoice(DataType.MULTI_SELECT, "Several choices", "Any of your options", "list-bullet"),
    TypeChoice(DataType.CHECKBOX, "Yes or no", "No, until somebody says yes", "check-circle"),
    TypeChoice(DataType.DATE, "Date", "A day, without a time", "calendar"),
    TypeChoice(DataType.FLOAT, "Number", "Any number, with decimals", "hashtag"),
    TypeChoice(DataType.CURRENCY, "Amount", "Money in one currency", "banknotes"),
    TypeChoice(DataType.PERCENTAGE, "Percentage", "Whole percents", "receipt-percent"),
    TypeChoice(DataType.URL, "Link", "The address of a page", "link"),
)
#: By value, in the order in which they are offered.
TYPES = {choice.value: choice for choice in _CHOICES}


def currency_choices() -> list[tuple[str, str]]:
    """Return the currencies that there are: codes, and codes with names."""
    return [(code, f"{code}, {name}") for code, name in currencies()]
