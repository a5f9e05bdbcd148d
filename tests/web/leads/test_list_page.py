"""The list of leads: what it finds, how it is sorted, paged and shown."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from tests.support.api.service import Service
from tests.support.web.browser_client import Browser, Shown
from tests.support.web.web_service import Web

from onelead.domain.limits import LIST_COLUMNS_MAX

NAMES = "#leads tbody th"


async def some(service: Service, count: int, **properties: Any) -> None:
    for number in range(count):
        await service.lead(name=f"Nora Field {number:03}", **properties)


def names(shown: Shown) -> list[str]:
    return shown.texts(NAMES)


async def test_without_leads_the_page_says_how_to_get_the_first(
    browser: Browser, member: Browser
) -> None:
    shown = await browser.get("/leads")
    assert "No leads yet" in shown.text
    assert shown.html.select('main a[href="/try"]')
    assert shown.html.select('main a[href="/settings/api-keys"]')
    shown = await member.get("/leads")
    assert not shown.html.select('main a[href="/settings/api-keys"]')


async def test_a_lead_is_shown_with_what_the_columns_say(
    browser: Browser, service: Service
) -> None:
    lead = await service.lead(
        name="Nora Field",
        email={"email": "nora@field.example", "category": "work"},
        company_name="Field & Sons",
        phone_numbers=[
            {"number": "512-555-0100", "category": "work"},
            {"number": "512-555-0101", "category": "home"},
        ],
        assignee_id=service.account.user_id,
    )
    shown = await browser.get("/leads")
    assert "1 lead" in shown.one("#count").get_text(" ", strip=True)
    row = shown.one("#leads tbody tr").get_text()
    for text in ("Nora Field", "nora@field.example", "Field & Sons", "512-555-0100 +1", "New"):
        assert text in row
    assert shown.one(f"{NAMES} a")["href"] == f"/leads/{lead['id']}"


async def test_hostile_values_are_only_text(browser: Browser, service: Service) -> None:
    await service.lead(name="<script>alert(1)</script>", tags=["<b>x</b>"])
    await service.field(name='"><script>x</script>')
    columns = "&".join(f"columns={key}" for key in ("tags", "status"))
    shown = await browser.get(f"/leads?{columns}&q=%3Cscript%3E&name=%22%3E%3Csvg%3E")
    assert all(script.get("src") for script in shown.html.select("script"))
    assert not shown.html.select("main b, main svg[onload]")
    shown = await browser.get("/leads?q=%3Cscript%3E")
    assert names(shown) == ["<script>alert(1)</script>"]


async def test_a_whole_phone_number_finds_that_number_alone(
    browser: Browser, service: Service
) -> None:
    for area in (512, 760, 415):
        number = {"number": f"+1 ({area}) 555-0100", "category": "work"}
        await service.lead(name=f"Nora {area}", phone_numbers=[number])
    for text in ("(760) 555-0100", "+1 760 555 0100", "17605550100"):
        assert names(await browser.get("/leads?" + urlencode({"q": text}))) == ["Nora 760"]
    assert len(names(await browser.get("/leads?q=5550100"))) == 3


async def test_a_member_sees_the_leads_and_another_account_does_not(
    web: Web, member: Browser, service: Service
) -> None:
    lead = await service.lead(name="Nora Field")
    assert names(await member.get("/leads")) == ["Nora Field"]
    stranger = await web.stranger()
    assert "No leads yet" in (await stranger.get("/leads")).text
    assert "No leads match" in (await stranger.get(f"/leads?ids={lead['id']}")).text


@pytest.mark.parametrize(
    "text", ["nora f", "FIELD", "n@field", "sup", "5550100", "(512) 555-0100", "0100"]
)
async def test_the_one_box_finds_by_name_company_email_and_phone(
    browser: Browser, service: Service, text: str
) -> None:
    await service.lead(
        name="Nora Field",
        email={"email": "n@field.example", "category": "work"},
        company_name="Supplies Ltd",
        phone_numbers=[{"number": "+1 512 555 0100", "category": "work"}],
    )
    await service.lead(
        name="Sam Roe", email={"email": "s@roe.example", "category": "work"}, company_name="Roe"
    )
    shown = await browser.get("/leads")
    shown = await shown.submit("#quick", q=text)
    assert names(shown) == ["Nora Field"]
    assert shown.one("#q")["value"] == text


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ("(512) 555-0100", "+1 512 555 0100"),
        ("030 5550100", "+49 30 5550100"),
        ("+49 30 5550100", "+49 30 5550100"),
        ("920 555 010", "+351920555010"),
    ],
)
async def test_a_number_with_its_country_code_finds_the_one_without(
    browser: Browser, service: Service, stored: str, text: str
) -> None:
    numbers = [{"number": number, "category": "work"} for number in (stored, "7 " + stored)]
    await service.lead(name="Nora Field", phone_numbers=numbers[:1])
    await service.lead(name="Sam Roe", phone_numbers=numbers[1:])
    shown = await browser.get("/leads")
    shown = await shown.submit("#quick", q=text)
    assert names(shown)[0] == "Nora Field"
    # The end of another number is not enough.
    assert len(names(shown)) == (2 if "+" in stored else 1)


async def test_a_filter_is_a_chip_that_can_be_taken_away(
    browser: Browser, service: Service
) -> None:
    await service.lead(name="Nora Field", tags=["fair"])
    await service.lead(name="Sam Roe")
    shown = await browser.get("/leads?sort_by=title")
    shown = await shown.submit("#filters", tags=["fair", ""], title="")
    assert names(shown) == ["Nora Field"]
    assert "tags=fair" in shown.path
    assert "Tag fair" in shown.texts(".chip")[0]
    shown = await shown.follow(".chip a")
    assert names(shown) == ["Nora Field", "Sam Roe"]
    assert "sort_by=title" in shown.path


async def test_a_search_that_finds_nothing_offers_to_clear_it(
    browser: Browser, service: Service
) -> None:
    await service.lead()
    shown = await browser.get("/leads?name=nobody")
    assert "No leads match" in shown.text
    assert shown.html.select('a[href="/leads"]')


async def test_what_the_api_refuses_the_page_refuses_with_the_same_words(
    browser: Browser, web: Web, service: Service
) -> None:
    answer = await service.client.post("/leads/search", json={"minimum_monetary_value": "much"})
    shown = await browser.get("/leads?minimum_monetary_value=much", status=422)
    (said,) = shown.texts("#minimum_monetary_value-problem")
    assert said == 'is not a number: "much"'
    assert said in answer.json()["message"]
    field = await service.field(name="Score", data_type="Float")
    shown = await browser.get(f"/leads?cf_{field['id']}_min=x", status=422)
    assert "is not a number" in shown.text
    shown = await browser.get("/leads?cf_77=x", status=422)
    assert "definition 77 does not exist" in shown.text


@pytest.mark.parametrize(
    "query",
    [
        "status_ids=x",
        "ids=-1",
        "sort_by=nonsense",
        "sort_direction=up",
        "page_size=1000",
        "page_size=0",
        "phone_number=abc",
        "followed=3",
        "tags=x&tags_option=SOME",
        "without=everything",
        "minimum_created_date=2026-13-40",
        "age=old",
    ],
)
async def test_a_hostile_address_is_refused_and_never_fails(browser: Browser, query: str) -> None:
    shown = await browser.get(f"/leads?{query}", status=422)
    assert "This list cannot be shown" in shown.text


@pytest.mark.parametrize(
    "query",
    ["cursor=x", "before=x", "cursor=%ff", "cursor=" + "A" * 9_000, "columns=nonsense", "x=y"],
)
async def test_an_unknown_place_or_column_leads_to_the_first_page(
    browser: Browser, service: Service, query: str
) -> None:
    await service.lead(name="Nora Field")
    shown = await browser.get(f"/leads?{query}")
    assert names(shown) == ["Nora Field"]
    assert not shown.html.select("#first")


async def test_a_nul_character_is_refused(browser: Browser) -> None:
    await browser.get("/leads?name=%00", status=400)


async def test_pages_go_forth_and_back(browser: Browser, service: Service) -> None:
    await some(service, 7)
    shown = await browser.get("/leads?page_size=3&name=field")
    assert names(shown) == [f"Nora Field {n:03}" for n in range(3)]
    shown = await shown.follow("#next")
    assert names(shown) == [f"Nora Field {n:03}" for n in range(3, 6)]
    assert "name=field" in shown.path
    shown = await shown.follow("#next")
    assert names(shown) == ["Nora Field 006"]
    assert not shown.html.select("#next")
    shown = await shown.follow("#previous")
    assert names(shown) == [f"Nora Field {n:03}" for n in range(3, 6)]
    shown = await shown.follow("#previous")
    assert names(shown) == [f"Nora Field {n:03}" for n in range(3)]
    assert not shown.html.select("#previous")
    shown = await shown.follow("#next")
    shown = await shown.follow("#first")
    assert names(shown)[0] == "Nora Field 000"


async def test_a_column_of_a_custom_field_is_sorted_with_the_empty_ones_last(
    browser: Browser, service: Service
) -> None:
    field = await service.field(name="Score", data_type="Float", is_filterable=False)
    for name, score in (("Nine", 9), ("None", None), ("Ten", 10), ("Minus", -1.5)):
        value = {"custom_field_definition_id": field["id"], "value": score}
        await service.lead(name=name, custom_fields=[value])
    shown = await browser.get(f"/leads?columns=cf_{field['id']}&columns=last_interaction")
    shown = await shown.follow("#leads thead th:nth-child(3) a")
    assert names(shown) == ["Minus", "Nine", "Ten", "None"]
    assert shown.one("#leads [aria-sort]").get_text(strip=True) == "Score"
    shown = await shown.follow("#leads thead th:nth-child(3) a")
    assert names(shown) == ["Ten", "Nine", "Minus", "None"]
    shown = await shown.follow("#leads thead th:nth-child(4) a")
    assert shown.one("#leads [aria-sort]").get_text(strip=True) == "Last contacted"
    shown = await browser.get("/leads?sort_by=cf_77", status=422)
    assert "no custom field of leads" in shown.text


async def test_columns_that_are_too_many_are_not_left_out_without_a_word(
    browser: Browser, service: Service
) -> None:
    fields = [await service.field(name=f"Field {number}") for number in range(LIST_COLUMNS_MAX)]
    keys = ["title", "city", *(f"cf_{field['id']}" for field in fields)]
    await service.lead(name="Nora Field")
    shown = await browser.get("/leads?" + urlencode({"columns": keys[:-2]}, doseq=True))
    assert "not shown" not in shown.text
    shown = await browser.get("/leads?" + urlencode({"columns": keys}, doseq=True))
    assert "2 more that you chose are not shown" in shown.text
    assert len(shown.texts("#leads thead th")) == 2 + LIST_COLUMNS_MAX


async def test_a_column_is_sorted_by_its_head_and_back_again(
    browser: Browser, service: Service
) -> None:
    for name, company in (("Ann", "Zebra"), ("Ben", "Acme")):
        await service.lead(name=name, company_name=company)
    shown = await browser.get("/leads")
    assert shown.one("#leads [aria-sort]").get_text(strip=True) == "Name"
    shown = await shown.follow('#leads thead a[href*="company_name"]')
    assert names(shown) == ["Ben", "Ann"]
    head = shown.one("#leads [aria-sort]")
    assert (head["aria-sort"], head.get_text(strip=True)) == ("ascending", "Company")
    shown = await shown.follow('#leads thead a[href*="company_name"]')
    assert names(shown) == ["Ann", "Ben"]
    assert shown.one("#leads [aria-sort]")["aria-sort"] == "descending"


async def test_chosen_columns_are_kept_in_the_address_and_for_the_next_time(
    browser: Browser, service: Service
) -> None:
    field = await service.field(name="Score", data_type="Float")
    await service.lead(custom_fields=[{"custom_field_definition_id": field["id"], "value": 7}])
    shown = await browser.get("/leads")
    shown = await shown.submit("#view-form", columns=[f"cf_{field['id']}", "title"])
    assert f"columns=cf_{field['id']}" in shown.path
    heads = ["Selected", "Name", "Score", "Title"]
    assert shown.texts("#leads thead th") == heads
    assert shown.texts("#leads tbody td")[1] == "7"
    assert (await browser.get("/leads")).texts("#leads thead th") == heads


async def test_only_fields_that_are_in_filters_are_offered_and_the_others_explained(
    browser: Browser, member: Browser, service: Service
) -> None:
    searched = await service.field(name="Customer number")
    other = await service.field(name="Remark", is_filterable=False)
    shown = await browser.get("/leads")
    assert shown.html.select(f'#filters [name="cf_{searched["id"]}"]')
    assert not shown.html.select(f'#filters [name="cf_{other["id"]}"]')
    assert "1 custom field cannot be searched" in shown.text
    assert shown.html.select(f'#filters a[href="/settings/custom-fields/{other["id"]}"]')
    assert not (await member.get("/leads")).html.select('a[href^="/settings"]')


async def test_custom_fields_of_every_type_are_searched(browser: Browser, service: Service) -> None:
    values: dict[str, tuple[Any, str, str]] = {
        "String": ("C-1", "", "C-1"),
        "Float": (7.5, "_min", "7"),
        "Percentage": (34, "_max", "40"),
        "Date": ("01/31/2026", "_min", "2026-01-31"),
        "Checkbox": (True, "", "true"),
    }
    for data_type, (value, part, asked) in values.items():
        field = await service.field(name=data_type, data_type=data_type)
        entry = {"custom_field_definition_id": field["id"], "value": value}
        await service.lead(name=data_type, custom_fields=[entry])
        shown = await browser.get("/leads")
        shown = await shown.submit("#filters", {f"cf_{field['id']}{part}": asked})
        assert names(shown) == [data_type]
        again = await shown.submit("#filters")
        assert names(again) == [data_type]
    for data_type in ("Dropdown", "MultiSelect"):
        field = await service.field(name=data_type, data_type=data_type)
        option = field["options"][1]["id"]
        entry = {"custom_field_definition_id": field["id"], "value": option}
        await service.lead(name=data_type, custom_fields=[entry])
        shown = await (await browser.get("/leads")).submit(
            "#filters", {f"cf_{field['id']}": str(option)}
        )
        assert names(shown) == [data_type]
        assert f"{data_type}: Gold" in shown.texts(".chip")[0]


async def test_the_days_of_the_account_decide_what_was_created_on_a_day(
    browser: Browser, service: Service, web: Web
) -> None:
    # 2023-11-14 22:13:20 UTC, which is the 14th in Los Angeles too.
    web.clock.now = 1_700_000_000
    await service.lead(name="Nora Field")
    for query, is_found in (
        ("minimum_created_date=2023-11-14&maximum_created_date=2023-11-14", True),
        ("minimum_created_date=2023-11-15", False),
        ("maximum_created_date=2023-11-13", False),
        ("minimum_created_date=1700000000", True),
        ("minimum_created_date=1700000001", False),
    ):
        shown = await browser.get(f"/leads?{query}")
        assert bool(names(shown)) is is_found, query


async def test_leads_without_a_city_or_tag_are_found(browser: Browser, service: Service) -> None:
    await service.lead(name="Nora", address={"city": "Austin"}, tags=["fair"])
    await service.lead(name="Sam")
    for what in ("city", "tags"):
        shown = await (await browser.get("/leads")).submit("#filters", without=what)
        assert names(shown) == ["Sam"]
        assert shown.texts(".chip")[0].startswith("No ")


async def some_large_fields(service: Service) -> list[dict[str, Any]]:
    options = [{"name": f"Option {number}"} for number in range(120)]
    return [
        await service.field(
            name=f"Field {number}", data_type="Dropdown", is_filterable=True, options=options
        )
        for number in range(5)
    ]


async def test_of_many_options_the_panel_offers_the_first_fields_and_others_when_asked(
    browser: Browser, service: Service
) -> None:
    fields = await some_large_fields(service)

    def offered(shown: Shown) -> list[int]:
        return [field["id"] for field in fields if shown.html.select(f"[name=cf_{field['id']}]")]

    first = [field["id"] for field in fields[:3]]
    fourth, fifth = fields[3]["id"], fields[4]["id"]
    shown = await browser.get("/leads?title=Buyer")
    assert offered(shown) == first
    assert [option["value"] for option in shown.html.select("#field option")] == [
        *("", str(fourth), str(fifth))
    ]
    shown = await shown.submit("#filters", field=str(fifth), button="#more-fields")
    assert offered(shown) == [*first, fifth]
    assert shown.one("#filter-panel").has_attr("open")
    assert shown.one("#filters [name=title]")["value"] == "Buyer"
    option = fields[4]["options"][7]["id"]
    shown = await shown.submit("#filters", {f"cf_{fifth}": str(option)})
    assert "Field 4: Option 7" in shown.text
    # A field that is filtered by is offered unasked.
    shown = await browser.get(f"/leads?cf_{fourth}_empty=1")
    assert offered(shown) == [*first, fourth]
    assert not shown.one("#filter-panel").has_attr("open")
    # An address cannot ask for a field that does not exist.
    assert offered(await browser.get("/leads?field=77&field=x&open=filters")) == first
