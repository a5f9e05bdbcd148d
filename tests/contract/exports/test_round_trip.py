"""An export reads back whole: on each engine and across them, the same bytes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.domain.act_writes import dismiss, keyed, merge, rule, separate, undo
from tests.support.domain.lead_writes import delete, upsert
from tests.support.domain.random_writes import RandomWrites
from tests.support.files.raw_bytes import RawBytes
from tests.support.process.clock import Clock
from tests.support.storage.account_store import DEFINITION, AccountStore
from tests.support.storage.audit_rows import audit_of
from tests.support.storage.databases import ENGINES, Database
from tests.support.storage.old_process import mark_upgraded, wrong_rows

from onelead import app
from onelead.commands.check import Report, check_accounts
from onelead.commands.export import copied
from onelead.configuration import Configuration
from onelead.contract.erasures import ErasureBy, ErasureRequest
from onelead.contract.exports import Loaded
from onelead.contract.imports import NewImport
from onelead.contract.store import Store
from onelead.domain.audit import COMMAND_LINE, AuditEvent
from onelead.domain.errors import NotPossible, ResourceNotFound
from onelead.domain.writes import Action
from onelead.files.exports.account_file import export_pieces, read_export
from onelead.storage.access.accounts import key_hash

NORA = "nora@field.example"
NOW = 1_800_000_000


def exported(store: Store, account_id: int = 1) -> bytes:
    with store.snapshot(lambda _text: None) as snapshot:
        return b"".join(export_pieces(snapshot, account_id))


def ignore(_count: int) -> None:
    """Take a number of lines."""


class Target:
    """A database to load into, with an account that is empty."""

    def __init__(self, database: Database) -> None:
        self.configuration = Configuration(database=address_of(database))

    def load(self, file: bytes) -> Loaded:
        account = read_export(RawBytes(file), ignore)
        return app.upkeep(self.configuration).load_account(account, NOW)


@pytest.fixture(params=list(ENGINES))
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Target]:
    """An empty database of each engine in turn."""
    (folder := tmp_path / "target").mkdir()
    database = ENGINES[request.param](folder)
    yield Target(database)
    database.close()


async def loaded(target: Target, file: bytes) -> Loaded:
    return await asyncio.to_thread(target.load, file)


async def folded(store: Store, account_id: int = 1) -> None:
    while await store.fold_ledger(account_id):
        pass


async def filled(account: AccountStore, clock: Clock) -> None:
    """Write some of everything that an account can have."""
    field = await account.field()
    await account.field(name="Kind", data_type="Dropdown")
    gone_field = await account.field(name="Gone")
    nora = await account.created(
        email=NORA, tags=["Fair"], phone_numbers=["0171 5550100"], custom_fields={field.id: "A-7"}
    )
    other = await account.created(name="Nora Feld", custom_fields={gone_field.id: "x"})
    omar, olga = await account.created(name="Omar Gone"), await account.created(name="Olga Gone")
    receipt = await account.write(
        keyed(upsert("email", NORA, title="Buyer"), "key 1"),
        merge(nora.id, other.id),
        delete(olga.id),
        upsert("email", "two@field.example, three@field.example"),
        separate(nora.id, omar.id),
        rule(nora.id, "name", "Nora F."),
    )
    await account.result(undo(receipt.seqs[2]))
    await account.result(dismiss(receipt.seqs[3]))
    await account.change(DEFINITION, Action.DELETE, of=gone_field.id)
    writes = RandomWrites(random.Random(7), (await account.settings()).fields)
    for _ in range(4):
        for result in await account.results(*[writes.next_write() for _ in range(8)]):
            writes.learn(result)
        clock.now += 1_800
    await folded(account.store)
    by = ErasureBy(request_id="r", user_id=None, api_key_id=None, reason="asked")
    await account.store.begin_erasure(account.account_id, ErasureRequest(lead_id=omar.id), by)
    while await account.store.erase_step(account.account_id):
        await folded(account.store)
    await account.indexed()
    await folded(account.store)


async def findings(store: Store) -> list[str]:
    report = Report()
    await check_accounts(store, None, report, lambda _text: None)
    return [finding.line for finding in report.findings]


async def test_a_loaded_export_gives_the_same_bytes(
    account: AccountStore, clock: Clock, target: Target
) -> None:
    await filled(account, clock)
    file = exported(account.store)
    assert exported(account.store) == file
    done = await loaded(target, file)
    assert done == Loaded(1, "Shop Ltd", len(await account.leads()), len(account.ledger("seq")))
    async with app.open_store(target.configuration, serving=False) as store:
        assert exported(store) == file
        assert await wrong_rows(store) == []
        assert await findings(store) == []
        await folded(store)
        assert await findings(store) == []
        settings = await account.settings()
        assert replace(await store.settings(1), version=settings.version) == settings
        assert (await store.caller("unknown")) is None


async def test_an_export_is_one_point_in_time(account: AccountStore) -> None:
    await account.created()
    before = exported(account.store)
    with account.store.snapshot(lambda _text: None) as snapshot:
        pieces = export_pieces(snapshot, 1)
        await account.created(name="Later Lee")
        assert b"".join(pieces) == before
    assert exported(account.store) != before


async def test_keys_of_older_rules_and_an_unfinished_index_become_todays(
    account: AccountStore, target: Target
) -> None:
    field = await account.field(is_filterable=False)
    await account.created(custom_fields={field.id: "A-7"}, name="İpek  Öz")
    await account.changed_field(field, is_filterable=True)
    account.database.execute("UPDATE ledger SET key_rules = NULL, payload = '{ }\n'")
    account.database.execute("DELETE FROM match_key")
    mark_upgraded(account)
    file = exported(account.store)
    await loaded(target, file)
    async with app.open_store(target.configuration, serving=False) as store:
        assert exported(store) == file
        assert await wrong_rows(store) == []
        while await store.build_index(1):
            pass
        assert await wrong_rows(store) == []
        assert not (await store.settings(1)).may_have_old_keys


async def test_only_an_empty_account_makes_room(account: AccountStore, target: Target) -> None:
    await account.created()
    file = exported(account.store)
    async with app.open_store(target.configuration, serving=False) as store:
        (empty,) = await store.api_keys(1)
        version = (await store.settings(1)).version
    await loaded(target, file)
    async with app.open_store(target.configuration, serving=False) as store:
        assert exported(store) == file
        # Those who know the settings of before have to read them again.
        assert (await store.settings(1)).version > version
        assert [key.id for key in await store.api_keys(1)] == [empty.id]
        (entry,) = await audit_of(store, 1)
        assert entry.event is AuditEvent.ACCOUNT_LOADED
    with pytest.raises(NotPossible, match="has an account 1 that is not empty"):
        await loaded(target, file)
    async with app.open_store(target.configuration, serving=False) as store:
        assert exported(store) == file
        with pytest.raises(ResourceNotFound):
            exported(store, 2)


async def test_a_second_account_keeps_its_ids(store: Store, target: Target) -> None:
    await store.create_account("Other Ltd", "omar@other.example")
    file = exported(store, 2)
    assert (await loaded(target, file)).account_id == 2
    async with app.open_store(target.configuration, serving=False) as other:
        assert await other.account_ids() == [1, 2]
        assert exported(other, 2) == file


async def test_a_key_that_was_loaded_is_a_name_and_nothing_else(
    account: AccountStore, target: Target
) -> None:
    file = exported(account.store)
    secret = account.database.account.api_key
    assert b"first key" in file
    assert key_hash(secret).encode() not in file
    await loaded(target, file)
    async with app.open_store(target.configuration, serving=False) as store:
        assert [key.label for key in await store.api_keys(1)] == ["first key"]
        assert await store.caller(key_hash(secret)) is None


async def test_a_source_of_imports_is_found_again(account: AccountStore, target: Target) -> None:
    source = await account.store.import_source(1, "Fair 2026", by=COMMAND_LINE)
    batch = NewImport(batch_id="b", name="fair.csv", choices="{}", user_id=None)
    await account.store.begin_import(1, batch)
    file = exported(account.store)
    await loaded(target, file)
    async with app.open_store(target.configuration, serving=False) as store:
        assert exported(store) == file
        assert (await store.import_source(1, "Fair 2026", by=COMMAND_LINE)).id == source.id
        assert (await store.file_import(1, 1)).name == "fair.csv"


async def test_a_copy_is_the_same_with_keys_and_passwords(
    account: AccountStore, clock: Clock, target: Target
) -> None:
    await filled(account, clock)
    source = Configuration(database=address_of(account.database))
    await account.store.close()
    await asyncio.to_thread(run_copy, source, target.configuration)
    async with app.open_store(target.configuration, serving=False) as store:
        caller = await store.caller(key_hash(account.database.account.api_key))
        assert caller is not None
        assert caller.account_id == 1
        assert await findings(store) == []
        with (
            pytest.raises(NotPossible, match="the other database has an account 1"),
        ):
            await asyncio.to_thread(run_copy, source, target.configuration)


def address_of(database: Database) -> str:
    return database.address.replace("sqlite:", "sqlite:///", 1)


def run_copy(source: Configuration, target: Configuration) -> None:
    app.on_store(source, lambda store: copied(store, target, ignore_text))


def ignore_text(_text: str) -> None:
    """Take what is under way."""
