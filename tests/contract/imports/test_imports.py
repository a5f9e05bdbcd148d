"""Imports: uploads, states, who is at work, dry runs, saved mappings, and what is cleaned away."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore

from onelead.contract.erasures import ErasureBy, ErasureRequest
from onelead.contract.imports import (
    FileImport,
    ImportChange,
    ImportRow,
    ImportState,
    NewImport,
    SavedMapping,
)
from onelead.domain.errors import (
    BodyTooLarge,
    ImportNotPossible,
    InputInvalid,
    ResourceNotFound,
)
from onelead.domain.importing.limits import (
    IMPORT_CHOICES_CHARS_MAX,
    IMPORT_HELD_S,
    IMPORT_KEPT_DAYS_MAX,
    IMPORT_PART_BYTES_MAX,
    IMPORTS_OPEN_MAX,
)
from onelead.storage.imports import contents

RUNNING, PAUSED, READING = ImportState.RUNNING, ImportState.PAUSED, ImportState.READING


async def begun(account: AccountStore, **given: Any) -> FileImport:
    new = {"batch_id": secrets.token_hex(16), "name": "leads.csv", "choices": "{}"} | given
    return await account.store.begin_import(account.account_id, NewImport(**new))


async def changed(
    account: AccountStore, number: int, *only_in: ImportState, **change: Any
) -> FileImport:
    return await account.store.change_import(
        account.account_id, number, ImportChange(**change), only_in=only_in or [*ImportState]
    )


async def uploaded(account: AccountStore, content: bytes = b"Name\nNora\n") -> int:
    number = (await begun(account)).number
    await account.store.add_import_part(account.account_id, number, 0, content)
    await changed(account, number, state=READING, digest="d")
    return number


async def rehearsing(account: AccountStore) -> int:
    number = await uploaded(account)
    await changed(account, number, state=ImportState.REHEARSING)
    assert await account.store.hold_import(account.account_id, number, "a")
    return number


async def test_an_import_is_numbered_in_its_account_and_found_again(account: AccountStore) -> None:
    first, second = await begun(account), await begun(account, name="other.csv", user_id=7)
    assert (first.number, second.number) == (1, 2)
    assert first.state == ImportState.UPLOADING
    store, id_ = account.store, account.account_id
    assert await store.file_import(id_, 2) == second
    assert await store.import_of_batch(id_, second.batch_id) == second
    assert await store.import_of_batch(id_, "none") is None
    assert await store.file_imports(id_, limit=10) == [second, first]
    assert await store.file_imports(id_, before=2, limit=10) == [first]
    with pytest.raises(ResourceNotFound):
        await store.file_import(id_, 3)
    with pytest.raises(ResourceNotFound):
        await store.file_import(id_ + 1, 1)


async def test_so_many_imports_can_be_open(account: AccountStore) -> None:
    for _ in range(IMPORTS_OPEN_MAX):
        last = await begun(account)
    with pytest.raises(ImportNotPossible):
        await begun(account)
    await changed(account, last.number, state=ImportState.STOPPED)
    await begun(account)


async def test_choices_have_a_bound(account: AccountStore) -> None:
    await begun(account, choices="x" * IMPORT_CHOICES_CHARS_MAX)
    with pytest.raises(InputInvalid):
        await begun(account, choices="x" * (IMPORT_CHOICES_CHARS_MAX + 1))


async def test_a_file_comes_in_parts(
    account: AccountStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "IMPORT_FILE_BYTES_MAX", 10)
    store, id_ = account.store, account.account_id
    number = (await begun(account)).number
    await store.add_import_part(id_, number, 0, b"123456")
    await store.add_import_part(id_, number, 1, b"7890")
    with pytest.raises(BodyTooLarge):
        await store.add_import_part(id_, number, 2, b"1")
    await store.add_import_part(id_, number, 1, b"789")
    assert (await store.file_import(id_, number)).size_bytes == 9
    parts = [await store.import_part(id_, number, part) for part in range(3)]
    assert parts == [b"123456", b"789", None]
    with pytest.raises(BodyTooLarge):
        await store.add_import_part(id_, number, 2, bytes(IMPORT_PART_BYTES_MAX + 1))
    await changed(account, number, state=READING, digest="d")
    with pytest.raises(ImportNotPossible):
        await store.add_import_part(id_, number, 1, b"7")
    with pytest.raises(ResourceNotFound):
        await store.add_import_part(id_ + 1, number, 0, b"7")


async def test_a_change_is_for_the_state_that_was_seen(account: AccountStore) -> None:
    number = await uploaded(account)
    read = await changed(
        account, number, READING, state=ImportState.READ, findings="{}", row_count=1
    )
    assert (read.state, read.findings, read.row_count) == (ImportState.READ, "{}", 1)
    with pytest.raises(ImportNotPossible):
        await changed(account, number, READING, state=RUNNING)
    with pytest.raises(ResourceNotFound):
        await changed(account, 99, state=RUNNING)


async def test_one_process_is_at_an_import(
    account: AccountStore, elsewhere: AccountStore, clock: Clock
) -> None:
    number, id_ = await uploaded(account), account.account_id
    assert await account.store.accounts_importing() == [id_]
    assert (await account.store.take_import(id_, "a")) is not None
    assert await elsewhere.store.take_import(id_, "b") is None
    assert not await elsewhere.store.hold_import(id_, number, "b")
    clock.advance(IMPORT_HELD_S - 1)
    note = ImportChange(line=5, counts={"created": 4})
    noted = await account.store.note_import(id_, number, "a", note, leave=False)
    assert noted is not None
    assert (noted.line, noted.counts) == (5, {"created": 4})
    clock.advance(IMPORT_HELD_S)
    assert await elsewhere.store.take_import(id_, "b") is not None
    assert await account.store.note_import(id_, number, "a", note, leave=False) is None
    assert await elsewhere.store.note_import(id_, number, "b", note, leave=True) is not None
    assert await account.store.take_import(id_, "a") is not None


async def test_the_process_at_work_learns_that_it_is_paused(account: AccountStore) -> None:
    number, id_ = await uploaded(account), account.account_id
    await changed(account, number, state=RUNNING)
    await account.store.take_import(id_, "a")
    await changed(account, number, RUNNING, state=PAUSED)
    done = ImportChange(line=9, state=ImportState.DONE)
    noted = await account.store.note_import(id_, number, "a", done, leave=True)
    assert noted is not None
    assert (noted.state, noted.line) == (PAUSED, 9)
    assert await account.store.accounts_importing() == []


async def test_the_command_line_sees_to_its_own_files(account: AccountStore) -> None:
    number = (await begun(account, path="/tmp/leads.csv", digest="d")).number
    await changed(account, number, state=RUNNING)
    assert await account.store.accounts_importing() == []
    assert await account.store.hold_import(account.account_id, number, "a")


async def test_a_dry_run_takes_the_place_of_the_one_before(account: AccountStore) -> None:
    number, id_, store = await rehearsing(account), account.account_id, account.store
    await store.keep_import_rows(id_, number, "a", [ImportRow(2, "refused", "{}")], first=True)
    rows = [ImportRow(line, "created" if line % 2 else "refused", "{}") for line in range(2, 8)]
    await store.keep_import_rows(id_, number, "a", rows[:3], first=True)
    await store.keep_import_rows(id_, number, "a", rows[3:], first=False)
    assert await store.import_rows(id_, number, after=0, limit=9) == rows
    assert await store.import_rows(id_, number, after=3, limit=2) == rows[2:4]
    refused = await store.import_rows(id_, number, outcome="refused", after=2, limit=9)
    assert [row.line for row in refused] == [4, 6]
    await changed(account, number, state=READING)
    assert await store.import_rows(id_, number, after=0, limit=9) == []


async def test_an_import_that_wrote_nothing_can_be_forgotten(account: AccountStore) -> None:
    number, id_, store = await uploaded(account), account.account_id, account.store
    await store.forget_import(id_, number)
    with pytest.raises(ResourceNotFound):
        await store.forget_import(id_, number)
    started = await uploaded(account)
    assert started > number
    await changed(account, started, state=RUNNING, source_id=7)
    with pytest.raises(ImportNotPossible):
        await store.forget_import(id_, started)
    while await store.clean_imports():
        pass
    assert await store.import_part(id_, number, 0) is None
    assert await store.import_part(id_, started, 0) is not None


async def test_files_are_removed_when_done_or_left(account: AccountStore, clock: Clock) -> None:
    id_, store = account.account_id, account.store
    done, left, paused = [await uploaded(account) for _ in range(3)]
    await changed(account, paused, state=PAUSED, source_id=7, findings="{}")
    await changed(account, done, state=ImportState.DONE, source_id=7)
    assert await store.clean_imports()
    assert not await store.clean_imports()
    assert await store.import_part(id_, done, 0) is None
    assert await store.import_part(id_, left, 0) is not None
    clock.advance(IMPORT_KEPT_DAYS_MAX * 86_400 + 1)
    while await store.clean_imports():
        pass
    assert account.database.rows("SELECT count(*) FROM file_import_part") == [(0,)]
    given_up = await store.file_import(id_, paused)
    assert (given_up.state, given_up.findings) == (ImportState.FAILED, None)
    with pytest.raises(ResourceNotFound):
        await store.file_import(id_, left)


async def test_an_erasure_removes_files_and_dry_runs(account: AccountStore) -> None:
    id_, store = account.account_id, account.store
    waiting, running = await rehearsing(account), await uploaded(account)
    await changed(account, running, state=RUNNING, source_id=7)
    rows = [ImportRow(2, "created", "{}")]
    await store.keep_import_rows(id_, waiting, "a", rows, first=True)
    lead = await account.created(name="Nora Field")
    request = ErasureRequest(lead_id=lead.id)
    by = ErasureBy(request_id="r", user_id=None, api_key_id=None)
    await store.begin_erasure(id_, request, by)
    assert await store.import_part(id_, waiting, 0) is None
    assert await store.import_part(id_, running, 0) is not None
    # The process at the dry run does not know it yet.
    await store.keep_import_rows(id_, waiting, "a", rows, first=False)
    assert await store.import_rows(id_, waiting, after=0, limit=9) == []
    assert (await store.file_import(id_, waiting)).state == ImportState.FAILED


async def test_a_dry_run_of_a_removed_import_leaves_no_rows(account: AccountStore) -> None:
    number, id_, store = await rehearsing(account), account.account_id, account.store
    await store.forget_import(id_, number)
    await store.keep_import_rows(id_, number, "a", [ImportRow(2, "created", "{}")], first=True)
    assert await store.import_rows(id_, number, after=0, limit=9) == []


async def test_mappings_are_saved_under_a_name(
    account: AccountStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "IMPORT_MAPPINGS_MAX", 2)
    id_, store = account.account_id, account.store
    fair = SavedMapping(name="Fair", headers_hash="h", mapping="[1]")
    await store.save_import_mapping(id_, fair)
    await store.save_import_mapping(id_, SavedMapping(name=" FAIR", headers_hash="h", mapping="2"))
    await store.save_import_mapping(id_, SavedMapping(name="Ads", headers_hash="i", mapping="3"))
    assert [one.name for one in await store.import_mappings(id_)] == ["Ads", "FAIR"]
    assert [one.mapping for one in await store.import_mappings(id_, "h")] == ["2"]
    for name in ("One more", " ", "x" * 256):
        with pytest.raises(InputInvalid):
            await store.save_import_mapping(
                id_, SavedMapping(name=name, headers_hash="", mapping="")
            )
    await store.forget_import_mapping(id_, "fair")
    with pytest.raises(ResourceNotFound):
        await store.forget_import_mapping(id_, "fair")
