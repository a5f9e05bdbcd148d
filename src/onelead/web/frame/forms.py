"""The fields that a form sends: bounded in size and number, each value a text."""

from __future__ import annotations

from collections.abc import Container, Sequence
from itertools import accumulate
from urllib.parse import parse_qsl

from onelead.domain.custom_fields import CustomField
from onelead.domain.errors import BodyMalformed
from onelead.domain.limits import FORM_CUSTOM_FIELDS_MAX, FORM_FIELDS_MAX


class Form:
    """The fields of a form in the order sent; a name can occur several times."""

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self.fields = fields
        self._values: dict[str, list[str]] = {}
        for name, value in fields:
            self._values.setdefault(name, []).append(value)

    def get(self, name: str, default: str = "") -> str:
        """Return the last value of a field, without surrounding white space."""
        return self.raw(name, default).strip()

    def raw(self, name: str, default: str = "") -> str:
        """Return the last value of a field as sent, with its lines ended by a newline."""
        values = self.all(name)
        return values[-1].replace("\r\n", "\n") if values else default

    def all(self, name: str) -> list[str]:
        """Return all values of a field, in order."""
        return list(self._values.get(name, ()))

    def has(self, name: str) -> bool:
        """Say whether a field was sent; an unchecked box is not sent."""
        return name in self._values

    def starting(self, prefix: str) -> dict[str, str]:
        """Return the fields whose names begin with a prefix, by the rest of the name."""
        return {
            key.removeprefix(prefix): value for key, value in self.fields if key.startswith(prefix)
        }


def decode_form(body: bytes) -> Form:
    """Decode `application/x-www-form-urlencoded`. Raises BodyMalformed."""
    try:
        fields = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=FORM_FIELDS_MAX,
            errors="strict",
        )
    except ValueError:
        raise BodyMalformed("The form is not readable") from None
    if any("\0" in text for pair in fields for text in pair):
        # No database can store it in text.
        raise BodyMalformed("The form has a NUL character")
    return Form(fields)


def in_one_form(
    fields: Sequence[CustomField], asked: Container[int] = frozenset()
) -> list[CustomField]:
    """Return the fields that one form shows: only the first ones if there are many.

    A field counts with its options, all of which the form shows. Fields whose ids are in `asked`
    are always included.
    """
    sizes = accumulate(1 + len(field.options) for field in fields)
    return [
        field
        for field, size in zip(fields, sizes, strict=True)
        if size <= FORM_CUSTOM_FIELDS_MAX or field.id in asked
    ]
