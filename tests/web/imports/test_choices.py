"""The choices of an import: how it is read, which column is what, questions, corrections."""

from __future__ import annotations

import json

from tests.support.web.browser_client import Browser, Shown
from tests.support.web.imports import pressed, read, tried, worked
from tests.support.web.web_service import Web

DAYS = "Name,E-mail,Met on\nNora,nora@field.example,03/04/2026\nSam,sam@roe.example,05/06/2026\n"


async def chosen(web: Web, browser: Browser, path: str, **values: str) -> str:
    shown = await (await browser.get(path)).submit("#choices", values, button="[value=read]")
    await worked(web)
    return shown.path


async def test_a_file_is_read_otherwise(web: Web, browser: Browser) -> None:
    text = "Name;Company\nJosé;Łódź AG\n".encode("cp1250", "replace")
    shown = await read(web, browser, text)
    assert "windows-1252" in shown.texts("#encoding option[selected]")
    assert shown.texts("#separator option[selected]") == ["Semicolon"]
    await chosen(web, browser, shown.path, encoding="windows-1250")
    shown = await browser.get(shown.path)
    assert "Łódź AG" in shown.one("#first-rows").text
    await chosen(web, browser, shown.path, separator="comma")
    shown = await browser.get(shown.path)
    assert "Name;Company" in shown.one("#columns").text
    over = await pressed_in_form(web, shown.browser, shown.path, "over")
    assert "Łódź" not in over.one("#first-rows").text
    assert over.texts("#separator option[selected]") == ["Semicolon"]


async def test_what_is_skipped_and_what_looks_like_a_total_is_said(
    web: Web, browser: Browser
) -> None:
    table = "Fair 2026\nas of today\nName,Company\nNora,Field Ltd\n,\n \nTotal: ,1 lead\n"
    shown = await read(web, browser, table)
    told = shown.one("#reading").get_text(" ", strip=True)
    for sentence in (
        'The header is in line 3; 2 lines above it were skipped: "Fair 2026", "as of today".',
        "2 empty rows were skipped.",
        "Line 7 looks like a total, but is taken for a lead.",
    ):
        assert sentence in told


async def pressed_in_form(web: Web, browser: Browser, path: str, do: str, **values: str) -> Shown:
    shown = await (await browser.get(path)).submit("#choices", values, button=f"[value={do}]")
    assert shown.status == 200
    await worked(web)
    return await browser.get(shown.path)


async def test_a_question_has_to_be_answered_before_anything_is_tried(
    web: Web, browser: Browser
) -> None:
    shown = await read(web, browser, DAYS)
    shown = await tried(web, shown, **{"target.2": "new:Date:Met on"})
    assert "needs an answer" in shown.one("#questions").text
    assert not shown.html.select("#outcomes")
    name = str(shown.html.select("#questions [type=radio]")[0]["name"])
    shown = await tried(web, shown, **{name: "mdy"})
    assert shown.texts("#outcomes a")[1:] == ["created 2"]
    assert "Met on 4 Mar 2026" in shown.one("#corrections").get_text(" ", strip=True)
    assert shown.texts("select[name='dates.2'] option[selected]") == ["Month first"]
    shown = await tried(web, shown, **{"dates.2": "dmy"})
    assert "Met on 3 Apr 2026" in shown.one("#corrections").get_text(" ", strip=True)


async def test_a_custom_field_is_made_on_the_way(web: Web, browser: Browser) -> None:
    shown = await read(web, browser, "Name,Roof\nNora,flat\nSam,steep\n")
    shown = await tried(web, shown, **{"target.1": "new:Dropdown:Roof"})
    settings = await web.store.settings(web.account_id)
    assert "Roof" not in [field.name for field in settings.lead_fields]
    assert "Roof flat" in shown.one("#corrections").get_text(" ", strip=True)
    await pressed(web, shown, "start")
    settings = await web.store.settings(web.account_id)
    (field,) = [field for field in settings.lead_fields if field.name == "Roof"]
    assert [option.name for option in field.options] == ["flat", "steep"]


