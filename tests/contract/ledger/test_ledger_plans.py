"""The plan of a ledger search: along the primary key, whatever it looks for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, create_engine, event
from tests.support.domain.lead_writes import create, upsert
from tests.support.storage.account_store import AccountStore
from tests.support.storage.databases import ENGINES, Database, SqliteDatabase

from onelead.contract.ledger import LedgerScope, LedgerSearch
from onelead.domain.limits import LEDGER_EXAMINED_MAX, LEDGER_SLICE_ROWS
from onelead.domain.writes import LeadWrite, Outcome
from onelead.storage.leads import write_check
from onelead.storage.ledger import search as ledger_search

BY_NUMBER = "SEARCH ledger USING INDEX sqlite_autoindex_ledger_1 (account_id=? AND seq"
DETAIL = "SEARCH ledger_detail USING INDEX sqlite_autoindex_ledger_detail_1 (account_id=? AND seq=?"
LEAD_BY_ID = "SEARCH lead USING INDEX sqlite_autoindex_lead_1 (account_id=? AND id=?)"


#: Ten times what one look reads.
ROWS = 10 * LEDGER_EXAMINED_MAX


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Database]:
    """A database of the engine that a test is about; SQLite unless it names another."""
    fresh = ENGINES[getattr(request, "param", "sqlite")](tmp_path)
    yield fresh
    fresh.close()


class Plans:
    """The plans of the statements that a reading connection runs."""

    def __init__(self, account: AccountStore) -> None:
        assert isinstance(account.database, SqliteDatabase)
        self._engine = create_engine(f"sqlite:///{account.database.path}")
        self.steps: list[str] = []
        event.listen(self._engine, "before_cursor_execute", self._explain)

    def _explain(
        self, _connection: Any, cursor: Any, sql: str, parameters: Any, *_rest: Any
    ) -> None:
        rows = cursor.connection.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)
        self.steps += [detail for (*_, detail) in rows]

    def connect(self) -> Connection:
        return self._engine.connect()


SEARCHES = {
    "all": LedgerSearch(),
    "outcome": LedgerSearch(outcomes=frozenset({Outcome.REFUSED, Outcome.DELETED})),
    "scope": LedgerSearch(scope=LedgerScope.SETTINGS),
    "key": LedgerSearch(api_key_id=951, user_id=901),
    "time": LedgerSearch(from_date=1, until_date=2_000_000_000),
    "match": LedgerSearch(match_field="name", match_values=("nora field",)),
    "definition": LedgerSearch(match_definition_id=7, match_values=("a", "b")),
    "request": LedgerSearch(request_id="request-1"),
    "cursor": LedgerSearch(before=3),
}


@pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES)
async def test_a_search_walks_along_the_numbers_and_sorts_nothing(
    account: AccountStore, search: LedgerSearch
) -> None:
    await account.results(*(create(name="Nora Field") for _ in range(5)))
    plans = Plans(account)
    with plans.connect() as connection:
        ledger_search.search_ledger(connection, await account.settings(), search)
    assert any(step.startswith(BY_NUMBER) for step in plans.steps)
    foreign = {
        step
        for step in plans.steps
        if not step.startswith((BY_NUMBER, LEAD_BY_ID, DETAIL))
        and step != "SEARCH ledger USING COVERING INDEX sqlite_autoindex_ledger_1 (account_id=?)"
        and not step.startswith("SEARCH lane")
        and not step.startswith("SEARCH ledger_detail USING INDEX sqlite_autoindex_ledger_detail_1")
    }
    assert foreign == set()


@pytest.mark.parametrize(
    "write",
    [create(name="Nora Field"), upsert("name", "Nora Field", title="Buyer")],
    ids=["create", "upsert"],
)
async def test_a_check_reads_by_keys_alone(account: AccountStore, write: LeadWrite) -> None:
    await account.created()
    plans = Plans(account)
    with plans.connect() as connection:
        write_check.plan_writes(connection, await account.settings(), [write], 0)
    assert plans.steps
    assert [step for step in plans.steps if step.startswith("SCAN")] == []


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
async def test_postgresql_reads_a_run_of_the_numbers_of_a_long_ledger(
    account: AccountStore,
) -> None:
    account.database.execute(
        "INSERT INTO ledger (account_id, seq, date, request_id, resource, action, outcome, payload)"
        f" SELECT {account.account_id}, seq, seq, seq, 'lead', 'create', 'created', '{{}}'"
        f" FROM generate_series(1, {ROWS}) AS seq"
    )
    account.database.execute("ANALYZE ledger")
    settings = await account.settings()
    engine = create_engine(
        "postgresql+psycopg://", creator=partial(psycopg.connect, account.database.address)
    )
    plans: list[str] = []

    @event.listens_for(engine, "before_cursor_execute")
    def _explain(_connection: Any, cursor: Any, sql: str, parameters: Any, *_: Any) -> None:
        lines = cursor.connection.execute(f"EXPLAIN {sql}", parameters)
        plans.append("\n".join(line for (line,) in lines))

    for name, search in SEARCHES.items():
        with engine.connect() as connection:
            ledger_search.search_ledger(connection, settings, search)
        assert any("ledger_pkey" in plan for plan in plans), name
        for plan in plans:
            assert "Seq Scan on ledger" not in plan, f"{name}\n{plan}"
        (run,) = [plan for plan in plans if "seq >" in plan]
        assert "Index Cond: ((account_id = " in run, f"{name}\n{run}"
        plans.clear()
    engine.dispose()


def test_a_look_reads_more_rows_than_a_page_has() -> None:
    """Otherwise a page that is not full could not be told from the end of the ledger."""
    assert LEDGER_EXAMINED_MAX > LEDGER_SLICE_ROWS
