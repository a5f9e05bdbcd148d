"""Whether a program that knows the old tables can go on with the new ones.

During an upgrade the old processes go on after the first new one has migrated. Their statements
name tables and columns, leave out columns that they do not know, and rely on what they know of
types, empty values and uniqueness.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, inspect

_RELEASE = re.compile(r"^## \[?(\d+\.\d+\.\d+)\]?", re.MULTILINE)
#: Alembic's own.
_NOT_OURS = {"alembic_version"}


class ColumnShape(NamedTuple):
    """What a statement relies on in a column."""

    #: With length and collation.
    type: str
    may_be_empty: bool
    has_default: bool


class TableShape(NamedTuple):
    """What a statement relies on in a table."""

    columns: dict[str, ColumnShape]
    #: What a row has to keep, in words: keys, uniqueness, checks, references.
    rules: frozenset[str]
    indexes: frozenset[str]


class Breach(NamedTuple):
    """Something that an older program cannot live with."""

    #: A table, or a part of one, as in `lead.title_key`.
    thing: str
    problem: str


def shapes(connection: Connection) -> dict[str, TableShape]:
    """Read the tables as they are, by their names."""
    inspector = inspect(connection)
    names = set(inspector.get_table_names()) - _NOT_OURS
    return {name: _shape(connection, inspector, name) for name in names}


def _shape(connection: Connection, inspector: Any, table: str) -> TableShape:
    columns = {
        column["name"]: ColumnShape(
            column["type"].compile(connection.dialect),
            column["nullable"],
            column["default"] is not None or "computed" in column or "identity" in column,
        )
        for column in inspector.get_columns(table)
    }
    key = inspector.get_pk_constraint(table)["constrained_columns"]
    indexes = [
        index for index in inspector.get_indexes(table) if "duplicates_constraint" not in index
    ]
    rules = [f"primary key ({', '.join(key)})"]
    rules += [
        f"unique ({', '.join(map(str, one['column_names']))})"
        for one in (
            *inspector.get_unique_constraints(table),
            *(index for index in indexes if index["unique"]),
        )
    ]
    rules += [f"check {one['sqltext']}" for one in inspector.get_check_constraints(table)]
    rules += [
        f"({', '.join(one['constrained_columns'])}) references {one['referred_table']}"
        for one in inspector.get_foreign_keys(table)
    ]
    return TableShape(columns, frozenset(rules), frozenset(index["name"] for index in indexes))


def breaches(before: Mapping[str, TableShape], after: Mapping[str, TableShape]) -> list[Breach]:
    """Return what a program that knows `before` cannot live with; new tables do not concern it."""
    found = []
    for name in sorted(before):
        if name in after:
            found += _breaches_of_table(name, before[name], after[name])
        else:
            found.append(Breach(name, "is gone"))
    return found


def _breaches_of_table(name: str, before: TableShape, after: TableShape) -> list[Breach]:
    found = []
    for column, shape in before.columns.items():
        problem = _problem(shape, after.columns.get(column))
        if problem:
            found.append(Breach(f"{name}.{column}", problem))
    for column in after.columns.keys() - before.columns.keys():
        shape = after.columns[column]
        if not (shape.may_be_empty or shape.has_default):
            found.append(Breach(f"{name}.{column}", "is new and needs a value"))
    found += [Breach(name, f"has a new rule: {rule}") for rule in after.rules - before.rules]
    found += [Breach(name, f"has lost a rule: {rule}") for rule in before.rules - after.rules]
    found += [Breach(index, "is gone") for index in before.indexes - after.indexes]
    return sorted(found)


def _problem(before: ColumnShape, after: ColumnShape | None) -> str | None:
    if after is None:
        return "is gone"
    if after.type != before.type:
        # Even a wider one: PostgreSQL refuses a prepared statement whose result changes its type.
        return f"was {before.type} and is {after.type}"
    if after.may_be_empty != before.may_be_empty:
        return "may be empty now" if after.may_be_empty else "may not be empty any more"
    if before.has_default and not after.has_default:
        return "has no default any more"
    return None


def unexcused(
    found: Collection[Breach], safe_since: Mapping[str, str], changelog: str
) -> list[Breach]:
    """Return the breaches, except of things that an earlier release already did without.

    `safe_since` is the migration's: by thing, the first release that can live with its change.
    """
    released = set(_RELEASE.findall(changelog))
    return [one for one in found if safe_since.get(one.thing) not in released]
