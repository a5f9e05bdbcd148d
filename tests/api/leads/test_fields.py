"""Every property of a lead, as sent and as answered, on create and on update."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from tests.support.api.answers import assert_invalid
from tests.support.api.service import Service
from tests.support.api.wire_leads import (
    NO_IDS,
    TOO_LONG,
    assert_lead,
    source_ids,
    status_ids,
    stored_lead,
)

ADDRESS = dict.fromkeys(("street", "city", "state", "postal_code", "country"))

#: Property, value as sent, value as answered.
VALUES: list[tuple[str, Any, Any]] = [
    ("company_name", "Field Supplies", "Field Supplies"),
    ("company_name", " Field  Supplies ", " Field  Supplies "),
    ("company_name", "", None),
    ("company_name", " \u200b", None),
    ("company_name", None, None),
    ("title", "Buyer", "Buyer"),
    ("title", "x" * 255, "x" * 255),
    ("title", None, None),
    ("details", "line 1\nline 2\t€ 😀", "line 1\nline 2\t€ 😀"),
    ("details", "x" * 65_536, "x" * 65_536),
    ("details", "", None),
    ("details", None, None),
    ("address", {"city": "San Antonio"}, ADDRESS | {"city": "San Antonio"}),
    ("address", {"city": "Roma", "state": None}, ADDRESS | {"city": "Roma"}),
    ("address", {"street": "8 Elm Row", "city": ""}, ADDRESS | {"street": "8 Elm Row"}),
    ("address", {"state": "California"}, ADDRESS | {"state": "California"}),
    ("address", {"state": "CA"}, ADDRESS | {"state": "CA"}),
    ("address", {"country": "United States"}, ADDRESS | {"country": "US"}),
    ("address", {"country": "us"}, ADDRESS | {"country": "US"}),
    ("address", {"country": "Germany"}, ADDRESS | {"country": "DE"}),
    ("address", {"country": "Middle Earth"}, ADDRESS | {"country": "Middle Earth"}),
    ("address", {"id": 9, "postal_code": 73301}, ADDRESS | {"postal_code": "73301"}),
    ("address", {}, None),
    ("address", "", None),
    ("address", ADDRESS, None),
    ("address", {"city": "", "country": " "}, None),
    ("address", None, None),
    ("email", {"email": "a@b.example", "category": "personal"}, ("a@b.example", "personal")),
    ("email", {"email": "a@b.example", "category": "other"}, ("a@b.example", "other")),
    ("email", {"email": "a@b.example", "category": "WORK"}, ("a@b.example", "work")),
    ("email", {"email": "a@b.example"}, ("a@b.example", "work")),
    ("email", {"email": "a@b.example", "category": None}, ("a@b.example", "work")),
    ("email", {"email": "a@b.example", "category": ""}, ("a@b.example", "work")),
    ("email", {"email": " A@B.example "}, (" A@B.example ", "work")),
    ("email", {"email": "no e-mail at all"}, ("no e-mail at all", "work")),
    ("email", {"email": ""}, None),
    ("email", {"email": None, "category": "work"}, None),
    ("email", {"category": "work"}, None),
    ("email", {}, None),
    ("email", "a@b.example", ("a@b.example", "work")),
    ("email", "", None),
    ("email", [], None),
    ("email", None, None),
    ("phone_numbers", [{"number": "(512) x 5", "category": "home"}], [("(512) x 5", "home")]),
    ("phone_numbers", [{"number": "5", "category": "Mobile"}], [("5", "mobile")]),
    ("phone_numbers", [{"number": "5"}, {"number": "5"}], [("5", "work"), ("5", "work")]),
    ("phone_numbers", [{"number": ""}, {"number": None}, {}], []),
    ("phone_numbers", [5125550100, None, ""], [("5125550100", "work")]),
    ("phone_numbers", "5", [("5", "work")]),
    ("phone_numbers", [], []),
    ("phone_numbers", None, []),
    ("socials", [{"url": "x.example/n", "category": "klout"}], [("x.example/n", "klout")]),
    ("socials", [{"url": "x.example/n", "category": ""}], [("x.example/n", "other")]),
    ("socials", [{"url": "x.example/n"}], [("x.example/n", "other")]),
    ("socials", [{"url": "", "category": "twitter"}], []),
    ("socials", [], []),
    ("socials", None, []),
    ("websites", [{"url": "not a url", "category": "personal"}], [("not a url", "personal")]),
    ("websites", [{"url": "b"}, {"url": "a"}], [("b", "work"), ("a", "work")]),
    ("websites", [], []),
    ("websites", None, []),
    ("tags", ["warm", "fair"], ["warm", "fair"]),
    ("tags", [" warm ", "WARM", "warm", "", " "], ["warm"]),
    ("tags", "warm, fair", ["warm", "fair"]),
    ("tags", [None, 2026, " "], ["2026"]),
    ("tags", [], []),
    ("tags", None, []),
    ("customer_source_id", None, None),
    ("customer_source_id", "", None),
    ("assignee_id", " ", None),
    ("assignee_id", None, None),
    ("custom_fields", [], []),
    ("custom_fields", None, []),
    ("monetary_value", 2500, 2500),
    ("monetary_value", 250000.5, 250000.5),
    ("monetary_value", 0, 0),
    ("monetary_value", -12.5, -12.5),
    ("monetary_value", "55.5", 55.5),
    ("monetary_value", "2500", 2500),
    ("monetary_value", 10**15, 10**15),
    ("monetary_value", "", None),
    ("monetary_value", " ", None),
    ("monetary_value", " 2500.0 ", 2500.0),
    ("monetary_value", None, None),
]
_CATEGORIES = {
    "email": ("work", "personal", "other"),
    "phone_numbers": ("mobile", "work", "home", "other"),
    "websites": ("work", "personal", "other"),
    "socials": (
        *("linkedin", "twitter", "googleplus", "facebook", "youtube", "quora"),
        *("foursquare", "klout", "gravatar", "other"),
    ),
}
_MAIN_KEY = {"email": "email", "phone_numbers": "number", "websites": "url", "socials": "url"}


def shown(attribute: str, answered: Any) -> Any:
    """Spell a pair of value and category as the answer does."""
    if isinstance(answered, tuple):
        return {_MAIN_KEY[attribute]: answered[0], "category": answered[1]}
    if attribute in _MAIN_KEY and isinstance(answered, list):
        return [shown(attribute, pair) for pair in answered]
    return answered


def with_unit(attribute: str, answered: Any) -> dict[str, Any]:
    """Add what the value brings along: an amount has the account's currency."""
    changed = {attribute: shown(attribute, answered)}
    if attribute == "monetary_value":
        changed["monetary_unit"] = None if answered is None else "USD"
    return changed


