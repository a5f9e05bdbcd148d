"""The custom fields of a lead: the ten writable types, read and written (wire reference 7)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.api.answers import assert_invalid
from tests.support.api.service import Service
from tests.support.api.wire_leads import (
    CUSTOM_VALUES,
    DATA_TYPES,
    assert_lead,
    assert_receipt,
    entry,
    stored_lead,
    with_option_ids,
)

EMPTY: dict[str, Any] = dict.fromkeys(DATA_TYPES) | {"Checkbox": False, "MultiSelect": []}
RANGE = "must lie between -1000000000000000 and 1000000000000000"

#: Data type, value as sent, value as answered; `#0` and `#1` are the options Silver and Gold.
VALUES: list[tuple[str, Any, Any]] = [
    ("String", "  A-77 ", "  A-77 "),
    ("String", "x" * 255, "x" * 255),
    ("String", 4711, "4711"),
    ("String", 1.5, "1.5"),
    ("Text", "x" * 65_536, "x" * 65_536),
    ("URL", "no url at all", "no url at all"),
    ("URL", "x" * 2_048, "x" * 2_048),
    ("Dropdown", "Gold", "#1"),
    ("Dropdown", " Gold ", "#1"),
    ("MultiSelect", ["#1", "#0"], ["#0", "#1"]),
    ("MultiSelect", ["#1", "#1"], ["#1"]),
    ("MultiSelect", ["Gold"], ["#1"]),
    ("MultiSelect", "#1", ["#1"]),
    ("Date", "6/1/2024", 1_717_225_200),
    ("Date", "06/01/2024", 1_717_225_200),
    ("Date", 1_717_225_200, 1_717_225_200),
    ("Date", "1717225200", 1_717_225_200),
    ("Date", 1_717_311_599, 1_717_225_200),
    ("Date", "12/31/1969", -57_600),
    ("Date", -1, -57_600),
    ("Date", 0, 28_800),
    ("Float", "12.50", 12.5),
    ("Float", -0.25, -0.25),
    ("Float", 10**15, 1e15),
    ("Float", "1e3", 1000.0),
    ("Currency", 0, 0.0),
    ("Currency", "-60", -60.0),
    ("Percentage", 0.34, 0),
    ("Percentage", 95.9, 95),
    ("Percentage", "23", 23),
    ("Percentage", -5, -5),
    ("String", 608048.0, "608048"),
    ("MultiSelect", "Silver; Gold", ["#0", "#1"]),
    ("Checkbox", "yes", True),
    ("Checkbox", 0, False),
    ("Date", "2020-12-15", 1_608_019_200),
    ("Date", 1_607_990_400, 1_608_019_200),
    ("Date", "2020-12-15T00:00:00Z", 1_608_019_200),
]
EMPTIES: list[tuple[str, Any]] = [
    *((data_type, None) for data_type in DATA_TYPES),
    *((data_type, "") for data_type in DATA_TYPES),
    *((data_type, {}) for data_type in DATA_TYPES),
    *((data_type, [None, ""]) for data_type in DATA_TYPES),
    *(("MultiSelect", []), ("Checkbox", False), ("String", " \u200b\u00a0"), ("Date", "  ")),
]
NO_OPTION = "is not an option of this field"
OPTIONS = '; the options are "Silver", "Gold"'
NO_DATE = "is not mm/dd/yyyy, yyyy-mm-dd or Unix seconds"
#: Data type, value as sent, text of the problem.
REFUSED: list[tuple[str, Any, str]] = [
    ("String", "x" * 256, "is too long (maximum is 255 characters)"),
    ("String", True, "must be text or null, not true"),
    ("String", ["A"], 'must be text or null, not ["A"]'),
    ("String", {"a": 1}, 'must be text or null, not {"a": 1}'),
    ("Text", "x" * 65_537, "is too long (maximum is 65536 characters)"),
    ("URL", "x" * 2_049, "is too long (maximum is 2048 characters)"),
    ("URL", False, "must be text or null, not false"),
    ("Dropdown", 77, f"is not an option of this field: 77{OPTIONS}"),
    ("Dropdown", "Bronze", f'is not an option of this field: "Bronze"{OPTIONS}'),
    ("Dropdown", "gold", f'is not an option of this field: "gold"{OPTIONS}'),
    ("Dropdown", True, f"is not an option of this field: true{OPTIONS}"),
    ("Dropdown", ["Gold", "Silver"], f'{NO_OPTION}: ["Gold", "Silver"]{OPTIONS}'),
    ("MultiSelect", ["Gold", 77], f"is not an option of this field: 77{OPTIONS}"),
    ("MultiSelect", "Gold;Tin", f'is not an option of this field: "Gold;Tin"{OPTIONS}'),
    ("MultiSelect", {"a": 1}, f'is not an option of this field: {{"a": 1}}{OPTIONS}'),
    ("Date", "01.06.2024", f'{NO_DATE}: "01.06.2024"'),
    ("Date", "13/01/2024", f'{NO_DATE}: "13/01/2024"'),
    ("Date", "02/30/2024", f'{NO_DATE}: "02/30/2024"'),
    ("Date", True, f"{NO_DATE}: true"),
    ("Date", 1_717_200_000_000, "looks like milliseconds; send Unix seconds: 1717200000000"),
    ("Checkbox", "maybe", 'must be true or false, not "maybe"'),
    ("Checkbox", 2, "must be true or false, not 2"),
    ("Checkbox", [True], "must be true or false, not [true]"),
    ("Float", "many", 'is not a number: "many"'),
    ("Float", True, "is not a number: true"),
    ("Float", [1], "is not a number: [1]"),
    ("Float", 1e300, RANGE),
    ("Float", "Infinity", RANGE),
    ("Float", "nan", RANGE),
    ("Currency", "$55", 'is not a number: "$55"'),
    ("Currency", 10**15 + 1, RANGE),
    ("Percentage", "50%", 'is not a number: "50%"'),
    ("Percentage", False, "is not a number: false"),
]


async def written_both_ways(
    service: Service, definition: dict[str, Any], sent: Any, answered: Any
) -> None:
    """Write the value with a create and with an update, and read it back."""
    entries = [entry(definition, with_option_ids(sent, definition))]
    expected = [entry(definition, with_option_ids(answered, definition))]
    lead = await service.lead(custom_fields=entries)
    assert repr(lead["custom_fields"]) == repr(expected)
    assert await stored_lead(service, lead["id"]) == lead
    blank = await service.lead()
    response = await service.client.put(f"/leads/{blank['id']}", json={"custom_fields": entries})
    assert_lead(response, lead | {"id": blank["id"]})
    changed = "" if answered == EMPTY[definition["data_type"]] else "custom_fields"
    assert response.headers["Lead-Changed"].startswith(changed)
    assert await stored_lead(service, blank["id"]) == response.json()


@pytest.mark.parametrize("data_type", DATA_TYPES)
@pytest.mark.parametrize("number", [0, 1])
async def test_every_type(service: Service, data_type: str, number: int) -> None:
    definition = await service.field(data_type=data_type)
    sent, answered = CUSTOM_VALUES[data_type][number], CUSTOM_VALUES[data_type][2 + number]
    await written_both_ways(service, definition, sent, answered)


@pytest.mark.parametrize(("data_type", "sent", "answered"), VALUES)
async def test_a_value(service: Service, data_type: str, sent: Any, answered: Any) -> None:
    await written_both_ways(service, await service.field(data_type=data_type), sent, answered)


@pytest.mark.parametrize("data_type", DATA_TYPES)
async def test_a_definition_without_a_value(service: Service, data_type: str) -> None:
    definition = await service.field(data_type=data_type)
    assert (await service.lead())["custom_fields"] == [entry(definition, EMPTY[data_type])]


@pytest.mark.parametrize(("data_type", "sent"), EMPTIES)
async def test_an_empty_value_clears(service: Service, data_type: str, sent: Any) -> None:
    definition = await service.field(data_type=data_type)
    value = with_option_ids(CUSTOM_VALUES[data_type][0], definition)
    lead = await service.lead(custom_fields=[entry(definition, value)])
    response = await service.client.put(
        f"/leads/{lead['id']}", json={"custom_fields": [entry(definition, sent)]}
    )
    assert_lead(response, lead | {"custom_fields": [entry(definition, EMPTY[data_type])]})
    changed = f"custom_fields.{definition['id']}"
    assert_receipt(response, lead_outcome="updated", lead_changed=changed, etag='"2"')


@pytest.mark.parametrize(("data_type", "sent", "reason"), REFUSED)
async def test_a_value_that_its_type_does_not_allow(
    service: Service, data_type: str, sent: Any, reason: str
) -> None:
    definition = await service.field(name="Field 7", data_type=data_type)
    response = await service.client.post(
        "/leads", json={"name": "Nora", "custom_fields": [entry(definition, sent)]}
    )
    text = f"Custom Fields: value of Field 7 (definition {definition['id']}) {reason}"
    assert_invalid(response, text)


async def test_only_the_listed_definitions_change(service: Service) -> None:
    number = await service.field(name="Customer number")
    size = await service.field(name="Size", data_type="Float")
    lead = await service.lead(custom_fields=[entry(number, "A-77"), entry(size, 5)])
    path = f"/leads/{lead['id']}"
    response = await service.client.put(path, json={"custom_fields": [entry(size, 6)]})
    assert response.json()["custom_fields"] == [entry(number, "A-77"), entry(size, 6.0)]
    nothing: Any
    for nothing in ([], None):
        again = await service.client.put(path, json={"custom_fields": nothing})
        assert again.headers["Lead-Outcome"] == "unchanged"
        assert again.json() == response.json()


async def test_an_entry_without_a_value_clears(service: Service) -> None:
    number = await service.field()
    lead = await service.lead(custom_fields=[entry(number, "A-77")])
    response = await service.client.put(
        f"/leads/{lead['id']}",
        json={"custom_fields": [{"custom_field_definition_id": number["id"]}]},
    )
    assert response.json()["custom_fields"] == [entry(number, None)]


async def test_the_last_of_two_entries_counts(service: Service) -> None:
    number = await service.field()
    lead = await service.lead(custom_fields=[entry(number, "A"), entry(number, "B")])
    assert lead["custom_fields"] == [entry(number, "B")]


async def test_the_id_of_a_definition_may_be_text(service: Service) -> None:
    number = await service.field()
    sent = {"custom_field_definition_id": str(number["id"]), "value": "A-77"}
    assert (await service.lead(custom_fields=[sent]))["custom_fields"] == [entry(number, "A-77")]


async def test_a_definition_need_not_be_filterable(service: Service) -> None:
    number = await service.field(is_filterable=False)
    lead = await service.lead(custom_fields=[entry(number, "A-77")])
    assert lead["custom_fields"] == [entry(number, "A-77")]


async def test_a_definition_that_does_not_exist(service: Service) -> None:
    response = await service.client.post(
        "/leads", json={"name": "Nora", "custom_fields": [entry({"id": 7}, 1)]}
    )
    assert_invalid(response, "Custom Fields: definition 7 does not exist")


async def test_a_definition_that_is_not_on_leads_is_left_out_and_said(service: Service) -> None:
    elsewhere = await service.field(available_on=["person"])
    response = await service.client.post(
        "/leads", json={"name": "Nora", "custom_fields": [entry(elsewhere, "A")]}
    )
    assert response.status_code == 200
    assert response.json()["custom_fields"] == []
    assert response.headers["Lead-Ignored"] == f"custom_fields.{elsewhere['id']}"


async def test_a_definition_by_its_name(service: Service) -> None:
    number = await service.field(name="Customer number")
    lead = await service.lead(custom_fields=[{"name": "customer NUMBER", "value": 77}])
    assert lead["custom_fields"] == [entry(number, "77")]


@pytest.mark.parametrize(
    ("definition_id", "shown"),
    [(0, "0"), (-1, "-1"), (1.5, "1.5"), (True, "true"), ("test", '"test"')],
)
async def test_no_id_of_a_definition(service: Service, definition_id: Any, shown: str) -> None:
    response = await service.client.post(
        "/leads", json={"name": "Nora", "custom_fields": [entry({"id": definition_id}, 1)]}
    )
    member = "custom_fields[0].custom_field_definition_id"
    text = f"{member} must be a positive integer, not {shown}"
    assert_invalid(response, f"Custom Fields: {text}")


async def test_a_value_of_no_definition(service: Service) -> None:
    response = await service.client.post(
        "/leads", json={"name": "Nora", "custom_fields": [entry({"id": None}, 1)]}
    )
    text = "custom_fields[0] needs custom_field_definition_id, or the name of a definition"
    assert_invalid(response, f"Custom Fields: {text}")


async def test_a_definition_of_another_account(service: Service) -> None:
    number = await service.field()
    async with await service.other_account() as other:
        response = await other.post(
            "/leads", json={"name": "Omar", "custom_fields": [entry(number, "A")]}
        )
    assert_invalid(response, f"Custom Fields: definition {number['id']} does not exist")


@pytest.mark.parametrize("data_type", DATA_TYPES)
async def test_computed_values(service: Service, data_type: str) -> None:
    definition = await service.field(data_type=data_type)
    sent, _, answered, _ = CUSTOM_VALUES[data_type]
    lead = await service.lead(custom_fields=[entry(definition, with_option_ids(sent, definition))])
    response = await service.client.put(
        f"/leads/{lead['id']}?custom_field_computed_values=true", json={}
    )
    labels: dict[str, Any] = {"Dropdown": "Silver", "MultiSelect": ["Silver"]}
    shown = with_option_ids(answered, definition)
    computed = entry(definition, shown) | {"computed_value": labels.get(data_type, shown)}
    assert_lead(response, lead | {"custom_fields": [computed]})


@pytest.mark.parametrize("data_type", DATA_TYPES)
async def test_computed_values_of_nothing(service: Service, data_type: str) -> None:
    definition = await service.field(data_type=data_type)
    lead = await service.lead()
    response = await service.client.get(
        f"/leads/{lead['id']}", params={"custom_field_computed_values": "true"}
    )
    empty = EMPTY[data_type]
    computed = entry(definition, empty) | {"computed_value": empty}
    assert response.json()["custom_fields"] == [computed]
