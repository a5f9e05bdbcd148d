"""`onelead replay --open`: applies the refused deliveries that nobody has decided about."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
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
from onelead.contract.ledger import AccountLedgerRow
from onelead.contract.store import Store
from onelead.domain.account import AccountSettings
from onelead.domain.errors import InputInvalid, OneleadError
from onelead.domain.limits import PAGE_SIZE_MAX, UNDO_CHUNK_ROWS
from onelead.domain.matching import Match, MatchKey, checked_match
from onelead.domain.writes import Delivery, LeadWrite, Outcome, WriteResult
from onelead.incoming.stored_delivery import replay_write
from onelead.process.writer import BatchingWriter

_EXIT_REFUSED = 1


class Replayed(Struct, frozen=True, kw_only=True):
    """What became of the open deliveries, or would."""

    #: None for a dry run: otherwise the batch that undoes it all.
    batch_id: str | None
    deliveries: int
    outcomes: dict[str, int]
    #: Why deliveries were refused again, and how many for each reason.
    refusals: dict[str, int]


def replay(
    is_open: Annotated[
        bool, typer.Option("--open", help="All refused deliveries that are still open.")
    ] = False,
    match: Annotated[
        str | None,
        typer.Option(
            metavar="FIELD=VALUE",
            help="Only those that looked for this value: of name, email, or a custom field's id.",
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen, and do nothing.")
    ] = False,
    account: Account = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Apply refused deliveries again, each group oldest first, even while a server runs."""
    if not is_open:
        raise typer.BadParameter("say which deliveries: --open")
    wanted = None if match is None else _match_from(match)
    with shown_progress("replaying") as on_progress:
        done = app.on_store(
            configuration_from(database=database),
            lambda store: _replay(store, account, wanted, limit, dry_run, on_progress),
        )
    print_result(msgspec.to_builtins(done), _text(done), as_json=as_json)
    if done.outcomes.get(Outcome.REFUSED):
        raise typer.Exit(_EXIT_REFUSED)


def _match_from(text: str) -> Match:
    """Read `email=nora@field.example` or `1000000010=K-2041`."""
    field, equals, value = text.partition("=")
    field = field.strip()
    if not equals or not value.strip():
        raise typer.BadParameter(f"{text!r} is not FIELD=VALUE, such as email=nora@field.example")
    if field.isascii() and field.isdecimal():
        return Match("custom", {"custom_field_definition_id": int(field), "value": value})
    return Match(field, value)


async def _replay(
    store: Store,
    account: int | None,
    wanted: Match | None,
    limit: int | None,
    dry_run: bool,
    on_progress: OnProgress,
) -> Replayed:
    """Apply the open deliveries in chunks. Raises InputInvalid for a match that cannot be."""
    settings = await chosen_account(store, account)
    # Without a server, nobody else keeps the queue up to date.
    while await store.fold_ledger(settings.account_id):
        pass
    key = None if wanted is None else checked_match(wanted, settings).key
    batch_id = secrets.token_hex(16)
    writer = BatchingWriter(store)
    outcomes, refusals = Counter[str](), Counter[str]()
    left = limit
    async for rows in _open(store, settings.account_id):
        found = [_read(row, batch_id) for row in rows]
        if key is not None:
            found = [one for one in found if _looks_for(one, key, settings)]
        found = found[:left]
        for refusal, outcome in await _results(store, writer, settings.account_id, found, dry_run):
            outcomes[outcome] += 1
            if refusal is not None:
                refusals[refusal.code] += 1
        on_progress(f"{outcomes.total():,} deliveries{'' if dry_run else f', as batch {batch_id}'}")
        left = None if left is None else left - len(found)
        if left == 0:
            break
    return Replayed(
        batch_id=None if dry_run else batch_id,
        deliveries=outcomes.total(),
        outcomes=dict(outcomes),
        refusals=dict(refusals),
    )


def _read(row: AccountLedgerRow, batch_id: str) -> LeadWrite | OneleadError:
    """Return the write that applies a delivery, or why there is none; then it stays open."""
    try:
        return replay_write(row, Delivery(batch_id, None, None, "", batch_id=batch_id))
    except OneleadError as error:
        return error


def _looks_for(found: LeadWrite | OneleadError, key: MatchKey, settings: AccountSettings) -> bool:
    """Return whether a delivery looks for a lead by a value."""
    if isinstance(found, OneleadError):
        return False
    steps = [one for step in found.match_steps for one in step]
    for match in (found.match, *steps):
        with suppress(InputInvalid):
            if match is not None and checked_match(match, settings).key == key:
                return True
    return False


async def _results(
    store: Store,
    writer: BatchingWriter,
    account_id: int,
    found: Sequence[LeadWrite | OneleadError],
    dry_run: bool,
) -> list[tuple[OneleadError | None, str]]:
    """Write what can be written, and return each refusal and outcome; in no order."""
    writes = [one for one in found if isinstance(one, LeadWrite)]
    results: Sequence[WriteResult] = []
    if writes and dry_run:
        results = (await store.plan_writes(account_id, writes)).results
    elif writes:
        results = [one.result for one in await writer.write_many(account_id, writes)]
    refused = [one for one in found if isinstance(one, OneleadError)]
    return [
        *((error, Outcome.REFUSED.value) for error in refused),
        *((result.refusal, result.outcome.value) for result in results),
    ]


async def _open(store: Store, account_id: int) -> AsyncIterator[Sequence[AccountLedgerRow]]:
    """Yield the open deliveries in chunks: group by group, each oldest first."""
    before: int | None = None
    while True:
        page = await store.open_groups(account_id, before=before, limit=PAGE_SIZE_MAX)
        for group in page.groups:
            after = 0
            # A delivery that is refused again stays in the group, and one that comes now waits.
            while rows := await store.deliveries_of_group(
                *(account_id, group.key),
                after=after,
                until=group.newest_seq,
                limit=UNDO_CHUNK_ROWS,
            ):
                yield rows
                after = rows[-1].seq
        if page.next_before is None:
            return
        before = page.next_before


def _text(done: Replayed) -> str:
    verb = "Would replay" if done.batch_id is None else "Replayed"
    noun = "delivery" if done.deliveries == 1 else "deliveries"
    lines = [f"{verb} {done.deliveries:,} open {noun}:" if done.outcomes else "Nothing is open."]
    lines += outcome_lines(done.outcomes, done.refusals)
    if done.batch_id is not None and done.outcomes.keys() - {Outcome.REFUSED}:
        lines.append(f"Undo it all with: onelead undo --batch {done.batch_id}")
    return "\n".join(lines)
