"""How leads are found: the match keys of a lead, and the match of an upsert.

A match reads only match keys. They follow from the lead and the account's settings alone, so the
plan, both engines and the index work agree by construction. `docs/matching.md` explains to people
which values are one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Annotated, Any, NamedTuple

from msgspec import Meta, Struct, structs

from onelead.domain.account import AccountSettings
from onelead.domain.coercions import as_integer, as_text, is_empty
from onelead.domain.custom_fields import (
    TEXT_TYPES,
    CustomField,
    IndexState,
    ValueInvalid,
    match_values,
    stored_value,
    whole_match_value,
)
from onelead.domain.emails import email_keys
from onelead.domain.errors import InputInvalid, Problem, unrecognized
from onelead.domain.lead import CustomValue, Lead, OtherValue, custom_name, definition_id_of
from onelead.domain.limits import KEY_VALUE_BYTES_MAX, LINE_CHARS_MAX, RETRY_AFTER_S
from onelead.domain.phones import phone_digits
from onelead.domain.properties import CheckedPatch
from onelead.domain.text import fold, is_blank, known_id, quoted, tidy, too_long

#: The version of the rules by which a lead's keys follow from it. A change of the rules raises it,
#: and the keys of existing leads are rebuilt (`docs/decisions/0026-key-rules.md`).
KEY_RULES = 2

WHERE_TO_CHANGE = "change it in System Settings -> Custom Fields"


class MatchKey(NamedTuple):
    """One normalised value under which a lead is found."""

    #: `name`, `email`, `phone`, `social`, `tag`, or a definition's `key_field`; of a ruling, that
    #: of `claim_key`; of another value, `OTHER_VALUE`.
    field: str
    value: str
    #: The value as it was written, for keys that lists show: tags.
    label: str | None = None


def lead_keys(lead: Lead, settings: AccountSettings) -> set[MatchKey]:
    """Return every key of a lead, for matching and for searching."""
    keys = {name_key(lead.name)}
    if lead.email:
        keys.update(email_match_keys(lead.email.email))
    for phone in lead.phone_numbers:
        if digits := phone_digits(phone.number):
            keys.add(MatchKey("phone", digits[::-1]))
    for social in lead.socials:
        keys.add(MatchKey("social", key_value(fold(social.url))))
    if lead.tags:
        # Tags that were two by older rules can have one key, which the first one labels.
        tags = {key_value(fold(tag)): tag for tag in reversed(lead.tags)}
        for folded, tag in tags.items():
            keys.add(MatchKey("tag", folded, tag))
    for field in settings.indexed_fields:
        keys.update(custom_value_keys(field, lead.custom_fields.get(field.id)))
    for value_id, value in lead.other_values.items():
        keys.add(MatchKey(OTHER_VALUE, str(value_id)))
        keys.update(other_value_keys(value, settings))
    return keys


#: The field of the keys by which a lead is found by the id of another value.
OTHER_VALUE = "other_value"


def name_key(name: str) -> MatchKey:
    """Return the key of a name."""
    return MatchKey("name", key_value(fold(name)))


def claim_field(field: str) -> str:
    """Return the field of the keys of rulings on values of a field."""
    return f"{field} claim"


def claim_key(key: MatchKey) -> MatchKey:
    """Return the key that a ruling on a value gives its lead besides the value's own."""
    return MatchKey(claim_field(key.field), key.value)


def other_value_keys(value: OtherValue, settings: AccountSettings) -> set[MatchKey]:
    """Return the keys of another value, with those of its claim."""
    keys = value_keys(value, settings)
    return keys | {claim_key(key) for key in keys} if value.claims else keys


def value_keys(value: OtherValue, settings: AccountSettings) -> set[MatchKey]:
    """Return the keys of another value, as if it were the lead's own."""
    if value.field == "name":
        return {name_key(str(value.value))}
    if value.field == "email":
        return set(email_match_keys(str(value.value)))
    field = settings.fields_by_id.get(definition_id_of(value.field) or 0)
    return custom_value_keys(field, value.value) if field and field.is_indexed else set()


@lru_cache(maxsize=4096)
def email_match_keys(text: str) -> tuple[MatchKey, ...]:
    """Return the keys of the addresses in a text."""
    # One write asks several times about the same text.
    return tuple([MatchKey("email", key_value(key)) for key in email_keys(text)])


