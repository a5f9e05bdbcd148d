"""What an upsert can ask for besides Copper: steps, `on_ambiguous`, `if_empty`, preconditions."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.support.api.answers import assert_body, assert_invalid
from tests.support.api.service import Service
from tests.support.api.wire_leads import entry
from tests.support.domain.act_writes import rule

EMAIL = {"field_name": "email", "field_value": "nora@field.example"}
NAME = {"field_name": "name", "field_value": "Nora Field"}


async def upserted(
    service: Service, match: Any, headers: dict[str, str] | None = None, **members: Any
) -> httpx.Response:
    body = {"properties": {"title": "Buyer"}, "match": match, **members}
    return await service.client.put("/leads/upsert", json=body, headers=headers)


@pytest.mark.parametrize(
    ("match", "told"),
    [
        ([EMAIL, NAME], "field=email; matches=1; step=1"),
        ([{"field_name": "name", "field_value": "N."}, EMAIL], "field=email; matches=1; step=2"),
        ([NAME], "field=name; matches=1; step=1"),
        ({"all": [NAME, EMAIL]}, "field=name; matches=1; step=1"),
    ],
)
async def test_the_receipt_says_which_step_matched(service: Service, match: Any, told: str) -> None:
    lead = await service.lead(email="nora@field.example")
    response = await upserted(service, match)
    assert (response.json()["id"], response.headers["Lead-Match"]) == (lead["id"], told)
    again = await upserted(service, match)
    assert (again.headers["Lead-Outcome"], again.headers["Lead-Match"]) == ("unchanged", told)


async def test_all_values_have_to_be_those_of_one_lead(service: Service) -> None:
    field = await service.field()
    number = {"field_name": "custom", "field_value": entry(field, "A-77")}
    nora = await service.lead(email="nora@field.example")
    sam = await service.lead(name="Sam", custom_fields=[entry(field, "A-77")])
    match = {"all": [EMAIL, number]}
    created = await upserted(service, match, properties={"name": "Ann Lee"})
    assert created.headers["Lead-Outcome"] == "created"
    assert created.headers["Lead-Match"] == "field=email; matches=0"
    assert created.json()["id"] not in (nora["id"], sam["id"])
    again = await upserted(service, match, properties={"name": "Ann Lee"})
    assert (again.headers["Lead-Outcome"], again.json()) == ("unchanged", created.json())


async def test_a_new_lead_of_all_values_is_found_by_the_same_request(service: Service) -> None:
    match = {"all": [EMAIL, NAME]}
    sent = {"name": "Nora Roe", "email": {"email": "nora@roe.example"}}
    first = await upserted(service, match, properties=sent)
    again = await upserted(service, match, properties=sent)
    assert (again.headers["Lead-Outcome"], again.json()) == ("unchanged", first.json())
    assert again.headers["Lead-Match"] == "field=email; matches=1; by=properties; step=1"


@pytest.mark.parametrize(("how", "place"), [("oldest", 0), ("newest", 2)])
async def test_one_of_several_leads(service: Service, how: str, place: int) -> None:
    ids = [(await service.lead(email="nora@field.example"))["id"] for _ in range(3)]
    for match in (NAME, {"all": [NAME, EMAIL]}):
        refused = await upserted(service, match, on_ambiguous="refuse")
        assert (refused.status_code, refused.json()["ids"]) == (422, ids)
        response = await upserted(service, match, on_ambiguous=how)
        assert response.json()["id"] == ids[place]
        assert f"matches=3; by={how}" in response.headers["Lead-Match"]


async def test_a_ruling_decides_before_the_order(service: Service) -> None:
    ids = [(await service.lead(email="nora@field.example"))["id"] for _ in range(3)]
    ruling = rule(ids[1], "email", "nora@field.example")
    await service.writer.write(service.account.account_id, ruling)
    missing = {"field_name": "name", "field_value": "Ann Lee"}
    for match, step in ((EMAIL, ""), ([missing, EMAIL], "; step=2"), ({"all": [NAME, EMAIL]}, "")):
        response = await upserted(service, match, on_ambiguous="newest")
        assert response.json()["id"] == ids[1]
        assert f"matches=3; by=ruling{step}" in response.headers["Lead-Match"]


async def test_properties_only_where_the_lead_has_none(service: Service) -> None:
    lead = await service.lead(title="Owner", email="nora@field.example")
    sent = {"title": "Buyer", "details": "Fair", "first_name": "Eleonora"}
    names = ["title", "details", "name"]
    response = await upserted(service, EMAIL, properties=sent, if_empty=names)
    assert response.headers["Lead-Changed"] == "details"
    assert response.headers["Lead-Kept"] == "name (if_empty), title (if_empty)"
    body = {"details": "Other", "tags": ["vip"], "if_empty": ["details", "tags"]}
    response = await service.client.put(f"/leads/{lead['id']}", json=body)
    assert response.json()["tags"] == ["vip"]
    assert response.headers["Lead-Kept"] == "details (if_empty)"
    history = (await service.client.get(f"/leads/{lead['id']}/history")).json()
    (kept,) = history[0]["kept"]
    assert (kept["field"], kept["reason"], kept["value"]) == ("details", "if_empty", "Other")


async def test_what_is_wrong_is_named_all_together(service: Service) -> None:
    match = [{"field_name": "phone", "field_value": "1"}, {"all": [NAME, NAME]}]
    response = await upserted(service, match, on_ambiguous="first", if_empty=["tilte"])
    assert_invalid(
        response,
        'On Ambiguous: must be refuse, oldest or newest, not "first"',
        'If Empty: is not the name of a property: "tilte"',
        'Match: step 1: field_name must be name, email or custom, not "phone"',
        "Match: step 2: has a field twice",
    )


async def test_update_only_and_create_only(service: Service) -> None:
    update_only, create_only = {"If-Match": "*"}, {"If-None-Match": "*"}
    refused = await upserted(service, NAME, update_only)
    message = "No lead matches, and the call was only to update one"
    assert_body(refused, 412, {"success": False, "status": 412, "message": message})
    assert refused.headers["Lead-Match"] == "field=name; matches=0"
    created = await upserted(service, NAME, create_only)
    assert created.headers["Lead-Outcome"] == "created"
    refused = await upserted(service, NAME, create_only)
    message = "A lead matches, and the call was only to create one"
    assert_body(refused, 412, {"success": False, "status": 412, "message": message})
    assert (await upserted(service, NAME, update_only)).headers["Lead-Outcome"] == "unchanged"
    assert (await upserted(service, NAME, {"If-Match": '"1"'})).status_code == 200
    refused = await upserted(service, NAME, {"If-Match": '"2"'})
    assert (refused.status_code, refused.headers["ETag"]) == (412, '"1"')
    missing = await upserted(service, EMAIL, {"If-Match": '"1"'})
    assert missing.status_code == 412
    assert (await upserted(service, NAME, {"If-Match": ""})).status_code == 200


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"If-None-Match": '"1"'}, "If-None-Match of an upsert must be *"),
        ({"If-None-Match": ""}, "If-None-Match of an upsert must be *"),
        ({"If-None-Match": "*", "If-Match": "*"}, "If-Match and If-None-Match exclude each other"),
        ({"If-Match": "1"}, 'If-Match must be * or one ETag, as in "3": 1'),
    ],
)
async def test_preconditions_that_are_not_read(
    service: Service, headers: dict[str, str], message: str
) -> None:
    response = await upserted(service, NAME, headers)
    assert_body(response, 400, {"success": False, "status": 400, "message": message})


@pytest.mark.parametrize(
    ("sent", "seconds"),
    [
        ("1700000000", 1_700_000_000),
        ("0", 0),
        ("2023-11-14T22:13:20Z", 1_700_000_000),
        (" 2023-11-14t23:13:20.75+01:00 ", 1_700_000_000),
        ("2023-11-14 22:13:20z", 1_700_000_000),
    ],
)
async def test_when_values_were_observed_is_in_the_ledger(
    service: Service, sent: str, seconds: int
) -> None:
    headers = {"Lead-Observed-At": sent}
    lead = await service.lead()
    path = f"/leads/{lead['id']}"
    changed = await service.client.put(path, json={"title": "Buyer"}, headers=headers)
    refused = await service.client.put(path, json={"name": ""}, headers=headers)
    assert (changed.status_code, refused.status_code) == (200, 422)
    rows = (await service.client.get(f"{path}/history")).json()
    assert [row["observed_at"] for row in rows] == [seconds, seconds, None]


@pytest.mark.parametrize(
    "sent",
    [
        *("", "now", "2023-11-14", "2023-11-14T22:13:20", "2023-13-14T22:13:20Z", "-1", "1.5"),
        *("1700000000000", "9" * 400, "2023-11-14T22:13:20+25:00", "1950-01-01T00:00:00Z"),
        *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2023-11-14T22:13:60Z"),
    ],
)
async def test_when_values_were_observed_has_to_be_readable(service: Service, sent: str) -> None:
    headers = {"Lead-Observed-At": sent}
    response = await service.client.post("/leads", json={"name": "Nora"}, headers=headers)
    what = "Lead-Observed-At must be Unix seconds or RFC 3339, as in 2026-11-29T19:54:53Z"
    shown = sent if len(sent) <= 60 else sent[:60] + "..."
    message = f"{what}: {shown}"
    assert_body(response, 400, {"success": False, "status": 400, "message": message})
