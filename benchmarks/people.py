"""The people that every contender stores; `load/report.lua` and `load/upsert.lua` make the same.

A person is a number. The last twentieth of them share a name, so that a refusal meets 50,000 leads
with the same name among a million.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from msgspec import Struct

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import CustomField
from onelead.domain.lead import Address, Email, Lead, PhoneNumber

SHARED_NAME = "Sam Same"
TAGS = 50
CITIES = 300
SCORES = 100
_SYLLABLES = ("la", "ro", "mi", "ta", "ne", "xa", "do", "so", "be", "ku")


class Person(Struct, frozen=True):
    """What is known about a person, before a contender stores it."""

    number: int
    first_name: str
    last_name: str
    phone: str
    title: str
    tag: str
    city: str

    @property
    def name(self) -> str:
        """The full name."""
        return f"{self.first_name} {self.last_name}"

    @property
    def email(self) -> str:
        """The address that deliveries match by."""
        return f"p{self.number}@field.example"


def with_own_name(people: int) -> int:
    """Return how many of `people`, counted from the first, have a name of their own."""
    return people - people // 20


def stored_people(people: int, numbers: range | None = None) -> Iterator[Person]:
    """Return `people` people, or only those with these numbers, in order."""
    own = with_own_name(people)
    for number in range(people) if numbers is None else numbers:
        first, last = _word(number), f"{_word(number // 1000)}field"
        if number >= own:
            first, last = SHARED_NAME.split()
        yield Person(
            number=number,
            first_name=first,
            last_name=last,
            phone=f"512-{number // 10_000 % 1_000:03}-{number % 10_000:04}",
            title=f"Buyer {number % 977}",
            tag=f"tag{number % TAGS}",
            city=f"City {number % CITIES}",
        )


def _word(number: int) -> str:
    return "P" + "".join(_SYLLABLES[number // step % 10] for step in (1, 10, 100))


def lead_of(person: Person, lead_id: int, settings: AccountSettings) -> Lead:
    """Return the person as a lead with the definitions that `definitions_of` names."""
    customer_number, score = definitions_of(settings)
    # As if they had arrived over the previous weeks, so that the dates differ.
    date = int(time.time()) - 5_000_000 + person.number % 4_000_000
    return Lead(
        id=lead_id,
        version=1,
        name=person.name,
        status_id=settings.default_status.id,
        date_created=date,
        date_modified=date,
        first_name=person.first_name,
        last_name=person.last_name,
        address=Address(city=person.city, country="US"),
        company_name="Field Supplies",
        email=Email(person.email, "work"),
        tags=(person.tag,),
        title=person.title,
        phone_numbers=(PhoneNumber(person.phone, "mobile"),),
        custom_fields={
            customer_number.id: f"C-{person.number}",
            score.id: person.number % SCORES,
        },
    )


def definitions_of(settings: AccountSettings) -> tuple[CustomField, CustomField]:
    """Return the two definitions that are included in filters: a text and a number."""
    customer_number, score = settings.fields
    return customer_number, score