def custom_field_keys(lead: Lead, field: CustomField) -> set[MatchKey]:
    """Return the keys of a lead for one indexed definition."""
    keys = custom_value_keys(field, lead.custom_fields.get(field.id))
    name = custom_name(field.id)
    for value in lead.other_values.values():
        if value.field == name:
            more = custom_value_keys(field, value.value)
            keys |= more | {claim_key(key) for key in more if value.claims}
    return keys


def custom_value_keys(field: CustomField, value: CustomValue | None) -> set[MatchKey]:
    """Return the keys of a value of an indexed definition."""
    values = match_values(field, value)
    keys = {MatchKey(field.key_field, key_value(one)) for one in values} if values else set()
    if isinstance(value, tuple) and len(value) > 1:
        # By which a repeated upsert finds the lead again that it gave other options.
        keys.add(_whole_key(field, value))
    return keys


def _whole_key(field: CustomField, value: CustomValue | None) -> MatchKey:
    return MatchKey(field.key_field, key_value(whole_match_value(field, value)))


def key_value(value: str) -> str:
    """Return the value as it is indexed: a long one as its digest.

    The digest follows a space, with which no normalised value begins.
    """
    # No character has more than 4 bytes.
    if len(value) <= KEY_VALUE_BYTES_MAX // 4:
        return value
    encoded = value.encode()
    if len(encoded) <= KEY_VALUE_BYTES_MAX:
        return value
    return f" {hashlib.sha256(encoded).hexdigest()}"


#: A number may be a longer one without its country or area code when it has this many digits.
_ALIKE_DIGITS_MIN = 7


class SimilarKeys(Struct, frozen=True):
    """The match keys of leads that may be the same person, which only people can tell."""

    field: str
    values: frozenset[str]
    #: Keys that begin so are among them, too; empty for none.
    start: str = ""

    def have(self, value: str) -> bool:
        """Return whether a key with this value of the field is among them."""
        return value in self.values or (self.start != "" and value.startswith(self.start))


def similar_keys(key: MatchKey, settings: AccountSettings) -> SimilarKeys | None:
    """Return the keys that are similar to that of a name or phone number; None for any other."""
    if key.field == "phone":
        return _similar_phones(key.value)
    if key.field == "name" and not settings.placeholders.have(key.value):
        return SimilarKeys("name", frozenset({key.value}))
    return None


def _similar_phones(value: str) -> SimilarKeys:
    """Return the keys of the number with and without a country code, an area code, and zeros."""
    # The zeros before a number are dialled in its own country only.
    national = value.rstrip("0")
    if len(national) < _ALIKE_DIGITS_MIN:
        return SimilarKeys("phone", frozenset({value}))
    shorter = [national[:digits] for digits in range(_ALIKE_DIGITS_MIN, len(national) + 1)]
    return SimilarKeys("phone", frozenset({*shorter, *(f"{one}0" for one in shorter)}), national)


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


class CheckedMatch(Struct, gc=False):
    """A match whose value is normalised."""

    #: `name`, `email` or `custom`.
    field_name: str
    key: MatchKey
    #: The definition, for `custom`.
    definition: CustomField | None
    #: What a new lead is given when its properties do not give the matched field a value.
    value: Any
    #: The key of the value that the properties give the matched field, when that is another one.
    #: It is looked up when nobody has the first: the call may be repeated after it was applied.
    key_by_properties: MatchKey | None = None
    #: The properties give the matched field a value.
    is_given: bool = False


def checked_match(match: Match, settings: AccountSettings) -> CheckedMatch:
    """Check and normalise a match. Raises InputInvalid, which names the member at fault."""
    field_name = match.field_name
    if is_empty(field_name):
        raise _invalid("field_name can't be blank", "blank")
    if field_name == "custom":
        return _custom_match(match.field_value, settings)
    if field_name not in ("name", "email", "emails"):
        text = f"field_name must be name, email or custom, not {quoted(field_name)}"
        raise _invalid(text, "inclusion")
    if field_name == "name":
        text = _text_value(match.field_value)
        _refuse_placeholder(text, "field_value", settings)
        return CheckedMatch("name", name_key(text), None, text)
    text = _text_value(_email_value(match.field_value))
    return CheckedMatch("email", _email_key(text, settings), None, text)


