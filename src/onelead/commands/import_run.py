"""Imports a file for `onelead import`: reads it, asks what is open, writes it, and reports."""

from __future__ import annotations

import asyncio
import json
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import typer
from msgspec import Struct, structs

from onelead.commands.import_questions import with_answer
from onelead.commands.import_report import Report, reported, require_new
from onelead.commands.import_words import (
    counts_text,
    done_text,
    first_leads,
    import_machine,
    questions_text,
    rehearsed_text,
    understood,
)
from onelead.commands.imports import held
from onelead.commands.options import chosen_account
from onelead.commands.progress import OnProgress, rows_shown, shown_progress
from onelead.commands.running import EXIT_FAILED, EXIT_INTERRUPTED
from onelead.contract.imports import FileImport, ImportChange, ImportRow, ImportState
from onelead.contract.store import Store
from onelead.domain.account import AccountSettings
from onelead.domain.audit import COMMAND_LINE
from onelead.domain.errors import NotPossible, OneleadError, StoreUnavailable
from onelead.domain.importing.headers import guessed_mapping, header_key, mapping_for
from onelead.domain.importing.mapping import Mapping, require_usable
from onelead.domain.text import fold, quoted
from onelead.domain.writes import WriteResult
from onelead.files.imports import reports, steps
from onelead.files.imports.choices import (
    Findings,
    ImportChoices,
    rehearsed_row,
    source_name,
    text_of,
)
from onelead.files.imports.outcomes import NOT_TAKEN, total
from onelead.files.imports.reading import (
    OnRows,
    OnTally,
    Tally,
    read_table,
    rehearse_table,
    settings_for,
)
from onelead.files.imports.rehearsal import Rehearsal
from onelead.files.imports.rows import Sender, WrittenRow, key_scope, row_writes_of
from onelead.files.imports.running import Progress, Run
from onelead.files.imports.walks import table_of
from onelead.files.imports.work import DEFECT
from onelead.files.readers.table import Choices, Table
from onelead.process.memory import collect_garbage_rarely
from onelead.process.writer import BatchingWriter, Receipt

_FIRST_ROWS = 10
_ENDINGS = (signal.SIGINT, signal.SIGTERM)


class Wanted(Struct, frozen=True, kw_only=True):
    """What the options ask for."""

    file: Path | None
    resume: int | None
    match: tuple[str, ...]
    mode: str | None
    mapping: str | None
    dates: str | None
    decimal: str | None
    source: str
    keep_filled: bool
    blank: str | None
    country: str | None
    encoding: str | None
    separator: str | None
    sheet: str | None
    report: Path | None
    dry_run: bool
    yes: bool
    again: bool
    as_json: bool

    @property
    def asks(self) -> bool:
        """Whether somebody is there to answer."""
        return sys.stdin.isatty() and not (self.yes or self.as_json)


def require_answers(wanted: Wanted) -> None:
    """Raise NotPossible for what would otherwise be found out after the work, if at all."""
    if wanted.file is not None and not wanted.file.is_file():
        raise NotPossible(f"there is no file {wanted.file}")
    if wanted.report is not None:
        require_new(wanted.report)
    if not (wanted.asks or wanted.yes or wanted.dry_run or wanted.resume is not None):
        raise NotPossible(
            "there is nobody to ask: add --yes to import the file, or --dry-run to look at it"
        )


async def run(store: Store, account: int | None, wanted: Wanted) -> int:
    """Do what is wanted; return the exit code."""
    settings = await chosen_account(store, account)
    collect_garbage_rarely()
    if wanted.resume is not None:
        return await _resume(store, settings.account_id, wanted.resume, wanted)
    return await _import(store, settings, wanted)


# --- Looking -------------------------------------------------------------------------------------


