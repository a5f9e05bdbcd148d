"""A server works at uploads: it reads, rehearses, writes, and removes the file."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import msgspec
import pytest
from tests.support.commands.process import DEADLINE_S
from tests.support.files.imports import people
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore

from onelead.contract.imports import FileImport, ImportChange, ImportState
from onelead.contract.store import Store
from onelead.domain.account import Role
from onelead.domain.audit import COMMAND_LINE, Channel, Requester
from onelead.domain.errors import AdminRequired, ImportNotPossible, StoreUnavailable
from onelead.domain.importing.questions import answered
from onelead.files.imports import steps
from onelead.files.imports.choices import (
    Findings,
    ImportChoices,
    choices_of,
    findings_of,
    rehearsed_row,
)
from onelead.files.imports.reports import rehearsed_refused_rows
from onelead.files.imports.work import ImportWork
from onelead.process.writer import BatchingWriter

CONTENT = b"""Email,Name,Title,Born on
nora@field.example,Nora Field,Buyer,2026-02-03
nora@field.example,Nora Field,Head,
sam@roe.example,Sam Roe,Buyer,
ida@roe.example,Ida Roe,,,beyond
"""
State = ImportState
NO_CHOICES = ImportChoices()


@pytest.fixture
async def work(account: AccountStore, clock: Clock) -> AsyncIterator[ImportWork]:
    working = ImportWork(account.store, BatchingWriter(account.store), holder="a", rest_s=60)
    yield working
    await working.stop()


class CountingStore:
    """Counts how often the imports to work at are looked for."""

    def __init__(self, store: Store, fault: Exception | None = None) -> None:
        self._store, self._fault = store, fault
        self.looks = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def accounts_importing(self) -> Sequence[int]:
        self.looks += 1
        return await self._store.accounts_importing()

    async def take_import(self, account_id: int, holder: str) -> FileImport | None:
        if self._fault is not None:
            raise self._fault
        return await self._store.take_import(account_id, holder)


@pytest.mark.parametrize("fault", [None, StoreUnavailable(retry_after_s=1)])
async def test_a_process_rests_while_it_can_do_nothing(
    account: AccountStore, fault: Exception | None
) -> None:
    """While another process is at an import, and while nothing can be written."""
    number = await uploaded(account)
    if fault is None:
        assert await account.store.hold_import(account.account_id, number, "another")
    store = CountingStore(account.store, fault)
    work = ImportWork(store, BatchingWriter(account.store), holder="a", rest_s=60)
    for _ in range(20):
        await account.store.file_import(account.account_id, number)
    await work.stop()
    assert store.looks == 1


async def uploaded(
    account: AccountStore, content: bytes = CONTENT, choices: ImportChoices = NO_CHOICES
) -> int:
    one = await steps.new_import(
        account.store, account.account_id, "leads.csv", choices, user_id=None
    )
    parts = [content[at : at + 50] for at in range(0, len(content), 50)]
    for number, part in enumerate(parts):
        await account.store.add_import_part(account.account_id, one.number, number, part)
    digest = hashlib.sha256(content).hexdigest()
    await steps.end_upload(account.store, account.account_id, one.number, digest)
    return one.number


async def until(
    account: AccountStore, work: ImportWork, number: int, is_so: Callable[[FileImport], bool]
) -> FileImport:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            work.wake()
            one = await account.store.file_import(account.account_id, number)
            if is_so(one):
                return one
            await asyncio.sleep(0.005)


async def test_an_upload_goes_from_state_to_state(account: AccountStore, work: ImportWork) -> None:
    store, id_ = account.store, account.account_id
    number = await uploaded(account)
    read = await until(account, work, number, lambda one: one.state is State.READ)
    findings = findings_of(read)
    assert findings is not None
    assert findings.header == ("Email", "Name", "Title", "Born on")
    assert [row.line for row in findings.first_rows] == [2, 3, 4, 5]
    assert read.row_count == 4
    matched = answered(findings.surveyed.mapping, "match", "email")
    await steps.change_choices(store, id_, number, ImportChoices(mapping=matched, rehearses=True))
    tried = await until(account, work, number, lambda one: one.state is State.REHEARSED)
    rehearsed = findings_of(tried)
    assert rehearsed is not None
    assert rehearsed.rehearsed is not None
    assert rehearsed.rehearsed.counts == {"created": 2, "updated": 1, "refused": 1}
    rows = await store.import_rows(id_, number, after=0, limit=9)
    assert [(row.line, row.outcome) for row in rows] == [
        *((2, "created"), (3, "updated"), (4, "created"), (5, "refused")),
    ]
    assert rehearsed_row(rows[1].content).changes["title"] == ["Buyer", "Head"]
    refused = [line async for line in rehearsed_refused_rows(store, id_, tried)]
    assert len(refused) == 2
    assert await account.leads() == []
    await steps.start(store, id_, number, COMMAND_LINE, 0)
    done = await until(account, work, number, lambda one: one.state is State.DONE)
    assert done.counts == rehearsed.rehearsed.counts
    assert await store.import_rows(id_, number, after=0, limit=9) == []
    await until(account, work, number, lambda _: True)
    await work.stop()
    while await store.clean_imports():
        pass
    assert await store.import_part(id_, number, 0) is None


class NotedStore:
    """Keeps what is noted about an import."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.noted: list[ImportChange] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def note_import(self, *given: Any, leave: bool) -> FileImport | None:
        self.noted.append(given[-1])
        return await self._store.note_import(*given, leave=leave)


