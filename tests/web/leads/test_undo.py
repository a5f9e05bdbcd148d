"""Taking back what a ledger row did: what it would do, the undo, and the undo of the undo."""

from __future__ import annotations

from tests.support.api.service import Service
from tests.support.web.browser_client import Browser, Shown
from tests.support.web.web_service import Web

FLASH = "[role=status] p"
FLASH_UNDO = '[role=status] form[action^="/ledger/"]'
UNDO = '#undo form[action$="/undo"]'


async def titled(service: Service, *titles: str) -> int:
    lead = await service.lead()
    for title in titles:
        await service.client.put(f"/leads/{lead['id']}", json={"title": title})
    return int(lead["id"])


async def title(service: Service, lead_id: int) -> str | None:
    answer = (await service.client.get(f"/leads/{lead_id}")).json()
    found: str | None = answer["title"]
    return found


async def asked(browser: Browser, seq: int, then: str = "") -> Shown:
    return await browser.get(f"/ledger/{seq}/undo?then={then}")


async def test_a_change_is_shown_before_it_is_undone(member: Browser, service: Service) -> None:
    lead_id = await titled(service, "Buyer", "Owner")
    shown = await asked(member, 3)
    assert "Title Owner → became Buyer" in shown.text
    assert await title(service, lead_id) == "Owner"
    done = await shown.submit(UNDO)
    assert done.path == f"/leads/{lead_id}"
    assert done.texts(FLASH) == ["The change was undone."]
    assert await title(service, lead_id) == "Buyer"


async def test_an_undo_can_be_undone_from_the_next_page(browser: Browser, service: Service) -> None:
    lead_id = await titled(service, "Buyer")
    done = await (await asked(browser, 2, "/leads")).submit(UNDO)
    assert done.path == "/leads"
    again = await done.submit(FLASH_UNDO)
    assert again.path == "/leads"
    assert again.texts(FLASH) == ["The change was undone."]
    assert await title(service, lead_id) == "Buyer"
    # It is the flash of this page only.
    assert (await browser.get("/leads")).texts("[role=status] form") == []


async def test_what_was_changed_since_is_kept_and_named(browser: Browser, service: Service) -> None:
    lead_id = await titled(service, "Buyer")
    await service.client.put(f"/leads/{lead_id}", json={"title": "Owner"})
    shown = await asked(browser, 2)
    assert "Undoing it would change nothing" in shown.text
    assert "Title, because the field was changed since by delivery 3" in shown.text
    assert shown.html.select(UNDO) == []


async def test_a_part_can_be_kept(browser: Browser, service: Service) -> None:
    lead = await service.lead()
    both = {"title": "Buyer", "company_name": "Field & Sons"}
    await service.client.put(f"/leads/{lead['id']}", json=both)
    await service.client.put(f"/leads/{lead['id']}", json={"title": "Owner"})
    done = await (await asked(browser, 2)).submit(UNDO)
    assert done.texts(FLASH) == ["The change was undone. Not changed back: Title."]
    answer = (await service.client.get(f"/leads/{lead['id']}")).json()
    assert (answer["title"], answer["company_name"]) == ("Owner", None)


async def test_a_creation_asks_again_when_changes_would_be_lost(
    browser: Browser, service: Service
) -> None:
    lead_id = await titled(service, "Buyer")
    refused = await browser.post("/ledger/1/undo", await csrf(browser))
    assert refused.status == 409
    assert "Changes that were made since would be lost." in refused.text
    assert (await asked(browser, 1)).texts(f"{UNDO} button") == ["Undo it and lose these changes"]
    done = await refused.submit(UNDO)
    assert done.texts(FLASH) == ["The creation was undone: the lead is deleted."]
    assert (await service.client.get(f"/leads/{lead_id}")).status_code == 404
    back = await done.submit(FLASH_UNDO)
    assert back.path == f"/leads/{lead_id}"
    assert await title(service, lead_id) == "Buyer"


async def csrf(browser: Browser) -> list[tuple[str, str]]:
    return [("csrf", str((await browser.get("/leads")).html.select("[name=csrf]")[0]["value"]))]


async def test_a_deletion_is_undone_from_the_flash(browser: Browser, service: Service) -> None:
    lead_id = await titled(service, "Buyer")
    deleted = await (await browser.get(f"/leads/{lead_id}/delete")).submit("main form")
    assert deleted.texts(FLASH) == ["The lead was deleted. Its history is kept."]
    back = await deleted.submit(FLASH_UNDO)
    assert back.texts(FLASH) == [f"Undone: lead {lead_id} stands again."]
    assert await title(service, lead_id) == "Buyer"


async def test_what_was_undone_says_so(browser: Browser, service: Service) -> None:
    await titled(service, "Buyer")
    await (await asked(browser, 2)).submit(UNDO)
    shown = await asked(browser, 2)
    assert "This was undone already, by delivery 3" in shown.text
    assert shown.one('#undo a[href="/ledger/3/undo"]')


async def test_a_refused_row_cannot_be_undone(browser: Browser, service: Service) -> None:
    lead_id = await titled(service, "x" * 256)
    shown = await browser.get("/ledger/2/undo", status=422)
    assert "was refused: there is nothing to undo" in shown.text
    done = await browser.post("/ledger/2/undo", await csrf(browser))
    assert done.status == 422
    assert await title(service, lead_id) is None


async def test_other_rows_and_other_paths_are_refused(
    web: Web, browser: Browser, service: Service
) -> None:
    await titled(service, "Buyer")
    for seq in ("99", "x", "0", "9" * 30):
        await browser.get(f"/ledger/{seq}/undo", status=404)
        assert (await browser.post(f"/ledger/{seq}/undo", await csrf(browser))).status == 404
    assert (await browser.post("/ledger/2/undo", [])).status == 403
    shown = await asked(browser, 2, "https://elsewhere.example/")
    done = await shown.submit(UNDO)
    assert done.path == "/"
