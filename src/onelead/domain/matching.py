"""How leads are found: the match keys of a lead, and the match of an upsert.

A match reads only match keys. They follow from the lead and the account's settings alone, so the
plan, both engines and the index work agree by construction.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import Annotated, Any, NamedTuple

from msgspec import Meta, Struct

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import (
    CustomField,
    DataType,
    IndexState,
    ValueInvalid,
    match_values,
    stored_value,
)
from onelead.domain.errors import InputInvalid, Problem, unrecognized
from onelead.domain.lead import Lead
from onelead.domain.limits import (
    KEY_VALUE_BYTES_MAX,
    LINE_CHARS_MAX,
    PHONE_DIGITS_MAX,
    RETRY_AFTER_S,
)
from onelead.domain.properties import CheckedPatch, CustomFieldPatch, EmailPatch, LeadPatch
from onelead.domain.text import fold, is_blank, known_id, tidy, too_long

WHERE_TO_CHANGE = "change it in System Settings -> Custom Fields"


class MatchKey(NamedTuple):
    """One normalised value under which a lead is found."""

    #: `name`, `email`, `phone`, `social`, `tag`, or a definition's `key_field`.
    field: str
    value: str
    #: The value as it was written, for keys that lists show: tags.
    label: str | None = None


def lead_keys(lead: Lead, settings: AccountSettings) -> set[MatchKey]:
    """Return every key of a lead, for matching and for searching."""
    keys = {MatchKey("name", key_value(fold(lead.name)))}
    if lead.email and (email := fold(lead.email.email)):
        keys.add(MatchKey("email", key_value(email)))
    for phone in lead.phone_numbers:
        if digits := phone_digits(phone.number):
            keys.add(MatchKey("phone", digits[::-1]))
    keys.update(MatchKey("social", key_value(fold(social.url))) for social in lead.socials)
    keys.update(MatchKey("tag", key_value(fold(tag)), tag) for tag in lead.tags)
    for field in settings.indexed_fields:
        keys.update(custom_field_keys(lead, field))
    return keys


def custom_field_keys(lead: Lead, field: CustomField) -> set[MatchKey]:
    """Return the keys of a lead for one indexed definition."""
    values = match_values(field, lead.custom_fields.get(field.id))
    return {MatchKey(field.key_field, key_value(value)) for value in values}


def key_value(value: str) -> str:
    """Return the value as it is indexed: a long one as its digest.

    The digest follows a space, with which no normalised value begins.
    """
    encoded = value.encode()
    if len(encoded) <= KEY_VALUE_BYTES_MAX:
        return value
    return f" {hashlib.sha256(encoded).hexdigest()}"


def phone_digits(number: str) -> str:
    """Return the digits of a phone number; keys hold them reversed, to be found by their end."""
    digits = "".join(filter(str.isdecimal, number))[-PHONE_DIGITS_MAX:]
    # Other scripts have their own decimal digits.
    return digits if digits.isascii() else "".join(str(int(digit)) for digit in digits)


class Match(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """What an upsert looks for, as sent."""

    field_name: Annotated[Any, Meta(description="name, email or custom.")] = None
    field_value: Annotated[
        Any,
        Meta(
            description="A text; for custom an object, "
            '`{"custom_field_definition_id": 1000000010, "value": "A-77"}`.'
        ),
    ] = None


class CheckedMatch(Struct, frozen=True, gc=False):
    """A match whose value is normalised."""

    #: `name`, `email` or `custom`.
    field_name: str
    key: MatchKey
    #: The definition, for `custom`.
    definition: CustomField | None
    #: What makes a new lead match when its properties do not name the matched field.
    patch: LeadPatch


def checked_match(match: Match, settings: AccountSettings) -> CheckedMatch:
    """Check and normalise a match. Raises InputInvalid, which names the member at fault."""
    field_name = match.field_name
    if field_name == "custom":
        return _custom_match(match.field_value, settings)
    if field_name is None:
        raise _invalid("field_name can't be blank", "blank")
    if field_name not in ("name", "email"):
        raise _invalid("field_name must be name, email or custom", "inclusion")
    text = _text_value(match.field_value)
    patch = LeadPatch(name=text) if field_name == "name" else LeadPatch(email=EmailPatch(text))
    return CheckedMatch(field_name, MatchKey(field_name, key_value(fold(text))), None, patch)


def _text_value(value: Any) -> str:
    if value is None or value == "":
        raise _invalid("field_value can't be blank", "blank")
    if not isinstance(value, str):
        raise _invalid("field_value must be a string")
    if len(value) > LINE_CHARS_MAX:
        raise _invalid(f"field_value {too_long(LINE_CHARS_MAX)}", "too_long")
    if is_blank(value):
        raise _invalid("field_value can't be blank", "blank")
    return value


def _custom_match(value: Any, settings: AccountSettings) -> CheckedMatch:
    if not isinstance(value, dict):
        raise _invalid("field_value must be an object with custom_field_definition_id and value")
    unknown = sorted(value.keys() - {"custom_field_definition_id", "value"})
    if problem := unrecognized(unknown):
        raise InputInvalid(problem)
    field = _matchable_field(value.get("custom_field_definition_id"), settings)
    raw = value.get("value")
    key = MatchKey(field.key_field, key_value(_custom_match_value(field, raw, settings)))
    patch = LeadPatch(custom_fields=[CustomFieldPatch(field.id, raw)])
    return CheckedMatch("custom", key, field, patch)


def _matchable_field(definition_id: Any, settings: AccountSettings) -> CustomField:
    if definition_id is None:
        raise _invalid("field_value.custom_field_definition_id can't be blank", "blank")
    number = known_id(definition_id)
    if number is None:
        raise _invalid("field_value.custom_field_definition_id must be a positive integer")
    field = settings.fields_by_id.get(number)
    if field is None:
        raise _invalid(f"custom field definition {number} does not exist", "inclusion")
    require_filterable(field, "match")
    return field


def is_matchable(field: CustomField) -> bool:
    """Return whether upserts can match and searches can filter by a definition now."""
    return field.on_leads and field.is_filterable and field.index_state is IndexState.READY


def require_filterable(field: CustomField, attribute: str) -> None:
    """Refuse a definition that is not on leads, not filterable, or not yet fully indexed."""
    which = f"custom field {field.name} (definition {field.id})"
    if not field.on_leads:
        text = f"{which} is not available on leads; {WHERE_TO_CHANGE}"
        raise InputInvalid(Problem(attribute, text, "inclusion"))
    if not field.is_filterable:
        text = f"{which} is not included in filters; {WHERE_TO_CHANGE}"
        raise InputInvalid(Problem(attribute, text, "inclusion"))
    if field.index_state is not IndexState.READY:
        text = f"{which} is still being indexed; try again shortly"
        raise InputInvalid(Problem(attribute, text, "building"), retry_after_s=RETRY_AFTER_S)


def _custom_match_value(field: CustomField, raw: Any, settings: AccountSettings) -> str:
    if field.data_type is DataType.MULTI_SELECT and isinstance(raw, list) and len(raw) != 1:
        raise _invalid("field_value.value must be one option, for a MultiSelect")
    try:
        value = stored_value(field, raw, settings.zone)
    except ValueInvalid as error:
        raise _invalid(f"field_value.value {error}") from None
    if value is None and raw is not False:
        raise _invalid("field_value.value can't be blank", "blank")
    return match_values(field, value)[0]


def sought_values(text: str, field: CustomField | None, settings: AccountSettings) -> set[str]:
    """Return every normalised value that a match for a typed text may have looked for.

    With a definition as `field`, the text may also be a value of its type.
    """
    values = {fold(text), tidy(text)}
    if field is not None:
        # What is not a value of the type now may have been one earlier, such as a removed option.
        with suppress(ValueInvalid):
            values.update(match_values(field, stored_value(field, text, settings.zone)))
    return {key_value(value) for value in values}


def _invalid(text: str, symbol: str = "invalid") -> InputInvalid:
    return InputInvalid(Problem("match", text, symbol))


def names_matched_field(match: CheckedMatch, properties: CheckedPatch) -> bool:
    """Return whether the properties give the matched field a value themselves."""
    if match.field_name == "name":
        return properties.name is not None or any(properties.name_parts.values())
    if match.field_name == "email":
        return properties.fields.get("email") is not None
    assert match.definition is not None
    if match.definition.data_type is DataType.CHECKBOX:
        return match.definition.id in properties.custom_fields
    return properties.custom_fields.get(match.definition.id) is not None
