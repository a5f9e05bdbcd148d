"""The frame of the pages: access, forms that other sites sent, headers, errors."""

from __future__ import annotations

import re

import pytest
from tests.support.web.browser_client import Browser
from tests.support.web.web_service import Web


async def test_an_unknown_page_says_so_inside_the_frame(browser: Browser) -> None:
    shown = await browser.get("/nowhere", status=404)
    assert "Page not found" in shown.text
    assert shown.one('nav[aria-label="Main"] a[href="/leads"]')


async def test_every_answer_has_the_headers_that_keep_a_page_to_itself(browser: Browser) -> None:
    headers = (await browser.get("/nowhere", status=404)).response.headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-request-id"]


async def test_no_page_has_a_script_or_a_style_inside(browser: Browser) -> None:
    shown = await browser.get("/nowhere", status=404)
    assert all(script.get("src") for script in shown.html.select("script"))
    assert not shown.html.select("style, [style], [onclick]")


async def test_the_files_of_a_page_are_kept_forever_under_their_hash(browser: Browser) -> None:
    shown = await browser.get("/nowhere", status=404)
    addresses = [str(link["href"]) for link in shown.html.select("link[href]")]
    assert len(addresses) == 2
    for address in addresses:
        assert re.search(r"\.[0-9a-f]{12}\.", address)
        answer = await browser.client.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize("path", ["/assets/app.css", "/assets/..%2fapplication.py", "/assets/"])
async def test_nothing_else_is_served_as_a_file(browser: Browser, path: str) -> None:
    assert (await browser.client.get(path)).status_code == 404


async def test_the_api_answers_below_its_path_as_without_the_pages(web: Web) -> None:
    answer = await web.visitor().client.get("/developer_api/v1/nowhere")
    assert (answer.status_code, answer.json()) == (404, {"error": "not_found"})


async def test_the_api_documentation_is_one_link_away(browser: Browser) -> None:
    shown = await browser.get("/")
    assert shown.one('nav[aria-label="Main"] a[href="/docs"]')
    assert (await browser.client.get("/docs")).status_code == 200


async def test_a_page_without_a_form_and_a_form_without_a_page_say_so(
    web: Web, browser: Browser
) -> None:
    for visitor in (web.visitor(), browser):
        for method, path, allow in (
            ("GET", "/sign-out", "OPTIONS, POST"),
            ("POST", "/deliveries", "GET, HEAD, OPTIONS"),
            ("DELETE", "/leads/7", "GET, HEAD, OPTIONS, POST"),
        ):
            answer = await visitor.client.request(method, path)
            assert (answer.status_code, answer.headers["allow"]) == (405, allow)
            assert "That did not work" in answer.text
            options = await visitor.client.options(path)
            assert (options.status_code, options.headers["allow"]) == (204, allow)
            assert options.content == b""