async def _import(store: Store, settings: AccountSettings, wanted: Wanted) -> int:
    assert wanted.file is not None
    path = wanted.file.absolute()
    reading = Choices(encoding=wanted.encoding, separator=wanted.separator, sheet=wanted.sheet)
    table = await table_of(path, path.name, reading)
    mapping = await _mapping(store, settings, table, wanted)
    choices = ImportChoices(
        reading=reading, mapping=mapping, source=wanted.source, again=wanted.again
    )
    with shown_progress("reading") as on_progress:
        findings = await read_table(table, choices, settings, _rows_shown(on_progress))
    _say(wanted, understood(findings, settings))
    if wanted.asks and not findings.surveyed.stops:
        choices, findings = await _with_answers(table, choices, findings, settings)
    else:
        _say(wanted, questions_text(findings))
    if findings.open_questions:
        if wanted.dry_run and wanted.as_json:
            typer.echo(json.dumps(_machine(findings, None)))
        raise NotPossible(_open_text(findings))
    if wanted.dry_run or not wanted.yes:
        counts = await _rehearse(store, settings, table, findings, choices, wanted)
        if wanted.dry_run:
            return EXIT_FAILED if _is_refused(counts) else 0
        if not typer.confirm("Import them?"):
            typer.echo("Nothing was imported.")
            return EXIT_INTERRUPTED
    one = await _begin(store, settings.account_id, path, table, choices, findings)
    return await _write(store, settings.account_id, one, wanted)


def _say(wanted: Wanted, *texts: str) -> None:
    if not wanted.as_json:
        for text in filter(None, texts):
            typer.echo(text)


def _rows_shown(on_progress: OnProgress) -> OnRows:
    show = rows_shown(on_progress)

    async def on_rows(rows: int) -> bool:
        show(rows)
        return True

    return on_rows


def _tally_shown(on_progress: OnProgress, all_rows: int) -> OnTally:
    show = rows_shown(on_progress, all_rows)

    async def on_tally(tally: Tally) -> bool:
        show(tally.counts.total(), counts_text(tally.counts))
        return True

    return on_tally


async def _mapping(
    store: Store, settings: AccountSettings, table: Table, wanted: Wanted
) -> Mapping:
    """Return which column is what, by the options. Raises NotPossible, InputInvalid."""
    mapping = guessed_mapping(table.header, settings)
    if wanted.mapping is not None:
        saved = _mapping_in(Path(wanted.mapping))
        if saved is None:
            saved = await _saved_mapping(store, settings.account_id, wanted.mapping)
        mapping = mapping_for(saved, table.header)
    if wanted.match:
        matched = tuple(_field(one, mapping, settings) for one in wanted.match)
        mapping = structs.replace(mapping, match=matched)
    given = {
        "mode": wanted.mode,
        "dates": wanted.dates,
        "decimal": wanted.decimal,
        "blank": wanted.blank,
        "country": wanted.country,
    }
    mapping = structs.replace(mapping, **{name: one for name, one in given.items() if one})
    if wanted.keep_filled:
        columns = tuple(structs.replace(one, fill=True) for one in mapping.columns)
        mapping = structs.replace(mapping, columns=columns)
    require_usable(mapping, settings)
    return mapping


def _mapping_in(path: Path) -> Mapping | None:
    """Read a mapping from a file; None without one. Raises NotPossible."""
    try:
        found = json.loads(path.read_bytes()) if path.is_file() else None
        # What `--dry-run --json` prints has it among other things.
        return found and msgspec.convert(found.get("mapping", found), Mapping)
    except (OSError, ValueError, AttributeError) as error:
        raise NotPossible(f"{path} is no mapping: {error}") from None


async def _saved_mapping(store: Store, account_id: int, name: str) -> Mapping:
    """Return the mapping that is saved under a name. Raises NotPossible."""
    for saved in await store.import_mappings(account_id):
        if fold(saved.name) == fold(name):
            return msgspec.json.decode(saved.mapping, type=Mapping)
    raise NotPossible(f"there is no file and no saved mapping {quoted(name)}")


def _field(name: str, mapping: Mapping, settings: AccountSettings) -> str:
    """Return what rows are matched by: a field's own word, its name, or a header of the file."""
    if name in ("email", "name") or name.startswith("custom:"):
        return name
    for field in settings.lead_fields:
        if fold(field.name) == fold(name):
            return f"custom:{field.id}"
    for column in mapping.columns:
        if header_key(column.header) == header_key(name) and column.target:
            return column.target.partition(":")[0] if column.target != name else name
    raise NotPossible(f"no field and no column is called {quoted(name)}")


async def _with_answers(
    table: Table, choices: ImportChoices, findings: Findings, settings: AccountSettings
) -> tuple[ImportChoices, Findings]:
    """Ask what is open until nothing is; each answer is a new look at the file."""
    asked: set[str] = set()
    while True:
        questions = [one for one in findings.surveyed.questions if one.key not in asked]
        if not questions:
            return choices, findings
        mapping = findings.surveyed.mapping
        for question in questions:
            asked.add(question.key)
            mapping = with_answer(question, mapping)
        choices = structs.replace(choices, mapping=mapping)
        with shown_progress("reading") as on_progress:
            findings = await read_table(table, choices, settings, _rows_shown(on_progress))


