"""What an erasure removes: the values that mean a person, where they occur, and what stays.

A person's leads are found by their ids. Deliveries that reached no lead are found by values: an
e-mail, a phone number, a text of a custom field that tells people apart, a social profile; a name
only with another value of the person beside it, because names are naturally shared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from functools import partial
from itertools import chain
from typing import Any
from urllib.parse import unquote_plus

import msgspec
from msgspec import Struct

from onelead.domain.account import AccountSettings
from onelead.domain.acts.changes import changes_from
from onelead.domain.custom_fields import TYPES_WITH_OPTIONS
from onelead.domain.emails import email_keys
from onelead.domain.figures import COUNTED_FIELDS
from onelead.domain.lead import (
    OTHER_VALUE_PREFIX,
    Address,
    Email,
    Lead,
    Link,
    OtherValue,
    PhoneNumber,
    custom_name,
    definition_id_of,
)
from onelead.domain.limits import ERASURE_VALUES_MAX
from onelead.domain.matching import key_value
from onelead.domain.phones import phone_digits
from onelead.domain.text import fold, known_id, tidy
from onelead.domain.writes import RowDetails

#: With fewer digits, a phone number is one of many places.
_PHONE_DIGITS_MIN = 7
#: Two numbers that end in this many equal digits are one, with and without a country code.
_NATIONAL_DIGITS = 9
#: In a body that could not be read, a shorter text may be a part of anything.
_CERTAIN_CHARS_MIN = 6


class ErasureState(StrEnum):
    """How far an erasure is."""

    #: The leads are gone; their own ledger rows are being erased.
    HISTORY = "history"
    #: All ledger rows up to that of the erasure are searched for the person.
    LEDGER = "ledger"
    #: Nothing is left in tables; the free space of the database's files is being cleaned.
    FILES = "files"
    DONE = "done"


class PersonValues(Struct, frozen=True):
    """The normalised values by which deliveries about a person are found."""

    emails: frozenset[str] = frozenset()
    #: Digits, see `_phone_forms`.
    phones: frozenset[str] = frozenset()
    #: Definition id and match key value of texts that tell people apart.
    custom: frozenset[tuple[int, str]] = frozenset()
    socials: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    #: Values of which one beside the name tells the person from others of that name.
    beside: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return sum(len(getattr(self, name)) for name in self.__struct_fields__)

    def with_more(self, other: PersonValues) -> PersonValues:
        """Return both together, unless they are more than ERASURE_VALUES_MAX."""
        both = PersonValues(
            *(getattr(self, name) | getattr(other, name) for name in self.__struct_fields__)
        )
        return both if len(both) <= ERASURE_VALUES_MAX else self


class _Collected:
    """Sets of values that grow."""

    def __init__(self, settings: AccountSettings) -> None:
        self._settings = settings
        self._identifying = {field.id for field in settings.identifying_fields}
        self._sets: dict[str, set[Any]] = {name: set() for name in PersonValues.__struct_fields__}
        self._by_name: dict[str, Callable[[Any], None]] = {
            "name": partial(self._add_text, "names"),
            "email": self.add_email,
            "phone_numbers": self._add_phones,
            "socials": partial(self._add_links, "socials"),
            "websites": partial(self._add_links, "beside"),
            "company_name": partial(self._add_text, "beside"),
            "address": self._add_address,
        }

    def values(self) -> PersonValues:
        return PersonValues(**{name: frozenset(found) for name, found in self._sets.items()})

    def add(self, name: str, value: Any) -> None:
        """Add a value of a field, named as among a lead's changes."""
        if isinstance(value, OtherValue):
            name, value = value.field, value.value
        definition_id = definition_id_of(name)
        if definition_id in self._identifying and isinstance(value, str):
            self.add_custom(definition_id, key_value(tidy(value)), value)
        elif value is not None and name in self._by_name:
            self._by_name[name](value)

    def _add_phones(self, phones: Iterable[PhoneNumber]) -> None:
        for phone in phones:
            self._sets["phones"] |= _phone_forms(phone_digits(phone.number))

    def _add_links(self, kind: str, links: Iterable[Link]) -> None:
        for link in links:
            self._add_text(kind, link.url)

    def _add_address(self, address: Address) -> None:
        self._add_text("beside", address.street)
        self._add_text("beside", address.postal_code)

    def add_email(self, value: Email | str) -> None:
        text = value.email if isinstance(value, Email) else value
        have = self._settings.placeholders.have_folded
        self._sets["emails"].update(key for key in email_keys(text) if not have(key))

    def add_custom(self, definition_id: int, key: str, text: str) -> None:
        if not self._settings.placeholders.have(text):
            self._sets["custom"].add((definition_id, key))

    def _add_text(self, kind: str, text: str | None) -> None:
        if text and not self._settings.placeholders.have(text):
            self._sets[kind].add(fold(text))

    def add_lead(self, lead: Lead) -> None:
        for name in self._by_name:
            self.add(name, getattr(lead, name))
        for definition_id, value in lead.custom_fields.items():
            self.add(custom_name(definition_id), value)
        for value_id, other in lead.other_values.items():
            self.add(f"{OTHER_VALUE_PREFIX}{value_id}", other)

    def add_match(self, match: Mapping[str, Any]) -> None:
        value = match["value"]
        if match["field_name"] == "email":
            self.add_email(value)
        elif match["definition_id"] in self._identifying:
            self.add_custom(match["definition_id"], value, value)


