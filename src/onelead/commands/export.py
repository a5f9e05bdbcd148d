"""`onelead export`, `load` and `copy`: an account as a file, back, and to another database."""

from __future__ import annotations

import asyncio
import hashlib
import io
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated, BinaryIO

import msgspec
import typer

from onelead import app
from onelead.commands.options import (
    Account,
    AsJson,
    Database,
    Url,
    chosen_account,
    print_result,
)
from onelead.commands.progress import OnProgress, amount, shown_progress
from onelead.commands.running import configuration_from, give_way
from onelead.configuration import Configuration
from onelead.contract.access import LinkPurpose
from onelead.contract.exports import AccountLines, Loaded
from onelead.contract.store import Store
from onelead.domain.account import AccountSettings, Role
from onelead.domain.audit import COMMAND_LINE, AuditEntry, AuditEvent
from onelead.domain.errors import NotPossible
from onelead.domain.limits import EXPORT_REPORTED_ROWS, SHEET_ROWS_MAX
from onelead.domain.text import as_one_line
from onelead.files.exports.account_file import compressed, export_pieces, read_export
from onelead.files.exports.list_columns import list_columns
from onelead.files.exports.list_files import (
    CsvFile,
    ListFile,
    ParquetFile,
    XlsxFile,
    leads_of,
    write_list,
)
from onelead.storage.new_file import new_file
from onelead.web.frame.sessions import welcome_path
from onelead.web.leads.query import LeadQuery

_MIB = 1_048_576
_STANDARD = Path("-")


class Format(StrEnum):
    """What an export is written as."""

    JSONL = "jsonl"
    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"


def export(
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="The file; - for standard output.")
    ] = _STANDARD,
    form: Annotated[
        Format, typer.Option("--format", help="jsonl: everything; the others: a list of leads.")
    ] = Format.JSONL,
    filter_: Annotated[
        str,
        typer.Option(
            "--filter", metavar="QUERY", help="Of a list: what follows ? in its address on Leads."
        ),
    ] = "",
    gzip: Annotated[bool, typer.Option("--gzip", help="Compress it.")] = False,
    for_excel: Annotated[
        bool, typer.Option("--excel", help="Of CSV: begin with the mark that Excel needs.")
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a file of that name.")] = (
        False
    ),
    account: Account = None,
    database: Database = None,
) -> None:
    """Export an account with everything, or a list of leads, even while a server runs."""
    configuration = configuration_from(database=database)
    if form is Format.JSONL and (filter_ or for_excel):
        raise NotPossible("an export has everything; --filter and --excel are for lists")
    if form is not Format.JSONL and gzip:
        raise NotPossible("--gzip is for an export of everything")
    give_way()

    async def run(store: Store, on_progress: OnProgress, file: BinaryIO) -> str:
        settings = await chosen_account(store, account)
        what = "everything" if form is Format.JSONL else f"leads as {form}"
        entry = AuditEntry(AuditEvent.EXPORTED, COMMAND_LINE, changes={"what": (None, what)})
        await store.record_audit(settings.account_id, entry)
        if form is Format.JSONL:
            return _write_account(store, settings, file, on_progress, gzip=gzip)
        return await _write_list(store, settings, file, form, query=filter_, for_excel=for_excel)

    with _opened(out, replace=replace) as file, shown_progress("exporting") as on_progress:
        done = app.on_store(configuration, lambda store: run(store, on_progress, file))
    typer.echo(f"{out}: {done}.", err=out == _STANDARD)


def _opened(out: Path, *, replace: bool) -> AbstractContextManager[BinaryIO]:
    if out != _STANDARD:
        return _new(out, replace=replace)
    if sys.stdout.isatty():
        raise NotPossible("an export is not for a terminal; name a file with --out")
    return nullcontext(sys.stdout.buffer)


@contextmanager
def _new(out: Path, *, replace: bool) -> Iterator[BinaryIO]:
    with new_file(out, replace=replace) as part, part.open("wb") as file:
        yield file


def _write_account(
    store: Store,
    settings: AccountSettings,
    file: BinaryIO,
    on_progress: OnProgress,
    *,
    gzip: bool,
) -> str:
    written = 0
    with store.snapshot(on_progress) as snapshot:
        pieces = export_pieces(snapshot, settings.account_id)
        for piece in compressed(pieces) if gzip else pieces:
            file.write(piece)
            written += len(piece)
            on_progress(f"{written // _MIB:,} MB")
    file.flush()
    return f"account {settings.account_id}, {written:,} bytes"


async def _write_list(
    store: Store,
    settings: AccountSettings,
    file: BinaryIO,
    form: Format,
    *,
    query: str,
    for_excel: bool,
) -> str:
    asked = LeadQuery.of_text(query, settings)
    asked.require_sound()
    columns = list_columns(settings, asked.columns)
    target: ListFile
    match form:
        case Format.XLSX:
            target = XlsxFile(file, columns, SHEET_ROWS_MAX)
        case Format.PARQUET:
            target = ParquetFile(file, columns)
        case _:
            target = CsvFile(file, columns, for_excel=for_excel)
    now = int(time.time())
    leads = leads_of(store, settings.account_id, asked.search, now=now)
    count = await write_list(target, leads)
    file.flush()
    return amount(count, "lead")


