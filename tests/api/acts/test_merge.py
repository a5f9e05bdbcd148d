"""`POST /leads/{id}/merge`: several leads become one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.support.api.acts import ambiguous, folded, last_seq, merge, row
from tests.support.api.answers import NOT_FOUND, UNAUTHORISED, assert_body, assert_invalid, invalid
from tests.support.api.service import Service, database_in

from onelead.domain.text import quoted


async def two_leads(service: Service) -> tuple[int, int]:
    nora = await service.lead(email="nora@field.example")
    other = await service.lead(email="nora@home.example", title="Buyer", tags=["vip"])
    return nora["id"], other["id"]


async def test_the_survivor_gets_what_it_has_not(service: Service) -> None:
    nora, other = await two_leads(service)
    response = await merge(service, nora, other)
    body = response.json()
    assert (body["id"], body["title"], body["tags"]) == (nora, "Buyer", ["vip"])
    assert body["email"]["email"] == "nora@field.example"
    assert response.headers["Lead-Outcome"] == "merged"
    assert "title" in response.headers["Lead-Changed"].split(", ")
    assert response.headers["ETag"] == '"2"'
    assert "Lead-Waiting" not in response.headers
    found = await service.upsert({"title": "Head"}, "email", "nora@home.example")
    assert found.json()["id"] == nora


async def test_a_choice_wins(service: Service) -> None:
    nora, other = await two_leads(service)
    choose = {"email": other, "title": None, "tags": nora}
    body = (await merge(service, nora, str(other), choose=choose)).json()
    assert (body["email"]["email"], body["title"], body["tags"]) == ("nora@home.example", None, [])


async def test_a_preview_writes_nothing(service: Service) -> None:
    nora, other = await two_leads(service)
    seq = await last_seq(service)
    url = f"/leads/{nora}/merge?dry_run=true"
    response = await service.client.post(url, json={"lead_ids": [other]})
    assert (response.json()["title"], response.headers["Lead-Outcome"]) == ("Buyer", "merged")
    assert response.headers["Lead-Dry-Run"] == "true"
    assert await last_seq(service) == seq
    assert (await service.client.get(f"/leads/{other}")).json()["id"] == other


async def test_merging_again_changes_nothing(service: Service) -> None:
    nora, other = await two_leads(service)
    await merge(service, nora, other)
    response = await merge(service, nora, other)
    assert response.headers["Lead-Outcome"] == "unchanged"
    assert response.json()["id"] == nora


async def test_it_says_how_many_deliveries_wait(service: Service, tmp_path: Path) -> None:
    ids, seq = await ambiguous(service)
    await folded(service)
    account_id = service.account.account_id
    # The queue is folded from the ledger; this delivery may be in it already.
    database_in(tmp_path).execute(
        "INSERT INTO refused_delivery (account_id, seq, group_key, state, caller)"
        f" SELECT {account_id}, {seq}, 'x', 'open', 'x' WHERE NOT EXISTS"
        f" (SELECT 1 FROM refused_delivery WHERE account_id = {account_id} AND seq = {seq})"
    )
    preview = await service.client.post(
        f"/leads/{ids[0]}/merge?dry_run=1", json={"lead_ids": [ids[1]]}
    )
    assert preview.headers["Lead-Waiting"] == "1"
    assert (await merge(service, *ids)).headers["Lead-Waiting"] == "1"


async def test_a_lead_that_has_changed_is_not_merged(service: Service) -> None:
    nora, other = await two_leads(service)
    await service.client.put(f"/leads/{other}", json={"title": "Head"})
    response = await merge(service, nora, other, versions={str(nora): 1, str(other): 1})
    assert (response.status_code, response.headers["ETag"]) == (412, '"2"')
    assert response.headers["Lead-Outcome"] == "refused"
    accepted = await merge(service, nora, other, versions={str(nora): 1, str(other): "2"})
    assert accepted.status_code == 200


async def test_the_ledger_row_names_the_merged_leads(service: Service) -> None:
    nora, other = await two_leads(service)
    await merge(service, nora, other)
    shown = await row(service)
    assert (shown["action"], shown["lead_id"], shown["merged"]) == ("merge", nora, [other])
    assert "details" not in shown
    assert shown["payload"] == {"lead_ids": [other]}


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ({}, "Lead Ids: can't be blank"),
        ({"lead_ids": []}, "Lead Ids: can't be blank"),
        ({"lead_ids": ["x"]}, 'Lead Ids: lead_ids[0] must be an integer, not "x"'),
        ({"lead_ids": [0]}, "Lead Ids: lead_ids[0] must be an integer >= 1, not 0"),
        (
            {"lead_ids": list(range(1, 100_000))},
            "Lead Ids: must be a list of length <= 30, not " + quoted(list(range(1, 100_000))),
        ),
        ({"lead_ids": [1]}, "Lead Ids: lead 1 does not exist"),
        ({"lead_ids": [1, 1]}, "Lead Ids: has a lead twice"),
        ({"lead_ids": [1], "choose": {"titel": 1}}, 'Choose: has no such field: "titel"'),
        (
            {"lead_ids": [1], "choose": {"title": "x"}},
            'Choose: "title" must be a positive integer, not "x"',
        ),
        (
            {"lead_ids": [1], "versions": {"7": None}},
            'Versions: "7" must be a positive integer, not null',
        ),
        ({"lead_ids": [1], "choose": 7}, "Choose: must be an object, not 7"),
        (
            {"lead_ids": [1], "versions": {"x": 1}},
            "Versions: must be an object of versions by lead id",
        ),
        ({"lead_ids": [1], "leads": 1}, "Base: Unrecognized attributes specified: leads"),
        ({"leads": 1}, None),
    ],
)
async def test_what_cannot_be_merged(service: Service, body: Any, line: str | None) -> None:
    lead = await service.lead()
    response = await service.client.post(f"/leads/{lead['id']}/merge", json=body)
    if line is None:
        lines = ("Base: Unrecognized attributes specified: leads", "Lead Ids: can't be blank")
        assert_invalid(response, *lines)
    elif body.get("choose") == {"titel": 1}:
        assert response.json()["message"].startswith("Invalid input")
    else:
        assert_invalid(response, line)
    assert response.headers["Lead-Outcome"] == "refused"
    assert (await row(service))["outcome"] == "refused"


async def test_a_lead_is_not_merged_with_itself(service: Service) -> None:
    lead = await service.lead()
    response = await merge(service, lead["id"], lead["id"])
    assert_invalid(response, f"Lead Ids: has the lead itself: {lead['id']}")


async def test_a_lead_that_is_part_of_another_one(service: Service) -> None:
    nora, other = await two_leads(service)
    third = (await service.lead(name="Sam Roe"))["id"]
    await merge(service, nora, other)
    response = await merge(service, third, other)
    message = f"Lead {other} was merged into lead {nora}; name that one instead"
    assert_body(response, 409, {"success": False, "status": 409, "message": message})
    crossed = await merge(service, other, nora)
    assert crossed.status_code == 409
    merged = await merge(service, other, third)
    message = f"Invalid input: lead {other} was merged into lead {nora}; name that one instead"
    assert_body(merged, 422, {"success": False, "status": 422, "message": message})


async def test_leads_that_do_not_exist(service: Service) -> None:
    lead = await service.lead()
    for lead_id in (1, "abc", 9**20):
        response = await service.client.post(
            f"/leads/{lead_id}/merge", json={"lead_ids": [lead["id"]]}
        )
        assert_body(response, 404, NOT_FOUND)


async def test_an_account_merges_its_own_leads_alone(service: Service) -> None:
    nora, other = await two_leads(service)
    async with await service.other_account() as stranger:
        own = (await stranger.post("/leads", json={"name": "Omar"})).json()["id"]
        into_theirs = await stranger.post(f"/leads/{nora}/merge", json={"lead_ids": [own]})
        assert_body(into_theirs, 404, NOT_FOUND)
        taken = await stranger.post(f"/leads/{own}/merge", json={"lead_ids": [other]})
        assert_body(taken, 422, invalid(f"Lead Ids: lead {other} does not exist"))
    assert (await service.client.get(f"/leads/{other}")).json()["id"] == other


async def test_a_member_may_and_a_stranger_may_not(service: Service) -> None:
    nora, other = await two_leads(service)
    url, body = f"/leads/{nora}/merge", {"lead_ids": [other]}
    headers = {"X-PW-AccessToken": "wrong"}
    refused = await service.client.post(url, json=body, headers=headers)
    assert_body(refused, 401, UNAUTHORISED)
    async with await service.member() as member:
        assert (await member.post(url, json=body)).status_code == 200


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"lead_ids": "\\ud800"}', b"[" * 200])
async def test_a_body_that_cannot_be_read(service: Service, content: bytes) -> None:
    lead = await service.lead()
    response = await service.client.post(f"/leads/{lead['id']}/merge", content=content)
    assert response.status_code == 400
