"""A rehearsal says what a run then does, whatever is stored, and writes nothing."""

from __future__ import annotations

import hashlib
import random
from contextlib import closing
from typing import Any

import pytest
from msgspec import structs
from tests.support.domain.lead_writes import create, upsert, upsert_custom
from tests.support.storage.account_store import AccountStore

from onelead.domain.limits import MATCH_IDS_MAX
from onelead.domain.writes import IdempotencyKey, LeadWrite, Outcome, WriteResult
from onelead.files.imports.rehearsal import Rehearsal

CHUNK = 7


def keyed(write: LeadWrite, key: str) -> LeadWrite:
    digest = hashlib.sha256(key.encode()).hexdigest()
    idempotency = IdempotencyKey(digest, digest, is_answered=False)
    return structs.replace(
        write, delivery=structs.replace(write.delivery, idempotency=idempotency, batch_id="b")
    )


def told(result: WriteResult) -> tuple[Any, ...]:
    """Return what is shown of a result."""
    message = result.refusal.message if result.refusal else None
    # Of a write that is remembered without its lead, only a repeat in the same batch knows it.
    lead_id = result.lead.id if result.lead and result.replayed_seq is None else None
    shown = (result.outcome, lead_id, result.match, message, result.ignored, result.shares)
    return (*shown, result.changes, result.replayed_seq)


class Draw:
    """Draws writes whose values are often the same."""

    def __init__(self, seed: int, field_id: int) -> None:
        self._random = random.Random(seed)
        self._field_id = field_id

    def write(self) -> LeadWrite:
        one = self._random.choice
        email, name = f"{one('abcdef')}@field.example", f"Nora {one('ABCD')}"
        number = f"K-{one('12345')}"
        properties: dict[str, Any] = {"title": one(["Buyer", "Head", ""])}
        if one([True, False]):
            properties["email"] = {"email": f"{one('abcdef')}@field.example", "category": "work"}
        if one([True, False, False]):
            properties["custom_fields"] = {self._field_id: number}
        kind = one(["email", "name", "custom", "create"])
        if kind == "create":
            write = create(name=name, **properties)
        elif kind == "custom":
            write = upsert_custom(self._field_id, number, name=name, **properties)
        else:
            write = upsert(kind, email if kind == "email" else name, **properties)
        return keyed(write, one([email, name]) + number) if one([True, False]) else write


async def rehearsed(account: AccountStore, writes: list[LeadWrite]) -> list[tuple[Any, ...]]:
    with closing(Rehearsal(account.store, account.account_id)) as rehearsal:
        results = []
        for at in range(0, len(writes), CHUNK):
            results += await rehearsal.plan(writes[at : at + CHUNK])
    return [told(result) for result in results]


@pytest.mark.parametrize("seed", range(3))
async def test_it_says_what_the_run_then_does(account: AccountStore, seed: int) -> None:
    field = await account.field()
    await account.indexed()
    draw = Draw(seed, field.id)
    await account.write(*[draw.write() for _ in range(25)])
    writes = [draw.write() for _ in range(60)]
    before = account.ledger("seq")
    said = await rehearsed(account, writes)
    assert account.ledger("seq") == before
    done = []
    for at in range(0, len(writes), 11):
        done += [told(result) for result in await account.results(*writes[at : at + 11])]
    assert said == done
    assert len({one[0] for one in done}) > 2


async def test_it_says_so_for_more_leads_with_a_value_than_can_be_named(
    account: AccountStore,
) -> None:
    await account.write(*[create(name="Nora Field") for _ in range(MATCH_IDS_MAX + 5)])
    writes = [upsert("name", "Nora Field", title="Buyer"), create(name="Nora Field")]
    said = await rehearsed(account, [*writes, writes[0]])
    assert said == [told(one) for one in await account.results(*writes, writes[0])]
    assert said[0][0] == Outcome.REFUSED


async def test_a_lead_that_came_meanwhile_is_none_of_it(account: AccountStore) -> None:
    with closing(Rehearsal(account.store, account.account_id)) as rehearsal:
        (first,) = await rehearsal.plan([create(name="Nora Field")])
        real = await account.created(name="Sam Roe", email={"email": "sam@roe.example"})
        assert first.lead is not None
        assert first.lead.id == real.id
        (result,) = await rehearsal.plan([upsert("email", "sam@roe.example", name="Sam")])
    assert result.outcome == Outcome.CREATED
