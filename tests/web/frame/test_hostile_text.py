"""Everything delivered, named or asked for is text on a page, never markup."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote, urljoin, urlsplit

import pytest
from bs4 import Tag
from tests.support.web.browser_client import Browser, Shown
from tests.support.web.web_service import Web

from onelead.domain.account import Role

#: Breaks out of every context in a page, and inserts something that a test can find.
HOSTILE = (
    "\"'></textarea></title></option></select><i data-pwned></i>"
    "<script data-pwned>alert(1)</script><img data-pwned src=x onerror=alert(1)>{{ 7919 * 104729 }}"
)
#: What a template would make of it: too long to be in a random token by chance.
EVALUATED = "829348951"
ADDRESSES = (
    "javascript:alert(1)",
    " JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:alert(1)",
    "//evil.example/x",
    "\x01javascript:alert(1)",
)
_LINKS = ("href", "src", "action", "formaction", "srcset", "content")


def tags_of(shown: Shown) -> Iterator[Tag]:
    yield from shown.html.find_all(lambda tag: True)  # noqa: ARG005


def require_harmless(shown: Shown) -> None:
    """Refuse a page that contains anything that is not from its templates."""
    assert EVALUATED not in shown.response.text
    for tag in tags_of(shown):
        assert not [name for name in tag.attrs if name.startswith("on")]
        assert "data-pwned" not in tag.attrs, shown.path
        assert tag.name not in ("iframe", "object", "embed", "base", "i")
        # A picture contains its own style.
        assert tag.name != "style" or "image/svg+xml" in shown.response.headers["content-type"]
        assert tag.name != "script" or str(tag["src"]).startswith("/assets/")
        for name in _LINKS:
            address = str(tag.get(name) or "")
            scheme = urlsplit(address.strip()).scheme.lower()
            assert scheme in ("", "http", "https", "mailto", "tel"), (shown.path, address)
            if scheme in ("http", "https"):
                assert tag["rel"] == ["noopener", "noreferrer", "nofollow"]
            if name in ("href", "src", "action", "formaction") and not scheme:
                assert not address.startswith("//"), (shown.path, address)


async def crawl(browser: Browser) -> list[Shown]:
    """Follow every link from the start page, but send no forms."""
    waiting, seen, pages = ["/"], {"/"}, []
    while waiting:
        shown = await browser.get(waiting.pop())
        pages.append(shown)
        for link in shown.html.select("a[href]:not([download])"):
            path = urljoin(shown.path, str(link["href"])).partition("#")[0]
            # One page of each kind is enough.
            sort = re.sub(r"\d+|(?<==)[^&]*", "0", path)
            is_own = path.startswith("/") and not path.startswith(("//", "/docs", "/openapi"))
            if is_own and sort not in seen and len(pages) + len(waiting) < 80:
                seen.add(sort)
                waiting.append(path)
    return pages


async def _fill(web: Web) -> None:
    """Give a hostile name or value to everything that has one."""
    service, store = web.api, web.store
    await store.create_user(web.account_id, "a<b>&'c@shop.example", HOSTILE[:200], Role.MEMBER)
    await store.create_api_key(web.account_id, "dana@shop.example", HOSTILE)
    for path in ("/lead_statuses", "/customer_sources"):
        answer = await service.client.post(path, json={"name": HOSTILE})
        assert answer.status_code == 200, answer.text
    text = await service.field(name=HOSTILE, data_type="Text")
    url = await service.field(name="Page " + HOSTILE, data_type="URL", is_filterable=False)
    options = [{"name": HOSTILE}, {"name": "Other " + HOSTILE}]
    chosen = await service.field(name="Tier", data_type="Dropdown", options=options)
    settings = await store.settings(web.account_id)
    for number, address in enumerate(ADDRESSES):
        await service.upsert(
            {
                "name": HOSTILE,
                "title": HOSTILE,
                "company_name": HOSTILE,
                "details": HOSTILE,
                "tags": [HOSTILE],
                "address": {"street": HOSTILE, "city": HOSTILE, "state": HOSTILE},
                "email": {"email": f'"{number}<script>"@evil.example', "category": "work"},
                "phone_numbers": [{"number": HOSTILE, "category": "work"}],
                "websites": [{"url": address, "category": "work"}],
                "socials": [{"url": address, "category": "twitter"}],
                "status_id": settings.statuses[-1].id,
                "customer_source_id": settings.sources[-1].id,
                "custom_fields": [
                    {"custom_field_definition_id": text["id"], "value": HOSTILE},
                    {"custom_field_definition_id": url["id"], "value": address},
                    {
                        "custom_field_definition_id": chosen["id"],
                        "value": chosen["options"][0]["id"],
                    },
                ],
            },
            "email",
            f'"{number}<script>"@evil.example',
        )
    # Refused: it matches several, has unknown keys, is of the wrong types.
    await service.upsert({"name": HOSTILE, "title": "x"}, "name", HOSTILE)
    await service.upsert({HOSTILE: HOSTILE, "name": 7}, "name", HOSTILE)
    await service.upsert({"name": {HOSTILE: [HOSTILE]}}, HOSTILE, {HOSTILE: HOSTILE})


@pytest.mark.parametrize("role", [Role.ADMIN, Role.MEMBER])
async def test_what_was_delivered_is_text_on_every_page(web: Web, role: Role) -> None:
    await _fill(web)
    browser = await (web.admin() if role is Role.ADMIN else web.member())
    pages = await crawl(browser)
    assert len(pages) > 20
    for shown in pages:
        require_harmless(shown)
    # It appears as text.
    assert any("<script data-pwned>" in shown.text for shown in pages)


@pytest.mark.parametrize(
    "path",
    [
        "/{}",
        "/leads?q={}",
        "/leads?name={}&tags={}&city={}&columns={}&sort_by=name",
        "/leads?sort_by={}",
        "/leads?{}={}",
        "/leads?cf_7={}",
        "/leads?cursor={}",
        "/leads?minimum_created_date={}",
        "/deliveries?value={}&match=email&request={}",
        "/deliveries?outcome={}",
        "/deliveries?by={}&about={}&from={}&match={}",
        "/try?example={}",
        "/?span={}",
        "/overview/deliveries.svg?span={}&theme={}&narrow={}",
        "/settings/lead-statuses?edit={}",
        "/sign-in?next={}",
        "/welcome/{}",
    ],
)
async def test_what_an_address_asks_for_is_text(web: Web, browser: Browser, path: str) -> None:
    for visitor in (browser, web.visitor()):
        for text in (HOSTILE, *ADDRESSES):
            shown = await visitor.get(path.replace("{}", quote(text, safe="")), status=None)
            require_harmless(shown)


async def test_what_is_typed_into_a_form_is_text(web: Web, browser: Browser) -> None:
    lead = await web.api.lead()
    for path in (
        *("/leads/new", f"/leads/{lead['id']}?edit=contact", "/try", "/profile"),
        *("/settings/custom-fields/new", "/settings/lead-statuses", "/settings/users/new"),
        *("/settings/api-keys/new", "/settings/account"),
    ):
        page = await browser.get(path)
        for form in page.html.select('main form[method="post"]'):
            fields = [
                (str(control["name"]), HOSTILE)
                for control in form.select("[name]")
                if control["name"] not in ("csrf", "version", "edit", "mode", "do")
            ]
            kept = [
                (str(control["name"]), str(control.get("value") or "check"))
                for control in form.select("[name]")
                if control["name"] in ("csrf", "version", "edit", "mode", "do")
            ]
            action = str(form.get("action") or path)
            if "sign-out" not in action:
                require_harmless(await browser.post(action, kept + fields))
