"""The list of deliveries: one readable line each, filters in the address, and bounded searches."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.api.service import Service, database_in
from tests.support.web.browser_client import Browser, Shown
from tests.support.web.web_service import Web

from onelead.domain.limits import LEDGER_EXAMINED_MAX, LEDGER_SLICE_ROWS


def lines(shown: Shown) -> list[str]:
    return shown.texts("main ol > li")


def seqs(shown: Shown) -> list[int]:
    links = shown.html.select('main ol > li a[aria-label^="Delivery number"]')
    return [int(str(link["href"]).rpartition("/")[2]) for link in links]


def chips(shown: Shown) -> list[str]:
    return [
        text.partition(" Remove the filter")[0]
        for text in shown.texts('ul[aria-label="Active filters"] > li')
    ]


async def refused(service: Service, **properties: Any) -> None:
    answer = await service.upsert({"status": "Hot"} | properties, "email", "x@field.example")
    assert answer.status_code == 422


async def test_before_anything_was_delivered_the_page_says_what_to_do(
    browser: Browser, member: Browser
) -> None:
    shown = await browser.get("/deliveries")
    assert "No deliveries yet" in shown.text
    assert shown.one('main a[href="/settings/api-keys"]')
    assert not (await member.get("/deliveries")).html.select('main a[href^="/settings"]')


async def test_a_line_says_what_happened_by_whom_and_to_whom(
    web: Web, service: Service, browser: Browser
) -> None:
    lead = await service.lead(email={"email": "nora@field.example"})
    await service.upsert({"title": "Buyer"}, "email", "Nora@field.example")
    await refused(service)
    last, changed, created = lines(await browser.get("/deliveries"))
    assert "refused Upsert refused" in last
    assert 'Status: is not a lead status: "Hot"' in last
    assert "updated Lead changed by an upsert · Nora Field" in changed
    assert "matched 1 lead by e-mail nora@field.example" in changed
    assert "Changed: Title" in changed
    assert "created Lead created" in created
    assert "Changed" not in created
    assert "API key" in created
    shown = await browser.get("/deliveries")
    assert len(shown.html.select(f'main ol a[href="/leads/{lead["id"]}"]')) == 2


async def test_a_setting_is_named_even_when_it_is_gone(service: Service, browser: Browser) -> None:
    field = await service.field(name="Badge number", is_filterable=False)
    path = f"/custom_field_definitions/{field['id']}"
    await service.client.put(path, json={"is_filterable": True})
    changed, _ = lines(await browser.get("/deliveries"))
    assert "Custom field “Badge number” changed" in changed
    await service.client.delete(path)
    deleted, changed, created = lines(await browser.get("/deliveries"))
    assert "Custom field “Badge number” deleted" in deleted
    assert "Changed" not in deleted
    assert "Custom field “Badge number (deleted)” changed" in changed
    assert "Changed: Included in filters" in changed
    assert "Custom field “Badge number (deleted)” created" in created


async def test_of_many_changes_the_first_are_named_and_the_others_counted(
    service: Service, browser: Browser
) -> None:
    lead = await service.lead()
    changes = {
        "title": "Buyer",
        "company_name": "Field",
        "details": "Met",
        "tags": ["fair"],
        "email": {"email": "n@field.example"},
        "address": {"city": "Chicago"},
        "monetary_value": 5,
        "websites": [{"url": "https://field.example"}],
    }
    answer = await service.client.put(f"/leads/{lead['id']}", json=changes)
    count = len(answer.headers["lead-changed"].split(", "))
    assert count > 6
    first, _ = lines(await browser.get("/deliveries"))
    assert first.partition("Changed: ")[2].count(", ") == 5
    assert f"and {count - 6} more" in first


async def test_what_was_not_taken_and_what_is_shared_is_said_wherever_the_delivery_is(
    service: Service, browser: Browser, tmp_path: Path
) -> None:
    field = await service.field(name="Budget")
    lead, other = await service.lead(), await service.lead(name="Sam Roe")
    ignored = json.dumps([f"custom_fields.{field['id']}", "email"])
    shares = json.dumps({"email": [other["id"]]})
    database_in(tmp_path).execute(
        f"UPDATE ledger SET ignored = '{ignored}', shares = '{shares}' WHERE seq = 2"
    )
    await service.client.delete(f"/custom_field_definitions/{field['id']}")
    said = ("Not taken: Budget (deleted), E-mail", f"Shares its e-mail with lead {other['id']}")
    for path in ("/deliveries", "/deliveries/2", f"/leads/{lead['id']}", "/"):
        shown = await browser.get(path)
        assert all(text in shown.text for text in said), path
        assert shown.html.select(f'main a[href="/leads/{other["id"]}"]')
    assert (
        len([line for line in lines(await browser.get("/deliveries")) if "Not taken" in line]) == 1
    )


async def test_deliveries_that_sent_a_setting_are_found_by_its_id(
    service: Service, browser: Browser
) -> None:
    tier = await service.field(name="Tier", data_type="Dropdown")
    silver, gold = tier["options"]
    settings = await service.store.settings(service.account.account_id)
    status, source = settings.statuses[1], settings.sources[0]
    entry = {"custom_field_definition_id": tier["id"], "value": "Gold"}
    await service.lead(custom_fields=[entry])
    await service.lead(custom_fields=[entry | {"value": silver["id"]}], status=status.name)
    await service.lead(status_id=status.id, customer_source_id=source.id)
    expected = {
        tier["id"]: ([3, 2], "Sent Tier"),
        gold["id"]: ([2], "Sent Tier: Gold"),
        silver["id"]: ([3], "Sent Tier: Silver"),
        status.id: ([4, 3], f"Sent {status.name}"),
        source.id: ([4], f"Sent {source.name}"),
        2**50: ([], f"Sent {2**50}"),
    }
    for setting_id, (found, chip) in expected.items():
        shown = await browser.get(f"/deliveries?sent={setting_id}")
        assert (seqs(shown), chips(shown)) == (found, [chip])
    await service.client.put(f"/custom_field_definitions/{tier['id']}", json={"options": [silver]})
    shown = await browser.get(f"/deliveries?sent={gold['id']}&outcome=created")
    assert (seqs(shown), chips(shown)[0]) == ([2], "Sent Tier: Gold (deleted)")
    # The form keeps it.
    shown = await shown.submit("#filters", outcome="refused")
    assert chips(shown) == ["Sent Tier: Gold (deleted)", "refused"]
    await service.client.delete(f"/custom_field_definitions/{tier['id']}")
    assert chips(await browser.get(f"/deliveries?sent={tier['id']}")) == ["Sent Tier (deleted)"]


async def test_a_deleted_lead_is_marked_and_still_has_its_page(
    service: Service, browser: Browser
) -> None:
    lead = await service.lead()
    await service.client.delete(f"/leads/{lead['id']}")
    await service.client.delete(f"/leads/{lead['id'] + 9}")
    shown = await browser.get("/deliveries")
    never, deleted, created = lines(shown)
    assert f"lead {lead['id'] + 9}, which does not exist" in never
    for line in (deleted, created):
        assert f"lead {lead['id']} , since deleted" in line
    assert not shown.html.select(f'main a[href="/leads/{lead["id"] + 9}"]')


async def test_several_matches_link_to_their_comparison(service: Service, browser: Browser) -> None:
    for _ in range(2):
        await service.lead()
    await service.upsert({"title": "Buyer"}, "name", "Nora Field")
    shown = await browser.get("/deliveries")
    assert "2 leads match" in lines(shown)[0]
    compared = await shown.follow('main a[href$="#matches"]')
    assert compared.one("#matches")


async def test_every_filter_finds_its_rows_and_is_a_chip_that_can_be_removed(
    web: Web, service: Service, browser: Browser
) -> None:
    field = await service.field(name="Customer number")
    await service.lead()
    custom = {"custom_field_definition_id": field["id"], "value": "A-1"}
    await service.upsert({"name": "Sam Roe"}, "custom", custom)
    await refused(service)
    key_id = (await web.store.api_keys(web.account_id))[0].id
    page = await browser.get("/leads/new")
    await page.submit("main form", name="Typed Field")
    expected = {
        "outcome=refused": ([4], "refused"),
        "outcome=refused&outcome=created": ([5, 4, 3, 2, 1], "refused"),
        "about=settings": ([1], "About Settings"),
        "about=leads": ([5, 4, 3, 2], "About Leads"),
        f"by=key-{key_id}": ([4, 3, 2, 1], "By API key"),
        # What came through a user's API key counts for the key.
        f"by=user-{service.account.user_id}": ([5], "By dana in the web application"),
        "by=user-1": ([], "By user-1"),
        "match=custom": ([3], "Matched by Any custom field"),
        f"match=custom-{field['id']}": ([3], "Matched by Customer number"),
        f"match=custom-{field['id']}&value=%20A-1": ([3], "Matched by Customer number"),
        "match=email": ([], "Matched by E-mail"),
        "value=A-1": ([3], "Value A-1"),
        "value=a-1": ([], "Value a-1"),
        "request=request-3": ([3], "Request request-3"),
        "ignored=1": ([], "Something not taken"),
        "from=2000-01-01T00:00&until=2100-01-01": ([5, 4, 3, 2, 1], "From 2000-01-01 00:00"),
        "until=2000-01-01": ([], "Until 2000-01-01"),
    }
    for query, (found, chip) in expected.items():
        shown = await browser.get(f"/deliveries?{query}")
        assert seqs(shown) == found, query
        assert chips(shown)[0].startswith(chip), query
        assert len(chips(shown)) == query.count("=")
        removed = shown
        for _ in chips(shown):
            first = str(removed.html.select("li.chip a")[0]["href"])
            removed = await browser.get(first)
        assert removed.path == "/deliveries"


async def test_the_form_keeps_what_the_address_says(service: Service, browser: Browser) -> None:
    await service.lead()
    query = "/deliveries?outcome=created&about=leads&from=2001-02-03T04%3A05&value=x&request=r"
    shown = await browser.get(query)
    again = await shown.submit("#filters")
    assert chips(again) == chips(shown)
    more = await again.submit("#filters", match="email")
    assert "Matched by E-mail" in chips(more)


async def test_times_are_those_of_the_account(web: Web, service: Service, browser: Browser) -> None:
    """Noon in Los Angeles, where the account is, is eight in the evening in London."""
    web.clock.advance(1_768_161_600 - web.clock())
    browser = await web.admin()
    await service.lead()
    day = "2026-01-11"
    for query, count in {
        f"from={day}T12:00&until={day}T12:01": 1,
        f"from={day}T12:00:01": 0,
        f"until={day}T12:00": 0,
        f"from={day}&until={day}": 1,
        "from=2026-01-12": 0,
        "until=2026-01-10": 0,
    }.items():
        assert len(lines(await browser.get(f"/deliveries?{query}"))) == count, query


@pytest.mark.parametrize(
    ("query", "field", "text"),
    [
        ("from=yesterday", "from", 'is not a date and time (YYYY-MM-DDThh:mm): "yesterday"'),
        ("until=0001-01-01", "until", "is not a date and time"),
        ("from=2026-01-01T00:00:00%2B01:00", "from", "is not a date and time"),
        ("about=money", "about", 'must be leads, unread or settings: "money"'),
        ("by=key-x", "by", 'is not a user or an API key: "key-x"'),
        ("by=key-99999999999999999999", "by", "is not a user or an API key"),
        ("match=custom-0", "match", 'is not a field that upserts match by: "custom-0"'),
        ("match=phone", "match", 'is not a field that upserts match by: "phone"'),
    ],
)
async def test_an_unknown_filter_value_is_refused_beside_its_field(
    browser: Browser, query: str, field: str, text: str
) -> None:
    shown = await browser.get(f"/deliveries?{query}", status=422)
    assert text in shown.problem_of(field)
    assert not lines(shown)


async def test_an_unknown_outcome_is_refused(browser: Browser) -> None:
    shown = await browser.get("/deliveries?outcome=refused&outcome=%3Cb%3E", status=422)
    assert 'is not an outcome: "<b>"' in shown.text


async def test_what_was_sent_is_an_id(browser: Browser) -> None:
    shown = await browser.get("/deliveries?sent=Budget", status=422)
    assert 'What was sent is not the id of a setting: "Budget"' in shown.text


@pytest.mark.parametrize("name", ["request", "value", "outcome", "from", "before"])
async def test_a_nul_character_is_refused_as_a_whole(browser: Browser, name: str) -> None:
    shown = await browser.get(f"/deliveries?{name}=a%00b", status=400)
    assert "NUL character" in shown.text


@pytest.mark.parametrize("before", ["x", "-1", "0", "1.5", "99999999999999999999"])
async def test_an_invalid_cursor_begins_at_the_newest(
    service: Service, browser: Browser, before: str
) -> None:
    await service.lead()
    assert seqs(await browser.get(f"/deliveries?before={before}")) == [1]


async def test_older_walks_through_everything_and_keeps_the_filters(
    service: Service, browser: Browser
) -> None:
    count = 2 * LEDGER_SLICE_ROWS + 5
    for _ in range(count):
        await service.lead()
    shown = await browser.get("/deliveries?outcome=created")
    seen = seqs(shown)
    while shown.html.select("#older"):
        shown = await shown.follow("#older")
        assert chips(shown) == ["created"]
        seen += seqs(shown)
    assert seen == list(range(count, 0, -1))
    assert "there is nothing older" in shown.text
    newest = await shown.follow('.card-foot a[href="/deliveries?outcome=created"]')
    assert seqs(newest)[0] == count


async def test_a_long_ledger_is_looked_through_in_parts_that_say_how_far_they_went(
    web: Web, service: Service, browser: Browser, tmp_path: Any
) -> None:
    await refused(service)
    rows = LEDGER_EXAMINED_MAX + 100
    database_in(tmp_path).execute(
        "INSERT INTO ledger (account_id, seq, date, request_id, resource, action, outcome,"
        " payload) WITH RECURSIVE n (seq) AS (SELECT 2 UNION ALL SELECT seq + 1 FROM n"
        f" WHERE seq < {rows}) SELECT {web.account_id}, seq, {web.clock()}, '', 'lead', 'create',"
        " 'created', '{}' FROM n"
    )
    shown = await browser.get("/deliveries?outcome=refused")
    assert "No deliveries match these filters so far" in shown.text
    assert "Searched back to" in shown.text
    assert shown.texts("#older") == ["Search further back"]
    assert seqs(await shown.follow("#older")) == [1]


async def test_hostile_text_is_text(service: Service, browser: Browser) -> None:
    hostile = "<script>alert(1)</script>"
    await service.lead(name=hostile)
    await service.upsert({"title": hostile}, "name", hostile)
    await refused(service, status=hostile)
    for query in ("", f"?value={hostile}&request={hostile}", f"?from={hostile}"):
        answer = await browser.client.get(f"/deliveries{query}")
        assert hostile not in answer.text
        assert "&lt;script&gt;" in answer.text


async def test_another_account_sees_none_of_it(web: Web, service: Service, member: Browser) -> None:
    await service.lead()
    stranger = await web.stranger()
    assert lines(await stranger.get("/deliveries")) == []
    await stranger.get("/deliveries/1", status=404)
    assert len(lines(await member.get("/deliveries"))) == 1


async def test_a_time_has_seconds_only_where_the_address_has_some(browser: Browser) -> None:
    shown = await browser.get("/deliveries?from=2026-01-31T10:00&until=2026-01-31T11:00:07")
    assert not shown.one("#from").has_attr("step")
    assert shown.one("#until")["step"] == "1"
