"""Batches against a model: the same writes, done one by one on a plain dict of people.

The model finds the matches of an upsert by looking at every lead. It has no match keys, batches or
normal forms: a table lists which spellings are one value.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st
from tests.support.domain.builders import a_field, a_settings, a_write
from tests.support.domain.planned_leads import NOW, PlannedLeads

from onelead.domain.custom_fields import DataType, IndexState
from onelead.domain.errors import InputInvalid, MatchAmbiguous, OneleadError, ResourceNotFound
from onelead.domain.lead import Lead
from onelead.domain.writes import DELIVERED, Action, LeadWrite, Outcome, WriteResult

STRING, DROPDOWN, MULTI_SELECT, CHECKBOX, FLOAT, UNINDEXED = range(4101, 4107)
INDEXED = {
    STRING: DataType.STRING,
    DROPDOWN: DataType.DROPDOWN,
    MULTI_SELECT: DataType.MULTI_SELECT,
    CHECKBOX: DataType.CHECKBOX,
    FLOAT: DataType.FLOAT,
}
ready = {"is_filterable": True, "index_state": IndexState.READY}
SETTINGS = a_settings(
    fields=(
        *(a_field(id=field_id, data_type=of, **ready) for field_id, of in INDEXED.items()),
        a_field(id=UNINDEXED),
    )
)

#: A lead's attribute: for a custom field, the id of its definition.
Attribute = str | int
Attributes = dict[Attribute, Any]
#: The values that can be sent for each attribute, and their meanings: equal meanings match.
MEANINGS: dict[Attribute, dict[Any, Any]] = {
    "name": {
        **dict.fromkeys(["Nora Field", " nora\u00a0FIELD"], "Nora"),
        **dict.fromkeys(["Andr\u00e9", "ANDRE\u0301"], "Andr\u00e9"),
        "Sam Roe": "Sam",
    },
    "email": {
        **dict.fromkeys(["nora@field.example", "Nora@Field.example\u200b"], "Nora"),
        "sam@roe.example": "Sam",
    },
    STRING: {**dict.fromkeys(["A-77", " A-77\u200e", "A-77\n"], "A"), "a-77": "a"},
    DROPDOWN: {**dict.fromkeys([5101, "Silver"], 5101), "Gold": 5102},
    MULTI_SELECT: {5101: (5101,), "Gold": (5102,), ("Gold", 5101): (5101, 5102), (): None},
    CHECKBOX: {True: True, False: None},
    FLOAT: {**dict.fromkeys([7, "7.0"], 7.0), 0: 0.0},
    UNINDEXED: {"A-77": "A", "other": "o"},
    "title": {"Buyer": "Buyer", " ": None},
    "tags": {("VIP", "vip"): ("VIP",), ("vip", "fair"): ("vip", "fair"), (): None},
}
#: Attributes that keep the spelling that was sent.
VERBATIM = {"name", "email", STRING, UNINDEXED}
MATCHES = [
    (attribute, sent)
    for attribute, meanings in MEANINGS.items()
    if attribute in {"name", "email", *INDEXED}
    for sent in meanings
    if sent not in ((), ("Gold", 5101))
]


class Operation(NamedTuple):
    """One write, in the model's words."""

    action: Action
    lead_id: int
    properties: Attributes
    match: tuple[Attribute, Any]
    has_mistake: bool

    def write(self) -> LeadWrite:
        """Return the write as it arrives."""
        properties: dict[str, Any] = {"custom_fields": []} | (
            {"assignee_id": 77} if self.has_mistake else {}
        )
        for attribute, sent in self.properties.items():
            value = list(sent) if isinstance(sent, tuple) else sent
            if isinstance(attribute, int):
                entry = {"custom_field_definition_id": attribute, "value": value}
                properties["custom_fields"].append(entry)
            else:
                properties[attribute] = {"email": value} if attribute == "email" else value
        match self.action:
            case Action.CREATE:
                return a_write(properties=properties)
            case Action.UPDATE:
                return a_write(Action.UPDATE, lead_id=self.lead_id, properties=properties)
            case Action.DELETE:
                return a_write(Action.DELETE, lead_id=self.lead_id)
            case _:
                return a_write(Action.UPSERT, match=self.match_sent(), properties=properties)

    def match_sent(self) -> dict[str, Any]:
        """Return the match as it arrives."""
        attribute, sent = self.match
        if isinstance(attribute, str):
            return {"field_name": attribute, "field_value": sent}
        value = {"custom_field_definition_id": attribute, "value": sent}
        return {"field_name": "custom", "field_value": value}


