"""The service that an API test talks to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.support.api.service import Service, a_service
from tests.support.api.sockets import Address, served
from tests.support.storage.databases import ENGINES

#: Whose answers depend on what the engine stores and finds.
_ROOMS_ON_EVERY_ENGINE = {"leads", "settings"}
#: Except what is decided before anything is stored: how values are read.
_ENGINE_DOES_NOT_MATTER = {"test_custom_field_values", "test_fields", "test_names", "test_unread"}
#: The same source is run on SQLite before, so its coverage is known.
_SLOW = (pytest.mark.slow, pytest.mark.no_cover)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on SQLite, and once for each further engine where the engine matters."""
    if "engine_of_service" in metafunc.fixturenames:
        module = Path(metafunc.module.__file__)
        matters = (
            module.parent.name in _ROOMS_ON_EVERY_ENGINE
            and module.stem not in _ENGINE_DOES_NOT_MATTER
        )
        others = ENGINES.keys() - {"sqlite"} if matters else ()
        engines = ["sqlite", *(pytest.param(name, marks=_SLOW) for name in sorted(others))]
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


@pytest.fixture
async def address(service: Service) -> AsyncIterator[Address]:
    """Where the service listens on a real socket."""
    async with served(service) as found:
        yield found
