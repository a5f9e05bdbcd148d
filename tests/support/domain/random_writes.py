"""Random writes of a few people who are delivered again and again, so that races are likely."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from tests.support.domain.lead_writes import create, delete, update, upsert, upsert_custom

from onelead.domain.custom_fields import CustomField, DataType
from onelead.domain.writes import LeadWrite, Outcome, WriteResult

TITLES = ("Buyer", "Head buyer", "Owner")
TAGS = ("fair", "Fair", "spring", "VIP")
#: How often a property is another person's, so that two leads match one upsert.
MIX_UP = 0.06


class RandomWrites:
    """Draws writes from a seeded chance: the same seed and answers give the same writes."""

    def __init__(
        self, chance: random.Random, fields: Sequence[CustomField], *, people: int = 12
    ) -> None:
        self._chance = chance
        self._fields = fields
        self._people = people
        #: Leads that are known to have existed.
        self._ids: list[int] = []

    def learn(self, result: WriteResult) -> None:
        """Note a result, so that later writes can name its lead."""
        if result.lead is None:
            return
        # A deleted lead stays known for a while: clients write those too.
        if result.outcome is not Outcome.DELETED and result.lead.id not in self._ids:
            self._ids = [*self._ids, result.lead.id][-40:]

    def next_write(self) -> LeadWrite:
        """Draw a write."""
        chance = self._chance
        person = chance.randrange(self._people)
        kind = chance.choices(("upsert", "create", "update", "delete"), (60, 3, 20, 17))[0]
        if kind == "upsert":
            return self._upsert(person)
        if kind == "create" or not self._ids:
            return create(**self._properties(person) | {"name": self._name(person)})
        # Newest first: the others are often deleted. The next id may be given in this very batch.
        lead_id = chance.choice([*self._ids[-12:], max(self._ids) + 1])
        return delete(lead_id) if kind == "delete" else update(lead_id, **self._properties(person))

    def _upsert(self, person: int) -> LeadWrite:
        by = self._chance.choice(("email", "name", "custom"))
        properties = self._properties(person)
        if by == "email":
            return upsert("email", self._email(person), **properties)
        if by == "name" or not self._fields:
            return upsert("name", self._name(person), **properties)
        field = self._chance.choice(self._fields)
        return upsert_custom(field.id, self._value(field, person), **properties)

    def _properties(self, person: int) -> dict[str, Any]:
        chance = self._chance
        drawn: dict[str, Any] = {}
        if chance.random() < 0.7:
            drawn["name"] = self._name(person)
        if chance.random() < 0.4:
            drawn["email"] = self._email(person) if chance.random() < 0.8 else None
        if chance.random() < 0.3:
            drawn["title"] = chance.choice(TITLES)
        if chance.random() < 0.2:
            drawn["tags"] = chance.sample(TAGS, chance.randint(0, 2))
        if self._fields and chance.random() < 0.4:
            field = chance.choice(self._fields)
            value = None if chance.random() < 0.2 else self._value(field, person)
            drawn["custom_fields"] = {field.id: value}
        if chance.random() < 0.03:
            drawn["status"] = "Unheard of"
        return drawn

    def _someone(self, person: int) -> int:
        return self._chance.randrange(self._people) if self._chance.random() < MIX_UP else person

    def _name(self, person: int) -> str:
        number = self._someone(person)
        return self._chance.choice((f"Nora Field{number}", f"NORA  FIELD{number}"))

    def _email(self, person: int) -> str:
        number = self._someone(person)
        return self._chance.choice((f"n{number}@field.example", f"N{number}@Field.example"))

    def _value(self, field: CustomField, person: int) -> Any:
        if field.data_type is DataType.MULTI_SELECT:
            return field.options[self._someone(person) % len(field.options)].id
        return f"C-{self._someone(person)}"
