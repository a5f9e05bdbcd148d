"""How tests of the API do acts, and read the ledger."""

from __future__ import annotations

from typing import Any

import httpx
from tests.support.api.service import Service


async def merge(service: Service, into: int, *lead_ids: int | str, **body: Any) -> httpx.Response:
    """Merge leads into the first."""
    asked = {"lead_ids": list(lead_ids)} | body
    return await service.client.post(f"/leads/{into}/merge", json=asked)


async def undo(service: Service, seq: int, **body: Any) -> httpx.Response:
    """Take back a ledger row."""
    return await service.client.post(f"/ledger/{seq}/undo", json=body)


async def replay(service: Service, seq: int, **body: Any) -> httpx.Response:
    """Apply a refused delivery."""
    return await service.client.post(f"/ledger/{seq}/replay", json=body)


async def last_seq(service: Service) -> int:
    """Return the number of the newest ledger row."""
    return await service.store.ledger_seq(service.account.account_id)


async def row(service: Service, seq: int | None = None) -> dict[str, Any]:
    """Return a ledger row, by default the newest."""
    response = await service.client.get(f"/ledger/{seq or await last_seq(service)}")
    assert response.status_code == 200, response.text
    return dict(response.json())


async def rows(service: Service, **query: Any) -> list[dict[str, Any]]:
    """Return the ledger rows that a list finds."""
    response = await service.client.get("/ledger", params=query)
    assert response.status_code == 200, response.text
    return list(response.json())


async def ambiguous(service: Service, **properties: Any) -> tuple[list[int], int]:
    """Let a delivery by name be refused, and return the leads that it named and its row."""
    name = "Nora Twin"
    ids = [(await service.lead(name=name))["id"] for _ in range(2)]
    response = await service.upsert(properties or {"title": "Buyer"}, "name", name)
    assert response.json()["ids"] == ids
    return ids, await last_seq(service)


async def folded(service: Service) -> None:
    """Do all the figure work."""
    while await service.store.fold_ledger(service.account.account_id):
        pass