def checked_steps(
    steps: Sequence[Sequence[Match]], settings: AccountSettings
) -> list[list[CheckedMatch]]:
    """Check and normalise the matches of several steps. Raises InputInvalid, which has them all.

    The values of a step are of different fields: a lead that has them all can be created, too.
    """
    found: list[list[CheckedMatch]] = []
    problems: list[Problem] = []
    waits = []
    for number, step in enumerate(steps, 1):
        checked_step = []
        for match in step:
            try:
                checked_step.append(checked_match(match, settings))
            except InputInvalid as error:
                problems += [_of_step(number, one) for one in error.problems]
                waits.append(error.retry_after_s or 0)
        if len({one.key.field for one in checked_step}) < len(checked_step):
            problems.append(_of_step(number, Problem("match", "has a field twice")))
        found.append(checked_step)
    if problems:
        raise InputInvalid(*problems, retry_after_s=max(waits, default=0) or None)
    return found


def _of_step(number: int, problem: Problem) -> Problem:
    return structs.replace(problem, text=f"step {number}: {problem.text}")


def _email_value(value: Any) -> Any:
    """Return the address of an e-mail that is matched as properties have it."""
    if isinstance(value, list) and len(value) == 1:
        (value,) = value
    return value.get("email") if isinstance(value, dict) else value


def _email_key(text: str, settings: AccountSettings) -> MatchKey:
    keys = email_match_keys(text)
    if len(keys) == 1 and not settings.placeholders.have_folded(keys[0].value):
        return keys[0]
    _refuse_placeholder(text, "field_value", settings)
    if len(keys) > 1:
        raise _invalid(f"field_value has {len(keys)} e-mail addresses: {quoted(text)}")
    if not keys:
        raise _invalid(f"field_value is not an e-mail address: {quoted(text)}")
    raise _placeholder("field_value", text)


def _refuse_placeholder(text: str, member: str, settings: AccountSettings) -> None:
    if settings.placeholders.have(text):
        raise _placeholder(member, text)


def _placeholder(member: str, text: str) -> InputInvalid:
    where = "the placeholders are in System Settings -> Matching"
    return _invalid(f"{member} identifies nobody: {quoted(text)}; {where}")


def _text_value(value: Any) -> str:
    text = value if isinstance(value, str) else as_text(value)
    if is_empty(text):
        raise _invalid("field_value can't be blank", "blank")
    if not isinstance(text, str):
        raise _invalid(f"field_value must be text, not {quoted(value)}")
    if len(text) > LINE_CHARS_MAX:
        raise _invalid(f"field_value {too_long(LINE_CHARS_MAX)}", "too_long")
    return text


_CUSTOM_MEMBERS = ("custom_field_definition_id", "value", "name", "computed_value", "id")


def _custom_match(value: Any, settings: AccountSettings) -> CheckedMatch:
    if is_empty(value):
        raise _invalid("field_value can't be blank", "blank")
    if not isinstance(value, dict):
        members = "custom_field_definition_id and value"
        raise _invalid(f"field_value must be an object with {members}, not {quoted(value)}")
    unknown = sorted(value.keys() - set(_CUSTOM_MEMBERS))
    if problem := unrecognized(unknown):
        raise InputInvalid(problem)
    field = _matchable_field(value, settings)
    raw = value.get("value")
    text = as_text(raw)
    if field.data_type in TEXT_TYPES and isinstance(text, str) and not is_blank(text):
        _refuse_placeholder(text, "field_value.value", settings)
    key = MatchKey(field.key_field, key_value(_custom_match_value(field, raw, settings)))
    return CheckedMatch("custom", key, field, raw)


def _matchable_field(value: dict[str, Any], settings: AccountSettings) -> CustomField:
    sent = value.get("custom_field_definition_id")
    definition_id = as_integer(sent)
    name = as_text(value.get("name"))
    if definition_id is None and isinstance(name, str) and not is_blank(name):
        ids = settings.definition_ids_named(name)
        if len(ids) != 1:
            text = f"field_value.name is the name of {len(ids) or 'no'} definitions: {quoted(name)}"
            raise _invalid(text, "inclusion")
        (definition_id,) = ids
    if definition_id is None:
        raise _invalid("field_value.custom_field_definition_id can't be blank", "blank")
    number = known_id(definition_id)
    if number is None:
        text = "field_value.custom_field_definition_id must be a positive integer, not"
        raise _invalid(f"{text} {quoted(sent)}")
    field = settings.fields_by_id.get(number)
    if field is None:
        was_deleted = settings.was_deleted("custom_field_definition", number)
        what = "was deleted" if was_deleted else "does not exist"
        raise _invalid(f"custom field definition {number} {what}", "inclusion")
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
    try:
        value = stored_value(field, raw, settings.zone)
    except ValueInvalid as error:
        raise _invalid(f"field_value.value {error}") from None
    if value is None:
        raise _invalid("field_value.value can't be blank", "blank")
    if isinstance(value, tuple) and len(value) > 1:
        raise _invalid(f"field_value.value must be one option, not {quoted(raw)}")
    return match_values(field, value)[0]


