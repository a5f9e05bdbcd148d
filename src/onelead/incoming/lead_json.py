"""Reads a lead's properties and a match from JSON.

A body in the documented types is read as it is; any other is read key by key, by the table of
coercions. All problems are found together; messages follow the grammar of the wire reference
(Copper Developer API v1).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from onelead.domain.coercions import (
    as_integer,
    as_list,
    as_number,
    as_object,
    as_objects,
    as_text,
    as_texts,
    is_empty,
)
from onelead.domain.emails import email_keys
from onelead.domain.errors import Problem, humanised, unrecognized
from onelead.domain.matching import Match
from onelead.domain.names import NAME_PARTS
from onelead.domain.properties import LeadPatch
from onelead.domain.text import as_one_line, fold, known_id, quoted, shortened
from onelead.domain.writes import Action, Delivery, LeadWrite

T = TypeVar("T", bound=Struct)
Coercions = Mapping[str, Callable[[Any], Any]]

#: Clients send whole leads back; these keys cannot be set and are ignored.
READ_ONLY_KEYS = frozenset(
    {
        *("id", "interaction_count", "date_created", "date_modified", "date_last_contacted"),
        *("converted_unit", "converted_value", "converted_at"),
        *("converted_opportunity_id", "converted_contact_id"),
    }
)
_ID_KEYS = frozenset({"assignee_id", "customer_source_id", "status_id"})
_DEFINITION_ID = "custom_field_definition_id"


def lead_patch(raw: Any, attribute: str) -> tuple[LeadPatch | None, tuple[Problem, ...]]:
    """Read the properties of a lead; messages call them `attribute`.

    With problems, the patch has what could be read, so that the rules can add further problems.
    """
    if not isinstance(raw, dict):
        return None, (_no_object(attribute, raw),)
    if not raw.keys().isdisjoint(READ_ONLY_KEYS):
        raw = {key: value for key, value in raw.items() if key not in READ_ONLY_KEYS}
    try:
        return msgspec.convert(raw, LeadPatch), ()
    except msgspec.ValidationError:
        raw, problems = _with_one_email(raw)
        patch, more = _read_by_key(raw, LeadPatch, _COERCIONS)
        return patch, (*problems, *more)


def match_from(raw: Any) -> tuple[Match | None, tuple[Problem, ...]]:
    """Read the match of an upsert; its values are checked against the settings later."""
    if not isinstance(raw, dict):
        return None, (_no_object("match", raw),)
    return converted(raw, Match)


def upsert_write(body: dict[str, Any], delivery: Delivery) -> LeadWrite:
    """Read the body of an upsert; its mistakes become the write's problems."""
    patch, patch_problems = lead_patch(body.get("properties"), "properties")
    match, match_problems = match_from(body.get("match"))
    problems = (*patch_problems, *match_problems)
    if unknown := unknown_keys(body, ("properties", "match")):
        problems = (unknown, *problems)
    return LeadWrite(Action.UPSERT, delivery, patch=patch, match=match, problems=problems)


def lead_write(action: Action, lead_id: int | None, body: Any, delivery: Delivery) -> LeadWrite:
    """Read the body of a single write; a delete has none."""
    if action is Action.UPSERT:
        return upsert_write(body, delivery)
    if action is Action.DELETE:
        return LeadWrite(action, delivery, lead_id)
    patch, problems = lead_patch(body, "base")
    return LeadWrite(action, delivery, lead_id, patch, problems=problems)


def converted(
    raw: dict[str, Any], target: type[T], coercions: Coercions | None = None
) -> tuple[T | None, tuple[Problem, ...]]:
    """Convert an object to a type; if that fails, coerce it, and find all problems, key by key."""
    try:
        return msgspec.convert(raw, target), ()
    except msgspec.ValidationError:
        result, problems = _read_by_key(raw, target, coercions or {})
        return None if problems else result, problems


def _no_object(attribute: str, raw: Any) -> Problem:
    if is_empty(raw):
        return Problem(attribute, "can't be blank", "blank")
    return Problem(attribute, f"must be an object, not {quoted(raw)}")


def _with_one_email(raw: dict[str, Any]) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """Make one e-mail of `emails`, which other records have, and of a list in its place."""
    if "emails" not in raw and not isinstance(raw.get("email"), list):
        return raw, ()
    sent = [*as_list(raw.get("email")), *as_list(raw.get("emails"))]
    entries = [entry for entry in as_objects(sent, "email") if not _is_empty_email(entry)]
    by_address: dict[Any, Any] = {}
    for entry in entries:
        by_address.setdefault(_address_in(entry), entry)
    found = list(by_address.values())
    raw = {key: value for key, value in raw.items() if key not in ("email", "emails")}
    if len(found) > 1:
        shown = ", ".join(quoted(_text_in(entry)) for entry in found[:2])
        return raw, (Problem("email", f"a lead has one e-mail, not {len(found)}: {shown}"),)
    return raw | {"email": found[0] if found else None}, ()


def _is_empty_email(entry: Any) -> bool:
    return is_empty(_text_in(entry)) and entry.keys() <= {"email", "category"}


