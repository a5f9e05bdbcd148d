"""Erasing a person over the API: preview, confirmation, who may, and what is said afterwards."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.support.api.service import Service


async def steps(service: Service) -> None:
    while await service.store.erase_step(service.account.account_id):
        pass


async def test_a_dry_run_says_what_would_go(service: Service, client: httpx.AsyncClient) -> None:
    lead = await service.lead(email={"email": "n@q.example", "category": "work"})
    answer = await client.post("/erasures?dry_run=true", json={"lead_id": lead["id"]})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["id"], body["state"], body["lead_ids"]) == (None, "preview", [lead["id"]])
    assert body["counts"]["ledger_rows"] == 1
    (row,) = body["rows"]
    assert (row["action"], row["outcome"]) == ("create", "created")
    assert "n@q.example" not in answer.text
    assert (await client.get(f"/leads/{lead['id']}")).status_code == 200
    assert (await client.get("/erasures")).json() == []


async def test_an_erasure_is_confirmed_and_can_be_followed(
    service: Service, client: httpx.AsyncClient
) -> None:
    lead = await service.lead(email={"email": "n@q.example", "category": "work"})
    sent = {"email": "N@q.example", "confirm": True, "reason": "a letter"}
    begun = (await client.post("/erasures", json=sent)).json()
    assert (begun["state"], begun["lead_ids"]) == ("history", [lead["id"]])
    assert (await client.get(f"/leads/{lead['id']}")).status_code == 404
    await steps(service)
    done = (await client.get(f"/erasures/{begun['id']}")).json()
    assert (done["state"], done["counts"]["ledger_rows"]) == ("done", 1)
    assert (done["user_id"], done["reason"]) == (service.account.user_id, "a letter")
    assert (await client.get("/erasures")).json() == [done]


async def test_the_background_work_is_woken(service: Service, client: httpx.AsyncClient) -> None:
    woken: list[bool] = []
    object.__setattr__(service.runtime, "erasure_begun", lambda: woken.append(True))
    lead = await service.lead()
    await client.post("/erasures", json={"lead_id": lead["id"], "confirm": True})
    assert woken == [True]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"lead_id": 5}, "Confirm: must be true"),
        ({"email": "n@q.example", "confirm": False}, "with ?dry_run=true"),
        ({}, "Base: name either a lead_id or an email"),
        ({"lead_id": 5, "email": "n@q.example"}, "Base: name either"),
        ({"lead_id": "Nora"}, "Lead Id: must be an integer"),
        ({"lead_id": [5]}, "Lead Id: must be an integer"),
        ({"lead_id": True}, "Lead Id: must be an integer"),
        ({"email": {"email": "n@q.example"}}, "Email: must be text"),
        ({"email": "n@q.example", "confirm": "yes"}, "Confirm: must be true or false"),
        ({"email": "n@q.example", "reason": 5}, "Reason: must be text"),
        ({"email": "nobody", "confirm": True}, "Email: is not an e-mail address"),
        ({"email": "n@q.example", "name": "Nora"}, "Unrecognized attributes specified: name"),
    ],
)
async def test_a_call_that_is_not_clear_erases_nothing(
    client: httpx.AsyncClient, body: dict[str, Any], problem: str
) -> None:
    answer = await client.post("/erasures", json=body)
    assert answer.status_code == 422
    assert problem in answer.json()["message"]
    assert (await client.get("/erasures")).json() == []


async def test_a_reason_with_the_person_is_refused(
    service: Service, client: httpx.AsyncClient
) -> None:
    lead = await service.lead(name="Nora Field")
    sent = {"lead_id": lead["id"], "confirm": True, "reason": "Nora Field wrote"}
    answer = await client.post("/erasures", json=sent)
    assert answer.status_code == 422
    assert "Reason: must not name the person" in answer.json()["message"]


@pytest.mark.parametrize("lead_id", [5, 2**60, -1, 0])
async def test_an_unknown_lead_is_not_found(client: httpx.AsyncClient, lead_id: int) -> None:
    for query in ("", "?dry_run=true"):
        answer = await client.post(f"/erasures{query}", json={"lead_id": lead_id, "confirm": True})
        assert answer.status_code == 404


async def test_only_admins_erase_and_see_erasures(service: Service) -> None:
    member = await service.member()
    lead = await service.lead()
    for query in ("", "?dry_run=true"):
        body = {"lead_id": lead["id"], "confirm": True}
        assert (await member.post(f"/erasures{query}", json=body)).status_code == 403
    assert (await member.get("/erasures")).status_code == 403
    assert (await member.get("/erasures/5")).status_code == 403
    assert (await member.get(f"/leads/{lead['id']}")).status_code == 200


async def test_another_account_sees_and_erases_nothing(
    service: Service, client: httpx.AsyncClient
) -> None:
    lead = await service.lead(email={"email": "n@q.example", "category": "work"})
    stranger = await service.other_account()
    body = {"lead_id": lead["id"], "confirm": True}
    assert (await stranger.post("/erasures", json=body)).status_code == 404
    preview = await stranger.post("/erasures?dry_run=true", json={"email": "n@q.example"})
    assert preview.json()["counts"] == {
        "leads": 0,
        "merged_leads": 0,
        "ledger_rows": 0,
        "refused_deliveries": 0,
    }
    begun = (await client.post("/erasures", json=body)).json()
    assert (await stranger.get(f"/erasures/{begun['id']}")).status_code == 404
    assert (await stranger.get("/erasures")).json() == []


async def test_without_credentials_nothing_is_erased(
    service: Service, client: httpx.AsyncClient
) -> None:
    lead = await service.lead()
    headers = {"X-PW-AccessToken": "wrong"}
    body = {"lead_id": lead["id"], "confirm": True}
    assert (await client.post("/erasures", json=body, headers=headers)).status_code == 401
    assert (await client.get("/erasures", headers=headers)).status_code == 401
