"""Searches of the ledger: every filter, and a bounded look that says how far it went."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.support.domain.lead_writes import create, delete, update, upsert, upsert_custom
from tests.support.process.clock import Clock
from tests.support.storage.account_store import DEFINITION, AccountStore

from onelead.contract.ledger import AccountLedgerRow, LedgerScope, LedgerSearch, LedgerSlice
from onelead.domain.errors import ResourceNotFound
from onelead.domain.limits import (
    FIGURE_PAYLOAD_CHARS_MAX,
    LEDGER_EXAMINED_MAX,
    LEDGER_MARGIN_ROWS,
    LEDGER_PAYLOADS_EXAMINED_MAX,
)
from onelead.domain.settings.change import Resource
from onelead.domain.writes import Action, LeadWrite, Outcome

DATE = 1_700_000_000
#: How many ledger rows a test inserts at a time.
ROWS = 25_000


async def found(account: AccountStore, **criteria: Any) -> LedgerSlice:
    return await account.store.search_ledger(account.account_id, LedgerSearch(**criteria))


async def numbers(account: AccountStore, **criteria: Any) -> list[int]:
    return [row.seq for row in (await found(account, **criteria)).rows]


def insert_rows(account: AccountStore, date_of: str, *, first: int = 1, rows: int = ROWS) -> None:
    """Fill the ledger with creates; `date_of` is SQL over `seq`."""
    account.database.execute(
        "INSERT INTO ledger (account_id, seq, date, request_id, resource, resource_id, action,"
        f" outcome, version, payload) WITH RECURSIVE number (seq) AS (SELECT {first} UNION ALL"
        f" SELECT seq + 1 FROM number WHERE seq < {first + rows - 1})"
        f" SELECT {account.account_id}, seq, {date_of}, 'r-' || seq, 'lead', 1, 'create',"
        " 'created', 1, '{}' FROM number"
    )


def with_delivery(write: LeadWrite, **changed: Any) -> LeadWrite:
    delivery = msgspec.structs.replace(write.delivery, **changed)
    return msgspec.structs.replace(write, delivery=delivery)


async def test_an_empty_ledger_has_nothing_and_nothing_further_back(account: AccountStore) -> None:
    nothing = await found(account)
    assert (nothing.rows, nothing.next_before, nothing.looked_back_to) == ([], None, None)
    assert nothing.settings == await account.settings()


async def test_rows_come_newest_first_with_what_they_say_and_without_payloads(
    account: AccountStore, clock: Clock
) -> None:
    lead = await account.created(email="nora@field.example")
    clock.advance(60)
    write = upsert("email", "Nora@Field.example", title="Buyer")
    await account.result(write)
    await account.change(Resource.LEAD_STATUS, Action.CREATE, {"name": "Hot"})
    setting, upserted, created = (await found(account)).rows
    assert upserted == AccountLedgerRow(
        seq=2,
        date=clock(),
        request_id=write.delivery.request_id,
        action="upsert",
        outcome="updated",
        version=2,
        user_id=write.delivery.user_id,
        api_key_id=write.delivery.api_key_id,
        match={
            "field_name": "email",
            "value": "nora@field.example",
            "matches": 1,
            "ids": [lead.id],
            "by": None,
            "definition_id": None,
        },
        changes={"title": [None, "Buyer"]},
        message=None,
        payload=None,
        resource="lead",
        resource_id=lead.id,
    )
    assert [one.id for one in (await found(account)).leads] == [lead.id]
    assert (setting.resource, setting.action, setting.outcome) == (
        *("lead_status", "create", "created"),
    )
    assert (created.seq, created.date) == (1, clock() - 60)


async def test_outcomes_scopes_and_requests_are_told_apart(account: AccountStore) -> None:
    lead = await account.created()
    write = update(lead.id, title="Buyer")
    await account.results(write, update(lead.id, title="Buyer"), update(1), delete(lead.id))
    await account.change(Resource.LEAD_STATUS, Action.CREATE, {"name": " "})
    await account.field()
    assert await numbers(account, outcomes=frozenset({Outcome.REFUSED})) == [6, 4]
    both = frozenset({Outcome.UPDATED, Outcome.DELETED})
    assert await numbers(account, outcomes=both) == [5, 2]
    assert await numbers(account, scope=LedgerScope.SETTINGS) == [7, 6]
    assert await numbers(account, scope=LedgerScope.LEADS) == [5, 4, 3, 2, 1]
    refused = frozenset({Outcome.REFUSED})
    assert await numbers(account, scope=LedgerScope.SETTINGS, outcomes=refused) == [6]
    assert await numbers(account, request_id=write.delivery.request_id) == [2]
    assert await numbers(account, request_id="request-0") == []


async def test_a_user_and_a_key_are_told_apart(account: AccountStore) -> None:
    by_key = with_delivery(create(name="Nora Field"), user_id=901, api_key_id=951)
    by_other_key = with_delivery(create(name="Nora Field"), user_id=901, api_key_id=952)
    by_hand = with_delivery(create(name="Nora Field"), user_id=902, api_key_id=None)
    await account.results(by_key, by_other_key, by_hand)
    assert await numbers(account, user_id=901) == [2, 1]
    assert await numbers(account, user_id=902) == [3]
    assert await numbers(account, api_key_id=952) == [2]
    assert await numbers(account, user_id=902, api_key_id=952) == []
    assert await numbers(account, user_id=901, is_without_key=True) == []
    assert await numbers(account, is_without_key=True) == [3]


async def test_a_match_is_found_by_its_field_its_definition_and_its_value(
    account: AccountStore,
) -> None:
    field, other = await account.field(), await account.field(name="Number of another list")
    hostile = '%_"\\,"definition_id":1}'
    await account.results(
        upsert("email", "nora@field.example", name="Nora Field"),
        upsert("name", "nora@field.example"),
        upsert_custom(field.id, "nora@field.example", name="Sam Roe"),
        upsert_custom(other.id, "C-1", name="Ida Lund"),
        upsert("name", hostile),
        create(name="Nora Field"),
    )
    first = 3
    assert await numbers(account, match_field="email") == [first]
    assert await numbers(account, match_field="name") == [first + 4, first + 1]
    assert await numbers(account, match_field="custom") == [first + 3, first + 2]
    assert await numbers(account, match_definition_id=field.id) == [first + 2]
    value = ("nora@field.example",)
    assert await numbers(account, match_values=value) == [first + 2, first + 1, first]
    assert await numbers(account, match_field="name", match_values=value) == [first + 1]
    assert await numbers(account, match_definition_id=other.id, match_values=value) == []
    assert await numbers(account, match_values=("c-1",)) == []
    assert await numbers(account, match_values=("C-1", "nora@field.example")) == [
        *(first + 3, first + 2, first + 1, first),
    ]
    assert await numbers(account, match_values=(hostile,)) == [first + 4]
    assert await numbers(account, match_definition_id=1) == []
    assert await numbers(account, match_values=("nora@field.exampl_",)) == []


async def test_what_was_not_taken_is_found(account: AccountStore) -> None:
    for _ in range(3):
        await account.created()
    account.database.execute("""UPDATE ledger SET ignored = '["email"]' WHERE seq = 2""")
    assert await numbers(account, has_ignored=True) == [2]
    (row,) = (await found(account, has_ignored=True)).rows
    assert row.ignored == ["email"]


async def test_payloads_are_found_by_texts_in_any_case(account: AccountStore) -> None:
    payloads = [
        '{"status_id": 1000000011}',
        '{"status":"gr\u00d6SSE_HOT"}',
        '{"status": "Warm 100%"}',
        '{"title": "1000000011"}' + " " * FIGURE_PAYLOAD_CHARS_MAX,
    ]
    await account.results(*(with_delivery(create(name="A"), payload=one) for one in payloads))
    await account.change(Resource.LEAD_STATUS, Action.CREATE, {"name": "1000000011"})
    assert await numbers(account, sent=(("1000000011",),)) == [1]
    assert await numbers(account, sent=(("1000000011",), ('"STATUS"', "hot"))) == [2, 1]
    assert await numbers(account, sent=(('"status"', "100%"),)) == [3]
    assert await numbers(account, sent=(('"status"', "s_e"),)) == []
    assert await numbers(account, sent=(('"status"', "title"),)) == []


async def test_a_walk_sees_every_row_once_while_rows_are_added(account: AccountStore) -> None:
    await account.results(*(create(name="Nora Field") for _ in range(7)))
    seen, before = [], None
    while True:
        part = await found(account, before=before, limit=3)
        seen += [row.seq for row in part.rows]
        await account.created()
        before = part.next_before
        if before is None:
            break
    assert seen == [7, 6, 5, 4, 3, 2, 1]


async def test_a_look_that_finds_little_says_how_far_it_went_and_goes_on_from_there(
    account: AccountStore,
) -> None:
    insert_rows(account, f"{DATE} + seq")
    account.database.execute("UPDATE ledger SET outcome = 'refused' WHERE seq IN (1, 10, 24999)")
    refused = frozenset({Outcome.REFUSED})
    part = await found(account, outcomes=refused)
    assert [row.seq for row in part.rows] == [24_999]
    edge = ROWS - LEDGER_EXAMINED_MAX + 1
    assert (part.next_before, part.looked_back_to) == (edge, DATE + edge)
    rest = await found(account, outcomes=refused, before=part.next_before)
    assert [row.seq for row in rest.rows] == [10, 1]
    assert (rest.next_before, rest.looked_back_to) == (None, DATE + 1)


async def test_a_look_into_payloads_goes_less_far_back(account: AccountStore) -> None:
    insert_rows(account, f"{DATE} + seq", rows=LEDGER_PAYLOADS_EXAMINED_MAX + 2)
    part = await found(account, sent=(("status",),))
    assert (part.rows, part.next_before, part.looked_back_to) == ([], 3, DATE + 3)


async def test_a_full_slice_goes_on_after_its_last_row(account: AccountStore) -> None:
    insert_rows(account, f"{DATE} + seq", rows=20)
    part = await found(account, limit=10)
    assert (part.next_before, part.looked_back_to) == (11, DATE + 11)
    rest = await found(account, limit=10, before=11)
    assert ([row.seq for row in rest.rows], rest.next_before) == ([*range(10, 0, -1)], None)


async def test_a_time_is_found_at_once_however_far_back_it_lies(account: AccountStore) -> None:
    insert_rows(account, f"{DATE} + seq")
    insert_rows(account, f"{DATE} + seq", first=ROWS + 1)
    part = await found(account, from_date=DATE + 7, until_date=DATE + 10)
    assert [row.seq for row in part.rows] == [9, 8, 7]
    assert part.next_before is None
    assert await numbers(account, until_date=DATE + 3) == [2, 1]
    assert await numbers(account, from_date=DATE + 2 * ROWS - 1) == [2 * ROWS, 2 * ROWS - 1]
    for nothing in ({"until_date": DATE}, {"from_date": DATE + 3 * ROWS}):
        assert await numbers(account, **nothing) == []
    crossed = await found(account, from_date=DATE + 100, until_date=DATE + 90)
    assert (crossed.rows, crossed.next_before) == ([], None)


@pytest.mark.parametrize("time", [100, 5_000, 9_999])
async def test_clocks_that_went_back_lose_no_row_of_a_time(
    account: AccountStore, time: int
) -> None:
    """Every hundredth row was written by a clock that is behind."""
    behind = LEDGER_MARGIN_ROWS // 2
    date_of = f"{DATE} + seq - CASE WHEN seq % 100 = 0 THEN {behind} ELSE 0 END"
    insert_rows(account, date_of, rows=12_000)
    expected = account.database.rows(
        f"SELECT seq FROM ledger WHERE date >= {DATE + time} AND date < {DATE + time + 150}"
        " ORDER BY seq DESC"
    )
    bounds = {"from_date": DATE + time, "until_date": DATE + time + 150}
    assert await numbers(account, **bounds, limit=1_000) == [seq for (seq,) in expected]


async def test_a_ledger_that_all_happened_in_one_second_is_found_by_it(
    account: AccountStore,
) -> None:
    insert_rows(account, str(DATE), rows=500)
    assert len(await numbers(account, from_date=DATE, until_date=DATE + 1, limit=600)) == 500


async def test_another_account_has_a_ledger_of_its_own(account: AccountStore, clock: Clock) -> None:
    made = await account.store.create_account("Other Ltd", "omar@other.example")
    other = await AccountStore.of(account.store, made.account_id, account.database)
    for name in ("Nora Field", "Sam Roe", "Ida Lund"):
        clock.advance(100)
        await other.created(name=name)
        clock.advance(40)
        await account.created(name=f"{name} the second")
    for one in (account, other):
        part = await found(one)
        ids = [lead.id for lead in await one.leads()]
        assert [row.resource_id for row in part.rows] == ids[::-1]
        assert [lead.id for lead in part.leads] == ids
        assert part.looked_back_to == part.rows[-1].date
        date = part.rows[1].date
        assert await numbers(one, from_date=date, until_date=date + 1) == [2]
        read = await account.store.ledger_row(one.account_id, 2)
        assert [lead.id for lead in read.leads] == [ids[1]]


async def test_an_account_that_is_not_there_has_no_ledger(account: AccountStore) -> None:
    await account.created()
    with pytest.raises(ResourceNotFound):
        await account.store.search_ledger(999, LedgerSearch())
    with pytest.raises(ResourceNotFound):
        await account.store.ledger_row(999, 1)


async def test_a_row_is_read_with_its_payload_and_the_leads_that_are_still_there(
    account: AccountStore,
) -> None:
    first, second, third = [await account.created() for _ in range(3)]
    write = with_delivery(upsert("name", "Nora Field", title="Buyer"), payload='{"a": [1,  2]}')
    await account.results(write, delete(second.id))
    read = await account.store.ledger_row(account.account_id, 4)
    assert read.row.payload == '{"a": [1,  2]}'
    assert read.row.match is not None
    assert read.row.match["ids"] == [first.id, second.id, third.id]
    assert read.leads == [first, third]
    assert read.settings == await account.settings()


@pytest.mark.parametrize(
    ("seq", "leads"),
    [(1, 1), (2, 0), (3, 0), (4, 0)],
    ids=["a created lead", "a settings change", "refused unread", "no such lead"],
)
async def test_a_row_names_only_leads(account: AccountStore, seq: int, leads: int) -> None:
    await account.created()
    await account.change(DEFINITION, Action.CREATE, {"name": "Tier", "data_type": "String"})
    await account.results(upsert("colour", "red"), update(1, title="Buyer"))
    read = await account.store.ledger_row(account.account_id, seq)
    assert len(read.leads) == leads


@pytest.mark.parametrize("seq", [0, 2, 2**53])
async def test_a_row_that_is_not_there_is_not_found(account: AccountStore, seq: int) -> None:
    await account.created()
    with pytest.raises(ResourceNotFound):
        await account.store.ledger_row(account.account_id, seq)


@pytest.mark.parametrize("payload", ["", "not JSON", "[1", "\u2028 'x' %"])
async def test_a_payload_of_any_text_is_returned_as_it_is(
    account: AccountStore, payload: str
) -> None:
    await account.result(with_delivery(create(name="Nora Field"), payload=payload))
    read = await account.store.ledger_row(account.account_id, 1)
    assert read.row.payload == payload
