"""Reads acts from their ledger rows, as the API read them from what clients sent."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import structs

from onelead.contract.ledger import LedgerEntry, RowExtras
from onelead.domain.writes import (
    DELIVERED,
    Action,
    Delivery,
    LeadEdit,
    LeadWrite,
    ValueToAdd,
)
from onelead.incoming.act_bodies import merge_from, pair_from, ruling_from, undo_from
from onelead.prove.operations import read_lead_write


def read_act(
    entry: LedgerEntry, extras: RowExtras, via_id: int | None, delivery: Delivery
) -> LeadWrite:
    """Return the act that a row records.

    `delivery` is where it came from, `via_id` the merged lead that it named.
    """
    action = Action(entry.action)
    body: dict[str, Any] = msgspec.json.decode(entry.payload) if entry.payload else {}
    if action in DELIVERED:
        if extras.about_seq is not None:
            return _replay(entry, extras.about_seq, via_id, delivery)
        return _ruling(body, delivery)
    write = LeadWrite(action, delivery, about_seq=extras.about_seq)
    if action is Action.MERGE:
        merge, problems = merge_from(body)
        return structs.replace(write, lead_id=entry.resource_id, merge=merge, problems=problems)
    if action is Action.UNDO:
        force, problems = undo_from(body)
        return structs.replace(write, force=force, problems=problems)
    if action is Action.SEPARATE:
        pair, problems = pair_from(body)
        return structs.replace(write, pair=pair, problems=problems)
    return write


def _ruling(body: dict[str, Any], delivery: Delivery) -> LeadWrite:
    ruling, problems = ruling_from(body)
    assert ruling is not None
    edit = LeadEdit(add_values=(ValueToAdd(ruling.match, claims=True),))
    return LeadWrite(Action.UPDATE, delivery, ruling.lead_id, edit=edit, problems=problems)


def _replay(
    entry: LedgerEntry, about_seq: int, via_id: int | None, delivery: Delivery
) -> LeadWrite:
    """Return a delivery that was applied later: to a lead if its row says nothing of a match."""
    write = read_lead_write(Action(entry.action), None, entry.payload, delivery=delivery)
    lead_id = (via_id or entry.resource_id) if entry.match is None else None
    return structs.replace(write, about_seq=about_seq, lead_id=lead_id)
