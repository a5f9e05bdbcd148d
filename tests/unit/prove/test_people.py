"""What is delivered: unique by a number, within a family, in every way."""

from __future__ import annotations

import random
from collections import Counter

from tests.support.domain.builders import a_field, a_settings

from onelead.domain.custom_fields import DataType, IndexState
from onelead.domain.fold import checked_write
from onelead.domain.settings.change import Resource
from onelead.domain.writes import Action, Delivery
from onelead.prove.drive.people import DEFINITIONS, People
from onelead.prove.drive.requests import Request, Twice
from onelead.prove.operations import ReadKind, is_act, read_lead_write

NOBODY = Delivery("", None, None, "")
SETTINGS = a_settings(
    fields=tuple(
        a_field(
            id=11 + place,
            data_type=DataType(definition["data_type"]),
            is_filterable=True,
            index_state=IndexState.READY,
        )
        for place, definition in enumerate(DEFINITIONS)
    )
)


def some_people(seed: int = 1) -> People:
    return People(random.Random(seed), 20, (11, 12, 13, 14))


def drawn(number: int) -> list[Request]:
    people = some_people()
    requests = []
    for _ in range(number):
        requests.append(people.draw())
        for copy in range(2):
            people.learn(requests[-1], 1_000 + requests[-1].family + 10_000 * copy)
        if not requests[-1].is_bulk:
            is_refused = people.chance.random() < 0.2
            people.acts.learn(requests[-1], len(requests), is_refused=is_refused)
    return requests


def test_every_way_of_writing_and_reading_is_drawn() -> None:
    kinds = Counter(request.kind for request in drawn(2_000))
    assert len(kinds) == 18 + len(ReadKind)
    assert {*ReadKind} < {*kinds}
    assert min(kinds.values()) >= 2


def test_no_two_deliveries_are_the_same_but_deletes() -> None:
    payloads = [item.payload for request in drawn(500) for item in request.items if item.payload]
    by_payload = Counter(payloads)
    requests = [
        request
        for request in drawn(500)
        if not (request.is_bulk or request.reads)
        and request.body
        and not any(is_act(one.action, one.payload, one.about_seq) for one in request.items)
    ]
    assert len({request.body for request in requests}) == len(requests)
    # One bulk call may have the same lead twice.
    assert max(by_payload.values()) <= 10


def test_every_delivery_can_be_read() -> None:
    for request in drawn(500):
        for item in request.items:
            if is_act(item.action, item.payload, item.about_seq):
                continue
            write = read_lead_write(item.action, item.resource_id, item.payload, delivery=NOBODY)
            assert write.problems == ()
            assert (write.patch is None) == (item.action is Action.DELETE)


def test_one_upsert_in_eight_is_sent_twice() -> None:
    usual = [request for request in drawn(2_000) if request.key is None]
    upserts = [one for one in usual if one.kind.startswith("upsert")]
    twice = Counter(request.twice for request in usual if request not in upserts)
    assert set(twice) == {Twice.NO}
    counts = Counter(request.twice for request in upserts)
    assert set(counts) == set(Twice)
    assert len(upserts) / 10 < len(upserts) - counts[Twice.NO] < len(upserts) / 6


def test_no_two_families_have_a_value_in_common() -> None:
    families: dict[tuple[str, str], int] = {}
    for request in drawn(3_000):
        for item in request.items if not request.is_bulk else ():
            write = read_lead_write(item.action, item.resource_id, item.payload, delivery=NOBODY)
            for key in checked_write(write, SETTINGS).keys:
                assert families.setdefault((key.field, key.value), request.family) == request.family
    # There are twenty people, each with two values of a name, an e-mail and four custom fields.
    assert len(families) > 20 * 2 * 6 / 2


def test_the_same_seed_draws_the_same_deliveries() -> None:
    assert drawn(200) == drawn(200)


def test_surplus_leads_are_deleted_first() -> None:
    people = some_people()
    request = next(one for one in iter(people.draw, None) if not one.reads)
    people.learn(request, 1)
    people.learn_surplus(request, [1, 2, 3])
    deleted: list[int | None] = []
    while len(deleted) < 2:
        later = people.draw()
        if later.kind == "delete" and later.family == request.family:
            deleted.append(later.items[0].resource_id)
        people.learn(later, 1)
    assert deleted == [3, 2]


def test_a_switch_is_a_change_of_the_last_definition() -> None:
    request = some_people().switch(is_filterable=False)
    (item,) = request.items
    assert (item.resource, item.resource_id) == (Resource.CUSTOM_FIELD_DEFINITION, 14)
    assert request.path == "/custom_field_definitions/14"
