"""One refused delivery: its state, applied as sent or corrected, dismissed, put back."""

from __future__ import annotations

import json

import pytest
from tests.support.api.service import Service
from tests.support.web.browser_client import Browser
from tests.support.web.web_service import Web


async def fold(service: Service) -> None:
    """Let the queue follow the ledger."""
    while await service.store.fold_ledger(service.account.account_id):
        pass


async def refused(service: Service) -> None:
    """Deliver something that is refused, as row 1."""
    body = {"title": "Buyer", "monetary_value": "many"}
    assert (await service.client.post("/leads", json=body)).status_code == 422
    await fold(service)


async def test_a_refused_delivery_says_that_it_waits_and_where(
    service: Service, browser: Browser
) -> None:
    await refused(service)
    shown = await browser.get("/deliveries/1")
    assert "It waits for a decision" in shown.texts("#state")[0]
    shown = await shown.follow("#state a[href='/queue/1']")
    assert shown.texts("section#group ol li a") == ["#1"]


async def test_dismissed_and_put_back(service: Service, browser: Browser) -> None:
    await refused(service)
    shown = await browser.get("/deliveries/1")
    shown = await shown.submit("#state form", button="[value=dismiss]")
    assert "It was dismissed by #2" in shown.texts("#state")[0]
    shown = await shown.submit("#state form", button="[value=reopen]")
    assert "It waits for a decision since #3" in shown.texts("#state")[0]
    shown = await shown.submit("#state form", button="[value=apply]")
    assert "It was refused again" in shown.text
    await fold(service)
    assert len((await browser.get("/deliveries?state=open")).texts("ol.divide-y > li")) == 1


async def test_corrected_checked_and_sent(service: Service, member: Browser) -> None:
    await refused(service)
    early = await member.get("/deliveries/1")
    shown = await early.follow("#state a[href$='/correct']")
    sent = json.loads(shown.one("#body").get_text())
    assert sent == {"title": "Buyer", "monetary_value": "many"}
    shown = await shown.submit("#correct", {"body": "{"}, button="[value=check]")
    assert (shown.status, "Nothing was saved" in shown.text) == (400, True)
    still = json.dumps(sent | {"monetary_value": 3})
    shown = await shown.submit("#correct", {"body": still}, button="[value=send]")
    assert (shown.status, "Name: can't be blank" in shown.text) == (422, True)
    good = json.dumps(sent | {"monetary_value": 3, "name": "Nora Field"})
    shown = await shown.submit("#correct", {"body": good}, button="[value=check]")
    assert "This would be accepted: created" in shown.text
    shown = await shown.submit("#correct", button="[value=send]")
    assert "The delivery was applied." in shown.text
    assert shown.one('dd a[href="/deliveries/1"]')
    shown = await member.get("/deliveries/1")
    assert "It was applied by #3" in shown.texts("#state")[0]
    assert json.loads(shown.one("#payload").get_text()) == sent
    assert not shown.html.select("#state a[href$='/correct'], #state button")
    late = await early.submit("#state form", button="[value=dismiss]")
    assert "It was applied by #3" in late.texts("#state")[0]
    assert "was dismissed" not in late.text
    assert len((await member.get("/deliveries?state=applied")).texts("ol.divide-y > li")) == 1


async def test_a_delivery_that_its_sender_corrected(service: Service, browser: Browser) -> None:
    await service.lead()
    for path in ("/deliveries/1/correct", "/deliveries/9/correct"):
        assert (await browser.get(path, status=None)).status == 404


async def test_an_unread_delivery_can_only_be_dismissed(service: Service, browser: Browser) -> None:
    await service.client.put("/leads/upsert", content=b"{ not json")
    shown = await browser.get("/deliveries/1/correct")
    assert shown.path == "/deliveries/1"
    assert [one["value"] for one in shown.html.select("#state button")] == ["dismiss"]


@pytest.mark.parametrize("what", ["decide", "correct"])
async def test_strangers_and_forged_forms_do_nothing(
    web: Web, service: Service, browser: Browser, what: str
) -> None:
    await refused(service)
    forged = [("do", "dismiss"), ("body", "{}")]
    assert (await browser.post(f"/deliveries/1/{what}", forged)).status == 403
    stranger = await web.stranger()
    csrf = str((await stranger.get("/leads/new")).html.select("[name=csrf]")[0]["value"])
    sent = await stranger.post(f"/deliveries/1/{what}", [*forged, ("csrf", csrf)])
    assert sent.status == 404
    assert "It waits for a decision" in (await browser.get("/deliveries/1")).texts("#state")[0]


async def test_an_unknown_state_is_a_problem(browser: Browser) -> None:
    shown = await browser.get("/deliveries?state=lost", status=422)
    assert 'State must be open, applied or dismissed: "lost"' in shown.text
