"""Bulk changes: a chunk of leads at a time, each lead with a result, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.support.api.service import Service
from tests.support.web.browser_client import Browser, Shown, fields_of
from tests.support.web.web_service import Web

from onelead.domain.lead import Lead
from onelead.domain.limits import SELECTED_CHUNK_LEADS, TAGS_MAX
from onelead.domain.search import LeadSearch
from onelead.domain.writes import Outcome

MANY = SELECTED_CHUNK_LEADS * 2 + 50


async def stored(service: Service) -> list[Lead]:
    account_id = service.account.account_id
    page = await service.store.search_leads(account_id, LeadSearch(limit=100_000), now=0)
    return list(page.leads)


async def ids_of(service: Service) -> list[str]:
    return [str(lead.id) for lead in await stored(service)]


async def some(service: Service, count: int, **properties: Any) -> None:
    await asyncio.gather(
        *(service.lead(name=f"Nora Field {n:03}", **properties) for n in range(count))
    )


async def status(service: Service, name: str) -> str:
    settings = await service.store.settings(service.account.account_id)
    (found,) = (one.id for one in settings.statuses if one.name == name)
    return str(found)


async def choose(browser: Browser, action: str, path: str = "/leads", **fields: Any) -> Shown:
    """Select leads of a list, and press the button of an action."""
    shown = await browser.get(path)
    return await shown.submit("#selection", fields, button=f'button[value="{action}"]')


async def to_the_end(shown: Shown) -> Shown:
    """Press Continue until nothing is left."""
    for _ in range(100):
        if not shown.html.select("#continue"):
            return shown
        shown = await shown.submit("#continue")
    raise AssertionError("the work does not end")


def outcomes(shown: Shown) -> str:
    return shown.one("#summary").get_text(" ", strip=True)


async def test_selected_leads_get_a_status(member: Browser, service: Service) -> None:
    """A member may do this, because leads are a member's work."""
    await some(service, 3)
    first, second, third = await ids_of(service)
    shown = await choose(member, "status", ids=[first, second])
    assert "Set the status of 2 leads" in shown.text
    shown = await shown.submit("#change", status_id=await status(service, "Open"))
    assert shown.status == 200
    assert outcomes(shown) == "updated 2"
    statuses = {str(lead.id): str(lead.status_id) for lead in await stored(service)}
    assert statuses[first] == statuses[second] == await status(service, "Open")
    assert statuses[third] == await status(service, "New")


async def test_each_lead_has_a_result_with_its_delivery(browser: Browser, service: Service) -> None:
    await some(service, 2)
    opened, other = await ids_of(service)
    open_status = await status(service, "Open")
    await service.client.put(f"/leads/{opened}", json={"status_id": int(open_status)})
    shown = await choose(browser, "status", ids=[opened, other])
    shown = await shown.submit("#change", status_id=open_status)
    rows = shown.texts("#changed tbody tr")
    assert "unchanged" in rows[0]
    assert "updated" in rows[1]
    delivery = str(shown.html.select("#changed a[href^='/deliveries/']")[1]["href"])
    row = await service.store.ledger_row(
        service.account.account_id, int(delivery.rpartition("/")[2])
    )
    assert (row.row.resource_id, row.row.payload) == (int(other), f'{{"status_id":{open_status}}}')
    assert row.row.user_id == service.account.user_id
    assert row.row.api_key_id is None


async def test_an_owner_is_set_and_taken_away(browser: Browser, service: Service) -> None:
    await some(service, 1)
    ids = await ids_of(service)
    for owner, expected in (
        (str(service.account.user_id), service.account.user_id),
        ("none", None),
    ):
        shown = await choose(browser, "owner", ids=ids)
        shown = await shown.submit("#change", assignee_id=owner)
        assert outcomes(shown) == "updated 1"
        assert [lead.assignee_id for lead in await stored(service)] == [expected]