def _open_text(findings: Findings) -> str:
    hints = [
        " or ".join(f"--{word} {answer.value}" for answer in one.answers)
        for one in findings.surveyed.questions
        if one.default is None and (word := one.key.partition(":")[0]) in ("dates", "decimal")
    ]
    text = "nothing was imported. " + " ".join(findings.open_questions)
    return f"{text} To answer, add {' and '.join(dict.fromkeys(hints))}" if hints else text


async def _rehearse(
    store: Store,
    settings: AccountSettings,
    table: Table,
    findings: Findings,
    choices: ImportChoices,
    wanted: Wanted,
) -> dict[str, int]:
    """Say what would become of each row."""
    first: list[tuple[int, str, Any]] = []

    async def keep(rows: Sequence[ImportRow]) -> None:
        some = rows[: _FIRST_ROWS - len(first)]
        first.extend((row.line, row.outcome, rehearsed_row(row.content)) for row in some)

    account_id = settings.account_id
    planned = settings_for(findings, settings)
    scope = key_scope(source_name(choices, table_name(wanted)), None)
    sender = Sender(secrets.token_hex(16), scope if not wanted.again else secrets.token_hex(16))
    with ExitStack() as stack:
        report = _report(stack, wanted, table.header) if wanted.dry_run else None
        on_progress = stack.enter_context(shown_progress("dry run"))
        rehearsal = stack.enter_context(closing(Rehearsal(store, account_id, planned)))
        made = row_writes_of(table.header, findings, choices, planned, sender)
        rehearsed = await rehearse_table(
            *(table, stack.enter_context(closing(made)), rehearsal),
            keep=keep,
            on_tally=_tally_shown(on_progress, findings.surveyed.rows + findings.faults),
            on_planned=_told if report is None else report.add,
        )
    _say(wanted, first_leads(first, planned), rehearsed_text(rehearsed))
    if wanted.as_json and wanted.dry_run:
        typer.echo(json.dumps(_machine(findings, msgspec.to_builtins(rehearsed))))
    return dict(rehearsed.counts)


def _told(_rows: Sequence[WrittenRow], _results: Sequence[WriteResult]) -> None:
    """Nobody wants a report."""


def table_name(wanted: Wanted) -> str:
    """Return the name of the file."""
    return "" if wanted.file is None else wanted.file.name


def _machine(findings: Findings, rehearsed: Any) -> dict[str, Any]:
    surveyed = findings.surveyed
    return {
        "reading": msgspec.to_builtins(findings.reading),
        "mapping": msgspec.to_builtins(surveyed.mapping),
        "questions": msgspec.to_builtins(surveyed.questions),
        "stops": list(surveyed.stops),
        "concerns": list(surveyed.concerns),
        "faults": list(findings.fault_samples),
        "dry_run": rehearsed,
    }


def _is_refused(counts: Any) -> bool:
    return any(counts.get(outcome) for outcome in NOT_TAKEN)


def _report(stack: ExitStack, wanted: Wanted, header: Sequence[str]) -> Report | None:
    if wanted.report is None:
        return None
    return stack.enter_context(reported(wanted.report, header))


# --- Writing -------------------------------------------------------------------------------------


async def _begin(
    store: Store,
    account_id: int,
    path: Path,
    table: Table,
    choices: ImportChoices,
    findings: Findings,
) -> FileImport:
    """Remember the import, with what was found, and start it."""
    fingerprint = table.fingerprint
    one = await steps.new_import(
        *(store, account_id, path.name, choices),
        path=str(path),
        size_bytes=fingerprint.size,
        digest=fingerprint.digest,
    )
    rows = findings.surveyed.rows + findings.faults
    read = ImportChange(state=ImportState.READ, findings=text_of(findings), row_count=rows)
    uploading = (ImportState.UPLOADING,)
    await store.change_import(account_id, one.number, read, only_in=uploading)
    return await steps.start(store, account_id, one.number, COMMAND_LINE, int(time.time()))


async def _resume(store: Store, account_id: int, number: int, wanted: Wanted) -> int:
    one = await store.file_import(account_id, number)
    if one.state is ImportState.PAUSED:
        one = await steps.resume(store, account_id, number, int(time.time()))
    elif one.state in (ImportState.STOPPED, ImportState.FAILED):
        one = await steps.start(store, account_id, number, COMMAND_LINE, int(time.time()))
    elif one.state is not ImportState.RUNNING:
        raise NotPossible(f"import {number} is {one.state.value}: there is nothing to go on with")
    return await _write(store, account_id, one, wanted)


