"""The table of cells in `docs/cells.md` is what the mapper does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tests.support.domain.imports import one_row

from onelead.domain.importing.mapped_row import MappedRow

PAGE = Path(__file__).parents[2] / "docs" / "cells.md"
ROWS = re.findall(
    r"^\| ([A-Z][\w ]+) \| `(.+?)` \| (.+) \|$", PAGE.read_text("utf-8"), re.MULTILINE
)
#: Where each column puts a value.
PLACES: dict[str, tuple[str | int, ...]] = {
    "Email": ("email", "email"),
    "Phone": ("phone_numbers", 0, "number"),
    "Postal code": ("address", "postal_code"),
    "Company": ("company_name",),
    "Value": ("monetary_value",),
}
#: What the page says in words.
IN_WORDS: dict[str, dict[str, Any]] = {
    "the status Open": {"status_id": 2002},
    "the moment, in the account's time zone": {"date_created": 1_772_382_120},
    "the midnight of 2026-03-03": {"date_created": 1_772_517_600},
}


def value_at(row: MappedRow, header: str) -> Any:
    value: Any = row.properties
    for step in PLACES[header]:
        try:
            value = value[step]
        except KeyError:
            return None
    return value


def test_there_are_rows() -> None:
    assert len(ROWS) > 20


@pytest.mark.parametrize(("header", "cell", "becomes"), ROWS)
def test_a_cell_becomes_what_the_page_says(header: str, cell: str, becomes: str) -> None:
    row = one_row({"Full name": "Ana", header: cell})
    if becomes == "the row is refused":
        assert len(row.problems) == 1
    elif becomes in IN_WORDS:
        found = row.properties | {"date_created": row.date_created}
        assert IN_WORDS[becomes].items() <= found.items()
    else:
        value = becomes.strip("`") if becomes.startswith("`") else None
        assert value_at(row, header) == value
        assert bool(row.remarks) is becomes.endswith("with a remark")
