"""Fixtures for tests of the pages: a service and its browsers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.api.service import Service
from tests.support.web.browser_client import Browser
from tests.support.web.web_service import Web, a_web_service


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[Web]:
    """A service with its pages, on a fresh database with one account."""
    async with a_web_service(tmp_path) as running:
        yield running


@pytest.fixture
def service(web: Web) -> Service:
    """The API side of the service."""
    return web.api


@pytest.fixture
async def browser(web: Web) -> Browser:
    """A browser of the account's admin."""
    return await web.admin()


@pytest.fixture
async def member(web: Web) -> Browser:
    """A browser of a member of the account."""
    return await web.member()
