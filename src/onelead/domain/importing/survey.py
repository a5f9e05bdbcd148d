"""The survey of a file: one look at all of its rows, which says what has to be asked.

Nothing is decided by a sample: the order of a date and the decimal sign belong to a whole column.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct

from onelead.domain.account import AccountSettings
from onelead.domain.importing.cells import TEST_LEAD, file_placeholders
from onelead.domain.importing.headers import match_part
from onelead.domain.importing.mapping import Mapping
from onelead.domain.importing.questions import Question, decided, questions
from onelead.domain.importing.targets import CUSTOM, base_of
from onelead.domain.importing.watches import ColumnFindings, Room, Watch
from onelead.domain.text import quoted

#: A sentence names no more columns or cells.
_NAMED_MAX = 20


class Surveyed(Struct, omit_defaults=True):
    """What all rows of a file say about a mapping."""

    rows: int
    #: Rows with nothing to import.
    empty: int
    #: The mapping that was surveyed, with what the rows decide.
    mapping: Mapping
    columns: tuple[ColumnFindings, ...]
    questions: tuple[Question, ...] = ()
    #: Why the rows cannot be imported in this way.
    stops: tuple[str, ...] = ()
    concerns: tuple[str, ...] = ()


class Survey:
    """Looks at the rows of a file, by a mapping of its columns."""

    def __init__(self, mapping: Mapping, settings: AccountSettings) -> None:
        self._mapping = mapping
        self._settings = settings
        nothing = file_placeholders(settings)
        room = Room()
        self._watches = [
            Watch(column, mapping, settings, nothing, room) for column in mapping.columns
        ]
        self._rows = self._empty = self._test_leads = 0

    def add(self, rows: Iterable[Sequence[str]]) -> None:
        """Look at more rows, which have a cell for each column; a thousand at once is fastest."""
        if not (rows := list(rows)):
            return
        mapped = []
        for watch, cells in zip(self._watches, zip(*rows, strict=True), strict=True):
            found = watch.add(cells)
            if _is_imported(watch.findings):
                mapped.append(found)
        self._rows += len(rows)
        self._empty += len(rows) - sum(map(any, zip(*mapped, strict=True)))
        if any(watch.has_test_leads for watch in self._watches):
            self._test_leads += sum(TEST_LEAD in "\n".join(row) for row in rows)

    def result(self) -> Surveyed:
        """Return what the rows so far say."""
        columns = tuple(watch.result() for watch in self._watches)
        mapping = decided(self._mapping, columns)
        return Surveyed(
            rows=self._rows,
            empty=self._empty,
            mapping=mapping,
            columns=columns,
            questions=questions(mapping, columns, self._settings),
            stops=tuple(_stops(mapping, columns)),
            concerns=tuple(self._concerns(columns)),
        )

    def _concerns(self, columns: Sequence[ColumnFindings]) -> Iterable[str]:
        left_out = [one.header for one in columns if one.filled and not _is_imported(one)]
        if left_out:
            yield f"Not imported: {_named('column', left_out)}."
        found: Counter[str] = Counter()
        for watch in self._watches:
            found.update(watch.placeholders)
        if found:
            count = sum(column.placeholders for column in columns)
            texts = [text for text, _ in found.most_common()]
            cells = _count(count, "cell is a placeholder", "cells are placeholders")
            yield f"{cells} and taken as empty, such as {_listed(texts)}."
        for column in columns:
            yield from _column_concerns(column, self._settings)
        end = "and will be refused"
        if self._test_leads:
            rows = _count(self._test_leads, "row is a test lead", "rows are test leads")
            yield f"{rows} of Facebook {end}."
        if self._empty:
            yield f"{_count(self._empty, 'row has', 'rows have')} nothing to import {end}."


def _is_imported(column: ColumnFindings) -> bool:
    return column.target is not None or match_part(column.header) is not None


def _column_concerns(column: ColumnFindings, settings: AccountSettings) -> Iterable[str]:
    header = f"Column {quoted(column.header)}"
    if column.cut:
        what = _count(column.cut, "number was", "numbers were")
        end = ", and left out" if base_of(column.target or "") == "phone" else ""
        sample = quoted(column.cut_sample)
        yield f"{header}: {what} cut by a spreadsheet (E+), such as {sample}{end}."
    if column.no_address:
        what = _count(
            column.no_address,
            "value is not an e-mail address; its row is imported without it",
            "values are not e-mail addresses; their rows are imported without them",
        )
        yield f"{header}: {what}."
    if column.is_whole:
        yield f'{header}: the ".0" at the end of each number is taken off.'
    for currency, count in column.currencies.items():
        amounts = _count(count, "amount is", "amounts are")
        yield f"{header}: {amounts} in {currency}, but will be taken as {settings.currency}."


def _stops(mapping: Mapping, columns: Sequence[ColumnFindings]) -> Iterable[str]:
    """Say why leads would be mixed up: a cut number is that of many."""
    for field in mapping.match:
        for column in columns:
            if column.cut and field.startswith(CUSTOM) and column.target == field:
                count = _count(column.cut, "number", "numbers")
                yield (
                    f"Rows are matched by column {quoted(column.header)}, but a spreadsheet has "
                    f"cut {count} in it (E+), such as {quoted(column.cut_sample)}. "
                    "Export the file again with this column as text, or match by another column."
                )


def _named(what: str, names: Sequence[str]) -> str:
    return f"{what if len(names) == 1 else f'{what}s'} {_listed(names)}"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(quoted, names[:_NAMED_MAX]))
    more = len(names) - _NAMED_MAX
    return f"{shown} and {more} more" if more > 0 else shown


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
