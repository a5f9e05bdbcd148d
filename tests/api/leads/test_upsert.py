"""`PUT /leads/upsert`: how values compare, and what is written of the properties."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.api.answers import assert_invalid
from tests.support.api.service import Service
from tests.support.api.wire_leads import (
    a_lead_body,
    assert_lead,
    assert_receipt,
    entry,
    stored_lead,
)

DOCUMENTED: dict[str, Any] = {
    "properties": {
        "name": "Nora Field",
        "email": {"email": "nora@field.example", "category": "work"},
    },
    "match": {"field_name": "email", "field_value": "nora@field.example"},
}
OTHER_EMAIL = {"email": "other@field.example", "category": "work"}


async def test_the_documented_upsert(service: Service) -> None:
    response = await service.client.put("/leads/upsert", json=DOCUMENTED)
    expected = await a_lead_body(service, id=response.json()["id"], **DOCUMENTED["properties"])
    assert_lead(response, expected)
    changed, match = "name, first_name, last_name, email, status_id", "field=email; matches=0"
    assert_receipt(
        response, lead_outcome="created", lead_changed=changed, etag='"1"', lead_match=match
    )


async def test_the_documented_upsert_sent_again(service: Service) -> None:
    first = await service.client.put("/leads/upsert", json=DOCUMENTED)
    service.clock.advance(60)
    response = await service.client.put("/leads/upsert", json=DOCUMENTED)
    assert_lead(response, first.json())
    match = "field=email; matches=1"
    assert_receipt(
        response, lead_outcome="unchanged", lead_changed="", etag='"1"', lead_match=match
    )


async def test_the_documented_upsert_by_custom_field(service: Service) -> None:
    number = await service.field()
    lead = await service.lead(name="N. F.", custom_fields=[entry(number, "A-77")])
    match = {"field_name": "custom", "field_value": entry(number, "A-77")}
    body = {"properties": {"name": "Nora Field"}, "match": match}
    response = await service.client.put("/leads/upsert", json=body)
    name = {"name": "Nora Field", "first_name": "Nora", "last_name": "Field"}
    assert_lead(response, lead | name)


async def test_an_update_is_a_patch(service: Service) -> None:
    lead = await service.lead(
        email={"email": "nora@field.example", "category": "work"}, tags=["fair"], title="Buyer"
    )
    response = await service.upsert(
        {"title": None, "details": "new"}, "email", "nora@field.example"
    )
    assert_lead(response, lead | {"title": None, "details": "new"})
    assert response.headers["Lead-Changed"] == "details, title"


async def test_an_update_may_move_the_lead_out_of_the_match(service: Service) -> None:
    lead = await service.lead(email={"email": "nora@field.example", "category": "work"})
    response = await service.upsert({"email": OTHER_EMAIL}, "email", "nora@field.example")
    assert_lead(response, lead | {"email": OTHER_EMAIL})
    again = await service.upsert({"name": "Nora Field"}, "email", "nora@field.example")
    assert again.headers["Lead-Outcome"] == "created"
    moved = await service.upsert({}, "email", "other@field.example")
    assert moved.json()["id"] == lead["id"]


async def test_a_whole_fetched_lead_may_be_the_properties(service: Service) -> None:
    await service.field(data_type="MultiSelect")
    lead = await service.lead(email=OTHER_EMAIL)
    response = await service.upsert(lead, "email", "other@field.example")
    assert_lead(response, lead)
    assert response.headers["Lead-Outcome"] == "unchanged"


@pytest.mark.parametrize("properties", [{}, {"custom_fields": None}])
async def test_no_properties_leave_the_lead(service: Service, properties: dict[str, Any]) -> None:
    lead = await service.lead(email=OTHER_EMAIL)
    response = await service.upsert(properties, "email", "other@field.example")
    assert_lead(response, lead)
    assert response.headers["Lead-Outcome"] == "unchanged"


async def test_no_properties_create_what_the_match_says(service: Service) -> None:
    response = await service.upsert({}, "name", "Nora Field")
    assert_lead(response, await a_lead_body(service, id=response.json()["id"]))


async def test_computed_values_on_request(service: Service) -> None:
    tier = await service.field(data_type="Dropdown")
    gold = tier["options"][1]["id"]
    body = {
        "properties": {"name": "Nora Field"},
        "match": {"field_name": "custom", "field_value": entry(tier, gold)},
    }
    response = await service.client.put(
        "/leads/upsert?custom_field_computed_values=true", json=body
    )
    computed = entry(tier, gold) | {"computed_value": "Gold"}
    assert response.json()["custom_fields"] == [computed]


async def test_the_accounts_do_not_see_each_other(service: Service) -> None:
    first = await service.client.put("/leads/upsert", json=DOCUMENTED)
    async with await service.other_account() as other:
        response = await other.put("/leads/upsert", json=DOCUMENTED)
        assert response.headers["Lead-Match"] == "field=email; matches=0"
        again = await other.put("/leads/upsert", json=DOCUMENTED)
    assert response.json()["id"] == again.json()["id"] != first.json()["id"]


# --- the match value and the properties ---------------------------------------------------------


@pytest.mark.parametrize(
    "properties", [{}, {"email": None}, {"email": {}}, {"email": {"email": " "}}]
)
async def test_a_new_lead_gets_the_email_of_the_match(
    service: Service, properties: dict[str, Any]
) -> None:
    response = await service.upsert(properties | {"name": "Nora"}, "email", " Nora@Field.example ")
    expected = {"email": " Nora@Field.example ", "category": "work"}
    assert response.json()["email"] == expected
    again = await service.upsert({"name": "Nora"}, "email", "nora@field.example")
    assert again.json()["id"] == response.json()["id"]


@pytest.mark.parametrize("properties", [{}, {"first_name": "", "suffix": None}])
async def test_a_new_lead_gets_the_name_of_the_match(
    service: Service, properties: dict[str, Any]
) -> None:
    response = await service.upsert(properties, "name", "Nora Jane Field")
    lead = response.json()
    assert (lead["name"], lead["middle_name"]) == ("Nora Jane Field", "Jane")


@pytest.mark.parametrize("others", [False, True])
async def test_a_new_lead_gets_the_custom_field_of_the_match(
    service: Service, *, others: bool
) -> None:
    number, size = await service.field(), await service.field(name="Size", data_type="Float")
    properties: dict[str, Any] = {"name": "Nora"}
    if others:
        properties["custom_fields"] = [entry(size, 5), entry(number, None)]
    response = await service.upsert(properties, "custom", entry(number, " A-77"))
    size_value = 5.0 if others else None
    expected = [entry(number, " A-77"), entry(size, size_value)]
    assert response.json()["custom_fields"] == expected


async def test_the_properties_rule_over_the_email_of_the_match(service: Service) -> None:
    properties = {"name": "Nora", "email": OTHER_EMAIL}
    response = await service.upsert(properties, "email", "nora@field.example")
    assert response.json()["email"] == OTHER_EMAIL
    assert response.headers["Lead-Match"] == "field=email; matches=0"


async def test_the_properties_rule_over_the_name_of_the_match(service: Service) -> None:
    response = await service.upsert({"name": "Sam"}, "name", "Nora Field")
    assert response.json()["name"] == "Sam"


async def test_parts_of_a_name_complete_the_one_that_is_matched(service: Service) -> None:
    answers = [
        await service.upsert({"first_name": "Eleonora", "suffix": "Jr."}, "name", "Nora Field")
        for _ in range(2)
    ]
    created = answers[0].json()
    parts = [created[part] for part in ("name", "first_name", "last_name", "suffix")]
    assert parts == ["Nora Field", "Eleonora", "Field", "Jr."]
    assert [answer.headers["Lead-Outcome"] for answer in answers] == ["created", "unchanged"]
    assert answers[1].json() == created


async def test_the_properties_rule_over_the_custom_field_of_the_match(service: Service) -> None:
    number, tick = await service.field(), await service.field(data_type="Checkbox")
    properties = {"name": "Nora", "custom_fields": [entry(number, "B"), entry(tick, value=False)]}
    by_number = await service.upsert(properties, "custom", entry(number, "A"))
    by_tick = await service.upsert(properties, "custom", entry(tick, value=True))
    expected = [entry(number, "B"), entry(tick, value=False)]
    assert by_number.json()["custom_fields"] == by_tick.json()["custom_fields"] == expected


@pytest.mark.parametrize(
    "properties", [{}, {"title": "Buyer"}, {"first_name": None}, {"prefix": " "}]
)
async def test_a_new_lead_needs_a_name(service: Service, properties: dict[str, Any]) -> None:
    response = await service.upsert(properties, "email", "nora@field.example")
    assert_invalid(response, "Name: can't be blank")
    match = "field=email; matches=0"
    assert_receipt(response, lead_outcome="refused", lead_changed="", lead_match=match)


async def test_a_match_does_not_fill_what_is_there(service: Service) -> None:
    lead = await service.lead(name="NORA  field")
    response = await service.upsert({"title": "Buyer"}, "name", "Nora Field")
    assert_lead(response, lead | {"title": "Buyer"})


# --- comparison -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data_type", "stored", "wanted"),
    [
        ("String", "A-77", "  A-77 "),
        ("String", "4711", 4711),
        ("String", "1.5", 1.5),
        ("String", "A\t77", "A 77"),
        ("String", "x" * 255, "x" * 255),
        ("Text", "long " * 13_000, "long " * 13_000),
        ("URL", "https://a.example/?q=" + "x" * 2_000, "https://a.example/?q=" + "x" * 2_000),
        ("Dropdown", "Gold", " Gold"),
        ("MultiSelect", ["Silver", "Gold"], "Gold"),
        ("MultiSelect", ["Silver", "Gold"], ["Silver"]),
        ("Date", "12/15/2020", 1_608_019_200),
        ("Date", "12/15/2020", 1_608_105_599),
        ("Date", 1_608_019_200, "12/15/2020"),
        ("Checkbox", None, False),
        ("Float", 55.5, "55.50"),
        ("Float", -0.0, 0),
        ("Float", 1e15, "1000000000000000"),
        ("Currency", 55, 55.0),
        ("Percentage", 95, 95.9),
        ("Percentage", "95", 95),
    ],
)
async def test_a_custom_value_is_found_as_its_type_compares(
    service: Service, data_type: str, stored: Any, wanted: Any
) -> None:
    definition = await service.field(data_type=data_type)
    lead = await service.lead(custom_fields=[entry(definition, stored)])
    response = await service.upsert({"title": "Buyer"}, "custom", entry(definition, wanted))
    assert_lead(response, lead | {"title": "Buyer"})


@pytest.mark.parametrize(
    ("data_type", "stored", "wanted"),
    [
        ("String", "A-77", "a-77"),
        ("String", "A 77", "A  77"),
        ("String", "A-77", "A-7"),
        ("String", "4711.0", 4711),
        ("Text", "long " * 13_000, "long " * 12_999),
        ("URL", "https://a.example/X", "https://a.example/x"),
        ("Dropdown", "Gold", "Silver"),
        ("MultiSelect", ["Silver"], "Gold"),
        ("Date", "12/15/2020", 1_608_019_199),
        ("Date", "12/15/2020", 1_608_105_600),
        ("Checkbox", False, True),
        ("Float", 55.5, 55.51),
        ("Currency", 55, -55),
        ("Percentage", 95, 96),
    ],
)
async def test_a_custom_value_is_not_found_as_its_type_compares(
    service: Service, data_type: str, stored: Any, wanted: Any
) -> None:
    definition = await service.field(data_type=data_type)
    lead = await service.lead(custom_fields=[entry(definition, stored)])
    response = await service.upsert({"name": "Zoe"}, "custom", entry(definition, wanted))
    assert response.headers["Lead-Outcome"] == "created"
    assert await stored_lead(service, lead["id"]) == lead


async def test_the_id_of_the_definition_may_be_text(service: Service) -> None:
    number = await service.field()
    lead = await service.lead(custom_fields=[entry(number, "A")])
    value = {"custom_field_definition_id": str(number["id"]), "value": "A"}
    response = await service.upsert({}, "custom", value)
    assert response.json()["id"] == lead["id"]


async def test_older_leads_are_found_once_their_field_is_filterable(service: Service) -> None:
    number = await service.field(is_filterable=False)
    lead = await service.lead(custom_fields=[entry(number, "A")])
    await service.client.put(
        f"/custom_field_definitions/{number['id']}", json={"is_filterable": True}
    )
    response = await service.upsert({"title": "Buyer"}, "custom", entry(number, "A"))
    assert_lead(response, lead | {"title": "Buyer"})
