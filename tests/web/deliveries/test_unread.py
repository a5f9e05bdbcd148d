"""The deliveries whose body could not be read: a tab of their own, and how each began."""

from __future__ import annotations

from tests.support.api.service import Service
from tests.support.web.browser_client import Browser

TAB = "/deliveries?about=unread"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def test_the_tab_has_them_and_nothing_else(
    browser: Browser, member: Browser, service: Service
) -> None:
    await service.lead()
    await service.client.post("/leads", json={"name": " "})
    await service.client.post("/leads", content=b"name=Nora", headers=FORM)
    for who in (browser, member):
        shown = await who.get(TAB)
        rows = shown.html.select('section[aria-label="Deliveries found"] > ol > li')
        assert len(rows) == 1
        assert "is a form (application/x-www-form-urlencoded); send JSON" in shown.text
        assert shown.one('nav[aria-label="Deliveries"] [aria-current]').get_text() == (
            "Could not be read"
        )
    everything = await browser.get("/deliveries")
    assert everything.one('nav[aria-label="Deliveries"] [aria-current]').get_text() == "All"
    assert len(everything.html.select('section[aria-label="Deliveries found"] > ol > li')) == 3


async def test_one_of_them_shows_its_beginning_as_text(browser: Browser, service: Service) -> None:
    await service.client.put("/leads/upsert", content=b'{"name": "<b>\x00')
    shown = await browser.get("/deliveries/1")
    assert "The beginning of 14 bytes" in shown.text
    assert shown.one("#payload").get_text() == '{"name": "<b>\\0'
    assert not shown.html.select('a[href^="/try"]:not(.nav-link)')


async def test_an_account_without_any_is_told_so(browser: Browser, service: Service) -> None:
    await service.lead()
    assert "Everything could be read" in (await browser.get(TAB)).text
