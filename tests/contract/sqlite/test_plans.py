"""SQLite's plans for searches and matches: by index, never over all leads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, create_engine, event
from tests.support.domain.lead_writes import delete, update, upsert, upsert_custom
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore
from tests.support.storage.databases import SqliteDatabase
from tests.support.storage.faults import Faults

from onelead.domain.matching import SimilarKeys
from onelead.domain.search import Combination, FieldFilter, LeadSearch, Range, TagFilter, TagSearch
from onelead.domain.search_dates import LocalBound
from onelead.domain.settings.change import Resource
from onelead.storage.leads import lists as lead_list
from onelead.storage.leads import reads
from onelead.storage.leads import search as lead_search
from onelead.storage.ledger import lead_history
from onelead.storage.ledger.deleted_settings import deleted_settings
from onelead.storage.settings.rows import leads_using

KEYS = "SEARCH match_key USING PRIMARY KEY (account_id=? AND field=? AND value"
LEAD_BY_ID = "SEARCH lead USING INDEX sqlite_autoindex_lead_1 (account_id=? AND id=?)"
SORTED = "USE TEMP B-TREE FOR ORDER BY"


@pytest.fixture
def database(tmp_path: Any) -> SqliteDatabase:
    """A database of the one engine that these tests are about."""
    return SqliteDatabase(tmp_path)


@contextmanager
def reading(account: AccountStore) -> Iterator[tuple[Connection, list[list[str]]]]:
    """Read from the account's database, and record SQLite's plan for each statement."""
    assert isinstance(account.database, SqliteDatabase)
    engine = create_engine(f"sqlite:///{account.database.path}")
    plans: list[list[str]] = []

    @event.listens_for(engine, "before_cursor_execute")
    def _explain(_connection: Any, cursor: Any, sql: str, parameters: Any, *_rest: Any) -> None:
        rows = cursor.connection.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)
        plans.append([detail for (*_, detail) in rows])

    with engine.connect() as connection:
        yield connection, plans
    engine.dispose()


async def plans_of(account: AccountStore, search: LeadSearch) -> tuple[list[str], list[str]]:
    """Return the plans of the count and of the page."""
    settings = await account.settings()
    with reading(account) as (connection, plans):
        lead_search.search_leads(connection, settings, search, now=0)
    # Without some keys is counted as all leads but those with them.
    counted, page = plans[-2:]
    return counted, page


def assert_nothing_is_scanned(*plans: list[str]) -> None:
    assert [step for plan in plans for step in plan if step.startswith("SCAN")] == []


def assert_counted_by_keys(plan: list[str]) -> None:
    """Only what the keys have found may be walked through; no lead is read."""
    assert any(step.startswith(KEYS) for step in plan), plan
    assert all(step.startswith(("SEARCH match_key", "SCAN anon_")) for step in walks(plan)), plan


def walks(plan: list[str]) -> list[str]:
    return [step for step in plan if step.startswith(("SEARCH", "SCAN"))]


def assert_found_by_keys(plan: list[str]) -> None:
    assert_nothing_is_scanned(plan)
    assert any(step.startswith(KEYS) for step in plan), plan
    assert any(step.startswith("SEARCH lead") and "id=?" in step for step in plan), plan


def by_tags(*tags: str, combination: Combination = Combination.ANY) -> LeadSearch:
    return LeadSearch(tags=TagFilter(tags, combination))


KEYED = {
    "e-mail": LeadSearch(emails=("n@field.example",)),
    "e-mails": LeadSearch(emails=("n@field.example", "s@roe.example")),
    "profile": LeadSearch(socials=("https://social.example/nora",)),
    "phone": LeadSearch(phone_ending="5550100"),
    "tag": by_tags("fair"),
    "any of two tags": by_tags("fair", "VIP"),
    "all of two tags": by_tags("fair", "VIP", combination=Combination.ALL),
}


@pytest.mark.parametrize("search", KEYED.values(), ids=KEYED)
@pytest.mark.parametrize("sort_by", ["name", "date_created", "title"])
async def test_a_search_by_a_key_reads_the_keys_and_then_the_leads_that_they_name(
    account: AccountStore, search: LeadSearch, sort_by: str
) -> None:
    search = LeadSearch(
        emails=search.emails,
        socials=search.socials,
        tags=search.tags,
        phone_ending=search.phone_ending,
        sort_by=sort_by,
    )
    counted, page = await plans_of(account, search)
    assert_counted_by_keys(counted)
    assert_found_by_keys(page)


@pytest.mark.parametrize("data_type", ["String", "Float", "Date", "MultiSelect", "Checkbox"])
async def test_a_search_by_a_custom_field_reads_the_keys_and_then_the_leads(
    account: AccountStore, data_type: str
) -> None:
    field = await account.field(data_type=data_type)
    values: dict[str, Any] = {"String": "C-1", "Float": 1, "Date": "01/31/2024", "Checkbox": True}
    value = values.get(data_type, field.options[0].id if field.options else None)
    entries = [FieldFilter(field.id, (value,))]
    if data_type in ("Float", "Date"):
        entries += [FieldFilter(field.id, minimum=1), FieldFilter(field.id, minimum=1, maximum=2)]
    for entry in entries:
        counted, page = await plans_of(account, LeadSearch(custom_fields=(entry,)))
        assert_counted_by_keys(counted)
        assert_found_by_keys(page)


async def test_criteria_about_keys_are_counted_together_without_a_lead(
    account: AccountStore,
) -> None:
    field = await account.field(data_type="String")
    both = LeadSearch(
        tags=TagFilter(("fair", "VIP"), Combination.NONE),
        emails=("n@field.example", "s@roe.example"),
        custom_fields=(FieldFilter(field.id, ("C-1",)),),
    )
    counted, _page = await plans_of(account, both)
    assert all("lead" not in step.split() for step in walks(counted)), counted
    counted, _page = await plans_of(account, by_tags("fair", combination=Combination.NONE))
    assert "SEARCH lead" not in " ".join(counted)


async def test_another_criterion_beside_the_keys_is_counted_among_the_leads(
    account: AccountStore,
) -> None:
    for search in (
        LeadSearch(tags=TagFilter(("fair",)), status_ids=(1,)),
        LeadSearch(tags=TagFilter(()), emails=("n@field.example",)),
    ):
        counted, _page = await plans_of(account, search)
        assert any(step.startswith("SEARCH lead") for step in counted), counted


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort_by", ["name", "date_created"])
@pytest.mark.parametrize("is_walk", [False, True])
async def test_all_leads_in_the_order_of_an_index_are_not_sorted(
    account: AccountStore, sort_by: str, *, descending: bool, is_walk: bool
) -> None:
    search = LeadSearch(sort_by=sort_by, descending=descending, limit=1)
    if is_walk:
        await account.created()
        await account.created()
        page = await account.store.search_leads(account.account_id, search, now=0)
        search = LeadSearch(
            sort_by=sort_by, descending=descending, limit=1, cursor=page.next_cursor
        )
    counted, page_plan = await plans_of(account, search)
    assert_nothing_is_scanned(counted, page_plan)
    (step,) = page_plan
    assert step.startswith(f"SEARCH lead USING INDEX lead_by_{sort_by} (account_id=?")
    assert SORTED not in page_plan


@pytest.mark.parametrize("descending", [False, True])
async def test_leads_in_the_order_of_the_last_change_are_read_by_an_index_of_the_ledger(
    account: AccountStore, *, descending: bool
) -> None:
    search = LeadSearch(sort_by="date_modified", descending=descending, limit=1)
    await account.created()
    await account.created()
    page = await account.store.search_leads(account.account_id, search, now=0)
    search = msgspec.structs.replace(search, cursor=page.next_cursor)
    settings = await account.settings()
    with reading(account) as (connection, plans):
        lead_search.search_leads(connection, settings, search, now=0)
    *_, looked, page_plan = plans
    changes = "SEARCH ledger USING INDEX ledger_by_change (account_id=? AND (date,"
    for plan in (looked, page_plan):
        assert any(step.startswith(changes) for step in plan), plan
        assert not any(step.startswith(("SCAN lead", "SCAN ledger")) for step in plan), plan
    assert SORTED not in looked
    assert LEAD_BY_ID in page_plan


async def test_a_walk_starts_where_its_cursor_stands(account: AccountStore) -> None:
    """The leads before the cursor are not even looked at."""
    await account.created()
    await account.created()
    first = await account.store.search_leads(account.account_id, LeadSearch(limit=1), now=0)
    _, page = await plans_of(account, LeadSearch(limit=1, cursor=first.next_cursor))
    assert page == ["SEARCH lead USING INDEX lead_by_name (account_id=? AND (name_key,id)>(?,?))"]


async def test_leads_named_by_id_are_looked_up(account: AccountStore) -> None:
    for plan in await plans_of(account, LeadSearch(ids=(1, 2, 3))):
        assert any("sqlite_autoindex_lead_1 (account_id=? AND id=?)" in step for step in plan)


async def test_the_tags_are_read_from_the_keys_alone(account: AccountStore) -> None:
    for search in (TagSearch(), TagSearch(by_count=True), TagSearch(after="m")):
        with reading(account) as (connection, plans):
            reads.tags(connection, account.account_id, search)
        ((first, *_),) = plans
        assert first == "SEARCH match_key USING PRIMARY KEY (account_id=? AND field=?)"


LISTED = {
    **KEYED,
    "quick": LeadSearch(quick="nora"),
    "quick e-mail": LeadSearch(quick="mailto:Nora@field.example"),
    "quick e-mails": LeadSearch(quick="nora@field.example, sam@roe.example"),
    "quick phone": LeadSearch(quick="555 0100"),
    "quick whole phone": LeadSearch(quick="+1 512 555 0100"),
    "title": LeadSearch(title="buyer"),
    "status": LeadSearch(status_ids=(1, 2), sort_by="title"),
    "city": LeadSearch(city="austin", title="buyer"),
    "created": LeadSearch(created_date=Range(0, 5), sort_by="date_created"),
    "created today": LeadSearch(
        local_bounds=(LocalBound("created_date", is_maximum=False, text="2023-11-14"),),
        sort_by="date_created",
    ),
    "untagged": LeadSearch(tags=TagFilter(())),
    "all": LeadSearch(sort_by="last_name", descending=True),
}


@pytest.mark.parametrize("bound", [1, 100])
@pytest.mark.parametrize("search", LISTED.values(), ids=LISTED)
async def test_a_list_reads_by_indexes_and_looks_at_no_more_than_its_bound(
    account: AccountStore, search: LeadSearch, bound: int
) -> None:
    """Few leads are found by key, many in the order of an index; none by reading all."""
    for number in range(3):
        await account.created(email=f"n{number}@field.example", tags=["fair"])
    settings = await account.settings()
    with reading(account) as (connection, plans):
        lead_list.list_leads(connection, settings, search, now=0, bound=bound)
    tables = ("SCAN lead", "SCAN match_key", "SCAN keys")
    assert [step for plan in plans for step in plan if step.startswith(tables)] == []
    assert plans


async def test_a_long_list_begins_in_the_middle_of_its_index(account: AccountStore) -> None:
    for number in range(9):
        await account.created(title=f"Buyer {number}")
    settings = await account.settings()
    search = LeadSearch(title="buyer", limit=2)
    with reading(account) as (connection, plans):
        page = lead_list.list_leads(connection, settings, search, now=0, bound=3)
        plans.clear()
        search = LeadSearch(title="buyer", limit=2, cursor=page.next_cursor)
        lead_list.list_leads(connection, settings, search, now=0, bound=3)
    steps = [step for plan in plans for step in plan]
    assert any("lead_by_name (account_id=? AND (name_key,id)>(?,?))" in step for step in steps)


async def test_tags_are_completed_by_going_past_the_leads_of_each(account: AccountStore) -> None:
    with reading(account) as (connection, plans):
        reads.tag_completions(connection, account.account_id, "fa", 5)
    (steps,) = plans
    seeks = [step for step in steps if step.startswith("SEARCH keys")]
    between = "SEARCH keys USING PRIMARY KEY (account_id=? AND field=? AND value>? AND value<?)"
    assert seeks == [between, between]


async def test_similar_leads_are_found_by_their_keys(account: AccountStore) -> None:
    wanted = [SimilarKeys("phone", frozenset({"0010555", "00105550"}), "0010555")]
    with reading(account) as (connection, plans):
        reads.similar_lead_ids(connection, account.account_id, wanted, limit=5)
    (steps,) = plans
    seeks = [step for step in steps if "match_key" in step]
    assert seeks == [f"{KEYS}=?)", f"{KEYS}>? AND value<?)"]


async def test_the_history_of_a_lead_reads_its_rows_alone(account: AccountStore) -> None:
    lead = await account.created()
    with reading(account) as (connection, plans):
        settings = await account.settings()
        lead_history.lead_history(connection, account.account_id, lead.id, offset=0, limit=20)
        lead_history.lead_ledger(connection, settings, lead.id, before=9, limit=20)
        lead_history.lead_changes(
            connection, account.account_id, lead.id, since_version=1, limit=20
        )
    # What is scanned is as long as a page: each side is limited before both are sorted.
    scans = {step for plan in plans for step in plan if step.startswith("SCAN")}
    assert scans <= {"SCAN own", "SCAN named", "SCAN newest"}
    by_lead = (
        "ledger_by_resource (account_id=? AND resource_id=?",
        "ledger_candidate USING PRIMARY KEY (account_id=? AND lead_id=?",
        "ledger USING INDEX sqlite_autoindex_ledger_1 (account_id=? AND seq=?)",
        "ledger_detail USING INDEX sqlite_autoindex_ledger_detail_1 (account_id=? AND seq=?)",
        "merged_lead USING INDEX sqlite_autoindex_merged_lead_1 (account_id=? AND id=?)",
        "merged_lead USING INDEX merged_lead_by_lead (account_id=? AND lead_id=?)",
    )
    for step in (step for plan in plans for step in plan if step.startswith("SEARCH")):
        assert any(way in step for way in by_lead), step


async def test_the_names_of_deleted_settings_are_read_by_their_ids(account: AccountStore) -> None:
    with reading(account) as (connection, plans):
        deleted_settings(connection, account.account_id, range(1, 101))
    (steps,) = plans
    scans = {step for step in steps if step.startswith("SCAN")}
    # What is scanned is as long as the bound: the newest rows of each id.
    assert all(step.startswith(("SCAN anon_", "SCAN newest")) for step in scans), scans
    by_id = "SEARCH ledger USING COVERING INDEX ledger_by_resource (account_id=? AND resource_id=?)"
    by_number = "SEARCH ledger USING INDEX sqlite_autoindex_ledger_1 (account_id=? AND seq=?)"
    assert {step for step in steps if step.startswith("SEARCH")} == {by_id, by_number}


async def test_no_statement_of_a_batch_scans_a_table(account: AccountStore, clock: Clock) -> None:
    faults = Faults()
    store = await account.database.open_faulty(clock, faults)
    field = await account.field()
    writing = await AccountStore.of(store, account.account_id, account.database)
    lead = await writing.created(email="nora@field.example")
    statements: list[str] = []
    for connection in faults.connections:
        connection.set_trace_callback(statements.append)
    await writing.write(
        upsert("email", "nora@field.example", title="Buyer", tags=["fair"]),
        upsert_custom(field.id, "C-1", name="Sam Roe"),
        update(lead.id, name="Nora Lake"),
        delete(lead.id),
    )
    await store.close()
    changes = [sql for sql in statements if sql.split()[0] in ("SELECT", "UPDATE", "DELETE")]
    assert {sql.split()[0] for sql in changes} == {"SELECT", "UPDATE", "DELETE"}
    rows = [account.database.rows(f"EXPLAIN QUERY PLAN {sql}") for sql in changes]
    details = [detail for plan in rows for (*_, detail) in plan]
    assert [detail for detail in details if detail.startswith("SCAN")] == []
    assert any(detail.startswith(KEYS) for detail in details)


@pytest.mark.parametrize(
    ("resource", "index"),
    [
        (Resource.LEAD_STATUS, "lead_by_status"),
        (Resource.CUSTOMER_SOURCE, "lead_by_customer_source"),
    ],
)
async def test_leads_that_have_a_status_or_source_are_named_by_index(
    account: AccountStore, resource: Resource, index: str
) -> None:
    with reading(account) as (connection, plans):
        leads_using(connection, account.account_id, resource, 7, limit=500)
    ((step,),) = plans
    assert index in step
    assert step.startswith("SEARCH")