class Person(NamedTuple):
    """A lead as the model keeps it: its attributes as they were last sent."""

    attributes: Attributes
    version: int = 1
    modified: int = NOW

    def meaning(self, attribute: Attribute) -> Any:
        """Return the meaning of an attribute; None for no value."""
        if attribute not in self.attributes:
            return None
        return MEANINGS[attribute][self.attributes[attribute]]

    def matches(self, attribute: Attribute, sent: Any) -> bool:
        """Return whether a match finds this lead."""
        own, sought = self.meaning(attribute), MEANINGS[attribute][sent]
        if attribute == MULTI_SELECT:
            return sought[0] in (own or ())
        return bool(own == sought)

    def shown(self) -> Attributes:
        """Return the attributes as they are read."""
        return {
            attribute: sent if attribute in VERBATIM else self.meaning(attribute)
            for attribute, sent in self.attributes.items()
            if self.meaning(attribute) is not None
        }


class Expected(NamedTuple):
    """What the model says about a write."""

    outcome: Outcome
    lead_id: int | None = None
    person: Person | None = None
    changed: frozenset[Attribute] = frozenset()
    refusal: type[OneleadError] | None = None
    matches: tuple[int, tuple[int, ...]] | None = None


INVALID = Expected(Outcome.REFUSED, refusal=InputInvalid)
NOT_FOUND = Expected(Outcome.REFUSED, refusal=ResourceNotFound)


class Model:
    """All the people, by id."""

    def __init__(self, people: list[Person]) -> None:
        self.people = dict(enumerate(people, 1))
        self.last_id = len(people)

    def result_of(self, operation: Operation, now: int) -> Expected:
        """Do one write."""
        properties, lead_id = operation.properties, operation.lead_id
        if operation.action is Action.DELETE:
            person = self.people.pop(lead_id, None)
            return Expected(Outcome.DELETED, lead_id, person) if person else NOT_FOUND
        is_named = operation.action is Action.UPSERT and operation.match[0] == "name"
        if operation.has_mistake or (properties.get("name", "Nora") is None and not is_named):
            return INVALID
        if operation.action is Action.CREATE:
            return self.create(properties, now)
        if operation.action is Action.UPDATE:
            return self.update(lead_id, properties, now) if lead_id in self.people else NOT_FOUND
        return self.upsert(operation.match, properties, now)

    def create(self, properties: Attributes, now: int) -> Expected:
        if "name" not in properties:
            return INVALID
        self.last_id += 1
        person = self.people[self.last_id] = Person(kept(properties), 1, now)
        return Expected(Outcome.CREATED, self.last_id, person, frozenset(person.shown()))

    def update(self, lead_id: int, properties: Attributes, now: int) -> Expected:
        before = self.people[lead_id]
        after = before._replace(attributes=kept(before.attributes | properties))
        old, new = before.shown(), after.shown()
        changed = frozenset(key for key in old | new if old.get(key) != new.get(key))
        if not changed:
            return Expected(Outcome.UNCHANGED, lead_id, before)
        after = Person(after.attributes, before.version + 1, max(before.modified, now))
        self.people[lead_id] = after
        return Expected(Outcome.UPDATED, lead_id, after, changed)

    def upsert(self, match: tuple[Attribute, Any], properties: Attributes, now: int) -> Expected:
        attribute, sent = match
        properties = dict(properties)
        if not identifies(attribute, properties.get(attribute)):
            properties.pop(attribute, None)
        ids = self.matching(attribute, sent)
        given = Person(properties)
        if not ids and attribute in properties and not given.matches(attribute, sent):
            ids = self.having(attribute, given.meaning(attribute))
        matches = (len(ids), tuple(sorted(ids))) if len(ids) <= 30 else (31, ())
        if len(ids) > 1:
            return Expected(Outcome.REFUSED, refusal=MatchAmbiguous, matches=matches)
        if ids:
            return self.update(ids[0], properties, now)._replace(matches=matches)
        properties.setdefault(attribute, sent)
        return self.create(properties, now)._replace(matches=matches)

    def matching(self, attribute: Attribute, sent: Any) -> list[int]:
        return [id_ for id_, person in self.people.items() if person.matches(attribute, sent)]

    def having(self, attribute: Attribute, meaning: Any) -> list[int]:
        """Return who has a whole value, or one option of a MultiSelect among others."""
        if attribute == MULTI_SELECT and len(meaning) == 1:
            return [
                i for i, one in self.people.items() if meaning[0] in (one.meaning(attribute) or ())
            ]
        return [id_ for id_, person in self.people.items() if person.meaning(attribute) == meaning]


