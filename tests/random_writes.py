"""Random writes of a few people who are often delivered again: what makes races likely."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from tests.lead_writes import create, delete, update, upsert, upsert_custom

from onelead.custom_fields import CustomField, DataType
from onelead.upsert import LeadWrite, Outcome, WriteResult

TITLES = ("Buyer", "Head buyer", "Owner")
TAGS = ("fair", "Fair", "spring", "VIP")


class RandomWrites:
    """Draws writes from a seeded chance: the same seed, and the same answers, the same writes."""

    def __init__(
        self, chance: random.Random, fields: Sequence[CustomField], *, people: int = 6
    ) -> None:
        self._chance = chance
        self._fields = fields
        self._people = people
        #: Leads that are known to have been there.
        self._ids: list[int] = []

    def learn(self, result: WriteResult) -> None:
        """Take note of an answer, so that later writes can name its lead."""
        if result.lead is not None and result.outcome is Outcome.CREATED:
            self._ids.append(result.lead.id)
        elif result.lead is not None and result.outcome is Outcome.DELETED:
            # The last few stay known: writes of deleted leads happen too.
            self._ids = [one for one in self._ids if one != result.lead.id][-40:]

    def next_write(self) -> LeadWrite:
        """Draw a write."""
        chance = self._chance
        kind = chance.choices(("upsert", "create", "update", "delete"), (60, 8, 22, 10))[0]
        if kind == "upsert":
            return self._upsert()
        if kind == "create" or not self._ids:
            return create(**self._properties({"name": self._name()}))
        # Newest first: the others are often gone. One beyond may be one of this very batch.
        lead_id = chance.choice([*self._ids[-8:], max(self._ids) + 1])
        return delete(lead_id) if kind == "delete" else update(lead_id, **self._properties({}))

    def _upsert(self) -> LeadWrite:
        chance = self._chance
        by = chance.choice(("email", "name", "custom"))
        properties = self._properties({"name": self._name()} if chance.random() < 0.7 else {})
        if by == "email":
            return upsert("email", self._email(), **properties)
        if by == "name" or not self._fields:
            return upsert("name", self._name(), **properties)
        field = chance.choice(self._fields)
        return upsert_custom(field.id, self._value(field), **properties)

    def _properties(self, properties: dict[str, Any]) -> dict[str, Any]:
        chance = self._chance
        if chance.random() < 0.4:
            properties["email"] = chance.choice((self._email(), self._email(), None))
        if chance.random() < 0.15:
            properties["name"] = self._name()
        if chance.random() < 0.3:
            properties["title"] = chance.choice(TITLES)
        if chance.random() < 0.2:
            properties["tags"] = chance.sample(TAGS, chance.randint(0, 2))
        if self._fields and chance.random() < 0.4:
            field = chance.choice(self._fields)
            value = None if chance.random() < 0.2 else self._value(field)
            properties["custom_fields"] = {field.id: value}
        if chance.random() < 0.03:
            properties["status"] = "Unheard of"
        return properties

    def _name(self) -> str:
        person = self._chance.randrange(self._people)
        return self._chance.choice((f"Nora Field{person}", f"NORA  FIELD{person}"))

    def _email(self) -> str:
        person = self._chance.randrange(self._people)
        return self._chance.choice((f"n{person}@field.example", f"N{person}@Field.example"))

    def _value(self, field: CustomField) -> Any:
        if field.data_type is DataType.MULTI_SELECT:
            return self._chance.choice([option.id for option in field.options])
        return f"C-{self._chance.randrange(self._people)}"
