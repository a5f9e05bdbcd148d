"""The rows of an import on its page: what would become of them, or what became of them.

Before the start a dry run says it, afterwards the ledger; both are shown in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from msgspec import Struct, structs

from onelead.contract.imports import FileImport, ImportRow
from onelead.contract.ledger import AccountLedgerRow, LedgerSearch
from onelead.domain.account import AccountSettings
from onelead.domain.errors import BodyMalformed
from onelead.domain.importing.creating import creations, settings_with
from onelead.domain.lead import Lead
from onelead.domain.limits import LEDGER_SLICE_ROWS
from onelead.domain.text import known_id, whole_number
from onelead.domain.writes import Outcome
from onelead.files.imports.choices import Findings, ImportChoices, rehearsed_row
from onelead.files.imports.outcomes import (
    AMBIGUOUS,
    NOT_TAKEN,
    OUTCOMES,
    SKIPPED,
    reason_text,
)
from onelead.incoming.imported_rows import row_of
from onelead.web.frame.forms import Form
from onelead.web.frame.visit import Visit
from onelead.web.words.deleted_names import settings_to_write_by
from onelead.web.words.ledger_lines import (
    ChangeLine,
    LongText,
    change_lines,
    ledger_line,
)

#: The cells that can be corrected on one page.
_CELLS_SHOWN_MAX = 2_000
#: Of a row that was not taken, so that one knows whose it is.
_TEXTS_SHOWN = 8
#: In the ledger, a row that matches several leads is refused like others.
_IN_LEDGER = {AMBIGUOUS: Outcome.REFUSED, SKIPPED: None}


class Cell(Struct, frozen=True):
    """A cell that can be corrected."""

    place: int
    header: str
    text: str


class RowLine(Struct, frozen=True, kw_only=True):
    """One row of the file, and what becomes of it."""

    line: int | None
    outcome: str
    lead_id: int | None = None
    #: Empty for a lead that is not there.
    lead_name: str = ""
    changes: Sequence[ChangeLine] = ()
    why: LongText = LongText("")
    #: The leads that match, of an ambiguous row.
    ids: Sequence[int] = ()
    remarks: Sequence[str] = ()
    cells: Sequence[Cell] = ()
    #: What the file has, of a row that is not taken: headers and texts.
    texts: Sequence[tuple[str, str]] = ()
    #: Its ledger row, once it is written.
    seq: int | None = None


class RowPage(Struct, frozen=True):
    """A page of rows."""

    rows: Sequence[RowLine]
    outcome: str
    #: Where it begins, 0 for the start; and where the next one begins, None for the last.
    after: int
    next_after: int | None
    #: Whether a dry run says it.
    is_rehearsed: bool


def wanted(visit: Visit) -> tuple[str, int]:
    """Return the outcome and the place that the address asks for."""
    outcome = visit.query("outcome")
    return outcome if outcome in OUTCOMES else "", known_id(visit.query("after")) or 0


async def rehearsed_page(visit: Visit, one: FileImport, findings: Findings) -> RowPage:
    """Return what the newest dry run says."""
    outcome, after = wanted(visit)
    limit = LEDGER_SLICE_ROWS
    found = await visit.store.import_rows(
        visit.account_id, one.number, outcome=outcome or None, after=after, limit=limit + 1
    )
    shown = found[:limit]
    surveyed = findings.surveyed
    made = creations(surveyed.mapping, surveyed.columns, visit.settings)
    settings = settings_with(visit.settings, made)
    can_correct = len(findings.header) * len(shown) <= _CELLS_SHOWN_MAX
    rows = [_rehearsed(row, findings, settings, can_correct=can_correct) for row in shown]
    next_after = shown[-1].line if len(found) > limit else None
    return RowPage(rows, outcome, after, next_after, is_rehearsed=True)


def _rehearsed(
    row: ImportRow, findings: Findings, settings: AccountSettings, *, can_correct: bool
) -> RowLine:
    of = rehearsed_row(row.content)
    # A row that cannot be read has other cells than the header.
    is_asked = row.outcome in NOT_TAKEN or bool(of.remarks)
    is_offered = is_asked and can_correct and len(of.cells) == len(findings.header)
    pairs = [*zip(findings.header, of.cells, strict=False)]
    cells = [Cell(place, *pair) for place, pair in enumerate(pairs)] if is_offered else []
    changes: Mapping[str, Any] = of.changes
    return RowLine(
        line=row.line,
        outcome=row.outcome,
        lead_id=of.lead_id if row.outcome != Outcome.CREATED else None,
        lead_name=of.lead_name or "",
        changes=change_lines(changes, settings),
        why=LongText(of.why or ""),
        ids=of.ids,
        remarks=of.remarks,
        cells=cells,
        texts=_texts(pairs) if row.outcome in NOT_TAKEN else (),
    )


def _texts(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the first cells with something in them."""
    return [*islice((pair for pair in pairs if pair[1].strip()), _TEXTS_SHOWN)]


