"""A ledger row in an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from onelead.contract.ledger import AccountLedgerRow
from onelead.contract.store import Store
from onelead.domain.acts.facts import DeliveryState
from onelead.domain.text import known_id
from onelead.domain.writes import LEAD, Kept, RowDetails
from onelead.incoming.delivery_states import delivery_states

_NO_DETAILS = RowDetails()


class KeptBody(Struct, frozen=True, gc=False):
    """A field that was not given a value, and why."""

    field: str
    reason: Annotated[
        str,
        Meta(
            description="`pinned`, `fill`, `newest`, `ranked`, `if_empty`, `other_value`; of an "
            "undo `changed`, `gone`, `claimed`."
        ),
    ]
    value: Annotated[Any, Meta(description="The value that was not taken.")]
    seq: Annotated[
        int | None, Meta(description="Of an undo: the ledger row that changed the field since.")
    ]
    lead_id: Annotated[
        int | None,
        Meta(description="Of the undo of a merge: the lead that stands again without the value."),
    ]


class LedgerRowBody(Struct, frozen=True, gc=False, kw_only=True):
    """One ledger row: who asked for what, and what it did."""

    seq: int
    date: int
    request_id: str
    #: `lead`, or what was changed of the settings.
    resource: str
    resource_id: int | None
    lead_id: Annotated[int | None, Meta(description="The lead that the row is filed under.")]
    action: str
    outcome: str
    version: int | None
    user_id: int | None
    api_key_id: int | None
    match: dict[str, Any] | None
    changes: Annotated[
        dict[str, Any] | None, Meta(description="By field, the old and the new value.")
    ]
    message: Annotated[str | None, Meta(description="Why the write was refused.")]
    payload: Annotated[
        Any | UnsetType,
        Meta(description="The delivery as it came; lists of the whole ledger leave it out."),
    ] = UNSET
    ignored: Sequence[str] | None
    shares: dict[str, Any] | None
    unread_bytes: int | None
    state: Annotated[
        str | None,
        Meta(description="Of a refused delivery: `open`, `applied` or `dismissed`."),
    ]
    about_seq: Annotated[
        int | None,
        Meta(description="The row that this one undid, applied, dismissed or reopened."),
    ]
    batch_id: str | None
    kept: Sequence[KeptBody]
    merged: Annotated[Sequence[int], Meta(description="The leads that became part of the lead.")]
    restored: Annotated[Sequence[int], Meta(description="The leads that stand again.")]
    pair: Annotated[
        Sequence[int] | None, Meta(description="The leads that are two persons, or are not.")
    ]
    via_id: Annotated[
        int | None, Meta(description="The id that was named; its lead had been merged.")
    ]
    observed_at: int | None
    erased: Annotated[
        dict[str, int | None] | None, Meta(description="When the row was erased, and by whom.")
    ]


async def row_bodies(
    store: Store, account_id: int, rows: Sequence[AccountLedgerRow], *, with_payload: bool
) -> list[LedgerRowBody]:
    """Show ledger rows, with what became of refused deliveries."""
    states = await delivery_states(store, account_id, rows)
    return [_row_body(row, states.get(row.seq), with_payload=with_payload) for row in rows]


def _row_body(
    row: AccountLedgerRow, state: DeliveryState | None, *, with_payload: bool
) -> LedgerRowBody:
    details = row.details or _NO_DETAILS
    payload: Any = UNSET
    if with_payload:
        payload = msgspec.json.decode(row.payload) if row.payload else None
    return LedgerRowBody(
        seq=row.seq,
        date=row.date,
        request_id=row.request_id,
        resource=row.resource,
        resource_id=row.resource_id,
        lead_id=row.resource_id if row.resource == LEAD else None,
        action=row.action,
        outcome=row.outcome,
        version=row.version,
        user_id=row.user_id,
        api_key_id=row.api_key_id,
        match=row.match,
        changes=row.changes,
        message=row.message,
        payload=payload,
        ignored=row.ignored,
        shares=row.shares,
        unread_bytes=row.unread_bytes,
        state=state.state if state else None,
        about_seq=row.about_seq,
        batch_id=row.batch_id,
        kept=kept_bodies(details.kept),
        merged=[lead.id for lead in details.merged],
        restored=[lead.id for lead in details.restored],
        pair=details.pair,
        via_id=details.via_id,
        observed_at=details.observed_at,
        erased=details.erased,
    )


def kept_bodies(kept: Mapping[str, Kept]) -> list[KeptBody]:
    """Show what was not taken, in order."""
    return [_kept_body(name, one) for name, one in kept.items()]


def _kept_body(name: str, kept: Kept) -> KeptBody:
    # Of a lead that stands again, the name begins with its id.
    start, _, rest = name.partition(".")
    lead_id = known_id(start)
    field = name if lead_id is None else rest
    return KeptBody(field, str(kept.reason), kept.value, kept.seq, lead_id)
