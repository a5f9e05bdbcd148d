"""An account to move into, and a stand-in of Copper to move in from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.copper.stand_in import StandIn
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore
from tests.support.storage.databases import ENGINES


@pytest.fixture(params=["sqlite"])
async def account(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AccountStore]:
    """An account of a fresh database."""
    database = ENGINES[request.param](tmp_path)
    store = await database.open(Clock())
    yield await AccountStore.of(store, database.account.account_id, database)
    await store.close()
    database.close()


@pytest.fixture
def there() -> StandIn:
    """An account of Copper with one of everything."""
    copper = StandIn()
    copper.definitions += [
        _definition(4101, "Contract", "String"),
        _definition(4102, "Notes", "Text"),
        _definition(4103, "Tier", "Dropdown", options=_options("Silver", "Gold")),
        _definition(4104, "Wants", "MultiSelect", options=_options("Roof", "Wall", first=5201)),
        _definition(4105, "Signed", "Date"),
        _definition(4106, "Budget", "Currency", currency="EUR"),
        _definition(4107, "Partner", "Connect", connected_id=4108),
        _definition(4109, "For persons only", "String", available_on=["person"]),
        _definition(4110, "Agreed", "Checkbox"),
    ]
    return copper


def _definition(number: int, name: str, data_type: str, **more: object) -> dict[str, object]:
    of_all = {"available_on": ["lead", "person"], "is_filterable": False}
    return {"id": number, "name": name, "data_type": data_type} | of_all | more


def _options(*names: str, first: int = 5101) -> list[dict[str, object]]:
    return [{"id": first + rank, "name": name, "rank": rank} for rank, name in enumerate(names)]
