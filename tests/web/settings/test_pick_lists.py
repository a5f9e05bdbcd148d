"""System Settings, Lead Statuses and Customer Sources, as an admin uses them without scripts."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support.api.service import Service, database_in
from tests.support.domain.lead_writes import create
from tests.support.web.browser_client import Browser
from tests.support.web.web_service import Web

from onelead.contract.leads import Batch
from onelead.domain.account import AccountSettings
from onelead.domain.fold import checked_write
from onelead.domain.limits import BATCH_WRITES_MAX, REPLACE_CHUNK_LEADS
from onelead.domain.search import LeadSearch

STATUSES = "/settings/lead-statuses"
SOURCES = "/settings/customer-sources"
LISTS = [STATUSES, SOURCES]
HOSTILE = '<script>alert("x")</script>'


async def settings_of(web: Web) -> AccountSettings:
    return await web.store.settings(web.account_id)


async def names(web: Web, path: str) -> list[str]:
    settings = await settings_of(web)
    entries = settings.statuses if path == STATUSES else settings.sources
    return [entry.name for entry in entries]


async def id_of(web: Web, path: str, name: str) -> int:
    settings = await settings_of(web)
    entries = settings.statuses if path == STATUSES else settings.sources
    return next(entry.id for entry in entries if entry.name == name)


async def many_leads(web: Web, count: int, **properties: Any) -> None:
    settings = await settings_of(web)
    writes = (
        checked_write(create(name=f"Lead {number}", **properties), settings)
        for number in range(count)
    )
    while some := list(itertools.islice(writes, BATCH_WRITES_MAX)):
        await web.store.write_leads(Batch(settings, some))


async def leads_by(web: Web, **criteria: Any) -> int:
    search = LeadSearch(limit=1, **criteria)
    return (await web.store.search_leads(web.account_id, search, now=0)).total


async def folded(web: Web) -> None:
    while await web.store.fold_ledger(web.account_id):
        pass


async def last_payload(web: Web) -> Any:
    rows = await web.store.account_rows(web.account_id)
    return json.loads(rows.ledger[-1].payload)


@pytest.mark.parametrize("path", LISTS)
async def test_an_entry_is_added_at_the_end(web: Web, browser: Browser, path: str) -> None:
    before = await names(web, path)
    page = await browser.get(path)
    shown = await page.submit("#new", name="Spring fair")
    assert shown.path == path
    assert "Spring fair was added." in shown.text
    assert await names(web, path) == [*before, "Spring fair"]
    assert await last_payload(web) == {"name": "Spring fair"}
    assert shown.texts("#entries .font-medium")[-1] == "Spring fair"


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    ("name", "words"),
    [
        (" ", "can't be blank"),
        ("x" * 256, "is too long (maximum is 255 characters)"),
        ("taken", "has already been taken"),
    ],
)
async def test_what_the_api_refuses_the_page_refuses_beside_the_field(
    browser: Browser, path: str, name: str, words: str
) -> None:
    page = await (await browser.get(path)).submit("#new", name="Taken")
    shown = await page.submit("#new", name=name)
    assert shown.status == 422
    assert shown.problem_of("name") == words
    assert shown.one("#new-name")["value"] == name


@pytest.mark.parametrize("path", LISTS)
async def test_an_entry_is_renamed(web: Web, browser: Browser, path: str) -> None:
    first, second = (await names(web, path))[:2]
    page = await (await browser.get(path)).follow(
        f'a[href="{path}?edit={await id_of(web, path, first)}"]'
    )
    assert page.one("#rename-name")["value"] == first
    refused = await page.submit("#rename", name=second.upper())
    assert refused.status == 422
    assert refused.one("#rename-name")["value"] == second.upper()
    assert "has already been taken" in refused.one("#rename-name-problem").get_text()
    shown = await refused.submit("#rename", name="Brand new")
    assert "Brand new was saved." in shown.text
    assert (await names(web, path))[:2] == ["Brand new", second]


@pytest.mark.parametrize("path", LISTS)
async def test_entries_move_up_and_down_and_stay_at_the_ends(
    web: Web, browser: Browser, path: str
) -> None:
    before = await names(web, path)
    second = await id_of(web, path, before[1])
    form = f"#entry-{second} form[data-sort-form]"
    up, down = '[data-sort-step="-1"]', '[data-sort-step="1"]'
    page = await (await browser.get(path)).submit(form, button=up)
    assert await names(web, path) == [before[1], before[0], *before[2:]]
    page = await page.submit(form, button=up)
    assert (await names(web, path))[0] == before[1]
    for _ in range(len(before) + 2):
        page = await page.submit(form, button=down)
    assert await names(web, path) == [before[0], *before[2:], before[1]]


@pytest.mark.parametrize("order", ["x", "0", "-1", "", "9" * 30])
async def test_a_place_that_is_none_is_refused_in_the_words_of_the_api(
    web: Web, browser: Browser, order: str
) -> None:
    before = await names(web, STATUSES)
    entry_id = await id_of(web, STATUSES, before[1])
    page = await browser.get(STATUSES)
    form = f"#entry-{entry_id} form[data-sort-form]"
    shown = await page.submit(form, order=order)
    assert shown.status == 422
    assert "must be a whole number of at least 1" in shown.text
    assert await names(web, STATUSES) == before


async def test_another_status_becomes_the_default(web: Web, browser: Browser) -> None:
    page = await browser.get(STATUSES)
    second = (await settings_of(web)).statuses[1]
    shown = await page.submit(f"#entry-{second.id} form:not([data-sort-form])", button="button")
    assert f"{second.name} is now the default." in shown.text
    assert (await settings_of(web)).default_status.id == second.id
    assert "default" in shown.one(f"#entry-{second.id} .badge").get_text()
    assert await last_payload(web) == {"is_default": True}


async def test_the_list_says_how_many_leads_have_each_entry(
    service: Service, web: Web, browser: Browser
) -> None:
    source = (await settings_of(web)).sources[0]
    for _ in range(2):
        await service.lead(customer_source_id=source.id)
    await folded(web)
    shown = await browser.get(SOURCES)
    link = shown.one(f"#entry-{source.id} a[href^='/leads']")
    assert link["href"] == f"/leads?customer_source_ids={source.id}"
    assert "2 leads" in link.get_text()


@pytest.mark.parametrize("path", LISTS)
async def test_an_entry_that_no_lead_has_is_deleted(web: Web, browser: Browser, path: str) -> None:
    before = await names(web, path)
    last = await id_of(web, path, before[-1])
    page = await (await browser.get(path)).follow(f'a[href="{path}/{last}/delete"]')
    assert "No lead has" in page.text
    shown = await page.submit("#delete")
    assert f"{before[-1]} was deleted." in shown.text
    assert await names(web, path) == before[:-1]
    again = await page.submit("#delete")
    assert "has already been deleted" in again.text
    reloaded = await browser.get(page.path)
    assert reloaded.path == path
    assert "has already been deleted" in reloaded.text


async def test_the_default_status_cannot_go(service: Service, web: Web, browser: Browser) -> None:
    await service.lead()
    default, other = (await settings_of(web)).statuses[:2]
    page = await browser.get(f"{STATUSES}/{default.id}/delete")
    assert "is the default" in page.text
    shown = await page.submit("#delete", replacement=str(other.id))
    assert shown.status == 422
    assert f"{default.name} is the default; make another status the default first" in shown.text
    assert await leads_by(web, status_ids=(default.id,)) == 1


@pytest.mark.parametrize("choice", ["", "0", "x", "self", "other list"])
async def test_a_used_entry_needs_a_replacement_from_its_list(
    service: Service, web: Web, browser: Browser, choice: str
) -> None:
    settings = await settings_of(web)
    status = settings.statuses[1]
    await service.lead(status_id=status.id)
    given = {"self": str(status.id), "other list": str(settings.sources[0].id)}
    page = await browser.get(f"{STATUSES}/{status.id}/delete")
    shown = await page.submit("#delete", replacement=given.get(choice, choice))
    assert shown.status == 422
    words = f"{status.name} is used by 1 lead; give it another status first"
    assert shown.problem_of("replacement") == words
    assert shown.texts("[role=alert]") == ["Nothing was saved. Correct the fields marked below."]
    assert status in (await settings_of(web)).statuses


async def test_a_source_is_replaced_by_another_one_or_by_none(
    service: Service, web: Web, browser: Browser
) -> None:
    first, second, third = (await settings_of(web)).sources
    lead = await service.lead(customer_source_id=first.id)
    page = await browser.get(f"{SOURCES}/{first.id}/delete")
    shown = await page.submit("#delete", replacement=str(second.id))
    assert "1 lead was changed." in shown.text
    answer = await service.client.get(f"/leads/{lead['id']}")
    assert answer.json()["customer_source_id"] == second.id
    page = await browser.get(f"{SOURCES}/{second.id}/delete")
    await page.submit("#delete", replacement="none")
    answer = await service.client.get(f"/leads/{lead['id']}")
    assert answer.json()["customer_source_id"] is None
    assert (await settings_of(web)).sources == (third,)


async def test_no_status_is_no_replacement_of_a_status(
    service: Service, web: Web, browser: Browser
) -> None:
    status = (await settings_of(web)).statuses[1]
    await service.lead(status_id=status.id)
    page = await browser.get(f"{STATUSES}/{status.id}/delete")
    assert not page.html.select('option[value="none"]')
    assert (await page.submit("#delete", replacement="none")).status == 422


async def test_many_leads_get_another_status_step_by_step(web: Web, browser: Browser) -> None:
    _new, old, other, *_ = (await settings_of(web)).statuses
    count = 2 * REPLACE_CHUNK_LEADS + 200
    await many_leads(web, count, status_id=old.id)
    await many_leads(web, 3)
    await folded(web)
    page = await browser.get(f"{STATUSES}/{old.id}/delete")
    assert "1,200 leads have" in page.text
    assert not page.html.select("[data-continue]")

    page = await page.submit("#delete", replacement=str(other.id))
    assert page.one("form[data-continue]")
    assert page.one("progress")["value"] == str(REPLACE_CHUNK_LEADS)
    assert await leads_by(web, status_ids=(other.id,)) == REPLACE_CHUNK_LEADS
    page = await page.submit("#delete")
    assert page.one("progress")["value"] == str(2 * REPLACE_CHUNK_LEADS)
    assert page.one("progress")["max"] == str(count)
    assert old in (await settings_of(web)).statuses

    page = await page.submit("#delete")
    assert f"{old.name} was deleted. 1,200 leads were changed." in page.text
    assert not page.html.select("form[data-continue]")
    assert old not in (await settings_of(web)).statuses
    assert await leads_by(web, status_ids=(other.id,)) == count
    assert await leads_by(web) == count + 3
    rows = (await web.store.account_rows(web.account_id)).ledger
    assert [row.outcome for row in rows if row.resource == "lead_status"] == ["deleted"]
    changed = [row for row in rows if row.payload == f'{{"status_id":{other.id}}}']
    assert len(changed) == count
    assert {(row.resource, row.outcome) for row in changed} == {("lead", "updated")}
    assert msgspec.json.decode(changed[0].changes or "") == {"status_id": [old.id, other.id]}


async def test_who_stopped_in_the_middle_goes_on_with_the_leads_that_are_left(
    web: Web, browser: Browser
) -> None:
    _new, old, other, *_ = (await settings_of(web)).statuses
    await many_leads(web, REPLACE_CHUNK_LEADS + 10, status_id=old.id)
    page = await browser.get(f"{STATUSES}/{old.id}/delete")
    await page.submit("#delete", replacement=str(other.id))
    # Another day, another browser.
    later = await (await web.admin()).get(f"{STATUSES}/{old.id}/delete")
    assert "10 leads have" in later.text
    done = await later.submit("#delete", replacement=str(other.id))
    assert "10 leads were changed." in done.text
    assert old not in (await settings_of(web)).statuses


async def test_a_link_does_not_begin_a_replacement(
    service: Service, web: Web, browser: Browser
) -> None:
    """Somebody could send an admin a link that does something."""
    old, other = (await settings_of(web)).statuses[1:3]
    await service.lead(status_id=old.id)
    query = f"replacement={other.id}&moved=1"
    page = await browser.get(f"{STATUSES}/{old.id}/delete?{query}")
    assert not page.html.select("[data-continue]")
    assert await leads_by(web, status_ids=(old.id,)) == 1


async def test_a_replacement_that_is_deleted_meanwhile_stops_the_work(
    web: Web, browser: Browser
) -> None:
    _new, old, other, *_ = (await settings_of(web)).statuses
    await many_leads(web, REPLACE_CHUNK_LEADS + 1, status_id=old.id)
    page = await browser.get(f"{STATUSES}/{old.id}/delete")
    page = await page.submit("#delete", replacement=str(other.id))
    back = await browser.get(f"{STATUSES}/{other.id}/delete")
    while back.html.select("#delete"):
        back = await back.submit("#delete", replacement=str(old.id))
    shown = await page.submit("#delete")
    assert shown.status == 422
    assert not shown.html.select("[data-continue]")
    assert f"{old.name} is used by" in shown.text


@pytest.mark.parametrize("path", LISTS)
async def test_hostile_names_are_only_text(web: Web, browser: Browser, path: str) -> None:
    shown = await (await browser.get(path)).submit("#new", name=HOSTILE)
    entry_id = await id_of(web, path, HOSTILE)
    for page in (shown, await browser.get(f"{path}?edit={entry_id}")):
        assert "<script>alert" not in page.response.text
    page = await browser.get(f"{path}/{entry_id}/delete")
    assert HOSTILE in page.text
    assert "<script>alert" not in page.response.text


@pytest.mark.parametrize("path", LISTS)
async def test_a_member_may_not_see_or_send_anything(
    web: Web, browser: Browser, member: Browser, path: str
) -> None:
    before = await names(web, path)
    entry_id = await id_of(web, path, before[1])
    for address in (path, f"{path}/{entry_id}/delete"):
        await member.get(address, status=403)
    csrf = str((await browser.get(path)).html.select("[name=csrf]")[0]["value"])
    for address in (path, f"{path}/{entry_id}", f"{path}/{entry_id}/delete"):
        answer = await member.client.post(address, data={"csrf": csrf, "name": "x"})
        assert answer.status_code == 403
    assert await names(web, path) == before


@pytest.mark.parametrize("path", LISTS)
async def test_an_entry_of_another_account_is_not_there(web: Web, path: str) -> None:
    before = await names(web, path)
    entry_id = await id_of(web, path, before[1])
    stranger = await web.stranger()
    asked = await stranger.get(f"{path}/{entry_id}/delete")
    assert "has already been deleted" in asked.text
    csrf = str((await stranger.get(path)).html.select("[name=csrf]")[0]["value"])
    answer = await stranger.post(f"{path}/{entry_id}", [("csrf", csrf), ("name", "x")])
    assert answer.status == 404
    deleted = await stranger.post(f"{path}/{entry_id}/delete", [("csrf", csrf)])
    assert "has already been deleted" in deleted.text
    assert await names(web, path) == before


async def test_without_entries_the_list_says_what_they_are_for(web: Web, browser: Browser) -> None:
    for source in (await settings_of(web)).sources:
        page = await browser.get(f"{SOURCES}/{source.id}/delete")
        await page.submit("#delete")
    assert "No customer source yet" in (await browser.get(SOURCES)).text


@pytest.mark.parametrize(("path", "columns"), [(STATUSES, ", false"), (SOURCES, "")])
async def test_a_full_list_is_said_at_the_top(
    web: Web, browser: Browser, tmp_path: Path, path: str, columns: str
) -> None:
    table = "lead_status" if path == STATUSES else "customer_source"
    database_in(tmp_path).execute(
        f"INSERT INTO {table}"
        " WITH RECURSIVE number (n) AS (SELECT 10 UNION ALL SELECT n + 1 FROM number WHERE n < 209)"
        f" SELECT {web.account_id}, 5000 + n, 'Entry ' || n, n{columns} FROM number"
    )
    database_in(tmp_path).execute("UPDATE lane SET settings_version = settings_version + 1")
    shown = await (await browser.get(path)).submit("#new", name="One more")
    assert shown.status == 422
    (notice,) = shown.texts("[role=alert]")
    assert "the list is full (maximum is 200 entries)" in notice
