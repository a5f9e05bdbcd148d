"""The part of the storage contract about what people decided, and what still waits for them.

`contract/store.py` states what holds for every method.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct

from onelead.contract.acts import DistinctPair
from onelead.domain.account import AccountSettings
from onelead.domain.lead import Lead


class Ruling(NamedTuple):
    """A value by which deliveries mean one lead."""

    lead: Lead
    #: Of the value among the lead's other values.
    value_id: int


class RulingPage(Struct, frozen=True, gc=False):
    """One page of rulings."""

    rulings: Sequence[Ruling]
    total: int
    settings: AccountSettings


class DistinctPage(Struct, frozen=True, gc=False):
    """One page of pairs of leads that are two persons, those that were said last first."""

    #: With the leads that stand for merged ones.
    pairs: Sequence[DistinctPair]
    total: int


class DecisionStore(Protocol):
    """Reads of decisions about leads."""

    async def rulings(self, account_id: int, *, offset: int, limit: int) -> RulingPage:
        """Return the rulings that are in effect, ascending by lead.

        A ruling on a value of a custom field that is not included in filters has no effect.
        """

    async def lead_of_value(self, account_id: int, value_id: int) -> int:
        """Return the lead that has another value with an id. Raises ResourceNotFound."""

    async def distinct_page(
        self, account_id: int, lead_id: int | None, *, offset: int, limit: int
    ) -> DistinctPage:
        """Return pairs of leads that are two persons: all, or those of a lead.

        A pair of leads that were merged into one is left out.
        """

    async def pairs_between(
        self, account_id: int, one_id: int, other_id: int
    ) -> Sequence[DistinctPair]:
        """Return the pairs, as they were said, of two leads and of all merged into them."""

    async def waiting_deliveries(self, account_id: int, lead_ids: Collection[int]) -> int:
        """Return how many open refused deliveries named one of the leads, or one merged into it.

        Those in rows that are not folded yet are left out.
        """
