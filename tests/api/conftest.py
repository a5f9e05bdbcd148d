"""The service that an API test talks to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.databases import ENGINES
from tests.service import Service, a_service

#: What exercises the storage most runs on every engine; `--every-engine` runs the rest so, too.
ON_EVERY_ENGINE = {
    *("test_lead_bulk", "test_lead_create", "test_lead_delete", "test_lead_fetch"),
    *("test_lead_history", "test_lead_keys", "test_lead_receipts", "test_lead_update"),
    *("test_lead_search", "test_lead_search_custom_fields", "test_lead_search_filters"),
    *("test_lead_search_paging", "test_lead_search_sorting"),
    *("test_lead_upsert", "test_lead_upsert_matrix", "test_lead_upsert_unicode"),
    *("test_custom_field_definitions", "test_pick_lists", "test_users_account_tags"),
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each engine."""
    is_on_every = Path(metafunc.module.__file__).stem in ON_EVERY_ENGINE
    is_on_every |= metafunc.config.getoption("every_engine")
    if is_on_every and "engine_of_service" in metafunc.fixturenames:
        metafunc.parametrize("engine_of_service", list(ENGINES))


@pytest.fixture
def engine_of_service() -> str:
    """The engine that most tests do with."""
    return "sqlite"


@pytest.fixture
async def service(tmp_path: Path, engine_of_service: str) -> AsyncIterator[Service]:
    """A service on a fresh database with one account."""
    async with a_service(tmp_path, engine_of_service) as running:
        yield running


@pytest.fixture
def client(service: Service) -> httpx.AsyncClient:
    """The account's API client."""
    return service.client