@pytest.mark.parametrize(("attribute", "sent", "answered"), VALUES)
async def test_a_value(service: Service, attribute: str, sent: Any, answered: Any) -> None:
    blank = await service.lead()
    lead = await service.lead(**{attribute: sent})
    assert lead == blank | with_unit(attribute, answered) | {"id": lead["id"]}
    assert repr(lead[attribute]) == repr(shown(attribute, answered))
    assert await stored_lead(service, lead["id"]) == lead
    response = await service.client.put(f"/leads/{blank['id']}", json={attribute: sent})
    assert_lead(response, lead | {"id": blank["id"]})
    assert await stored_lead(service, blank["id"]) == response.json()


@pytest.mark.parametrize("attribute", _CATEGORIES)
async def test_every_category(service: Service, attribute: str) -> None:
    for category in _CATEGORIES[attribute]:
        sent = {_MAIN_KEY[attribute]: "x", "category": f" {category.upper()} "}
        lead = await service.lead(**{attribute: sent if attribute == "email" else [sent]})
        stored = {_MAIN_KEY[attribute]: "x", "category": category}
        assert lead[attribute] == (stored if attribute == "email" else [stored])


@pytest.mark.parametrize("attribute", _CATEGORIES)
async def test_an_unknown_category_becomes_other_and_is_said(
    client: httpx.AsyncClient, attribute: str
) -> None:
    sent = {_MAIN_KEY[attribute]: "x", "category": "fax"}
    body = {"name": "Nora", attribute: sent if attribute == "email" else [sent, sent]}
    response = await client.post("/leads", json=body)
    assert response.headers["Lead-Ignored"] == f"{attribute}.category"
    stored = {_MAIN_KEY[attribute]: "x", "category": "other"}
    expected = stored if attribute == "email" else [stored, stored]
    assert response.json()[attribute] == expected


@pytest.mark.parametrize("attribute", _CATEGORIES)
async def test_a_missing_category_stays(service: Service, attribute: str) -> None:
    def sent(**more: str) -> dict[str, Any]:
        entry = {_MAIN_KEY[attribute]: "x"} | more
        return {attribute: entry if attribute == "email" else [entry]}

    lead = await service.lead(**sent(category="other"))
    response = await service.client.put(f"/leads/{lead['id']}", json=sent())
    assert_lead(response, lead)


@pytest.mark.parametrize("unit", ["EUR", "eur", "Euro"])
async def test_another_currency_is_refused(service: Service, unit: str) -> None:
    lead = await service.lead(monetary_value=5)
    body = {"name": "Nora", "monetary_value": 5, "monetary_unit": unit}
    text = f"Monetary Unit: is {json.dumps(unit.upper())}; this account's amounts are in USD"
    assert_invalid(await service.client.post("/leads", json=body), text)
    assert_invalid(await service.client.put(f"/leads/{lead['id']}", json=body), text)
    assert (await service.lead(monetary_value=5, monetary_unit="usd"))["monetary_unit"] == "USD"


async def test_a_user_and_a_source(service: Service) -> None:
    user_id, source_id = service.account.user_id, (await source_ids(service))["Cold Call"]
    lead = await service.lead(assignee_id=user_id, customer_source_id=source_id)
    assert (lead["assignee_id"], lead["customer_source_id"]) == (user_id, source_id)


