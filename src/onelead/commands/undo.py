"""`onelead undo`: takes back what a ledger row did, or all that a batch did."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated

import msgspec
import typer
from msgspec import Struct

from onelead import app
from onelead.commands.options import (
    Account,
    AsJson,
    Database,
    chosen_account,
    print_result,
)
from onelead.commands.progress import OnProgress, outcome_lines, shown_progress
from onelead.commands.running import configuration_from
from onelead.configuration import Configuration
from onelead.contract.batches import BatchResult, BatchUndo, UndoOrder
from onelead.contract.store import Store
from onelead.domain.limits import ID_MAX, LEDGER_SLICE_ROWS, RETRY_AFTER_S
from onelead.domain.text import as_one_line
from onelead.domain.writes import Action, Delivery, LeadWrite, Outcome, WriteResult
from onelead.incoming.batch_ids import required_batch_id
from onelead.process.batch_undo_work import BatchUndoer, UndoPreview, preview_undo
from onelead.process.writer import BatchingWriter

_EXIT_REFUSED = 1
#: So many rows that were left are named, and so many of them to people.
_LEFT_MAX, _LEFT_SHOWN = 1_000, 20

Force = Annotated[bool, typer.Option("--force", help="Undo even what loses later changes.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and do nothing.")]


class UndoneRow(Struct, frozen=True, kw_only=True):
    """What the undo of one ledger row did, or would do."""

    about_seq: int
    #: Its own ledger row; None for a dry run.
    seq: int | None
    outcome: str
    lead_id: int | None
    #: The fields that it changed back, and those that stayed.
    changed: tuple[str, ...]
    kept: tuple[str, ...]


class LeftRow(Struct, frozen=True, kw_only=True):
    """A row of a batch that was not, or not wholly, taken back."""

    about_seq: int | None
    lead_id: int | None
    #: The fields that stay as others have changed them since.
    kept: tuple[str, ...]
    why: str | None


class UndoneBatch(Struct, frozen=True, kw_only=True):
    """What the undo of a batch did."""

    batch_id: str
    about_batch_id: str
    rows: int
    outcomes: Mapping[str, int]
    #: The first of them, and how many there are.
    left: tuple[LeftRow, ...]
    left_count: int


def undo(
    seq: Annotated[
        int | None,
        typer.Argument(metavar="SEQ", min=1, max=ID_MAX, help="The ledger row, by its number."),
    ] = None,
    batch: Annotated[
        str | None, typer.Option(metavar="ID", help="Undo all rows of a batch instead.")
    ] = None,
    force: Force = False,
    dry_run: DryRun = False,
    account: Account = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Undo what a ledger row did, or a whole batch, even while a server runs."""
    if (seq is None) is (batch is None):
        raise typer.BadParameter("give the number of a ledger row, or --batch and an id")
    configuration = configuration_from(database=database)
    if seq is not None:
        row = app.on_store(configuration, lambda store: _row(store, account, seq, force, dry_run))
        print_result(msgspec.to_builtins(row), _row_text(row), as_json=as_json)
        return
    undo_of_batch(configuration, account, required_batch_id(batch or ""), force, dry_run, as_json)


