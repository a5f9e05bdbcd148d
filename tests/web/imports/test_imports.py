"""An import on the pages, from the upload to its undo, as a user without scripts does it."""

from __future__ import annotations

import re

from tests.support.web.browser_client import Browser
from tests.support.web.imports import pressed, read, tried, uploaded, worked
from tests.support.web.web_service import Web

FILE = """Name,E-mail,Phone,Notes on colour
Nora Field,nora@field.example,+1 555 0100,blue
Sam Roe,sam@roe.example,,
,,,
Pat Lake,pat@lake.example,p:+49 30 123,red
"""


async def test_a_new_account_is_told_what_to_do(browser: Browser) -> None:
    shown = await browser.get("/imports")
    assert "No imports yet" in shown.text
    assert (await browser.get("/leads")).html.select('main a[href="/imports"]')


async def test_a_file_is_read_and_its_columns_are_guessed(web: Web, browser: Browser) -> None:
    shown = await uploaded(browser, FILE)
    assert "Reading the file" in shown.text
    assert shown.one("#import")["data-refresh"]
    await worked(web)
    shown = await browser.get(shown.path)
    assert not shown.one("#import").get("data-refresh")
    assert "3 rows" in shown.one("#reading").text
    chosen = [one["value"] for one in shown.html.select("#columns option[selected]")]
    assert chosen == ["name", "email", "phone"]
    assert "nora@field.example · sam@roe.example" in shown.one("#columns").text
    assert shown.texts("#first-rows tbody tr")[0].startswith("2 Nora Field nora@field.example")
    assert list(await leads(web)) == []


async def leads(web: Web) -> list[str]:
    answer = (await web.api.client.post("/leads/search", json={})).json()
    return sorted(lead["name"] for lead in answer)


async def test_an_import_says_what_it_would_do_and_then_does_it(web: Web, browser: Browser) -> None:
    await web.api.lead(name="Nora Field", email={"email": "nora@field.example"})
    shown = await read(web, browser, FILE)
    shown = await tried(web, shown, match="email", source="Fair 2026")
    assert shown.texts("#outcomes a") == ["All rows", "created 2", "updated 1"]
    assert await leads(web) == ["Nora Field"]
    updated = await browser.get(f"{shown.path}?outcome=updated")
    (row,) = updated.texts("#corrections li")
    assert row.startswith("Line 2 updated Nora Field")
    assert "+1 555 0100" in row
    done = await pressed(web, shown, "start")
    assert done.one("#state-title").text == "Done"
    assert done.one("#summary").get_text(" ", strip=True) == "created 2 updated 1"
    assert await leads(web) == ["Nora Field", "Pat Lake", "Sam Roe"]
    assert len(done.html.select("#corrections li")) == 3
    listed = await browser.get("/imports")
    (row,) = listed.texts("#imports tbody tr")
    assert row.startswith("leads.csv Done Fair 2026 3 created 2 updated 1")


async def imported(web: Web, browser: Browser, text: str = FILE) -> str:
    """Import a file, and return the path of its page."""
    shown = await tried(web, await read(web, browser, text), match="email", source="Fair 2026")
    return (await pressed(web, shown, "start")).path


async def test_history_and_deliveries_name_the_source_the_file_and_the_line(
    web: Web, browser: Browser
) -> None:
    shown = await browser.get(await imported(web, browser))
    href = str(shown.html.select("#links a[href^='/deliveries']")[0]["href"])
    deliveries = await browser.get(href)
    assert "Import of leads.csv" in deliveries.text
    assert "Import Fair 2026, line 5 of leads.csv" in deliveries.text
    delivery = await browser.get("/deliveries/1")
    assert "Import Fair 2026, line 2 of leads.csv" in delivery.text
    assert delivery.one(f'main dd a[href="{shown.path}"]').text == "leads.csv"
    found = await browser.get(str(shown.html.select("#links a[href^='/leads']")[0]["href"]))
    assert "3 leads found" in found.text
    assert "Import of leads.csv" in found.text
    lead = await browser.get(
        next(str(one["href"]) for one in found.html.select("#leads a") if one.text == "Nora Field")
    )
    assert "Import Fair 2026, line 2 of leads.csv" in lead.text
    assert "Import Fair 2026" in (await browser.get("/")).text
    matching = await browser.get("/settings/matching")
    assert "Import Fair 2026" in matching.text


async def test_a_column_of_towns_leaves_the_streets_as_they_are(web: Web, browser: Browser) -> None:
    address = {"street": "1 Elm St", "city": "Rome", "postal_code": "00100"}
    nora = await web.api.lead(email={"email": "nora@field.example"}, address=address)
    await imported(web, browser, "Name,E-mail,City\nNora Field,nora@field.example,Oslo\n")
    lead = (await web.api.client.get(f"/leads/{nora['id']}")).json()
    found = {part: lead["address"][part] for part in address}
    assert found == {**address, "city": "Oslo"}


async def test_refused_rows_are_a_file_and_an_import_is_undone(web: Web, browser: Browser) -> None:
    await web.api.lead(name="Nora Field", email={"email": "nora@field.example"})
    await web.api.lead(name="Nora Again", email={"email": "nora@field.example"})
    path = await imported(web, browser)
    shown = await browser.get(path)
    assert "ambiguous 1" in shown.one("#summary").get_text(" ", strip=True)
    (row,) = (await browser.get(f"{path}?outcome=ambiguous")).texts("#corrections li")
    assert "Name Nora Field · E-mail nora@field.example · Phone +1 555 0100" in row
    answer = await browser.client.get(f"{path}/refused.csv")
    header, row = answer.text.splitlines()
    assert header == "Name,E-mail,Phone,Notes on colour,why"
    assert row.startswith("Nora Field,nora@field.example,")
    assert "attachment" in answer.headers["content-disposition"]
    assert len((await browser.client.get(f"{path}/rows.csv")).text.splitlines()) == 4
    batch = re.search(r"/batches/[^/]+", str(shown.response.text))
    assert batch
    asked = await browser.get(f"{batch[0]}/undo")
    assert "deleted 2" in asked.text
    page = await browser.get(batch[0])
    assert page.one(f'#import a[href="{path}"]')
    await asked.submit("#undo")
    assert "The undo of this import is under way" in (await browser.get(path)).text
