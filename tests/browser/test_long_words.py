"""Long words that can be broken nowhere fit on a phone, too, wherever they are shown."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page
from tests.support.web.chromium import BEYOND_EDGE, PHONE, Site

from onelead.contract.store import Store
from onelead.domain.account import Role

pytestmark = pytest.mark.slow

#: A word that can be broken nowhere, as long as a line of text may be.
_LONG = ("Donaudampfschifffahrtsgesellschaftskapitaen" * 6)[:255]
_EVERY_COLUMN = "&".join(
    f"columns={key}"
    for key in (
        *("first_name", "last_name", "company_name", "title", "email", "phone", "status"),
        *("assignee", "customer_source", "tags", "city", "socials", "details"),
    )
)


@pytest.fixture(scope="module")
def long_words(site: Site) -> dict[str, Any]:
    """The ids of an account whose every text is one long word."""
    ids: dict[str, Any] = {}
    options = [{"name": _LONG[:-1] + str(number)} for number in range(6)]
    types = ("String", "Text", "URL", "Date", "Float", "Checkbox", "Dropdown", "MultiSelect")
    for number, data_type in enumerate(types):
        body = {"name": _LONG[:-1] + str(number), "data_type": data_type, "is_filterable": True}
        body |= {"available_on": ["lead"], "canonical_name": "k" * 250 + str(number)}
        if data_type in ("Dropdown", "MultiSelect"):
            body["options"] = options
        ids[data_type] = site.call("POST", "/custom_field_definitions", body)["id"]
    ids["status"] = site.call("POST", "/lead_statuses", {"name": _LONG})["id"]
    source = site.call("POST", "/customer_sources", {"name": _LONG})
    ids["user"], ids["key"] = site.with_store(_long_user)
    person = {
        **dict.fromkeys(("name", "title", "company_name"), _LONG),
        "details": _LONG * 3,
        "email": {"email": f"{_LONG[:230]}@shop.example", "category": "work"},
        "phone_numbers": [{"number": "5" * 60, "category": "work"}],
        "address": dict.fromkeys(("street", "city", "state", "postal_code"), _LONG),
        "websites": [{"url": f"https://{_LONG}", "category": "work"}],
        "socials": [{"url": f"https://{_LONG}", "category": "linkedin"}],
        "tags": [_LONG[:-2] + str(number) for number in range(10, 13)],
        "status_id": ids["status"],
        "customer_source_id": source["id"],
        "assignee_id": ids["user"],
        "custom_fields": [
            {"custom_field_definition_id": ids["String"], "value": _LONG},
            {"custom_field_definition_id": ids["Text"], "value": _LONG},
            {"custom_field_definition_id": ids["URL"], "value": f"https://{_LONG}"},
            {"custom_field_definition_id": ids["Dropdown"], "value": options[0]["name"]},
            {
                "custom_field_definition_id": ids["MultiSelect"],
                "value": [option["name"] for option in options],
            },
        ],
    }
    for _ in range(2):
        ids["lead"] = site.call("POST", "/leads", person)["id"]
    _refuse(site, {"name": _LONG}, _LONG)
    _refuse(site, {"name": _LONG, "status": f"No {_LONG[3:]}"}, "Nobody")
    return ids


async def _long_user(store: Store) -> tuple[int, int]:
    account_id = (await store.account_ids())[0]
    user = await store.create_user(account_id, f"{_LONG[:230]}@x.example", _LONG, Role.MEMBER)
    key, _secret = await store.create_api_key(account_id, user.email, _LONG)
    return user.id, key.id


def _refuse(site: Site, properties: dict[str, Any], name: str) -> None:
    """Send an upsert that is refused."""
    body = {"properties": properties, "match": {"field_name": "name", "field_value": name}}
    assert site.send("PUT", "/leads/upsert", body).status_code == 422


_PATHS = (
    *("/", "/leads", f"/leads?{_EVERY_COLUMN}", f"/leads?tags={_LONG}&q={_LONG}&title={_LONG}"),
    *("/leads?status_ids={status}&cf_{String}={long}", "/leads/new", "/leads/{lead}"),
    *(f"/leads/{{lead}}?edit={group}" for group in ("name", "contact", "company", "tags")),
    *(f"/leads/{{lead}}?edit={group}" for group in ("address", "web", "details", "custom")),
    *("/leads/{lead}/delete", "/deliveries"),
    *("/deliveries?value={long}", "/try", "/try?field={Dropdown}", "/try?field={MultiSelect}"),
    *("/settings/custom-fields", "/settings/custom-fields/{MultiSelect}"),
    *("/settings/custom-fields/{String}", "/settings/custom-fields/{String}/delete"),
    *("/settings/lead-statuses", "/settings/lead-statuses?edit={status}"),
    *("/settings/lead-statuses/{status}/delete", "/settings/customer-sources"),
    *("/settings/users", "/settings/users/{user}", "/settings/api-keys", "/settings/api-keys/new"),
    *("/settings/api-keys/{key}/revoke", "/settings/audit", "/settings/account"),
    *("/settings/audit?address={long}", "/profile"),
)


def test_no_page_is_wider_than_the_phone_with_words_however_long(
    site: Site, long_words: dict[str, Any]
) -> None:
    too_wide = {}
    with site.signed_in(size=PHONE) as context:
        tab = context.new_page()
        for path in (*_PATHS, *_deliveries(tab)):
            _opened_all(tab, path.format(**long_words, long=_LONG))
            if beyond := tab.evaluate(BEYOND_EDGE):
                too_wide[path[:60]] = beyond[:4]
    assert too_wide == {}


def _deliveries(tab: Page) -> list[str]:
    """Return the addresses of single deliveries, the refused ones among them."""
    tab.goto("/deliveries")
    links = tab.locator("main a[aria-label^='Delivery number']").all()
    return [str(link.get_attribute("href")) for link in links[:6]]


def _opened_all(tab: Page, path: str) -> None:
    """Load a page, and unfold all that is folded away on it."""
    response = tab.goto(path)
    assert response is not None
    assert response.status in (200, 422), path
    tab.evaluate(
        "() => document.querySelectorAll('main details').forEach((d) => { d.open = true; })"
    )


def test_a_row_of_the_list_has_one_line_with_words_however_long(
    site: Site, long_words: dict[str, Any]
) -> None:
    with site.signed_in() as context:
        tab = context.new_page()
        tab.goto(f"/leads?{_EVERY_COLUMN.replace('columns=tags&', '')}")
        cells = tab.locator(f"tr:has(a[href='/leads/{long_words['lead']}']) :is(td, th)").all()
        boxes = [cell.bounding_box() for cell in cells]
        assert len(boxes) > 8
        assert all(box is not None and box["height"] < 60 for box in boxes)
        # Nothing is printed over the next column.
        assert all(
            cell.evaluate("(cell) => cell.scrollWidth <= cell.clientWidth") for cell in cells
        )
