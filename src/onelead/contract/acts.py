"""The part of the storage contract about what people decided about ledger rows and leads.

`contract/store.py` states what holds for every method.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from onelead.domain.acts.facts import ActFact


class DistinctPair(NamedTuple):
    """Two leads that are two persons, in ascending order, and the ledger row that says so."""

    first_id: int
    second_id: int
    seq: int


class ActStore(Protocol):
    """Reads of acts."""

    async def acts_about(self, account_id: int, seqs: Collection[int]) -> dict[int, list[ActFact]]:
        """Return the rows about ledger rows, and those about these, by what they are about.

        Each list is ascending. `facts.undo_of` and `facts.delivery_state` read it. Rows that
        nothing is about are left out.
        """

    async def distinct_pairs(
        self, account_id: int, lead_ids: Collection[int]
    ) -> Sequence[DistinctPair]:
        """Return the pairs of these leads that are known to be two persons, in ascending order."""
