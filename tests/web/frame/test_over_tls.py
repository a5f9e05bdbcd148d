"""What links are made of, and what a browser that comes over TLS is told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.web.web_service import Web

from onelead.web.frame.policy import PAGE_HEADERS

URL = "https://leads.shop.example"
STRICT = "strict-transport-security"


def at_url(web: Web, url: str) -> Web:
    """Serve the same under a URL."""
    return Web(replace(web.api, runtime=replace(web.api.runtime, url=url)))


async def test_links_and_commands_are_made_of_the_url(web: Web) -> None:
    # The session cookie has another name over TLS.
    browser = await at_url(web, "http://leads.shop.example").admin()
    shown = await browser.get("/try")
    assert "http://leads.shop.example/developer_api/v1/leads/upsert" in shown.text
    assert "onelead.test" not in shown.text


async def test_with_a_url_over_tls_cookies_are_for_tls_whatever_the_proxy_says(web: Web) -> None:
    answer = await at_url(web, URL).visitor().client.get("/sign-in")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-onelead_visitor=")
    assert "; Secure" in cookie
    # The web server sets it on every answer.
    assert STRICT not in answer.headers


@pytest.mark.parametrize("path", ["/sign-in", "/leads", "/nowhere"])
async def test_a_browser_that_comes_over_tls_comes_back_over_tls(web: Web, path: str) -> None:
    answer = await web.visitor(base_url="https://onelead.test").client.get(path)
    assert answer.headers.get_list(STRICT) == ["max-age=31536000"]
    assert STRICT not in (await web.visitor().client.get(path)).headers


@pytest.mark.parametrize("path", ["/sign-in", "/leads", "/nowhere"])
async def test_every_page_says_what_a_browser_may_do_with_it(web: Web, path: str) -> None:
    answer = await web.visitor().client.get(path)
    for name, value in PAGE_HEADERS.items():
        assert answer.headers.get_list(name) == [value]
