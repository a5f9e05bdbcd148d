"""Reads a lead's properties and a match from JSON.

All problems are found together, key by key; messages follow the grammar of the wire reference
(Copper Developer API v1).
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from onelead.domain.errors import Problem, humanised, unrecognized
from onelead.domain.matching import Match
from onelead.domain.properties import LeadPatch
from onelead.domain.text import known_id, quoted, whole_number
from onelead.domain.writes import Action, Delivery, LeadWrite

T = TypeVar("T", bound=Struct)

#: Clients send whole leads back; these keys cannot be set and are ignored.
READ_ONLY_KEYS = frozenset(
    {
        *("id", "interaction_count", "monetary_unit", "date_created", "date_modified"),
        *("date_last_contacted", "converted_unit", "converted_value", "converted_at"),
        *("converted_opportunity_id", "converted_contact_id"),
    }
)
_ID_KEYS = frozenset({"assignee_id", "customer_source_id", "status_id"})
_DEFINITION_ID = "custom_field_definition_id"
#: What separates the reason of a type error from the place of the value.
_PLACE = " - at `$"
_UNKNOWN_FIELD = "Object contains unknown field "


def lead_patch(raw: Any, attribute: str) -> tuple[LeadPatch | None, tuple[Problem, ...]]:
    """Read the properties of a lead; messages call them `attribute`.

    With problems, the patch has what could be read, so that the rules can add further problems.
    """
    if raw is None:
        return None, (Problem(attribute, "can't be blank", "blank"),)
    if not isinstance(raw, dict):
        return None, (Problem(attribute, "must be an object"),)
    if not raw.keys().isdisjoint(READ_ONLY_KEYS):
        raw = {key: value for key, value in raw.items() if key not in READ_ONLY_KEYS}
    return _read(raw, LeadPatch)


def match_from(raw: Any) -> tuple[Match | None, tuple[Problem, ...]]:
    """Read the match of an upsert; its values are checked against the settings later."""
    if raw is None:
        return None, (Problem("match", "can't be blank", "blank"),)
    if not isinstance(raw, dict):
        return None, (Problem("match", "must be an object"),)
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


def converted(raw: dict[str, Any], target: type[T]) -> tuple[T | None, tuple[Problem, ...]]:
    """Convert an object to a type; if that fails, find all problems, key by key."""
    result, problems = _read(raw, target)
    return None if problems else result, problems


def _read(raw: dict[str, Any], target: type[T]) -> tuple[T, tuple[Problem, ...]]:
    try:
        return msgspec.convert(raw, target), ()
    except msgspec.ValidationError:
        return _read_by_key(raw, target)


def _read_by_key(raw: dict[str, Any], target: type[T]) -> tuple[T, tuple[Problem, ...]]:
    problems = []
    values = {}
    types = {field.encode_name: field.type for field in msgspec.structs.fields(target)}
    if unknown := unknown_keys(raw, types):
        problems.append(unknown)
    for key, value in raw.items():
        if key not in types:
            continue
        try:
            values[key] = msgspec.convert(_with_number_ids(key, value), types[key])
        except msgspec.ValidationError as error:
            problems.append(_type_problem(key, value, error))
    return target(**values), tuple(problems)


def unknown_keys(raw: dict[str, Any], known: Any) -> Problem | None:
    """Return the problem that lists unknown keys; None if all are known."""
    return unrecognized(key for key in raw if key not in known)


def _with_number_ids(key: str, value: Any) -> Any:
    """Turn ids that were sent as text into numbers."""
    if key in _ID_KEYS:
        return whole_number(value)
    if key == "custom_fields" and isinstance(value, list):
        return [_with_number_id(entry) for entry in value]
    return value


def _with_number_id(entry: Any) -> Any:
    if not isinstance(entry, dict) or _DEFINITION_ID not in entry:
        return entry
    return entry | {_DEFINITION_ID: whole_number(entry[_DEFINITION_ID])}


def _type_problem(key: str, value: Any, error: msgspec.ValidationError) -> Problem:
    if key in _ID_KEYS:
        return id_problem(key, value)
    # The reason may quote a key that was sent, whatever it holds; the place comes last.
    reason, has_place, rest = str(error).rpartition(_PLACE)
    place = rest.removeprefix(".").removesuffix("`") if has_place else ""
    reason = (reason if has_place else rest).replace("`", "")
    if reason.startswith(_UNKNOWN_FIELD):
        problem = unrecognized([f"{key}.{reason.removeprefix(_UNKNOWN_FIELD)}"])
        assert problem is not None
        return problem
    where = f" in {quoted(place)}" if place else ""
    text = f"Invalid value for {humanised(key)}: {reason[0].lower()}{reason[1:]}{where}"
    return Problem(key, text)


def item_id(raw: dict[str, Any]) -> tuple[int | None, tuple[Problem, ...]]:
    """Read the `id` of one lead in a bulk update."""
    sent = raw.get("id")
    if sent is None:
        return None, (Problem("id", "can't be blank", "blank"),)
    lead_id = known_id(sent)
    return lead_id, () if lead_id else (id_problem("id", sent),)


def id_problem(key: str, value: Any) -> Problem:
    """Return the problem of a value that is no id."""
    prefix = f"Invalid value for {humanised(key)}"
    return Problem(key, f"{prefix}: IDs must be positive integers: {quoted(value)}")
