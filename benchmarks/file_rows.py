"""The rows that contenders take in from files: as CSV, as JSON Lines, and one by one.

There are three files. The people of the first are new, half of those of the second are, and none of
the third. Every row says something new about its person.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.people import Person, stored_people

NEW, HALF, KNOWN = "all new", "half known", "all known"
FILES = (NEW, HALF, KNOWN)
#: Where the people of a file begin, in halves of a file.
_BEGINS = {NEW: 0, HALF: 1, KNOWN: 0}
#: More than any run has people, so that each has a name of their own.
_ALL = 2**31
#: The people that are stored otherwise are below this number.
_FIRST = 100_000_000


def people_of(file: str, rows: int, number: int) -> Iterator[Person]:
    """Return the people of a file; those of each number are others."""
    first = _FIRST + number * 2 * rows + _BEGINS[file] * rows // 2
    return stored_people(_ALL, range(first, first + rows))


def write_csv(path: Path, file: str, rows: int, number: int) -> Path:
    """Write a file of rows."""
    with path.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        writer.writerow(("Name", "Email", "Phone", "Company", "Title", "Tags"))
        for person in people_of(file, rows, number):
            one = properties_of(person, file)
            phone = one["phone_numbers"][0]["number"]
            writer.writerow(
                (person.name, person.email, phone, one["company_name"], one["title"], person.tag)
            )
    return path


def lines_of(file: str, rows: int, number: int) -> list[bytes]:
    """Return the rows as lines of JSON, each an upsert by e-mail."""
    return [upsert_of(person, file) for person in people_of(file, rows, number)]


def upsert_of(person: Person, file: str) -> bytes:
    """Return a row as the body of an upsert."""
    match = {"field_name": "email", "field_value": person.email}
    return msgspec.json.encode({"properties": properties_of(person, file), "match": match})


def properties_of(person: Person, file: str) -> dict[str, Any]:
    """Return what a row says about a person, as Copper's clients send it."""
    return {
        "name": person.name,
        "email": {"email": person.email, "category": "work"},
        "phone_numbers": [{"number": person.phone, "category": "work"}],
        "company_name": "Field Supplies",
        "title": f"{person.title}, {file}",
        "tags": [person.tag],
    }