def load(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="An export of jsonl; - for standard input.")
    ],
    url: Url = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Load an export as an account, with the same ids and history, or nothing at all."""
    configuration = configuration_from(database=database, url=url)
    with (
        _source(file) as source,
        shown_progress("loading") as on_progress,
    ):
        account = read_export(source, lambda lines: on_progress(f"{lines:,} lines"))
        loaded = _load(configuration, account)
    links = app.on_store(configuration, lambda store: _first_links(store, loaded.account_id))
    web_url = app.browsers_url(configuration)
    machine = msgspec.to_builtins(loaded) | {
        "sign_in_urls": {email: web_url + welcome_path(token) for email, token in links.items()}
    }
    lines = [
        f"Account {loaded.account_id}, {as_one_line(loaded.name)}, is loaded: {_counts(loaded)}.",
        "Passwords and API keys are not in an export. Each link works once and expires in a day.",
        "A server that starts before anybody has a password says where a newer one is:",
        *(f"  {as_one_line(email)}  {link}" for email, link in machine["sign_in_urls"].items()),
    ]
    print_result(machine, "\n".join(lines), as_json=as_json)


def _source(file: Path) -> AbstractContextManager[io.RawIOBase]:
    if file == _STANDARD:
        return nullcontext(io.FileIO(sys.stdin.fileno(), closefd=False))
    if not file.is_file():
        raise NotPossible(f"there is no file {file}")
    return file.open("rb", buffering=0)


def _counts(loaded: Loaded) -> str:
    return f"{amount(loaded.leads, 'lead')} and {amount(loaded.ledger_rows, 'ledger row')}"


def _load(configuration: Configuration, account: AccountLines) -> Loaded:
    # Opening the database makes its tables.
    app.on_store(configuration, lambda store: store.is_ready(), create=True)
    return app.upkeep(configuration).load_account(account, int(time.time()))


async def _first_links(store: Store, account_id: int) -> dict[str, str]:
    """Return a link for each admin, by e-mail."""
    settings = await store.settings(account_id)
    return {
        user.email: await store.create_link(account_id, user.id, LinkPurpose.FIRST_SIGN_IN)
        for user in settings.users
        if user.is_active and user.role is Role.ADMIN
    }


def copy(
    from_: Annotated[
        str, typer.Option("--from", metavar="URL", help="The database to copy; it only is read.")
    ],
    to: Annotated[str, typer.Option("--to", metavar="URL", help="The database to copy into.")],
    as_json: AsJson = False,
) -> None:
    """Copy all accounts to another database, from SQLite to PostgreSQL or back."""
    source, target = (configuration_from(database=url) for url in (from_, to))
    if source.database == target.database:
        raise NotPossible("the two databases are the same")
    with shown_progress("copying") as on_progress:
        loaded = app.on_store(source, lambda store: copied(store, target, on_progress))
    text = "\n".join(
        f"Account {one.account_id}, {one.name}, is the same in both: {_counts(one)}."
        for one in loaded
    )
    print_result(msgspec.to_builtins(loaded), text, as_json=as_json)


async def copied(store: Store, target: Configuration, on_progress: OnProgress) -> list[Loaded]:
    """Copy all accounts of a store, and compare. Raises NotPossible."""
    # In a thread, where the other database can be opened by an event loop of its own.
    return await asyncio.to_thread(_copy_all, store, target, on_progress)


def _copy_all(store: Store, target: Configuration, on_progress: OnProgress) -> list[Loaded]:
    with store.snapshot(on_progress) as snapshot:
        ids = snapshot.account_ids()
        app.on_store(target, lambda other: _require_empty(other, ids), create=True)
        loaded = []
        for account_id in ids:
            digest = hashlib.sha256()
            lines = _digested(snapshot.lines(account_id, is_copy=True), digest, on_progress)
            account = AccountLines(account_id, lines, is_copy=True)
            loaded.append(_load(target, account))
            if app.on_store(target, lambda other: _digest_of(other, account_id)) != digest.digest():  # noqa: B023 - used at once
                raise NotPossible(f"account {account_id} differs from what was copied")
    return loaded


async def _require_empty(store: Store, account_ids: Sequence[int]) -> None:
    for account_id in set(account_ids) & set(await store.account_ids()):
        if (await store.fold_state(account_id)).ledger_seq:
            raise NotPossible(f"the other database has an account {account_id} that is not empty")


def _digested(
    lines: Iterator[bytes], digest: hashlib._Hash, on_progress: OnProgress
) -> Iterator[bytes]:
    for number, line in enumerate(lines, 1):
        digest.update(line)
        if number % EXPORT_REPORTED_ROWS == 0:
            on_progress(f"{number:,} lines")
        yield line


async def _digest_of(store: Store, account_id: int) -> bytes:
    digest = hashlib.sha256()
    with store.snapshot(lambda _text: None) as snapshot:
        for line in snapshot.lines(account_id, is_copy=True):
            digest.update(line)
    return digest.digest()
