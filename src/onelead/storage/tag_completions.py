"""The tags that begin in a certain way, found without reading all their leads. Portable.

A tag of a million leads is a million rows side by side: each step goes past them to the next tag.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from onelead.domain.text import after_start, fold
from onelead.storage.schema import match_key


def tags_starting(connection: Connection, account_id: int, start: str, limit: int) -> Sequence[str]:
    """Return the first tags that begin so, by name."""
    keys = match_key.alias("keys")
    start = fold(start)
    tags = [keys.c.account_id == account_id, keys.c.field == "tag"]
    if (end := after_start(start)) is not None:
        tags.append(keys.c.value < end)
    next_one = select(keys.c.value).where(*tags).order_by(keys.c.value).limit(1)
    first = next_one.where(keys.c.value >= start)
    found = select(first.scalar_subquery().label("value")).cte("found", recursive=True)
    # One lower bound alone: with two of them an index begins at whichever stands first.
    after = next_one.where(keys.c.value > found.c.value).correlate(found)
    found = found.union_all(select(after.scalar_subquery()).where(found.c.value.is_not(None)))
    label = select(match_key.c.label).where(
        match_key.c.account_id == account_id,
        match_key.c.field == "tag",
        match_key.c.value == found.c.value,
    )
    statement = (
        select(label.limit(1).correlate(found).scalar_subquery().label("tag"))
        .where(found.c.value.is_not(None))
        .limit(limit)
    )
    return [row.tag for row in connection.execute(statement)]
