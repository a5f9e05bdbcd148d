"""Small files, taken through the survey and the mapper as an import does."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import msgspec
from tests.support.domain.builders import a_delivery, a_settings
from tests.support.domain.planned_leads import PlannedLeads

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import CustomField, IndexState
from onelead.domain.importing.headers import guessed_mapping
from onelead.domain.importing.mapped_row import MappedRow, with_other_parts
from onelead.domain.importing.mapper import Mapper
from onelead.domain.importing.mapping import Mapping
from onelead.domain.importing.survey import Survey, Surveyed
from onelead.domain.lead import Lead
from onelead.domain.writes import Action, LeadWrite
from onelead.incoming.lead_json import lead_write, upsert_write


def filterable(field: CustomField) -> CustomField:
    """Return a definition by which leads are matched."""
    return msgspec.structs.replace(field, is_filterable=True, index_state=IndexState.READY)


class File:
    """A file as an import reads it: a header and rows."""

    def __init__(
        self,
        header: Sequence[str],
        *rows: Sequence[str],
        settings: AccountSettings | None = None,
        **options: Any,
    ) -> None:
        """Take the attributes of the mapping as options; the columns are guessed."""
        self.settings = settings or a_settings()
        self.rows = rows
        guessed = guessed_mapping(header, self.settings)
        self.mapping: Mapping = msgspec.structs.replace(guessed, **options)

    @property
    def targets(self) -> list[str | None]:
        """What the columns are."""
        return [column.target for column in self.mapping.columns]

    def with_targets(self, *targets: str | None, **options: Any) -> File:
        """Return the same file with other targets."""
        mapping = self.mapping.with_columns(target=dict(enumerate(targets)))
        self.mapping = msgspec.structs.replace(mapping, **options)
        return self

    def surveyed(self) -> Surveyed:
        """Return what all rows say, as it is after it was kept as JSON."""
        survey = Survey(self.mapping, self.settings)
        half = len(self.rows) // 2
        survey.add(self.rows[:half])
        survey.add(self.rows[half:])
        return msgspec.json.decode(msgspec.json.encode(survey.result()), type=Surveyed)

    def mapped(self) -> list[MappedRow]:
        """Return what the rows mean."""
        mapper = Mapper(self.surveyed().mapping, self.settings)
        return [mapper.row(row) for row in self.rows]

    def leads(self) -> list[Lead]:
        """Return the leads of an empty account after the import."""
        planned = PlannedLeads(self.settings)
        planned.write(*map(write_of, self.mapped()))
        return list(planned.leads.values())


def csv_file(text: str, separator: str = ",", **options: Any) -> File:
    """Return a file of a text in CSV."""
    header, *rows = csv.reader(io.StringIO(text), delimiter=separator)
    filled = [row + [""] * (len(header) - len(row)) for row in rows if any(row)]
    return File(header, *filled, **options)


def write_of(row: MappedRow) -> LeadWrite:
    """Return the write that a row becomes."""
    body = {"properties": row.properties, "match": row.match, "if_empty": [*row.if_empty]}
    if row.match is None:
        write = lead_write(Action.CREATE, None, row.properties, a_delivery())
    else:
        write = upsert_write(body, a_delivery())
    assert write.patch is not None
    patch = with_other_parts(write.patch, row.properties)
    problems = (*row.problems, *write.problems)
    return msgspec.structs.replace(write, patch=patch, problems=problems)


def one_row(cells: dict[str, str], settings: AccountSettings | None = None) -> MappedRow:
    """Return what a row means whose cells are under these headers."""
    return File([*cells], [*cells.values()], settings=settings).mapped()[0]
