"""Searches for one person: by name, e-mail, profile or phone number, in any spelling, or blank."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.api.answers import assert_invalid
from tests.support.api.lead_searches import a_crowd, has_query_form, leads_of, names, search
from tests.support.api.service import Service

from onelead.domain.limits import SEARCH_VALUES_MAX

TOO_MANY = f"has too many values (maximum is {SEARCH_VALUES_MAX})"

#: In each, a variable of the client had no value.
BLANKS: list[Any] = ["", " ", "\u200b", "\t\n"]
NOBODY: list[dict[str, Any]] = [
    *(
        {key: blank}
        for key in ("name", "first_name", "last_name", "middle_name")
        for blank in BLANKS
    ),
    *({key: blank} for key in ("emails", "email", "socials", "phone_number") for blank in BLANKS),
    *({key: [blank]} for key in ("emails", "email", "socials") for blank in (*BLANKS, None)),
    *({key: []} for key in ("emails", "email", "socials")),
    *({key: {}} for key in ("emails", "email", "phone_number")),
    *({key: {"email": blank}} for key in ("emails", "email") for blank in (*BLANKS, None)),
    *({"phone_number": {"value": blank, "match": "partial"}} for blank in (*BLANKS, None)),
    {"emails": "", "title": "buyer"},
    {"emails": "sam@roe.example", "name": ""},
]


@pytest.mark.parametrize("way", ["body", "query"])
async def test_a_blank_that_says_who_is_meant_finds_nobody(service: Service, way: str) -> None:
    await a_crowd(service)
    found = []
    for criteria in NOBODY:
        if way == "body":
            response = await search(service, criteria)
        elif has_query_form(criteria) and not any(isinstance(v, dict) for v in criteria.values()):
            response = await search(service, query=criteria)
        else:
            continue
        found.append((criteria, response.json(), response.headers.get("X-PW-TOTAL")))
    assert found == [(criteria, [], "0") for criteria, *_ in found]


@pytest.mark.parametrize("query", ["emails=", "emails[]=", "name=", "phone_number=", "socials[]="])
async def test_a_blank_in_the_query_string_finds_nobody(service: Service, query: str) -> None:
    await a_crowd(service)
    response = await service.client.post(f"/leads/search?{query}", json={"page_size": 1})
    assert (response.json(), response.headers["X-PW-TOTAL"]) == ([], "0")


#: What is stored, what finds it, and what does not.
EMAILS: list[tuple[str, list[str], list[str]]] = [
    (
        "Nora@Field.example",
        [
            *("nora@field.example", " NORA@FIELD.EXAMPLE ", "mailto:nora@field.example"),
            *("MAILTO:Nora@field.example?subject=Hi", "Nora Field <nora@field.example>"),
            *("<nora@field.example>", '"nora@field.example"', "nora@field.example."),
            *("nora@field.example;", "(nora@field.example)", "no\u200bra@field.example"),
            *("nora@field.example, sam@roe.example", "sam@roe.example nora@field.example"),
        ],
        ["nora@field.examples", "nora+shop@field.example", "nora", "field.example", "@", "n/a"],
    ),
    ("Nora <nora@field.example>", ["nora@field.example"], ["Nora"]),
    (
        "zoe@müller.example",
        ["ZOE@MÜLLER.example", "zoe@xn--mller-kva.example", "zoe@mu\u0308ller.example"],
        ["zoe@muller.example", "zoe@mueller.example"],
    ),
    ("strauss@field.example", ["STRAUSS@field.example"], ["strauß@field.example"]),
    (
        "a@field.example; b@field.example",
        ["a@field.example", "B@field.example"],
        ["c@field.example"],
    ),
    ("n/a", [], ["n/a", "N/A"]),
]


async def test_emails_are_found_in_every_spelling(service: Service) -> None:
    for stored, right, wrong in EMAILS:
        lead = await service.lead(email={"email": stored})
        for text in (*right, *wrong):
            found = names(await search(service, {"emails": text}))
            assert found == ([lead["name"]] if text in right else []), (stored, text)
        await service.client.delete(f"/leads/{lead['id']}")


async def test_names_are_found_as_upserts_compare_them(service: Service) -> None:
    await leads_of(service, {"name": "Siân O\u2019Hara\u2013Lake"}, {"name": "Agent 47"})
    for text in ("o'hara-lake", "O\u02bcHARA\u2011", "sia\u0302n  o\u2018hara"):
        assert names(await search(service, {"name": text})) == ["Siân O\u2019Hara\u2013Lake"]
    for number in (47, 47.0, "47"):
        assert names(await search(service, {"last_name": number})) == ["Agent 47"]


async def test_an_email_may_come_as_leads_have_it(service: Service) -> None:
    await leads_of(service, *({"name": n, "email": {"email": f"{n}@x.example"}} for n in "ab"))
    email = {"email": "A@x.example", "category": "work"}
    for key in ("email", "emails"):
        for sent in (email, [email], [{"email": "a@x.example"}, ""]):
            assert names(await search(service, {key: sent})) == ["a"]
        assert names(await search(service, {key: [email, "b@x.example"]})) == ["a", "b"]


async def test_an_email_has_one_name_in_a_search(service: Service) -> None:
    criteria = {"email": "nora@field.example", "emails": ["sam@roe.example"]}
    line = "Email: is another name of emails; send one of them"
    assert_invalid(await search(service, criteria), line)


async def test_one_text_may_have_no_more_addresses_than_are_allowed(service: Service) -> None:
    texts = [" ".join(f"{n}.{m}@a.example" for m in range(10)) for n in range(110)]
    assert_invalid(await search(service, {"emails": texts}), f"Emails: {TOO_MANY}")
    assert names(await search(service, {"emails": texts[:100]})) == []


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
    (" ", ""),
    ("+1 (512) 555-0100 x12", "AB"),
    ("5550101 ext. 7", "D"),
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
    assert names(await search(service, {"phone_number": 5550101.0})) == ["D"]
    assert names(await search(service, {"phone_number": None})) == [*"ABCD"]
