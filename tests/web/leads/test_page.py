"""The page of a lead: every field, hostile values, deleted leads, other accounts' leads."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.api.service import Service
from tests.support.web.browser_client import Browser
from tests.support.web.web_service import Web

HOSTILE = '"><script>alert(1)</script>'
#: Every property, and what the page shows of it in its section.
PROPERTIES: list[tuple[str, str, Any, str]] = [
    ("company", "title", "Head buyer", "Title Head buyer"),
    ("company", "company_name", "Field Ltd", "Company Field Ltd"),
    ("contact", "email", {"email": "nora@field.example"}, "E-mail nora@field.example work"),
    (
        *("contact", "phone_numbers"),
        [{"number": "415 555 0100", "category": "mobile"}, {"number": "2", "category": "home"}],
        "Phone numbers 415 555 0100 mobile 2 home",
    ),
    (
        *("address", "address"),
        {"street": "1 Main St", "city": "Reno", "state": "NV", "country": "USA"},
        "Address 1 Main St Reno NV US",
    ),
    ("web", "websites", [{"url": "https://field.example"}], "Websites https://field.example work"),
    ("web", "socials", [{"url": "@nora"}], "Social profiles @nora other"),
    ("tags", "tags", ["fair", "vip"], "Tags fair vip"),
    ("value", "monetary_value", 1250.5, "Value $1,250.50"),
    ("details", "details", "Met at the fair", "Details Met at the fair"),
    ("parts", "name", "Dr. Nora Ann Field", "Prefix Dr. First name Nora Middle name Ann"),
    ("status", "status", "Open", "Status Open"),
]
#: By type, a value as the API takes it, and how the page shows it.
CUSTOM_VALUES: dict[str, tuple[Any, str]] = {
    "Checkbox": (True, "Yes"),
    "Currency": (12.5, "€12.50"),
    "Date": ("05/14/2026", "14 May 2026"),
    "Dropdown": ("Gold", "Gold"),
    "Float": (8.25, "8.25"),
    "MultiSelect": (["Silver", "Gold"], "Silver, Gold"),
    "Percentage": (15, "15 %"),
    "String": ("A-77", "A-77"),
    "Text": ("one\ntwo", "one two"),
    "URL": ("https://shop.example", "https://shop.example"),
}


async def section(browser: Browser, lead_id: int, group: str) -> str:
    (text,) = (await browser.get(f"/leads/{lead_id}")).texts(f"#section-{group}")
    return text


@pytest.mark.parametrize(("group", "name", "value", "shown"), PROPERTIES)
async def test_every_field_is_shown(
    browser: Browser, service: Service, group: str, name: str, value: Any, shown: str
) -> None:
    lead = await service.lead(**{name: value})
    assert shown in await section(browser, lead["id"], group)


@pytest.mark.parametrize("data_type", CUSTOM_VALUES)
async def test_every_type_of_custom_field_is_shown(
    browser: Browser, service: Service, data_type: str
) -> None:
    value, shown = CUSTOM_VALUES[data_type]
    more = {"currency": "EUR"} if data_type == "Currency" else {}
    field = await service.field(name="Asked", data_type=data_type, **more)
    entry = {"custom_field_definition_id": field["id"], "value": value}
    lead = await service.lead(custom_fields=[entry])
    assert f"Asked {shown}" in await section(browser, lead["id"], "custom")


async def test_the_head_says_who_it_is_and_how_it_stands(
    browser: Browser, service: Service
) -> None:
    user_id = service.account.user_id
    lead = await service.lead(title="Buyer", company_name="Field Ltd", assignee_id=user_id)
    await service.client.put(f"/leads/{lead['id']}", json={"status": "Open", "tags": ["fair"]})
    (head,) = (await browser.get(f"/leads/{lead['id']}")).texts("#lead-head")
    for words in ("Nora Field", "Buyer, Field Ltd", "Open", "dana", "fair", "version 2"):
        assert words in head
    assert str(lead["id"]) in head


async def test_a_lead_with_nothing_but_a_name(browser: Browser, service: Service) -> None:
    lead = await service.lead()
    shown = await browser.get(f"/leads/{lead['id']}")
    assert "No owner" in shown.text
    assert "Custom fields" not in shown.text
    assert len(shown.html.select("h1")) == 1


async def test_hostile_values_are_text(browser: Browser, service: Service) -> None:
    field = await service.field(name=HOSTILE, data_type="Text")
    option = await service.field(
        name="Pick", data_type="Dropdown", options=[{"name": HOSTILE}, {"name": "x"}]
    )
    properties = {
        **dict.fromkeys(("name", "title", "company_name", "details", "prefix"), HOSTILE),
        "email": {"email": HOSTILE},
        "tags": [HOSTILE],
        "address": dict.fromkeys(("street", "city", "state", "country"), HOSTILE),
        "phone_numbers": [{"number": HOSTILE}],
        "websites": [{"url": HOSTILE}],
        "custom_fields": [
            {"custom_field_definition_id": field["id"], "value": HOSTILE},
            {"custom_field_definition_id": option["id"], "value": HOSTILE},
        ],
    }
    lead = await service.lead(**properties)
    groups = ("name", "contact", "company", "address", "web", "tags", "details", "custom", "parts")
    for query in ("", *(f"?edit={group}" for group in groups)):
        shown = await browser.get(f"/leads/{lead['id']}{query}")
        assert all(script.get("src") for script in shown.html.select("script"))
        assert "<script>alert" not in shown.response.text
        assert not shown.html.select("style, [style], [onclick]")


@pytest.mark.parametrize(
    "url",
    [
        *("javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "field", "1.2.3.4"),
        *("//field.example", "http:field", "https://[", "https://a\u202eb.example"),
        *("nora@field.example", "field.example:80", "a b.example", "field.example/a b", ".example"),
        *("field.example\\@b.example", "javascript.example:alert(1)", "-a.example", "a..example"),
        *("field.ex\u00e4mple", "a\u202eb.example", "field.example/\u202e"),
    ],
)
async def test_only_an_address_of_the_web_is_a_link(
    browser: Browser, service: Service, url: str
) -> None:
    lead = await service.lead(websites=[{"url": url}])
    shown = await browser.get(f"/leads/{lead['id']}")
    assert not shown.html.select("#section-web dd a[href]")
    assert url in shown.texts("#section-web")[0]


@pytest.mark.parametrize("url", ["field.example", "WWW.Field.Example/a?b=c#d", "a-1.b2.example"])
async def test_a_bare_host_is_a_link_where_only_addresses_stand(
    browser: Browser, service: Service, url: str
) -> None:
    field = await service.field(name="Profile", data_type="URL")
    lead = await service.lead(
        websites=[{"url": url}],
        socials=[{"url": url}],
        custom_fields=[{"custom_field_definition_id": field["id"], "value": url}],
    )
    shown = await browser.get(f"/leads/{lead['id']}")
    links = shown.html.select("#section-web dd a[href], #section-custom dd a[href]")
    found = [(link["href"], link.get_text()) for link in links if "edit" not in str(link["href"])]
    assert found == [(f"https://{url}", url)] * 2


async def test_a_link_leads_out_without_saying_where_from(
    browser: Browser, service: Service
) -> None:
    lead = await service.lead(websites=[{"url": "https://field.example/a?b=c"}])
    link = (await browser.get(f"/leads/{lead['id']}")).one("#section-web dd a")
    assert link["href"] == "https://field.example/a?b=c"
    assert {"noopener", "noreferrer"} <= set(link["rel"])


async def test_a_long_value_is_one_click_away(browser: Browser, service: Service) -> None:
    lead = await service.lead(details="word " * 400)
    details = (await browser.get(f"/leads/{lead['id']}")).one("#section-details details")
    assert "…" in details.select_one("summary").get_text()  # type: ignore[union-attr]
    assert details.get_text().count("word") > 400


async def test_many_empty_custom_fields_are_folded(browser: Browser, service: Service) -> None:
    fields = [await service.field(name=f"Field {n}", is_filterable=False) for n in range(21)]
    entry = {"custom_field_definition_id": fields[20]["id"], "value": "A-77"}
    lead = await service.lead(custom_fields=[entry])
    shown = await browser.get(f"/leads/{lead['id']}")
    assert shown.texts("#section-custom > div details summary") == ["20 empty fields"]
    assert "Field 20 A-77" in shown.texts("#section-custom > div > div > dl")[0]


async def test_long_custom_fields_are_edited_one_by_one(browser: Browser, service: Service) -> None:
    fields = [await service.field(data_type="Text", is_filterable=False) for _ in range(2)]
    keys = ("custom_field_definition_id", "value")
    entries = [(field["id"], "\U0001f98a" * 50_000) for field in fields]
    lead = await service.lead(
        custom_fields=[dict(zip(keys, entry, strict=True)) for entry in entries]
    )
    shown = await browser.get(f"/leads/{lead['id']}")
    edit = f"custom_fields.{fields[0]['id']}"
    opened = await shown.follow(f'#section-custom a[href*="edit={edit}#"]')
    saved = await opened.submit("form[data-lead-form]", {edit: "\U0001f98a" * 65_536})
    assert "Saved." in saved.text


async def test_a_deleted_lead_says_so_and_keeps_its_history(
    browser: Browser, service: Service
) -> None:
    lead = await service.lead(title="Buyer")
    await service.client.delete(f"/leads/{lead['id']}")
    await service.client.put(f"/leads/{lead['id']}", json={"title": "Owner"})
    shown = await browser.get(f"/leads/{lead['id']}")
    assert shown.texts("h1") == ["Nora Field"]
    assert "was deleted just now by dana · API key first key" in shown.text
    assert len(shown.html.select("#history li")) == 3
    assert not shown.html.select("#section-contact, form[data-lead-form]")


@pytest.mark.parametrize("path", ["1", "999999999", "0", "-1", "abc", "9223372036854775808"])
@pytest.mark.parametrize("page", ["", "/delete"])
async def test_an_address_of_no_lead_is_not_found(browser: Browser, path: str, page: str) -> None:
    await browser.get(f"/leads/{path}{page}", status=404)


async def test_an_id_of_something_else_is_not_found(browser: Browser, service: Service) -> None:
    field = await service.field()
    await service.client.put(f"/leads/{field['id']}", json={"title": "x"})
    await browser.get(f"/leads/{field['id']}", status=404)


async def test_the_leads_of_another_account_are_not_found(web: Web) -> None:
    lead = await web.api.lead()
    deleted = await web.api.lead()
    await web.api.client.delete(f"/leads/{deleted['id']}")
    stranger = await web.stranger()
    for lead_id in (lead["id"], deleted["id"]):
        await stranger.get(f"/leads/{lead_id}", status=404)
        await stranger.get(f"/leads/{lead_id}/delete", status=404)


async def test_a_member_sees_leads(member: Browser, service: Service) -> None:
    lead = await service.lead()
    assert (await member.get(f"/leads/{lead['id']}")).texts("h1") == ["Nora Field"]


async def test_nobody_sees_a_lead_without_signing_in(web: Web) -> None:
    lead = await web.api.lead()
    for path in (f"/leads/{lead['id']}", "/leads/new", f"/leads/{lead['id']}/delete", "/tags"):
        answer = await web.visitor().client.get(path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in")


async def test_tags_are_completed(web: Web, browser: Browser, service: Service) -> None:
    await service.lead(tags=["Spring fair", "spring sale", "vip"])
    answer = await browser.client.get("/tags", params={"prefix": "SPR"})
    assert answer.json() == ["Spring fair", "spring sale"]
    stranger = await web.stranger()
    assert (await stranger.client.get("/tags", params={"prefix": "spr"})).json() == []
