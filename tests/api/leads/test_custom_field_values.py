"""The ten types of custom fields on a lead, and values after a change of their definition."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.support.api.answers import assert_answer, invalid
from tests.support.api.service import Service

OPTIONS = '; the options are "Silver", "Gold"'
COMPUTED = {"custom_field_computed_values": "true"}
WHERE = "change it in System Settings -> Custom Fields"


def entry(definition: dict[str, Any], value: Any) -> dict[str, Any]:
    return {"custom_field_definition_id": definition["id"], "value": value}


def computed_entry(definition: dict[str, Any], value: Any, shown: Any) -> dict[str, Any]:
    return entry(definition, value) | {"computed_value": shown}


async def read_entries(service: Service, lead: dict[str, Any], **query: str) -> Any:
    response = await service.client.get(f"/leads/{lead['id']}", params=query)
    assert response.status_code == 200
    return response.json()["custom_fields"]


async def put_definition(
    service: Service, definition: dict[str, Any], **change: Any
) -> dict[str, Any]:
    path = f"/custom_field_definitions/{definition['id']}"
    response = await service.client.put(path, json=change)
    assert response.status_code == 200, response.text
    return dict(response.json())


async def found_ids(service: Service, definition: dict[str, Any], **criteria: Any) -> list[int]:
    condition = {"custom_field_definition_id": definition["id"]} | criteria
    response = await service.client.post("/leads/search", json={"custom_fields": [condition]})
    assert response.status_code == 200, response.text
    return [lead["id"] for lead in response.json()]


#: By type: the value written, and the value read (as text, so that 789 and 789.0 differ).
WRITTEN_AND_READ = [
    ("String", "A-77", '"A-77"'),
    ("String", "  A 77 ", '"  A 77 "'),
    ("String", 77, '"77"'),
    ("String", "", "null"),
    ("Text", "one\ntwo " * 1000, None),
    ("URL", "not a url", '"not a url"'),
    ("Date", "12/15/2020", "1608019200"),
    ("Date", "07/01/2020", "1593586800"),
    ("Date", 1_608_019_200, "1608019200"),
    ("Date", 1_608_050_000, "1608019200"),
    ("Date", "1608019200", "1608019200"),
    ("Checkbox", True, "true"),
    ("Checkbox", False, "false"),
    ("Checkbox", None, "false"),
    ("Float", 789, "789.0"),
    ("Float", -0.25, "-0.25"),
    ("Float", "12.5", "12.5"),
    ("Currency", "55.5", "55.5"),
    ("Currency", 1000, "1000.0"),
    ("Percentage", 95, "95"),
    ("Percentage", 0.34, "0"),
    ("Percentage", None, "null"),
]


@pytest.mark.parametrize(("data_type", "written", "read"), WRITTEN_AND_READ)
async def test_a_value_comes_back_as_the_wire_says(
    service: Service, data_type: str, written: Any, read: str | None
) -> None:
    field = await service.field(data_type=data_type)
    body = {"name": "Nora Field", "custom_fields": [entry(field, written)]}
    answer = await service.client.post("/leads", json=body)
    path = f"/leads/{answer.json()['id']}"
    if read is None:
        assert answer.json()["custom_fields"] == [entry(field, written)]
    else:
        text = f'[{{"custom_field_definition_id":{field["id"]},"value":{read}}}]'
        assert f'"custom_fields":{text}' in answer.text
    assert (await service.client.get(path)).text == answer.text
    again = await service.client.put(path, json=answer.json())
    assert again.headers["Lead-Outcome"] == "unchanged"
    computed = (await service.client.get(path, params=COMPUTED)).json()["custom_fields"]
    value = answer.json()["custom_fields"][0]["value"]
    assert computed == [computed_entry(field, value, value)]


async def test_options_are_read_as_ids_and_computed_as_names(service: Service) -> None:
    tier = await service.field(data_type="Dropdown")
    interests = await service.field(data_type="MultiSelect")
    gold_id = tier["options"][1]["id"]
    first_id, second_id = (option["id"] for option in interests["options"])
    values = [entry(tier, gold_id), entry(interests, [second_id, first_id, second_id])]
    lead = await service.lead(custom_fields=values)
    expected = [entry(tier, gold_id), entry(interests, [first_id, second_id])]
    assert lead["custom_fields"] == expected
    assert await read_entries(service, lead) == expected
    assert await read_entries(service, lead, **COMPUTED) == [
        computed_entry(tier, gold_id, "Gold"),
        computed_entry(interests, [first_id, second_id], ["Silver", "Gold"]),
    ]


async def test_an_option_can_be_written_by_its_name(service: Service) -> None:
    tier = await service.field(data_type="Dropdown")
    interests = await service.field(data_type="MultiSelect")
    values = [entry(tier, "Gold"), entry(interests, ["Gold", "Silver"])]
    lead = await service.lead(custom_fields=values)
    assert lead["custom_fields"] == [
        entry(tier, tier["options"][1]["id"]),
        entry(interests, [option["id"] for option in interests["options"]]),
    ]


async def test_every_definition_on_leads_is_shown_with_its_empty_value(service: Service) -> None:
    fields = [await service.field(data_type=t) for t in ("Text", "Checkbox", "MultiSelect", "Date")]
    await service.field(available_on=["person"])
    text, checkbox, choices, date = fields
    lead = await service.lead()
    assert lead["custom_fields"] == [
        entry(text, None),
        entry(checkbox, value=False),
        entry(choices, []),
        entry(date, None),
    ]
    assert await read_entries(service, lead, **COMPUTED) == [
        computed_entry(text, None, None),
        computed_entry(checkbox, value=False, shown=False),
        computed_entry(choices, [], []),
        computed_entry(date, None, None),
    ]


@pytest.mark.parametrize(
    ("data_type", "value", "text"),
    [
        ("String", "x" * 256, "is too long (maximum is 255 characters)"),
        ("String", ["x"], 'must be text or null, not ["x"]'),
        (
            *("Date", "13/13/2020"),
            'is not mm/dd/yyyy, yyyy-mm-dd or Unix seconds: "13/13/2020"',
        ),
        ("Checkbox", 2, "must be true or false, not 2"),
        ("Float", "many", 'is not a number: "many"'),
        ("Currency", True, "is not a number: true"),
        ("Dropdown", "Copper", f'is not an option of this field: "Copper"{OPTIONS}'),
        ("MultiSelect", [1], f"is not an option of this field: 1{OPTIONS}"),
    ],
)
async def test_a_value_of_the_wrong_sort_is_refused(
    service: Service, data_type: str, value: Any, text: str
) -> None:
    field = await service.field(data_type=data_type)
    body = {"name": "Nora Field", "custom_fields": [entry(field, value)]}
    response = await service.client.post("/leads", json=body)
    assert response.status_code == 422
    name = f"Customer number (definition {field['id']})"
    assert response.json() == invalid(f"Custom Fields: value of {name} {text}")


async def test_a_deleted_definition_takes_its_values_along(service: Service) -> None:
    number, other = await service.field(), await service.field(name="Other")
    lead = await service.lead(custom_fields=[entry(number, "A-77"), entry(other, "kept")])
    await service.client.delete(f"/custom_field_definitions/{number['id']}")
    assert await read_entries(service, lead) == [entry(other, "kept")]
    path = f"/leads/{lead['id']}"
    written = await service.client.put(path, json={"custom_fields": [entry(number, "A-78")]})
    assert written.json()["custom_fields"] == [entry(other, "kept")]
    assert written.headers["Lead-Ignored"] == f"custom_fields.{number['id']}"
    value = entry(number, "A-77")
    matched = await service.upsert({"name": "Nora Field"}, "custom", value)
    text = f"custom field definition {number['id']} was deleted"
    assert matched.json() == invalid(f"Match: {text}")
    renamed = await service.client.put(path, json={"name": "Nora Roe"})
    assert renamed.json()["custom_fields"] == [entry(other, "kept")]
    # A later definition with the same name has another id.
    again = await service.field()
    assert await read_entries(service, lead) == [entry(other, "kept"), entry(again, None)]


async def test_a_removed_option_is_no_value_any_more(service: Service) -> None:
    tier = await service.field(data_type="Dropdown")
    interests = await service.field(data_type="MultiSelect")
    values = [entry(tier, "Silver"), entry(interests, ["Silver", "Gold"])]
    lead = await service.lead(custom_fields=values)
    tier = await put_definition(service, tier, options=[tier["options"][1]])
    options = [{"name": "Copper"}, interests["options"][1]]
    interests = await put_definition(service, interests, options=options)
    gold_id = interests["options"][1]["id"]
    expected = [computed_entry(tier, None, None), computed_entry(interests, [gold_id], ["Gold"])]
    assert await read_entries(service, lead, **COMPUTED) == expected
    assert await found_ids(service, tier, allow_empty=True) == [lead["id"]]
    assert await found_ids(service, interests, allow_empty=True) == []
    assert await found_ids(service, interests, value=[gold_id]) == [lead["id"]]
    matched = await service.upsert({"name": "Nora Field"}, "custom", entry(tier, "Silver"))
    text = 'field_value.value is not an option of this field: "Silver"; the options are "Gold"'
    assert matched.json() == invalid(f"Match: {text}")


async def test_a_multi_select_without_any_option_left_is_empty(service: Service) -> None:
    interests = await service.field(data_type="MultiSelect")
    lead = await service.lead(custom_fields=[entry(interests, ["Silver"])])
    await put_definition(service, interests, options=[{"name": "A"}, {"name": "B"}])
    assert await read_entries(service, lead) == [entry(interests, [])]
    assert await found_ids(service, interests, allow_empty=True) == [lead["id"]]
    assert await found_ids(service, interests, value=[]) == [lead["id"]]


async def test_a_renamed_option_keeps_its_leads(service: Service) -> None:
    tier = await service.field(data_type="Dropdown")
    silver, gold = tier["options"]
    lead = await service.lead(custom_fields=[entry(tier, "Gold")])
    await put_definition(service, tier, options=[silver, gold | {"name": "Pure gold"}])
    expected = [computed_entry(tier, gold["id"], "Pure gold")]
    assert await read_entries(service, lead, **COMPUTED) == expected
    assert await found_ids(service, tier, value=["Pure gold"]) == [lead["id"]]
    matched = await service.upsert({}, "custom", entry(tier, gold["id"]))
    assert matched.json()["id"] == lead["id"]


async def assert_not_on_leads(service: Service, field: dict[str, Any], path: str) -> None:
    """A write leaves the field out; a match and a search that name it are refused."""
    which = f"custom field Customer number (definition {field['id']}) is not available on leads"
    body = {"custom_fields": [entry(field, "A-77")]}
    written = await service.client.put(path, json=body)
    assert written.headers["Lead-Outcome"] == "unchanged"
    assert written.headers["Lead-Ignored"] == f"custom_fields.{field['id']}"
    matched = await service.upsert({"name": "Nora"}, "custom", entry(field, "A-77"))
    assert matched.json() == invalid(f"Match: {which}; {WHERE}")
    searched = await service.client.post("/leads/search", json=body)
    assert searched.json() == invalid(f"Custom Fields: {which}; {WHERE}")


async def test_a_definition_taken_off_leads_and_put_back_has_its_values(service: Service) -> None:
    field = await service.field()
    lead = await service.lead(custom_fields=[entry(field, "A-77")])
    path = f"/leads/{lead['id']}"
    await put_definition(service, field, available_on=["person"])
    assert await read_entries(service, lead) == []
    await assert_not_on_leads(service, field, path)
    await service.client.put(path, json={"name": "Nora Roe"})
    await put_definition(service, field, available_on=["lead", "person"])
    assert await read_entries(service, lead) == [entry(field, "A-77")]
    matched = await service.upsert({"title": "Buyer"}, "custom", entry(field, "A-77"))
    assert matched.json()["id"] == lead["id"]
    assert await found_ids(service, field, value="A-77") == [lead["id"]]


async def test_a_field_that_is_not_in_filters_is_written_but_not_looked_for(
    service: Service,
) -> None:
    field = await service.field(is_filterable=False)
    lead = await service.lead(custom_fields=[entry(field, "A-77")])
    which = f"custom field Customer number (definition {field['id']}) is not included in filters"
    matched = await service.upsert({"name": "Nora"}, "custom", entry(field, "A-77"))
    assert matched.json() == invalid(f"Match: {which}; {WHERE}")
    body = {"custom_fields": [entry(field, "A-77")]}
    searched = await service.client.post("/leads/search", json=body)
    assert_answer(searched, 422, invalid(f"Custom Fields: {which}; {WHERE}"))
    assert await read_entries(service, lead) == [entry(field, "A-77")]


async def test_a_change_is_seen_by_the_next_call_of_any_sort(
    service: Service, client: httpx.AsyncClient
) -> None:
    # The writer and the reads have seen the settings before the change.
    lead = await service.lead()
    assert lead["custom_fields"] == []
    field = await service.field()
    created = await service.upsert({"name": "Sam Roe"}, "custom", entry(field, "A-77"))
    assert created.headers["Lead-Outcome"] == "created"
    assert created.json()["custom_fields"] == [entry(field, "A-77")]
    assert await found_ids(service, field, value="A-77") == [created.json()["id"]]
    assert await read_entries(service, lead) == [entry(field, None)]
    await put_definition(service, field, is_filterable=False)
    refused = await service.upsert({"name": "Sam Roe"}, "custom", entry(field, "A-77"))
    assert refused.status_code == 422
    body = {"custom_fields": [entry(field, "A-77")]}
    assert (await client.post("/leads/search", json=body)).status_code == 422
