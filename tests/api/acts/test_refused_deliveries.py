"""Refused deliveries are applied, dismissed and reopened."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.api.acts import ambiguous, last_seq, merge, replay, row, undo
from tests.support.api.answers import assert_invalid
from tests.support.api.service import Service
from tests.support.api.wire_leads import entry


async def state_of(service: Service, seq: int) -> Any:
    return (await row(service, seq))["state"]


async def test_a_delivery_is_applied_to_the_lead_that_is_meant(service: Service) -> None:
    (_first, second), seq = await ambiguous(service)
    service.clock.advance(60)
    response = await replay(service, seq, lead_id=str(second))
    body = response.json()
    assert (body["lead_id"], body["lead"]["title"]) == (second, "Buyer")
    assert response.headers["Lead-Outcome"] == "updated"
    applied = await row(service)
    assert (applied["seq"], applied["about_seq"], applied["lead_id"]) == (body["seq"], seq, second)
    assert applied["observed_at"] == (await row(service, seq))["date"]
    assert applied["payload"] == (await row(service, seq))["payload"]
    assert await state_of(service, seq) == "applied"


async def test_applying_it_twice_changes_nothing(service: Service) -> None:
    (_first, second), seq = await ambiguous(service)
    applied = (await replay(service, seq, lead_id=second)).json()
    newest = await last_seq(service)
    response = await replay(service, seq, lead_id=second)
    assert response.headers["Lead-Outcome"] == "unchanged"
    assert response.json() == applied
    assert await last_seq(service) == newest
    await service.client.delete(f"/leads/{second}")
    gone = await replay(service, seq)
    assert gone.json() == {"seq": applied["seq"], "lead_id": second, "lead": None}


async def test_its_undo_opens_it_again(service: Service) -> None:
    (_first, second), seq = await ambiguous(service)
    await replay(service, seq, lead_id=second)
    await undo(service, await last_seq(service))
    assert await state_of(service, seq) == "open"
    again = await replay(service, seq, lead_id=second)
    assert again.headers["Lead-Outcome"] == "updated"


async def test_it_is_applied_as_it_came_after_a_merge(service: Service) -> None:
    ids, seq = await ambiguous(service)
    still = await replay(service, seq)
    assert (still.status_code, still.json()["ids"]) == (422, ids)
    assert await state_of(service, seq) == "open"
    await merge(service, *ids)
    response = await replay(service, seq)
    assert (response.json()["lead_id"], response.headers["Lead-Match"]) == (
        ids[0],
        "field=name; matches=1",
    )


async def test_it_is_applied_by_another_match(service: Service) -> None:
    _ids, seq = await ambiguous(service)
    lead = await service.lead(name="Nora F.", email="nora@field.example")
    match = {"field_name": "email", "field_value": "NORA@field.example"}
    response = await replay(service, seq, match=match)
    assert response.json()["lead_id"] == lead["id"]


async def test_a_dry_run_applies_nothing(service: Service) -> None:
    (_first, second), seq = await ambiguous(service)
    response = await service.client.post(
        f"/ledger/{seq}/replay?dry_run=true", json={"lead_id": second}
    )
    assert (response.json()["seq"], response.json()["lead"]["title"]) == (None, "Buyer")
    assert await last_seq(service) == seq
    assert await state_of(service, seq) == "open"


async def test_every_kind_of_delivery_is_applied(service: Service) -> None:
    number = await service.field()
    entries = [entry(number, "A-1")]
    lead = await service.lead()
    url = f"/leads/{lead['id']}"
    stale = {"If-Match": '"7"'}
    await service.client.put(url, json={"title": "Head"}, headers=stale)
    update = await last_seq(service)
    await service.client.post("/leads", json={"custom_fields": entries})
    create = await last_seq(service)
    item = {"id": lead["id"], "status": "nowhere", "title": "Chief"}
    await service.client.post("/leads/bulk_update", json={"leads": [item, {"title": "x"}]})
    bulk, nameless = await last_seq(service) - 1, await last_seq(service)
    await service.client.delete(url, headers=stale)
    delete = await last_seq(service)
    assert (await replay(service, update)).json()["lead"]["title"] == "Head"
    assert_invalid(await replay(service, create), "Name: can't be blank")
    await service.client.post("/lead_statuses", json={"name": "Nowhere"})
    assert (await replay(service, bulk)).json()["lead"]["title"] == "Chief"
    assert_invalid(await replay(service, nameless), "Id: can't be blank")
    chosen = await replay(service, nameless, lead_id=lead["id"])
    assert chosen.json()["lead"]["title"] == "x"
    gone = await replay(service, delete)
    assert (gone.json()["lead"], gone.headers["Lead-Outcome"]) == (None, "deleted")


async def test_what_cannot_be_applied(service: Service) -> None:
    lead = await service.lead()
    accepted = await last_seq(service)
    response = await replay(service, accepted)
    assert_invalid(response, "Seq: was not refused: there is nothing to apply")
    # Nothing was recorded.
    assert "Ledger-Row" not in response.headers
    await service.client.put(f"/leads/{lead['id']}", content=b"{")
    unread = await replay(service, await last_seq(service))
    assert_invalid(unread, "Seq: has a body that could not be read; send it again")
    await service.field()
    settings = await replay(service, await last_seq(service))
    assert_invalid(settings, "Seq: is no delivery of a lead")
    await undo(service, accepted + 1)
    assert_invalid(await replay(service, await last_seq(service)), "Seq: is no delivery of a lead")
    await service.client.post("/leads", json={})
    create = await last_seq(service)
    assert_invalid(
        await replay(service, create, lead_id=lead["id"]),
        "Lead Id: cannot be chosen for a delivery to create",
    )
    match = {"field_name": "name", "field_value": "Nora"}
    assert_invalid(
        await replay(service, create, match=match),
        "Match: cannot be chosen for a delivery to create",
    )
    _ids, seq = await ambiguous(service)
    assert_invalid(
        await replay(service, seq, match=match, lead_id=lead["id"]),
        "Match: cannot be sent with a lead_id",
    )
    assert (await replay(service, seq, lead_id=1)).status_code == 404
    unread = await replay(service, seq, lead_id="x")
    assert_invalid(unread, 'Lead Id: must be an integer or null, not "x"')


async def test_an_item_with_a_text_that_cannot_be_stored_is_not_applied(service: Service) -> None:
    await service.client.post("/leads/bulk_create", json={"leads": [{"name": "Nora\0"}]})
    response = await replay(service, await last_seq(service))
    assert_invalid(response, "Seq: has a text that cannot be stored; send it corrected")


async def test_a_delivery_without_a_match_is_applied_to_a_lead(service: Service) -> None:
    lead = await service.lead()
    await service.client.put("/leads/upsert", json={"properties": {"title": "Buyer"}})
    seq = await last_seq(service)
    assert_invalid(await replay(service, seq), "Match: can't be blank")
    response = await replay(service, seq, lead_id=lead["id"])
    assert response.json()["lead"]["title"] == "Buyer"
    match = {"field_name": "name", "field_value": "Nora Field"}
    assert (await replay(service, seq, match=match)).headers["Lead-Outcome"] == "unchanged"


async def test_a_delivery_is_dismissed_and_reopened(service: Service) -> None:
    _ids, seq = await ambiguous(service)
    for act, state, outcome in (
        ("dismiss", "dismissed", "decided"),
        ("dismiss", "dismissed", "unchanged"),
        ("reopen", "open", "decided"),
        ("reopen", "open", "unchanged"),
    ):
        response = await service.client.post(f"/ledger/{seq}/{act}")
        assert response.json() == {"seq": seq, "state": state}
        assert response.headers["Lead-Outcome"] == outcome
        assert await state_of(service, seq) == state


async def test_a_dismissal_can_be_tried(service: Service) -> None:
    _ids, seq = await ambiguous(service)
    response = await service.client.post(f"/ledger/{seq}/dismiss?dry_run=true")
    assert response.json() == {"seq": seq, "state": "dismissed"}
    assert await state_of(service, seq) == "open"


@pytest.mark.parametrize("act", ["dismiss", "reopen"])
async def test_what_was_not_refused_needs_no_decision(service: Service, act: str) -> None:
    await service.lead()
    response = await service.client.post(f"/ledger/{await last_seq(service)}/{act}")
    assert_invalid(response, "Seq: was not refused: there is nothing to decide")
