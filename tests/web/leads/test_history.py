"""The history on a lead's page: every ledger row as a readable line."""

from __future__ import annotations

from typing import Any

from tests.support.api.service import Service
from tests.support.web.browser_client import Browser, Shown
from tests.support.web.web_service import Web

from onelead.domain.limits import HISTORY_ROWS


async def history(browser: Browser, lead_id: int) -> list[str]:
    return (await browser.get(f"/leads/{lead_id}")).texts("#history li")


async def folded(service: Service) -> None:
    while await service.store.fold_ledger(service.account.account_id):
        pass


def entry(field: dict[str, Any], value: Any) -> dict[str, Any]:
    return {"custom_field_definition_id": field["id"], "value": value}


async def test_every_row_is_a_line(browser: Browser, service: Service) -> None:
    properties = {"name": "Nora Field", "email": {"email": "nora@field.example"}, "title": "Buyer"}
    created = await service.upsert(properties, "email", "nora@field.example")
    lead_id = created.json()["id"]
    path = f"/leads/{lead_id}"
    await service.client.put(path, json={"title": "Owner"})
    await service.upsert({"title": "Owner"}, "email", "NORA@field.example")
    await service.client.put(path, json={"title": "x" * 256})
    refused, unchanged, updated, first = await history(browser, lead_id)
    by = "dana · API key first key"
    assert refused.startswith(f"refused Update refused just now {by} Title: is too long (maximum")
    assert unchanged.startswith(
        f"unchanged No change by an upsert just now {by}"
        " · matched 1 lead by e-mail nora@field.example"
    )
    assert updated.startswith(f"updated Lead changed just now {by} Title Buyer → became Owner")
    assert first.startswith(
        f"created Lead created by an upsert just now {by}"
        " · matched no leads by e-mail nora@field.example Name Nora Field"
    )


async def test_who_did_it_in_the_web_application(member: Browser, service: Service) -> None:
    lead = await service.lead()
    shown = await member.get(f"/leads/{lead['id']}?edit=company")
    await shown.submit("form[data-lead-form]", title="Owner")
    assert "Mia Roe · web application" in (await history(member, lead["id"]))[0]


async def test_ids_are_names(browser: Browser, service: Service) -> None:
    tier = await service.field(name="Tier", data_type="Dropdown")
    day = await service.field(name="Next visit", data_type="Date")
    lead = await service.lead()
    properties = {
        "assignee_id": service.account.user_id,
        "status": "Open",
        "custom_fields": [entry(tier, "Gold"), entry(day, "05/14/2026")],
    }
    await service.client.put(f"/leads/{lead['id']}", json=properties)
    newest, _created = await history(browser, lead["id"])
    for words in ("Owner dana", "Status New → became Open", "Tier Gold", "Next visit 14 May 2026"):
        assert words in newest


async def test_a_refused_upsert_that_named_the_lead_is_there(
    browser: Browser, service: Service
) -> None:
    first, second = await service.lead(), await service.lead()
    await service.upsert({"title": "Buyer"}, "name", "Nora Field")
    await folded(service)
    for lead, other in ((first, second), (second, first)):
        shown = await browser.get(f"/leads/{lead['id']}")
        newest, _created = shown.texts("#history li")
        assert newest.startswith("refused Upsert refused just now")
        assert "matched 2 leads by name nora field" in newest
        assert "This lead was one of 2 that matched:" in newest
        assert shown.one(f'#history li a[href="/leads/{other["id"]}"]')


async def test_the_delivery_is_one_click_away(browser: Browser, service: Service) -> None:
    lead = await service.lead()
    shown = await browser.get(f"/leads/{lead['id']}")
    assert shown.one('#history li a[href^="/deliveries/"]')["href"] == "/deliveries/1"


async def test_when_is_said_relatively_and_exactly(browser: Browser, service: Service) -> None:
    lead = await service.lead()
    created = service.clock.now
    service.clock.advance(2 * 86_400)
    time = (await browser.get(f"/leads/{lead['id']}")).one("#history time")
    assert time.get_text() == "2 days ago"
    assert str(time["datetime"]).endswith("Z")
    assert any(zone in str(time["title"]) for zone in ("PST", "PDT")), created


async def test_a_long_history_is_paged(browser: Browser, service: Service) -> None:
    lead = await service.lead()
    for number in range(HISTORY_ROWS + 4):
        await service.client.put(f"/leads/{lead['id']}", json={"title": f"Title {number}"})
    newest = await browser.get(f"/leads/{lead['id']}")
    assert len(newest.texts("#history li")) == HISTORY_ROWS
    older = await newest.follow("#history .card-foot a")
    assert len(older.texts("#history li")) == 5
    assert "Lead created" in older.texts("#history li")[-1]
    assert not older.html.select("#history .card-foot")
    back = await older.follow("#history .card-head a")
    assert back.texts("#history li") == newest.texts("#history li")


