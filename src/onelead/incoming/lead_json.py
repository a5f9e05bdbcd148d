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
from msgspec import Struct, structs

from onelead.domain.acts.policies import field_of, is_field
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
from onelead.domain.limits import LIST_ENTRIES_MAX, MATCH_STEP_VALUES_MAX, MATCH_STEPS_MAX
from onelead.domain.matching import Match
from onelead.domain.names import NAME_PARTS
from onelead.domain.properties import LeadPatch
from onelead.domain.text import as_one_line, fold, known_id, quoted, shortened
from onelead.domain.writes import Action, Delivery, LeadWrite, OnAmbiguous

T = TypeVar("T", bound=Struct)
#: The member of an upsert or update that lists properties to be taken only where there are none.
IF_EMPTY = "if_empty"
_UPSERT_MEMBERS = ("properties", "match", "on_ambiguous", IF_EMPTY)
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


class Sought(Struct, frozen=True):
    """What an upsert looks for: one match, or steps that are tried in order."""

    match: Match | None = None
    steps: tuple[tuple[Match, ...], ...] = ()


_ALL = "all"
_NOTHING = Sought()


def match_from(raw: Any) -> tuple[Sought, tuple[Problem, ...]]:
    """Read the match of an upsert: an object, `{"all": [...]}`, or a list of these.

    Its values are checked against the settings later.
    """
    if not isinstance(raw, list):
        if isinstance(raw, dict) and _ALL in raw:
            raw = [raw]
        else:
            match, wrong = one_match_from(raw)
            return Sought(match), wrong
    if is_empty(raw):
        return _NOTHING, (Problem("match", "can't be blank", "blank"),)
    if len(raw) > MATCH_STEPS_MAX:
        text = f"has too many steps (maximum is {MATCH_STEPS_MAX})"
        return _NOTHING, (Problem("match", text, "too_long"),)
    steps = []
    problems: tuple[Problem, ...] = ()
    for number, step in enumerate(raw, 1):
        matches, more = _step_from(step, f"step {number}: ")
        steps.append(matches)
        problems += more
    return _NOTHING if problems else Sought(steps=tuple(steps)), problems


def _step_from(raw: Any, where: str) -> tuple[tuple[Match, ...], tuple[Problem, ...]]:
    entries = [raw]
    if isinstance(raw, dict) and _ALL in raw:
        if unknown := unknown_keys(raw, (_ALL,)):
            return (), (unknown,)
        entries = raw[_ALL]
        if not isinstance(entries, list) or not entries:
            what = "all must be a list of matches, not"
            return (), (Problem("match", f"{where}{what} {quoted(entries)}"),)
        if len(entries) > MATCH_STEP_VALUES_MAX:
            text = f"{where}all has too many values (maximum is {MATCH_STEP_VALUES_MAX})"
            return (), (Problem("match", text, "too_long"),)
    read = [one_match_from(entry, where) for entry in entries]
    matches = tuple(match for match, _ in read if match is not None)
    return matches, tuple(problem for _, problems in read for problem in problems)


def one_match_from(raw: Any, where: str = "") -> tuple[Match | None, tuple[Problem, ...]]:
    """Read a field and a value; messages begin with `where`."""
    if not isinstance(raw, dict):
        problem = _no_object("match", raw)
        return None, (structs.replace(problem, text=f"{where}{problem.text}"),)
    return converted(raw, Match)


def _on_ambiguous_from(raw: Any) -> tuple[OnAmbiguous, tuple[Problem, ...]]:
    try:
        return msgspec.convert("refuse" if raw is None else raw, OnAmbiguous), ()
    except msgspec.ValidationError:
        text = f"must be refuse, oldest or newest, not {quoted(raw)}"
        return "refuse", (Problem("on_ambiguous", text, "inclusion"),)


#: Names of properties that policies call otherwise.
_PROPERTY_FIELDS = {"status": "status_id"}


def _if_empty_from(raw: Any) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
    """Read the properties that are taken only where the lead has none, as policies name them."""
    if raw is None:
        return (), ()
    if not isinstance(raw, list):
        text = f"must be a list of properties, not {quoted(raw)}"
        return (), (Problem(IF_EMPTY, text),)
    if len(raw) > LIST_ENTRIES_MAX:
        text = f"has too many entries (maximum is {LIST_ENTRIES_MAX})"
        return (), (Problem(IF_EMPTY, text, "too_long"),)
    fields = []
    for name in raw:
        field = field_of(_PROPERTY_FIELDS.get(name, name)) if isinstance(name, str) else ""
        if not is_field(field):
            text = f"is not the name of a property: {quoted(name)}"
            return (), (Problem(IF_EMPTY, text, "inclusion"),)
        fields.append(field)
    return tuple(fields), ()


class _UsualUpsert(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """The body of most upserts, which needs no other look at its members."""

    properties: LeadPatch
    match: Match


def upsert_write(body: dict[str, Any], delivery: Delivery) -> LeadWrite:
    """Read the body of an upsert; its mistakes become the write's problems."""
    try:
        usual = msgspec.convert(body, _UsualUpsert)
    except msgspec.ValidationError:
        return _other_upsert(body, delivery)
    return LeadWrite(Action.UPSERT, delivery, None, usual.properties, usual.match)


def _other_upsert(body: dict[str, Any], delivery: Delivery) -> LeadWrite:
    patch, patch_problems = lead_patch(body.get("properties"), "properties")
    sought, match_problems = match_from(body.get("match"))
    on_ambiguous, ambiguous_problems = _on_ambiguous_from(body.get("on_ambiguous"))
    if_empty, empty_problems = _if_empty_from(body.get(IF_EMPTY))
    problems = (*patch_problems, *match_problems, *ambiguous_problems, *empty_problems)
    if unknown := unknown_keys(body, _UPSERT_MEMBERS):
        problems = (unknown, *problems)
    return LeadWrite(
        Action.UPSERT,
        delivery,
        patch=patch,
        match=sought.match,
        match_steps=sought.steps,
        on_ambiguous=on_ambiguous,
        if_empty=if_empty,
        problems=problems,
    )


def lead_write(action: Action, lead_id: int | None, body: Any, delivery: Delivery) -> LeadWrite:
    """Read the body of a single write; a delete has none."""
    if action is Action.UPSERT:
        return upsert_write(body, delivery)
    if action is Action.DELETE:
        return LeadWrite(action, delivery, lead_id)
    if_empty: tuple[str, ...] = ()
    more: tuple[Problem, ...] = ()
    if action is Action.UPDATE and isinstance(body, dict) and IF_EMPTY in body:
        if_empty, more = _if_empty_from(body[IF_EMPTY])
        body = {key: value for key, value in body.items() if key != IF_EMPTY}
    patch, problems = lead_patch(body, "base")
    return LeadWrite(
        action, delivery, lead_id, patch, if_empty=if_empty, problems=(*problems, *more)
    )


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