async def written_page(visit: Visit, one: FileImport) -> RowPage:
    """Return what became of the rows, the last ones first."""
    outcome, before = wanted(visit)
    in_ledger = _IN_LEDGER.get(
        outcome, Outcome(outcome) if outcome not in ("", *_IN_LEDGER) else None
    )
    search = LedgerSearch(
        batch_id=one.batch_id,
        outcomes=frozenset({in_ledger} if in_ledger else ()),
        before=before or None,
    )
    if outcome == SKIPPED:
        return RowPage([], outcome, before, None, is_rehearsed=False)
    found = await visit.store.search_ledger(visit.account_id, search)
    settings = await settings_to_write_by(visit, found.settings, found.rows)
    leads = {lead.id: lead for lead in found.leads}
    cells = await _refused_cells(visit, one, found.rows)
    rows = [_written(row, leads.get(row.resource_id or 0), settings, cells) for row in found.rows]
    return RowPage(rows, outcome, before, found.next_before, is_rehearsed=False)


async def _refused_cells(
    visit: Visit, one: FileImport, rows: Sequence[AccountLedgerRow]
) -> dict[int, Mapping[str, str]]:
    """Return the cells of refused rows by their ledger numbers; none of those erased."""
    refused = [row.seq for row in rows if row.outcome == Outcome.REFUSED]
    if not refused:
        return {}
    # The refused rows of a page follow each other among the refused ones of the import.
    found = await visit.store.batch_rows(
        *(visit.account_id, one.batch_id),
        after=min(refused) - 1,
        limit=len(refused),
        refused=True,
    )
    imported = ((row.result.seq, row_of(row.payload)) for row in found)
    return {seq: row.cells for seq, row in imported if row is not None}


def _written(
    row: AccountLedgerRow,
    lead: Lead | None,
    settings: AccountSettings,
    cells: Mapping[int, Mapping[str, str]],
) -> RowLine:
    line = ledger_line(row, settings, {})
    return RowLine(
        line=row.details.line if row.details else None,
        outcome=AMBIGUOUS if line.named_leads else row.outcome,
        lead_id=row.resource_id,
        lead_name=lead.name if lead else "",
        changes=line.changes,
        why=LongText(reason_text(line.reason.text)),
        ids=line.named_leads,
        texts=_texts(cells.get(row.seq, {}).items()),
        seq=row.seq,
    )


async def corrected(
    visit: Visit, one: FileImport, form: Form, choices: ImportChoices
) -> ImportChoices:
    """Return the choices with the cells that a form corrects; it sends all that it shows.

    Raises BodyMalformed for more rows than a page has.
    """
    sent: dict[int, dict[int, str]] = {}
    for name, text in form.starting("cell.").items():
        line, _, column = name.partition(".")
        number, place = known_id(line), whole_number(column)
        if number is not None and isinstance(place, int):
            sent.setdefault(number, {})[place] = text.replace("\r\n", "\n")
    if len(sent) > LEDGER_SLICE_ROWS:
        raise BodyMalformed("The form has more rows than a page")
    corrections = {line: dict(cells) for line, cells in choices.corrections.items()}
    for number, cells in sent.items():
        # A page has few rows, and the rows of an outcome are not one after the other.
        rows = await visit.store.import_rows(
            visit.account_id, one.number, after=number - 1, limit=1
        )
        if not rows or rows[0].line != number:
            continue
        was = rehearsed_row(rows[0].content).cells
        changed = {
            str(place): text
            for place, text in cells.items()
            if place < len(was) and _typed(was[place]) != text
        }
        if changed:
            corrections.setdefault(str(number), {}).update(changed)
    return structs.replace(choices, corrections=corrections)


def _typed(cell: str) -> str:
    """Return a cell as the box of a form sends it back."""
    return cell.replace("\r\n", "\n").replace("\r", "\n")
