"""The part of the storage contract about figures: counts folded from the ledger.

The figures follow the ledger a moment later, row by row and in order, and could be rebuilt from
it. `contract/store.py` states what holds for every method.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct

from onelead.domain.figures import Grouping
from onelead.domain.limits import FIGURE_FAR_BEHIND_ROWS


class HourFigure(NamedTuple):
    """How many deliveries a value had in the hour that begins at `hour` (Unix seconds)."""

    hour: int
    value: str
    deliveries: int


class DayFigure(NamedTuple):
    """How many deliveries a value had on a local day; `day` counts from 1 January 1970."""

    day: int
    value: str
    deliveries: int


class ValueFigure(NamedTuple):
    """How many deliveries a value had in all, and the last hour in which it had any."""

    value: str
    deliveries: int
    last_hour: int


class ManyNames(NamedTuple):
    """A lead that deliveries gave several different names in the hour that begins at `hour`."""

    lead_id: int
    hour: int
    names: int


class Division(Struct, frozen=True):
    """How to group deliveries, and the values to return: see `HourKey`."""

    grouping: Grouping
    values: Sequence[str]


class CallerFigure(NamedTuple):
    """How many deliveries of a caller had an outcome; an id is 0 for none."""

    user_id: int
    api_key_id: int
    outcome: str
    deliveries: int


class FoldState(Struct, frozen=True, gc=False):
    """How far an account's ledger is folded, and how many leads the account has now."""

    folded_seq: int
    ledger_seq: int
    #: When the last folded row was written; None before the first.
    folded_until: int | None
    lead_count: int

    @property
    def rows_behind(self) -> int:
        """How many rows are still to be folded."""
        return self.ledger_seq - self.folded_seq

    @property
    def is_far_behind(self) -> bool:
        """Whether pages have to say that they are still counting, as after an import."""
        return self.rows_behind > FIGURE_FAR_BEHIND_ROWS


class SharedValue(NamedTuple):
    """A value of a match key that several leads have."""

    value: str
    #: How many, up to the number of match keys that a step reads.
    leads: int


class SharedValues(Struct, frozen=True, gc=False):
    """What one step of a scan through a field's match keys found."""

    #: Ascending by value.
    values: Sequence[SharedValue]
    #: The next step begins after this value; None when this was the last step.
    next_after: str | None
    #: How many match keys this step passed.
    passed: int


#: How many leads have a value, by field as changes name it, then by value as text; no zeros.
LeadFigures = Mapping[str, Mapping[str, int]]


class FigureStore(Protocol):
    """Counts of deliveries and of leads."""

    async def accounts_behind(self) -> Sequence[int]:
        """Return the accounts with ledger rows that are not folded yet."""

    async def fold_ledger(self, account_id: int) -> bool:
        """Fold the next FIGURE_CHUNK_ROWS rows at most; True when there may be more.

        Each row is folded exactly once, even when several processes fold at the same time: the
        slower ones write nothing and return False.
        """

    async def fold_state(self, account_id: int) -> FoldState:
        """Return how far the ledger is folded. Raises ResourceNotFound."""

    async def deliveries_by_hour(
        self, account_id: int, division: Division, since: int, until: int
    ) -> Sequence[HourFigure]:
        """Return deliveries by value and hour, of hours that begin in [since, until).

        `since` and `until` are Unix seconds. In no order; an hour in which a value had no
        deliveries has no figure.
        """

    async def deliveries_by_day(
        self, account_id: int, division: Division, since: int, until: int, *, ahead_s: int
    ) -> Sequence[DayFigure]:
        """Return the same by day, in a zone whose clocks are `ahead_s` ahead of UTC."""

    async def deliveries_by_value(
        self, account_id: int, division: Division, since: int, until: int
    ) -> Sequence[ValueFigure]:
        """Return the same for the whole period; a value without deliveries has no figure."""

    async def deliveries_by_start(
        self, account_id: int, grouping: Grouping, start: str, since: int, until: int
    ) -> Sequence[ValueFigure]:
        """Return the same for all values of a grouping that begin with a text, or for all."""

    async def leads_with_many_names(
        self, account_id: int, since: int, more_than: int
    ) -> Sequence[ManyNames]:
        """Return the leads that were given more than so many different names within an hour.

        Only names that changed the lead count, by hours that begin at `since` (Unix seconds) or
        later; most names first. A lead has one row for each such hour.
        """

    async def deliveries_by_caller(
        self, account_id: int, since: int, until: int
    ) -> Sequence[CallerFigure]:
        """Return the same by caller and outcome."""

    async def lead_figures(
        self, account_id: int, *, fields: Collection[str] = (), value: str | None = None
    ) -> LeadFigures:
        """Return how many leads have each value, of the named fields or else of all.

        `value` asks for that value only; the empty text stands for any value of a custom field.
        """

    async def shared_values(
        self, account_id: int, key_field: str, *, after: str, limit: int
    ) -> SharedValues:
        """Return the values that more than one lead has among the next `limit` match keys.

        A scan begins after the empty text. A value at the end of a step is left to the next step
        as a whole, unless it fills the step.
        """