def values_of_leads(leads: Iterable[Lead], settings: AccountSettings) -> PersonValues:
    """Return what leads and their other values say about a person."""
    collected = _Collected(settings)
    for lead in leads:
        collected.add_lead(lead)
    return collected.values()


def values_of_email(text: str) -> PersonValues:
    """Return the one e-mail that a text is; nothing for any other text."""
    keys = email_keys(text)
    return PersonValues(emails=frozenset(keys)) if len(keys) == 1 else PersonValues()


def values_of_row(
    changes: str | None,
    match: Mapping[str, Any] | None,
    details: RowDetails | None,
    settings: AccountSettings,
) -> PersonValues:
    """Return what a ledger row of the person's own lead says about the person."""
    collected = _Collected(settings)
    if changes:
        for name, values in changes_from(changes).items():
            for value in values:
                collected.add(name, value)
    if match:
        collected.add_match(match)
    if details is not None:
        for name, value in _kept(details):
            collected.add(name, value)
        deleted = (details.deleted,) if details.deleted else ()
        answer = (details.answer,) if details.answer else ()
        for lead in (*deleted, *details.merged, *details.restored, *answer):
            collected.add_lead(lead)
    return collected.values()


def _kept(details: RowDetails) -> Iterator[tuple[str, Any]]:
    """Yield the values that a lead did not take, each with its name among the lead's changes."""
    for field, kept in details.kept.items():
        # Of leads that stand again, the id comes first.
        name = _ID_BEFORE.sub("", field)
        # Of another value, it is only the text, which the row's changes have, too.
        if not name.startswith(OTHER_VALUE_PREFIX):
            changes = msgspec.json.encode({name: (None, kept.value)}).decode()
            yield name, changes_from(changes)[name][1]


_ID_BEFORE = re.compile(r"^\d+\.")


def _phone_forms(digits: str) -> set[str]:
    """Return the forms of a number of which two numbers that are one have one in common."""
    national = digits.lstrip("0")
    if len(national) < _PHONE_DIGITS_MIN:
        return set()
    return {national, national[-_NATIONAL_DIGITS:]}


def lead_ids_in(details: RowDetails | None) -> set[int]:
    """Return the leads that a ledger row holds or names besides its own and its matches."""
    if details is None:
        return set()
    ids = {lead.id for lead in (*details.merged, *details.restored)}
    ids |= {*(details.pair or ())}
    for lead in (details.deleted, details.answer):
        if lead is not None:
            ids.add(lead.id)
    return ids if details.via_id is None else ids | {details.via_id}


def is_matched_by(values: PersonValues, match: Mapping[str, Any]) -> bool:
    """Return whether a match of the ledger looked for a value that identifies the person."""
    if match["field_name"] == "email":
        return match["value"] in values.emails
    return (match["definition_id"], match["value"]) in values.custom


#: Between the words of a text of which one may be an e-mail; and the same in the address of a page
#: or a form, whose marks can be part of an e-mail, too.
_BETWEEN_EMAILS = re.compile(r"[\s<>()\[\]{},;:\"|\\]+")
_BETWEEN_PARAMETERS = re.compile(r"[\s<>()\[\]{},;:\"|\\?&=/]+")
_PHONE_LIKE = re.compile(r"\d[\d\s()./\u00a0\u2010-\u2013-]{5,}\d")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


def is_about(values: PersonValues, payload: str, *, is_unread: bool = False) -> bool:
    """Return whether a payload of the ledger brought a value that identifies the person.

    Of an unread one, the payload is the beginning of a body as a JSON text.
    """
    if not payload:
        return False
    body = _read(payload)
    if isinstance(body, str) and (is_unread or body is payload):
        text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), body)
        # It may be a form.
        return _is_in_text(values, text) or _is_in_text(values, unquote_plus(text))
    folded = set()
    for text in _texts_in(body):
        if _has_address(values, text):
            return True
        folded.add(fold(text))
    if folded & values.socials or any(pair in values.custom for pair in _custom_in(body)):
        return True
    is_named = any(name in folded or folded.issuperset(name.split()) for name in values.names)
    return is_named and bool(folded & values.beside)


