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
#: Where the engine compares or sorts what a case brings, so that each case may differ. Elsewhere
#: the first case of a test shows that another engine keeps what is written: the rules are the same
#: source, and the contract tests hold the engines to the same answers.
_EVERY_CASE_ON_EVERY_ENGINE = {
    *("test_search", "test_search_custom_fields", "test_search_dates", "test_search_sorting"),
    *("test_search_paging", "test_search_who", "test_upsert", "test_upsert_unicode"),
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on SQLite, and once for each further engine where the engine matters."""
    if "engine_of_service" in metafunc.fixturenames:
        module = Path(metafunc.module.__file__)
        matters = (
            module.parent.name in _ROOMS_ON_EVERY_ENGINE
            and module.stem not in _ENGINE_DOES_NOT_MATTER
        )
        others = ENGINES.keys() - {"sqlite"} if matters else ()
        slow = [pytest.param(name, marks=pytest.mark.slow) for name in sorted(others)]
        metafunc.parametrize("engine_of_service", ["sqlite", *slow])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the cases that need not be run on every engine."""
    seen: set[tuple[str, str]] = set()
    left_out: set[pytest.Item] = set()
    for item in items:
        case = getattr(item, "callspec", None)
        engine = case.params.get("engine_of_service", "sqlite") if case is not None else "sqlite"
        if engine == "sqlite" or item.path.stem in _EVERY_CASE_ON_EVERY_ENGINE:
            continue
        test = item.nodeid.partition("[")[0]
        if (test, engine) in seen:
            left_out.add(item)
        seen.add((test, engine))
    if left_out:
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]


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
