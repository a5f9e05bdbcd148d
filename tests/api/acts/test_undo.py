"""`POST /ledger/{seq}/undo`: taking back what a ledger row did."""

from __future__ import annotations

import pytest
from tests.support.api.acts import ambiguous, last_seq, merge, row, undo
from tests.support.api.answers import NOT_FOUND, UNAUTHORISED, assert_body, assert_invalid
from tests.support.api.service import Service


async def test_an_update_is_taken_back(service: Service) -> None:
    lead = await service.lead(title="Buyer")
    await service.client.put(f"/leads/{lead['id']}", json={"title": "Head"})
    response = await undo(service, await last_seq(service))
    body = response.json()
    assert (body["lead"]["title"], body["lead_id"], body["kept"]) == ("Buyer", lead["id"], [])
    assert body["seq"] == await last_seq(service)
    assert response.headers["Lead-Outcome"] == "updated"
    assert (response.headers["Lead-Changed"], response.headers["ETag"]) == ("title", '"3"')
    shown = await row(service)
    assert (shown["action"], shown["about_seq"]) == ("undo", body["seq"] - 1)


async def test_what_was_changed_since_stays_and_says_by_what(service: Service) -> None:
    lead = await service.lead(title="Buyer")
    url = f"/leads/{lead['id']}"
    await service.client.put(url, json={"title": "Head", "company_name": "Roe"})
    seq = await last_seq(service)
    await service.client.put(url, json={"title": "Chief"})
    body = (await undo(service, seq)).json()
    assert (body["lead"]["title"], body["lead"]["company_name"]) == ("Chief", None)
    kept = {
        "field": "title",
        "reason": "changed",
        "value": "Buyer",
        "seq": seq + 1,
        "lead_id": None,
    }
    assert body["kept"] == [kept]
    assert (await row(service))["kept"] == [kept]


async def test_a_merge_is_taken_back_and_done_again(service: Service) -> None:
    nora = (await service.lead(email="n@field.example"))["id"]
    other = (await service.lead(email="nora@field.example"))["id"]
    await merge(service, nora, other)
    apart = await undo(service, await last_seq(service))
    assert (apart.headers["Lead-Outcome"], apart.json()["restored"]) == ("restored", [other])
    assert (await service.client.get(f"/leads/{other}")).json()["id"] == other
    again = await undo(service, await last_seq(service))
    assert (again.headers["Lead-Outcome"], again.json()["merged"]) == ("merged", [other])
    assert (await service.client.get(f"/leads/{other}")).json()["id"] == nora


async def test_a_deleted_lead_stands_again(service: Service) -> None:
    lead = await service.lead(title="Buyer")
    await service.client.delete(f"/leads/{lead['id']}")
    body = (await undo(service, await last_seq(service))).json()
    assert (body["restored"], body["lead"]["title"]) == ([lead["id"]], "Buyer")
    assert (await service.client.get(f"/leads/{lead['id']}")).status_code == 200


async def test_a_created_lead_that_was_changed_asks_for_force(service: Service) -> None:
    lead = await service.lead()
    seq = await last_seq(service)
    await service.client.put(f"/leads/{lead['id']}", json={"title": "Head"})
    response = await undo(service, seq)
    message = f"Lead {lead['id']} was changed once since, which would be lost; undo it with force"
    assert_body(response, 409, {"success": False, "status": 409, "message": message})
    gone = await undo(service, seq, force=True)
    assert gone.json() == {
        "seq": await last_seq(service),
        "lead_id": lead["id"],
        "lead": None,
        "restored": [],
        "merged": [],
        "kept": [],
    }
    assert gone.headers["Lead-Outcome"] == "deleted"
    assert_body(await service.client.get(f"/leads/{lead['id']}"), 404, NOT_FOUND)


async def test_a_dry_run_says_what_would_be(service: Service) -> None:
    lead = await service.lead(title="Buyer")
    seq = await last_seq(service)
    response = await service.client.post(f"/ledger/{seq}/undo?dry_run=true")
    assert (response.json()["seq"], response.json()["lead"]) == (None, None)
    assert response.headers["Lead-Dry-Run"] == "true"
    assert await last_seq(service) == seq
    assert (await service.client.get(f"/leads/{lead['id']}")).status_code == 200


async def test_undoing_twice_changes_nothing(service: Service) -> None:
    await service.lead()
    seq = await last_seq(service)
    await undo(service, seq)
    response = await undo(service, seq)
    assert (response.headers["Lead-Outcome"], response.json()["lead"]) == ("unchanged", None)


async def test_what_cannot_be_undone(service: Service) -> None:
    _ids, seq = await ambiguous(service)
    assert_invalid(await undo(service, seq), "Seq: was refused: there is nothing to undo")
    await service.field()
    settings = await last_seq(service)
    line = "Seq: is a change of the settings; undo it there"
    assert_invalid(await undo(service, settings), line)
    lead = await service.lead()
    await service.client.put(f"/leads/{lead['id']}", json={"title": "Head"})
    update = await last_seq(service)
    await service.client.delete(f"/leads/{lead['id']}")
    gone = await undo(service, update)
    message = f"Lead {lead['id']} was deleted; undo that first"
    assert_body(gone, 409, {"success": False, "status": 409, "message": message})


async def test_a_body_that_is_not_understood(service: Service) -> None:
    lead = await service.lead()
    seq = await last_seq(service)
    refused = await undo(service, seq, forse=True)
    assert_invalid(refused, "Base: Unrecognized attributes specified: forse")
    assert_invalid(
        await undo(service, seq, force="maybe"), 'Force: must be true or false, not "maybe"'
    )
    assert (await service.client.get(f"/leads/{lead['id']}")).status_code == 200


@pytest.mark.parametrize("act", ["undo", "replay", "dismiss", "reopen"])
async def test_who_may_and_about_what(service: Service, act: str) -> None:
    _ids, seq = await ambiguous(service)
    wrong = {"X-PW-AccessToken": "wrong"}
    response = await service.client.post(f"/ledger/{seq}/{act}", headers=wrong)
    assert_body(response, 401, UNAUTHORISED)
    for unknown in (seq + 1_000, "0", "abc", "9" * 30):
        response = await service.client.post(f"/ledger/{unknown}/{act}")
        assert_body(response, 404, NOT_FOUND)
    async with await service.other_account() as stranger:
        response = await stranger.post(f"/ledger/{seq}/{act}")
        assert_body(response, 404, NOT_FOUND)
    async with await service.member() as member:
        assert (await member.post(f"/ledger/{seq}/{act}")).status_code in (200, 422)
