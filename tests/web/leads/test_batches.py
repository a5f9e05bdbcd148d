"""A bulk change of the leads page is one batch, with a page that shows and undoes it."""

from __future__ import annotations

import asyncio

import pytest
from tests.support.api.service import Service
from tests.support.web.browser_client import Browser, Shown
from tests.support.web.web_service import Web

from onelead.domain.limits import LEDGER_SLICE_ROWS, SELECTED_CHUNK_LEADS
from onelead.domain.search import LeadSearch
from onelead.process.batch_undo_work import BatchUndoer


async def names(service: Service) -> list[str]:
    search = LeadSearch(limit=100_000)
    page = await service.store.search_leads(service.account.account_id, search, now=0)
    return [lead.name for lead in page.leads]


async def work(service: Service) -> None:
    """Do all that the background work would do."""

    async def go_on() -> bool:
        return True

    undoer = BatchUndoer(service.store, service.writer, "test", go_on)
    while await undoer.step(service.account.account_id):
        pass


async def deleted(browser: Browser, service: Service, count: int) -> Shown:
    """Delete new leads by a bulk change, and return its last page."""
    created = [service.lead(name=f"Nora {number:03}") for number in range(count)]
    ids = [str(lead["id"]) for lead in await asyncio.gather(*created)]
    shown = await (await browser.get("/leads")).submit(
        "#selection", {"ids": ids}, button='button[value="delete"]'
    )
    shown = await shown.submit("#change")
    while shown.html.select("#continue"):
        shown = await shown.submit("#continue")
    return shown


def batch_path(shown: Shown) -> str:
    (link,) = [str(one["href"]) for one in shown.html.select("a") if one.text == "All results"]
    return link


async def test_all_chunks_of_a_change_are_one_batch(member: Browser, service: Service) -> None:
    count = SELECTED_CHUNK_LEADS + 10
    shown = await deleted(member, service, count)
    page = await member.get(batch_path(shown))
    assert page.one("h1").text == "Bulk change"
    assert page.one("#summary").get_text(" ", strip=True) == f"deleted {count}"
    assert len(page.html.select("#rows tbody tr")) == LEDGER_SLICE_ROWS
    more = await member.get(str(page.html.select("a[href*='after=']")[0]["href"]))
    assert len(more.html.select("#rows tbody tr")) == LEDGER_SLICE_ROWS


async def test_a_change_is_undone_and_done_again(member: Browser, service: Service) -> None:
    path = batch_path(await deleted(member, service, 3))
    asked = await member.get(f"{path}/undo")
    assert asked.one("#preview").get_text(" ", strip=True) == "restored 3"
    begun = await asked.submit("#undo")
    assert "It goes on in the background" in begun.text
    assert begun.html.select("#batch[data-refresh]")
    await work(service)
    assert sorted(await names(service)) == ["Nora 000", "Nora 001", "Nora 002"]
    done = await member.get(begun.path)
    assert done.one("#summary").get_text(" ", strip=True) == "restored 3"
    assert not done.html.select("#batch[data-refresh]")
    assert "is done" in (await member.get(path)).text
    again = await (await member.get(f"{begun.path}/undo")).submit("#undo")
    await work(service)
    assert await names(service) == []
    assert "deleted 3" in (await member.get(again.path)).one("#summary").get_text(" ", strip=True)


async def test_what_would_be_lost_is_asked_for(browser: Browser, service: Service) -> None:
    body = {"leads": [{"name": "Ann Lee"}, {"name": "Ben Lee"}]}
    created = await service.client.post("/leads/bulk_create", json=body)
    await service.client.put(f"/leads/{created.json()[0]['id']}", json={"title": "Buyer"})
    asked = await browser.get(f"/batches/{created.headers['Lead-Batch']}/undo")
    assert "1 were changed since" in asked.text
    begun = await asked.submit("#undo", force="1")
    await work(service)
    assert await names(service) == []
    assert "even where later changes are lost" in (await browser.get(begun.path)).text


@pytest.mark.parametrize("batch_id", ["unknown", "%00", "x" * 65])
async def test_an_unknown_batch_is_not_found(browser: Browser, batch_id: str) -> None:
    assert (await browser.get(f"/batches/{batch_id}", status=None)).status == 404
    assert (await browser.get(f"/batches/{batch_id}/undo", status=None)).status == 404


async def test_the_batch_of_another_account_is_not_found(
    web: Web, browser: Browser, service: Service
) -> None:
    path = batch_path(await deleted(browser, service, 1))
    stranger = await web.stranger()
    assert (await stranger.get(path, status=None)).status == 404
    assert (await stranger.get(f"{path}/undo", status=None)).status == 404
