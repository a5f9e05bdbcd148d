"""Rulings, other values of a lead, and pins."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.api.acts import ambiguous, last_seq, merge, row
from tests.support.api.answers import NOT_FOUND, UNAUTHORISED, assert_body, assert_invalid
from tests.support.api.service import Service
from tests.support.api.wire_leads import entry

PLACEHOLDER = (
    'Match: field_value identifies nobody: "n/a"; '
    "the placeholders are in System Settings -> Matching"
)
BY_NAME = {"field_name": "name", "field_value": "Nora Twin"}


async def rule(service: Service, lead_id: int, match: Any = BY_NAME) -> Any:
    return await service.client.post("/rulings", json={"match": match, "lead_id": lead_id})


async def test_a_ruling_says_which_lead_is_meant(service: Service) -> None:
    (_first, second), _seq = await ambiguous(service)
    response = await rule(service, second)
    body = response.json()
    assert body == {
        "id": body["id"],
        "lead_id": second,
        "field_name": "name",
        "field_value": "Nora Twin",
        "origin": "ruling",
        "from_lead_id": None,
        "is_ruling": True,
    }
    assert response.headers["Lead-Outcome"] == "updated"
    assert response.headers["Lead-Changed"] == f"other_values.{body['id']}"
    found = await service.upsert({"title": "Buyer"}, "name", "nora twin")
    assert (found.json()["id"], found.headers["Lead-Match"]) == (
        second,
        "field=name; matches=2; by=ruling",
    )
    again = await rule(service, second)
    assert (again.json(), again.headers["Lead-Outcome"]) == (body, "unchanged")
    listed = await service.client.get("/rulings")
    assert (listed.json(), listed.headers["X-PW-TOTAL"]) == ([body], "1")


async def test_a_ruling_is_taken_back(service: Service) -> None:
    (_first, second), _seq = await ambiguous(service)
    ruling = (await rule(service, second)).json()
    url = f"/rulings/{ruling['id']}"
    preview = await service.client.delete(f"{url}?dry_run=true")
    assert preview.json() == {"id": ruling["id"], "is_deleted": True}
    stale = await service.client.delete(url, headers={"If-Match": '"7"'})
    assert stale.status_code == 412
    response = await service.client.delete(url)
    assert response.json() == {"id": ruling["id"], "is_deleted": True}
    assert (await service.client.get("/rulings")).json() == []
    assert (await service.upsert({}, "name", "Nora Twin")).status_code == 422
    assert_body(await service.client.delete(url), 404, NOT_FOUND)


async def test_rulings_are_paged(service: Service) -> None:
    ids = [(await service.lead(name=f"Nora {n}"))["id"] for n in range(3)]
    number = await service.field()
    for lead_id in reversed(ids):
        match = {"field_name": "custom", "field_value": entry(number, f"A-{lead_id}")}
        assert (await rule(service, lead_id, match)).json()["field_value"] == match["field_value"]
    page = await service.client.get("/rulings?page_size=2")
    assert [one["lead_id"] for one in page.json()] == ids[:2]
    assert page.headers["X-PW-TOTAL"] == "3"
    page = await service.client.get("/rulings?page_size=2&page_number=2")
    assert [one["lead_id"] for one in page.json()] == ids[2:]


async def test_a_value_means_one_lead(service: Service) -> None:
    (first, second), _seq = await ambiguous(service)
    await rule(service, second)
    response = await rule(service, first)
    message = f'Deliveries by "nora twin" mean lead {second}; take back that ruling first'
    assert_body(response, 409, {"success": False, "status": 409, "message": message})


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ({}, ["Match: can't be blank", "Lead Id: can't be blank"]),
        ({"match": {}, "lead_id": "x"}, ["Match: can't be blank"]),
        (
            {"match": BY_NAME, "lead_id": "x"},
            ['Lead Id: must be an integer, not "x"'],
        ),
        ({"match": [1], "lead_id": 1}, ["Match: must be an object, not [1]"]),
        (
            {"match": {"field_name": "email", "field_value": "n/a"}, "lead_id": 1},
            [PLACEHOLDER],
        ),
    ],
)
async def test_a_ruling_that_is_not_understood(
    service: Service, body: Any, lines: list[str]
) -> None:
    response = await service.client.post("/rulings", json=body)
    assert_invalid(response, *lines)
    assert (await row(service))["outcome"] == "refused"


async def test_another_value_finds_its_lead(service: Service) -> None:
    lead = await service.lead()
    url = f"/leads/{lead['id']}/other_values"
    value = {"field_name": "email", "field_value": "nora@home.example"}
    added = await service.client.post(url, json=value)
    body = added.json()
    assert (body["origin"], body["is_ruling"], body["field_value"]) == (
        "person",
        False,
        "nora@home.example",
    )
    found = await service.upsert({"title": "Buyer"}, "email", "NORA@home.example")
    assert found.json()["id"] == lead["id"]
    listed = await service.client.get(url)
    assert (listed.json(), listed.headers["ETag"]) == ([body], '"3"')
    assert (await service.client.get("/rulings")).json() == []
    assert_body(await service.client.delete(f"/rulings/{body['id']}"), 404, NOT_FOUND)
    stale = await service.client.delete(f"{url}/{body['id']}", headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    gone = await service.client.delete(f"{url}/{body['id']}")
    assert gone.json() == {"id": body["id"], "is_deleted": True}
    assert_body(await service.client.delete(f"{url}/{body['id']}"), 404, NOT_FOUND)
    assert (await service.client.get(url)).json() == []


async def test_a_value_that_becomes_a_ruling(service: Service) -> None:
    lead = await service.lead()
    url = f"/leads/{lead['id']}/other_values"
    first = (await service.client.post(url, json=BY_NAME)).json()
    ruling = (await rule(service, lead["id"])).json()
    assert (ruling["is_ruling"], ruling["id"] > first["id"]) == (True, True)


async def test_the_values_of_a_merged_lead(service: Service) -> None:
    number = await service.field(data_type="MultiSelect", name="Tier")
    options = [option["id"] for option in number["options"]]
    nora = (await service.lead(email="n@field.example"))["id"]
    other = (await service.lead(email="nora@home.example", custom_fields=[entry(number, options)]))[
        "id"
    ]
    await merge(service, nora, other)
    for lead_id in (nora, other):
        listed = (await service.client.get(f"/leads/{lead_id}/other_values")).json()
        by_field = {one["field_name"]: one for one in listed}
        assert by_field["custom"]["field_value"] == entry(number, options)
        assert by_field["custom"]["from_lead_id"] == other
        assert {one["lead_id"] for one in listed} == {nora}
    await service.client.delete(f"/custom_field_definitions/{number['id']}")
    listed = (await service.client.get(f"/leads/{nora}/other_values")).json()
    (left,) = (one for one in listed if one["field_name"] == "custom")
    assert left["field_value"] == entry(number, options)


async def test_a_pinned_field_is_not_changed_by_deliveries(service: Service) -> None:
    lead = await service.lead(title="Buyer")
    url = f"/leads/{lead['id']}"
    response = await service.client.post(f"{url}/pins", json={"pin": ["title", "name"]})
    assert response.json() == {"id": lead["id"], "pins": ["name", "title"]}
    assert response.headers["Lead-Changed"] == "pins.name, pins.title"
    assert (await service.client.put(url, json={"title": "Head"})).json()["title"] == "Buyer"
    kept = (await row(service))["kept"]
    assert [(one["field"], one["reason"], one["value"]) for one in kept] == [
        ("title", "pinned", "Head")
    ]
    released = await service.client.post(f"{url}/pins", json={"unpin": "title"})
    assert released.json()["pins"] == ["name"]
    assert (await service.client.put(url, json={"title": "Head"})).json()["title"] == "Head"


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ({"pin": ["titel"]}, 'Pins: has no such field: "titel"'),
        ({"pin": ["custom_fields.7"]}, 'Pins: has no such field: "custom_fields.7"'),
        ({"unpin": ["a\nb"]}, 'Pins: has no such field: "a\\nb"'),
        ({"pins": []}, "Base: Unrecognized attributes specified: pins"),
    ],
)
async def test_what_cannot_be_pinned(service: Service, body: Any, line: str) -> None:
    lead = await service.lead()
    response = await service.client.post(f"/leads/{lead['id']}/pins", json=body)
    assert_invalid(response, line)


async def test_many_pins_at_once(service: Service) -> None:
    lead = await service.lead()
    body = {"pin": ["title"] * 100_000}
    response = await service.client.post(f"/leads/{lead['id']}/pins", json=body)
    assert response.status_code == 422


CALLS = [
    ("POST", "/rulings", {"match": BY_NAME}),
    ("DELETE", "/rulings/{value}", None),
    ("POST", "/leads/{lead}/other_values", BY_NAME),
    ("GET", "/leads/{lead}/other_values", None),
    ("DELETE", "/leads/{lead}/other_values/{value}", None),
    ("POST", "/leads/{lead}/pins", {"pin": ["title"]}),
]


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
async def test_an_account_decides_about_its_own_leads_alone(
    service: Service, method: str, path: str, body: Any
) -> None:
    lead = await service.lead()
    ruling = (await rule(service, lead["id"])).json()
    seq = await last_seq(service)
    url = path.format(lead=lead["id"], value=ruling["id"])
    if path == "/rulings":
        body = body | {"lead_id": lead["id"]}
    async with await service.other_account() as stranger:
        assert_body(await stranger.request(method, url, json=body), 404, NOT_FOUND)
    wrong = {"X-PW-AccessToken": "wrong"}
    response = await service.client.request(method, url, json=body, headers=wrong)
    assert_body(response, 401, UNAUTHORISED)
    for unknown in ("1", "abc", "9" * 30):
        at = path.format(lead=unknown, value=unknown)
        if at != url and path != "/rulings":
            answer = await service.client.request(method, at, json=body)
            assert_body(answer, 404, NOT_FOUND)
    assert (await service.client.get("/rulings")).json() == [ruling]
    assert (await service.client.get(f"/ledger/{seq}")).status_code == 200
    async with await service.member() as member:
        assert (await member.request(method, url, json=body)).status_code == 200
