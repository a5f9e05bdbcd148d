"""Rows of files are written once each, whatever stops an import, and all of them are explained."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.support.files.imports import csv_file, imported, looked_at, people, run, started
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore

from onelead.contract.batches import UndoOrder
from onelead.contract.imports import FileImport, ImportChange, ImportState
from onelead.domain.audit import COMMAND_LINE
from onelead.domain.errors import ImportNotPossible, UndoNotPossible
from onelead.domain.importing.limits import IMPORT_HELD_S
from onelead.files.imports import running, steps, walks
from onelead.files.imports.choices import choices_of, findings_of
from onelead.files.imports.prepared import Prepared, PrepareJob
from onelead.files.imports.reading import Tally, rehearse_table, settings_for
from onelead.files.imports.rehearsal import Rehearsal
from onelead.files.imports.reports import all_rows, refused_rows
from onelead.files.imports.rows import row_writes_of
from onelead.files.imports.running import sender_of
from onelead.files.imports.walks import table_of
from onelead.files.readers.errors import FileChanged
from onelead.files.readers.table import Choices
from onelead.process.batch_undo_work import BatchUndoer
from onelead.process.writer import BatchingWriter

ROWS = 23


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    # A machine that stands still makes no difference to how often it is asked what to do.
    monkeypatch.setattr(walks, "IMPORT_NOTED_S", 60)
    monkeypatch.setattr(walks.chunks_of, "__kwdefaults__", {"after": 0, "rows": 5})


async def test_each_row_is_an_ordinary_write_of_the_source(
    account: AccountStore, tmp_path: Path
) -> None:
    path = csv_file(
        tmp_path,
        "Email,Name,Title",
        "nora@field.example,Nora Field,Buyer",
        "",
        "nora@field.example,Nora Field,Head",
        "nora@field.example,Nora Field,Head",
        "sam@roe.example,Sam Roe,,too,many",
    )
    done = await imported(account, path)
    assert done.state is ImportState.DONE
    assert done.counts == {"created": 1, "updated": 1, "unchanged": 1, "refused": 1}
    assert done.row_count == 4
    (lead,) = await account.leads()
    assert (lead.name, lead.title) == ("Nora Field", "Head")
    sources = [key for key in await account.store.api_keys(account.account_id) if key.is_source]
    assert [(key.label, key.id) for key in sources] == [("leads", done.source_id)]
    assert {row[0] for row in account.ledger("api_key_id")} == {done.source_id}
    rows = await account.store.batch_rows(account.account_id, done.batch_id, after=0, limit=9)
    assert [(row.line, row.result.outcome) for row in rows] == [
        *((2, "created"), (4, "updated"), (5, "unchanged"), (6, "refused")),
    ]
    batch = await account.store.batch(account.account_id, done.batch_id)
    assert batch.kind == "import"


async def test_rows_that_a_process_of_their_own_prepares_are_written_as_others_are(
    account: AccountStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "IMPORT_PROCESS_BYTES_MIN", 1)
    # However long the process takes to start, the first look is after the first rows.
    monkeypatch.setattr(walks, "IMPORT_NOTED_S", 3_600)
    again = "p1@field.example,Nora Field,Buyer"
    path = csv_file(tmp_path, *people(300), again, "no address,Sam Roe,", "x,y,z,4")
    begun = await started(account, path)
    looks = itertools.count()
    half = await run(account, begun, goes_on=lambda: next(looks) < 1)
    assert half.state is ImportState.RUNNING
    assert half.counts == {"created": 250}
    done = await run(account, begun)
    assert done.counts == {"created": 301, "unchanged": 1, "refused": 1}
    rows = await account.store.batch_rows(account.account_id, done.batch_id, after=0, limit=400)
    assert [row.line for row in rows] == list(range(2, 305))


async def test_the_same_file_again_does_nothing_even_without_a_match(
    account: AccountStore, tmp_path: Path
) -> None:
    twice = ["Nora Field,Buyer", "Nora Field,Buyer"]
    path = csv_file(tmp_path, "Name,Title", *twice)
    first = await imported(account, path, match=())
    assert first.counts == {"created": 2}
    assert (await imported(account, path, match=())).counts == {"skipped": 2}
    # A longer export of the same form brings what is new.
    path = csv_file(tmp_path, "Title,Name,Other", "Head,Sam Roe,1", "Buyer,Nora Field,2")
    again = await imported(account, path, match=())
    assert again.counts == {"created": 1, "skipped": 1}


async def test_two_clients_import_the_same_file_at_once(
    account: AccountStore, elsewhere: AccountStore, tmp_path: Path
) -> None:
    path = csv_file(tmp_path, *people(ROWS))
    one = await started(account, path, match=())
    other = await started(elsewhere, path, match=())
    done = await asyncio.gather(run(account, one), run(elsewhere, other, holder="b"))
    assert len(await account.leads()) == ROWS
    counts = [found.counts for found in done]
    assert sum(count.get("created", 0) for count in counts) == ROWS
    assert sum(count.get("skipped", 0) for count in counts) == ROWS


class ForgetfulStore:
    """A store on which nothing is noted, as for a process that is killed."""

    def __init__(self, account: AccountStore) -> None:
        self._store = account.store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def note_import(
        self, account_id: int, number: int, *_change: object, **_leave: object
    ) -> FileImport:
        return await self._store.file_import(account_id, number)


@pytest.mark.parametrize("chunks", [1, 2, 3])
async def test_what_a_killed_process_has_not_noted_is_in_the_ledger(
    account: AccountStore, tmp_path: Path, chunks: int
) -> None:
    known = csv_file(tmp_path, *people(3), name="leads.csv")
    assert (await imported(account, known)).counts == {"created": 3}
    lines = people(ROWS)
    lines[4] += ",too many"
    one = await started(account, csv_file(tmp_path, *lines))
    turns = itertools.count(1)
    killed = ForgetfulStore(account)
    await run(account, one, goes_on=lambda: next(turns) < chunks, store=killed)
    assert (await account.store.file_import(account.account_id, one.number)).line == 0
    done = await run(account, one)
    assert done.state is ImportState.DONE
    assert done.counts == {"created": ROWS - 4, "refused": 1, "skipped": 3}
    rows = await account.store.batch_rows(account.account_id, one.batch_id, after=0, limit=99)
    assert len({row.line for row in rows}) == len(rows) == ROWS - 3


async def test_it_goes_on_after_a_pause_and_a_stop(account: AccountStore, tmp_path: Path) -> None:
    one = await started(account, csv_file(tmp_path, *people(ROWS)))
    store, id_ = account.store, account.account_id
    turns = itertools.count(1)
    paused = await run(account, one, goes_on=lambda: next(turns) < 2)
    assert 0 < paused.line < ROWS
    await steps.pause(store, id_, one.number)
    with pytest.raises(ImportNotPossible):
        await steps.pause(store, id_, one.number)
    await steps.resume(store, id_, one.number, 0)
    await steps.stop(store, id_, one.number)
    await steps.start(store, id_, one.number, COMMAND_LINE, 0)
    done = await run(account, one)
    assert done.counts == {"created": ROWS}


async def test_a_pause_is_noticed(
    account: AccountStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "IMPORT_NOTED_S", -1)
    one = await started(account, csv_file(tmp_path, *people(ROWS)))
    await steps.pause(account.store, account.account_id, one.number)
    found = await run(account, one)
    assert found.state is ImportState.PAUSED
    assert len(await account.leads()) < ROWS


async def test_another_file_is_not_gone_on_with(account: AccountStore, tmp_path: Path) -> None:
    path = csv_file(tmp_path, *people(ROWS))
    one = await started(account, path)
    turns = itertools.count(1)
    await run(account, one, goes_on=lambda: next(turns) < 2)
    csv_file(tmp_path, *people(ROWS, first=100))
    with pytest.raises(FileChanged):
        await run(account, one)
    assert len(await account.leads()) < ROWS


async def test_an_undo_takes_it_back(account: AccountStore, tmp_path: Path) -> None:
    before = await account.created(name="Nora Field", email={"email": "p1@field.example"})
    done = await imported(account, csv_file(tmp_path, *people(ROWS)))
    assert done.counts == {"created": ROWS - 1, "updated": 1}
    order = UndoOrder("undo", done.batch_id, force=False, user_id=None, api_key_id=None)
    await account.store.begin_undo(account.account_id, order)

    async def goes_on() -> bool:
        return True

    undoer = BatchUndoer(account.store, BatchingWriter(account.store), "a", goes_on)
    while await undoer.step(account.account_id):
        pass
    (lead,) = await account.leads()
    assert (lead.id, lead.name, lead.title) == (before.id, "Nora Field", None)


async def test_a_dry_run_says_what_the_run_does(account: AccountStore, tmp_path: Path) -> None:
    await account.created(name="Nora Field", email={"email": "p1@field.example"})
    for _ in range(2):
        await account.created(name="Twin", email={"email": "p2@field.example"})
    lines = [*people(ROWS), *people(3)[1:]]
    lines[5] += ",too many"
    path = csv_file(tmp_path, *lines)
    ledger = account.ledger("seq")
    choices, findings = await looked_at(account, path)
    settings = settings_for(findings, await account.settings())
    table = await table_of(path, path.name, Choices())
    kept: list[Any] = []

    async def keep(rows: Any) -> None:
        kept.extend(rows)

    async def on_tally(_tally: Tally) -> bool:
        return True

    other = await started(account, path)
    sender = sender_of(other, choices)
    with (
        closing(row_writes_of(table.header, findings, choices, settings, sender)) as row_writes,
        closing(Rehearsal(account.store, account.account_id, settings)) as rehearsal,
    ):
        rehearsed = await rehearse_table(
            *(table, row_writes, rehearsal), keep=keep, on_tally=on_tally
        )
    assert account.ledger("seq") == ledger
    done = await run(account, other)
    assert done.counts == rehearsed.counts
    assert done.counts["ambiguous"] == 2
    rows = await account.store.batch_rows(account.account_id, other.batch_id, after=0, limit=99)
    by_line = {row.line: row.outcome for row in kept}
    assert {row.line for row in rows} == by_line.keys()


async def test_refused_rows_can_be_corrected_and_imported(
    account: AccountStore, tmp_path: Path
) -> None:
    path = csv_file(
        tmp_path,
        "Email,Name,Name",
        '+1@field.example,"Field, Nora",',
        "a@field.example,Sam Roe,",
        "b@field.example,Ida,,beyond",
    )
    done = await imported(account, path)
    assert done.counts == {"created": 2, "refused": 1}
    text = "".join([line async for line in refused_rows(account.store, account.account_id, done)])
    assert text.splitlines() == [
        "Email,Name,Name (2),why",
        'b@field.example,Ida,,"The row has 4 cells, but the header has 3.",beyond',
    ]
    everything = [line async for line in all_rows(account.store, account.account_id, done)]
    assert len(everything) == 4
    corrected = csv_file(tmp_path, *text.replace(",beyond", "").splitlines())
    assert (await imported(account, corrected)).counts == {"created": 1}
    assert choices_of(done).corrections == {}
    found = findings_of(done)
    assert found is not None
    assert found.first_rows == ()


async def test_an_import_is_undone_when_nobody_writes_it_any_more(
    account: AccountStore, tmp_path: Path
) -> None:
    begun = await started(account, csv_file(tmp_path, *people(12)))
    done = await imported(account, csv_file(tmp_path, *people(3, 20), name="more.csv"))
    order = UndoOrder("b" * 32, begun.batch_id, force=False, user_id=None, api_key_id=None)
    looks = itertools.count()
    await run(account, begun, goes_on=lambda: next(looks) < 1)
    with pytest.raises(UndoNotPossible, match="stop it first"):
        await account.store.begin_undo(account.account_id, order)
    assert await account.store.hold_import(account.account_id, begun.number, "b")
    await steps.stop(account.store, account.account_id, begun.number)
    with pytest.raises(UndoNotPossible, match="stop it first"):
        await account.store.begin_undo(account.account_id, order)
    nothing = ImportChange()
    await account.store.note_import(account.account_id, begun.number, "b", nothing, leave=True)
    assert (await account.store.begin_undo(account.account_id, order)).rows == 10
    other = order._replace(id="c" * 32, about_id=done.batch_id)
    assert (await account.store.begin_undo(account.account_id, other)).rows == 3


class Notes:
    """A store that counts how often it was noted how far an import is."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.count = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def note_import(self, *arguments: Any, **options: Any) -> Any:
        found = await self._store.note_import(*arguments, **options)
        self.count += 1
        return found


async def test_an_import_is_kept_and_can_be_stopped_while_its_file_opens(
    account: AccountStore, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = await started(account, csv_file(tmp_path, *people(2)))
    has_ended = asyncio.Event()

    async def opening_without_end(_job: PrepareJob) -> AsyncGenerator[Prepared]:
        try:
            await asyncio.Event().wait()
        finally:
            has_ended.set()
        yield Prepared()

    monkeypatch.setattr(walks, "IMPORT_NOTED_S", 0.001)
    monkeypatch.setattr(running, "IMPORT_NOTED_S", 0)
    monkeypatch.setattr(running, "prepared_here", opening_without_end)
    notes = Notes(account.store)
    task = asyncio.create_task(run(account, begun, store=notes))
    for _ in range(3):
        clock.advance(IMPORT_HELD_S - 1)
        before = notes.count
        while notes.count < before + 2:
            await walks.in_thread(str)
        assert not await account.store.hold_import(account.account_id, begun.number, "b")
    await steps.pause(account.store, account.account_id, begun.number)
    assert (await task).state is ImportState.PAUSED
    assert has_ended.is_set()
