"""The service that an API test talks to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.support.api.service import Service, a_service
from tests.support.storage.databases import ENGINES


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each engine; all but the embedded one are slow."""
    if "engine_of_service" in metafunc.fixturenames:
        engines = [
            pytest.param(name, marks=() if name == "sqlite" else pytest.mark.slow)
            for name in ENGINES
        ]
        metafunc.parametrize("engine_of_service", engines)


@pytest.fixture
async def service(tmp_path: Path, engine_of_service: str) -> AsyncIterator[Service]:
    """A service on a fresh database with one account."""
    async with a_service(tmp_path, engine_of_service) as running:
        yield running


@pytest.fixture
def client(service: Service) -> httpx.AsyncClient:
    """The account's API client."""
    return service.client