def _text_in(entry: Any) -> Any:
    return entry.get("email") if isinstance(entry, dict) else entry


def _address_in(entry: Any) -> Any:
    """Return what makes two entries one address."""
    text = _text_in(entry)
    return email_keys(text) or fold(text) if isinstance(text, str) else quoted(text)


def _custom_fields(raw: Any) -> list[Any]:
    return [_custom_field(entry) for entry in as_list(raw)]


def _custom_field(entry: Any) -> Any:
    """Turn a definition's id that was sent as text into a number, and leave out the entry's own."""
    if is_empty(entry):
        return {}
    if not isinstance(entry, dict):
        return entry
    read = {key: value for key, value in entry.items() if key != "id"}
    for key, coercion in ((_DEFINITION_ID, as_integer), ("name", as_text)):
        if key in read:
            read[key] = coercion(read[key])
    return read


_COERCIONS: Coercions = {
    **dict.fromkeys(("name", *NAME_PARTS, "company_name", "details", "title"), as_text),
    **dict.fromkeys(("status", "monetary_unit"), as_text),
    **dict.fromkeys(_ID_KEYS, as_integer),
    **dict.fromkeys(("socials", "websites"), partial(as_objects, member="url")),
    "phone_numbers": partial(as_objects, member="number"),
    "email": partial(as_object, member="email"),
    "address": as_object,
    "tags": as_texts,
    "monetary_value": as_number,
    "custom_fields": _custom_fields,
}


def _read_by_key(
    raw: dict[str, Any], target: type[T], coercions: Coercions
) -> tuple[T, tuple[Problem, ...]]:
    problems = []
    values = {}
    types = {field.encode_name: field.type for field in msgspec.structs.fields(target)}
    if unknown := unknown_keys(raw, types):
        problems.append(unknown)
    for key, sent in raw.items():
        if key not in types:
            continue
        value = coercions[key](sent) if key in coercions else sent
        try:
            values[key] = msgspec.convert(value, types[key])
        except msgspec.ValidationError as error:
            is_id = key in _ID_KEYS
            problems.append(id_problem(key, sent) if is_id else _type_problem(key, value, error))
    return target(**values), tuple(problems)


def unknown_keys(raw: dict[str, Any], known: Any) -> Problem | None:
    """Return the problem that lists unknown keys; None if all are known."""
    return unrecognized(key for key in raw if key not in known)


#: What separates the reason of a type error from the place of the value.
_AT = " - at `$"
_STEP = re.compile(r"\[(\d+)\]|\.([^.\[]+)")
_EXPECTED = re.compile(r"Expected `([^`]+)`(, got `[^`]+`)?")
_UNKNOWN_FIELD = "Object contains unknown field "
_MISSING_FIELD = "Object missing required field "
_JSON_WORDS = {
    "str": "text",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def _type_problem(key: str, value: Any, error: msgspec.ValidationError) -> Problem:
    """Put the error of msgspec in words of JSON, with the member's name and its value."""
    # The reason may quote a key that was sent, whatever it holds; the place comes last.
    reason, at, rest = str(error).rpartition(_AT)
    reason, place = (reason, rest.removesuffix("`")) if at else (rest, "")
    if reason.startswith(_UNKNOWN_FIELD):
        name = reason.removeprefix(_UNKNOWN_FIELD).strip("`")
        problem = unrecognized([f"{key}{place}.{name}"])
        assert problem is not None
        return problem
    for index, name in _STEP.findall(place):
        value = value[int(index)] if index else value[name]
    member = f"{key}{place} " if place else ""
    if reason.startswith(_MISSING_FIELD):
        return Problem(key, f"{member}has no {reason.removeprefix(_MISSING_FIELD).strip('`')}")
    if place.endswith(_DEFINITION_ID):
        return Problem(key, f"{member}must be a positive integer, not {quoted(value)}")
    return Problem(key, f"{member}{_EXPECTED.sub(_in_words, reason)}, not {quoted(value)}")


def _in_words(expected: re.Match[str]) -> str:
    types = expected[1].split(" | ")
    if "float" in types:
        # Text is only another way to write the number.
        types = [kind for kind in types if kind not in ("int", "str")]
    *others, last = [_JSON_WORDS[kind] for kind in sorted(types, key="null".__eq__)]
    return f"must be {', '.join(others)} or {last}" if others else f"must be {last}"


def item_id(raw: dict[str, Any]) -> tuple[int | None, tuple[Problem, ...]]:
    """Read the `id` of one lead in a bulk update."""
    number = as_integer(raw.get("id"))
    if number is None:
        return None, (Problem("id", "can't be blank", "blank"),)
    lead_id = known_id(number)
    return lead_id, () if lead_id else (id_problem("id", raw["id"]),)


def id_problem(key: str, value: Any) -> Problem:
    """Return the problem of a value that is no id, which Copper shows as it was sent."""
    shown = as_one_line(shortened(value)) if isinstance(value, str) else quoted(value)
    text = f"Invalid value for {humanised(key)}: IDs must be positive integers: {shown}"
    return Problem(key, text)
