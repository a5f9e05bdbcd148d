"""Try it: an upsert checked, sent, and shown as the command that does the same."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
from tests.support.api.service import Service
from tests.support.domain.lead_writes import create
from tests.support.web.browser_client import Browser, Shown, fields_of
from tests.support.web.web_service import Web

from onelead.domain.limits import INDEX_CHUNK_LEADS, MATCH_IDS_MAX


def command_of(shown: Shown) -> list[str]:
    """Return the words that a shell makes of the command."""
    return shlex.split(shown.one("#curl").get_text().replace("\\\n", ""))


def body_of(shown: Shown) -> Any:
    """Return the JSON that the command sends."""
    words = command_of(shown)
    return json.loads(words[words.index("-d") + 1])


async def checked(shown: Shown, **values: Any) -> Shown:
    return await shown.submit("#upsert", values, button="[value=check]:not([tabindex])")


async def sent(shown: Shown, **values: Any) -> Shown:
    return await shown.submit("#upsert", values, button="[value=send]")


async def pressed(shown: Shown, what: str, **values: Any) -> Shown:
    assert shown.html.select(f"button[name=do][value={what}]")
    return await shown.submit("#upsert", {**values, "do": what})


async def ledger_rows(web: Web) -> int:
    return len((await web.store.account_rows(web.account_id)).ledger)


async def test_a_check_says_what_would_happen_and_writes_nothing(
    web: Web, browser: Browser
) -> None:
    page = await browser.get("/try")
    shown = await checked(page, by="email", value="nora@field.example", name="Nora Field")
    assert shown.status == 200
    assert "A new lead would be created" in shown.text
    assert "Checked only" in shown.text
    assert "no leads by e-mail nora@field.example" in shown.text
    assert await ledger_rows(web) == 0


async def test_a_match_in_steps_is_checked_and_sent_as_json(
    web: Web, browser: Browser, service: Service
) -> None:
    lead = await service.lead(email="nora@field.example")
    by_email = {"field_name": "email", "field_value": "nora@field.example"}
    by_name = {"field_name": "name", "field_value": "Nora F."}
    body = {
        "properties": {"title": "Buyer"},
        "match": [by_name, {"all": [by_email, by_name | {"field_value": lead["name"]}]}],
        "on_ambiguous": "oldest",
        "if_empty": ["title"],
    }
    page = await pressed(await browser.get("/try"), "json")
    shown = await checked(page, body=json.dumps(body))
    assert "Lead-Match: field=email; matches=1; step=2" in " ".join(shown.text.split())
    shown = await pressed(shown, "form")
    assert "so it stays JSON" in shown.text
    shown = await sent(shown)
    assert (await service.client.get(f"/leads/{lead['id']}")).json()["title"] == "Buyer"


async def test_a_send_does_it_and_shows_the_receipt(web: Web, browser: Browser) -> None:
    page = await browser.get("/try")
    values = {"by": "email", "value": "nora@field.example", "name": "Nora Field", "title": "Buyer"}
    shown = await sent(page, **values)
    assert "Nora Field was created" in shown.text
    rows = await web.store.account_rows(web.account_id)
    ((_, seq, *_),) = rows.ledger
    assert rows.ledger[0].outcome == "created"
    assert rows.ledger[0].user_id == web.api.account.user_id
    assert rows.ledger[0].api_key_id is None
    assert shown.one(f'#result a[href="/deliveries/{seq}"]')
    lead_id = rows.leads[0][1]
    assert shown.one(f'#result a[href="/leads/{lead_id}"]')
    answer = shown.one("#result pre").get_text().splitlines()
    assert answer[0] == "200"
    assert "Lead-Outcome: created" in answer
    assert "Lead-Match: field=email; matches=0" in answer
    assert 'ETag: "1"' in answer
    assert f"X-Request-Id: {rows.ledger[0].request_id}" in answer


async def test_the_headers_are_those_that_a_client_of_the_api_gets(
    web: Web, browser: Browser, service: Service
) -> None:
    body = {
        "properties": {"name": "Nora Field", "title": "Buyer"},
        "match": {"field_name": "email", "field_value": "nora@field.example"},
    }
    page = await pressed(await browser.get("/try"), "json")
    shown = await checked(page, body=json.dumps(body))
    answer = await service.client.put("/leads/upsert", json=body)
    told = dict(
        line.split(": ", 1) for line in shown.one("#result pre").get_text().splitlines()[1:]
    )
    assert told == {name: answer.headers[name] for name in told}
    assert set(told) == {"Lead-Outcome", "Lead-Changed", "Lead-Match", "ETag"}


async def test_the_command_does_what_the_form_does(web: Web, browser: Browser) -> None:
    field = await web.api.field(name="Tier", data_type="MultiSelect")
    gold = field["options"][1]["id"]
    values = {"by": "name", "value": "Nora O'Field", "email": "n@field.example", "tags": "a, ,b"}
    page = await browser.get("/try")
    shown = await pressed(page, "update", **values, **{f"custom-{field['id']}": str(gold)})
    words = command_of(shown)
    assert words[:4] == ["curl", "-X", "PUT", "http://onelead.test/developer_api/v1/leads/upsert"]
    assert "X-PW-UserEmail: dana@shop.example" in words
    assert "X-PW-AccessToken: YOUR_KEY" in words
    assert body_of(shown) == {
        "properties": {
            "email": {"email": "n@field.example", "category": "work"},
            "tags": ["a", "b"],
            "custom_fields": [{"custom_field_definition_id": field["id"], "value": [gold]}],
        },
        "match": {"field_name": "name", "field_value": "Nora O'Field"},
    }
    rows = (await web.store.account_rows(web.account_id)).ledger
    assert [row.resource for row in rows] == ["custom_field_definition"]


async def test_what_is_sent_is_what_the_command_sends(web: Web, browser: Browser) -> None:
    shown = await sent(await browser.get("/try?example=again"))
    words = command_of(shown)
    (row,) = (await web.store.account_rows(web.account_id)).ledger
    assert row.payload == words[words.index("-d") + 1]


async def test_an_update_shows_what_would_change_from_what_to_what(
    web: Web, browser: Browser
) -> None:
    lead = await web.api.lead(email={"email": "nora@field.example"}, title="Buyer")
    values = {"by": "email", "value": "NORA@field.example", "title": "Owner"}
    shown = await checked(await browser.get("/try"), **values)
    assert "Nora Field would be updated" in shown.text
    assert shown.texts("#result tbody tr") == ["Title Buyer Owner"]
    assert (await web.store.lead(web.account_id, lead["id"])).lead.title == "Buyer"
    shown = await sent(shown)
    assert "Nora Field was updated" in shown.text
    assert shown.texts("#result tbody tr") == ["Title Buyer Owner"]
    shown = await sent(shown)
    assert "Nora Field was not changed" in shown.text


REFUSED = [
    ({"by": "email", "value": ""}, "value", "field_value can't be blank"),
    ({"by": "email", "value": "n@field.example", "name": "x" * 300}, "name", "is too long"),
    ({"by": "name", "value": "Nora", "status": "Hot"}, "status", 'is not a lead status: "Hot"'),
    ({"by": "name", "value": "Nora", "monetary_value": "much"}, "monetary_value", "not a number"),
    ({"by": "name", "value": "Nora", "title": "x" * 300}, "title", "is too long"),
    ({"by": "name", "value": "Nora", "email": "x" * 300}, "email", "is too long"),
]


@pytest.mark.parametrize(("values", "field", "text"), REFUSED)
async def test_a_refusal_stands_beside_the_field_in_the_words_of_the_api(
    web: Web, browser: Browser, values: dict[str, str], field: str, text: str
) -> None:
    shown = await checked(await browser.get("/try"), **values)
    assert text in shown.problem_of(field)
    answer = await web.api.client.put("/leads/upsert", json=body_of(shown))
    assert answer.status_code == 422
    assert shown.one("#refusal").get_text() == answer.json()["message"]
    assert shown.one("#result pre").get_text().startswith("422\n")


async def test_a_refused_upsert_that_was_sent_is_kept(web: Web, browser: Browser) -> None:
    shown = await sent(await browser.get("/try?example=refused"))
    assert "It was refused and recorded" in shown.text
    shown = await shown.follow('#result a[href^="/deliveries/"]')
    assert 'is not a lead status: "Unheard of"' in shown.text


async def test_the_first_minute_of_a_field(web: Web, browser: Browser) -> None:
    """Create a text field, see an upsert by it refused, include it, see the same one work."""
    field = await web.api.field(name="Customer number", is_filterable=False)
    page = await browser.get(f"/try?field={field['id']}")
    assert "Upserts by Customer number are refused" in page.text
    shown = await sent(page)
    assert "is not included in filters" in shown.one("#refusal").get_text()
    assert shown.problem_of("value").endswith("change it in System Settings -> Custom Fields")
    page = await shown.follow(f'#result a[href^="/settings/custom-fields/{field["id"]}?again="]')
    page = await page.submit("#definition", button="#save", is_filterable="1")
    assert "Upserts and searches can use it now." in page.text
    # From there back to the same upsert, without typing it again.
    again = await sent(await page.follow('#index a[href^="/try?delivery="]'))
    assert "Sam Roe was created" in again.text
    assert not again.html.select("#refusal")
    assert "Sam Roe was not changed" in (await sent(again)).text


async def test_a_field_that_is_being_indexed_says_when_to_try_again(
    web: Web, browser: Browser
) -> None:
    field = await web.api.field(name="Customer number", is_filterable=False)
    leads = [create(name="Nora Field") for _ in range(INDEX_CHUNK_LEADS)]
    await web.api.writer.write_many(web.account_id, leads)
    definition = f"/custom_field_definitions/{field['id']}"
    await web.api.client.put(definition, json={"is_filterable": True})
    shown = await checked(await browser.get(f"/try?field={field['id']}"))
    assert "is still being indexed; try again shortly" in shown.one("#refusal").get_text()
    assert "Retry-After: 1" in shown.one("#result pre").get_text().splitlines()
    assert "is still being indexed" in shown.text
    while await web.store.build_index(web.account_id):
        pass
    assert "A new lead would be created" in (await checked(shown)).text


async def test_a_member_is_told_who_can_change_the_field(web: Web, member: Browser) -> None:
    field = await web.api.field(name="Customer number", is_filterable=False)
    shown = await checked(await member.get(f"/try?field={field['id']}"))
    assert "An admin of this account can change that" in shown.text
    assert not shown.html.select('main a[href^="/settings"]')
    assert "dana" not in shown.one("#curl").get_text()
    assert "mia@shop.example" in shown.one("#curl").get_text()


async def test_several_matches_stand_side_by_side(web: Web, browser: Browser) -> None:
    first = await web.api.lead(name="Nora Field", title="Buyer", company_name="Field")
    second = await web.api.lead(name="Nora Field", title="Owner", company_name="Field")
    shown = await checked(await browser.get("/try"), by="name", value="nora field", title="Buyer")
    assert f"2 leads match: {first['id']}, {second['id']}" in shown.text
    heads = shown.texts("#result thead th")
    assert heads[:2] == ["Field", "Delivered"]
    rows = shown.html.select("#result table tbody tr")
    title = next(row for row in rows if row.select("th")[0].get_text() == "Title")
    assert [" ".join(cell.get_text().split()) for cell in title.select("td")] == [
        *("Buyer", "Buyer", "≠ differs: Owner"),
    ]


async def test_more_matches_than_can_be_named(web: Web, browser: Browser) -> None:
    for number in range(MATCH_IDS_MAX + 1):
        await web.api.lead(name="Nora Field", title=f"Buyer {number}")
    shown = await checked(await browser.get("/try"), by="name", value="Nora Field")
    assert "more leads match than can be listed" in shown.text
    assert "More than 30 leads match" in shown.text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("{", "the body is not readable JSON"),
        ("[1]", "the body must be a JSON object"),
        ('{"a": 1, "a": 2}', "the same key twice"),
        ("[" * 500, "the body is not"),
        ("@/etc/passwd", "the body is not readable JSON"),
    ],
)
async def test_a_body_that_is_not_a_json_object_never_reaches_the_ledger(
    web: Web, browser: Browser, body: str, text: str
) -> None:
    page = await pressed(await browser.get("/try"), "json")
    for button in ("check", "send"):
        shown = await pressed(page, button, body=body)
        assert shown.status == 400
        assert text in shown.problem_of("body")
        assert shown.one("#body").get_text().strip() == body
    assert await ledger_rows(web) == 0


async def test_a_body_can_have_what_the_form_has_no_field_for(web: Web, browser: Browser) -> None:
    page = await pressed(await browser.get("/try"), "json")
    body = {
        "properties": {"name": "Nora Field", "websites": [{"url": "https://field.example"}]},
        "match": {"field_name": "name", "field_value": "Nora Field"},
    }
    shown = await pressed(page, "form", body=json.dumps(body))
    assert "The form does not have a field for all of this" in shown.problem_of("body")
    shown = await sent(shown)
    assert "Nora Field was created" in shown.text


async def test_the_form_becomes_json_and_a_form_again(browser: Browser) -> None:
    page = await browser.get("/try?example=again")
    written = await pressed(page, "json", details="Line one\nLine <two>")
    body = json.loads(written.one("#body").get_text())
    assert body["properties"]["details"] == "Line one\nLine <two>"
    back = await pressed(written, "form")
    assert back.one("#details").get_text().strip() == "Line one\nLine <two>"
    assert body_of(back) == body


async def test_a_delivery_is_tried_again_with_all_that_it_brought(
    web: Web, browser: Browser
) -> None:
    for body in (
        {"properties": {"status": "Hot"}, "match": {"field_name": "email", "field_value": "a@b"}},
        {"properties": {"websites": []}, "match": {"field_name": "phone", "field_value": [1]}},
        {"properties": None, "more": 1},
    ):
        answer = await web.api.client.put("/leads/upsert", json=body)
        assert answer.status_code == 422
        seq = await ledger_rows(web)
        page = await browser.get(f"/deliveries/{seq}")
        shown = await page.follow('main a[href^="/try?"]')
        assert body_of(shown) == body
        again = await checked(shown)
        assert again.one("#refusal").get_text() == answer.json()["message"]


async def test_a_delivery_of_another_account_is_not_there(web: Web, browser: Browser) -> None:
    await web.api.lead()
    stranger = await web.stranger()
    assert (await stranger.get("/try?delivery=1", status=404)).status == 404
    assert (await browser.get("/try?delivery=99", status=404)).status == 404


@pytest.mark.parametrize("query", ["delivery=x", "delivery=-1", "example=%00", "field=99", "x=1"])
async def test_an_address_that_asks_for_nothing_known_shows_the_empty_form(
    browser: Browser, query: str
) -> None:
    shown = await browser.get(f"/try?{query}")
    assert body_of(shown) == {
        "properties": {},
        "match": {"field_name": "email", "field_value": ""},
    }


async def test_hostile_values_are_text_everywhere(web: Web, browser: Browser) -> None:
    hostile = "</pre><script>alert('x')</script>\"{{7*7}}"
    await web.api.field(name=hostile[:60])
    page = await browser.get("/try")
    shown = await sent(page, by="name", value=hostile, name=hostile, title=hostile)
    assert "<script>alert" not in shown.response.text
    assert "{{7*7}}" in shown.one("#result").get_text()
    assert body_of(shown)["match"]["field_value"] == hostile


async def test_the_sum_of_all_custom_field_types_is_sent_as_a_client_writes_it(
    web: Web, browser: Browser
) -> None:
    typed = {
        "Checkbox": ("true", True),
        "Currency": ("12.50", 12.5),
        "Date": ("2026-01-31", "01/31/2026"),
        "Float": ("1e3", 1000.0),
        "Percentage": ("50", 50),
        "String": (" A-1 ", " A-1 "),
        "Text": ("Line one\nline two", "Line one\nline two"),
        "URL": ("https://field.example", "https://field.example"),
    }
    fields = {name: await web.api.field(name=name, data_type=name) for name in typed}
    chosen = {
        name: await web.api.field(name=name, data_type=name) for name in ("Dropdown", "MultiSelect")
    }
    values: dict[str, Any] = {
        f"custom-{fields[name]['id']}": text for name, (text, _sent) in typed.items()
    }
    first, second = [option["id"] for option in chosen["MultiSelect"]["options"]]
    values[f"custom-{chosen['MultiSelect']['id']}"] = [str(first), str(second)]
    values[f"custom-{chosen['Dropdown']['id']}"] = str(chosen["Dropdown"]["options"][1]["id"])
    page = await browser.get("/try")
    shown = await sent(page, by="name", value="Nora Field", **values)
    assert "Nora Field was created" in shown.text
    by_id = {
        entry["custom_field_definition_id"]: entry["value"]
        for entry in body_of(shown)["properties"]["custom_fields"]
    }
    for name, (_text, expected) in typed.items():
        assert by_id[fields[name]["id"]] == expected
    assert by_id[chosen["MultiSelect"]["id"]] == [first, second]
    back = await pressed(await pressed(shown, "json"), "form")
    assert body_of(back) == body_of(shown)
    assert "Nora Field was not changed" in (await sent(back)).text


@pytest.mark.parametrize(
    ("data_type", "typed", "found"),
    [
        ("String", "A-1", "A-1"),
        ("Date", "2026-01-31", "01/31/2026"),
        ("Checkbox", "true", True),
        ("Float", "1.5", 1.5),
        ("URL", "https://field.example", "https://field.example"),
    ],
)
async def test_a_match_by_a_field_of_each_type(
    web: Web, browser: Browser, data_type: str, typed: str, found: Any
) -> None:
    field = await web.api.field(data_type=data_type)
    value = {"custom_field_definition_id": field["id"], "value": found}
    await web.api.lead(custom_fields=[value])
    values = {"by": f"custom-{field['id']}", "value": typed, "title": "Buyer"}
    shown = await checked(await browser.get("/try"), **values)
    assert "Nora Field would be updated" in shown.text


async def test_every_example_can_be_sent(web: Web, browser: Browser) -> None:
    await web.api.field(name="Customer number")
    page = await browser.get("/try")
    links = [str(link["href"]) for link in page.html.select('nav[aria-label="Examples"] a')]
    assert len(links) == 5
    outcomes = [(await sent(await browser.get(link))).texts("#result h2 .badge") for link in links]
    done = ["created", "updated", "updated", "created", "refused"]
    assert outcomes == [[outcome] for outcome in done]


async def test_nothing_is_typed_away_when_the_queue_is_full(web: Web, browser: Browser) -> None:
    page = await browser.get("/try")
    await web.api.writer.drain()
    fields = {**dict(fields_of(page.one("#upsert"))), "title": "Buyer", "do": "send"}
    answer = await browser.client.post("/try", data=fields)
    shown = Shown(browser, answer)
    assert shown.status == 503
    assert shown.one("#title")["value"] == "Buyer"
    assert "try again shortly" in shown.text


async def test_what_is_tried_again_is_an_upsert_that_one_may_see(
    browser: Browser, member: Browser, service: Service
) -> None:
    await service.field(name="Secret score")
    await service.lead(name="Nora Field")
    assert (await service.upsert({"title": "Buyer"}, "name", "Nora Field")).status_code == 200
    for anybody in (browser, member):
        shown = await anybody.get("/try?delivery=3")
        assert body_of(shown)["match"] == {"field_name": "name", "field_value": "Nora Field"}
        await anybody.get("/try?delivery=2", status=404)
    shown = await member.get("/try?delivery=1", status=403)
    assert "Secret" not in shown.response.text
    await browser.get("/try?delivery=1", status=404)


async def test_of_many_options_the_form_has_the_first_fields_and_others_when_asked(
    web: Web, browser: Browser
) -> None:
    options = [{"name": f"Option {number}"} for number in range(120)]
    fields = [
        await web.api.field(name=f"Field {number}", data_type="Dropdown", options=options)
        for number in range(5)
    ]
    last = f"custom-{fields[4]['id']}"
    shown = await browser.get("/try?example=new")
    assert shown.html.select(f"#upsert [name=custom-{fields[2]['id']}]")
    assert not shown.html.select(f"#upsert [name={last}]")
    more = {"more": str(fields[4]["id"])}
    shown = await shown.submit("#upsert", more, button="[value=more]")
    assert shown.one("#upsert [name=name]")["value"] == "Nora Field"
    option = str(fields[4]["options"][7]["id"])
    shown = await shown.submit("#upsert", {last: option}, button=".card-foot [value=check]")
    assert "Option 7" in shown.one("#result").get_text()
    # What the form has a value for, it has an input for.
    shown = await shown.submit("#upsert", button="[value=json]")
    shown = await shown.submit("#upsert", button="[value=form]")
    assert shown.one(f"#upsert [name={last}] option[selected]")["value"] == option
