"""Headers: which target a column has by its name, and the mapping that follows for a file."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from msgspec import structs

from onelead.domain.account import AccountSettings
from onelead.domain.importing.header_names import HEADER_NAMES, NO_FIELDS, SECOND_LINES
from onelead.domain.importing.mapping import Column, Mapping
from onelead.domain.importing.targets import (
    CUSTOM,
    LABELS,
    custom_field_of,
    is_list,
)
from onelead.domain.lead import custom_name
from onelead.domain.limits import LINE_CHARS_MAX
from onelead.domain.text import fold

_CUSTOM_BY_ID = re.compile(r"\s*(?:custom_fields\.|custom:)(\d{1,16})\s*", re.IGNORECASE)
_OTHER_THAN_WORDS = re.compile(r"[\W_]+")
_DIGITS = re.compile(r"\d+")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})


class Known(NamedTuple):
    """What a header is known as."""

    #: None for what is known to be no field of a lead.
    target: str | None
    #: Of several columns with one target, the lowest is taken.
    rank: int = 0
    is_second_line: bool = False


def header_key(header: str) -> str:
    """Return the form in which headers are compared: letters and digits, without case and marks."""
    folded = unicodedata.normalize("NFD", fold(header[:LINE_CHARS_MAX]))
    plain = "".join(char for char in folded if not unicodedata.combining(char))
    return _OTHER_THAN_WORDS.sub("", plain)


@cache
def _known() -> dict[str, Known]:
    found: dict[str, Known] = {}
    for names, known in (
        *((label, Known(target)) for target, label in LABELS.items()),
        *((target, Known(target)) for target in LABELS),
        *((names, Known(target, 1)) for target, names in HEADER_NAMES.items()),
        (SECOND_LINES, Known("address.street", 0, is_second_line=True)),
        (NO_FIELDS, Known(None)),
    ):
        for rank, name in enumerate(names.split("|")):
            for spelling in (name, name.translate(_UMLAUTS)):
                found.setdefault(header_key(spelling), known._replace(rank=known.rank + rank))
    return found


def _known_as(key: str) -> Known | None:
    """Return what a key is known as, also without the numbers of several alike columns."""
    known = _known()
    return known.get(key) or known.get(_DIGITS.sub("", key))


def is_known_header(text: str) -> bool:
    """Return whether a text is a header that other systems use, in any case and spacing."""
    return _CUSTOM_BY_ID.fullmatch(text) is not None or _known_as(header_key(text)) is not None


#: How the readers call the match of a line of a bulk call, which is each row's own.
_MATCH_PARTS = {
    "matchfieldname": "name",
    "matchfieldvalue": "value",
    "matchfieldvaluevalue": "value",
    "matchfieldvaluecustomfielddefinitionid": "definition_id",
}


def match_part(header: str) -> str | None:
    """Return which part of a row's own match is in a column; None for any other column."""
    return _MATCH_PARTS.get(header_key(header))


def label_of(target: str, settings: AccountSettings) -> str:
    """Return the header of a column with a target, which is known without a question."""
    field = custom_field_of(target, settings)
    if field is None:
        return LABELS[target]
    is_understood = _guess(field.name, header_key(field.name), settings).target == target
    return field.name if is_understood else custom_name(field.id)


def header_key_set(header: Sequence[str]) -> tuple[str, ...]:
    """Return what two files have in common whose headers are the same set."""
    return tuple(sorted({header_key(one) for one in header}))


def mapping_for(saved: Mapping, header: Sequence[str]) -> Mapping:
    """Return a saved mapping for a file with the same headers in any order; others stay out."""
    columns: dict[str, list[Column]] = {}
    for column in saved.columns:
        columns.setdefault(header_key(column.header), []).append(column)
    found = []
    for one in header:
        same = columns.get(header_key(one))
        found.append(structs.replace(same.pop(0), header=one) if same else Column(one))
    return structs.replace(saved, columns=tuple(found))


def guessed_mapping(header: Sequence[str], settings: AccountSettings) -> Mapping:
    """Return the mapping that follows from the headers alone."""
    keys = [header_key(one) for one in header]
    found = [_guess(*one, settings) for one in zip(header, keys, strict=True)]
    guesses = _in_context(keys, found)
    columns = tuple(
        Column(one, guess.target) for one, guess in zip(header, _one_each(guesses), strict=True)
    )
    return Mapping(columns, match=_usual_match(columns, settings))


def _guess(header: str, key: str, settings: AccountSettings) -> Known:
    by_id = _CUSTOM_BY_ID.fullmatch(header)
    if by_id is not None:
        target = f"{CUSTOM}{int(by_id[1])}"
        return Known(target if custom_field_of(target, settings) else None)
    known = _known().get(key)
    if known is not None and known.rank == 0 and not known.is_second_line and known.target:
        # What onelead itself writes.
        return known
    named = [
        field.id
        for field in settings.lead_fields
        if key and key in (header_key(field.name), header_key(field.canonical_name or ""))
    ]
    if len(named) == 1:
        return Known(f"{CUSTOM}{named[0]}")
    return known or _known_as(key) or Known(None)


def _in_context(keys: list[str], guesses: list[Known]) -> list[Known]:
    """Return the guesses where the other columns say more about one."""
    have = {guess.target for guess in guesses}
    titles = [guess for guess in guesses if guess.target == "title"]

    def meant(key: str, guess: Known) -> str | None:
        if guess.target == "name" and key in _LOOSE_NAMES:
            # "Vorname" and "Name", "Nombre" and "Apellidos".
            if "first_name" in have and "last_name" not in have:
                return "last_name"
            if "last_name" in have and "first_name" not in have:
                return "first_name"
        elif guess.target == "title" and key in _LOOSE_TITLES and len(titles) > 1:
            # Outlook's "Title" beside "Job Title".
            return None if "prefix" in have else "prefix"
        elif guess.target == "address":
            if "address.street" in have:
                # The parts say more than the whole.
                return None
            has_places = not have.isdisjoint({"address.city", "address.postal_code"})
            return "address.street" if has_places else "address"
        return guess.target

    return [
        guess._replace(target=meant(key, guess)) for key, guess in zip(keys, guesses, strict=True)
    ]


_LOOSE_NAMES = frozenset({"name", "naam", "nombre", "nome", "nom"})
_LOOSE_TITLES = frozenset({"title", "titre"})


def _one_each(guesses: list[Known]) -> list[Known]:
    """Return the guesses with one column for each target that can have only one."""
    best: dict[str, int] = {}
    for place, guess in enumerate(guesses):
        target = guess.target
        if target is None or (is_list(target) and target != "address.street"):
            continue
        if target not in best or _precedes(guess, guesses[best[target]]):
            best[target] = place
    return [
        guess
        if guess.target not in best or best[guess.target] == place or guess.is_second_line
        else Known(None)
        for place, guess in enumerate(guesses)
    ]


def _precedes(one: Known, other: Known) -> bool:
    return (one.is_second_line, one.rank) < (other.is_second_line, other.rank)


def _usual_match(columns: Sequence[Column], settings: AccountSettings) -> tuple[str, ...]:
    """Return how the rows of a file are matched unless somebody says otherwise."""
    have = {column.target or "" for column in columns}
    if any(target.partition(":")[0] == "email" for target in have):
        return ("email",)
    named = [f"{CUSTOM}{field.id}" for field in settings.identifying_fields]
    return tuple(target for target in named if target in have)[:1]
