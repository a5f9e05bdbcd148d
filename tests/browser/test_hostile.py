"""The names of leads and settings are shown as text everywhere, even when they arrive live."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from tests.support.web.chromium import Site, Watched

pytestmark = pytest.mark.slow

HOSTILE = "\"'><img src=x onerror=window.hacked=1><script>window.hacked=1</script>{{6543*2}}"


@pytest.fixture(scope="module")
def lead(site: Site) -> dict[str, Any]:
    """A lead whose every text is markup, with a custom field that is, too."""
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


#: The letters of a line as they are drawn, from left to right.
_READ = """
(line) => {
  const walk = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
  const letters = [];
  while (walk.nextNode()) {
    const text = walk.currentNode;
    for (let at = 0; at < text.length; at += 1) {
      const range = document.createRange();
      range.setStart(text, at);
      range.setEnd(text, at + 1);
      const box = range.getBoundingClientRect();
      if (box.width) letters.push([Math.round(box.top), box.left, text.data[at]]);
    }
  }
  letters.sort((one, other) => one[0] - other[0] || one[1] - other[1]);
  return letters.map((letter) => letter[2]).join("");
}
"""


def test_a_name_that_turns_its_line_leaves_what_stands_beside_it(site: Site) -> None:
    name = "Nora\u2069\u2069\u202eFlip"
    match = {"field_name": "name", "field_value": name}
    lead = site.call("PUT", "/leads/upsert", {"properties": {"name": name}, "match": match})
    with site.signed_in() as context:
        tab = context.new_page()
        tab.goto("/deliveries")
        tab.get_by_role("link", name="Lead created by an upsert").first.click()
        line = tab.locator("dd", has=tab.locator(f"a[href='/leads/{lead['id']}']"))
        # The name itself may be drawn in any order.
        assert line.evaluate(_READ).endswith("version 1")
        tab.goto(f"/leads/{lead['id']}/delete")
        assert tab.locator("h1").evaluate(_READ).endswith("?")
