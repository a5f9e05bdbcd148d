"""The Overview: deliveries, senders, leads, shared values, and the health of the system."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from tests.support.api.service import Service
from tests.support.domain.lead_writes import create
from tests.support.web.browser_client import Browser, tidy
from tests.support.web.web_service import Web

import onelead.web
from onelead.contract.leads import Batch
from onelead.domain.fold import checked_write
from onelead.domain.limits import FIGURE_FAR_BEHIND_ROWS, SCAN_REST_S
from onelead.web.overview.chart import COLOURS, THEMES
from onelead.web.overview.stack import BY_OUTCOME, drawn_stack

DAY = 86_400
OUTCOMES = ["Created", "Updated", "Unchanged", "Refused", "Deleted"]


async def fold(web: Web) -> None:
    """Let the figures follow the ledger."""
    while await web.store.fold_ledger(web.account_id):
        pass


async def scanned(web: Web, browser: Browser) -> None:
    """Load the page, and wait for the scan that this starts."""
    web.clock.advance(SCAN_REST_S)
    await browser.get("/")
    for _ in range(500):
        if not (await browser.get("/")).one("#shared").get("data-refresh"):
            return
    raise AssertionError("the walk does not end")


async def test_a_new_account_is_told_what_to_do_first(browser: Browser, member: Browser) -> None:
    shown = await browser.get("/")
    links = [link["href"] for link in shown.html.select('section[aria-labelledby="steps"] a')]
    assert links == ["/settings/api-keys", "/try", "/settings/custom-fields"]
    assert "Done: Create an API key" in shown.text
    assert not shown.html.select("picture")
    shown = await member.get("/")
    links = [link["href"] for link in shown.html.select('section[aria-labelledby="steps"] a')]
    assert links == ["/try"]
    assert "Only an admin can do this." in shown.text


async def test_the_steps_stay_until_each_is_done(
    browser: Browser, member: Browser, service: Service
) -> None:
    await service.lead()
    shown = await browser.get("/")
    # The first delivery brings something to count, too.
    assert shown.one("picture img")
    assert "2 of 3 done." in shown.text
    assert "Done: Send your first upsert" in shown.text
    assert not (await member.get("/")).html.select("#steps")
    await service.field(name="Customer number", is_filterable=False)
    assert (await browser.get("/")).html.select("#steps")
    await service.field(name="Badge", is_filterable=True)
    assert not (await browser.get("/")).html.select("#steps")


async def test_the_steps_are_for_small_accounts(browser: Browser, service: Service) -> None:
    for _ in range(10):
        await service.lead()
    assert (await browser.get("/")).html.select("#steps")
    await service.lead()
    assert not (await browser.get("/")).html.select("#steps")


async def test_what_was_refused_leads_to_just_those_deliveries(
    web: Web, browser: Browser, service: Service
) -> None:
    await service.client.put("/leads/upsert", json={})
    web.clock.advance(2 * DAY)
    await service.client.put("/leads/upsert", json={"properties": {}})
    # A refused change of the settings is not a delivery.
    await service.client.post("/custom_field_definitions", json={"name": "Rank"})
    await fold(web)
    shown = await browser.get("/")
    (tile,) = shown.html.select('a.card[href*="outcome=refused"]')
    assert tidy(tile) == "Refused, last 24 hours 1"
    listed = await browser.get(str(tile["href"]))
    assert len(listed.html.select('ol a[aria-label^="Delivery number"]')) == 1


async def test_deliveries_are_counted_by_outcome_in_their_hour(
    web: Web, browser: Browser, service: Service
) -> None:
    lead = await service.lead(name="Nora Field")
    await service.lead(name="Nora Field")
    web.clock.advance(3_600)
    assert (await service.upsert({"title": "Buyer"}, "name", "Nora Field")).status_code == 422
    await service.client.put(f"/leads/{lead['id']}", json={"title": "Buyer"})
    await service.client.put(f"/leads/{lead['id']}", json={"title": "Buyer"})
    await fold(web)
    shown = await browser.get("/")
    heads = shown.texts("#content table thead th")
    assert [head.capitalize() for head in heads] == ["Hour", *OUTCOMES, "Total"]
    rows = shown.texts("#content table tbody tr")
    assert len(rows) == 24
    # 14 November 2023, 22:13 UTC, is 14:13 in Los Angeles.
    assert rows[:3] == [
        "Tue 14 Nov, 15:00 0 1 1 1 0 3",
        "Tue 14 Nov, 14:00 2 0 0 0 0 2",
        "Tue 14 Nov, 13:00 0 0 0 0 0 0",
    ]
    assert str(shown.one("picture img")["alt"]) == (
        "Deliveries in the last 24 hours, by outcome: Created 2, Updated 1, "
        "Unchanged 1, Refused 1. Busiest hour: Tue 14 Nov, 15:00, with 3."
    )


async def test_a_longer_span_counts_days_of_the_accounts_time_zone(
    web: Web, browser: Browser, service: Service
) -> None:
    # One second before midnight in Los Angeles, which is 8 o'clock in UTC.
    web.clock.now = 1_700_035_199
    await service.lead()
    web.clock.advance(1)
    await service.lead()
    await fold(web)
    web.clock.advance(2 * DAY)
    rows = (await browser.get("/?span=30d")).texts("#content table tbody tr")
    assert len(rows) == 30
    assert rows[:4] == [
        "Fri 17 Nov 0 0 0 0 0 0",
        "Thu 16 Nov 0 0 0 0 0 0",
        "Wed 15 Nov 1 0 0 0 0 1",
        "Tue 14 Nov 1 0 0 0 0 1",
    ]
    current = (await browser.get("/?span=90d")).one("nav[aria-label='Time span'] [aria-current]")
    assert tidy(current) == "90 days"
    # An unknown span is the shortest one.
    assert len((await browser.get("/?span=9000d")).texts("#content table tbody tr")) == 24


async def test_the_chart_is_a_picture_that_runs_and_loads_nothing(
    web: Web, browser: Browser, service: Service
) -> None:
    await service.lead()
    await fold(web)
    shown = await browser.get("/?span=48h")
    addresses = [str(source["srcset"]) for source in shown.html.select("picture source")]
    addresses.append(str(shown.one("picture img")["src"]))
    drawn = set()
    for address in addresses:
        answer = await browser.client.get(address)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/svg+xml"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "<script" not in answer.text
        assert not re.findall(r"(?:href|src|url)\W{1,3}https?:", answer.text)
        assert BeautifulSoup(answer.text, "html.parser").svg
        drawn.add(answer.text)
    # Light and dark, wide and narrow.
    assert len(drawn) == 4


@pytest.mark.parametrize(("leads", "lines"), [(0, "0 1"), (1, "0 1"), (6, "0 2 4 6")])
async def test_the_lines_of_the_chart_are_whole_numbers(
    web: Web, browser: Browser, service: Service, leads: int, lines: str
) -> None:
    for _ in range(leads):
        await service.lead()
    await fold(web)
    answer = await browser.client.get("/overview/deliveries.svg")
    texts = BeautifulSoup(answer.text, "html.parser").select(".axis.y text")
    assert " ".join(text.get_text() for text in texts) == lines


async def test_the_chart_has_a_bar_for_each_outcome_that_there_was(
    web: Web, browser: Browser, service: Service
) -> None:
    async def bars() -> int:
        answer = await browser.client.get("/overview/deliveries.svg")
        return len(BeautifulSoup(answer.text, "html.parser").select("g.bar"))

    assert await bars() == 0
    lead = await service.lead()
    await fold(web)
    assert await bars() == 1
    await service.client.delete(f"/leads/{lead['id']}")
    web.clock.advance(3_600)
    await service.lead()
    await fold(web)
    assert await bars() == 3


async def test_who_delivers_is_named_with_what_came_of_it(
    web: Web, browser: Browser, service: Service
) -> None:
    await service.lead(name="Nora Field")
    await service.lead(name="Nora Field")
    await service.upsert({"title": "Buyer"}, "name", "Nora Field")
    await fold(web)
    shown = await browser.get("/")
    assert shown.texts('section[aria-labelledby="who"] > ul > li') == [
        "first key API key 3 2 created 1 refused"
    ]
    (key,) = await web.store.api_keys(web.account_id)
    link = shown.one('section[aria-labelledby="who"] a')
    assert str(link["href"]).startswith(f"/deliveries?by=key-{key.id}&")
    # The list has exactly the deliveries that were counted.
    await service.field()
    deliveries = await shown.follow('section[aria-labelledby="who"] a')
    assert len(deliveries.html.select('ol a[aria-label^="Delivery number"]')) == 3


async def deliver_with_keys(web: Web, service: Service, count: int) -> None:
    """Deliver once with the first of some keys, twice with the second, and so on."""
    for number in range(1, count + 1):
        email = service.account.email
        _key, secret = await web.store.create_api_key(web.account_id, email, f"Form {number}")
        for _ in range(number):
            answer = await service.client.post(
                "/leads", json={"name": "Nora"}, headers={"X-PW-AccessToken": secret}
            )
            assert answer.status_code == 200
    await fold(web)


@pytest.mark.parametrize("span", ["24h", "30d"])
async def test_the_chart_is_stacked_by_who_delivers(
    web: Web, browser: Browser, service: Service, span: str
) -> None:
    await deliver_with_keys(web, service, 2)
    shown = await browser.get(f"/?span={span}")
    shown = await shown.follow("a:-soup-contains('Sender')")
    assert tidy(shown.one('nav[aria-label="Stacked by"] [aria-current]')) == "Sender"
    assert tidy(shown.one('nav[aria-label="Time span"] [aria-current]')) == (
        "24 hours" if span == "24h" else "30 days"
    )
    assert shown.texts("#content table thead th")[1:] == ["Form 2", "Form 1", "Total"]
    assert shown.texts("#content table tbody tr")[0].endswith(" 2 1 3")
    assert "by sender: Form 2 2, Form 1 1." in str(shown.one("picture img")["alt"])
    picture = await browser.client.get(str(shown.one("picture img")["src"]))
    assert len(BeautifulSoup(picture.text, "html.parser").select("g.bar")) == 2
    # The other span keeps the stack.
    other = await shown.follow("nav[aria-label='Time span'] a:-soup-contains('90 days')")
    assert tidy(other.one('nav[aria-label="Stacked by"] [aria-current]')) == "Sender"


async def test_who_delivers_least_is_counted_among_others(
    web: Web, browser: Browser, service: Service
) -> None:
    await deliver_with_keys(web, service, 8)
    shown = await browser.get("/?by=caller")
    names = [f"Form {number}" for number in range(8, 2, -1)]
    assert shown.texts("#content table thead th")[1:] == [*names, "Others", "Total"]
    assert shown.texts("#content table tbody tr")[0].endswith(" 8 7 6 5 4 3 3 36")
    picture = await browser.client.get(str(shown.one("picture img")["src"]))
    assert len(BeautifulSoup(picture.text, "html.parser").select("g.bar")) == 7


@pytest.mark.parametrize(
    "query", ["caller=", "caller=%00", "caller=<svg/onload=x>", "caller=key-" + "9" * 30, "by=x"]
)
async def test_a_picture_of_nobody_is_the_usual_one(
    web: Web, browser: Browser, service: Service, query: str
) -> None:
    await service.lead()
    await fold(web)
    usual = await browser.client.get("/overview/deliveries.svg")
    answer = await browser.client.get(f"/overview/deliveries.svg?{query}")
    assert (answer.status_code, answer.text) == (200, usual.text)


async def test_every_colour_of_the_chart_is_in_the_style_sheet() -> None:
    styles = (Path(onelead.web.__file__).parent / "styles.css").read_text()
    for theme in THEMES:
        assert {f"swatch-{name}" for name in COLOURS[theme]} == set(
            re.findall(r"\.(swatch-\w+)", styles)
        )
    callers = drawn_stack([f"key-{number}" for number in range(9)], has_others=True)
    for stack in (BY_OUTCOME, callers):
        assert {layer.colour for layer in stack.layers} <= COLOURS["light"].keys()


async def test_leads_are_counted_by_status_and_source(
    web: Web, browser: Browser, service: Service
) -> None:
    settings = await web.store.settings(web.account_id)
    status, source = settings.statuses[1], settings.sources[2]
    await service.lead(status_id=status.id, customer_source_id=source.id)
    await service.lead()
    await fold(web)
    shown = await browser.get("/")
    assert shown.texts('section[aria-labelledby="by-status"] li') == [
        "New 1",
        "Open 1",
        "Unqualified 0",
        "Junk 0",
    ]
    assert "Advertising 1" in shown.texts('section[aria-labelledby="by-source"] li')
    links = [
        str(link["href"]) for link in shown.html.select('section[aria-labelledby="by-status"] a')
    ]
    assert f"/leads?status_ids={status.id}" in links


async def test_shared_values_are_looked_for_and_listed(
    web: Web, browser: Browser, service: Service
) -> None:
    field = await service.field(name="Badge <b>")
    for number in range(3):
        await service.lead(
            name=f"Nora {number}",
            email={"email": "n@field.example", "category": "work"},
            custom_fields=[{"custom_field_definition_id": field["id"], "value": "<i>7</i>"}],
        )
    first = await browser.get("/")
    assert "The leads are being checked for the first time." in first.text
    assert first.one("#shared")["data-refresh"]
    await scanned(web, browser)
    shown = await browser.get("/")
    assert not shown.one("#shared").get("data-refresh")
    assert shown.texts("#shared h3") == ["E-mail", "Badge <b>"]
    assert shown.texts("#shared li") == [
        f"{value} 3 leads · Merge the leads with {value}"
        for value in ("n@field.example", "<i>7</i>")
    ]
    assert shown.html.select_one("#shared i, #shared b") is None
    assert shown.html.select_one('#shared a[href="/leads?emails=n%40field.example"]')


async def test_that_nothing_is_shared_is_said(web: Web, browser: Browser, service: Service) -> None:
    await service.lead()
    await scanned(web, browser)
    assert "No two leads share a name" in (await browser.get("/")).text


async def test_figures_that_are_far_behind_say_so(
    web: Web, browser: Browser, service: Service
) -> None:
    await service.lead()
    await fold(web)
    assert not (await browser.get("/")).html.select("#counting")
    settings = await web.store.settings(web.account_id)
    writes = [checked_write(create(name="Omar Reed"), settings)] * (FIGURE_FAR_BEHIND_ROWS + 1)
    await web.store.write_leads(Batch(settings, writes))
    shown = await browser.get("/")
    assert "Counting…" in tidy(shown.one("#counting"))
    assert "1 of 1,002" in tidy(shown.one("#counting"))
    assert "1,001 behind" in shown.text
    await fold(web)
    shown = await browser.get("/")
    assert not shown.html.select("#counting")
    assert "Figures up to date" in shown.text


async def test_the_state_of_the_system_is_shown(web: Web, browser: Browser) -> None:
    shown = await browser.get("/")
    lines = shown.texts('section[aria-labelledby="health"] li')
    assert lines == [
        "OK: Database SQLite is responding",
        "OK: Waiting writes none",
        "OK: Indexes complete",
        "OK: Figures up to date",
    ]


async def test_a_stranger_sees_nothing_of_this_account(web: Web, service: Service) -> None:
    await service.lead(name="Nora Field")
    await fold(web)
    stranger = await web.stranger()
    shown = await stranger.get("/")
    assert "Nora" not in shown.text
    assert shown.html.select("#steps")


async def test_who_is_not_signed_in_sees_neither_page_nor_picture(web: Web) -> None:
    for path in ("/", "/overview/deliveries.svg", "/overview/live"):
        answer = await web.visitor().client.get(path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in")