async def test_tags_are_added_and_removed_and_the_others_stay(
    browser: Browser, service: Service
) -> None:
    await service.lead(name="Ann", tags=["fair", "VIP"])
    await service.lead(name="Ben")
    ids = await ids_of(service)
    shown = await (await choose(browser, "add-tags", ids=ids)).submit(
        "#change", tags=["Fair", " spring ", ""]
    )
    assert outcomes(shown) == "updated 2"
    assert [lead.tags for lead in await stored(service)] == [
        ("fair", "VIP", "spring"),
        ("Fair", "spring"),
    ]
    shown = await (await choose(browser, "remove-tags", ids=ids)).submit("#change", tags=["VIP"])
    assert outcomes(shown) == "updated 1 unchanged 1"
    assert [lead.tags for lead in await stored(service)] == [("fair", "spring"), ("Fair", "spring")]


async def test_deleting_says_how_many_and_does_it(browser: Browser, service: Service) -> None:
    await some(service, 3)
    first, *others = await ids_of(service)
    shown = await choose(browser, "delete", ids=others)
    assert "Delete 2 leads" in shown.text
    assert len(await stored(service)) == 3, "nothing is deleted before somebody says so"
    shown = await shown.submit("#change")
    assert outcomes(shown) == "deleted 2"
    assert await ids_of(service) == [first]


async def test_all_that_match_are_changed_some_at_a_time(
    browser: Browser, service: Service
) -> None:
    await some(service, MANY, tags=["fair"])
    await service.lead(name="Sam Roe")
    shown = await choose(browser, "status", "/leads?tags=fair&page_size=25", all="1")
    assert f"Set the status of {MANY} leads" in shown.text
    shown = await shown.submit("#change", status_id=await status(service, "Junk"))
    assert outcomes(shown) == f"updated {SELECTED_CHUNK_LEADS}"
    bar = shown.one("#work progress")
    assert (bar["value"], bar["max"]) == (str(SELECTED_CHUNK_LEADS), str(MANY))
    shown = await to_the_end(shown)
    assert outcomes(shown) == f"updated {MANY}"
    junk = int(await status(service, "Junk"))
    assert [lead.name for lead in await stored(service) if lead.status_id != junk] == ["Sam Roe"]
    assert len(shown.html.select('a[href^="/deliveries?request="]')) == 3


async def test_a_change_that_takes_leads_out_of_the_list_meets_each_of_them(
    browser: Browser, service: Service
) -> None:
    await some(service, MANY)
    new = await status(service, "New")
    shown = await choose(browser, "status", f"/leads?status_ids={new}", all="1")
    shown = await to_the_end(await shown.submit("#change", status_id=await status(service, "Open")))
    assert outcomes(shown) == f"updated {MANY}"
    shown = await to_the_end(
        await (await choose(browser, "delete", "/leads?page_size=25", all="1")).submit("#change")
    )
    assert outcomes(shown) == f"deleted {MANY}"
    assert await stored(service) == []


async def test_the_work_can_be_left_and_begun_again(browser: Browser, service: Service) -> None:
    await some(service, MANY)
    for _ in range(2):
        shown = await choose(browser, "add-tags", "/leads?page_size=25", all="1")
        shown = await shown.submit("#change", tags="fair")
    shown = await to_the_end(shown)
    assert (
        outcomes(shown) == f"updated {MANY - SELECTED_CHUNK_LEADS} unchanged {SELECTED_CHUNK_LEADS}"
    )
    assert all(lead.tags == ("fair",) for lead in await stored(service))


async def test_a_lead_that_vanishes_meanwhile_is_refused_and_the_others_are_changed(
    browser: Browser, service: Service
) -> None:
    await some(service, 3)
    ids = await ids_of(service)
    for action, fields in (
        ("status", {"status_id": await status(service, "Open")}),
        ("add-tags", {"tags": "fair"}),
        ("delete", {}),
    ):
        shown = await choose(browser, action, ids=ids)
        gone, *ids = ids
        await service.client.delete(f"/leads/{gone}")
        shown = await shown.submit("#change", fields)
        rows = shown.texts("#changed tbody tr")
        assert "refused" in rows[0]
        assert "Resource not found" in rows[0]
        assert f"Lead {gone}" in rows[0]
        assert all("refused" not in row for row in rows[1:])


