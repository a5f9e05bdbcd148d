"""The part of the storage contract about figures: what is folded from the ledger.

The figures follow the ledger a moment later, row by row and in order. They could be made again
from it. `contract/store.py` says what holds for every method.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct

from onelead.domain.figures import Grouping
from onelead.domain.limits import FIGURE_FAR_BEHIND_ROWS


class HourFigure(NamedTuple):
    """How many deliveries one value had in an hour, which begins at `hour` (Unix seconds)."""

    hour: int
    value: str
    deliveries: int


class DayFigure(NamedTuple):
    """How many deliveries one value had on a local day; `day` counts from 1 January 1970."""

    day: int
    value: str
    deliveries: int


class ValueFigure(NamedTuple):
    """How many deliveries one value had in all, and the last hour in which it had any."""

    value: str
    deliveries: int
    last_hour: int


class Division(Struct, frozen=True):
    """By what deliveries are counted, and the values that are wanted of it: see `HourKey`."""

    grouping: Grouping
    values: Sequence[str]


class CallerFigure(NamedTuple):
    """How many deliveries of one caller did one thing; an id is 0 where there is none."""

    user_id: int
    api_key_id: int
    outcome: str
    deliveries: int


class FoldState(Struct, frozen=True, gc=False):
    """How far the ledger of an account is folded, and how many leads the account has now."""

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
    """A match key's value that several leads have."""

    value: str
    #: How many; of a value that fills a whole step, as many as the step looked at.
    leads: int


class SharedValues(Struct, frozen=True, gc=False):
    """What one step of a walk through a field's match keys found."""

    #: Ascending by value.
    values: Sequence[SharedValue]
    #: After which value the next step begins; None when this was the last one.
    next_after: str | None
    #: How many keys lie behind.
    passed: int


#: By field as changes name it, then by value as text, how many leads have it; none is left out.
LeadFigures = Mapping[str, Mapping[str, int]]


class FigureStore(Protocol):
    """Counts of deliveries and of leads."""

    async def accounts_behind(self) -> Sequence[int]:
        """Return the accounts that have ledger rows which are not folded yet."""

    async def fold_ledger(self, account_id: int) -> bool:
        """Fold the next FIGURE_CHUNK_ROWS rows at most; True when there may be more.

        Each row is folded exactly once, also when several processes do so at once: who was
        slower wrote nothing, and has False for an answer.
        """

    async def fold_state(self, account_id: int) -> FoldState:
        """Return how far the ledger is folded. Raises ResourceNotFound."""

    async def deliveries_by_hour(
        self, account_id: int, division: Division, since: int, until: int
    ) -> Sequence[HourFigure]:
        """Return the lead writes of the hours that begin in [since, until), Unix seconds.

        In no order; an hour in which a value had none has no figure.
        """

    async def deliveries_by_day(
        self, account_id: int, division: Division, since: int, until: int, *, ahead_s: int
    ) -> Sequence[DayFigure]:
        """Return the same by the days of a zone whose clocks are `ahead_s` ahead of UTC."""

    async def deliveries_by_value(
        self, account_id: int, division: Division, since: int, until: int
    ) -> Sequence[ValueFigure]:
        """Return the same for the whole time; a value that had none has no figure."""

    async def deliveries_by_caller(
        self, account_id: int, since: int, until: int
    ) -> Sequence[CallerFigure]:
        """Return the same by who delivered and by outcome."""

    async def lead_figures(
        self, account_id: int, *, fields: Collection[str] = (), value: str | None = None
    ) -> LeadFigures:
        """Return how many leads have a value: of some fields, or of all when none is named.

        `value` asks for one only; the empty text of a custom field counts any value.
        """

    async def shared_values(
        self, account_id: int, key_field: str, *, after: str, limit: int
    ) -> SharedValues:
        """Return the values that more than one lead has among the next `limit` match keys.

        The walk begins after the empty text. A value on the edge of a step is left to the next
        step as a whole, unless it fills the step.
        """