async def test_how_far_a_reading_and_a_dry_run_are_is_noted(account: AccountStore) -> None:
    store, seconds = NotedStore(account.store), itertools.count()
    work = ImportWork(
        *(store, BatchingWriter(account.store)),
        holder="a",
        rest_s=60,
        monotonic=lambda: float(next(seconds)),
    )
    content = "\n".join(people(600)).encode()
    number = await uploaded(account, content, ImportChoices(rehearses=True))
    await until(account, work, number, lambda one: one.state is State.REHEARSED)
    await work.stop()
    assert [one.row_count for one in store.noted if one.row_count] == [250, 500, 600, 600, 600]
    findings = [
        msgspec.json.decode(one.findings, type=Findings) for one in store.noted if one.findings
    ]
    so_far = [one.rehearsed for one in findings if one.rehearsed]
    assert [one.rows for one in so_far] == [250, 500, 600, 600]
    assert so_far[0].counts == {"created": 250}
    assert 0 < so_far[0].seconds < so_far[1].seconds


async def test_a_file_that_cannot_be_read_fails_and_can_be_read_otherwise(
    account: AccountStore, work: ImportWork
) -> None:
    number = await uploaded(account, b"PK\x03\x04 no workbook")
    failed = await until(account, work, number, lambda one: one.state is State.FAILED)
    assert failed.message
    with pytest.raises(ImportNotPossible):
        await steps.start(account.store, account.account_id, number, COMMAND_LINE, 0)
    await steps.change_choices(account.store, account.account_id, number, ImportChoices())
    await until(account, work, number, lambda one: one.state is State.FAILED)
    await account.store.forget_import(account.account_id, number)


async def test_what_is_open_is_answered_before_anything_is_written(
    account: AccountStore, work: ImportWork
) -> None:
    field = await account.field(name="Visited", data_type="Date", is_filterable=False)
    content = b"Name,Visited\nNora Field,03/04/2026\nSam Roe,05/06/2026\n"
    number = await uploaded(account, content, ImportChoices(rehearses=True))
    read = await until(account, work, number, lambda one: one.state is State.READ)
    for step in (
        steps.rehearse(account.store, account.account_id, number),
        steps.start(account.store, account.account_id, number, COMMAND_LINE, 0),
    ):
        with pytest.raises(ImportNotPossible):
            await step
    findings = findings_of(read)
    assert findings is not None
    mapping = answered(findings.surveyed.mapping, "dates:1", "mdy")
    corrections = {"3": {"0": "Sam Rowe"}}
    choices = ImportChoices(mapping=mapping, corrections=corrections)
    await steps.change_choices(account.store, account.account_id, number, choices)
    await until(account, work, number, lambda one: one.state is State.READ)
    await steps.start(account.store, account.account_id, number, COMMAND_LINE, 0)
    done = await until(account, work, number, lambda one: one.state is State.DONE)
    assert choices_of(done).corrections == {}
    nora, sam = await account.leads()
    assert sam.name == "Sam Rowe"
    assert field.id in nora.custom_fields
    with pytest.raises(ImportNotPossible):
        await steps.change_choices(account.store, account.account_id, number, choices)


async def test_settings_are_made_on_the_way_for_admins(
    account: AccountStore, work: ImportWork
) -> None:
    content = b"Name,Shoe size\nNora Field,38\n"
    number = await uploaded(account, content)
    read = await until(account, work, number, lambda one: one.state is State.READ)
    findings = findings_of(read)
    assert findings is not None
    mapping = findings.surveyed.mapping.with_columns(target={1: "new:String:Shoe size"})
    await steps.change_choices(
        account.store, account.account_id, number, ImportChoices(mapping=mapping)
    )
    await until(account, work, number, lambda one: one.state is State.READ)
    member = await account.store.create_user(account.account_id, "m@shop.example", "", Role.MEMBER)
    by = Requester(Channel.PAGE, member.id)
    with pytest.raises(AdminRequired):
        await steps.start(account.store, account.account_id, number, by, 0)
    await steps.start(account.store, account.account_id, number, COMMAND_LINE, 0)
    await until(account, work, number, lambda one: one.state is State.DONE)
    (lead,) = await account.leads()
    (field,) = (await account.settings()).fields
    assert lead.custom_fields[field.id] == "38"


async def test_a_field_is_made_once_however_often_its_mapping_is_used(
    account: AccountStore, work: ImportWork
) -> None:
    for person in ("Nora", "Ida"):
        number = await uploaded(account, f"Name,Shoe size\n{person},38\n".encode())
        read = await until(account, work, number, lambda one: one.state is State.READ)
        findings = findings_of(read)
        assert findings is not None
        mapping = findings.surveyed.mapping.with_columns(target={1: "new:String:Shoe size"})
        choices = ImportChoices(mapping=mapping)
        await steps.change_choices(account.store, account.account_id, number, choices)
        await until(account, work, number, lambda one: one.state is State.READ)
        await steps.start(account.store, account.account_id, number, COMMAND_LINE, 0)
        await steps.stop(account.store, account.account_id, number)
        await steps.start(account.store, account.account_id, number, COMMAND_LINE, 0)
        await until(account, work, number, lambda one: one.state is State.DONE)
    (field,) = (await account.settings()).fields
    assert [lead.custom_fields[field.id] for lead in await account.leads()] == ["38", "38"]
