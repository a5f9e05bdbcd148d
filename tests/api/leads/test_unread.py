"""A delivery that cannot be read is in the ledger: from whom, why, how large, how it began."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from tests.support.api.service import Service

from onelead.domain.limits import REQUEST_BODY_BYTES_MAX, UNREAD_BYTES_MAX

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
GZIP = {"Content-Encoding": "gzip"}


async def row(service: Service, seq: int = 1) -> Any:
    """Return a ledger row."""
    return (await service.store.ledger_row(service.account.account_id, seq)).row


@pytest.mark.parametrize(
    ("method", "path", "action"),
    [
        ("POST", "/leads", "create"),
        ("PUT", "/leads/upsert", "upsert"),
        ("PUT", "/leads/1000000071", "update"),
        ("POST", "/leads/bulk_create", "create"),
        ("POST", "/leads/bulk_update", "update"),
    ],
)
async def test_every_write_of_leads_leaves_a_row(
    service: Service, method: str, path: str, action: str
) -> None:
    response = await service.client.request(method, path, content=b"name=Nora", headers=FORM)
    assert response.status_code == 400
    assert response.headers["Lead-Outcome"] == "refused"
    found = await row(service)
    assert (found.action, found.outcome, found.unread_bytes) == (action, "refused", 9)
    assert found.message == response.json()["message"]
    assert "is a form (application/x-www-form-urlencoded); send JSON" in found.message
    assert found.user_id == service.account.user_id
    assert found.api_key_id is not None
    assert found.request_id == response.headers["X-Request-Id"]
    assert json.loads(found.payload) == "name=Nora"


@pytest.mark.parametrize(
    ("content", "headers", "status", "size", "start"),
    [
        (b'{"name": "Nora"', {}, 400, 15, '{"name": "Nora"'),
        (b"\xff\xfe{\x00}\x00", {}, 400, 6, "\\xff\\xfe{\\0}\\0"),
        (b'{"name": "\\u0000"}', {}, 400, 18, '{"name": "\\u0000"}'),
        (b'{"name": "Nora"} ', {"Content-Encoding": "br"}, 415, 17, '{"name": "Nora"} '),
        (b"{" * 3_000, {}, 400, 3_000, "{" * UNREAD_BYTES_MAX),
    ],
)
async def test_the_row_has_the_size_and_the_beginning_as_it_came(
    service: Service,
    content: bytes,
    headers: dict[str, str],
    status: int,
    size: int,
    start: str,
) -> None:
    response = await service.client.post("/leads", content=content, headers=headers)
    assert response.status_code == status
    found = await row(service)
    assert (found.unread_bytes, json.loads(found.payload)) == (size, start)


async def test_a_body_that_is_too_large_has_its_declared_size(service: Service) -> None:
    body = b'{"name": "' + b"x" * REQUEST_BODY_BYTES_MAX + b'"}'
    response = await service.client.post("/leads", content=body)
    assert response.status_code == 413
    assert (await row(service)).unread_bytes == len(body)


async def test_a_bomb_has_the_size_in_which_it_came(service: Service) -> None:
    bomb = gzip.compress(b" " * (2 * REQUEST_BODY_BYTES_MAX))
    response = await service.client.post("/leads", content=bomb, headers=GZIP)
    assert response.status_code == 413
    assert (await row(service)).unread_bytes == len(bomb)


async def test_it_is_part_of_the_lead_s_history_when_the_path_names_the_lead(
    service: Service,
) -> None:
    lead = await service.lead()
    await service.client.put(f"/leads/{lead['id']}", content=b"{")
    newest = (await service.client.get(f"/leads/{lead['id']}/history")).json()[0]
    assert (newest["outcome"], newest["unread_bytes"], newest["payload"]) == ("refused", 1, "{")


async def test_what_is_no_delivery_leaves_none(service: Service) -> None:
    for path in ("/leads/search", "/custom_field_definitions"):
        assert (await service.client.post(path, content=b"{")).status_code == 400
    unauthorised = await service.client.post(
        "/leads", content=b"{", headers={"X-PW-AccessToken": "ol_other"}
    )
    assert unauthorised.status_code == 401
    assert (await service.store.account_rows(service.account.account_id)).ledger == []
