"""What became of refused deliveries, for both front ends.

The acts about them count at once; whether another delivery replaced them is folded a moment later.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from onelead.contract.ledger import AccountLedgerRow
from onelead.contract.store import Store
from onelead.domain.acts.facts import DeliveryState, delivery_state, unless_replaced
from onelead.domain.acts.queue import is_refused_delivery
from onelead.domain.writes import LEAD


async def delivery_states(
    store: Store, account_id: int, rows: Iterable[AccountLedgerRow]
) -> Mapping[int, DeliveryState]:
    """Return what became of the refused deliveries among ledger rows, by number."""
    seqs = [row.seq for row in rows if row.resource == LEAD and is_refused_delivery(row)]
    return await states_of(store, account_id, seqs) if seqs else {}


async def states_of(
    store: Store, account_id: int, seqs: Collection[int]
) -> Mapping[int, DeliveryState]:
    """Return the same of rows that are known to be refused deliveries."""
    folded = await store.refused_deliveries(account_id, seqs)
    replaced = {seq: one.replaced_seq for seq, one in folded.items()}
    acts = await store.acts_about(account_id, seqs)
    return {seq: unless_replaced(delivery_state(acts, seq), replaced.get(seq)) for seq in seqs}
