"""Reads of the figures, and the walk through the match keys for shared values. Portable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    cast,
    func,
    literal_column,
    select,
)

from onelead.contract.figures import (
    CallerFigure,
    DayFigure,
    Division,
    HourFigure,
    LeadFigures,
    ManyNames,
    SharedValue,
    SharedValues,
    ValueFigure,
)
from onelead.domain.figures import DAY_S, Grouping
from onelead.domain.text import after_start
from onelead.storage.schema import (
    caller_figure,
    delivery_figure,
    hour_figure,
    lead_figure,
    match_key,
    name_figure,
)


def _total(table: FromClause) -> ColumnElement[int]:
    # Uncast it is a Decimal on PostgreSQL.
    return cast(func.sum(table.c.deliveries), BigInteger)


def deliveries_by_hour(
    connection: Connection, account_id: int, division: Division, since: int, until: int
) -> list[HourFigure]:
    """Return the deliveries of some hours."""
    figure = hour_figure.c
    statement = select(figure.hour, figure.value, figure.deliveries)
    statement = statement.where(*_span(account_id, division, since, until))
    return [HourFigure(*row) for row in connection.execute(statement)]


def deliveries_by_day(
    connection: Connection,
    account_id: int,
    division: Division,
    since: int,
    until: int,
    *,
    ahead_s: int,
) -> list[DayFigure]:
    """Return the deliveries of some hours, by the days of a zone."""
    figure = hour_figure.c
    # Written out: to PostgreSQL the same expression with two parameters is two expressions.
    ahead = literal_column(str(int(ahead_s)), BigInteger)
    length = literal_column(str(DAY_S), BigInteger)
    day = ((figure.hour + ahead) // length).label("day")
    statement = select(day, figure.value, _total(hour_figure))
    statement = statement.where(*_span(account_id, division, since, until))
    return [DayFigure(*row) for row in connection.execute(statement.group_by(day, figure.value))]


def deliveries_by_value(
    connection: Connection, account_id: int, division: Division, since: int, until: int
) -> list[ValueFigure]:
    """Return the deliveries of some hours, summed up by value."""
    return _by_value(connection, *_span(account_id, division, since, until))


def _span(
    account_id: int, division: Division, since: int, until: int
) -> tuple[ColumnElement[bool], ...]:
    values = hour_figure.c.value.in_(division.values)
    return (*_of_grouping(account_id, division.grouping, since, until), values)


def _of_grouping(
    account_id: int, grouping: Grouping, since: int, until: int
) -> tuple[ColumnElement[bool], ...]:
    figure = hour_figure.c
    return (
        figure.account_id == account_id,
        figure.grouping == grouping.value,
        figure.hour >= since,
        figure.hour < until,
    )


def _by_value(connection: Connection, *where: ColumnElement[bool]) -> list[ValueFigure]:
    figure = hour_figure.c
    statement = select(figure.value, _total(hour_figure), func.max(figure.hour)).where(*where)
    return [ValueFigure(*row) for row in connection.execute(statement.group_by(figure.value))]


def deliveries_by_start(
    connection: Connection, account_id: int, grouping: Grouping, start: str, since: int, until: int
) -> list[ValueFigure]:
    """Return the deliveries of some hours by value, of the values that begin with a text."""
    value = hour_figure.c.value
    where = [*_of_grouping(account_id, grouping, since, until), value >= start]
    if (end := after_start(start)) is not None:
        where.append(value < end)
    return _by_value(connection, *where)


def leads_with_many_names(
    connection: Connection, account_id: int, since: int, more_than: int
) -> list[ManyNames]:
    """Return the leads that were given many names in one of the hours."""
    figure, names = name_figure.c, func.count()
    statement = (
        select(figure.lead_id, figure.hour, names)
        .where(figure.account_id == account_id, figure.hour >= since)
        .group_by(figure.hour, figure.lead_id)
        .having(names > more_than)
        .order_by(names.desc(), figure.hour.desc(), figure.lead_id)
    )
    return [ManyNames(*row) for row in connection.execute(statement)]


def deliveries_by_caller(
    connection: Connection, account_id: int, since: int, until: int
) -> list[CallerFigure]:
    """Return the deliveries of some hours, by caller and outcome.

    Whole days are already summed up; only the hours before and after them are added.
    """
    first_day, last_day = -(-since // DAY_S) * DAY_S, until // DAY_S * DAY_S
    pieces = [(delivery_figure, delivery_figure.c.hour, since, until)]
    if first_day < last_day:
        pieces = [
            (delivery_figure, delivery_figure.c.hour, since, first_day),
            (caller_figure, caller_figure.c.day, first_day, last_day),
            (delivery_figure, delivery_figure.c.hour, last_day, until),
        ]
    counts: Counter[tuple[int, int, str]] = Counter()
    for table, moment, begin, end in pieces:
        key = (table.c.user_id, table.c.api_key_id, table.c.outcome)
        in_piece = (table.c.account_id == account_id, moment >= begin, moment < end)
        statement = select(*key, _total(table)).where(*in_piece).group_by(*key)
        for user_id, key_id, outcome, count in connection.execute(statement):
            counts[user_id, key_id, outcome] += count
    return [CallerFigure(*key, count) for key, count in sorted(counts.items())]


def lead_figures(
    connection: Connection,
    account_id: int,
    *,
    fields: Collection[str] = (),
    value: str | None = None,
) -> LeadFigures:
    """Return how many leads have each value; values without leads are left out."""
    figure = lead_figure.c
    statement = select(figure.field, figure.value, figure.leads)
    statement = statement.where(figure.account_id == account_id, figure.leads > 0)
    if fields:
        statement = statement.where(figure.field.in_(sorted(fields)))
    if value is not None:
        statement = statement.where(figure.value == value)
    found: dict[str, dict[str, int]] = {}
    for row in connection.execute(statement):
        found.setdefault(row.field, {})[row.value] = row.leads
    return found


def shared_values(
    connection: Connection, account_id: int, key_field: str, *, after: str, limit: int
) -> SharedValues:
    """Look through the next keys of a field for values that several leads have."""
    key = match_key.c
    of_field = (key.account_id == account_id, key.field == key_field)
    run = (
        select(key.value)
        .where(*of_field, key.value > after)
        .order_by(key.value, key.lead_id)
        .limit(limit)
        .subquery()
    )
    last, passed = connection.execute(
        select(func.max(run.c.value), func.count()).select_from(run)
    ).one()
    leads = func.count()
    several = select(run.c.value, leads).group_by(run.c.value).having(leads > 1)
    found = [SharedValue(*row) for row in connection.execute(several.order_by(run.c.value))]
    if passed < limit:
        return SharedValues(found, None, passed)
    if found and found[-1] == (last, limit):
        # One value fills the whole step; how many more leads have it is not needed.
        return SharedValues(found, last, passed)
    before = select(func.max(key.value)).where(*of_field, key.value < last)
    edge = connection.execute(select(func.count()).where(run.c.value == last)).scalar_one()
    whole = [value for value in found if value.value != last]
    return SharedValues(whole, connection.execute(before).scalar_one(), passed - edge)