async def test_ids_may_be_text(service: Service) -> None:
    status_id = (await status_ids(service))["Junk"]
    user_id = f"{service.account.user_id}.0"
    lead = await service.lead(assignee_id=user_id, status_id=str(status_id))
    assert (lead["assignee_id"], lead["status_id"]) == (service.account.user_id, status_id)


@pytest.mark.parametrize("sent", ["Junk", "junk", " JUNK "])
async def test_a_status_by_name(service: Service, sent: str) -> None:
    lead = await service.lead(status=sent)
    assert lead["status"] == "Junk"
    assert lead["status_id"] == (await status_ids(service))["Junk"]


async def test_a_status_by_id(service: Service) -> None:
    status_id = (await status_ids(service))["Open"]
    lead = await service.lead(status_id=status_id)
    assert (lead["status"], lead["status_id"]) == ("Open", status_id)


@pytest.mark.parametrize("name", ["Junk", "Nowhere", "", None])
async def test_a_status_id_rules_over_the_name(service: Service, name: str | None) -> None:
    lead = await service.lead(status=name, status_id=(await status_ids(service))["Open"])
    assert lead["status"] == "Open"


@pytest.mark.parametrize(
    "body", [{"status": None}, {"status_id": None}, {"status": ""}, {"status_id": " "}]
)
async def test_no_status_is_the_default_status(service: Service, body: dict[str, Any]) -> None:
    lead = await service.lead(status="Open")
    response = await service.client.put(f"/leads/{lead['id']}", json=body)
    assert response.json()["status"] == "New"


@pytest.mark.parametrize("attribute", ["assignee_id", "customer_source_id", "status_id"])
async def test_no_id_is_refused(client: httpx.AsyncClient, attribute: str) -> None:
    field = attribute.replace("_", " ").title()
    text = f"{field}: Invalid value for {field}: IDs must be positive integers: "
    for sent in NO_IDS:
        response = await client.post("/leads", json={"name": "Nora", attribute: sent})
        shown = sent if isinstance(sent, str) else json.dumps(sent)
        assert_invalid(response, f"{text}{shown}")


@pytest.mark.parametrize("attribute", ["assignee_id", "customer_source_id", "status_id"])
async def test_an_unknown_id_is_refused(client: httpx.AsyncClient, attribute: str) -> None:
    for sent in (1, 2**53, 2**63, 2**64, "77"):
        response = await client.post("/leads", json={"name": "Nora", attribute: sent})
        assert_invalid(response, f"{attribute.replace('_', ' ').title()}: does not exist: {sent}")


async def test_ids_of_another_account_are_refused(service: Service) -> None:
    async with await service.other_account() as other:
        foreign = (await other.post("/leads", json={"name": "Omar"})).json()["status_id"]
    response = await service.client.post("/leads", json={"name": "Nora", "status_id": foreign})
    assert_invalid(response, f"Status Id: does not exist: {foreign}")


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ({"company_name": "x" * 256}, [f"Company Name: {TOO_LONG}"]),
        ({"title": "x" * 256}, [f"Title: {TOO_LONG}"]),
        ({"details": "x" * 65_537}, ["Details: is too long (maximum is 65536 characters)"]),
        ({"email": {"email": "x" * 256}}, [f"Email: email.email {TOO_LONG}"]),
        ({"address": {"city": "x" * 256}}, [f"Address: address.city {TOO_LONG}"]),
        ({"tags": ["ok", "x" * 256]}, [f"Tags: tags[1] {TOO_LONG}"]),
        ({"phone_numbers": ["5" * 256]}, [f"Phone Numbers: phone_numbers[0].number {TOO_LONG}"]),
        (
            {"websites": [{"url": "x" * 2049}]},
            ["Websites: websites[0].url is too long (maximum is 2048 characters)"],
        ),
        (
            {"socials": [{"url": "x" * 2049}]},
            ["Socials: socials[0].url is too long (maximum is 2048 characters)"],
        ),
        (
            {"tags": [f"tag {n}" for n in range(201)]},
            ["Tags: has too many entries (maximum is 200)"],
        ),
        (
            {"phone_numbers": [{"number": "5"}] * 101},
            ["Phone Numbers: has too many entries (maximum is 100)"],
        ),
        ({"monetary_value": "abc"}, ['Monetary Value: is not a number: "abc"']),
        ({"monetary_value": "1_000"}, ['Monetary Value: is not a number: "1_000"']),
        (
            {"monetary_value": "NaN"},
            ["Monetary Value: must lie between -1000000000000000 and 1000000000000000"],
        ),
        (
            {"monetary_value": 1e300},
            ["Monetary Value: must lie between -1000000000000000 and 1000000000000000"],
        ),
        (
            {"monetary_value": 10**15 + 1},
            ["Monetary Value: must lie between -1000000000000000 and 1000000000000000"],
        ),
        ({"status": "Nowhere"}, ['Status: is not a lead status: "Nowhere"']),
    ],
)
async def test_a_value_that_breaks_a_rule(
    client: httpx.AsyncClient, body: dict[str, Any], lines: list[str]
) -> None:
    assert_invalid(await client.post("/leads", json={"name": "Nora"} | body), *lines)
