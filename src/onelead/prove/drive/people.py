"""What the clients of a proof deliver: a few people, again and again, in every way.

People come in families of five. Properties are mixed up only within a family, so that the history
splits into parts that can be checked separately. For a moment at a time many clients deliver the
same family, so that they meet on the same leads. Each person has two values of everything, and each
value has several spellings.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from onelead.domain.limits import BULK_LEADS_MAX
from onelead.domain.settings.change import Resource
from onelead.domain.writes import LEAD, Action
from onelead.prove.drive.acts import KEYED, ActRequests
from onelead.prove.drive.reads import draw_read
from onelead.prove.drive.requests import Item, Request, Twice, has_acts

FAMILY_PEOPLE = 5
#: The share of requests that only read.
_READS = 0.15
#: How often a property is that of another member, which moves a lead into and out of matches.
_MIX_UP = 0.03
#: How often an upsert is sent twice, and how often that is at the same moment.
_TWICE = 1 / 8
_AT_ONCE = 0.4
#: The share of requests that are about the family of the moment.
_FOCUS = 0.2
#: Requests until the family of the moment changes.
_FOCUS_REQUESTS = 150
_IDS_KEPT = 24
_TITLES = ("Buyer", "Head buyer", "Owner")
_TAGS = ("fair", "Fair", "spring", "VIP")
_KINDS = (
    *("upsert by e-mail", "upsert by name", "upsert by custom field", "upsert to another value"),
    *("upsert that blanks its match", "upsert by a placeholder", "create", "update"),
    *("delete", "bulk create", "bulk update"),
)
_WEIGHTS = (31, 12, 18, 5, 3, 1, 1.5, 17, 11, 0.5, 2)
SWITCH = "switch is_filterable"
_CHANGING, _BLANKING, _PLACEHOLDER = _KINDS[3:6]
_MATCHED = {
    "upsert by e-mail": "email",
    "upsert by name": "name",
    "upsert by custom field": "custom",
}
_LETTERS = "abcdefghijklmnopqrstuvwxyz"

#: The definitions that a proof makes. The last is switched in and out of filters.
DEFINITIONS: tuple[dict[str, Any], ...] = (
    {"name": "Customer number", "data_type": "String"},
    {"name": "Score", "data_type": "Float"},
    {"name": "First visit", "data_type": "Date"},
    {"name": "Badge", "data_type": "String"},
)

#: What properties bring that is no value.
_BLANKS: dict[str, tuple[Any, ...]] = {
    "name": ("", " ", "n/a"),
    "email": (None, {}, {"email": " "}, {"email": "none"}),
    "custom": (None, "", " "),
}
_APOSTROPHES = ("'", "\u2019", "`")
_SPELLINGS = ("{}", "mailto:{}", "Nora Field <{}>", '"{}"', "{}.", " {};")
_PLACEHOLDERS = ("n/a", "None", "{{contact.email}}", "-")

_encode = msgspec.json.Encoder().encode


@dataclass
class People:
    """Draws requests; each carries a number that makes it unique."""

    chance: random.Random
    people: int
    #: In the order of `DEFINITIONS`.
    definition_ids: tuple[int, ...]
    _numbers: int = 0
    _focus: int = 0
    _focus_left: int = 0
    _ids: dict[int, deque[int]] = field(default_factory=dict)
    _surplus: dict[int, deque[int]] = field(default_factory=dict)
    acts: ActRequests = field(init=False)

    def __post_init__(self) -> None:
        self.acts = ActRequests(self.chance)

    @property
    def families(self) -> int:
        """How many families there are."""
        return max(1, self.people // FAMILY_PEOPLE)

    def learn(self, request: Request, lead_id: int) -> None:
        """Remember a lead, so that later requests can name it."""
        ids = self._ids.setdefault(request.family, deque(maxlen=_IDS_KEPT))
        if lead_id not in ids:
            ids.append(lead_id)

    def learn_surplus(self, request: Request, lead_ids: Sequence[int]) -> None:
        """Remember that several leads match; later requests will delete all but one."""
        surplus = self._surplus.setdefault(request.family, deque(maxlen=_IDS_KEPT))
        surplus.extend(one for one in lead_ids[1:] if one not in surplus)

    def draw(self) -> Request:
        """Draw the next request."""
        self._numbers += 1
        family = self._family()
        if self._happens(_READS):
            ids, email = [*self._ids.get(family, ())], self._email(self._member(family))
            return draw_read(self.chance, self._numbers, ids, email)
        act = self._act(family) if has_acts(family) else None
        return act or self._delivery(family)

    def _delivery(self, family: int) -> Request:
        chance = self.chance
        kind = chance.choices(_KINDS, _WEIGHTS)[0]
        ids = self._ids.get(family)
        if not ids and kind in ("update", "delete", "bulk update"):
            kind = "upsert by e-mail"
        match kind:
            case "create":
                return self._create(kind, family)
            case "update":
                assert ids
                return self._update(kind, family, chance.choice(ids))
            case "delete":
                assert ids
                surplus = self._surplus.get(family)
                return self._delete(kind, family, surplus.pop() if surplus else chance.choice(ids))
            case "bulk create":
                return self._bulk(kind, family, [self._new(family, n) for n in range(10)])
            case "bulk update":
                assert ids
                named = [chance.choice(ids) for _ in range(BULK_LEADS_MAX)]
                return self._bulk(kind, family, [self._changed(family, one) for one in named])
        return self._upsert(kind, family)

    def _act(self, family: int) -> Request | None:
        """Draw an act, or a delivery with an idempotency key; None for a usual delivery."""
        kind = self.acts.draw_kind()
        if kind is None:
            return None
        if kind in KEYED:
            is_upsert = kind == "keyed upsert"
            request = self._upsert(_KINDS[0], family) if is_upsert else self._create("", family)
            return self.acts.keyed(kind, request)
        ids = [*self._ids.get(family, ())]
        email = self._email(self._member(family))
        return self.acts.draw(kind, self._numbers, family, ids, email)

    def switch(self, *, is_filterable: bool) -> Request:
        """Switch the last definition in or out of filters."""
        self._numbers += 1
        definition_id = self.definition_ids[-1]
        # The service ignores this member, which makes the request unique.
        body = _encode({"is_filterable": is_filterable, "connected_id": self._numbers})
        resource = Resource.CUSTOM_FIELD_DEFINITION.value
        item = Item(resource, Action.UPDATE, definition_id, body.decode())
        path = f"/custom_field_definitions/{definition_id}"
        return Request(self._numbers, SWITCH, "PUT", path, body, (item,))

    def _family(self) -> int:
        if self._focus_left == 0:
            self._focus = self.chance.randrange(self.families)
            self._focus_left = _FOCUS_REQUESTS
        if self._happens(_FOCUS):
            self._focus_left -= 1
            return self._focus
        return self.chance.randrange(self.families)

    def _upsert(self, kind: str, family: int) -> Request:
        person = self._member(family)
        field_name = _MATCHED.get(kind) or self.chance.choice(("email", "name", "custom"))
        place = self.chance.randrange(len(DEFINITIONS))
        properties = self._properties(person)
        is_back = kind == _CHANGING and self._happens(0.5)
        value = self._value(field_name, place, person, other=is_back)
        if kind == _CHANGING:
            given = self._value(field_name, place, person, other=not is_back)
            properties |= self._given(field_name, given)
        elif kind == _BLANKING:
            blank = self.chance.choice(_BLANKS[field_name])
            given = value | {"value": blank} if field_name == "custom" else blank
            properties |= self._given(field_name, given)
        elif kind == _PLACEHOLDER:
            text = self.chance.choice(_PLACEHOLDERS)
            value = value | {"value": text} if field_name == "custom" else text
        elif field_name == "name" and "name" not in properties and self._happens(0.3):
            # It is stored beside the name, which stays.
            properties["first_name"] = "Eleonora"
        match = {"field_name": field_name, "field_value": value}
        body = _encode({"properties": properties, "match": match})
        return Request(
            *(self._numbers, kind, "PUT", "/leads/upsert", body),
            (Item(LEAD, Action.UPSERT, None, body.decode()),),
            family=family,
            twice=self._twice(),
        )

    def _value(self, field_name: str, place: int, person: int, *, other: bool = False) -> Any:
        """Return one of the two values of a person, as a match has it."""
        if field_name == "email":
            return self._email(person, other=other)
        if field_name == "name":
            return self._name(person, other=other)
        return self._custom_value(place, person, other=other)

    @staticmethod
    def _given(field_name: str, value: Any) -> dict[str, Any]:
        """Return a value as properties have it."""
        if field_name == "custom":
            return {"custom_fields": [value]}
        is_text = field_name == "email" and isinstance(value, str)
        return {field_name: {"email": value} if is_text else value}

    def _twice(self) -> Twice:
        if not self._happens(_TWICE):
            return Twice.NO
        return Twice.AT_ONCE if self._happens(_AT_ONCE) else Twice.AFTER_THE_ANSWER

    def _create(self, kind: str, family: int) -> Request:
        body = _encode(self._new(family, 0))
        item = Item(LEAD, Action.CREATE, None, body.decode())
        return Request(self._numbers, kind, "POST", "/leads", body, (item,), family=family)

    def _update(self, kind: str, family: int, lead_id: int) -> Request:
        body = _encode(self._properties(self._member(family)))
        item = Item(LEAD, Action.UPDATE, lead_id, body.decode())
        path = f"/leads/{lead_id}"
        return Request(self._numbers, kind, "PUT", path, body, (item,), family=family)

    def _delete(self, kind: str, family: int, lead_id: int) -> Request:
        item = Item(LEAD, Action.DELETE, lead_id, "")
        path = f"/leads/{lead_id}"
        return Request(self._numbers, kind, "DELETE", path, b"", (item,), family=family)

    def _bulk(self, kind: str, family: int, leads: list[dict[str, Any]]) -> Request:
        action = Action.CREATE if kind == "bulk create" else Action.UPDATE
        items = tuple(Item(LEAD, action, one.get("id"), _encode(one).decode()) for one in leads)
        path = f"/leads/bulk_{action}"
        body = _encode({"leads": leads})
        return Request(self._numbers, kind, "POST", path, body, items, is_bulk=True, family=family)

    def _new(self, family: int, place: int) -> dict[str, Any]:
        """Describe a lead to create: the first is of the family, the others are strangers."""
        person = self._member(family)
        properties = self._properties(person, place)
        if place:
            return properties | {"name": f"Guest {_word(self._numbers)}{_word(place)}"}
        return properties | {"name": self._name(person)}

    def _changed(self, family: int, lead_id: int) -> dict[str, Any]:
        return {"id": lead_id} | self._properties(self._member(family))

    def _member(self, family: int) -> int:
        return family * FAMILY_PEOPLE + self.chance.randrange(min(FAMILY_PEOPLE, self.people))

    def _someone(self, person: int) -> int:
        return self._member(person // FAMILY_PEOPLE) if self._happens(_MIX_UP) else person

    def _properties(self, person: int, place: int = 0) -> dict[str, Any]:
        """Draw the properties of a delivery; a member that the service ignores makes it unique."""
        chance, happens = self.chance, self._happens
        properties: dict[str, Any] = {"interaction_count": self._numbers}
        if place:
            return properties
        if happens(0.85):
            properties["name"] = self._name(person)
        if happens(0.4):
            given = self._email(person) if happens(0.9) else chance.choice(_BLANKS["email"])
            properties |= self._given("email", given)
        if happens(0.4):
            properties["title"] = chance.choice(_TITLES)
        if happens(0.1):
            properties["tags"] = chance.sample(_TAGS, 2)
        if happens(0.4):
            value = self._custom_value(chance.randrange(len(DEFINITIONS)), person)
            if happens(0.1):
                value["value"] = None
            properties["custom_fields"] = [value]
        return properties

    def _happens(self, probability: float) -> bool:
        return self.chance.random() < probability

    def _name(self, person: int, *, other: bool = False) -> str:
        # Plain words mostly: other names take long to split, and splitting is not what is proven.
        number = self._someone(person)
        last = f"{'Meadow' if other else 'Field'}{_word(number)}"
        if number % 10 == 0:
            last = f"O{self.chance.choice(_APOSTROPHES)}{last}"
        return f"Nora {last}" if self._happens(0.7) else f"NORA  {last.upper()}"

    def _email(self, person: int, *, other: bool = False) -> str:
        number = self._someone(person)
        domain = "meadow.example" if other else "field.example"
        if number % 10 == 0:
            domain = self.chance.choice((f"bücher.{domain}", f"xn--bcher-kva.{domain}"))
        address = f"n{number}@{domain}"
        if self._happens(0.6):
            return address
        spelled = self.chance.choice(_SPELLINGS).format(address)
        return spelled.upper() if self._happens(0.5) else spelled

    def _custom_value(self, place: int, person: int, *, other: bool = False) -> dict[str, Any]:
        number = self._someone(person)
        date = f"{number % 12 + 1:02}/15/{1990 + number // 12 - 500 * other}"
        score = number + (0.25 if other else 0.5)
        end = "-b" if other else ""
        value: Any = (f"C-{number}{end}", score, date, f"B-{number}{end}")[place]
        if self._happens(0.2):
            value = f" {value} "
        return {"custom_field_definition_id": self.definition_ids[place], "value": value}


def _word(number: int) -> str:
    """Spell a number with letters."""
    word = ""
    while number or not word:
        number, place = divmod(number, len(_LETTERS))
        word = _LETTERS[place] + word
    return word
