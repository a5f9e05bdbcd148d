"""The demo account, made once for all tests, as it takes some seconds."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec import Struct

from onelead.contract.ledger import AccountRows
from onelead.demo.seeding import MovedClock, Seeded, seed_account
from onelead.demo.weeks import NAMELESS_NAME
from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import DataType
from onelead.domain.limits import MATCH_IDS_MAX
from onelead.domain.search import LeadSearch
from onelead.storage.sqlite.store import SqliteStore

pytestmark = pytest.mark.slow

NOW = int(datetime(2026, 11, 20, 17, 30, tzinfo=UTC).timestamp())


class Made(Struct):
    seeded: Seeded
    rows: AccountRows
    settings: AccountSettings
    nameless: int
    behind: list[int]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return asyncio.run(_make(tmp_path_factory.mktemp("demo") / "demo.db"))


async def _make(file: Path) -> Made:
    clock = MovedClock(NOW)
    store = SqliteStore(file, clock)
    try:
        seeded = await seed_account(store, clock, 1)
        account_id = seeded.company.account_id
        search = LeadSearch(name=NAMELESS_NAME)
        return Made(
            seeded,
            await store.account_rows(account_id),
            await store.settings(account_id),
            (await store.search_leads(account_id, search, now=NOW)).total,
            list(await store.accounts_behind()),
        )
    finally:
        await store.close()


def test_it_has_five_thousand_leads(made: Made) -> None:
    assert 5_000 <= made.seeded.leads == len(made.rows.leads) <= 5_050


def test_its_past_is_weeks_long_and_ends_now(made: Made) -> None:
    dates = [row.date for row in made.rows.ledger]
    assert dates == sorted(dates)
    assert NOW - 44 * 86_400 < dates[0] < NOW - 42 * 86_400
    assert NOW - 86_400 < dates[-1] < NOW


def test_every_outcome_is_there_often(made: Made) -> None:
    outcomes = Counter(row.outcome for row in made.rows.ledger if row.resource == "lead")
    assert outcomes["created"] > 5_000
    assert outcomes["updated"] > 3_000
    assert outcomes["unchanged"] > 500
    assert outcomes["refused"] > 100
    assert outcomes["deleted"] > 10


def test_the_refusals_are_of_every_sort(made: Made) -> None:
    messages = " ".join(row.message or "" for row in made.rows.ledger)
    for words in (
        "Multiple matches found: 2 leads match",
        "Multiple matches found: more leads match than can be listed",
        "Badge number",
        "is not included in filters",
        "Unrecognized attributes specified: utm_source",
        "is not a number",
        "is not an option of this field",
        "field_value can't be blank",
    ):
        assert words in messages


def test_more_leads_have_one_name_than_a_refusal_can_list(made: Made) -> None:
    assert made.nameless > MATCH_IDS_MAX


def test_every_type_of_custom_field_is_there_and_has_values(made: Made) -> None:
    assert {field.data_type for field in made.settings.lead_fields} == set(DataType)
    assert {field.is_filterable for field in made.settings.lead_fields} == {True, False}
    changed = {name for row in made.rows.ledger for name in json.loads(row.changes or "{}")}
    assert {f"custom_fields.{field.id}" for field in made.settings.lead_fields} <= changed


def test_every_user_and_key_is_named_in_the_ledger(made: Made) -> None:
    keys = {row.api_key_id for row in made.rows.ledger}
    assert {sender.api_key_id for sender in made.seeded.company.senders.values()} <= keys
    assert None in keys


def test_its_figures_are_counted_before_anybody_looks(made: Made) -> None:
    assert made.behind == []


def test_those_who_are_delivered_again_have_leads(made: Made) -> None:
    leads = {row[1] for row in made.rows.leads}
    known = {person.lead_id for person in made.seeded.known}
    assert len(known & leads) > 0.9 * len(known)
    assert next(made.seeded.strangers).lead_id is None
