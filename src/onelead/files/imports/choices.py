"""What an import is asked to do, and what was found out, as the JSON that is stored with it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping as Map
from collections.abc import Sequence
from pathlib import PurePath

import msgspec
from msgspec import Struct, structs

from onelead.contract.imports import FileImport
from onelead.domain.importing.headers import header_key_set
from onelead.domain.importing.mapping import Mapping
from onelead.domain.importing.survey import Surveyed
from onelead.files.readers.table import Choices, Reading


class ImportChoices(Struct, frozen=True, omit_defaults=True):
    """What the user has decided so far."""

    reading: Choices = Choices()
    #: None for what the headers alone say.
    mapping: Mapping | None = None
    #: The name of the source; empty for that of the file.
    source: str = ""
    #: By line, then by place of the column from 0: what a cell should have said.
    corrections: Map[str, Map[str, str]] = {}
    #: Whether a dry run follows as soon as the file is read and nothing is open.
    rehearses: bool = False
    #: Whether rows count that an import from the same source has brought before.
    again: bool = False


class FirstRow(Struct, frozen=True):
    """A row as it is in the file."""

    line: int
    cells: tuple[str, ...]


class Rehearsed(Struct, frozen=True, omit_defaults=True):
    """What a dry run says about all rows."""

    rows: int
    counts: Map[str, int]
    #: Why rows would be refused, and how many for each reason.
    reasons: Map[str, int] = {}
    #: What would be left out or changed of their cells.
    remarks: Map[str, int] = {}
    #: Whether there are more rows of an outcome than are kept.
    beyond: bool = False
    #: How long it took so far.
    seconds: float = 0


class Findings(Struct, frozen=True, omit_defaults=True):
    """What was found in a file."""

    reading: Reading
    header: tuple[str, ...]
    first_rows: tuple[FirstRow, ...]
    surveyed: Surveyed
    #: How many rows cannot be read, and the sentences about the first ones.
    faults: int = 0
    fault_samples: tuple[str, ...] = ()
    #: The line of the last row, if it looks like the total of the others.
    total_line: int | None = None
    rehearsed: Rehearsed | None = None
    #: When its rows began to be written, in Unix seconds.
    started: int | None = None
    #: How many rows were done before that.
    rows_before: int = 0

    @property
    def open_questions(self) -> tuple[str, ...]:
        """What has to be answered, or mended, before anything is written."""
        asked = [one.sentence for one in self.surveyed.questions if one.default is None]
        return (*self.surveyed.stops, *asked)

    @property
    def notes(self) -> Sequence[str]:
        """What was skipped, and what looks wrong, in sentences."""
        found = [*self.reading.skips(), *self.reading.concerns, *self.surveyed.concerns]
        if self.total_line is not None:
            found.append(f"Line {self.total_line:,} looks like a total, but is taken for a lead.")
        return found

    def without_people(self) -> Findings:
        """Return the findings without what is in single cells."""
        columns = tuple(
            structs.replace(one, samples=(), cut_sample="", unknown={}, evidence_samples={})
            for one in self.surveyed.columns
        )
        surveyed = structs.replace(self.surveyed, columns=columns, questions=(), concerns=())
        reading = structs.replace(self.reading, samples=(), concerns=(), titles=())
        rehearsed = self.rehearsed and structs.replace(self.rehearsed, reasons={}, remarks={})
        bare = {"first_rows": (), "fault_samples": (), "rehearsed": rehearsed}
        return structs.replace(self, surveyed=surveyed, reading=reading, **bare)


class RehearsedRow(Struct, frozen=True, omit_defaults=True):
    """What a dry run says about a row: the content of an `ImportRow`."""

    cells: tuple[str, ...]
    lead_id: int | None = None
    lead_name: str | None = None
    #: As in the ledger.
    changes: Map[str, list[object]] = {}
    why: str | None = None
    #: The leads that match, of an ambiguous row.
    ids: tuple[int, ...] = ()
    remarks: tuple[str, ...] = ()


_encode = msgspec.json.Encoder().encode
_choices = msgspec.json.Decoder(ImportChoices).decode
_findings = msgspec.json.Decoder(Findings).decode
_row = msgspec.json.Decoder(RehearsedRow).decode


def text_of(value: Struct) -> str:
    """Return what is stored."""
    return _encode(value).decode()


def choices_of(one: FileImport) -> ImportChoices:
    """Return the choices of an import."""
    return _choices(one.choices)


def findings_of(one: FileImport) -> Findings | None:
    """Return the findings of an import; None before there are any, and when they are removed."""
    return None if one.findings is None else _findings(one.findings)


def rehearsed_row(content: str) -> RehearsedRow:
    """Return what a dry run says about a row."""
    return _row(content)


def headers_hash(header: Sequence[str]) -> str:
    """Return by which a saved mapping is offered for files with the same set of headers."""
    return hashlib.sha256("\n".join(header_key_set(header)).encode()).hexdigest()


def source_name(choices: ImportChoices, file_name: str) -> str:
    """Return the name of an import's source."""
    return choices.source or PurePath(file_name).stem or file_name