def undo_of_batch(
    configuration: Configuration,
    account: int | None,
    about_id: str,
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Undo a batch, or say what that would do, and print it."""
    if dry_run:
        preview = app.on_store(
            configuration, lambda store: _preview(store, account, about_id, force)
        )
        print_result(msgspec.to_builtins(preview), _preview_text(preview), as_json=as_json)
        return
    with shown_progress("undoing") as on_progress:
        done = app.on_store(
            configuration, lambda store: _batch(store, account, about_id, force, on_progress)
        )
    print_result(msgspec.to_builtins(done), _batch_text(done), as_json=as_json)
    if done.outcomes.get(Outcome.REFUSED):
        raise typer.Exit(_EXIT_REFUSED)


async def _row(
    store: Store, account: int | None, seq: int, force: bool, dry_run: bool
) -> UndoneRow:
    """Undo one row. Raises what the undo was refused with."""
    account_id = (await chosen_account(store, account)).account_id
    payload = '{"force":true}' if force else ""
    delivery = Delivery(secrets.token_hex(16), None, None, payload)
    write = LeadWrite(Action.UNDO, delivery, about_seq=seq, force=force)
    if dry_run:
        result, own_seq = (await store.plan_write(account_id, write)).result, None
    else:
        receipt = await BatchingWriter(store).write(account_id, write)
        result, own_seq = receipt.result, receipt.seq
    if result.refusal is not None:
        raise result.refusal
    return _undone_row(seq, own_seq, result)


def _undone_row(about_seq: int, seq: int | None, result: WriteResult) -> UndoneRow:
    return UndoneRow(
        about_seq=about_seq,
        seq=seq,
        outcome=result.outcome,
        lead_id=result.lead.id if result.lead else None,
        changed=tuple(result.changes),
        kept=tuple(result.details.kept) if result.details else (),
    )


def _row_text(row: UndoneRow) -> str:
    of_lead = f"lead {row.lead_id} " if row.lead_id else ""
    if row.seq is None:
        lines = [f"Undoing ledger row {row.about_seq} would be: {of_lead}{row.outcome}."]
    else:
        lines = [f"Ledger row {row.about_seq} is undone by row {row.seq}: {of_lead}{row.outcome}."]
    if row.outcome == Outcome.UPDATED:
        lines.append(f"  Changed back  {', '.join(row.changed)}")
    if row.kept:
        lines.append(f"  Kept          {', '.join(row.kept)}")
    return "\n".join(lines)


async def _preview(store: Store, account: int | None, about_id: str, force: bool) -> UndoPreview:
    account_id = (await chosen_account(store, account)).account_id
    return await preview_undo(store, account_id, about_id, force=force)


def _preview_text(preview: UndoPreview) -> str:
    if not preview.rows:
        return "Nothing is left to undo."
    sample = f"the newest {preview.planned:,}, as a sample"
    of = "all of them" if preview.planned == preview.rows else sample
    lines = [
        f"{preview.rows:,} ledger rows would be undone, the newest first. Of {of}:",
        *outcome_lines(preview.outcomes, preview.refusals),
    ]
    if preview.kept:
        lines.append(f"  {preview.kept:,} would keep values that were changed since")
    return "\n".join(lines)


async def _batch(
    store: Store, account: int | None, about_id: str, force: bool, on_progress: OnProgress
) -> UndoneBatch:
    """Undo a batch, together with what else is at it, and return what was done."""
    account_id = (await chosen_account(store, account)).account_id
    order = UndoOrder(secrets.token_hex(16), about_id, force, user_id=None, api_key_id=None)
    undo = await store.begin_undo(account_id, order)
    undoer = BatchUndoer(store, BatchingWriter(store), order.id, _a_rest())
    while undo.date_done is None:
        on_progress(f"{undo.rows_done:,} of {undo.rows:,} ledger rows, as batch {undo.id}")
        if not await undoer.step(account_id):
            # A server is at it.
            await asyncio.sleep(RETRY_AFTER_S)
        batch = await store.batch(account_id, undo.id)
        assert batch.undoes is not None
        undo = batch.undoes
    return await _undone_batch(store, account_id, undo)


async def _undone_batch(store: Store, account_id: int, undo: BatchUndo) -> UndoneBatch:
    """Look through the results for what was left."""
    left: list[LeftRow] = []
    after = count = 0
    while rows := await store.batch_results(
        account_id, undo.id, after=after, limit=LEDGER_SLICE_ROWS
    ):
        for row in rows:
            if row.kept or row.outcome == Outcome.REFUSED:
                count += 1
                if len(left) < _LEFT_MAX:
                    left.append(_left_row(row))
        after = rows[-1].seq
    batch = await store.batch(account_id, undo.id)
    return UndoneBatch(
        batch_id=undo.id,
        about_batch_id=undo.about_id,
        rows=undo.rows,
        outcomes=batch.outcomes,
        left=tuple(left),
        left_count=count,
    )


def _left_row(row: BatchResult) -> LeftRow:
    return LeftRow(
        about_seq=row.about_seq, lead_id=row.lead_id, kept=tuple(row.kept), why=row.message
    )


def _a_rest() -> Callable[[], Awaitable[bool]]:
    """Return a rest after each chunk that is as long as the chunk took: a server may run beside."""
    began = time.monotonic()

    async def rest() -> bool:
        nonlocal began
        await asyncio.sleep(time.monotonic() - began)
        began = time.monotonic()
        return True

    return rest


def _batch_text(done: UndoneBatch) -> str:
    lines = [f"Batch {done.about_batch_id} is undone by batch {done.batch_id}:"]
    lines += outcome_lines(done.outcomes) or ["  nothing was left to undo"]
    if done.left:
        lines.append("Left as others have changed them since, or refused:")
        lines += [_left_text(row) for row in done.left[:_LEFT_SHOWN]]
        if done.left_count > _LEFT_SHOWN:
            lines.append(f"  and {done.left_count - _LEFT_SHOWN:,} more, on the batch's page")
    if done.outcomes.get(Outcome.REFUSED):
        again = f"onelead undo --batch {done.about_batch_id} --force"
        lines.append(f"Undo even what loses later changes with: {again}")
    return "\n".join(lines)


def _left_text(row: LeftRow) -> str:
    if row.why:
        return f"  ledger row {row.about_seq}: {as_one_line(row.why)}"
    return f"  lead {row.lead_id} keeps {', '.join(row.kept)}"
