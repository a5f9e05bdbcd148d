"""`If-Match` on an update and a delete: a write for another version is refused."""

from __future__ import annotations

import httpx
import pytest
from tests.support.api.answers import NOT_FOUND, assert_body
from tests.support.api.service import Service
from tests.support.api.wire_leads import assert_receipt

CONFLICT = {
    "success": False,
    "status": 412,
    "message": "The lead has changed in the meantime; its version is 2 now",
}


async def changed_lead(service: Service) -> str:
    """Return the path of a lead in version 2."""
    lead = await service.lead(title="Buyer")
    path = f"/leads/{lead['id']}"
    await service.client.put(path, json={"title": "Owner"})
    return path


async def title_of(client: httpx.AsyncClient, path: str) -> str:
    return str((await client.get(path)).json()["title"])


async def test_the_etag_of_an_answer_is_taken(service: Service) -> None:
    path = await changed_lead(service)
    etag = (await service.client.get(path)).headers["ETag"]
    response = await service.client.put(path, json={"title": "Head"}, headers={"If-Match": etag})
    assert_receipt(response, lead_outcome="updated", lead_changed="title", etag='"3"')
    etag = response.headers["ETag"]
    assert (await service.client.delete(path, headers={"If-Match": etag})).status_code == 200


@pytest.mark.parametrize("tag", ['"1"', '"3"', 'W/"2"', '"abc"', '""', '"2.0"', f'"{10**30}"'])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_another_version_is_refused(service: Service, method: str, tag: str) -> None:
    path = await changed_lead(service)
    response = await service.client.request(
        method, path, headers={"If-Match": tag}, content=b'{"title": "Head"}'
    )
    assert_body(response, 412, CONFLICT)
    assert_receipt(response, lead_outcome="refused", lead_changed="", etag='"2"')
    assert await title_of(service.client, path) == "Owner"


async def test_the_refusal_is_in_the_history(service: Service) -> None:
    path = await changed_lead(service)
    await service.client.put(path, json={"title": "Head"}, headers={"If-Match": '"1"'})
    newest, *_ = (await service.client.get(f"{path}/history")).json()
    assert (newest["outcome"], newest["message"]) == ("refused", CONFLICT["message"])
    assert newest["payload"] == {"title": "Head"}


async def test_a_write_without_effect_is_refused_too(service: Service) -> None:
    path = await changed_lead(service)
    response = await service.client.put(path, json={}, headers={"If-Match": '"1"'})
    assert_body(response, 412, CONFLICT)


@pytest.mark.parametrize("tag", ["*", " * ", ""])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_any_version(service: Service, method: str, tag: str) -> None:
    path = await changed_lead(service)
    response = await service.client.request(method, path, headers={"If-Match": tag})
    assert response.status_code == 200


@pytest.mark.parametrize(
    "tag", ["2", '"2', "'2'", '"1", "2"', '*, "2"', 'w/"2"', '"a b"', "2" * 99]
)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_what_is_not_one_tag_is_not_read(service: Service, method: str, tag: str) -> None:
    path = await changed_lead(service)
    response = await service.client.request(method, path, headers={"If-Match": tag})
    shown = tag if len(tag) <= 60 else tag[:60] + "..."
    message = f'If-Match must be * or one ETag, as in "3": {shown}'
    assert_body(response, 400, {"success": False, "status": 400, "message": message})
    assert await title_of(service.client, path) == "Owner"


async def test_two_headers_are_a_list(service: Service) -> None:
    path = await changed_lead(service)
    headers = [("If-Match", '"1"'), ("If-Match", '"2"')]
    assert (await service.client.put(path, json={}, headers=headers)).status_code == 400


async def test_a_lead_that_is_not_there(client: httpx.AsyncClient) -> None:
    response = await client.put("/leads/77", json={}, headers={"If-Match": '"1"'})
    assert_body(response, 404, NOT_FOUND)


async def test_other_calls_do_not_read_it(service: Service) -> None:
    lead = await service.lead()
    service.client.headers["If-Match"] = '"99"'
    leads = [{"id": lead["id"], "title": "Buyer"}]
    (item,) = (await service.client.post("/leads/bulk_update", json={"leads": leads})).json()
    assert item["title"] == "Buyer"
    assert (await service.client.post("/leads", json={"name": "Sam Roe"})).status_code == 200
