"""`onelead import`: brings the rows of a file in, after it has said what it would do."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from onelead import app
from onelead.commands.import_words import Listed, import_list, import_machine
from onelead.commands.options import Account, AsJson, Database, chosen_account, print_result
from onelead.commands.progress import OnProgress, shown_progress
from onelead.commands.running import configuration_from
from onelead.commands.undo import undo_of_batch
from onelead.contract.imports import UNDER_WAY, FileImport, ImportChange, ImportState
from onelead.contract.store import Store
from onelead.domain.errors import ImportNotPossible
from onelead.domain.limits import PAGE_SIZE_MAX, RETRY_AFTER_S
from onelead.files.imports.undone import undo_of


def _one_of(*words: str) -> Any:
    """Return a check that a value is one of some words."""

    def check(value: str | None) -> str | None:
        if value is not None and value not in words:
            raise typer.BadParameter(f"must be {' or '.join(words)}, not {value!r}")
        return value

    return check


def _number(name: str, text: str) -> Any:
    return typer.Option(name, metavar="N", min=1, help=text)


FileArgument = Annotated[
    Path | None,
    typer.Argument(help="CSV, TSV, XLSX, XLS, ODS, vCard, JSON Lines, or Copper's export."),
]
MatchOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FIELD",
        help="What rows are matched by: email, name or a custom field; several in turn.",
    ),
]
Mode = Annotated[
    str | None,
    typer.Option(
        callback=_one_of("upsert", "create", "update"),
        help="upsert, create or update: only create, or only update.  [default: upsert]",
    ),
]
MappingOption = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|NAME", help="Which column is what: a saved mapping, or one as JSON."
    ),
]
Dates = Annotated[
    str | None,
    typer.Option(callback=_one_of("dmy", "mdy"), help="dmy or mdy: day or month first."),
]
Decimal = Annotated[
    str | None, typer.Option(callback=_one_of(",", "."), help="The decimal sign: , or .")
]
Source = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="The source's name.  [default: that of the file]"),
]
KeepFilled = Annotated[
    bool, typer.Option("--keep-filled", help="Only fill what leads do not have yet.")
]
Blank = Annotated[
    str | None,
    typer.Option(
        callback=_one_of("leaves", "clears"),
        help="Whether an empty cell leaves or clears the field.  [default: leaves]",
    ),
]
Country = Annotated[
    str | None,
    typer.Option(metavar="CODE", help="The country of phone numbers without one, as in DE."),
]
Encoding = Annotated[
    str | None, typer.Option(metavar="NAME", help="The encoding, as in utf-8 or cp1252.")
]
Separator = Annotated[
    str | None, typer.Option(metavar="SIGN", help="What separates cells; tab for a tab.")
]
Sheet = Annotated[str | None, typer.Option(metavar="NAME", help="The sheet of a workbook.")]
Report = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write what became of each row, and beside it those not taken, to be corrected.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and do nothing.")]
Yes = Annotated[bool, typer.Option("--yes", help="Import without asking.")]
Again = Annotated[bool, typer.Option("--again", help="Import even rows that were imported before.")]
Resume = Annotated[int | None, _number("--resume", "Go on with an import.")]
Undo = Annotated[int | None, _number("--undo", "Take an import back.")]
ListOption = Annotated[bool, typer.Option("--list", help="List the imports.")]


def import_file(
    file: FileArgument = None,
    match: MatchOption = None,
    mode: Mode = None,
    mapping: MappingOption = None,
    dates: Dates = None,
    decimal: Decimal = None,
    source: Source = None,
    keep_filled: KeepFilled = False,
    blank: Blank = None,
    country: Country = None,
    encoding: Encoding = None,
    separator: Separator = None,
    sheet: Sheet = None,
    report: Report = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    again: Again = False,
    resume: Resume = None,
    undo: Undo = None,
    is_list: ListOption = False,
    account: Account = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Import the leads of a file, even while a server runs."""
    if sum((file is not None, resume is not None, undo is not None, is_list)) != 1:
        raise typer.BadParameter("give one of: a file, --resume N, --undo N, --list")
    configuration = configuration_from(database=database)
    if is_list:
        found = app.on_store(configuration, lambda store: _imports(store, account))
        machine = [import_machine(*listed) for listed in found]
        print_result(machine, import_list(found), as_json=as_json)
        return
    if undo is not None:
        one = app.on_store(
            configuration, lambda store: _ended(store, account, undo, is_asked=dry_run)
        )
        undo_of_batch(configuration, account, one.batch_id, False, dry_run, as_json)
        return
    from onelead.commands import import_run as runs  # noqa: PLC0415 - only this one reads files

    wanted = runs.Wanted(
        file=file,
        resume=resume,
        match=tuple(match or ()),
        mode=mode,
        mapping=mapping,
        dates=dates,
        decimal=decimal,
        source=source or "",
        keep_filled=keep_filled,
        blank=blank,
        country=country.upper() if country else None,
        encoding=encoding,
        separator="\t" if separator == "tab" else separator,
        sheet=sheet,
        report=report,
        dry_run=dry_run,
        yes=yes,
        again=again,
        as_json=as_json,
    )
    runs.require_answers(wanted)
    code = app.on_store(configuration, lambda store: runs.run(store, account, wanted))
    if code:
        raise typer.Exit(code)


async def _imports(store: Store, account: int | None) -> list[Listed]:
    account_id = (await chosen_account(store, account)).account_id
    found = await store.file_imports(account_id, limit=PAGE_SIZE_MAX)
    return [(one, await undo_of(store, account_id, one)) for one in found]


async def _ended(store: Store, account: int | None, number: int, *, is_asked: bool) -> FileImport:
    """Return an import; stop it if it is to be undone, and wait for the process that writes it."""
    account_id = (await chosen_account(store, account)).account_id
    one = await store.file_import(account_id, number)
    if is_asked or one.source_id is None:
        return one
    stopped = ImportChange(state=ImportState.STOPPED)
    if one.state in UNDER_WAY:
        with suppress(ImportNotPossible):
            # It may have ended meanwhile.
            await store.change_import(account_id, number, stopped, only_in=UNDER_WAY)
    with shown_progress(f"import {number}") as on_progress:
        holder = await held(store, account_id, number, on_progress)
    await store.note_import(account_id, number, holder, ImportChange(), leave=True)
    return one


async def held(store: Store, account_id: int, number: int, on_progress: OnProgress) -> str:
    """Keep an import from other processes as soon as none has it; return by whose name."""
    holder = secrets.token_hex(16)
    while not await store.hold_import(account_id, number, holder):
        on_progress("another process was at it a moment ago; waiting for it")
        await asyncio.sleep(RETRY_AFTER_S)
    return holder