def _read(payload: str) -> Any:
    """Return what a payload says; the text itself if it is not JSON."""
    try:
        return msgspec.json.decode(payload)
    except msgspec.DecodeError:
        return payload


def is_mentioned_in(values: PersonValues, text: str) -> bool:
    """Return whether a short text that a person typed has a value of the person, or the name."""
    folded = fold(text)
    return _is_in_text(values, text) or any(name in folded for name in values.names)


def _is_in_text(values: PersonValues, text: str) -> bool:
    if _has_address(values, text):
        return True
    folded, exact = fold(text), tidy(text)
    certain = chain(
        ((one, folded) for one in values.socials), ((one, exact) for _id, one in values.custom)
    )
    if any(len(one) >= _CERTAIN_CHARS_MIN and one in where for one, where in certain):
        return True
    is_named = any(name in folded for name in values.names)
    return is_named and any(one in folded for one in values.beside)


def _has_address(values: PersonValues, text: str) -> bool:
    """Return whether a text has an e-mail or a phone number of the person anywhere."""
    if "@" in text and values.emails:
        words = {text, *_BETWEEN_EMAILS.split(text), *_BETWEEN_PARAMETERS.split(text)}
        if any("@" in one and not values.emails.isdisjoint(email_keys(one)) for one in words):
            return True
    return bool(values.phones) and any(
        _phone_forms(phone_digits(found)) & values.phones for found in _PHONE_LIKE.findall(text)
    )


def _texts_in(value: Any) -> Iterator[str]:
    """Yield the texts and numbers of a JSON value as texts."""
    if isinstance(value, dict):
        yield from chain.from_iterable(map(_texts_in, value.values()))
    elif isinstance(value, list):
        yield from chain.from_iterable(map(_texts_in, value))
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _custom_in(value: Any) -> Iterator[tuple[int, str]]:
    """Yield the values of custom fields in a JSON value, as `PersonValues` has them."""
    if isinstance(value, list):
        yield from chain.from_iterable(map(_custom_in, value))
    if not isinstance(value, dict):
        return
    definition_id = known_id(value.get("custom_field_definition_id"))
    if definition_id is not None and isinstance(one := value.get("value"), str | int):
        yield definition_id, key_value(tidy(str(one)))
    yield from chain.from_iterable(map(_custom_in, value.values()))


def counted_changes(changes: str | None, settings: AccountSettings) -> str | None:
    """Return what the figures need of a row's changes; None for nothing.

    The figures are sums over the ledger, so that a row of a lead which stands keeps the ids of
    settings, and of other custom fields only whether there was a value. Nobody can be told by it.
    """
    kept = {}
    for name, values in (msgspec.json.decode(changes) if changes else {}).items():
        field = settings.fields_by_id.get(definition_id_of(name) or 0)
        if name in COUNTED_FIELDS or (field and field.data_type in TYPES_WITH_OPTIONS):
            kept[name] = values
        elif field is not None:
            kept[name] = [None if value is None else True for value in values]
    return msgspec.json.encode(kept).decode() if kept else None


def without_person(
    match: dict[str, Any] | None,
    shares: dict[str, list[int]] | None,
    values: PersonValues,
    lead_ids: frozenset[int],
) -> tuple[dict[str, Any] | None, dict[str, list[int]] | None]:
    """Return the match and the shares of somebody else's row without the person."""
    if match:
        ids = [id_ for id_ in match["ids"] if id_ not in lead_ids]
        value = "" if is_matched_by(values, match) else match["value"]
        match = {**match, "ids": ids, "value": value}
    if shares:
        left = {name: [id_ for id_ in ids if id_ not in lead_ids] for name, ids in shares.items()}
        shares = {name: ids for name, ids in left.items() if ids} or None
    return match, shares


def without_values(payload: str, values: PersonValues) -> str:
    """Return somebody else's payload without the person's e-mails and identifying texts.

    A longer text that only mentions one stays as it is.
    """
    body = _read(payload)
    return payload if body is payload else msgspec.json.encode(_blanked(body, values)).decode()


def _blanked(value: Any, values: PersonValues) -> Any:
    if isinstance(value, list):
        return [_blanked(one, values) for one in value]
    if isinstance(value, dict):
        pairs = {*_custom_in({name: one for name, one in value.items() if name in _CUSTOM_PAIR})}
        is_custom = not pairs.isdisjoint(values.custom)
        return {
            name: "" if is_custom and name == "value" else _blanked(one, values)
            for name, one in value.items()
        }
    is_email = isinstance(value, str) and not values.emails.isdisjoint(email_keys(value))
    return "" if is_email else value


_CUSTOM_PAIR = ("custom_field_definition_id", "value")