def identifies(attribute: Attribute, sent: Any) -> bool:
    """Return whether what properties give the matched field says which lead is meant."""
    return sent is not None and (attribute == CHECKBOX or MEANINGS[attribute][sent] is not None)


def kept(attributes: Attributes) -> Attributes:
    """Leave out cleared attributes."""
    return {attribute: sent for attribute, sent in attributes.items() if sent is not None}


def lead_shown(lead: Lead) -> Attributes:
    """Return the attributes of a lead in the model's words."""
    shown: Attributes = dict(lead.custom_fields.items())
    shown |= {"name": lead.name, "title": lead.title, "tags": lead.tags or None}
    return kept(shown | {"email": lead.email.email if lead.email else None})


def changed_attributes(result: WriteResult) -> set[Attribute]:
    """Return the changed attributes that the model knows."""
    names = (field.removeprefix("custom_fields.") for field in result.changes)
    attributes = {int(name) if name.isdigit() else name for name in names}
    return attributes & MEANINGS.keys()


def check(result: WriteResult, expected: Expected) -> None:
    """Compare a result with what the model says."""
    assert result.outcome is expected.outcome
    assert type(result.refusal) is (expected.refusal or type(None))
    found = (result.match.matches, result.match.ids) if result.match else None
    assert found == expected.matches
    if isinstance(result.refusal, MatchAmbiguous):
        assert result.match is not None
        assert result.refusal.ids == result.match.ids
    if expected.person is None:
        assert result.lead is None
        return
    assert result.lead is not None
    assert result.lead.id == expected.lead_id
    check_lead(result.lead, expected.person)
    if result.outcome is not Outcome.DELETED:
        assert changed_attributes(result) == expected.changed


def check_lead(lead: Lead, person: Person) -> None:
    """Compare a lead with a person of the model."""
    assert lead_shown(lead) == person.shown()
    assert (lead.version, lead.date_modified) == (person.version, person.modified)


properties = st.fixed_dictionaries(
    {},
    optional={
        attribute: st.sampled_from([*meanings, None]) for attribute, meanings in MEANINGS.items()
    },
)
named_properties = st.builds(
    lambda properties, name: kept(properties | {"name": name}),
    properties,
    st.sampled_from([*MEANINGS["name"]]),
)


#: What the people of a crowd have in common, and the matches that find all of them.
CROWD: Attributes = {
    "name": "Nora Field",
    "email": "nora@field.example",
    "title": "Buyer",
    STRING: "A-77",
    DROPDOWN: 5101,
    MULTI_SELECT: ("Gold", 5101),
    CHECKBOX: True,
    FLOAT: 7,
}
CROWD_MATCHES = [match for match in MATCHES if Person(CROWD).matches(*match)]


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Person], list[list[Operation]]]:
    """Draw a crowd of people who are all alike, two others, and batches of writes."""
    crowd = draw(st.sampled_from([0, 0, 1, 2, 3, 29, 30, 31, 32, 34]))
    people = [Person(CROWD)] * crowd + [Person(draw(named_properties)) for _ in range(2)]
    operation = st.builds(
        Operation,
        st.sampled_from([*sorted(DELIVERED), Action.UPSERT]),
        # One of the crowd, or a lead that these batches create.
        st.integers(1, crowd + 2) | st.integers(crowd + 3, crowd + 6),
        properties,
        st.sampled_from(MATCHES) | st.sampled_from(CROWD_MATCHES),
        st.sampled_from([False] * 9 + [True]),
    )
    return people, draw(st.lists(st.lists(operation, max_size=8), max_size=4))


def a_create(person: Person) -> LeadWrite:
    """Return the write that creates a person."""
    return Operation(Action.CREATE, 0, person.attributes, MATCHES[0], has_mistake=False).write()


@given(histories(), st.lists(st.integers(NOW - 100, NOW + 100), min_size=4, max_size=4))
def test_batches_do_what_the_writes_would_do_one_by_one(
    history: tuple[list[Person], list[list[Operation]]], clock: list[int]
) -> None:
    people, batches = history
    model = Model(people)
    leads = PlannedLeads(SETTINGS, last_id=0)
    leads.write(*map(a_create, people))
    for batch, now in zip(batches, clock, strict=False):
        expected = [model.result_of(operation, now) for operation in batch]
        plan = leads.write(*(operation.write() for operation in batch), now=now)
        for result, answer in zip(plan.results, expected, strict=True):
            check(result, answer)
        assert leads.leads.keys() == model.people.keys()
        for lead_id, person in model.people.items():
            check_lead(leads.leads[lead_id], person)
        assert leads.keys == leads.derived_keys()
        assert leads.last_id == model.last_id
