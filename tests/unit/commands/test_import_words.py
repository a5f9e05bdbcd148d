"""What `onelead import` says about single rows."""

from __future__ import annotations

from tests.support.domain.builders import a_settings

from onelead.commands.import_words import first_leads
from onelead.files.imports.choices import RehearsedRow


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
