"""Merging on the pages: choosing the leads, the values, the preview, and the way back."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.api.service import Service
from tests.support.web.browser_client import Browser, Shown
from tests.support.web.web_service import Web

FLASH = "[role=status] p"
FLASH_UNDO = '[role=status] form[action^="/ledger/"]'
MERGE, PREVIEW = '[name="do"][value="merge"]', '[name="do"][value="preview"]'


def email(address: str) -> dict[str, str]:
    return {"email": address, "category": "work"}


async def two_leads(service: Service) -> tuple[int, int]:
    """An older lead with a title and an e-mail, and a newer one with more."""
    first = await service.lead(title="Buyer", email=email("nora@field.example"), tags=["a"])
    service.clock.advance(60)
    second = await service.lead(
        name="Nora F.", title="Owner", email=email("n@field.example"), tags=["b"], details="Tall"
    )
    return int(first["id"]), int(second["id"])


async def merge_page(browser: Browser, *ids: int, then: str = "") -> Shown:
    others = ",".join(map(str, ids[1:]))
    return await browser.get(f"/leads/{ids[0]}/merge?with={others}&then={then}")


async def merged(shown: Shown, **choices: Any) -> Shown:
    values = {name.replace("__", "."): value for name, value in choices.items()}
    return await shown.submit("#merge", values, button=MERGE)


async def read(service: Service, lead_id: int) -> dict[str, Any]:
    response = await service.client.get(f"/leads/{lead_id}")
    assert response.status_code == 200, response.text
    return dict(response.json())


def chosen(shown: Shown, field: str) -> str:
    return str(shown.one(f'input[name="choose.{field}"][checked]')["value"])


async def test_the_sensible_values_are_chosen(member: Browser, service: Service) -> None:
    old, new = await two_leads(service)
    shown = await merge_page(member, new, old)
    assert str(shown.one('[name="survivor"][checked]')["value"]) == str(old)
    assert chosen(shown, "title") == str(old)
    assert chosen(shown, "details") == str(new)
    assert chosen(shown, "tags") == "all"
    assert "E-mail n@field.example (from lead" in shown.text
    assert f"Title: Owner ({new})" in shown.text


async def test_a_merge_makes_one_lead_and_offers_to_undo_it(
    member: Browser, service: Service
) -> None:
    old, new = await two_leads(service)
    done = await merged(await merge_page(member, old, new))
    assert done.path == f"/leads/{old}"
    assert done.texts(FLASH) == ["2 leads are one now. Every value of them leads to it."]
    lead = await read(service, new)
    assert (lead["id"], lead["title"], lead["details"]) == (old, "Buyer", "Tall")
    assert lead["tags"] == ["a", "b"]
    back = await done.submit(FLASH_UNDO)
    assert back.texts(FLASH) == [f"Undone: lead {new} stands again."]
    assert (await read(service, new))["title"] == "Owner"
    again = await back.submit(FLASH_UNDO)
    assert again.texts(FLASH) == ["Merged again."]


async def test_other_values_can_be_chosen(browser: Browser, service: Service) -> None:
    old, new = await two_leads(service)
    shown = await merge_page(browser, old, new)
    choices = {
        "survivor": str(new),
        "choose__title": str(new),
        "choose__details": "none",
        "choose__tags": str(old),
    }
    values = {name.replace("__", "."): value for name, value in choices.items()}
    preview = await shown.submit("#merge", values, button=PREVIEW)
    assert chosen(preview, "title") == str(new)
    assert f"Details: Tall ({new})" in preview.text
    done = await merged(preview)
    assert done.path == f"/leads/{new}"
    lead = await read(service, old)
    assert (lead["id"], lead["title"], lead["details"]) == (new, "Owner", None)
    assert lead["tags"] == ["a"]


async def test_a_change_in_between_shows_the_page_again(browser: Browser, service: Service) -> None:
    old, new = await two_leads(service)
    shown = await merge_page(browser, old, new)
    await service.client.put(f"/leads/{new}", json={"company_name": "Field & Sons"})
    refused = await merged(shown)
    assert refused.status == 412
    assert "Nora F. was changed while you were looking at it" in refused.text
    assert "Changed: Company" in refused.text
    assert (await merged(refused)).path == f"/leads/{old}"
    assert (await read(service, old))["company_name"] == "Field & Sons"


async def test_leads_that_are_one_already_lead_on(browser: Browser, service: Service) -> None:
    old, new = await two_leads(service)
    shown = await merge_page(browser, old, new)
    await merged(shown)
    again = await merged(shown)
    assert again.path == f"/leads/{old}"
    assert again.texts(FLASH) == ["These leads are one already."]


async def test_the_way_back_is_a_page_of_ours(browser: Browser, service: Service) -> None:
    old, new = await two_leads(service)
    done = await merged(await merge_page(browser, old, new, then="/deliveries"))
    assert done.path == "/deliveries"
    await done.submit(FLASH_UNDO)
    for elsewhere in ("//evil.example", "https://evil.example", "/%5Cevil.example"):
        done = await merged(await merge_page(browser, old, new, then=elsewhere))
        assert done.path == "/"
        await done.submit(FLASH_UNDO)


async def test_who_is_not_there_is_left_out(web: Web, browser: Browser, service: Service) -> None:
    old, new = await two_leads(service)
    shown = await merge_page(browser, old, new, 999)
    assert "No longer there: 999." in shown.text
    alone = await merge_page(browser, old, 999)
    assert alone.path == f"/leads/{old}/merge-with"
    await browser.get(f"/leads/999/merge?with={old}", status=404)
    stranger = await web.stranger()
    await stranger.get(f"/leads/{old}/merge?with={new}", status=404)


async def test_pinned_values_that_differ_must_be_chosen(browser: Browser, service: Service) -> None:
    old, new = await two_leads(service)
    for lead_id in (old, new):
        page = await browser.get(f"/leads/{lead_id}")
        await page.submit('form[action$="/pins"]:has([name="field"][value="title"])')
    shown = await merge_page(browser, old, new)
    assert "choose one" in shown.text
    assert "These leads cannot be merged like this." in shown.text
    done = await merged(shown, choose__title=str(new))
    assert done.path == f"/leads/{old}"
    assert (await read(service, old))["title"] == "Owner"


async def test_two_selected_rows_are_merged_from_the_list(
    browser: Browser, service: Service
) -> None:
    ids = [str(one) for one in await two_leads(service)]
    listed = await browser.get("/leads")
    button = 'button[value="merge"]'
    shown = await listed.submit("#selection", {"ids": ids}, button=button)
    assert shown.path == f"/leads/{ids[0]}/merge?with={ids[1]}"
    one = await listed.submit("#selection", {"ids": ids[:1]}, button=button)
    assert one.texts(FLASH) == ["Select 2 to 30 leads to merge."]


@pytest.mark.parametrize("text", ["Nora F", "n@field", "ID"])
async def test_a_lead_is_merged_with_one_that_is_searched(
    browser: Browser, service: Service, text: str
) -> None:
    old, new = await two_leads(service)
    start = await (await browser.get(f"/leads/{old}")).follow('a[href$="/merge-with"]')
    found = await start.submit("main [role=search]", q=str(new) if text == "ID" else text)
    assert [str(box["value"]) for box in found.html.select("#found [name=with]")] == [str(new)]
    shown = await found.submit("#found")
    assert "Merge 2 leads" in shown.text


async def test_the_search_may_find_nobody(browser: Browser, service: Service) -> None:
    old, _new = await two_leads(service)
    shown = await browser.get(f"/leads/{old}/merge-with?q=zzz")
    assert "No other lead matches" in shown.text
    assert (await browser.get(f"/leads/{old}/merge-with?q=%20")).html.select("#found") == []


async def test_leads_with_a_shared_value_are_merged(browser: Browser, service: Service) -> None:
    first, second = await service.lead(), await service.lead()
    shown = await browser.get("/leads/merge?name=nora+field")
    assert shown.path == f"/leads/{first['id']}/merge?with={second['id']}"
    for asked in ("?name=zzz", "", "?created_date=x"):
        assert (await browser.get(f"/leads/merge{asked}", status=None)).path.startswith("/leads")


async def test_two_persons_are_remembered_until_that_is_taken_back(
    member: Browser, service: Service
) -> None:
    old, new = await two_leads(service)
    shown = await merge_page(member, old, new)
    assert "two persons" not in shown.texts(".notice")
    done = await shown.submit('form[action$="/separate"]', button='[name="other"]')
    assert done.path == f"/leads/{old}"
    assert "are two persons" in done.texts(FLASH)[0]
    shown = await merge_page(member, old, new)
    assert "were said to be two persons" in shown.text
    asked = await shown.follow('.notice a[href^="/ledger/"]')
    back = await asked.submit("#undo form")
    assert back.path.startswith(f"/leads/{old}/merge?with={new}")
    assert "were said to be two persons" not in back.text


async def test_of_three_leads_one_can_be_left_out(browser: Browser, service: Service) -> None:
    old, new = await two_leads(service)
    third = int((await service.lead(name="Omar Field"))["id"])
    shown = await merge_page(browser, old, new, third)
    assert len(shown.html.select('form[action$="/separate"] button')) == 2
    less = await shown.follow(f'a[href="/leads/{old}/merge?with={new}"]')
    assert "Merge 2 leads" in less.text
    apart = await shown.submit(
        'form[action$="/separate"]', button=f'[name="other"][value="{third}"]'
    )
    assert apart.path == f"/leads/{old}/merge?with={new}"


async def test_what_waited_is_offered_and_applied_in_order(
    browser: Browser, service: Service
) -> None:
    old, new = await two_leads(service)
    await service.client.put(f"/leads/{new}", json={"name": "Nora Field"})
    for title in ("First", "Second"):
        refused = await service.upsert({"title": title}, "name", "Nora Field")
        assert refused.status_code == 422
    while await service.store.fold_ledger(service.account.account_id):
        pass
    shown = await merge_page(browser, old, new)
    assert "2 deliveries wait for this" in shown.text
    waiting = await merged(shown)
    assert "2 deliveries were waiting for this" in waiting.text
    done = await waiting.submit("#waiting")
    assert done.texts(FLASH) == ["2 deliveries were applied."]
    assert (await read(service, old))["title"] == "Second"
    # They do not wait any more.
    assert (await browser.get(f"/leads/{old}/waiting?of={new}")).path == f"/leads/{old}"


async def test_values_are_escaped(browser: Browser, service: Service) -> None:
    first = await service.lead(name="<b>Nora</b>", title='"><script>')
    second = await service.lead(name="<i>Omar</i>", title="'>")
    shown = await merge_page(browser, first["id"], second["id"])
    assert shown.html.select("main script, main b, main i") == []
