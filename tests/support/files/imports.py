"""Imports of files in tests: begun, read and started as the command line does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore

from onelead.contract.imports import FileImport, ImportChange, ImportState
from onelead.domain.audit import COMMAND_LINE
from onelead.domain.importing.headers import guessed_mapping
from onelead.files.imports import steps
from onelead.files.imports.choices import Findings, ImportChoices, text_of
from onelead.files.imports.reading import read_table
from onelead.files.imports.running import Run
from onelead.files.imports.walks import table_of
from onelead.files.readers.table import Choices
from onelead.process.writer import BatchingWriter

BY_EMAIL = ("email",)


def csv_file(folder: Path, *lines: str, name: str = "leads.csv") -> Path:
    """Write a file of comma-separated rows."""
    path = folder / name
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def people(count: int, first: int = 0) -> list[str]:
    """Return lines with one person each, below a header."""
    rows = [f"p{n}@field.example,Nora Field,Buyer" for n in range(first, first + count)]
    return ["Email,Name,Title", *rows]


async def always(_rows: int) -> bool:
    return True


async def looked_at(
    account: AccountStore, path: Path, match: Sequence[str] = BY_EMAIL, **given: Any
) -> tuple[ImportChoices, Findings]:
    """Read a file as an import does."""
    settings = await account.settings()
    table = await table_of(path, path.name, Choices())
    mapping = guessed_mapping(table.header, settings)
    mapping = type(mapping)(mapping.columns, match=tuple(match), **given)
    choices = ImportChoices(mapping=mapping)
    return choices, await read_table(table, choices, settings, always)


async def started(account: AccountStore, path: Path, **given: Any) -> FileImport:
    """Begin and start the import of a file."""
    choices, findings = await looked_at(account, path, **given)
    table = await table_of(path, path.name, Choices())
    one = await steps.new_import(
        *(account.store, account.account_id, path.name, choices),
        path=str(path),
        size_bytes=table.fingerprint.size,
        digest=table.fingerprint.digest,
    )
    read = ImportChange(state=ImportState.READ, findings=text_of(findings))
    uploading = (ImportState.UPLOADING,)
    await account.store.change_import(account.account_id, one.number, read, only_in=uploading)
    return await steps.start(account.store, account.account_id, one.number, COMMAND_LINE, 0)


async def run(
    account: AccountStore,
    one: FileImport,
    *,
    holder: str = "a",
    goes_on: Callable[[], bool] = lambda: True,
    store: Any = None,
) -> FileImport:
    """Write the rows of an import that are left."""
    store = store or account.store
    assert await account.store.hold_import(account.account_id, one.number, holder)
    found = await Run(
        *(store, BatchingWriter(account.store), account.account_id, holder),
        monotonic=Clock().monotonic,
        goes_on=goes_on,
    ).run(await account.store.file_import(account.account_id, one.number))
    assert found is not None
    return found


async def imported(account: AccountStore, path: Path, **given: Any) -> FileImport:
    """Import a file to its end."""
    return await run(account, await started(account, path, **given))
