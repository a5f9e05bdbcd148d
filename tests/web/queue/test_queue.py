"""Needs a decision: one answer applies to all deliveries that wait for the same reason."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.api.service import Service
from tests.support.web.browser_client import Browser, Shown, fields_of
from tests.support.web.web_service import Web

from onelead.web.queue import answers

EMAIL = "nora@field.example"


async def fold(service: Service) -> None:
    """Let the queue follow the ledger."""
    while await service.store.fold_ledger(service.account.account_id):
        pass


async def two_leads(service: Service) -> tuple[int, int]:
    """Create two leads with one e-mail."""
    email = {"email": EMAIL}
    first = await service.lead(email=email)
    second = await service.lead(name="N. Field", email=email, title="Owner")
    return first["id"], second["id"]


async def ambiguous(service: Service, *titles: str) -> None:
    """Deliver upserts by the e-mail of both leads, and fold."""
    for title in titles:
        answer = await service.upsert({"title": title, "tags": [title]}, "email", EMAIL)
        assert answer.status_code == 422
    await fold(service)


async def lead_of(service: Service, lead_id: int) -> dict[str, Any]:
    return dict((await service.client.get(f"/leads/{lead_id}")).json())


async def answered(shown: Shown, answer: str, lead_id: int | None = None) -> Shown:
    values = {} if lead_id is None else {"lead_id": str(lead_id)}
    return await shown.submit("#answer", values, button=f'[value="{answer}"]')


async def test_the_page_says_what_it_is_for_when_nothing_waits(browser: Browser) -> None:
    shown = await browser.get("/queue")
    assert "Nothing waits for a decision" in shown.text
    assert shown.texts("nav[aria-label=Main] a[href='/queue']") == ["Needs a decision"]


async def test_this_one_applies_all_that_wait_oldest_first_and_can_be_undone(
    service: Service, browser: Browser
) -> None:
    first, second = await two_leads(service)
    await ambiguous(service, "Buyer", "Owner", "Boss")
    shown = await browser.get("/queue")
    assert shown.texts("#group-title") == [f"2 leads by e-mail {EMAIL}"]
    assert "3 deliveries wait, from API key first key" in shown.text
    assert shown.texts("nav[aria-label=Main] a[href='/queue'] .badge") == ["3 deliveries wait"]
    assert shown.texts("section#group h3")[0] == "Side by side"
    shown = await answered(shown, "once", first)
    assert shown.path.startswith("/queue?undo=")
    assert "3 deliveries were applied." in shown.text
    assert "Nothing waits" in shown.text
    lead = await lead_of(service, first)
    assert (lead["title"], lead["tags"]) == ("Boss", ["Boss"])
    assert (await lead_of(service, second))["title"] == "Owner"
    # The value is as ambiguous as before.
    await ambiguous(service, "Later")
    shown = await shown.submit("form:has([value=undo])")
    assert "The answer was taken back." in shown.text
    assert "4 deliveries wait" in shown.text
    assert (await lead_of(service, first))["title"] is None


async def test_always_this_one_answers_later_deliveries_too(
    service: Service, browser: Browser
) -> None:
    _first, second = await two_leads(service)
    await ambiguous(service, "Buyer")
    shown = await answered(await browser.get("/queue"), "always", second)
    assert "1 delivery was applied." in shown.text
    answer = await service.upsert({"title": "Boss"}, "email", EMAIL)
    assert (answer.status_code, answer.json()["id"]) == (200, second)
    await shown.submit("form:has([value=undo])")
    answer = await service.upsert({"title": "Chief"}, "email", EMAIL)
    assert answer.status_code == 422


async def test_they_are_one_person_merges_and_applies(service: Service, browser: Browser) -> None:
    first, second = await two_leads(service)
    await ambiguous(service, "Buyer")
    shown = await browser.get("/queue")
    link = str(shown.one("#merge-first")["href"])
    assert link.startswith(f"/leads/{first}/merge?with={second}&then=/queue/")
    shown = await answered(shown, "merge", first)
    assert "1 delivery was applied." in shown.text
    assert (await lead_of(service, first))["title"] == "Buyer"
    answer = await service.upsert({"title": "Boss"}, "name", "N. Field")
    assert (answer.status_code, answer.json()["id"]) == (200, first)
    await shown.submit("form:has([value=undo])")
    assert (await lead_of(service, second))["name"] == "N. Field"


async def test_after_a_merge_elsewhere_it_is_enough_to_try_again(
    service: Service, browser: Browser
) -> None:
    first, second = await two_leads(service)
    await ambiguous(service, "Buyer", "Boss")
    merged = await service.client.post(f"/leads/{first}/merge", json={"lead_ids": [second]})
    assert merged.status_code == 200
    shown = await browser.get("/queue")
    assert "Only one of the leads that matched is still a lead of its own" in shown.text
    shown = await answered(shown, "replay")
    assert "2 deliveries were applied." in shown.text
    assert (await lead_of(service, first))["title"] == "Boss"


async def test_dismissed_deliveries_leave_the_queue_and_come_back(
    service: Service, browser: Browser
) -> None:
    await two_leads(service)
    await ambiguous(service, "Buyer", "Owner")
    shown = await answered(await browser.get("/queue"), "dismiss")
    assert "2 deliveries were dismissed." in shown.text
    assert (await browser.get("/deliveries?state=dismissed")).text.count("Upsert refused") == 2
    shown = await shown.submit("form:has([value=undo])")
    assert "2 deliveries wait" in shown.text


async def test_a_lead_has_to_be_chosen(service: Service, browser: Browser) -> None:
    await two_leads(service)
    await ambiguous(service, "Buyer")
    shown = await answered(await browser.get("/queue"), "once")
    assert shown.status == 422
    assert "Choose the lead that is meant" in shown.text
    assert (await answered(await browser.get("/queue"), "once", 999)).status == 404
    assert "1 delivery waits" in (await browser.get("/queue")).text


async def test_another_reason_is_tried_again_after_it_was_mended(
    service: Service, browser: Browser
) -> None:
    value = {"custom_field_definition_id": 0, "value": "A-1"}
    field = await service.field(is_filterable=False)
    match = value | {"custom_field_definition_id": field["id"]}
    for name in ("Nora Field", "Omar Reed"):
        answer = await service.upsert({"name": name}, "custom", match)
        assert answer.status_code == 422
    await fold(service)
    shown = await browser.get("/queue")
    assert "2 deliveries wait" in shown.text
    assert '"Omar Reed"' in shown.one("#payload").get_text()
    shown = await answered(shown, "replay")
    assert "2 deliveries were refused again" in shown.text
    path = f"/custom_field_definitions/{field['id']}"
    assert (await service.client.put(path, json={"is_filterable": True})).status_code == 200
    while await service.store.build_index(service.account.account_id):
        pass
    shown = await answered(await browser.get("/queue"), "replay")
    assert "1 delivery was refused" not in shown.text
    assert "applied" in shown.text


async def test_bodies_that_could_not_be_read_can_only_be_dismissed(
    service: Service, browser: Browser
) -> None:
    sent = await service.client.put("/leads/upsert", content=b"{ not json")
    assert sent.status_code == 400
    await fold(service)
    shown = await browser.get("/queue")
    assert "{ not json" in shown.one("#payload").get_text()
    assert [one["value"] for one in shown.html.select("#answer button")] == ["dismiss"]
    assert "1 delivery was dismissed." in (await answered(shown, "dismiss")).text


async def test_groups_follow_each_other(service: Service, browser: Browser) -> None:
    await two_leads(service)
    await ambiguous(service, "Buyer")
    await service.client.post("/leads", json={"title": "Boss"})
    await fold(service)
    # It is older, but a click can answer it.
    shown = await browser.get("/queue")
    assert EMAIL in shown.texts("#group-title")[0]
    shown = await shown.follow("[data-key=k]")
    assert "Name: can't be blank" in shown.texts("#group-title")[0]
    assert not shown.html.select("[data-key=k]")
    shown = await shown.follow("[data-key=j]")
    assert EMAIL in shown.texts("#group-title")[0]
    assert len(shown.html.select("nav[aria-label='What waits'] li")) == 2
    # A delivery that does not wait has its own page.
    assert (await browser.get("/queue/1")).path == "/deliveries/1"


async def test_much_work_is_done_in_parts(
    service: Service, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "QUEUE_ANSWERED_AT_ONCE_MAX", 2)
    first, _second = await two_leads(service)
    await ambiguous(service, "a", "b", "c", "d", "e")
    shown = await answered(await browser.get("/queue"), "once", first)
    assert "2 of 5" in shown.text
    # What arrives in between waits for an answer of its own.
    await ambiguous(service, "f")
    shown = await shown.submit("#continue")
    assert "4 of 5" in shown.text
    shown = await shown.submit("#continue")
    assert "5 deliveries were applied." in shown.text
    assert "1 delivery waits" in shown.text
    assert (await lead_of(service, first))["title"] == "e"
    shown = await shown.submit("form:has([value=undo])")
    while shown.html.select("#continue"):
        shown = await shown.submit("#continue")
    assert "6 deliveries wait" in shown.text


async def test_what_somebody_else_has_answered(service: Service, browser: Browser) -> None:
    first, _second = await two_leads(service)
    await ambiguous(service, "Buyer")
    seen = await browser.get("/queue")
    await answered(await browser.get("/queue"), "dismiss")
    shown = await answered(seen, "once", first)
    assert "Somebody has answered this already." in shown.text
    assert (await lead_of(service, first))["title"] is None


async def test_an_answer_that_is_sent_twice_is_given_once(
    service: Service, browser: Browser
) -> None:
    first, _second = await two_leads(service)
    await ambiguous(service, "Buyer")
    form = [*fields_of((await browser.get("/queue")).one("#answer")), ("lead_id", str(first))]
    for _ in range(2):
        shown = await browser.post("/queue/answer", [*form, ("answer", "always")])
    assert shown.path.startswith("/queue?undo=")
    rows = (await service.store.account_rows(service.account.account_id)).ledger
    assert [row.action for row in rows[-2:]] == ["update", "upsert"]


async def test_members_decide_and_other_accounts_see_nothing(
    web: Web, service: Service, member: Browser
) -> None:
    first, _second = await two_leads(service)
    await ambiguous(service, "Buyer")
    stranger = await web.stranger()
    shown = await stranger.get("/queue")
    assert "Nothing waits" in shown.text
    assert (await stranger.get("/queue/3", status=None)).status == 404
    page = await member.get("/queue")
    fields = [("group", f"match email {EMAIL}"), ("until", "3"), ("lead_id", str(first))]
    forged = await member.post("/queue/answer", [*fields, ("answer", "once")])
    assert forged.status == 403
    assert "1 delivery was applied." in (await answered(page, "once", first)).text


async def test_hostile_answers_do_nothing(service: Service, browser: Browser) -> None:
    await two_leads(service)
    await ambiguous(service, "Buyer")
    page = await browser.get("/queue")
    csrf = str(page.html.select("#answer [name=csrf]")[0]["value"])
    group = f"match email {EMAIL}"
    for more in (
        {"answer": "nothing"},
        {"answer": "once", "lead_id": "-1"},
        {"answer": "merge", "lead_id": "1", "seen": "1"},
        {"answer": "once", "group": "x" * 10_000},
        {"answer": "undo", "batch": "../../x"},
        {"answer": "replay", "batch": "0" * 32, "last": "999999999999999999999"},
    ):
        sent = {"csrf": csrf, "group": group, "until": "3"} | more
        await browser.post("/queue/answer", list(sent.items()))
    assert "1 delivery waits" in (await browser.get("/queue")).text
    assert (await browser.get("/queue?before=x&undo=<b>")).status == 200
