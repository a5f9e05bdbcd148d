"""Taking back what a ledger row did: the handler and its endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct
from starlette.responses import Response

from onelead.api.acts.ledger_rows import KeptBody, kept_bodies
from onelead.api.acts.writes import act, answered, path_number
from onelead.api.call import Call
from onelead.api.examples import ANSWERED_LEAD
from onelead.api.lead_writes import Done
from onelead.api.wire import LeadBody, lead_body
from onelead.domain.errors import (
    Erased,
    InputInvalid,
    Problem,
    UndoLosesChanges,
    UndoNotPossible,
)
from onelead.domain.writes import Action, KeptReason, LeadWrite, Outcome, RowDetails
from onelead.incoming.act_bodies import UndoRequest, undo_from


class UndoBody(Struct, frozen=True):
    """What an undo left."""

    seq: Annotated[int | None, Meta(description="Its ledger row; null in a dry run.")]
    lead_id: int | None
    lead: Annotated[LeadBody | None, Meta(description="The lead; null when it is gone.")]
    restored: Annotated[
        Sequence[int], Meta(description="The leads that stand again under their ids.")
    ]
    merged: Annotated[Sequence[int], Meta(description="The leads that are part of the lead again.")]
    kept: Annotated[
        Sequence[KeptBody], Meta(description="The fields that stay as they are, and why.")
    ]


async def undo_ledger_row(call: Call) -> Response:
    """Take back what a ledger row did.

    Of an update or a merge, each field goes back whose value is still the one that the row gave it;
    the others are listed under `kept`, with the row that changed them since. A created lead is
    deleted, a deleted one stands again, and so do leads that were merged. Where later changes of a
    lead would be lost, the call is refused unless `force` is true. An undo has a ledger row and can
    be undone. Undoing a row twice changes nothing.
    """
    seq = path_number(call, "seq")
    force, problems = undo_from(await call.json_object())
    write = LeadWrite(
        *(Action.UNDO, call.delivery()), problems=problems, about_seq=seq, force=force
    )
    return await answered(call, write, _shown)


def _shown(done: Done) -> UndoBody:
    result = done.result
    details = result.details or RowDetails()
    is_there = result.lead is not None and result.outcome is not Outcome.DELETED
    return UndoBody(
        seq=done.seq,
        lead_id=result.lead.id if result.lead else None,
        lead=lead_body(result.lead, done.settings) if result.lead and is_there else None,
        restored=[lead.id for lead in details.restored],
        merged=[lead.id for lead in details.merged],
        kept=kept_bodies(details.kept),
    )


_ID = ANSWERED_LEAD.id

ENDPOINTS = (
    act(
        *("POST", "/ledger/{seq}/undo", undo_ledger_row, "Ledger", UndoRequest, UndoBody),
        example={"force": True},
        answer=UndoBody(
            seq=24,
            lead_id=_ID,
            lead=ANSWERED_LEAD,
            restored=[],
            merged=[],
            kept=[KeptBody("title", KeptReason.CHANGED, "Buyer", 19, None)],
        ),
        sometimes=("ETag",),
        refusals=(
            InputInvalid(Problem("seq", "was refused: there is nothing to undo")),
            InputInvalid(Problem("seq", "is a change of the settings; undo it there")),
        ),
        errors=(
            UndoLosesChanges(
                f"Lead {_ID} was changed 2 times since, which would be lost; undo it with force"
            ),
            UndoNotPossible(f"Lead {_ID} was deleted; undo that first"),
            Erased(),
        ),
    ),
)
