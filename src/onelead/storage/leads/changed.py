"""The leads in the order of their last change, found by the ledger. Portable.

No index has `lead.date_modified`, so that an update leaves all indexes alone. Every change of a
lead has a ledger row with its date, so the ledger's changes in order, each joined with the lead
if that has this very date, are the leads in order. A row is passed over when its lead was
changed later, so callers say how many rows they look at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Join,
    Select,
    Subquery,
    Text,
    and_,
    cast,
    func,
    select,
    true,
    tuple_,
    union,
)
from sqlalchemy.dialects.postgresql import JSON

from onelead.domain.search import Range
from onelead.storage.leads.conditions import Condition, in_range
from onelead.storage.schema import is_change, is_restoration, lead, ledger, ledger_detail

#: The sort key of leads that is read like this.
BY_CHANGE = "date_modified"
_DATE, _LEAD_ID = ledger.c.date, ledger.c.resource_id


class Place(NamedTuple):
    """A date, and the id of a lead that has it."""

    #: An integer in the places that this makes.
    date: Any
    lead_id: int


class Look(NamedTuple):
    """What a look at some of the ledger's changes found."""

    #: The dates and leads of the changes: `date` and `lead_id`.
    changes: Subquery
    #: Where the look ended; None when there is no further change.
    end: Place | None


class Changes:
    """The changes of an account's leads in a range of dates."""

    def __init__(self, connection: Connection, account_id: int, dates: Range | None) -> None:
        self._connection = connection
        self._account_id = account_id
        self._dates = dates or Range()

    def look(self, place: Place | None, count: int, *, descends: bool) -> Look:
        """Look at so many changes beyond a place, each lead and date once."""
        by, order = (_DATE, _LEAD_ID), _descending if descends else list
        beyond = _between(by, place, None, descends=descends)
        some = self._entries(*beyond).order_by(*order(by)).limit(count)
        row = self._connection.execute(some.offset(count - 1).limit(1)).first()
        end = None if row is None else Place(row.date, row.lead_id)
        others = self._others(place, end, descends=descends)
        return Look(union(some.subquery().select(), others).subquery(), end)

    def leads(self, changes: Subquery, *, or_none: bool = False) -> Join:
        """Join the leads of which these are the last changes; with `or_none`, keep all changes."""
        of_account = lead.c.account_id == self._account_id
        is_last = and_(lead.c.id == changes.c.lead_id, lead.c.date_modified == changes.c.date)
        return changes.join(lead, and_(of_account, is_last), isouter=or_none)

    def lead_ids(self, most: int) -> Select[Any] | None:
        """Select the leads that were changed then; None when there are too many changes."""
        some = self._entries().limit(most + 1).subquery()
        changes = self._connection.execute(select(func.count()).select_from(some)).scalar_one()
        if changes > most:
            return None
        both = union(self._entries(), self._others(None, None, descends=False)).subquery()
        return select(both.c.lead_id)

    def _entries(self, *conditions: Condition) -> Select[Any]:
        held = in_range(_DATE, self._dates.minimum, self._dates.maximum)
        of_account = ledger.c.account_id == self._account_id
        columns = (_DATE, _LEAD_ID.label("lead_id"))
        return select(*columns).where(of_account, is_change, *held, *conditions).distinct()

    def _others(self, place: Place | None, end: Place | None, *, descends: bool) -> Select[Any]:
        """Select the leads that stand again by the undo of a merge, whose row names the survivor.

        They are in what the row has to say besides.
        """
        table, lead_id = _restored(self._connection)
        first, last = (end, place) if descends else (place, end)
        held = [*in_range(_DATE, self._dates.minimum, self._dates.maximum)]
        # What the index has; the rest is held against each of the few that it finds.
        held += in_range(_DATE, first and first.date, last and last.date)
        held += _between((_DATE, lead_id), place, end, descends=descends)
        account_id, seq = ledger_detail.c.account_id, ledger_detail.c.seq
        same = and_(account_id == ledger.c.account_id, seq == ledger.c.seq)
        rows = ledger.join(ledger_detail, same).join(table, true())
        of_account = ledger.c.account_id == self._account_id
        columns = (_DATE, lead_id.label("lead_id"))
        return select(*columns).select_from(rows).where(of_account, is_restoration, *held)


def _descending(columns: Iterable[ColumnElement[Any]]) -> list[ColumnElement[Any]]:
    return [column.desc() for column in columns]


def _between(
    columns: tuple[ColumnElement[int], ColumnElement[int]],
    place: Place | None,
    end: Place | None,
    *,
    descends: bool,
) -> Iterator[Condition]:
    """Yield the conditions of lying beyond a place and not beyond an end."""
    here = tuple_(*columns)
    if place is not None:
        yield here < tuple_(*place) if descends else here > tuple_(*place)
    if end is not None:
        yield here >= tuple_(*end) if descends else here <= tuple_(*end)


def _restored(connection: Connection) -> tuple[FromClause, ColumnElement[int]]:
    """Return the entries of a detail's list of leads that stand again, and the id of each.

    A row that was erased has kept only the ids.
    """
    details, names = ledger_detail.c.details, ("restored_ids", "restored")
    if connection.dialect.name == "sqlite":
        texts = [func.json_extract(details, f"$.{name}") for name in names]
        each = func.json_each(func.coalesce(*texts)).table_valued("value", name="each")
        return each, func.coalesce(func.json_extract(each.c.value, "$.id"), each.c.value)
    lists = [cast(details, JSON)[name] for name in names]
    each = func.json_array_elements(func.coalesce(*lists)).table_valued("value", name="each")
    found = func.coalesce(cast(each.c.value, JSON)["id"].astext, cast(each.c.value, Text))
    return each, cast(found, BigInteger)
