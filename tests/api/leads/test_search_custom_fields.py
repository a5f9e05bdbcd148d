"""Searching by custom fields of all ten types, even those that Copper cannot search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.support.api.answers import assert_invalid
from tests.support.api.lead_searches import leads_of, names, search
from tests.support.api.service import Service
from tests.support.api.wire_leads import CUSTOM_VALUES, DATA_TYPES, entry, with_option_ids

from onelead.domain.limits import INDEX_CHUNK_LEADS, SEARCH_VALUES_MAX

RANGES = ("Date", "Float", "Currency", "Percentage")
WHERE = "change it in System Settings -> Custom Fields"

OPTIONS = '; the options are "Silver", "Gold"'
NO_DATE = "is not mm/dd/yyyy, yyyy-mm-dd or Unix seconds"


async def a_crowd(service: Service, data_type: str) -> dict[str, Any]:
    """Create leads with the first value, with the second and without one: F, S and W."""
    definition = await service.field(name="Tier", data_type=data_type)
    first, second = (with_option_ids(value, definition) for value in CUSTOM_VALUES[data_type][:2])
    await leads_of(
        service,
        {"name": "F", "custom_fields": [entry(definition, first)]},
        {"name": "S", "custom_fields": [entry(definition, second)]},
        {"name": "W"},
    )
    return definition


async def search_by(service: Service, definition: dict[str, Any], **wanted: Any) -> httpx.Response:
    """Search by the custom field, in the body; the query string has to find the same."""
    filled = {key: with_option_ids(value, definition) for key, value in wanted.items()}
    criteria = {"custom_fields": [{"custom_field_definition_id": definition["id"]} | filled]}
    response = await search(service, criteria)
    by_query = await search(service, query=criteria)
    assert (by_query.status_code, by_query.text) == (response.status_code, response.text)
    return response


async def found_by(service: Service, definition: dict[str, Any], **wanted: Any) -> str:
    response = await search_by(service, definition, **wanted)
    initials = "".join(names(response))
    assert response.headers["X-PW-TOTAL"] == str(len(initials))
    return initials


@pytest.mark.parametrize("data_type", DATA_TYPES)
async def test_values(service: Service, data_type: str) -> None:
    definition = await a_crowd(service, data_type)
    first, second = CUSTOM_VALUES[data_type][:2]
    # A Checkbox that was never set reads as false.
    seconds = "SW" if data_type == "Checkbox" else "S"
    assert await found_by(service, definition, value=first) == "F"
    assert await found_by(service, definition, value=second) == seconds
    if data_type != "MultiSelect":
        assert await found_by(service, definition, value=[second]) == seconds
        assert await found_by(service, definition, value=[first, second]) == f"F{seconds}"


@pytest.mark.parametrize("data_type", DATA_TYPES)
async def test_no_value(service: Service, data_type: str) -> None:
    definition = await a_crowd(service, data_type)
    empties = "SW" if data_type == "Checkbox" else "W"
    assert await found_by(service, definition, allow_empty=True) == empties
    for nothing in (None, "", [], [None]):
        assert await found_by(service, definition, value=nothing) == empties


@pytest.mark.parametrize("data_type", DATA_TYPES)
async def test_a_value_or_an_empty_one(service: Service, data_type: str) -> None:
    definition = await a_crowd(service, data_type)
    first = CUSTOM_VALUES[data_type][0]
    expected = "FSW" if data_type == "Checkbox" else "FW"
    assert await found_by(service, definition, value=first, allow_empty=True) == expected
    assert await found_by(service, definition, value=first, allow_empty=False) == "F"


@pytest.mark.parametrize("data_type", DATA_TYPES)
async def test_neither_of_the_values(service: Service, data_type: str) -> None:
    definition = await a_crowd(service, data_type)
    first = CUSTOM_VALUES[data_type][0]
    assert await found_by(service, definition, value=first, option="NONE") == "SW"


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        (None, ["#0"], "AC"),
        (None, "#0", "AC"),
        (None, ["#0", "#1"], "ABC"),
        ("ANY", ["#0", "#1"], "ABC"),
        ("any", ["Gold"], "BC"),
        ("ALL", ["#0", "#1"], "C"),
        ("all", ["#1"], "BC"),
        ("ALL", ["#0", "#0"], "AC"),
        ("NONE", ["#0"], "BD"),
        ("none", ["#0", "#1"], "D"),
    ],
)
async def test_several_options(
    service: Service, option: str | None, value: Any, expected: str
) -> None:
    definition = await service.field(data_type="MultiSelect")
    chosen = {"A": ["#0"], "B": ["#1"], "C": ["#0", "#1"], "D": []}
    await leads_of(
        service,
        *(
            {"name": name, "custom_fields": [entry(definition, with_option_ids(ids, definition))]}
            for name, ids in chosen.items()
        ),
    )
    wanted = {"value": value} | ({"option": option} if option else {})
    assert await found_by(service, definition, **wanted) == expected


#: Data type, lower and upper bound, and which of the first and second value are found.
BOUNDS: list[tuple[str, Any, Any, str]] = [
    ("Date", 1_608_019_200, None, "F"),
    ("Date", 1_608_019_201, None, ""),
    ("Date", None, 1_608_019_199, "S"),
    ("Date", 1_593_932_400, 1_608_019_200, "FS"),
    ("Date", "12/15/2020", "12/15/2020", "F"),
    ("Date", "07/06/2020", "12/14/2020", ""),
    ("Date", "07/05/2020", "12/14/2020", "S"),
    ("Date", "1593932400", "2147483648", "FS"),
    ("Float", 1.25, 789, "FS"),
    ("Float", 1.26, None, "F"),
    ("Float", None, 788.999, "S"),
    ("Float", "1.25", "1.25", "S"),
    ("Float", -1000, 0, ""),
    ("Currency", 55.5, 55.5, "F"),
    ("Currency", 55.51, None, "S"),
    ("Percentage", 50, 95, "FS"),
    ("Percentage", 51, None, "F"),
    ("Percentage", None, 94.5, "S"),
    ("Percentage", 95, 50, ""),
]


@pytest.mark.parametrize(("data_type", "low", "high", "expected"), BOUNDS)
async def test_a_range(
    service: Service, data_type: str, low: Any, high: Any, expected: str
) -> None:
    definition = await a_crowd(service, data_type)
    bounds = {"minimum_value": low, "maximum_value": high}
    sent = {key: value for key, value in bounds.items() if value is not None}
    assert await found_by(service, definition, **sent) == expected
    with_empty = "".join(sorted({*expected, "W"}))
    assert await found_by(service, definition, **sent, allow_empty=True) == with_empty


async def test_negative_numbers_sort_below_positive_ones(service: Service) -> None:
    definition = await service.field(data_type="Float")
    numbers = {"A": -1e15, "B": -2.5, "C": -2, "D": 0, "E": 1e-9, "F": 10, "G": 1e15}
    await leads_of(
        service,
        *({"name": n, "custom_fields": [entry(definition, v)]} for n, v in numbers.items()),
    )
    assert await found_by(service, definition, maximum_value=-2.1) == "AB"
    assert await found_by(service, definition, minimum_value=-2, maximum_value=9) == "CDE"
    assert await found_by(service, definition, minimum_value=-0.0) == "DEFG"


@pytest.mark.parametrize(
    ("data_type", "stored", "value", "is_found"),
    [
        ("String", "A-77", " A-77 ", True),
        ("String", "A-77", "a-77", False),
        ("String", "A-77", "A-7", False),
        ("String", "4711", 4711, True),
        ("Text", "long " * 13_000, "long " * 13_000, True),
        ("Text", "e\u0301", "é", True),
        ("URL", "https://a.example", "a.example", False),
        ("Dropdown", "Gold", "Gold", True),
        ("Float", 55.5, "55.50", True),
        ("Percentage", 95, 95.9, True),
        ("Date", "12/15/2020", 1_608_050_000, True),
    ],
)
async def test_values_are_compared_as_a_match_compares_them(
    service: Service, data_type: str, stored: Any, value: Any, *, is_found: bool
) -> None:
    definition = await service.field(data_type=data_type)
    await service.lead(name="A", custom_fields=[entry(definition, stored)])
    assert await found_by(service, definition, value=value) == ("A" if is_found else "")


async def test_a_lead_has_to_match_all_fields(service: Service) -> None:
    fields = [await service.field(name=name) for name in ("Tier", "Size")]
    await leads_of(
        service,
        {"name": "A", "custom_fields": [entry(fields[0], "x"), entry(fields[1], "1")]},
        {"name": "B", "custom_fields": [entry(fields[0], "x"), entry(fields[1], "2")]},
        {"name": "C", "custom_fields": [entry(fields[0], "y"), entry(fields[1], "1")]},
    )
    wanted = [entry(fields[0], "x"), entry(fields[1], "1")]
    assert names(await search(service, {"custom_fields": wanted})) == ["A"]
    twice = [entry(fields[0], "x"), entry(fields[0], "y")]
    assert names(await search(service, {"custom_fields": twice})) == []


@pytest.mark.parametrize(
    ("yes", "no"),
    [(True, False), ("true", "FALSE"), (" yes ", "no"), ("1", "0"), (1, 0), (1.0, 0.0)],
)
async def test_a_flag_has_many_spellings(service: Service, yes: Any, no: Any) -> None:
    definition = await a_crowd(service, "String")
    assert await found_by(service, definition, value="A-77", allow_empty=yes) == "FW"
    assert await found_by(service, definition, value="A-77", allow_empty=no) == "F"


async def test_a_blank_flag_or_bound_is_absent(service: Service) -> None:
    definition = await a_crowd(service, "Float")
    for blank in ("", " ", None):
        assert await found_by(service, definition, value=789, allow_empty=blank) == "F"
        sent = {"minimum_value": blank, "maximum_value": 2}
        assert await found_by(service, definition, **sent) == "S"


async def test_what_is_no_flag_and_no_field_is_refused(service: Service) -> None:
    definition = await service.field()
    for sent in (
        {"custom_field_definition_id": definition["id"], "value": "A", "allow_empty": "maybe"},
        {"custom_field_definition_id": True, "value": "A"},
        "A-77",
    ):
        response = await search(service, {"custom_fields": [sent]})
        assert response.status_code == 422
        assert "Custom Fields" in response.json()["message"]


@pytest.mark.parametrize("nothing", [[], None])
async def test_no_fields_are_no_criteria(service: Service, nothing: Any) -> None:
    await service.lead(name="A")
    assert names(await search(service, {"custom_fields": nothing})) == ["A"]


@pytest.mark.parametrize("spell", [str, float, " {} ".format, "{}.0".format])
async def test_the_id_of_a_definition_has_many_spellings(
    service: Service, spell: Callable[[int], Any]
) -> None:
    definition = await a_crowd(service, "String")
    wanted = {"custom_field_definition_id": spell(definition["id"]), "value": "A-77"}
    assert names(await search(service, {"custom_fields": [wanted]})) == ["F"]


async def test_a_removed_option_counts_as_no_value(service: Service) -> None:
    definition = await service.field(data_type="Dropdown", options=[{"name": n} for n in "AB"])
    kept, gone = definition["options"]
    await leads_of(
        service,
        {"name": "K", "custom_fields": [entry(definition, kept["id"])]},
        {"name": "G", "custom_fields": [entry(definition, gone["id"])]},
    )
    path = f"/custom_field_definitions/{definition['id']}"
    options = [{"id": kept["id"], "name": "A"}]
    assert (await service.client.put(path, json={"options": options})).status_code == 200
    assert await found_by(service, definition, allow_empty=True) == "G"
    assert await found_by(service, definition, value=kept["id"]) == "K"


@pytest.mark.parametrize(
    ("data_type", "wanted", "reason"),
    [
        ("Dropdown", {"value": [77]}, f"is not an option of this field: 77{OPTIONS}"),
        (
            "MultiSelect",
            {"value": ["Bronze"]},
            f'is not an option of this field: "Bronze"{OPTIONS}',
        ),
        ("Date", {"value": "15.12.2020"}, f'{NO_DATE}: "15.12.2020"'),
        ("Date", {"minimum_value": "soon"}, f'{NO_DATE}: "soon"'),
        ("Checkbox", {"value": "maybe"}, 'must be true or false, not "maybe"'),
        ("Float", {"value": "many"}, 'is not a number: "many"'),
        ("Float", {"minimum_value": "many"}, 'is not a number: "many"'),
        ("Currency", {"maximum_value": [1]}, "is not a number: [1]"),
        ("String", {"value": [["A"]]}, 'must be text or null, not ["A"]'),
        ("String", {"minimum_value": "A"}, "cannot be searched by a range"),
        ("Text", {"maximum_value": "A"}, "cannot be searched by a range"),
        ("Dropdown", {"minimum_value": 1}, "cannot be searched by a range"),
        ("Checkbox", {"minimum_value": 0}, "cannot be searched by a range"),
    ],
)
async def test_a_value_that_its_type_does_not_allow(
    service: Service, data_type: str, wanted: dict[str, Any], reason: str
) -> None:
    definition = await service.field(name="Tier", data_type=data_type)
    response = await search_by(service, definition, **wanted)
    text = f"value of Tier (definition {definition['id']}) {reason}"
    assert_invalid(response, f"Custom Fields: {text}")


async def test_a_field_without_a_criterion(service: Service) -> None:
    definition = await service.field()
    for wanted in ({}, {"allow_empty": False}, {"minimum_value": None}):
        response = await search_by(service, definition, **wanted)
        text = f"definition {definition['id']} needs a value, a range or allow_empty"
        assert_invalid(response, f"Custom Fields: {text}")


async def test_too_much_asked_of_a_field(service: Service) -> None:
    definition = await a_crowd(service, "String")
    many = [f"A-{n}" for n in range(SEARCH_VALUES_MAX + 1)]
    wanted = {"custom_fields": [entry(definition, many)]}
    text = f"has too many values (maximum is {SEARCH_VALUES_MAX})"
    assert_invalid(await search(service, wanted), f"Custom Fields: {text}")
    allowed = {"custom_fields": [entry(definition, many[:-1])]}
    assert names(await search(service, allowed)) == ["F"]


async def test_an_unknown_option(service: Service) -> None:
    definition = await service.field(data_type="MultiSelect")
    response = await search_by(service, definition, value=["#0"], option="SOME")
    assert_invalid(response, 'Custom Fields: option must be ANY, ALL or NONE: "SOME"')


@pytest.mark.parametrize("definition_id", [77, "77", 9_007_199_254_740_991])
async def test_an_unknown_definition(client: httpx.AsyncClient, definition_id: Any) -> None:
    wanted = [{"custom_field_definition_id": definition_id, "value": "A"}]
    response = await client.post("/leads/search", json={"custom_fields": wanted})
    assert_invalid(response, f"Custom Fields: definition {definition_id} does not exist")


@pytest.mark.parametrize("definition_id", [0, -1, -2, "abc", 2**63])
async def test_what_can_be_no_definition(client: httpx.AsyncClient, definition_id: Any) -> None:
    wanted = [{"custom_field_definition_id": definition_id, "value": "A"}]
    response = await client.post("/leads/search", json={"custom_fields": wanted})
    text = f"Invalid value for Custom Fields: IDs must be positive integers: {definition_id}"
    assert_invalid(response, f"Custom Fields: {text}")


async def test_a_definition_that_cannot_be_searched(service: Service) -> None:
    hidden = await service.field(name="Tier", is_filterable=False)
    elsewhere = await service.field(name="Size", available_on=["person"])
    which = f"custom field Tier (definition {hidden['id']})"
    response = await search_by(service, hidden, value="A")
    assert_invalid(response, f"Custom Fields: {which} is not included in filters; {WHERE}")
    which = f"custom field Size (definition {elsewhere['id']})"
    response = await search_by(service, elsewhere, value="A")
    assert_invalid(response, f"Custom Fields: {which} is not available on leads; {WHERE}")


async def test_a_definition_that_is_still_being_indexed(service: Service) -> None:
    definition = await service.field(name="Tier", is_filterable=False)
    await leads_of(service, *[{"name": "A"}] * INDEX_CHUNK_LEADS)
    await service.lead(name="B", custom_fields=[entry(definition, "x")])
    path = f"/custom_field_definitions/{definition['id']}"
    await service.client.put(path, json={"is_filterable": True})
    response = await search_by(service, definition, value="x")
    which = f"custom field Tier (definition {definition['id']})"
    assert_invalid(response, f"Custom Fields: {which} is still being indexed; try again shortly")
    assert response.headers["Retry-After"] == "1"
    while await service.store.build_index(service.account.account_id):
        pass
    assert await found_by(service, definition, value="x") == "B"


async def test_a_search_has_a_limit_of_criteria(service: Service) -> None:
    field = await service.field(data_type="Float")
    one = {"custom_field_definition_id": field["id"], "minimum_value": 1}
    response = await service.client.post("/leads/search", json={"custom_fields": [one] * 100})
    assert response.status_code == 200
    response = await service.client.post("/leads/search", json={"custom_fields": [one] * 101})
    assert_invalid(response, "Custom Fields: has too many entries (maximum is 100)")


async def test_all_criteria_together_have_a_limit_of_values(service: Service) -> None:
    field = await service.field()

    def criterion(number: int) -> dict[str, object]:
        values = [f"{number}-{value}" for value in range(500)]
        return {"custom_field_definition_id": field["id"], "value": values}

    two = {"custom_fields": [criterion(1), criterion(2)]}
    assert (await service.client.post("/leads/search", json=two)).status_code == 200
    three = {"custom_fields": [*two["custom_fields"], criterion(3)]}
    response = await service.client.post("/leads/search", json=three)
    assert_invalid(response, "Custom Fields: has too many values (maximum is 1000)")
