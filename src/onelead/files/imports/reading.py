"""Reads a file and finds out what has to be asked, and rehearses its rows. Writes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from onelead.contract.imports import ImportRow
from onelead.domain.account import AccountSettings
from onelead.domain.importing.cells import is_total
from onelead.domain.importing.creating import creations, settings_with, with_created
from onelead.domain.importing.headers import guessed_mapping
from onelead.domain.importing.limits import REHEARSED_ROWS_MAX
from onelead.domain.importing.mapping import Mapping, require_usable
from onelead.domain.importing.survey import Survey
from onelead.domain.writes import WriteResult
from onelead.files.imports.choices import (
    Findings,
    FirstRow,
    ImportChoices,
    Rehearsed,
    RehearsedRow,
    text_of,
)
from onelead.files.imports.outcomes import outcome_of, why
from onelead.files.imports.rehearsal import Rehearsal
from onelead.files.imports.rows import RowWrites, WrittenRow
from onelead.files.imports.walks import chunks_of, slices_of
from onelead.files.readers.table import Row, Table

_FIRST_ROWS = 10
_FAULTS_SHOWN = 20
#: So many different reasons and remarks are counted; the rest together.
_TEXTS_COUNTED = 200
_OTHERS = "others"

#: Told about the rows so far; returns whether to go on.
OnRows = Callable[[int], Awaitable[bool]]
OnPlanned = Callable[[Sequence[WrittenRow], Sequence[WriteResult]], None]
KeepRows = Callable[[Sequence[ImportRow]], Awaitable[None]]


class Interrupted(Exception):
    """Someone does not want it any more."""


def chosen_mapping(
    choices: ImportChoices, header: Sequence[str], settings: AccountSettings
) -> Mapping:
    """Return the mapping of a file: what was chosen, or what the headers say.

    Raises InputInvalid for one that cannot be used with this file and these settings.
    """
    mapping = choices.mapping
    if mapping is None or len(mapping.columns) != len(header):
        # Another header line, or another sheet, makes it another table.
        return guessed_mapping(header, settings)
    require_usable(mapping, settings)
    # A saved mapping may ask for a field that an earlier import has made.
    return with_created(mapping, settings)


async def read_table(
    table: Table, choices: ImportChoices, settings: AccountSettings, on_rows: OnRows
) -> Findings:
    """Look at all rows of a file. Raises what a table raises, InputInvalid, and Interrupted."""
    survey = Survey(chosen_mapping(choices, table.header, settings), settings)
    first: list[FirstRow] = []
    faults: list[str] = []
    last: Row | None = None
    seen = fault_count = 0
    async for chunk in chunks_of(table):
        async for rows in slices_of(chunk):
            survey.add([row.cells for row in rows if row.fault is None])
            for row in rows:
                if row.fault is not None:
                    fault_count += 1
                    if len(faults) < _FAULTS_SHOWN:
                        faults.append(f"Line {row.line}: {row.fault}")
        seen += len(chunk)
        last = chunk[-1]
        first += [FirstRow(row.line, tuple(row.cells)) for row in chunk[: _FIRST_ROWS - len(first)]]
        if not await on_rows(seen):
            raise Interrupted
    return Findings(
        reading=table.reading,
        header=table.header,
        first_rows=tuple(first),
        surveyed=survey.result(),
        faults=fault_count,
        fault_samples=tuple(faults),
        total_line=last.line if last and last.fault is None and is_total(last.cells) else None,
    )


class Tally:
    """Counts outcomes and reasons, and says which rows are kept."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._remarks: Counter[str] = Counter()

    def add(self, written: WrittenRow, result: WriteResult) -> ImportRow | None:
        """Count a row; return it if it is to be kept."""
        outcome, reason = outcome_of(result), why(result)
        self.counts[outcome] += 1
        if reason is not None:
            _count(self._reasons, reason)
        for remark in written.remarks:
            _count(self._remarks, remark)
        if self.counts[outcome] > REHEARSED_ROWS_MAX:
            return None
        shown = RehearsedRow(
            cells=tuple(written.row.cells),
            lead_id=result.lead.id if result.lead else None,
            lead_name=result.lead.name if result.lead else None,
            changes={name: list(pair) for name, pair in result.changes.items()},
            why=reason,
            ids=getattr(result.refusal, "ids", ()),
            remarks=tuple(written.remarks),
        )
        return ImportRow(written.row.line, outcome, text_of(shown))

    def result(self) -> Rehearsed:
        """Return what was counted."""
        return Rehearsed(
            rows=self.counts.total(),
            counts=dict(self.counts),
            reasons=dict(self._reasons.most_common()),
            remarks=dict(self._remarks.most_common()),
            beyond=any(count > REHEARSED_ROWS_MAX for count in self.counts.values()),
        )


#: Told what was counted so far; returns whether to go on.
OnTally = Callable[[Tally], Awaitable[bool]]


def _count(texts: Counter[str], text: str) -> None:
    texts[text if text in texts or len(texts) < _TEXTS_COUNTED else _OTHERS] += 1


async def rehearse_table(
    table: Table,
    row_writes: RowWrites,
    rehearsal: Rehearsal,
    *,
    keep: KeepRows,
    on_tally: OnTally,
    on_planned: OnPlanned = lambda _rows, _results: None,
) -> Rehearsed:
    """Say what would become of each row. Raises what a table raises, and Interrupted."""
    tally = Tally()
    async for chunk in chunks_of(table):
        written = []
        async for rows in slices_of(chunk):
            written += [row_writes.of(row) for row in rows]
        results = await rehearsal.plan([one.write for one in written])
        on_planned(written, results)
        kept = [tally.add(*pair) for pair in zip(written, results, strict=True)]
        await keep([row for row in kept if row is not None])
        if not await on_tally(tally):
            raise Interrupted
    return tally.result()


def settings_for(findings: Findings, settings: AccountSettings) -> AccountSettings:
    """Return the settings as the import would make them first."""
    surveyed = findings.surveyed
    return settings_with(settings, creations(surveyed.mapping, surveyed.columns, settings))
