"""`onelead erase`: shows what would go, asks, and erases."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
import typer

from onelead import app
from onelead.commands.options import (
    Account,
    AsJson,
    Database,
    chosen_account,
    print_result,
)
from onelead.commands.progress import OnProgress, shown_progress
from onelead.commands.running import configuration_from
from onelead.contract.erasures import Erasure, ErasureBy, ErasurePreview, ErasureRequest
from onelead.contract.store import Store
from onelead.domain.acts.erasure import ErasureState
from onelead.domain.errors import NotPossible
from onelead.domain.limits import ID_MAX

_COUNTED = {
    "leads": "leads",
    "merged_leads": "leads that were merged into them",
    "ledger_rows": "ledger rows of these leads",
    "refused_deliveries": "refused deliveries about the person",
    "idempotency_keys": "idempotency keys",
    "mentions": "rows of other leads that lost a match or an id",
}
_STATES = {
    ErasureState.HISTORY: "erasing the history",
    ErasureState.LEDGER: "searching the ledger",
    ErasureState.FILES: "cleaning the database's files",
    ErasureState.DONE: "done",
}


def erase(
    lead: Annotated[
        int | None, typer.Option(min=1, max=ID_MAX, metavar="ID", help="The lead's id.")
    ] = None,
    email: Annotated[
        str | None,
        typer.Option(metavar="EMAIL", help="The person's e-mail; finds all leads that have it."),
    ] = None,
    reason: Annotated[
        str,
        typer.Option(
            metavar="TEXT",
            help="Why, for the ledger; it stays, so it must not name the person.",
        ),
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would go, and erase nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; needed outside a terminal.")] = (
        False
    ),
    account: Account = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Erase a person: leads, history, and deliveries. It does not come back."""
    if (lead is None) == (email is None):
        raise typer.BadParameter("choose either --lead or --email")
    request = ErasureRequest(lead_id=lead, email=email)
    configuration = configuration_from(database=database)

    async def look(store: Store) -> ErasurePreview:
        account_id = (await chosen_account(store, account)).account_id
        return await store.preview_erasure(account_id, request)

    preview = app.on_store(configuration, look)
    if dry_run:
        print_result(_machine_preview(preview), _shown_preview(preview), as_json=as_json)
        return
    if not yes:
        _ask(preview)
    by = ErasureBy(request_id=secrets.token_hex(16), user_id=None, api_key_id=None, reason=reason)

    async def work(store: Store) -> Erasure:
        account_id = (await chosen_account(store, account)).account_id
        return await _erased(store, account_id, request, by, on_progress)

    with shown_progress("erasing") as on_progress:
        done = app.on_store(configuration, work)
    print_result(msgspec.to_builtins(done), _shown_counts(done.counts, "Erased:"), as_json=as_json)
    if not done.is_done:
        raise NotPossible(
            "everything is erased, but the database's files are in use and could not be cleaned "
            "yet; a running server does it, or run the command again"
        )


async def _erased(
    store: Store,
    account_id: int,
    request: ErasureRequest,
    by: ErasureBy,
    on_progress: OnProgress,
) -> Erasure:
    """Begin an erasure, and do all of its steps; earlier ones that were cut off come first."""
    begun = await store.begin_erasure(account_id, request, by)
    on_progress(_line(begun))
    while await store.erase_step(account_id):
        on_progress(_line(await store.erasure(account_id, begun.id)))
    return await store.erasure(account_id, begun.id)


def _ask(preview: ErasurePreview) -> None:
    """Ask on a terminal. Raises NotPossible."""
    if not sys.stdin.isatty():
        raise typer.BadParameter("add --yes to erase without being asked, or --dry-run to look")
    typer.echo(_shown_preview(preview), err=True)
    if not typer.confirm("Erase it? It does not come back.", err=True):
        raise NotPossible("nothing was erased")


def _machine_preview(preview: ErasurePreview) -> dict[str, Any]:
    return {
        "lead_ids": list(preview.lead_ids),
        "merged_ids": list(preview.merged_ids),
        "sharing_ids": list(preview.sharing_ids),
        "counts": dict(preview.counts),
        "is_partial": preview.is_partial,
    }


def _shown_preview(preview: ErasurePreview) -> str:
    lines = [_shown_counts(preview.counts, "This would be erased:")]
    if preview.lead_ids:
        lines.append(f"Leads: {_listed(preview.lead_ids)}")
    if preview.merged_ids:
        lines.append(f"Merged into them: {_listed(preview.merged_ids)}")
    if preview.sharing_ids:
        lines.append(f"These leads have the same e-mail and stay: {_listed(preview.sharing_ids)}")
    if preview.is_partial:
        lines.append("Only the newest ledger rows were searched; the erasure searches all.")
    return "\n".join(lines)


def _listed(ids: Any) -> str:
    return ", ".join(map(str, ids))


def _shown_counts(counts: Mapping[str, int], title: str) -> str:
    rows = [f"  {count:>7,}  {_COUNTED[name]}" for name, count in counts.items()]
    return "\n".join([title, *rows])


def _line(now: Erasure) -> str:
    text = f"erasure {now.id}: {_STATES[ErasureState(now.state)]}"
    if now.state == ErasureState.LEDGER:
        text += f", {now.searched_rows:,} of {now.seq:,} rows"
    return text