async def test_the_leads_of_another_account_are_as_good_as_not_there(
    web: Web, service: Service
) -> None:
    await some(service, 1)
    (lead_id,) = await ids_of(service)
    stranger = await web.stranger()
    token = str((await stranger.get("/leads")).one('#selection [name="csrf"]')["value"])
    for fields in ([("action", "delete")], [("action", "add-tags"), ("tags", "mine")]):
        shown = await stranger.post(
            "/leads/change/run", [("csrf", token), ("ids", lead_id), *fields], status=200
        )
        assert outcomes(shown) == "refused 1"
    (lead,) = await stored(service)
    assert (lead.version, lead.tags) == (1, ())


async def test_tags_that_somebody_changes_at_the_same_time_are_kept(
    browser: Browser, service: Service
) -> None:
    """Each of many writers adds a tag to the same leads; none of the tags is lost."""
    await some(service, 5)
    ids = await ids_of(service)
    forms = [await choose(browser, "add-tags", ids=ids) for _ in range(4)]
    done = await asyncio.gather(
        *(form.submit("#change", tags=f"tag {n}") for n, form in enumerate(forms))
    )
    assert all(outcomes(shown) == "updated 5" for shown in done)
    for lead in await stored(service):
        assert set(lead.tags) == {f"tag {n}" for n in range(4)}


async def test_what_the_api_refuses_is_refused_beside_the_field_before_any_lead(
    browser: Browser, service: Service
) -> None:
    await some(service, 2)
    ids = await ids_of(service)
    for action, name, value in (
        *(("status", "status_id", "77"), ("owner", "assignee_id", "77")),
        ("add-tags", "tags", "x" * 300),
    ):
        answer = await service.client.put(
            f"/leads/{ids[0]}",
            json={name: [value] if name == "tags" else int(value)},
        )
        shown = await (await choose(browser, action, ids=ids)).submit("#change", {name: value})
        assert shown.status == 422
        said = [text for text in shown.texts(".problem") if text]
        assert said, action
        assert said[0] in answer.json()["message"]
    assert {lead.version for lead in await stored(service)} == {1}


@pytest.mark.parametrize("action", ["status", "owner", "add-tags", "remove-tags"])
async def test_nothing_chosen_is_said_beside_the_field(
    browser: Browser, service: Service, action: str
) -> None:
    await some(service, 1)
    shown = await (await choose(browser, action, ids=await ids_of(service))).submit("#change")
    assert shown.status == 422
    assert "can't be blank" in shown.text
    (lead,) = await stored(service)
    assert lead.version == 1


async def test_without_a_selection_the_list_says_so(browser: Browser, service: Service) -> None:
    await some(service, 1)
    shown = await choose(browser, "delete", "/leads?name=nora")
    assert "Select some leads first" in shown.text
    assert "name=nora" in shown.path


@pytest.mark.parametrize("path", ["/leads/change", "/leads/change/run"])
async def test_a_hostile_form_changes_nothing(
    browser: Browser, service: Service, path: str
) -> None:
    await some(service, 1)
    token = str((await browser.get("/leads")).one('#selection [name="csrf"]')["value"])
    csrf = ("csrf", token)
    for fields in (
        [("action", "nonsense"), ("ids", "5")],
        [("action", "delete"), ("ids", "x"), ("ids", "-1"), ("ids", "9" * 30)],
        [("action", "delete"), ("all", "1"), ("query", "status_ids=x"), ("count", "x")],
        [("action", "delete"), ("all", "1"), ("query", "a=%00")],
        [("action", "delete"), ("all", "1"), ("query", "sort_by=title"), ("cursor", "AAAA")]
        if path.endswith("run")
        else [("action", "")],
    ):
        shown = await browser.post(path, [csrf, *fields])
        assert shown.status in (200, 400, 422)
    await browser.post(path, [("action", "delete"), ("all", "1")], status=403)
    assert len(await stored(service)) == 1