def sought_values(text: str, field: CustomField | None, settings: AccountSettings) -> set[str]:
    """Return every normalised value that a match for a typed text may have looked for.

    With a definition as `field`, the text may also be a value of its type.
    """
    values = {fold(text), tidy(text), *email_keys(text)}
    if field is not None:
        # What is not a value of the type now may have been one earlier, such as a removed option.
        with suppress(ValueInvalid):
            values.update(match_values(field, stored_value(field, text, settings.zone)))
    return {key_value(value) for value in values}


def _invalid(text: str, symbol: str = "invalid") -> InputInvalid:
    return InputInvalid(Problem("match", text, symbol))


def settle(match: CheckedMatch, patch: CheckedPatch, settings: AccountSettings) -> None:
    """Settle how a match and the properties of its upsert go together, in both of them.

    After the write, the lead has to be found by the same request again. So properties that give
    the matched field a value which identifies nobody (a blank one, a placeholder, no e-mail address
    or several) are taken out of the patch.
    """
    if match.field_name == "name":
        _settle_name(match, patch, settings)
    elif match.definition is not None:
        _settle_custom_value(match, match.definition, patch, settings)
    elif "email" in patch.fields:
        _settle_email(match, patch, settings)


def _settle_email(match: CheckedMatch, patch: CheckedPatch, settings: AccountSettings) -> None:
    if match.key in _given_email_keys(patch):
        _give(match, match.key)
        return
    keys = _identifying_email_keys(patch, settings)
    if len(keys) == 1:
        _give(match, keys[0])
    else:
        del patch.fields["email"]
        patch.ignored.append("email")


def _settle_name(match: CheckedMatch, patch: CheckedPatch, settings: AccountSettings) -> None:
    if patch.name is not None and settings.placeholders.have(patch.name):
        patch.name = None
        patch.ignored.append("name")
    if patch.name is None:
        # Parts of a name complete the one that was matched; they do not replace it.
        patch.keeps_name = True
    else:
        _give(match, name_key(patch.name))


def _settle_custom_value(
    match: CheckedMatch, field: CustomField, patch: CheckedPatch, settings: AccountSettings
) -> None:
    if field.id not in patch.custom_fields:
        return
    value = patch.custom_fields[field.id]
    if value is None or (isinstance(value, str) and _identifies_nobody(field, value, settings)):
        del patch.custom_fields[field.id]
        patch.ignored.append(custom_name(field.id))
    elif match.key in custom_value_keys(field, value):
        _give(match, match.key)
    else:
        _give(match, _whole_key(field, value))


def _give(match: CheckedMatch, key: MatchKey) -> None:
    match.is_given = True
    if key != match.key:
        match.key_by_properties = key


def _given_email_keys(patch: CheckedPatch) -> tuple[MatchKey, ...]:
    email = patch.fields.get("email")
    return email_match_keys(email.email) if email else ()


def _identifying_email_keys(
    patch: CheckedPatch, settings: AccountSettings, but: MatchKey | None = None
) -> list[MatchKey]:
    """Return the keys of the addresses that are no placeholders."""
    have = settings.placeholders.have_folded
    keys = [key for key in _given_email_keys(patch) if key != but]
    return [key for key in keys if not have(key.value)] if keys else []


def _identifies_nobody(field: CustomField, value: str, settings: AccountSettings) -> bool:
    return field.data_type in TEXT_TYPES and settings.placeholders.have(value)


def identifying_keys(
    patch: CheckedPatch, settings: AccountSettings, *, but: MatchKey | None = None
) -> list[MatchKey]:
    """Return the keys of the values by which other deliveries may name the lead, but for one.

    These are the e-mail and the custom fields that can be matched and hold text: a name, an amount
    or a choice is naturally shared.
    """
    keys = _identifying_email_keys(patch, settings, but)
    if patch.custom_fields:
        for field in settings.identifying_fields:
            value = patch.custom_fields.get(field.id)
            if isinstance(value, str) and not settings.placeholders.have(value):
                keys += [key for key in custom_value_keys(field, value) if key != but]
    return keys
