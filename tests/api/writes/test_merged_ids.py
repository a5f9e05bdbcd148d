"""The id of a lead that was merged leads to the one that stands for it, in every call."""

from __future__ import annotations

from typing import Any, NamedTuple

import httpx
import pytest
from tests.support.api.answers import NOT_FOUND, assert_body
from tests.support.api.service import Service
from tests.support.api.wire_leads import stored_lead
from tests.support.domain.act_writes import merge, undo

from onelead.domain.writes import LeadWrite

BASE_PATH = "/developer_api/v1"


class Merged(NamedTuple):
    """A lead that was merged into another one, as it was, and the ledger number of that."""

    survivor_id: int
    old: dict[str, Any]
    seq: int

    @property
    def old_path(self) -> str:
        return f"/leads/{self.old['id']}"

    @property
    def path(self) -> str:
        return f"/leads/{self.survivor_id}"


async def done(service: Service, write: LeadWrite) -> int:
    receipt = await service.writer.write(service.account.account_id, write)
    assert receipt.result.refusal is None
    return receipt.seq


@pytest.fixture
async def merged(service: Service) -> Merged:
    """Nora, to whom another lead of hers was merged."""
    nora = await service.lead(title="Buyer")
    old = await service.lead(name="N. Field", title="Owner", tags=["vip"])
    seq = await done(service, merge(nora["id"], old["id"]))
    return Merged(nora["id"], old, seq)


def gone(merged: Merged) -> dict[str, Any]:
    text = f"Lead {merged.old['id']} was merged into lead {merged.survivor_id}, which was deleted"
    return {"success": False, "status": 404, "message": text}


async def test_an_old_id_is_answered_with_the_survivor(service: Service, merged: Merged) -> None:
    response = await service.client.get(merged.old_path)
    assert response.json() == await stored_lead(service, merged.survivor_id)
    assert response.headers["Lead-Merged-Into"] == str(merged.survivor_id)
    assert response.headers["Content-Location"] == BASE_PATH + merged.path
    own = await service.client.get(merged.path)
    assert response.headers["ETag"] == own.headers["ETag"] == '"2"'
    assert {"Lead-Merged-Into", "Content-Location"}.isdisjoint(own.headers)


async def test_a_merged_lead_can_be_shown_as_it_was(service: Service, merged: Merged) -> None:
    response = await service.client.get(merged.old_path, params={"unmerged": "true"})
    assert_body(response, 200, merged.old)
    assert response.headers["Lead-Merged-Into"] == str(merged.survivor_id)
    assert (response.headers["ETag"], response.headers.get("Content-Location")) == ('"1"', None)
    other = await service.lead(name="Nora F.")
    await done(service, merge(other["id"], merged.survivor_id))
    response = await service.client.get(merged.old_path, params={"unmerged": "true"})
    assert_body(response, 200, merged.old)
    assert response.headers["Lead-Merged-Into"] == str(other["id"])
    whole = await service.client.get(f"/leads/{other['id']}", params={"unmerged": "true"})
    assert whole.json() == await stored_lead(service, other["id"])


async def test_an_update_by_an_old_id_changes_the_survivor(
    service: Service, merged: Merged
) -> None:
    response = await service.client.put(merged.old_path, json={"title": "Head"})
    assert response.json() == await stored_lead(service, merged.survivor_id)
    assert response.headers["Lead-Merged-Into"] == str(merged.survivor_id)
    assert (response.headers["Lead-Changed"], response.headers["ETag"]) == ("title", '"3"')
    of_old = await service.client.put(merged.old_path, json={}, headers={"If-Match": '"3"'})
    assert of_old.status_code == 412


async def test_an_old_id_cannot_be_deleted(service: Service, merged: Merged) -> None:
    response = await service.client.delete(merged.old_path)
    text = f"lead {merged.old['id']} was merged into lead {merged.survivor_id}"
    message = f"Invalid input: {text}; name that one instead"
    assert_body(response, 422, {"success": False, "status": 422, "message": message})
    assert response.headers["Lead-Merged-Into"] == str(merged.survivor_id)
    assert (await service.client.get(merged.path)).status_code == 200