async def _write(store: Store, account_id: int, one: FileImport, wanted: Wanted) -> int:
    """Write the rows that are left, and say what became of them."""
    with shown_progress(f"import {one.number}") as on_progress:
        holder = await held(store, account_id, one.number, on_progress)
        one, began = await store.file_import(account_id, one.number), time.monotonic()
        with ExitStack() as stack:
            is_wanted = stack.enter_context(_until_interrupted())
            on_written = _shown(one, on_progress)
            if wanted.report is not None:
                report = _report(stack, wanted, reports.headers_of(one))
                assert report is not None
                await report.add_earlier(reports.all_rows(store, account_id, one))
                refused = reports.refused_rows(store, account_id, one)
                await report.add_earlier(refused, refused=True)
                on_written = _also(on_written, report)
            run = Run(
                *(store, BatchingWriter.alone(store), account_id, holder),
                monotonic=time.monotonic,
                goes_on=is_wanted,
                on_written=on_written,
            )
            found = await _attempt(store, account_id, one, run)
        stopped = not is_wanted()
    if stopped and found.state is ImportState.RUNNING:
        found = await steps.stop(store, account_id, one.number)
    if wanted.as_json:
        typer.echo(json.dumps(import_machine(found)))
    else:
        rows = total(found.counts) - total(one.counts)
        typer.echo(done_text(found, rows, time.monotonic() - began))
    if found.state is not ImportState.DONE:
        sys.stderr.write(f"go on with: onelead import --resume {one.number}\n")
        return EXIT_INTERRUPTED if stopped else EXIT_FAILED
    return EXIT_FAILED if _is_refused(found.counts) else 0


async def _attempt(store: Store, account_id: int, one: FileImport, run: Run) -> FileImport:
    """Write the rows; an error is noted with the import, and says how to go on."""
    try:
        found = await run.run(one)
    except StoreUnavailable as error:
        raise _going_on(error.message, one) from error
    except OneleadError as error:
        await _note_failure(store, account_id, one, error.message)
        raise _going_on(error.message, one) from error
    except Exception:
        await _note_failure(store, account_id, one, DEFECT)
        raise
    return found or await store.file_import(account_id, one.number)


def _going_on(message: str, one: FileImport) -> NotPossible:
    return NotPossible(f"{message}; go on with: onelead import --resume {one.number}")


async def _note_failure(store: Store, account_id: int, one: FileImport, message: str) -> None:
    failed = ImportChange(state=ImportState.FAILED, message=message)
    with suppress(OneleadError):
        # It may have been stopped, or the database may be gone as well.
        running = (ImportState.RUNNING,)
        await store.change_import(account_id, one.number, failed, only_in=running)


@contextmanager
def _until_interrupted() -> Iterator[Callable[[], bool]]:
    """Give a block a question: whether nobody has ended it yet, by Ctrl-C or SIGTERM.

    The second time, the process ends at once.
    """
    loop, is_wanted = asyncio.get_running_loop(), True

    def stop() -> None:
        nonlocal is_wanted
        is_wanted = False
        forget()

    def forget() -> None:
        for one in _ENDINGS:
            loop.remove_signal_handler(one)

    for one in _ENDINGS:
        loop.add_signal_handler(one, stop)
    try:
        yield lambda: is_wanted
    finally:
        forget()


OnWritten = Callable[[Sequence[WrittenRow], Sequence[Receipt], Progress], None]


def _shown(one: FileImport, on_progress: OnProgress) -> OnWritten:
    """Return what shows the progress: rows, outcomes, rows a second, time left."""
    show = rows_shown(on_progress, one.row_count, total(one.counts))

    def on_written(
        _rows: Sequence[WrittenRow], _receipts: Sequence[Receipt], so_far: Progress
    ) -> None:
        show(total(so_far.counts), counts_text(so_far.counts))

    return on_written


def _also(show: OnWritten, report: Report) -> OnWritten:
    def on_written(
        rows: Sequence[WrittenRow], receipts: Sequence[Receipt], so_far: Progress
    ) -> None:
        report.add(rows, [one.result for one in receipts])
        show(rows, receipts, so_far)

    return on_written
