"""The rows of a batch, and the leads that it was about, are found however old the batch is."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from tests.support.domain.lead_writes import create, update, upsert
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore

from onelead.contract.ledger import LedgerSearch
from onelead.domain.search import LeadSearch
from onelead.domain.writes import LeadWrite, Outcome
from onelead.storage.leads import lists
from onelead.storage.ledger import search as ledger_search


def of_batch(write: LeadWrite, batch_id: str) -> LeadWrite:
    delivery = msgspec.structs.replace(write.delivery, batch_id=batch_id)
    return msgspec.structs.replace(write, delivery=delivery)


async def fill(account: AccountStore) -> None:
    """Deliver Nora and Sam in the batch a, Pat in the batch b, and others in none."""
    nora = upsert("email", "nora@field.example", name="Nora")
    await account.write(
        *(of_batch(nora, "a"), create(name="Rue"), of_batch(create(name="Sam"), "a")),
        *(of_batch(create(name="Pat"), "b"), of_batch(create(), "a"), nora),
        *(of_batch(upsert("email", "nora@field.example", title="Owner"), "a"), update(1, name="")),
    )


async def seqs(
    account: AccountStore, before: int | None = None, *outcomes: Outcome
) -> Sequence[int]:
    search = LedgerSearch(batch_id="a", before=before, outcomes=frozenset(outcomes))
    found = await account.store.search_ledger(account.account_id, search)
    return [row.seq for row in found.rows]


async def test_the_rows_of_a_batch_are_found(account: AccountStore) -> None:
    await fill(account)
    assert await seqs(account) == [7, 5, 3, 1]
    assert await seqs(account, before=5) == [3, 1]
    assert await seqs(account, None, Outcome.REFUSED) == [5]


async def test_a_search_of_a_batch_examines_so_many_of_its_rows(
    account: AccountStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(account)
    monkeypatch.setattr(ledger_search, "LEDGER_EXAMINED_MAX", 2)
    found = await account.store.search_ledger(account.account_id, LedgerSearch(batch_id="a"))
    assert [row.seq for row in found.rows] == [7, 5]
    assert await seqs(account, found.next_before) == [3, 1]


#: Of the leads of a list, so many are examined: an index finds them, or each is looked at.
@pytest.mark.parametrize("bound", [2, 3, 100])
async def test_the_leads_of_a_batch_are_found(
    account: AccountStore, clock: Clock, bound: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(account)
    search = LeadSearch(batch_id="a", limit=10)
    page = await account.store.search_leads(account.account_id, search, now=clock())
    assert [lead.name for lead in page.leads] == ["Nora", "Sam"]
    assert page.total == 2
    defaults = lists.list_leads.__kwdefaults__
    assert defaults
    monkeypatch.setitem(defaults, "bound", bound)
    found, cursor = [], None
    for _ in range(5):
        search = msgspec.structs.replace(search, cursor=cursor)
        listed = await account.store.list_leads(account.account_id, search, now=clock())
        found += [lead.name for lead in listed.leads]
        if (cursor := listed.next_cursor) is None:
            break
    assert found == ["Nora", "Sam"]
