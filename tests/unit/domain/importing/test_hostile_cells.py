"""Cells that are made to cost: each takes a moment, and leaves nothing behind."""

from __future__ import annotations

import pytest
from tests.support.domain.builders import a_field, a_settings
from tests.support.domain.imports import File

from onelead.domain.custom_fields import DataType

SETTINGS = a_settings(
    fields=(
        a_field(id=8, name="Visited", data_type=DataType.DATE),
        a_field(id=9, name="Score", data_type=DataType.FLOAT),
        a_field(id=10, name="Agreed", data_type=DataType.CHECKBOX),
        a_field(id=12, name="Levels", data_type=DataType.MULTI_SELECT),
    )
)
HEADER = [
    *("Name", "Email", "Phone", "Website", "Tags", "Value", "Created", "Status", "Zip"),
    *("Visited", "Score", "Agreed", "Levels", "Notes"),
]
SIZE = 20_000


@pytest.mark.parametrize(
    "cell",
    [
        *(" x" + " " * SIZE + "x", "@" * SIZE, "a@b;" * (SIZE // 4), "+49 1234567;" * (SIZE // 12)),
        *('"' * SIZE, '";""' * (SIZE // 4), ",-" * (SIZE // 2), "1," * (SIZE // 2), "1" * SIZE),
        *("3 de " * (SIZE // 5), "1.1.2026" + " " * SIZE + "x", "a.b " * (SIZE // 4)),
        *("'" * SIZE, '="' * (SIZE // 2), ":" * SIZE, "x;" * (SIZE // 2), "<" * SIZE),
    ],
    ids=range(17),
)
def test_a_hostile_cell_in_every_column(cell: str) -> None:
    file = File(HEADER, [cell] * len(HEADER), settings=SETTINGS)
    (row,) = file.mapped()
    assert len(row.remarks) < 300
    assert max(map(len, row.remarks), default=0) < 10_000
    assert len(row.properties.get("phone_numbers", ())) <= 100
    assert len(row.properties.get("websites", ())) <= 100
