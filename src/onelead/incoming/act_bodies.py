"""Reads the bodies of acts: what a merge, an undo, a ruling or a separation is asked to do.

Ids may be sent as text, as everywhere. All problems of a body are found together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Annotated, Any, TypeVar

from msgspec import Meta, Struct, defstruct
from msgspec.structs import asdict, fields

from onelead.domain.coercions import as_integer, as_list, as_texts, is_empty
from onelead.domain.errors import InputInvalid, Problem
from onelead.domain.limits import CUSTOM_FIELDS_MAX, ID_MAX, MERGE_LEADS_MAX
from onelead.domain.matching import Match
from onelead.domain.text import known_id, quoted
from onelead.domain.writes import LeadEdit, Merge
from onelead.incoming.lead_json import converted, unknown_keys

T = TypeVar("T", bound=Struct)

_Id = Annotated[int, Meta(ge=1, le=ID_MAX)]
_Field = Annotated[str, Meta(description="As in `Lead-Changed`; a name's parts are `name`.")]


class MergeRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Which leads to merge into the one of the path, and whose values win."""

    lead_ids: Annotated[list[_Id], Meta(max_length=MERGE_LEADS_MAX)]
    choose: Annotated[
        dict[str, _Id | None],
        Meta(description="By field: the lead whose value wins, or null for no value."),
    ] = {}
    versions: Annotated[
        dict[str, _Id],
        Meta(description="By lead id: the versions that were seen; with another one, 412."),
    ] = {}


class UndoRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """How to undo."""

    force: Annotated[
        bool, Meta(description="Do it even where later changes of a lead are lost.")
    ] = False


class ReplayRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What a refused delivery means; empty to apply it as it came."""

    lead_id: Annotated[_Id | None, Meta(description="The lead that is meant.")] = None
    match: Annotated[
        Match | None, Meta(description="Takes the place of the match that was sent.")
    ] = None


class RulingRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The value that means a lead."""

    match: Match
    lead_id: _Id


class DistinctRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Two leads that are two persons."""

    lead_ids: Annotated[list[_Id], Meta(min_length=2, max_length=2)]


class PinsRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The fields to pin, and those to let go."""

    pin: Annotated[list[_Field], Meta(max_length=CUSTOM_FIELDS_MAX)] = []
    unpin: Annotated[list[_Field], Meta(max_length=CUSTOM_FIELDS_MAX)] = []


Problems = tuple[Problem, ...]


def merge_from(body: dict[str, Any]) -> tuple[Merge | None, Problems]:
    """Read the body of a merge."""
    if wrong := [*_no_ids("choose", body), *_no_ids("versions", body)]:
        return None, tuple(wrong)
    read, problems = _read(
        body, MergeRequest, {"lead_ids": _ids, "choose": _id_values, "versions": _id_values}
    )
    if read is None:
        return None, problems
    versions = {known_id(lead_id): version for lead_id, version in read.versions.items()}
    if None in versions:
        return None, (Problem("versions", "must be an object of versions by lead id"),)
    known = {lead_id: version for lead_id, version in versions.items() if lead_id is not None}
    return Merge(tuple(read.lead_ids), read.choose, known), ()


def _no_ids(name: str, body: dict[str, Any]) -> Iterator[Problem]:
    """Find the first value of a member that is no positive integer; only a choice can be null."""
    raw = body.get(name)
    for key, value in raw.items() if isinstance(raw, dict) else ():
        is_null = value is None and name == "choose"
        if not is_null and known_id(as_integer(value)) is None:
            text = f"{quoted(key)} must be a positive integer, not {quoted(value)}"
            yield Problem(name, text)
            return


def undo_from(body: dict[str, Any]) -> tuple[bool, Problems]:
    """Read whether an undo is done even where later changes are lost."""
    read, problems = _read(body, UndoRequest, {})
    return read is not None and read.force, problems


def replay_from(body: dict[str, Any]) -> ReplayRequest:
    """Read what a refused delivery means. Raises InputInvalid."""
    read, problems = _read(body, ReplayRequest, {"lead_id": as_integer})
    if read is None:
        raise InputInvalid(*problems)
    return read


def ruling_from(body: dict[str, Any]) -> tuple[RulingRequest | None, Problems]:
    """Read a value that means a lead."""
    return _read(body, RulingRequest, {"lead_id": as_integer})


def pair_from(body: dict[str, Any]) -> tuple[tuple[int, int] | None, Problems]:
    """Read two leads."""
    read, problems = _read(body, DistinctRequest, {"lead_ids": _ids})
    if read is None:
        return None, problems
    one, other = read.lead_ids
    return (one, other), ()


def pins_from(body: dict[str, Any]) -> tuple[LeadEdit | None, Problems]:
    """Read which fields to pin, and which to let go."""
    read, problems = _read(body, PinsRequest, {"pin": as_texts, "unpin": as_texts})
    if read is None:
        return None, problems
    return LeadEdit(pin=tuple(read.pin), unpin=tuple(read.unpin)), ()


def _read(
    body: dict[str, Any], kind: type[T], coercions: Mapping[str, Callable[[Any], Any]]
) -> tuple[T | None, Problems]:
    missing = [
        Problem(field.name, "can't be blank", "blank")
        for field in fields(kind)
        if field.required and is_empty(body.get(field.name))
    ]
    if missing:
        unknown = unknown_keys(body, kind.__struct_fields__)
        return None, (*([unknown] if unknown else []), *missing)
    present = {name: value for name, value in body.items() if value is not None}
    read, problems = converted(present, _lenient(kind), coercions)
    if read is None:
        return None, problems
    values = {name: value for name, value in asdict(read).items() if value is not None}
    return kind(**values), ()


@cache
def _lenient(kind: type[Struct]) -> type[Struct]:
    """Return a type without required members, so that all that is wrong is found together."""
    members = [(field.name, field.type, None) for field in fields(kind)]
    return defstruct(kind.__name__, members, forbid_unknown_fields=True)


def _ids(raw: Any) -> Any:
    return [as_integer(entry) for entry in as_list(raw)]


def _id_values(raw: Any) -> Any:
    if not isinstance(raw, dict):
        return raw
    return {name: as_integer(value) for name, value in raw.items()}
