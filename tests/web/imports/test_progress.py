"""How far an import is, on its page and in the list, while it is under way and at its end."""

from __future__ import annotations

import pytest
from msgspec import structs
from tests.support.web.browser_client import Browser
from tests.support.web.imports import pressed, read, tried, worked
from tests.support.web.web_service import Web

from onelead.contract.imports import ImportChange, ImportState
from onelead.files.imports.choices import Rehearsed, findings_of, text_of

FILE = "Name,E-mail\nNora Field,nora@field.example\nSam Roe,sam@roe.example\n"
STATE = ImportState


async def under_way(web: Web, state: ImportState) -> None:
    """Let the only import be in the middle of something."""
    (one,) = await web.store.file_imports(web.account_id, limit=9)
    findings = findings_of(one)
    assert findings is not None
    change = ImportChange(state=state, row_count=5_000)
    if state is STATE.REHEARSING:
        so_far = Rehearsed(rows=2_000, counts={"created": 2_000}, seconds=4)
        change = structs.replace(
            change, findings=text_of(structs.replace(findings, rehearsed=so_far))
        )
    if state is STATE.RUNNING:
        started = structs.replace(findings, started=web.clock() - 4)
        change = structs.replace(change, findings=text_of(started), counts={"created": 2_000})
    await web.store.change_import(web.account_id, one.number, change, only_in=tuple(STATE))


@pytest.mark.parametrize(
    ("state", "name", "rows"),
    [
        (STATE.READING, "Reading", "5,000"),
        (STATE.REHEARSING, "Dry run", "2,000 of 5,000"),
        (STATE.RUNNING, "Running", "2,000 of 5,000"),
    ],
)
async def test_it_says_how_far_it_is(
    web: Web, browser: Browser, state: ImportState, name: str, rows: str
) -> None:
    shown = await tried(web, await read(web, browser, FILE))
    if state is STATE.RUNNING:
        await shown.submit("form:has(> [value=start])", button="[value=start]")
    await under_way(web, state)
    page, listed = await browser.get(shown.path), await browser.get("/imports")
    assert page.one("#import")["data-refresh"]
    assert listed.one("#list")["data-refresh"]
    (row,) = listed.texts("#imports tbody tr")
    assert name in row
    assert rows in row
    told = page.one("#import").get_text(" ", strip=True)
    if state is STATE.READING:
        assert "5,000 rows so far" in told
        return
    for text in (told, row):
        assert "500 rows per second · 6 seconds left" in text
        assert "created 2,000" in text
    await worked(web)


async def test_an_undone_import_says_so(web: Web, browser: Browser) -> None:
    shown = await pressed(web, await tried(web, await read(web, browser, FILE)), "start")
    assert (await browser.get("/imports")).texts("#imports td")[0] == "Done"
    asked = await browser.get(str(shown.one("a[href$='/undo']")["href"]))
    await asked.submit("#undo")
    assert (await browser.get("/imports")).texts("#imports td")[0] == "Being undone"
