"""Every filter of a search, from the body and from the query string (wire reference 9)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.support.api.answers import assert_invalid
from tests.support.api.lead_searches import (
    LINKEDIN,
    START,
    a_crowd,
    has_query_form,
    in_query,
    initials,
    names,
    search,
)
from tests.support.api.service import Service

from onelead.domain.errors import humanised
from onelead.domain.limits import SEARCH_VALUES_MAX

NO_ID = "Ids: Invalid value for Ids: IDs must be positive integers: "
TOO_MANY = f"has too many values (maximum is {SEARCH_VALUES_MAX})"


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
    ({"ids": [None, "", 7.0]}, ""),
    ({"ids": ""}, ""),
    ({"status_ids": None, "ids": None}, "NOSZ"),
    ({"name": "nora jane field"}, "N"),
    ({"name": "JANE  F"}, "N"),
    ({"name": "o"}, "NOSZ"),
    ({"name": "Zoe\u0308 MU\u0308"}, "Z"),
    ({"name": "zoe"}, ""),
    ({"name": "%"}, ""),
    ({"name": "_"}, ""),
    ({"name": None}, "NOSZ"),
    ({"name": 42}, ""),
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
    ({"company_name": ""}, "NOSZ"),
    ({"title": " \u200b"}, "NOSZ"),
    ({"emails": "nora@field.example"}, "N"),
    ({"emails": "NORA@FIELD.EXAMPLE"}, "N"),
    ({"emails": ["nora@field.example", " sam@roe.example"]}, "NS"),
    ({"emails": "zoe@mu\u0308ller.example"}, "Z"),
    ({"emails": "field.example"}, ""),
    ({"emails": None}, "NOSZ"),
    ({"emails": "n/a"}, ""),
    ({"emails": ["", "sam@roe.example", None]}, "S"),
    ({"email": "sam@roe.example"}, "S"),
    ({"email": ["sam@roe.example", "nora@field.example"]}, "NS"),
    ({"email": None, "emails": "sam@roe.example"}, "S"),
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
    ({"city": " "}, "OZ"),
    ({"state": "tx"}, "NZ"),
    ({"state": ""}, "OS"),
    ({"state": None}, "OS"),
    ({"postal_code": "73301"}, "N"),
    ({"postal_code": 73301}, "N"),
    ({"postal_code": ""}, "OSZ"),
    ({"postal_code": None}, "OSZ"),
    ({"country": "us"}, "NZ"),
    ({"country": "DE"}, "S"),
    ({"country": " "}, "NOSZ"),
    ({"tags": ["fair"]}, "NS"),
    ({"tags": ["cold", "WARM"]}, "NSZ"),
    ({"tags": "warm"}, "NZ"),
    ({"tags": ["fai"]}, ""),
    ({"tags": []}, "O"),
    ({"tags": None}, "O"),
    ({"tags": ""}, "O"),
    ({"tags": [None, " "]}, "O"),
    ({"tags": [None, "cold"]}, "S"),
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
    ({"socials": [LINKEDIN, " "]}, "N"),
    ({"socials": None}, "NOSZ"),
    ({"followed": 1}, ""),
    ({"followed": 2}, "NOSZ"),
    ({"age": 100}, "O"),
    ({"age": 250}, "OZ"),
    ({"age": 0}, ""),
    ({"age": " 100 "}, "O"),
    ({"age": " "}, "NOSZ"),
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
    ({"include_converted_leads": "yes"}, "NOSZ"),
    ({"tags": ["fair"], "state": "", "followed": 2, "name": "sam"}, "S"),
]


def in_form(form: type, value: Any) -> Any:
    """Spell every integer as text or with a zero fraction, as some clients do."""
    if isinstance(value, list):
        return [in_form(form, part) for part in value]
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    # No other number can spell this one.
    return form(value) if is_integer and value < 2**53 - 1 else value


@pytest.mark.parametrize("way", ["body", "text", "float", "query", "query and []"])
async def test_every_filter(service: Service, way: str) -> None:
    ids = await a_crowd(service)
    expected, results = {}, {}
    for criteria, result in FILTERS:
        filled = {key: with_ids(value, ids) for key, value in criteria.items()}
        if way.startswith("query"):
            if not has_query_form(filled):
                continue
            response = await search(service, [] if "[]" in way else None, query=filled)
        elif way in ("text", "float"):
            form = str if way == "text" else float
            response = await search(service, {key: in_form(form, v) for key, v in filled.items()})
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
        ({"age": "old"}, 'Age: is not a number: "old"'),
        ({"followed": 3}, "Followed: must be 1 or 2: 3"),
        (
            {"tags": {"option": "SOME", "value": ["a"]}},
            'Tags: option must be ANY, ALL or NONE: "SOME"',
        ),
        ({"phone_number": "n/a"}, 'Phone Number: has no digits: "n/a"'),
        ({"phone_number": "5" * 256}, "Phone Number: is too long (maximum is 255 characters)"),
        (
            {"phone_number": {"value": "555", "match": "exact"}},
            'Phone Number: match must be partial or fuzzy: "exact"',
        ),
        (
            {"minimum_created_date": 1_700_000_000_000},
            "Minimum Created Date: looks like milliseconds; send Unix seconds: 1700000000000",
        ),
        (
            {"maximum_modified_date": "1700000000000"},
            'Maximum Modified Date: looks like milliseconds; send Unix seconds: "1700000000000"',
        ),
        (
            {"minimum_interaction_date": "soon"},
            'Minimum Interaction Date: is not Unix seconds or yyyy-mm-dd: "soon"',
        ),
        (
            {"minimum_created_date": "2023-02-29"},
            'Minimum Created Date: is not a date: "2023-02-29"',
        ),
        (
            {"maximum_created_date": "9999-12-31"},
            'Maximum Created Date: is out of range: "9999-12-31"',
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
        ({"sort_direction": "up"}, 'Sort Direction: must be asc or desc: "up"'),
    ],
)
async def test_a_filter_that_makes_no_sense(
    service: Service, criteria: dict[str, Any], line: str
) -> None:
    assert_invalid(await search(service, criteria), line)


@pytest.mark.parametrize(
    "criteria",
    [
        {"ids": [True]},
        {"name": True},
        {"city": ["Austin"]},
        {"emails": [["sam@roe.example"]]},
        {"emails": {"value": "sam@roe.example"}},
        {"phone_number": ["555"]},
        {"minimum_created_date": True},
    ],
)
async def test_a_filter_of_another_kind_is_named(
    service: Service, criteria: dict[str, Any]
) -> None:
    response = await search(service, criteria)
    assert response.status_code == 422
    (key,) = criteria
    assert humanised(key) in response.json()["message"] or f"{key}.value" in response.text


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


def test_the_query_string_of_these_tests() -> None:
    spelled = in_query({"a": [1, 2], "b": {"c": 1}, "d": "x", "e": True})
    pairs = (("a", "1"), ("a", "2"), ("b", '{"c": 1}'), ("d", "x"), ("e", "true"))
    assert spelled == pairs
