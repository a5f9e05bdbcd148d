"""Who sent a setting, what leads did not take or share, and leads with many names in an hour."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.support.domain.lead_writes import create, update
from tests.support.process.clock import Clock
from tests.support.storage.account_store import DEFINITION, AccountStore

from onelead.contract.figures import ManyNames, ValueFigure
from onelead.domain.figures import DAY_S, HOUR_S, Grouping, value_of_caller
from onelead.domain.limits import (
    FIGURE_PAYLOAD_CHARS_MAX,
    NAME_FIGURES_KEPT_S,
    SENT_FIGURES_KEPT_S,
)
from onelead.domain.settings.change import Resource
from onelead.domain.writes import Action, LeadWrite
from onelead.storage.figures import fold

TODAY = 20_000 * DAY_S


@pytest.fixture
def clock() -> Clock:
    return Clock(TODAY)


def sent(body: dict[str, Any], api_key_id: int | None = 51, *, pad: int = 0) -> LeadWrite:
    write = create(name="Nora Field")
    payload = msgspec.json.encode(body).decode() + " " * pad
    delivery = msgspec.structs.replace(write.delivery, payload=payload, api_key_id=api_key_id)
    return msgspec.structs.replace(write, delivery=delivery)


async def folded(account: AccountStore) -> None:
    while await account.store.fold_ledger(account.account_id):
        pass


async def counted(
    account: AccountStore, grouping: Grouping, start: str = "", since: int = 0
) -> dict[str, int]:
    found = await account.store.deliveries_by_start(
        account.account_id, grouping, start, since, 2**40
    )
    return {value: deliveries for value, deliveries, _last in found}


async def test_who_sent_a_setting_is_found_even_if_nothing_changed(
    account: AccountStore, clock: Clock
) -> None:
    settings = await account.settings()
    tier = await account.field(data_type="Dropdown")
    entry = {"custom_field_definition_id": tier.id, "value": "Gold"}
    status, source = settings.statuses[1], settings.sources[0]
    first = {"properties": {"custom_fields": [entry], "status": status.name.upper()}}
    await account.results(sent(first), sent(first), sent({"status_id": status.id}, None))
    clock.advance(DAY_S)
    await account.result(sent({"customer_source_id": source.id, "custom_fields": [entry]}, 52))
    await folded(account)
    gold = tier.options[1]
    found = await account.store.deliveries_by_start(
        account.account_id, Grouping.SENT, value_of_caller(tier.id, ""), 0, 2**40
    )
    assert sorted(found) == [
        ValueFigure(f"{tier.id} key-51", 2, TODAY),
        ValueFigure(f"{tier.id} key-52", 1, TODAY + DAY_S),
    ]
    assert (await counted(account, Grouping.SENT, f"{gold.id} ")).keys() == {
        *(f"{gold.id} key-51", f"{gold.id} key-52"),
    }
    assert await counted(account, Grouping.SENT, f"{status.id} ") == {
        f"{status.id} key-51": 2,
        f"{status.id} user-901": 1,
    }
    assert await counted(account, Grouping.SENT, f"{source.id} ") == {f"{source.id} key-52": 1}
    assert await counted(account, Grouping.SENT, f"{tier.id} ", TODAY + 1) == {
        f"{tier.id} key-52": 1
    }


async def test_what_is_sent_after_it_was_deleted_is_told_apart(
    account: AccountStore, clock: Clock
) -> None:
    field = await account.field()
    source = (await account.settings()).sources[0]
    body = {
        "customer_source_id": source.id,
        "custom_fields": [{"custom_field_definition_id": field.id, "value": "A"}],
    }
    await account.result(sent(body))
    clock.advance(60)
    await account.change(DEFINITION, Action.DELETE, of=field.id)
    await account.change(Resource.CUSTOMER_SOURCE, Action.DELETE, of=source.id)
    await account.results(sent(body), sent(body, 52))
    await folded(account)
    assert await counted(account, Grouping.SENT) == {
        f"{field.id} key-51": 1,
        f"{source.id} key-51": 1,
    }
    assert await counted(account, Grouping.GONE) == {
        f"{id_} key-{key_id}": 1 for id_ in (field.id, source.id) for key_id in (51, 52)
    }


async def test_a_long_payload_is_not_looked_through(account: AccountStore) -> None:
    status = (await account.settings()).statuses[0]
    body = {"status_id": status.id, "details": "\U0001f600" * 9}
    chars = len(msgspec.json.encode(body).decode())
    await account.result(sent(body, 51, pad=FIGURE_PAYLOAD_CHARS_MAX - chars))
    await account.result(sent(body, 52, pad=FIGURE_PAYLOAD_CHARS_MAX - chars + 1))
    await account.result(sent(body, 53, pad=1_000_000))
    await folded(account)
    assert await counted(account, Grouping.SENT) == {f"{status.id} key-51": 1}


async def test_what_was_ignored_and_what_is_shared_is_counted(account: AccountStore) -> None:
    await account.results(*(sent({}, key_id) for key_id in (51, 51, 52)))
    where = f"account_id = {account.account_id} AND seq"
    account.database.execute(
        f"""UPDATE ledger SET ignored = '["email","name"]' WHERE {where} < 3"""
    )
    account.database.execute(f"""UPDATE ledger SET shares = '{{"email":[1]}}' WHERE {where} > 1""")
    await folded(account)
    assert await counted(account, Grouping.IGNORED) == {"email key-51": 2, "name key-51": 2}
    assert await counted(account, Grouping.IGNORED, "name ") == {"name key-51": 2}
    assert await counted(account, Grouping.SHARED) == {"email": 2}


async def test_a_lead_with_many_names_in_an_hour_is_found(
    account: AccountStore, clock: Clock
) -> None:
    lead, other = await account.created(name="Nora Field"), await account.created()
    for name in ("Sam", "SAM", "Ida", "Sam", "Olga"):
        await account.result(update(lead.id, name=name))
    await account.result(update(other.id, name="Sam"))
    clock.advance(HOUR_S)
    await account.results(update(lead.id, name="Ben"), update(lead.id, name="Cora"))
    await folded(account)
    hour, later = TODAY, TODAY + HOUR_S

    async def found(since: int, more_than: int) -> list[ManyNames]:
        many = account.store.leads_with_many_names(account.account_id, since, more_than)
        return list(await many)

    assert await found(0, 2) == [ManyNames(lead.id, hour, 3)]
    assert await found(0, 0) == [
        ManyNames(lead.id, hour, 3),
        ManyNames(lead.id, later, 2),
        ManyNames(other.id, hour, 1),
    ]
    assert await found(later, 0) == [ManyNames(lead.id, later, 2)]
    assert await account.store.leads_with_many_names(account.account_id + 1, 0, 0) == []


async def test_old_figures_are_removed_now_and_then(
    account: AccountStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deliveries by hour are kept; who sent what, and which names leads had, is not."""
    monkeypatch.setattr(fold, "FIGURE_PRUNE_ROWS", 10)
    status = (await account.settings()).statuses[0]
    lead = await account.created(name="Nora Field")
    await account.results(sent({"status_id": status.id}), update(lead.id, name="Sam"))
    await folded(account)
    for seconds, is_sent_kept, is_named_kept in (
        (NAME_FIGURES_KEPT_S, True, True),
        (DAY_S, True, False),
        (SENT_FIGURES_KEPT_S - NAME_FIGURES_KEPT_S - DAY_S, True, False),
        (DAY_S, False, False),
    ):
        clock.advance(seconds)
        await account.results(*(create(name="Ida Lund") for _ in range(10)))
        await folded(account)
        assert bool(await counted(account, Grouping.SENT)) == is_sent_kept
        many = await account.store.leads_with_many_names(account.account_id, 0, 0)
        assert bool(many) == is_named_kept
    assert sum((await counted(account, Grouping.CALLER)).values()) == 43
