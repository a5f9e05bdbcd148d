"""The pages of a batch: what it did, its undo, and how far that is."""

from __future__ import annotations

from starlette.responses import Response

from onelead.contract.batches import BatchOverview, UndoOrder
from onelead.domain.limits import LEDGER_SLICE_ROWS
from onelead.domain.text import isolated, known_id
from onelead.incoming.batch_ids import required_batch_id
from onelead.process.batch_undo_work import preview_undo
from onelead.web.frame.pages import Page
from onelead.web.frame.rendering import exact
from onelead.web.frame.visit import Visit
from onelead.web.words.ledger_lines import (
    ApiKeyLabels,
    api_key_labels,
    ignored_labels,
    reason_text,
)

_TITLES = {
    "bulk_call": "Bulk call",
    "import": "Import of a file",
    "bulk_change": "Bulk change",
    "command": "Command",
    "undo": "Undo",
}
#: Why undos are refused, by the code of the error.
_REFUSALS = {
    "undo_loses_changes": "were changed since, and would lose that",
    "undo_not_possible": "need something else to be undone first",
    "erased": "were erased",
}


async def batch_page(visit: Visit) -> Response:
    """Show a batch: how many writes did what, and a result for each."""
    batch = await _batch(visit)
    after = known_id(visit.query("after")) or 0
    limit = LEDGER_SLICE_ROWS
    found = await visit.store.batch_results(
        visit.account_id, batch.id, after=after, limit=limit + 1
    )
    results = found[:limit]
    labels = api_key_labels(await visit.store.api_keys(visit.account_id))
    return visit.page(
        "batches/batch.html",
        title=_TITLES[batch.kind],
        batch=batch,
        by=_by(visit, batch, labels),
        begun=exact(batch.date, visit.settings.zone),
        # A batch of undos shows its own progress, any other that of its undo.
        undo=batch.undoes or batch.undo,
        file_import=await visit.store.import_of_batch(visit.account_id, batch.id),
        results=results,
        kept={result.seq: ignored_labels(result.kept, visit.settings) for result in results},
        reason_text=reason_text,
        is_first=after == 0,
        next_after=results[-1].seq if len(found) > limit else None,
    )


async def _batch(visit: Visit) -> BatchOverview:
    """Read the batch that the path names. Raises ResourceNotFound."""
    batch_id = required_batch_id(visit.request.path_params["id"])
    return await visit.store.batch(visit.account_id, batch_id)


def _by(visit: Visit, batch: BatchOverview, labels: ApiKeyLabels) -> str:
    if batch.user_id is None:
        return "the command line"
    user = visit.settings.users_by_id.get(batch.user_id)
    name = isolated(user.name) if user else f"user {batch.user_id}"
    if batch.api_key_id is None:
        return name
    return f"{name}, {labels.get(batch.api_key_id) or f'API key {batch.api_key_id}'}"


async def ask_undo(visit: Visit) -> Response:
    """Show what undoing a batch would do."""
    batch = await _batch(visit)
    plain, forced = [
        await preview_undo(visit.store, visit.account_id, batch.id, force=force)
        for force in (False, True)
    ]
    return visit.page(
        "batches/undo.html",
        title=_TITLES[batch.kind].lower(),
        batch=batch,
        preview=plain,
        refusals=[
            (count, _REFUSALS.get(code, "cannot be undone"))
            for code, count in plain.refusals.items()
        ],
        # Force helps only where it would undo more.
        can_force=forced.refusals != plain.refusals,
    )


async def undo(visit: Visit) -> Response:
    """Begin the undo of a batch, and lead to its page."""
    batch_id = required_batch_id(visit.request.path_params["id"])
    force = (await visit.form()).has("force")
    user_id = visit.signed_in.user.id
    order = UndoOrder(visit.line.request_id, batch_id, force, user_id, api_key_id=None)
    begun = await visit.store.begin_undo(visit.account_id, order)
    visit.runtime.undo_begun()
    return visit.redirect(f"/batches/{begun.id}")


PAGES = (
    Page("GET", "/batches/{id}", batch_page),
    Page("GET", "/batches/{id}/undo", ask_undo),
    Page("POST", "/batches/{id}/undo", undo),
)
