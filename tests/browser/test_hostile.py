"""What leads and settings are called is text, wherever it is shown, also when it comes in live."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from tests.chromium import Site, Watched

HOSTILE = "\"'><img src=x onerror=window.hacked=1><script>window.hacked=1</script>{{6543*2}}"


@pytest.fixture(scope="module")
def lead(site: Site) -> dict[str, Any]:
    """A lead whose every text is markup, with a field and a source that are, too."""
    field = site.call(
        "POST",
        "/custom_field_definitions",
        {"name": HOSTILE, "data_type": "Dropdown", "available_on": ["lead"]}
        | {"is_filterable": True, "options": [{"name": HOSTILE}]},
    )
    created: dict[str, Any] = site.call(
        "POST",
        "/leads",
        {
            **dict.fromkeys(("name", "title", "company_name", "details"), HOSTILE),
            "email": {"email": HOSTILE, "category": "work"},
            "tags": [HOSTILE],
            "websites": [{"url": "javascript:window.hacked=1", "category": "work"}],
            "address": {"city": HOSTILE},
            "custom_fields": [{"custom_field_definition_id": field["id"], "value": HOSTILE}],
        },
    )
    return {"id": created["id"], "field": field["id"]}


def _opened(context: BrowserContext, watched: Watched) -> Page:
    tab = context.new_page()
    watched.watch(tab)
    return tab


def _require_harmless(tab: Page) -> None:
    assert tab.evaluate("() => window.hacked === undefined")
    assert tab.locator("main img[src=x]").count() == 0
    assert tab.locator("a[href^='javascript:' i]").count() == 0
    expect(tab.locator("main")).not_to_contain_text("13086")


@pytest.mark.parametrize(
    "path",
    [
        *("/leads", "/leads/{id}", "/leads/{id}?edit=contact", "/leads/{id}?edit=tags"),
        *("/leads/{id}?edit=custom", "/leads/{id}/delete", "/leads?q=%3Cscript%3E", "/deliveries"),
        *("/try?example=new", "/settings/custom-fields", "/settings/custom-fields/{field}"),
        "/settings/custom-fields/{field}/delete",
    ],
)
def test_a_page_shows_markup_as_text(site: Site, lead: dict[str, Any], path: str) -> None:
    watched = Watched(site.url)
    with site.signed_in() as context:
        tab = _opened(context, watched)
        response = tab.goto(path.format(**lead))
        assert response is not None
        assert response.status == 200
        _require_harmless(tab)
    watched.require_clean()


def test_what_comes_in_live_is_shown_as_text(site: Site, lead: dict[str, Any]) -> None:
    watched = Watched(site.url)
    with site.signed_in() as context:
        tab = _opened(context, watched)
        tab.goto("/")
        name = f"live {HOSTILE}"
        site.call(
            "PUT",
            "/leads/upsert",
            {
                "properties": {"name": name},
                "match": {"field_name": "name", "field_value": name},
            },
        )
        expect(tab.locator("[data-seq]", has_text=name)).to_be_visible()
        _require_harmless(tab)
    watched.require_clean()
