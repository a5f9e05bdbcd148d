"""The ledger: one row per write, even a refused one, gap-free and in the order of the commits."""

from __future__ import annotations

import json

import msgspec
from tests.support.domain.lead_writes import create, delete, update, upsert
from tests.support.process.clock import Clock
from tests.support.storage.account_store import DEFINITION, AccountStore

from onelead.domain.settings.change import Resource
from onelead.domain.writes import Action, LeadWrite


async def test_every_write_leaves_one_row_in_order(account: AccountStore) -> None:
    lead = await account.created()
    receipt = await account.write(
        update(lead.id, title="Buyer"),
        update(lead.id, title="Buyer"),
        update(1, title="Buyer"),
        upsert("name", "Nora Field", title="Owner"),
        delete(lead.id),
    )
    assert receipt.first_seq == 2
    assert account.ledger("seq, resource, resource_id, action, outcome, version") == [
        (1, "lead", lead.id, "create", "created", 1),
        (2, "lead", lead.id, "update", "updated", 2),
        (3, "lead", lead.id, "update", "unchanged", 2),
        (4, "lead", 1, "update", "refused", None),
        (5, "lead", lead.id, "upsert", "updated", 3),
        (6, "lead", lead.id, "delete", "deleted", 3),
    ]


async def test_settings_changes_are_numbered_with_the_lead_writes(account: AccountStore) -> None:
    await account.created()
    field = await account.field()
    await account.change(Resource.LEAD_STATUS, Action.CREATE, {"name": " "})
    await account.change(DEFINITION, Action.UPDATE, {"name": field.name}, field.id)
    await account.change(DEFINITION, Action.DELETE, of=field.id)
    await account.created()
    assert account.ledger("seq, resource, action, outcome") == [
        (1, "lead", "create", "created"),
        (2, "custom_field_definition", "create", "created"),
        (3, "lead_status", "create", "refused"),
        (4, "custom_field_definition", "update", "unchanged"),
        (5, "custom_field_definition", "delete", "deleted"),
        (6, "lead", "create", "created"),
    ]


async def test_a_row_says_when_by_whom_and_what_was_delivered(
    account: AccountStore, clock: Clock
) -> None:
    clock.advance(60)
    write = create(name="Nora Field")
    await account.result(write)
    delivery = write.delivery
    assert account.ledger("date, request_id, user_id, api_key_id, payload") == [
        (
            clock.now,
            delivery.request_id,
            delivery.user_id,
            delivery.api_key_id,
            delivery.payload,
        )
    ]


async def test_a_row_says_what_matched_and_what_changed(account: AccountStore) -> None:
    lead = await account.created(title="Buyer", email="nora@field.example")
    await account.result(upsert("email", "Nora@Field.example", title="Owner", tags=["fair"]))
    (row, _created) = await account.history(lead.id)
    assert row.match == {
        "field_name": "email",
        "value": "nora@field.example",
        "matches": 1,
        "ids": [lead.id],
        "by": None,
        "definition_id": None,
    }
    assert row.changes == {"tags": [[], ["fair"]], "title": ["Buyer", "Owner"]}


async def test_a_row_of_a_refused_write_says_why_and_keeps_the_delivery(
    account: AccountStore,
) -> None:
    await account.results(create(name="Nora Field"), create(name="Nora Field"))
    write = upsert("name", "Nora Field", title="Buyer")
    result = await account.result(write)
    assert result.refusal is not None
    *_, (outcome, message, resource_id, payload) = account.ledger(
        "outcome, message, resource_id, payload"
    )
    assert (outcome, message, resource_id) == ("refused", result.refusal.message, None)
    kept = msgspec.json.decode(payload, type=LeadWrite)
    assert (kept.action, kept.match, kept.patch) == (write.action, write.match, write.patch)


async def test_a_row_of_a_settings_change_says_what_changed(account: AccountStore) -> None:
    field = await account.field(name="Customer number")
    await account.changed_field(field, name="Account number")
    *_, (resource_id, changes) = account.ledger("resource_id, changes")
    assert resource_id == field.id
    assert json.loads(changes) == {"name": ["Customer number", "Account number"]}


async def test_the_numbers_of_two_accounts_are_their_own(account: AccountStore) -> None:
    other = await account.store.create_account("Other Ltd", "omar@other.example")
    stranger = await AccountStore.of(account.store, other.account_id, account.database)
    await account.created()
    assert (await stranger.write(create(name="Sam Roe"))).first_seq == 1
    assert (await account.write(create(name="Pat Lake"))).first_seq == 2
