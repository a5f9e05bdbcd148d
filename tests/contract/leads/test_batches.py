"""A batch is folded in order of arrival, and no write in it harms another."""

from __future__ import annotations

import random

import pytest
from tests.support.domain.lead_writes import create, delete, update, upsert, upsert_custom
from tests.support.domain.random_writes import RandomWrites
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore
from tests.support.tiers import slow_after

from onelead.domain.errors import InputInvalid, MatchAmbiguous, ResourceNotFound
from onelead.domain.limits import MATCH_IDS_MAX
from onelead.domain.writes import LeadWrite, Outcome, WriteResult


def outcomes(results: list[WriteResult]) -> list[Outcome]:
    return [result.outcome for result in results]


def lead_ids(results: list[WriteResult]) -> list[int | None]:
    return [result.lead.id if result.lead else None for result in results]


async def test_an_empty_batch_changes_nothing(account: AccountStore) -> None:
    receipt = await account.write()
    assert receipt.results == []
    assert account.ledger("seq") == []


async def test_upserts_of_one_person_become_one_lead(account: AccountStore) -> None:
    results = await account.results(
        upsert("email", "n@field.example", name="Nora Field"),
        upsert("email", "N@field.example", title="Buyer"),
        upsert("name", "Nora Field", title="Buyer"),
        upsert("name", "NORA FIELD", title="Head buyer"),
    )
    (lead,) = await account.leads()
    assert outcomes(results) == [
        Outcome.CREATED,
        Outcome.UPDATED,
        Outcome.UNCHANGED,
        Outcome.UPDATED,
    ]
    assert lead_ids(results) == [lead.id] * 4
    assert [result.lead.version for result in results if result.lead] == [1, 2, 2, 3]
    assert (lead, lead.title) == (results[-1].lead, "Head buyer")


async def test_each_write_sees_the_ones_before_it(account: AccountStore) -> None:
    lead = await account.created(email="n@field.example")
    results = await account.results(
        update(lead.id, email="other@field.example"),
        upsert("email", "n@field.example", name="Sam Roe"),
        delete(lead.id),
        update(lead.id, title="Buyer"),
        upsert("email", "other@field.example", name="Pat Lake"),
    )
    assert outcomes(results) == [
        Outcome.UPDATED,
        Outcome.CREATED,
        Outcome.DELETED,
        Outcome.REFUSED,
        Outcome.CREATED,
    ]
    assert [lead.name for lead in await account.leads()] == ["Sam Roe", "Pat Lake"]


async def test_a_lead_created_and_deleted_in_one_batch_leaves_nothing_but_its_rows(
    account: AccountStore,
) -> None:
    next_id = (await account.created()).id + 1
    results = await account.results(
        create(name="Sam Roe", tags=["fair"]), update(next_id, title="Buyer"), delete(next_id)
    )
    assert outcomes(results) == [Outcome.CREATED, Outcome.UPDATED, Outcome.DELETED]
    assert account.keys("tag") == []
    assert [row.action for row in await account.history(next_id)] == ["delete", "update", "create"]


async def test_a_match_counts_what_the_batch_has_moved_into_it(account: AccountStore) -> None:
    stored_one, moved = await account.created(email="n@field.example"), await account.created()
    results = await account.results(
        update(moved.id, email="n@field.example"),
        upsert("email", "n@field.example", title="Buyer"),
        update(stored_one.id, email=None),
        upsert("email", "n@field.example", title="Buyer"),
    )
    assert isinstance(results[1].refusal, MatchAmbiguous)
    assert results[1].refusal.ids == (stored_one.id, moved.id)
    assert (results[3].outcome, lead_ids(results)[3]) == (Outcome.UPDATED, moved.id)


@pytest.mark.parametrize("left", [0, 1, 2, MATCH_IDS_MAX, MATCH_IDS_MAX + 1])
async def test_a_match_counts_what_the_batch_has_taken_out_of_it(
    account: AccountStore, left: int
) -> None:
    people = await account.results(*[create(name="Nora Field")] * 70)
    ids = [one for one in lead_ids(people) if one is not None]
    removed = len(ids) - left
    leave: list[LeadWrite] = [
        delete(one) if number % 2 else update(one, name="Sam Roe")
        for number, one in enumerate(ids[:removed])
    ]
    *_, result = await account.results(*leave, upsert("name", "Nora Field", title="Buyer"))
    assert result.match is not None
    assert result.match.matches == left
    assert result.match.ids == (tuple(ids[removed:]) if left <= MATCH_IDS_MAX else ())


async def test_one_bad_write_never_harms_its_neighbours(account: AccountStore) -> None:
    field = await account.field(data_type="Float")
    results = await account.results(
        create(name="Nora Field"),
        create(email="nameless@field.example"),
        update(1, title="Buyer"),
        upsert_custom(field.id, "many", name="Sam Roe"),
        upsert("email", "s@roe.example", name="Sam Roe"),
    )
    refusals = [type(result.refusal) for result in results]
    assert refusals == [type(None), InputInvalid, ResourceNotFound, InputInvalid, type(None)]
    assert [lead.name for lead in await account.leads()] == ["Nora Field", "Sam Roe"]
    assert account.ledger("seq, outcome") == [
        (1, "created"),  # the definition
        (2, "created"),
        (3, "refused"),
        (4, "refused"),
        (5, "refused"),
        (6, "created"),
    ]


async def test_a_receipt_has_the_results_in_order_and_the_first_ledger_number(
    account: AccountStore,
) -> None:
    first = await account.write(create(name="Nora Field"), create(name="Sam Roe"))
    second = await account.write(create(name="Pat Lake"))
    assert (first.first_seq, second.first_seq) == (1, 3)
    assert [result.lead.name for result in first.results if result.lead] == [
        "Nora Field",
        "Sam Roe",
    ]
    assert first.settings == await account.settings()


@pytest.mark.parametrize("seed", slow_after(4, range(12)))
async def test_batches_of_any_size_do_what_their_writes_do_one_after_another(
    account: AccountStore, clock: Clock, seed: int
) -> None:
    """Random writes of few people, in random batches; the ledger is replayed one by one."""
    chance = random.Random(seed)
    fields = [await account.field(), await account.field(data_type="MultiSelect")]
    writes = RandomWrites(chance, fields)
    for _ in range(25):
        batch = [writes.next_write() for _ in range(chance.choice([1, 2, 5, 20, 60]))]
        for result in await account.results(*batch):
            writes.learn(result)
        clock.advance(chance.choice([0, 1]))
    assert await account.unexplained() == [], f"seed {seed}"
    acts = {Outcome.MERGED, Outcome.RESTORED, Outcome.DECIDED}
    assert {outcome for (outcome,) in account.ledger("outcome")} == set(Outcome) - acts