async def test_unknown_choices_are_left_out_created_or_taken_for_another(
    web: Web, browser: Browser
) -> None:
    shown = await read(web, browser, "Name,Status\nNora,Hot\nSam,Warm\nPat,Cold\n")
    key = str(shown.html.select("#questions fieldset [name^='answer.']")[0]["name"])
    answers = {key: "leave_out", f"{key}:Hot": "create", f"{key}:Warm": "map:Junk"}
    shown = await tried(web, shown, **answers)
    shown = await pressed(web, shown, "start")
    settings = await web.store.settings(web.account_id)
    statuses = {one.id: one.name for one in settings.statuses}
    answer = (await web.api.client.post("/leads/search", json={})).json()
    found = {lead["name"]: statuses[lead["status_id"]] for lead in answer}
    assert found == {"Nora": "Hot", "Sam": "Junk", "Pat": "New"}


async def test_a_corrected_cell_is_used_by_the_run(web: Web, browser: Browser) -> None:
    shown = await read(web, browser, "Name,E-mail,Met on\nNora,n@a.example,2026-02-31\n")
    shown = await tried(web, shown, **{"target.2": "new:Date:Met on"})
    assert shown.texts("#outcomes a")[1:] == ["refused 1"]
    shown = await shown.submit("#corrections", {"cell.2.2": "2026-02-28"}, button="[value=correct]")
    await worked(web)
    shown = await browser.get(shown.path)
    assert shown.texts("#outcomes a")[1:] == ["created 1"]
    one = await web.store.file_import(web.account_id, 1)
    assert json.loads(one.choices)["corrections"] == {"2": {"2": "2026-02-28"}}
    done = await pressed(web, shown, "start")
    assert "28 Feb 2026" in done.one("#corrections").text


async def test_a_mapping_is_saved_and_offered_for_the_same_headers(
    web: Web, browser: Browser
) -> None:
    shown = await read(web, browser, "Who,Where\nNora,Oslo\n")
    values = {"target.0": "name", "target.1": "address.city", "fill.1": "1", "save_as": "Fair"}
    saved = await pressed_in_form(web, browser, shown.path, "save", **values)
    assert saved.texts("#columns option[selected]") == ["Name", "City"]
    shown = await read(web, browser, "Where,Who\nRome,Sam\n", "other.csv")
    shown = await pressed_in_form(web, browser, shown.path, "use", saved="Fair")
    assert shown.texts("#columns option[selected]") == ["City", "Name"]
    assert [box.get("name") for box in shown.html.select("#columns [checked]")] == ["fill.0"]
    other = await read(web, browser, "Who,When\nRome,Sam\n")
    assert not other.html.select("#saved")
    listed = await browser.get("/imports")
    await listed.submit("#mappings form")
    assert not (await browser.get("/imports")).html.select("#mappings")


async def test_what_cannot_be_is_said_and_what_was_typed_stays(web: Web, browser: Browser) -> None:
    shown = await read(web, browser, "Name,Other\nNora,Oslo\n")
    shown = await shown.submit(
        "#choices", {"target.1": "name", "source": "Fair"}, button="button[value=read]"
    )
    assert shown.status == 422
    assert "Two columns cannot both be" in shown.one("[role=alert]").text
    assert shown.texts("#columns option[selected]") == ["Name", "Name"]
    assert shown.one("#source")["value"] == "Fair"
    for bad in ({"mode": "x"}, {"target.1": "custom:99"}, {"match": "name:x"}, {"country": "XX"}):
        answer = await (await browser.get(shown.path)).submit(
            "#choices", bad, button="[value=read]"
        )
        assert answer.status == 422, bad


async def test_a_row_matches_nothing_unless_it_is_said_by_what(web: Web, browser: Browser) -> None:
    shown = await read(web, browser, "Name,E-mail\nNora,n@a.example\n")
    shown = await tried(web, shown, match="")
    (name,) = {str(one["name"]) for one in shown.html.select("#questions [type=radio]")}
    assert name == "answer.match"
    await web.api.lead(name="Nora", email={"email": "n@a.example"})
    shown = await tried(web, shown, **{name: "email"})
    assert shown.texts("#outcomes a")[1:] == ["unchanged 1"]
