"""A browser and the sites to look at, made once for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from tests.support.web.chromium import DemoServer, Site, a_demo, a_site, chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server with a new account."""
    with a_site(tmp_path_factory.mktemp("site"), browser) as running:
        yield running


@pytest.fixture(scope="session")
def demo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoServer]:
    """The demo, which takes seconds to make: the tests only look at it."""
    with a_demo(tmp_path_factory.mktemp("demo")) as running:
        yield running


@pytest.fixture(scope="module")
def demo(browser: Browser, demo_server: DemoServer) -> Site:
    """The demo: an account that is in use."""
    return Site(demo_server.url, demo_server.database, browser)
