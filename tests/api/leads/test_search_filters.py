"""Every filter of a search, from the body and from the query string (wire reference 9)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.support.api.answers import assert_invalid
from tests.support.api.lead_searches import has_query_form, in_query, leads_of, names, search
from tests.support.api.service import Service
from tests.support.api.wire_leads import source_ids, status_ids

from onelead.domain.limits import SEARCH_VALUES_MAX

START = 1_700_000_000
NO_ID = "Ids: Invalid value for Ids: IDs must be positive integers: "
TOO_MANY = f"has too many values (maximum is {SEARCH_VALUES_MAX})"
LINKEDIN = "https://www.linkedin.com/in/nora"


async def a_crowd(service: Service) -> dict[str, int]:
    """Create Nora, Sam, Zoë and Omar, 100 seconds apart, and return the ids of everything."""
    assert service.clock.now == START
    ids = {**await status_ids(service), **await source_ids(service)}
    ids["user"] = service.account.user_id
    crowd: list[dict[str, Any]] = [
        {
            "name": "Nora Jane Field",
            "email": {"email": " Nora@field.example "},
            "company_name": "Field Supplies",
            "title": "Head Buyer",
            "address": {"city": "Austin", "state": "TX", "postal_code": "73301", "country": "US"},
            "tags": ["fair", "warm"],
            "socials": [{"url": LINKEDIN}],
            "monetary_value": 2500,
            "assignee_id": ids["user"],
            "customer_source_id": ids["Email"],
            "status": "Open",
        },
        {
            "name": "Sam Roe",
            "email": {"email": "sam@roe.example"},
            "company_name": "Roe_& Sons 100%",
            "title": "buyer",
            "address": {"city": "Berlin", "country": "Germany"},
            "tags": ["Fair", "cold"],
            "monetary_value": -10.5,
        },
        {
            "name": "Zoë Müller",
            "email": {"email": "ZOE@Müller.example"},
            "address": {"state": "tx", "country": "US"},
            "tags": ["Warm"],
            "monetary_value": 0,
            "customer_source_id": ids["Cold Call"],
        },
        {"name": "Omar"},
    ]
    for properties in crowd:
        lead = await service.lead(**properties)
        ids[lead["name"]] = lead["id"]
        service.clock.advance(100)
    await service.client.put(f"/leads/{ids['Nora Jane Field']}", json={"details": "called"})
    return ids


def with_ids(value: Any, ids: dict[str, int]) -> Any:
    """Replace names that begin with `@` by ids."""
    if isinstance(value, list):
        return [with_ids(part, ids) for part in value]
    if isinstance(value, str) and value.startswith("@"):
        return ids[value[1:]]
    return value


#: Criteria, and the initials of the leads found, by name.
FILTERS: list[tuple[dict[str, Any], str]] = [
    ({}, "NOSZ"),
    ({"ids": ["@Nora Jane Field", "@Zoë Müller"]}, "NZ"),
    ({"ids": ["@Nora Jane Field", 7]}, "N"),
    ({"ids": "@Sam Roe"}, "S"),
    ({"ids": [7, 2**53 - 1, "9007199254740991"]}, ""),
    ({"name": "nora jane field"}, "N"),
    ({"name": "JANE  F"}, "N"),
    ({"name": "o"}, "NOSZ"),
    ({"name": "Zoe\u0308 MU\u0308"}, "Z"),
    ({"name": "zoe"}, ""),
    ({"name": "%"}, ""),
    ({"name": "_"}, ""),
    ({"name": ""}, "NOSZ"),
    ({"name": None}, "NOSZ"),
    ({"name": " \u200b"}, "NOSZ"),
    ({"first_name": "NOR"}, "N"),
    ({"middle_name": "jane"}, "N"),
    ({"last_name": "roe"}, "S"),
    ({"last_name": "nora"}, ""),
    ({"company_name": "supplies"}, "N"),
    ({"company_name": "100%"}, "S"),
    ({"company_name": "roe_"}, "S"),
    ({"company_name": "field_"}, ""),
    ({"title": "BUYER"}, "NS"),
    ({"title": "head"}, "N"),
    ({"emails": "nora@field.example"}, "N"),
    ({"emails": "NORA@FIELD.EXAMPLE"}, "N"),
    ({"emails": ["nora@field.example", " sam@roe.example"]}, "NS"),
    ({"emails": "zoe@mu\u0308ller.example"}, "Z"),
    ({"emails": "field.example"}, ""),
    ({"emails": ""}, "NOSZ"),
    ({"assignee_ids": ["@user"]}, "N"),
    ({"assignee_ids": [-2]}, "OSZ"),
    ({"assignee_ids": "-2"}, "OSZ"),
    ({"assignee_ids": ["@user", -2]}, "NOSZ"),
    ({"assignee_ids": [7]}, ""),
    ({"status_ids": ["@Open"]}, "N"),
    ({"status_ids": ["@New", "@Junk"]}, "OSZ"),
    ({"status_ids": "@New"}, "OSZ"),
    ({"customer_source_ids": ["@Email"]}, "N"),
    ({"customer_source_ids": ["-2"]}, "OS"),
    ({"customer_source_ids": ["@Cold Call", -2]}, "OSZ"),
    ({"city": " AUSTIN "}, "N"),
    ({"city": "Aust"}, ""),
    ({"city": ""}, "OZ"),
    ({"city": None}, "OZ"),
    ({"state": "tx"}, "NZ"),
    ({"state": ""}, "OS"),
    ({"state": None}, "OS"),
    ({"postal_code": "73301"}, "N"),
    ({"postal_code": ""}, "OSZ"),
    ({"postal_code": None}, "OSZ"),
    ({"country": "us"}, "NZ"),
    ({"country": "DE"}, "S"),
    ({"country": ""}, "NOSZ"),
    ({"tags": ["fair"]}, "NS"),
    ({"tags": ["cold", "WARM"]}, "NSZ"),
    ({"tags": "warm"}, "NZ"),
    ({"tags": ["fai"]}, ""),
    ({"tags": []}, "O"),
    ({"tags": None}, "O"),
    ({"tags": ""}, "O"),
    ({"tags": {"option": "ANY", "value": ["cold", "warm"]}}, "NSZ"),
    ({"tags": {"option": "ALL", "value": ["fair", "warm"]}}, "N"),
    ({"tags": {"option": "ALL", "value": ["Fair", "FAIR"]}}, "NS"),
    ({"tags": {"option": "NONE", "value": ["fair"]}}, "OZ"),
    ({"tags": {"option": "NONE", "value": ["cold", "warm"]}}, "O"),
    ({"tags": {"option": "any", "value": "cold"}}, "S"),
    ({"tags": {"option": "all", "value": ["fair", "gone"]}}, ""),
    ({"tags": {"option": "none", "value": ["gone"]}}, "NOSZ"),
    ({"tags": {"value": ["cold"]}}, "S"),
    ({"tags": {"value": []}}, "O"),
    ({"tags": {"option": "ANY"}}, "O"),
    ({"socials": [LINKEDIN]}, "N"),
    ({"socials": LINKEDIN.upper()}, "N"),
    ({"socials": ["linkedin.com"]}, ""),
    ({"followed": 1}, ""),
    ({"followed": 2}, "NOSZ"),
    ({"age": 100}, "O"),
    ({"age": 250}, "OZ"),
    ({"age": 0}, ""),
    ({"minimum_monetary_value": 0}, "NZ"),
    ({"maximum_monetary_value": 0}, "SZ"),
    ({"minimum_monetary_value": -10.5, "maximum_monetary_value": 2499.99}, "SZ"),
    ({"minimum_monetary_value": "2.5e3"}, "N"),
    ({"minimum_monetary_value": 5, "maximum_monetary_value": -5}, ""),
    ({"minimum_interaction_count": 0}, "NOSZ"),
    ({"minimum_interaction_count": 1}, ""),
    ({"maximum_interaction_count": 0}, "NOSZ"),
    ({"minimum_interaction_date": 0}, ""),
    ({"maximum_interaction_date": 2_147_483_648}, ""),
    ({"minimum_created_date": START + 100}, "OSZ"),
    ({"maximum_created_date": START + 100}, "NS"),
    ({"minimum_created_date": START + 100, "maximum_created_date": START + 100}, "S"),
    ({"minimum_modified_date": START + 301}, "N"),
    ({"maximum_modified_date": START + 100}, "S"),
    ({"minimum_modified_date": 0, "maximum_modified_date": 2_147_483_648}, "NOSZ"),
    ({"include_converted_leads": True}, "NOSZ"),
    ({"include_converted_leads": False}, "NOSZ"),
    ({"tags": ["fair"], "state": "", "followed": 2, "name": "sam"}, "S"),
]


def initials(found: list[str]) -> str:
    return "".join(name[0] for name in found)


def as_text(value: Any) -> Any:
    """Spell every number as text, as some clients do."""
    if isinstance(value, list):
        return [as_text(part) for part in value]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


@pytest.mark.parametrize("way", ["body", "text", "query", "query and []"])
async def test_every_filter(service: Service, way: str) -> None:
    ids = await a_crowd(service)
    expected, results = {}, {}
    for criteria, result in FILTERS:
        filled = {key: with_ids(value, ids) for key, value in criteria.items()}
        if way.startswith("query"):
            if not has_query_form(filled):
                continue
            response = await search(service, [] if "[]" in way else None, query=filled)
        elif way == "text":
            response = await search(service, {key: as_text(v) for key, v in filled.items()})
        else:
            response = await search(service, filled)
        expected[str(criteria)] = (result, str(len(result)))
        results[str(criteria)] = (initials(names(response)), response.headers["X-PW-TOTAL"])
    assert results == expected


@pytest.mark.parametrize("spelled", ["ids", "ids[]"])
async def test_a_list_in_the_query_string_has_many_spellings(
    service: Service, spelled: str
) -> None:
    ids = await a_crowd(service)
    wanted = [str(ids["Nora Jane Field"]), str(ids["Omar"])]
    for params in ({spelled: wanted}, {"ids": ",".join(wanted)}):
        response = await service.client.post("/leads/search", params=httpx.QueryParams(params))
        assert initials(names(response)) == "NO"


async def test_tags_in_the_query_string_may_be_json(service: Service) -> None:
    await a_crowd(service)
    for text in ('["cold", "warm"]', '{"option": "NONE", "value": ["fair"]}'):
        response = await service.client.post("/leads/search", params={"tags": text})
        assert initials(names(response)) == ("NSZ" if text[0] == "[" else "OZ")


@pytest.mark.parametrize(
    ("criteria", "line"),
    [
        ({"ids": ["abc"]}, f"{NO_ID}abc"),
        ({"ids": [0]}, f"{NO_ID}0"),
        ({"ids": [-1]}, f"{NO_ID}-1"),
        ({"ids": "1.5"}, f"{NO_ID}1.5"),
        ({"ids": [-2]}, f"{NO_ID}-2"),
        ({"ids": [2**53]}, f"{NO_ID}{2**53}"),
        ({"ids": {}}, "Ids: Invalid value for Ids: expected int | str | array | null, got object"),
        ({"name": 5}, "Name: Invalid value for Name: expected str | null, got int"),
        ({"city": 5}, "City: Invalid value for City: expected str | null, got int"),
        ({"age": "old"}, "Age: is not a number: old"),
        ({"followed": 3}, "Followed: must be 1 or 2"),
        ({"tags": {"option": "SOME", "value": ["a"]}}, "Tags: option must be ANY, ALL or NONE"),
        ({"phone_number": "none"}, "Phone Number: has no digits"),
        (
            {"phone_number": {"value": "555", "match": "exact"}},
            "Phone Number: match must be partial or fuzzy",
        ),
        (
            {"minimum_monetary_value": 10**16},
            "Minimum Monetary Value: must lie between -1000000000000000 and 1000000000000000",
        ),
        (
            {"ids": list(range(1, SEARCH_VALUES_MAX + 2))},
            f"Ids: {TOO_MANY}",
        ),
        ({"emails": ["a"] * (SEARCH_VALUES_MAX + 1)}, f"Emails: {TOO_MANY}"),
        ({"socials": ["a"] * (SEARCH_VALUES_MAX + 1)}, f"Socials: {TOO_MANY}"),
        ({"tags": ["a"] * (SEARCH_VALUES_MAX + 1)}, f"Tags: {TOO_MANY}"),
        ({"sort_direction": "up"}, "Sort Direction: must be asc or desc"),
    ],
)
async def test_a_filter_that_makes_no_sense(
    service: Service, criteria: dict[str, Any], line: str
) -> None:
    assert_invalid(await search(service, criteria), line)


async def test_as_many_values_as_are_allowed(service: Service) -> None:
    await a_crowd(service)
    many = [f"tag {n}" for n in range(SEARCH_VALUES_MAX)]
    assert names(await search(service, {"tags": many})) == []
    none = {"option": "NONE", "value": many}
    assert initials(names(await search(service, {"tags": none}))) == "NOSZ"
    every = {"option": "ALL", "value": many}
    assert names(await search(service, {"tags": every})) == []
    ids = list(range(1, SEARCH_VALUES_MAX + 1))
    assert names(await search(service, {"ids": ids, "status_ids": ids})) == []


#: What is stored (`A` has two numbers), and what the filters find by name.
PHONES = {"A": ["+1 (512) 555-0100", "999"], "B": ["5550100"], "C": ["01-00"], "D": ["555.0101"]}
PHONE_FILTERS: list[tuple[Any, str]] = [
    ({"value": "0100", "match": "partial"}, "ABC"),
    ({"value": "555 01 00", "match": "partial"}, "AB"),
    ({"value": "(512) 555-0100", "match": "partial"}, "A"),
    ({"value": "9995550100", "match": "partial"}, ""),
    ({"value": "5550100", "match": "PARTIAL"}, "AB"),
    ({"value": "0100", "match": "fuzzy"}, "ABC"),
    ({"value": "550100", "match": "fuzzy"}, "AB"),
    ({"value": "9950100", "match": "fuzzy"}, ""),
    ({"value": "9550100", "match": "fuzzy"}, "AB"),
    ({"value": "9995550100", "match": "fuzzy"}, "AB"),
    ({"value": "+49 30 5550100", "match": "fuzzy"}, "AB"),
    ({"value": "123456550100", "match": "fuzzy"}, "AB"),
    ({"value": "1234567550100", "match": "fuzzy"}, ""),
    ({"value": "1234565550100", "match": "fuzzy"}, "AB"),
    ({"value": "0100"}, "ABC"),
    ("0100", "ABC"),
    ("10100", ""),
    ("550100", "AB"),
    ("950100", ""),
    ("9950100", ""),
    ("9550100", "AB"),
    ("5550101", "D"),
    (5550101, "D"),
    ("999", "A"),
    ("", "ABCD"),
]


async def test_phone_numbers(service: Service) -> None:
    leads = [
        {"name": name, "phone_numbers": [{"number": number} for number in numbers]}
        for name, numbers in PHONES.items()
    ]
    await leads_of(service, *leads)
    results = {}
    for wanted, _ in PHONE_FILTERS:
        by_body = await search(service, {"phone_number": wanted})
        by_query = await search(service, query={"phone_number": wanted})
        results[str(wanted)] = ("".join(names(by_body)), "".join(names(by_query)))
    assert results == {str(wanted): (found, found) for wanted, found in PHONE_FILTERS}


def test_the_query_string_of_these_tests() -> None:
    spelled = in_query({"a": [1, 2], "b": {"c": 1}, "d": "x", "e": True})
    pairs = (("a", "1"), ("a", "2"), ("b", '{"c": 1}'), ("d", "x"), ("e", "true"))
    assert spelled == pairs