async def test_a_page_that_is_not_there_is_the_newest_one_or_empty(
    browser: Browser, service: Service
) -> None:
    lead = await service.lead()
    for before, lines in (("x", 1), ("-1", 1), ("9" * 30, 1), ("0", 1), ("1", 0)):
        shown = await browser.get(f"/leads/{lead['id']}?before={before}")
        assert len(shown.texts("#history li")) == lines


async def test_of_many_changes_the_first_are_shown(browser: Browser, service: Service) -> None:
    fields = [await service.field(name=f"Field {n}", is_filterable=False) for n in range(9)]
    lead = await service.lead(custom_fields=[entry(field, "x") for field in fields])
    shown = await browser.get(f"/leads/{lead['id']}")
    assert shown.texts("#history li > details > summary") == ["7 more fields"]
    assert len(shown.html.select("#history li dd")) == 13


async def test_hostile_values_are_text(browser: Browser, service: Service) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    lead = await service.lead(title=hostile, tags=[hostile])
    await service.client.put(f"/leads/{lead['id']}", json={"status": hostile})
    shown = await browser.get(f"/leads/{lead['id']}")
    assert "<img src=x" not in shown.response.text
    assert hostile in shown.texts("#history li")[0]


async def test_a_key_is_known_by_its_label_and_only_in_its_account(web: Web) -> None:
    lead = await web.api.lead()
    stranger = await web.stranger()
    shown: Shown = await stranger.get(f"/leads/{lead['id']}", status=404)
    assert "first key" not in shown.text


async def merged_leads(browser: Browser, service: Service) -> tuple[int, int]:
    """Two leads, the second of which is part of the first."""
    first, second = await service.lead(name="Nora Field"), await service.lead(name="Nora F.")
    shown = await browser.get(f"/leads/{first['id']}/merge?with={second['id']}")
    await shown.submit("#merge", button='[value="merge"]')
    return first["id"], second["id"]


async def test_the_lines_of_a_merged_lead_are_folded_in(browser: Browser, service: Service) -> None:
    first, second = await merged_leads(browser, service)
    shown = await browser.get(f"/leads/{first}")
    (folded,) = shown.texts("#history details:has(ol)")
    assert folded.startswith(f"History of Nora F. ({second}) before the merge Lead {second}")
    assert "Lead created" in folded
    assert f"merged Lead merged with lead {second}" in shown.texts("#history li")[0]


async def test_the_id_of_a_merged_lead_leads_on(browser: Browser, service: Service) -> None:
    first, second = await merged_leads(browser, service)
    shown = await browser.get(f"/leads/{second}")
    assert shown.path == f"/leads/{first}"
    assert shown.texts("[role=status] p") == [f"Lead {second} is part of this lead since a merge."]
    own = await browser.get(f"/leads/{second}/history")
    assert "This lead is part of Nora Field since a merge." in own.text
    # Its creation, and the merge that leads on.
    assert len(own.html.select("#history li")) == 2
    assert (await browser.get(f"/leads/{first}/history")).path == f"/leads/{first}"


async def test_a_survivor_that_was_deleted_is_named(browser: Browser, service: Service) -> None:
    first, second = await merged_leads(browser, service)
    deleted = await (await browser.get(f"/leads/{first}/delete")).submit("main form")
    gone = await browser.get(f"/leads/{second}", status=404)
    assert f"Lead {second} was merged into lead {first}, which was deleted" in gone.text
    assert (await browser.get(f"/leads/{second}/history", status=None)).status == 404
    shown = await browser.get(f"/leads/{first}")
    assert shown.one('.notice a[href^="/ledger/"]').get_text() == "Bring it back"
    await deleted.submit("[role=status] form")
    assert (await browser.get(f"/leads/{second}")).path == f"/leads/{first}"


async def test_an_undone_line_says_so(browser: Browser, service: Service) -> None:
    lead = await service.lead()
    await service.client.put(f"/leads/{lead['id']}", json={"title": "Buyer"})
    line = await browser.get(f"/leads/{lead['id']}")
    asked = await line.follow('#history a[href^="/ledger/2/undo"]')
    await asked.submit("#undo form")
    undo, undone, _created = await history(browser, lead["id"])
    assert undo.startswith(
        "updated Change undone just now dana · web application Undoes delivery 2"
    )
    assert "Undone by delivery 3" in undone


async def test_a_person_who_is_not_the_same_is_not_suggested(
    browser: Browser, service: Service
) -> None:
    first, second = await service.lead(), await service.lead(name="Nora F.")
    form = {"name": "Nora Field"}
    page = await browser.get(f"/leads/{second['id']}?edit=name")
    asked = await page.submit("form[data-lead-form]", form)
    assert "may be the same person" in asked.text
    merge = await asked.follow('a[href*="/merge?with="]')
    await merge.submit('form[action$="/separate"]', button='[name="other"]')
    page = await browser.get(f"/leads/{second['id']}?edit=name")
    saved = await page.submit("form[data-lead-form]", form)
    assert saved.texts("[role=status] p") == ["Saved."]
    assert first["id"] != second["id"]
