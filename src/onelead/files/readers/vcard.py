"""Reads vCards of the versions 2.1, 3.0 and 4.0: one card is one row."""

from __future__ import annotations

import quopri
import re
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, NamedTuple

from onelead.domain.importing.limits import FILE_ROW_CHARS_MAX
from onelead.files.readers.fingerprint import Watch
from onelead.files.readers.flat import FlatRow, flat, table_of
from onelead.files.readers.table import Choices, Reading, Table
from onelead.files.readers.text import TextFile

#: Pictures, sounds and keys are no text; the others say something about the card.
_LEFT_OUT = {
    *("PHOTO", "LOGO", "SOUND", "KEY", "BEGIN", "END", "VERSION", "PRODID", "REV", "UID"),
    *("CLIENTPIDMAP", "X-ABLABEL", "X-ABADR"),
}
_NAMES = ("last_name", "first_name", "middle_name", "prefix", "suffix")
_ADDRESS = ("street", "city", "state", "postal_code", "country")
#: How the kinds of a value are called on the wire.
_PHONES = {"CELL": "mobile", "WORK": "work", "HOME": "home"}
_OTHERS = {"WORK": "work", "HOME": "personal"}
_PROPERTY = re.compile(r'(?:[\w-]+\.)?([\w-]+)((?:;(?:"[^"]*"|[^":])*)?):(.*)', re.DOTALL)
_PARAMETER = re.compile(r';((?:"[^"]*"|[^";])*)')
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class Property(NamedTuple):
    """A line of a card, unfolded."""

    name: str
    #: In capitals, types and other values of parameters alike.
    kinds: frozenset[str]
    value: str


def open_vcards(path: Path, watch: Watch, choices: Choices) -> Table:
    """Find out encoding and columns. Raises FileUnreadable, FileTooLarge."""
    text = TextFile(path, choices.encoding)
    traits = text.traits(None)
    reading = Reading(
        format="vcard", encoding=traits.encoding, samples=traits.samples, concerns=traits.concerns
    )
    return table_of(watch, reading, lambda: _cards(text))


def _cards(text: TextFile) -> Generator[FlatRow]:
    """Yield each card; what is outside of cards, and a card without an end, is a fault."""
    card: _Card | None = None
    for number, line in text.raw_lines():
        word = line.strip().upper()
        if word == "BEGIN:VCARD":
            if card is not None:
                yield card.line, _UNENDED
            card = _Card(number, text.decoded)
        elif card is None:
            if word:
                yield number, "The line is outside of a card."
        elif word == "END:VCARD":
            yield card.line, card.cells()
            card = None
        else:
            card.add(line.rstrip("\r\n"))
    if card is not None:
        yield card.line, _UNENDED


_UNENDED = "The card has no END:VCARD."


class _Card:
    """The lines of a card, put together again where they were folded."""

    def __init__(self, line: int, decoded: Callable[[str], str]) -> None:
        self.line = line
        #: A line may have been folded within a character.
        self._decoded = decoded
        self._properties: list[Property] = []
        self._folded: list[str] = []
        self._is_left_out = self._is_quoted = self._is_old = False
        self._chars = 0

    def add(self, line: str) -> None:
        """Take the next line; a picture is left out at once, as it may be large."""
        is_more = self._is_quoted and bool(self._folded) and self._folded[-1].endswith("=")
        if self._is_left_out and (line[:1] in (" ", "\t") or ":" not in line):
            return
        if is_more:
            self._folded.append(self._folded.pop()[:-1] + line)
        elif line[:1] in (" ", "\t"):
            # Version 2.1 keeps the space at which it folds.
            self._folded.append(line if self._is_old else line[1:])
        else:
            self._end_property()
            start = line.partition(":")[0].upper()
            self._is_old = self._is_old or line.upper().startswith("VERSION:2.1")
            self._is_quoted = "QUOTED-PRINTABLE" in start
            self._is_left_out = re.split(r"[;.]", start)[0] in _LEFT_OUT
            self._folded = [] if self._is_left_out else [line]
        self._chars += len(line)
        if self._chars > FILE_ROW_CHARS_MAX:
            self._folded.clear()

    def cells(self) -> dict[str, str] | str:
        """Return what the card has by column, or why it cannot be read."""
        self._end_property()
        if self._chars > FILE_ROW_CHARS_MAX:
            return f"The card is longer than {FILE_ROW_CHARS_MAX:,} characters."
        return flat(_lead(self._properties))

    def _end_property(self) -> None:
        line, self._folded = self._decoded("".join(self._folded)), []
        if found := _PROPERTY.fullmatch(line):
            name, parameters, value = found[1].upper(), found[2], found[3]
            kinds = _kinds(parameters)
            if "QUOTED-PRINTABLE" in kinds:
                value = _unquoted(value)
            if name not in _LEFT_OUT and not kinds & {"B", "BASE64"}:
                self._properties.append(Property(name, kinds, value))


