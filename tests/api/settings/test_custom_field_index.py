"""Turning a custom field's index on and off with existing leads, and writes in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from tests.support.api.answers import assert_answer, invalid
from tests.support.api.service import Service, database_in

from onelead.domain.limits import INDEX_CHUNK_LEADS, PURGE_CHUNK_KEYS

#: More leads than two steps of the index job can do.
MANY = 2 * INDEX_CHUNK_LEADS + 10


def entry(field: dict[str, Any], value: Any) -> dict[str, Any]:
    return {"custom_field_definition_id": field["id"], "value": value}


def valued(field: dict[str, Any], value: Any) -> dict[str, Any]:
    return {"custom_fields": [entry(field, value)]}


async def create_leads(
    service: Service, count: int, properties: Callable[[int], dict[str, Any]]
) -> list[int]:
    """Create leads, ten a call, and return their ids in order."""
    items = [{"name": f"Lead {n}"} | properties(n) for n in range(count)]
    bodies = [{"leads": items[first : first + 10]} for first in range(0, count, 10)]
    calls = (service.client.post("/leads/bulk_create", json=body) for body in bodies)
    answers = await asyncio.gather(*calls)
    return [lead["id"] for answer in answers for lead in answer.json()]


async def put(service: Service, path: str, **change: Any) -> httpx.Response:
    response = await service.client.put(path, json=change)
    assert response.status_code == 200, response.text
    return response


async def switch(service: Service, field: dict[str, Any], *, on: bool) -> None:
    await put(service, f"/custom_field_definitions/{field['id']}", is_filterable=on)


async def build(service: Service) -> int:
    """Do all pending index work and return the number of steps."""
    steps = 0
    while await service.store.build_index(service.account.account_id):
        steps += 1
    return steps


async def search(service: Service, field: dict[str, Any], **criteria: Any) -> httpx.Response:
    condition = {"custom_field_definition_id": field["id"]} | criteria
    body = {"custom_fields": [condition], "page_size": 200}
    return await service.client.post("/leads/search", json=body)


async def found_ids(service: Service, field: dict[str, Any], value: Any) -> list[int]:
    response = await search(service, field, value=value)
    assert response.status_code == 200, response.text
    return [lead["id"] for lead in response.json()]


def index_keys(folder: Path, field: dict[str, Any]) -> set[tuple[str, str, int]]:
    """Return every match key of a definition: generation, value and lead."""
    start = f"custom:{field['id']}."
    of_field = f"substr(field, 1, {len(start)}) = '{start}'"
    rows = database_in(folder).rows(f"SELECT field, value, lead_id FROM match_key WHERE {of_field}")
    return {(name.removeprefix(start), value, lead_id) for name, value, lead_id in rows}


async def assert_still_building(service: Service, field: dict[str, Any], value: Any) -> None:
    which = f"custom field {field['name']} (definition {field['id']})"
    text = f"{which} is still being indexed; try again shortly"
    matched = await service.upsert({"name": "Sam Roe"}, "custom", entry(field, value))
    assert matched.status_code == 422
    assert matched.json() == invalid(f"Match: {text}")
    assert matched.headers["Retry-After"] == "1"
    assert matched.headers["Lead-Outcome"] == "refused"
    searched = await search(service, field, value=value)
    assert_answer(searched, 422, invalid(f"Custom Fields: {text}"), retry_after="1")


async def test_over_few_leads_the_index_is_ready_at_once(service: Service) -> None:
    field = await service.field(is_filterable=False)
    ids = await create_leads(service, 30, lambda n: valued(field, f"A-{n}"))
    await switch(service, field, on=True)
    matched = await service.upsert({"title": "Buyer"}, "custom", entry(field, "A-29"))
    assert matched.json()["id"] == ids[29]
    assert await found_ids(service, field, "A-0") == [ids[0]]
    assert await build(service) == 0


async def test_over_many_leads_nothing_is_looked_up_until_all_are_indexed(
    service: Service,
) -> None:
    field = await service.field(is_filterable=False)
    ids = await create_leads(service, MANY, lambda n: valued(field, f"A-{n}"))
    await switch(service, field, on=True)
    await assert_still_building(service, field, "A-0")
    assert await service.store.build_index(service.account.account_id)
    await assert_still_building(service, field, "A-0")
    assert await build(service) == 1
    last = await service.upsert({"title": "Buyer"}, "custom", entry(field, f"A-{MANY - 1}"))
    assert last.json()["id"] == ids[-1]
    assert await found_ids(service, field, ["A-0", "A-500", "A-1000"]) == [
        *(ids[0], ids[1000], ids[500])
    ]
    created = await service.upsert({"name": "Sam Roe"}, "custom", entry(field, "B-0"))
    assert created.headers["Lead-Outcome"] == "created"


async def test_writes_during_the_build_are_indexed_as_they_leave_the_leads(
    service: Service, tmp_path: Path
) -> None:
    field = await service.field(is_filterable=False)
    ids = await create_leads(service, MANY, lambda n: valued(field, f"A-{n}"))
    await switch(service, field, on=True)
    expected = {("1", f"A-{n}", lead_id) for n, lead_id in enumerate(ids)}
    # One lead that the job has passed, and one that it has not reached yet.
    for n in (0, MANY - 1):
        await put(service, f"/leads/{ids[n]}", **valued(field, f"C-{n}"))
        expected = expected - {("1", f"A-{n}", ids[n])} | {("1", f"C-{n}", ids[n])}
    for n in (1, MANY - 2):
        await service.client.delete(f"/leads/{ids[n]}")
        expected -= {("1", f"A-{n}", ids[n])}
    for n in (2, MANY - 3):
        await put(service, f"/leads/{ids[n]}", **valued(field, None))
        expected -= {("1", f"A-{n}", ids[n])}
    for n in (3, MANY - 4):
        await put(service, f"/leads/{ids[n]}", name="Renamed")
    created = await service.lead(**valued(field, "B-0"))
    expected |= {("1", "B-0", created["id"])}
    await assert_still_building(service, field, "B-0")
    await build(service)
    assert index_keys(tmp_path, field) == expected
    for value, lead_id in (("C-0", ids[0]), (f"C-{MANY - 1}", ids[-1]), ("B-0", created["id"])):
        matched = await service.upsert({"title": "Buyer"}, "custom", entry(field, value))
        assert matched.json()["id"] == lead_id
    for value in ("A-0", "A-1", "A-2", f"A-{MANY - 1}", f"A-{MANY - 2}", f"A-{MANY - 3}"):
        assert await found_ids(service, field, value) == []


async def test_other_changes_of_a_definition_do_not_restart_its_index(
    service: Service,
) -> None:
    field = await service.field(is_filterable=False)
    await create_leads(service, MANY, lambda n: valued(field, f"A-{n}"))
    await switch(service, field, on=True)
    assert await service.store.build_index(service.account.account_id)
    path = f"/custom_field_definitions/{field['id']}"
    # This change makes the last step.
    field = (await put(service, path, name="Number")).json()
    assert await build(service) == 0
    assert len(await found_ids(service, field, f"A-{MANY - 1}")) == 1


async def test_an_index_that_another_process_completes_is_used_at_once(
    service: Service, tmp_path: Path
) -> None:
    field = await service.field(is_filterable=False)
    ids = await create_leads(service, MANY, lambda n: valued(field, f"A-{n}"))
    await switch(service, field, on=True)
    await assert_still_building(service, field, "A-7")
    other = await database_in(tmp_path).open(service.clock)
    while await other.build_index(service.account.account_id):
        pass
    await other.close()
    matched = await service.upsert({"title": "Buyer"}, "custom", entry(field, "A-7"))
    assert matched.json()["id"] == ids[7]


async def test_two_definitions_are_indexed_side_by_side(service: Service) -> None:
    first = await service.field(is_filterable=False)
    second = await service.field(name="Shop number", is_filterable=False)
    ids = await create_leads(
        service,
        MANY,
        lambda n: {"custom_fields": [entry(first, f"A-{n}"), entry(second, f"B-{n}")]},
    )
    await switch(service, first, on=True)
    await switch(service, second, on=True)
    await assert_still_building(service, second, "B-0")
    await build(service)
    for n in (0, MANY - 1):
        assert await found_ids(service, first, f"A-{n}") == [ids[n]]
        assert await found_ids(service, second, f"B-{n}") == [ids[n]]


async def test_a_checkbox_is_indexed_for_the_leads_that_never_had_it(service: Service) -> None:
    ids = await create_leads(service, MANY, lambda _n: {})
    field = await service.field(name="Newsletter", data_type="Checkbox")
    await assert_still_building(service, field, value=False)
    await put(service, f"/leads/{ids[-1]}", **valued(field, value=True))
    await build(service)
    assert await found_ids(service, field, value=True) == [ids[-1]]
    unset = await search(service, field, value=False)
    assert unset.headers["X-PW-TOTAL"] == str(MANY - 1)


async def test_a_new_field_without_values_is_ready_for_any_number_of_leads(
    service: Service,
) -> None:
    await create_leads(service, INDEX_CHUNK_LEADS + 10, lambda _n: {})
    field = await service.field()
    created = await service.upsert({"name": "Sam Roe"}, "custom", entry(field, "A-77"))
    assert created.headers["Lead-Outcome"] == "created"


async def test_keys_from_before_the_index_was_off_are_never_read(
    service: Service, tmp_path: Path
) -> None:
    field = await service.field()
    lead = await service.lead(**valued(field, "A-1"))
    gone = await service.lead(**valued(field, "A-2"))
    await switch(service, field, on=False)
    await put(service, f"/leads/{lead['id']}", **valued(field, "A-3"))
    await service.client.delete(f"/leads/{gone['id']}")
    late = await service.lead(**valued(field, "A-1"))
    await switch(service, field, on=True)
    stale = {("1", "A-1", lead["id"]), ("1", "A-2", gone["id"])}
    live = {("2", "A-3", lead["id"]), ("2", "A-1", late["id"])}
    assert index_keys(tmp_path, field) == stale | live
    assert await found_ids(service, field, "A-1") == [late["id"]]
    assert await found_ids(service, field, "A-2") == []
    matched = await service.upsert({"title": "Buyer"}, "custom", entry(field, "A-3"))
    assert matched.json()["id"] == lead["id"]
    matched = await service.upsert({"name": "Sam Roe"}, "custom", entry(field, "A-2"))
    assert matched.headers["Lead-Outcome"] == "created"
    live.add(("2", "A-2", matched.json()["id"]))
    assert await build(service) > 0
    assert index_keys(tmp_path, field) == live


async def test_an_index_turned_off_halfway_is_built_again(service: Service, tmp_path: Path) -> None:
    field = await service.field(is_filterable=False)
    ids = await create_leads(service, MANY, lambda n: valued(field, f"A-{n}"))
    await switch(service, field, on=True)
    await switch(service, field, on=False)
    await put(service, f"/leads/{ids[0]}", **valued(field, "B-0"))
    await switch(service, field, on=True)
    await assert_still_building(service, field, "A-1")
    await build(service)
    expected = {("2", f"A-{n}", lead_id) for n, lead_id in enumerate(ids)}
    expected = expected - {("2", "A-0", ids[0])} | {("2", "B-0", ids[0])}
    assert index_keys(tmp_path, field) == expected


async def test_a_definition_taken_off_leads_loses_its_index(
    service: Service, tmp_path: Path
) -> None:
    field = await service.field()
    lead = await service.lead(**valued(field, "A-1"))
    path = f"/custom_field_definitions/{field['id']}"
    await put(service, path, available_on=["person"])
    await build(service)
    assert index_keys(tmp_path, field) == set()
    await put(service, path, available_on=["lead"])
    assert await found_ids(service, field, "A-1") == [lead["id"]]
    assert index_keys(tmp_path, field) == {("2", "A-1", lead["id"])}


async def test_the_keys_of_a_deleted_definition_are_removed_step_by_step(
    service: Service, tmp_path: Path
) -> None:
    names = [f"Option {n}" for n in range(5)]
    options = [{"name": name} for name in names]
    field = await service.field(data_type="MultiSelect", options=options)
    other = await service.field()
    # Each option is a key, and so are all of them together.
    keys_each = len(names) + 1
    count = PURGE_CHUNK_KEYS // keys_each + 10
    values = {"custom_fields": [entry(field, names), entry(other, "A-1")]}
    ids = await create_leads(service, count, lambda _n: values)
    assert len(index_keys(tmp_path, field)) == keys_each * count
    await service.client.delete(f"/custom_field_definitions/{field['id']}")
    assert await service.store.build_index(service.account.account_id)
    assert len(index_keys(tmp_path, field)) == keys_each * count - PURGE_CHUNK_KEYS
    assert await build(service) == 1
    assert index_keys(tmp_path, field) == set()
    assert index_keys(tmp_path, other) == {("1", "A-1", lead_id) for lead_id in ids}
