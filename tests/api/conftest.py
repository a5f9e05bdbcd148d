"""The service that an API test talks to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.support.api.service import Service, a_service
from tests.support.storage.databases import ENGINES

#: What exercises the storage most runs on every engine; `--every-engine` runs the rest so, too.
ON_EVERY_ENGINE = {
    *("leads/test_bulk", "leads/test_create", "leads/test_delete", "leads/test_fetch"),
    *("leads/test_history", "leads/test_keys", "leads/test_receipts", "leads/test_update"),
    *("leads/test_search", "leads/test_search_custom_fields", "leads/test_search_filters"),
    *("leads/test_search_paging", "leads/test_search_sorting"),
    *("leads/test_upsert", "leads/test_upsert_matrix", "leads/test_upsert_unicode"),
    *("settings/test_custom_field_definitions", "settings/test_pick_lists"),
    "settings/test_users_account_tags",
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each engine."""
    module = Path(metafunc.module.__file__).with_suffix("")
    is_on_every = f"{module.parent.name}/{module.name}" in ON_EVERY_ENGINE
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
