"""A clock that jumps, also backwards: order, versions and cursors hold."""

from __future__ import annotations

import pytest
from tests.support.domain.lead_writes import create, delete, update, upsert
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore

from onelead.contract.store import Store
from onelead.domain.lead import Lead
from onelead.domain.search import LeadSearch

DAY = 86_400
JUMPS = (DAY, -2 * DAY, 1, -400 * DAY, 3 * DAY)


async def test_a_lead_is_never_modified_before_it_was(account: AccountStore, clock: Clock) -> None:
    lead = await account.created(name="Nora Field", email="nora@field.example")
    for number, jump in enumerate(JUMPS):
        clock.advance(jump)
        before = lead
        result = await account.result(
            upsert("email", "nora@field.example", title=f"Buyer {number}")
        )
        assert result.lead is not None
        lead = result.lead
        assert lead.version == before.version + 1
        assert lead.date_modified == max(before.date_modified, clock.now)
        assert lead.date_created == before.date_created
    assert await account.unexplained() == []


async def test_the_ledger_and_a_history_stay_in_the_order_of_the_writes(
    account: AccountStore, clock: Clock
) -> None:
    lead = await account.created()
    for jump in JUMPS:
        clock.advance(jump)
        await account.write(update(lead.id, title=f"Buyer at {clock.now}"))
        await account.created(name=f"Sam Roe {clock.now}")
    await account.write(delete(lead.id))
    seqs = [seq for (seq,) in account.ledger("seq")]
    assert seqs == list(range(1, len(seqs) + 1))
    history = await account.history(lead.id)
    assert [row.seq for row in history] == sorted((row.seq for row in history), reverse=True)
    assert [row.version for row in reversed(history)][:-1] == list(range(1, len(JUMPS) + 2))
    assert [row.date for row in history] != sorted((row.date for row in history), reverse=True)
    assert await account.unexplained() == []


@pytest.mark.parametrize("sort_by", ["date_created", "date_modified", "name"])
async def test_a_walk_through_the_pages_loses_no_lead(
    account: AccountStore, clock: Clock, sort_by: str
) -> None:
    """The clock jumps between the pages, and leads are made and changed there."""
    leads = []
    for number in range(12):
        clock.advance(JUMPS[number % len(JUMPS)])
        leads.append(await account.created(name=f"Nora Field {number:02}"))
    walked: list[Lead] = []
    cursor = None
    while True:
        search = LeadSearch(limit=3, sort_by=sort_by, cursor=cursor)
        page = await account.store.search_leads(account.account_id, search, now=clock.now)
        walked += page.leads
        if (cursor := page.next_cursor) is None:
            break
        clock.advance(-DAY)
        await account.write(create(name="Zoe Lane"))
    ids = [lead.id for lead in walked]
    assert len(ids) == len(set(ids))
    assert {lead.id for lead in leads} <= set(ids)
    keys = [(getattr(lead, sort_by), lead.id) for lead in walked if lead in leads]
    assert [key for key, _ in keys] == sorted(key for key, _ in keys)


async def test_ids_and_settings_versions_go_on_from_where_they_were(
    account: AccountStore, elsewhere: AccountStore, clock: Clock, store: Store
) -> None:
    first = await account.created()
    version = (await account.settings()).version
    clock.advance(-400 * DAY)
    await elsewhere.field()
    second = await elsewhere.created()
    assert second.id > first.id
    assert (await account.settings()).version == version + 1
    assert await account.unexplained() == []
