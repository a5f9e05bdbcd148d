"""What `onelead import` says about a file, its columns and its rows."""

from __future__ import annotations

from tests.support.domain.builders import a_settings
from tests.support.domain.imports import File

from onelead.commands.import_words import first_leads, understood
from onelead.files.imports.choices import Findings, RehearsedRow
from onelead.files.readers.table import Reading


def test_a_row_is_a_line_however_long_its_cells_are() -> None:
    long = RehearsedRow(("x" * 100_000, "two\nlines"), why="The row is too long.")
    made = RehearsedRow(
        ("Nora",), lead_name="Nora", changes={"name": [None, "Nora"], "title": [None, "y" * 999]}
    )
    told = first_leads([(2, "refused", long), (3, "created", made)], a_settings())
    assert told.splitlines() == [
        "The first rows would be:",
        f"  line 2: refused {'x' * 57}...",
        "    The row is too long.",
        f"  line 3: created Nora (Title: {'y' * 57}...)",
    ]


def test_columns_are_named_as_people_name_them() -> None:
    file = File(["Name", "Hall", "Note"], ["Nora", "B", "x"])
    file.with_targets("name", "new:Dropdown:Stand", None)
    found = Findings(Reading("csv"), ("Name", "Hall", "Note"), (), file.surveyed())
    told = understood(found, a_settings())
    assert "  Name -> Name\n" in told
    assert '  Hall -> a new custom field "Stand" (Dropdown)\n  Note -> not imported\n' in told