async def test_a_selection_is_bounded(
    browser: Browser, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onelead.web.leads.selection.SELECTED_LEADS_MAX", 250)
    monkeypatch.setattr("onelead.web.leads.bulk_pages.SELECTED_LEADS_MAX", 250)
    await some(service, MANY)
    shown = await choose(browser, "delete", "/leads?page_size=25", all="1")
    assert "Delete up to 250 leads" in shown.text
    shown = await to_the_end(await shown.submit("#change"))
    assert outcomes(shown) == "deleted 250"
    assert len(await stored(service)) == MANY - 250


async def test_a_refused_result_says_why_for_each_lead(browser: Browser, service: Service) -> None:
    """A lead with the maximum number of tags cannot take another one."""
    await service.lead(name="Ann", tags=[f"tag {n}" for n in range(200)])
    await service.lead(name="Ben")
    shown = await choose(browser, "add-tags", ids=await ids_of(service))
    shown = await shown.submit("#change", tags="fair")
    rows = shown.texts("#changed tbody tr")
    assert Outcome.REFUSED in rows[0]
    assert "too many" in rows[0].lower()
    assert Outcome.UPDATED in rows[1]


async def test_a_full_queue_stops_the_work_and_leaves_the_way_on(
    web: Web, browser: Browser, service: Service
) -> None:
    await some(service, MANY)
    asked = await choose(browser, "status", all="1")
    halfway = await asked.submit("#change", status_id=await status(service, "Open"))
    with pytest.MonkeyPatch.context() as full:
        full.setattr(web.api.runtime.writer, "_queue_writes_max", 0)
        form = dict(fields_of(halfway.one("#continue")))
        stopped = await browser.client.post("/leads/change/run", data=form)
    assert stopped.status_code == 503
    shown = Shown(browser, stopped)
    assert "Stopped: Too many writes are waiting" in shown.text
    assert outcomes(shown) == f"updated {SELECTED_CHUNK_LEADS}"
    assert not shown.html.select("[data-continue]")
    done = await to_the_end(await shown.submit("#continue"))
    assert outcomes(done) == f"updated {MANY}"


async def test_a_part_that_is_sent_again_is_not_done_again(
    web: Web, browser: Browser, service: Service
) -> None:
    await some(service, 3)
    asked = await choose(browser, "delete")
    # No lead is selected on the page; all of the list are.
    assert "Select some leads first" in asked.text
    asked = await choose(browser, "delete", ids=await ids_of(service))
    form = fields_of(asked.one("#change"))
    assert outcomes(await asked.submit("#change")) == "deleted 3"
    before = (await web.store.account_rows(web.account_id)).ledger
    again = await browser.post("/leads/change/run", form)
    assert again.path == "/leads"
    assert "This form was already submitted." in again.text
    assert (await web.store.account_rows(web.account_id)).ledger == before


async def test_leads_that_arrive_after_the_list_was_seen_are_not_meant(
    web: Web, browser: Browser, service: Service
) -> None:
    await some(service, 60)
    shown = await browser.get("/leads")
    web.clock.advance(1)
    await service.lead(name="Late Field")
    asked = await shown.submit("#selection", all="1", button='button[value="delete"]')
    done = await asked.submit("#change")
    assert outcomes(done) == "deleted 60"
    assert [lead.name for lead in await stored(service)] == ["Late Field"]


async def test_refused_leads_of_earlier_parts_are_one_click_away(
    browser: Browser, service: Service
) -> None:
    full = [f"tag{number}" for number in range(TAGS_MAX)]
    await service.lead(name="Full Field", tags=full)
    await some(service, SELECTED_CHUNK_LEADS + 5)
    asked = await choose(browser, "add-tags", all="1")
    done = await to_the_end(await asked.submit("#change", tags=["one more"]))
    assert done.texts("[aria-labelledby=all-results] li") == ["Part 1: 1 refused", "Part 2"]
    refused = await done.follow("a:-soup-contains('1 refused')")
    assert len(refused.html.select('ol a[aria-label^="Delivery number"]')) == 1


@pytest.mark.parametrize("path", ["/leads/change", "/leads/change/run"])
async def test_the_address_of_the_work_leads_back_to_the_list(browser: Browser, path: str) -> None:
    assert (await browser.get(path)).path == "/leads"