async def test_items_of_a_bulk_call_may_name_the_loser_and_the_survivor(
    service: Service, merged: Merged
) -> None:
    sam = await service.lead(name="Sam Roe")
    ids = [sam["id"], merged.old["id"], merged.survivor_id, merged.old["id"]]
    leads = [{"id": lead_id, "tags": [str(n)]} for n, lead_id in enumerate(ids)]
    response = await service.client.post("/leads/bulk_update", json={"leads": leads})
    survivor_id = merged.survivor_id
    assert [lead["id"] for lead in response.json()] == [sam["id"], *[survivor_id] * 3]
    assert [lead["tags"] for lead in response.json()] == [["0"], ["1"], ["2"], ["3"]]
    into = f"[1] {survivor_id}, [3] {survivor_id}"
    assert response.headers["Lead-Merged-Into"] == into


@pytest.mark.parametrize("as_list", [True, False])
async def test_a_search_by_both_ids_finds_the_survivor_once(
    service: Service, merged: Merged, *, as_list: bool
) -> None:
    sam = await service.lead(name="Sam Roe")

    async def found(*ids: int) -> list[int]:
        given: Any = list(ids) if as_list else ",".join(map(str, ids))
        options: dict[str, Any] = (
            {"json": {"ids": given}} if as_list else {"params": {"ids": given}}
        )
        response = await service.client.post("/leads/search", **options)
        assert response.headers["X-PW-TOTAL"] == str(len(response.json()))
        return [lead["id"] for lead in response.json()]

    old, survivor = merged.old["id"], merged.survivor_id
    assert await found(old) == [survivor]
    assert await found(survivor, old) == [survivor]
    assert await found(old, sam["id"]) == [survivor, sam["id"]]
    assert await found(7) == []
    everyone = await service.client.post("/leads/search", json={})
    assert [lead["id"] for lead in everyone.json()] == [survivor, sam["id"]]


async def test_old_ids_come_back_with_the_survivor(service: Service, merged: Merged) -> None:
    answer = await service.client.delete(merged.path)
    assert answer.status_code == 200

    async def answers() -> list[httpx.Response]:
        body = {"title": "Head"}
        return [
            await service.client.get(merged.old_path),
            await service.client.get(merged.old_path, params={"unmerged": "true"}),
            await service.client.put(merged.old_path, json=body),
            await service.client.delete(merged.old_path),
        ]

    for response in await answers():
        assert_body(response, 404, gone(merged))
    item = {"id": merged.old["id"], "title": "Head"}
    bulk = await service.client.post("/leads/bulk_update", json={"leads": [item]})
    failure = {"id": [{"error": "not_found"}]}
    assert bulk.json() == [{"success": False, "id": merged.old["id"], "message": failure}]
    assert_body(await service.client.delete(merged.path), 404, NOT_FOUND)
    found = await service.client.post("/leads/search", json={"ids": [merged.old["id"]]})
    assert found.json() == []
    deletion = (await service.client.get(f"{merged.path}/history")).json()
    seq = next(row["seq"] for row in deletion if row["outcome"] == "deleted")
    await done(service, undo(seq))
    assert [answer.status_code for answer in await answers()] == [200, 200, 200, 422]


async def test_an_undone_merge_gives_the_id_back(service: Service, merged: Merged) -> None:
    await done(service, undo(merged.seq))
    response = await service.client.get(merged.old_path)
    assert (response.json()["name"], response.headers.get("Lead-Merged-Into")) == ("N. Field", None)
    assert (await service.client.delete(merged.old_path)).status_code == 200
    assert_body(await service.client.get(merged.old_path), 404, NOT_FOUND)


async def test_another_account_does_not_see_merged_leads(service: Service, merged: Merged) -> None:
    other = await service.other_account()
    for answer in (
        await other.get(merged.old_path),
        await other.get(merged.old_path, params={"unmerged": "true"}),
        await other.put(merged.old_path, json={"title": "Thief"}),
        await other.delete(merged.old_path),
    ):
        assert_body(answer, 404, NOT_FOUND)
    found = await other.post("/leads/search", json={"ids": [merged.old["id"], merged.survivor_id]})
    assert found.json() == []
