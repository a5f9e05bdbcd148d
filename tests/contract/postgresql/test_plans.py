"""PostgreSQL's plans for searches among many leads: by index, never over all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg
import pytest
from msgspec import structs
from sqlalchemy import Connection, create_engine, event
from tests.support.storage.account_store import AccountStore
from tests.support.storage.databases import PostgresqlDatabase
from tests.support.storage.many_leads import fill

from onelead.domain.matching import SimilarKeys
from onelead.domain.search import Combination, LeadSearch, Range, TagFilter, TagSearch
from onelead.domain.search_dates import LocalBound
from onelead.domain.settings.change import Resource
from onelead.storage.leads import lists as lead_list
from onelead.storage.leads import reads
from onelead.storage.leads import search as lead_search
from onelead.storage.ledger import lead_history
from onelead.storage.ledger.deleted_settings import deleted_settings
from onelead.storage.settings.rows import leads_using

MANY = 20_000
READS_ALL = ("Seq Scan on lead ", "Seq Scan on match_key ", "Seq Scan on ledger ")

#: Each names a few of the leads that `fill` makes.
SELECTIVE = {
    "ids": LeadSearch(ids=(1_000_100_001, 1_000_100_002)),
    "e-mail": LeadSearch(emails=("nora7@field.example",)),
    "e-mails": LeadSearch(emails=("nora7@field.example", "nora8@field.example")),
    "profile": LeadSearch(socials=("https://social.example/7",)),
    "phone": LeadSearch(phone_ending="0000007"),
    "tag": LeadSearch(tags=TagFilter(("tag 7",), Combination.ANY)),
    "any of two tags": LeadSearch(tags=TagFilter(("tag 7", "tag 8"), Combination.ANY)),
    "all of two tags": LeadSearch(tags=TagFilter(("tag 7", "tag 8"), Combination.ALL)),
    "city": LeadSearch(city="city 7"),
    "state": LeadSearch(state="state 7"),
    "postal code": LeadSearch(postal_code="10007"),
    "status": LeadSearch(status_ids=(7,)),
    "source": LeadSearch(customer_source_ids=(7,)),
    "assignee": LeadSearch(assignee_ids=(7,)),
    "created": LeadSearch(created_date=Range(1_700_000_100, 1_700_000_120)),
    "modified": LeadSearch(modified_date=Range(1_700_000_100, 1_700_000_120)),
    "created in local time": LeadSearch(
        local_bounds=(
            LocalBound("created_date", is_maximum=False, text="2023-11-14T14:15:00"),
            LocalBound("created_date", is_maximum=True, text="2023-11-14T14:15:20"),
        )
    ),
}


@pytest.fixture
def database() -> Iterator[PostgresqlDatabase]:
    """A database of the one engine that these tests are about."""
    fresh = PostgresqlDatabase()
    yield fresh
    fresh.close()


@contextmanager
def reading(account: AccountStore) -> Iterator[tuple[Connection, list[str]]]:
    """Read from the account's database, and record PostgreSQL's plan for each statement."""
    connect = partial(psycopg.connect, account.database.address)
    engine = create_engine("postgresql+psycopg://", creator=connect)
    plans: list[str] = []
    try:
        with engine.connect() as connection:

            @event.listens_for(engine, "before_cursor_execute")
            def _explain(_connection: Any, cursor: Any, sql: str, parameters: Any, *_: Any) -> None:
                lines = cursor.connection.execute(f"EXPLAIN {sql}", parameters)
                plans.append("\n".join(line for (line,) in lines))

            yield connection, plans
    finally:
        engine.dispose()


async def plans_of(account: AccountStore, search: LeadSearch) -> list[str]:
    """Return the plans of the count and of the page."""
    settings = await account.settings()
    with reading(account) as (connection, plans):
        lead_search.search_leads(connection, settings, search, now=0)
    return [plan for plan in plans if "lead" in plan]


async def test_a_selective_search_reads_no_whole_table(account: AccountStore) -> None:
    await fill(account, MANY)
    for name, search in SELECTIVE.items():
        page = await account.store.search_leads(account.account_id, search, now=0)
        assert page.total <= 50, name
        assert page.total > 0 or search.tags, f"{name} finds nothing"
        for plan in await plans_of(account, search):
            assert not any(step in plan for step in READS_ALL), f"{name}\n{plan}"


async def test_a_page_of_all_leads_is_read_in_the_order_of_an_index(account: AccountStore) -> None:
    await fill(account, MANY)
    for sort_by in ("name", "date_created"):
        for descending in (False, True):
            first = LeadSearch(sort_by=sort_by, descending=descending)
            found = await account.store.search_leads(account.account_id, first, now=0)
            further = LeadSearch(sort_by=sort_by, descending=descending, cursor=found.next_cursor)
            for search in (first, further):
                *_, page = await plans_of(account, search)
                assert f"lead_by_{sort_by}" in page, page
                assert "Sort" not in page, page


async def test_a_page_by_the_last_change_reads_the_index_of_the_ledger(
    account: AccountStore,
) -> None:
    await fill(account, MANY)
    for descending in (False, True):
        first = LeadSearch(sort_by="date_modified", descending=descending)
        found = await account.store.search_leads(account.account_id, first, now=0)
        for search in (first, structs.replace(first, cursor=found.next_cursor)):
            plans = await plans_of(account, search)
            for plan in plans:
                assert "Index Only Scan" in plan, plan
                assert "ledger_by_change" in plan, plan
                assert not any(step in plan for step in READS_ALL), plan


LISTED = {
    **SELECTIVE,
    "quick": LeadSearch(quick="nora field 77", sort_by="title"),
    "quick e-mail": LeadSearch(quick="nora77@"),
    "quick e-mail in another spelling": LeadSearch(quick="mailto:Nora77@Field.example"),
    "quick e-mails": LeadSearch(quick="nora77@field.example, nora78@field.example"),
    "nobody": LeadSearch(name="", title="nobody"),
    "quick phone": LeadSearch(quick="000-0077"),
    "quick whole phone": LeadSearch(quick="+1 000-000-0077"),
    "title": LeadSearch(title="nobody"),
    "country": LeadSearch(country="DE", descending=True),
    "custom": LeadSearch(tags=TagFilter(("tag 7",), Combination.NONE)),
    "all": LeadSearch(sort_by="last_name"),
    "all by last change": LeadSearch(sort_by="date_modified", descending=True),
}


async def test_a_list_reads_no_whole_table(account: AccountStore) -> None:
    await fill(account, MANY)
    account.database.execute(f"UPDATE lane SET lead_count = {MANY}")
    settings = await account.settings()
    for name, search in LISTED.items():
        with reading(account) as (connection, plans):
            lead_list.list_leads(connection, settings, search, now=0, bound=1_000)
        assert plans
        for plan in plans:
            assert not any(step in plan for step in READS_ALL), f"{name}\n{plan}"


async def test_tags_are_completed_by_their_keys(account: AccountStore) -> None:
    await fill(account, MANY)
    with reading(account) as (connection, plans):
        reads.tag_completions(connection, account.account_id, "tag 7", 5)
    (plan,) = plans
    assert not any(step in plan for step in READS_ALL), plan


async def test_similar_leads_are_found_by_their_keys(account: AccountStore) -> None:
    await fill(account, MANY)
    wanted = [
        SimilarKeys("name", frozenset({"nora field 77"})),
        SimilarKeys("phone", frozenset({"7700000", "77000000"}), "7700000"),
    ]
    with reading(account) as (connection, plans):
        reads.similar_lead_ids(connection, account.account_id, wanted, limit=5)
    assert len(plans) == 2
    for plan in plans:
        assert not any(step in plan for step in READS_ALL), plan


async def test_tags_and_histories_are_read_by_their_keys(account: AccountStore) -> None:
    await fill(account, MANY)
    lead_id = 1_000_100_007
    with reading(account) as (connection, plans):
        reads.tags(connection, account.account_id, TagSearch())
        lead_history.lead_history(connection, account.account_id, lead_id, offset=0, limit=20)
        deleted_settings(connection, account.account_id, range(1, 101))
    assert len(plans) >= 3
    for plan in plans:
        assert not any(step in plan for step in READS_ALL), plan


@pytest.mark.parametrize("resource", [Resource.LEAD_STATUS, Resource.CUSTOMER_SOURCE])
async def test_leads_are_named_by_index_when_most_of_them_had_the_value(
    account: AccountStore, resource: Resource
) -> None:
    await fill(account, MANY)
    account.database.execute("UPDATE lead SET status_id = 1, customer_source_id = 2")
    account.database.execute("ANALYZE")
    for resource_id in (1, 2, 3):
        with reading(account) as (connection, plans):
            leads_using(connection, account.account_id, resource, resource_id, limit=500)
        (plan,) = plans
        assert "lead_by_" in plan, plan
        assert "Sort" not in plan, plan
