"""What `onelead import` says: what it understood, what would happen, what has happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from onelead.commands.options import a_table, date_text
from onelead.commands.progress import amount
from onelead.contract.batches import BatchUndo
from onelead.contract.imports import FileImport
from onelead.domain.account import AccountSettings
from onelead.domain.names import NAME_PARTS
from onelead.domain.text import as_one_line, quoted
from onelead.files.imports.outcomes import OUTCOMES
from onelead.files.imports.undone import undo_word

if TYPE_CHECKING:
    from rich.table import Table

    from onelead.files.imports.choices import Findings, Rehearsed, RehearsedRow

_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", "^": "caret"}
_LISTED = 10
_NAMES = ("name", *NAME_PARTS)
_IMPORT_COLUMNS = ("NUMBER", "STATE", "FILE", "ROWS", "OUTCOMES", "BEGAN")


#: An import, and the undo that has taken it back.
Listed = tuple[FileImport, BatchUndo | None]


def import_list(found: Sequence[Listed]) -> Table | str:
    """Return the imports as a table."""
    if not found:
        return "There are no imports."
    rows = [
        [
            *(str(one.number), undo_word(undo) or one.state.value, one.name),
            "" if one.row_count is None else f"{one.row_count:,}",
            counts_text(one.counts),
            date_text(one.date),
        ]
        for one, undo in found
    ]
    return a_table(_IMPORT_COLUMNS, rows)


def import_machine(one: FileImport, undo: BatchUndo | None = None) -> dict[str, Any]:
    """Return an import for a script."""
    return {
        "import": one.number,
        "batch_id": one.batch_id,
        "state": one.state.value,
        "file": one.name,
        "date": one.date,
        "date_done": one.date_done,
        "rows": one.row_count,
        "counts": dict(one.counts),
        "message": one.message,
        "undo": undo and undo.id,
    }


def counts_text(counts: Mapping[str, int]) -> str:
    """Return counts by outcome as a line."""
    words = {"skipped": "done before"}
    told = ((counts.get(name), words.get(name, name)) for name in OUTCOMES)
    return ", ".join(f"{count:,} {word}" for count, word in told if count)


def understood(findings: Findings, settings: AccountSettings) -> str:
    """Say how a file was read, and which column is what."""
    from onelead.domain.importing.headers import label_of  # noqa: PLC0415 - see `imports`
    from onelead.domain.importing.targets import new_field_of  # noqa: PLC0415

    reading, surveyed = findings.reading, findings.surveyed
    how: list[str] = [reading.format]
    if reading.encoding:
        how.append(reading.encoding)
    if reading.separator:
        how.append(f"separated by {_SEPARATORS.get(reading.separator, reading.separator)}")
    if reading.sheet:
        how.append(f"sheet {quoted(reading.sheet)}")
    lines = [f"{amount(surveyed.rows + findings.faults, 'row')} ({', '.join(how)})"]
    if reading.samples:
        samples = (f"{quoted(one.text)} (line {one.line:,})" for one in reading.samples)
        lines.append(f"Cells that depend on the encoding: {', '.join(samples)}")
    lines.append("Columns:")
    for column in surveyed.mapping.columns:
        meant = "not imported" if column.target is None else column.target
        if (new := new_field_of(meant)) is not None:
            meant = f"a new custom field {quoted(new[1])} ({new[0]})"
        elif column.target is not None:
            meant = _label(label_of, column.target, settings)
        lines.append(f"  {_line(column.header)} -> {meant}")
    match = [_label(label_of, one, settings) for one in surveyed.mapping.match]
    by = f"by {', then by '.join(match)}" if match else "by nothing: each row is a new lead"
    lines.append(f"Rows are matched {by}.")
    lines += [_line(note) for note in findings.notes]
    if findings.faults:
        lines.append(f"{amount(findings.faults, 'row')} cannot be read:")
        lines += [f"  {_line(one)}" for one in findings.fault_samples[:_LISTED]]
    return "\n".join(lines)


def _label(label_of: Any, target: str, settings: AccountSettings) -> str:
    try:
        return str(label_of(target, settings))
    except KeyError:
        return target


def _line(text: str) -> str:
    return as_one_line(text)


def questions_text(findings: Findings) -> str:
    """Say what has to be decided, and what is assumed as nobody is asked."""
    lines: list[str] = []
    for question in findings.surveyed.questions:
        lines.append(f"Question: {question.sentence}")
        lines += [f"    {_line(text)} ({count:,})" for text, count in question.values[:_LISTED]]
        labels = {answer.value: answer.label for answer in question.answers}
        if question.default is None:
            lines.append(f"    It needs an answer: {' or '.join(labels.values())}.")
        else:
            lines.append(f"    Assumed: {labels.get(question.default, question.default)}.")
    return "\n".join(lines)


def first_leads(rows: Sequence[tuple[int, str, RehearsedRow]], settings: AccountSettings) -> str:
    """Show some rows as the leads that they would make."""
    from onelead.web.words.ledger_lines import change_lines  # noqa: PLC0415 - see `imports`

    if not rows:
        return ""
    lines = ["The first rows would be:"]
    for line, outcome, row in rows:
        name = _shown(row.lead_name or ", ".join(filter(None, row.cells[:3])))
        changes: Mapping[str, Any] = row.changes
        fields = ", ".join(
            f"{_line(one.label)}: {_shown(one.after.text)}"
            for one in change_lines(changes, settings)
            if one.field not in _NAMES
        )
        lines.append(f"  line {line:,}: {outcome} {name}{f' ({fields})' if fields else ''}")
        if row.why:
            lines.append(f"    {_line(row.why)}")
    return "\n".join(lines)


def _shown(text: str) -> str:
    text = as_one_line(" ".join(text.split()))
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - the width of a line


def rehearsed_text(rehearsed: Rehearsed) -> str:
    """Say what would become of the rows."""
    if not rehearsed.rows:
        return ""
    lines = [f"{amount(rehearsed.rows, 'row')} would be: {counts_text(rehearsed.counts)}"]
    for title, texts in (("Refused", rehearsed.reasons), ("Left out", rehearsed.remarks)):
        if texts:
            lines.append(f"{title}:")
            told = [f"  {count:,} x {_line(text)}" for text, count in texts.items()]
            lines += told[:_LISTED]
            if len(told) > _LISTED:
                lines.append(f"  and {len(told) - _LISTED:,} others")
    return "\n".join(lines)


def done_text(one: FileImport, rows: int, seconds: float) -> str:
    """Say what has become of an import, and how long this run took for how many rows."""
    lines = [f"Import {one.number} is {one.state.value}: {counts_text(one.counts) or 'no rows'}."]
    all_rows = sum(one.counts.values())
    if one.state.value == "done" and seconds:
        lines.append(f"{amount(rows, 'row')} in {seconds:,.1f} s.")
        if all_rows and all_rows == one.counts.get("skipped"):
            lines.append(
                "All rows had been imported before from this source; --again imports them again."
            )
        lines.append(f"Take it back with: onelead import --undo {one.number}")
    if one.message:
        lines.append(_line(one.message))
    return "\n".join(lines)
