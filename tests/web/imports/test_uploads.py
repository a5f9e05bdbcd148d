"""What can go wrong with an upload, who may import, and an import that is paused and stopped."""

from __future__ import annotations

import httpx
import pytest
from tests.support.web.browser_client import Browser, Shown
from tests.support.web.imports import pressed, read, tried, uploaded, worked
from tests.support.web.web_service import Web

from onelead.domain.importing.limits import IMPORT_FILE_BYTES_MAX

FILE = "Name\nNora\nSam\n"


async def alert(shown: Shown) -> str:
    return " ".join(shown.texts("[role=alert], #file-problem"))


async def test_a_form_without_a_file_is_told_so(browser: Browser) -> None:
    csrf = str((await browser.get("/imports")).one("#upload [name=csrf]")["value"])
    shown = await browser.upload("/imports", {"csrf": csrf}, "", b"")
    assert shown.status == 422
    assert "choose a file" in shown.one("#file-problem").text


async def test_an_empty_file_is_refused_and_leaves_nothing(web: Web, browser: Browser) -> None:
    shown = await uploaded(browser, "")
    assert (shown.status, shown.one("#file-problem").text) == (422, "is empty")
    assert await web.store.file_imports(web.account_id, limit=9) == []


async def test_a_file_that_is_too_large_is_refused_before_it_arrives(
    web: Web, browser: Browser
) -> None:
    csrf = str((await browser.get("/imports")).one("#upload [name=csrf]")["value"])
    head = (
        '--B\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n' + csrf + "\r\n--B\r\n"
        'Content-Disposition: form-data; name="file"; filename="x.csv"\r\n\r\n'
    )
    headers = {
        "Content-Type": "multipart/form-data; boundary=B",
        "Content-Length": str(2 * IMPORT_FILE_BYTES_MAX),
    }
    answer = await browser.client.post("/imports", content=head.encode(), headers=headers)
    assert answer.status_code == 413
    assert "256 MiB" in answer.text
    assert await web.store.file_imports(web.account_id, limit=9) == []


async def test_an_upload_that_breaks_off_leaves_nothing(web: Web, browser: Browser) -> None:
    csrf = str((await browser.get("/imports")).one("#upload [name=csrf]")["value"])
    form = httpx.Request(
        "POST", "http://x", files=[("csrf", (None, csrf)), ("file", ("a.csv", b"x" * 3_000_000))]
    )
    body = form.read()[:2_500_000]
    headers = {"Content-Type": form.headers["Content-Type"]}
    answer = await browser.client.post("/imports", content=body, headers=headers)
    assert answer.status_code == 400
    assert await web.store.file_imports(web.account_id, limit=9) == []


async def test_a_file_that_cannot_be_read_says_why_and_is_removed(
    web: Web, browser: Browser
) -> None:
    shown = await read(web, browser, b"\x89PNG\r\n\x1a\n" + bytes(5_000), "logo.png")
    assert "Nothing was imported." in shown.text
    gone = await shown.submit("form:has(> [value=forget])", button="[value=forget]")
    assert gone.path == "/imports"
    assert "No imports yet" in gone.text


async def test_a_member_imports_where_an_admin_allows_it(
    web: Web, browser: Browser, member: Browser
) -> None:
    refused = await member.get("/imports", status=403)
    assert "until one of them allows members to" in refused.text
    assert not (await member.get("/leads")).html.select("a[href='/imports']")
    shown = await (await browser.get("/imports")).submit("#members", members_import="1")
    assert "Members may import files now." in shown.text
    assert (await member.get("/leads")).html.select("nav a[href='/imports']")
    shown = await read(web, member, "Name,Roof,Status\nNora,flat,Hot\n")
    assert not shown.html.select("#members, option[value^='new:'], #questions option[value=create]")
    asked = await shown.submit("#choices", {"target.1": "new:String:Roof"}, button="[value=read]")
    assert asked.status == 422
    assert "Only admins can make custom fields" in asked.text
    done = await pressed(web, await tried(web, shown), "start")
    assert done.one("#summary").get_text(" ", strip=True) == "created 1"
    await (await browser.get("/imports")).submit("#members", members_import=None)
    await member.get(done.path, status=403)


async def test_a_member_does_not_start_what_an_admin_has_to_make(
    web: Web, browser: Browser, member: Browser
) -> None:
    await (await browser.get("/imports")).submit("#members", members_import="1")
    shown = await read(web, browser, "Name,Roof\nNora,flat\n")
    shown = await tried(web, shown, **{"target.1": "new:String:Roof"})
    shown = await (await member.get(shown.path)).submit(
        "form:has(> [value=start])", button="[value=start]"
    )
    assert shown.status == 422
    assert "Only admins can make custom fields" in shown.text


async def test_another_account_sees_nothing_of_an_import(web: Web, browser: Browser) -> None:
    shown = await tried(web, await read(web, browser, FILE))
    stranger = await web.stranger()
    assert "No imports yet" in (await stranger.get("/imports")).text
    for path in ("", "/refused.csv", "/rows.csv"):
        await stranger.get(f"{shown.path}{path}", status=404)


@pytest.mark.parametrize("do", ["", "x", "pause", "resume", "stop"])
async def test_a_button_that_is_not_there_does_nothing(web: Web, browser: Browser, do: str) -> None:
    shown = await read(web, browser, FILE)
    csrf = str(shown.html.select("[name=csrf]")[0]["value"])
    answer = await browser.post(shown.path, [("csrf", csrf), ("do", do)])
    assert answer.status == (404 if do in ("", "x") else 200)
    assert (await browser.get(shown.path)).one("#choices")


async def test_an_import_is_paused_stopped_and_gone_on_with(web: Web, browser: Browser) -> None:
    shown = await tried(web, await read(web, browser, FILE))
    shown = await shown.submit("form:has(> [value=start])", button="[value=start]")
    assert shown.one("#import")["data-refresh"]
    assert "0 of 2" in shown.one("#progress").text
    shown = await shown.submit("form:has(> [value=pause])", button="[value=pause]")
    assert shown.one("#state-title").text == "Paused"
    await worked(web)
    shown = await (await browser.get(shown.path)).submit(
        "form:has(> [value=stop])", button="[value=stop]"
    )
    assert shown.one("#state-title").text == "Stopped"
    done = await pressed(web, shown, "start")
    assert done.one("#state-title").text == "Done"
    assert done.one("#summary").get_text(" ", strip=True) == "created 2"


async def test_the_same_file_again_does_nothing(web: Web, browser: Browser) -> None:
    await pressed(web, await tried(web, await read(web, browser, FILE)), "start")
    shown = await tried(web, await read(web, browser, FILE))
    assert shown.texts("#outcomes a")[1:] == ["done before 2"]
    done = await pressed(web, shown, "start")
    shown = await browser.get(f"{done.path}?outcome=skipped")
    assert "has brought these rows" in shown.one("#rows").text