def _kinds(parameters: str) -> frozenset[str]:
    """Return the values of all parameters, in capitals; some programs leave their names out."""
    values = (one.rpartition("=")[2].strip('"') for one in _PARAMETER.findall(parameters))
    kinds = {kind.strip().upper() for value in values for kind in value.split(",")}
    if re.search(r";PREF=", parameters, re.IGNORECASE):
        kinds.add("PREF")
    return frozenset(kinds)


def _unquoted(value: str) -> str:
    raw = quopri.decodestring(value.encode())
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("windows-1252", errors="replace")


def _lead(properties: list[Property]) -> dict[str, Any]:
    """Return a card as the API has leads; what a lead does not have keeps the name of the card."""
    lead: dict[str, Any] = {}
    # The preferred address is the first one.
    for one in sorted(properties, key=lambda one: "PREF" not in one.kinds):
        if reader := _READERS.get(one.name):
            reader(lead, one)
        elif value := _unescaped(one.value):
            _join(lead, one.name, value)
    full_name = lead.pop("FN", "")
    if not lead.get("first_name") and not lead.get("last_name"):
        lead["name"] = full_name
    elif set(full_name.split()) - set(" ".join(lead.get(part, "") for part in _NAMES).split()):
        lead["FN"] = full_name
    return lead


def _read_name(lead: dict[str, Any], one: Property) -> None:
    for part, value in zip(_NAMES, _parts(one.value), strict=False):
        lead.setdefault(part, value.replace(",", " "))


def _read_organisation(lead: dict[str, Any], one: Property) -> None:
    company, *units = _parts(one.value)
    _join(lead, "company_name" if "company_name" not in lead else "ORG", company)
    for unit in filter(None, units):
        _join(lead, "Department", unit)


def _read_address(lead: dict[str, Any], one: Property) -> None:
    box, extension, street, *rest = [*_parts(one.value), *[""] * 7][:7]
    street = ", ".join(filter(None, (street, extension, box)))
    address = dict(zip(_ADDRESS, (street, *rest), strict=True))
    if "address" in lead:
        _join(lead, "ADR", ", ".join(filter(None, address.values())))
    elif any(address.values()):
        lead["address"] = address


def _read_email(lead: dict[str, Any], one: Property) -> None:
    email = lead.setdefault("email", {"category": _kind(one, _OTHERS)})
    _join(email, "email", _unescaped(one.value).removeprefix("mailto:"))


def _read_phone(lead: dict[str, Any], one: Property) -> None:
    number = _unescaped(one.value).removeprefix("tel:")
    phones = lead.setdefault("phone_numbers", [])
    phones.append({"number": number, "category": _kind(one, _PHONES)})


def _read_link(lead: dict[str, Any], one: Property) -> None:
    lead.setdefault("websites", []).append(
        {"url": _unescaped(one.value), "category": _kind(one, _OTHERS)}
    )


def _read_social(lead: dict[str, Any], one: Property) -> None:
    lead.setdefault("socials", []).append({"url": _unescaped(one.value)})


def _read_tags(lead: dict[str, Any], one: Property) -> None:
    lead.setdefault("tags", []).extend(_parts(one.value, ","))


def _read_text(field: str) -> Callable[[dict[str, Any], Property], None]:
    return lambda lead, one: _join(lead, field, _unescaped(one.value), "\n")


_READERS = {
    "N": _read_name,
    "ORG": _read_organisation,
    "ADR": _read_address,
    "EMAIL": _read_email,
    "TEL": _read_phone,
    "URL": _read_link,
    "X-SOCIALPROFILE": _read_social,
    "CATEGORIES": _read_tags,
    "TITLE": _read_text("title"),
    "NOTE": _read_text("details"),
}


def _join(lead: dict[str, Any], field: str, value: str, between: str = "; ") -> None:
    lead[field] = f"{lead[field]}{between}{value}" if lead.get(field) else value


def _kind(one: Property, kinds: dict[str, str]) -> str:
    return next((name for kind, name in kinds.items() if kind in one.kinds), "")


def _parts(value: str, separator: str = ";") -> list[str]:
    """Divide a value at the separators that are not escaped."""
    parts = re.findall(rf"((?:\\.?|[^{separator}\\])*)(?:{separator}|$)", value, re.DOTALL)
    return [_unescaped(part) for part in parts[:-1] or parts]


def _unescaped(value: str) -> str:
    return _ESCAPE.sub(lambda found: "\n" if found[1] in "nN" else found[1], value).strip()
