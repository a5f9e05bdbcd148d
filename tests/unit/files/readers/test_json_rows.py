"""JSON Lines, a JSON array, bulk lines and the lines of an export, as columns with dotted names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.files.tables import opened

from onelead.files.readers import json_rows
from onelead.files.readers.errors import FileTooLarge, FileUnreadable
from onelead.files.readers.table import Table

LEAD: dict[str, Any] = {
    "name": "Ána",
    "email": {"email": "a@x.example", "category": "work"},
    "phone_numbers": [{"number": "+1"}, {"number": "+2"}],
    "tags": ["fair", "vip"],
    "monetary_value": 1500.0,
    "details": None,
    "address": {},
    "custom_fields": [
        {"custom_field_definition_id": 7, "value": [3, 4]},
        {"custom_field_definition_id": 8, "value": 2.5},
        {"custom_field_definition_id": 9, "value": True},
    ],
}
FLAT = {
    "name": "Ána",
    "email.email": "a@x.example",
    "email.category": "work",
    "phone_numbers.0.number": "+1",
    "phone_numbers.1.number": "+2",
    "tags.0": "fair",
    "tags.1": "vip",
    "monetary_value": "1500",
    "custom:7": "3; 4",
    "custom:8": "2.5",
    "custom:9": "true",
}


def records(table: Table) -> list[dict[str, str]]:
    return [
        {name: cell for name, cell in zip(table.header, row.cells, strict=True) if cell}
        for row in table.rows()
    ]


def written(*values: Any) -> str:
    return "".join(f"{json.dumps(value)}\n" for value in values)


@pytest.mark.parametrize("name", ["leads.jsonl", "leads.csv"])
def test_an_object_a_line(tmp_path: Path, name: str) -> None:
    table = opened(tmp_path, f"{written(LEAD)}\n{written({'name': 'Bo', 'x': 1})}", name)
    assert (table.reading.format, table.reading.header_line) == ("json", 0)
    assert table.header == (*FLAT, "x")
    assert records(table) == [FLAT, {"name": "Bo", "x": "1"}]
    assert [row.line for row in table.rows()] == [1, 3]


def test_an_array(tmp_path: Path) -> None:
    table = opened(tmp_path, json.dumps([LEAD, {"name": "Bo"}, LEAD], indent=1), "leads.json")
    assert records(table) == [FLAT, {"name": "Bo"}, FLAT]
    lines = [row.line for row in table.rows()]
    assert lines[0] == 2
    assert lines == sorted(lines)


def test_the_lines_of_a_bulk_upsert(tmp_path: Path) -> None:
    match = {"field_name": "email", "field_value": "a@x.example"}
    table = opened(tmp_path, written({"properties": LEAD, "match": match}), "bulk.jsonl")
    sought = {"match.field_name": "email", "match.field_value": "a@x.example"}
    assert records(table) == [{**FLAT, **sought}]


def test_the_leads_of_an_export(tmp_path: Path) -> None:
    document = {"name": "Ana", "custom_fields": {"7": 5}}
    lines = [
        {"kind": "export", "format": 1, "version": "1", "account": 1},
        {"kind": "user", "id": 1, "name": "Uma"},
        {"kind": "lead", "id": 2, "document": document},
        {"kind": "end", "lines": {}, "sha256": ""},
    ]
    content = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
    table = opened(tmp_path, content, "export.jsonl")
    assert records(table) == [{"name": "Ana", "custom:7": "5"}]
    assert [row.line for row in table.rows()] == [3]
    assert "only its leads are read" in table.reading.concerns[0]


def test_a_line_that_cannot_be_read_is_refused_alone(tmp_path: Path) -> None:
    deep = "[" * 100_000 + "]" * 100_000
    bad = ['{"name":', '["x"]', '{"name":"a","name":"b"}', '{"a":"\\u0000"}', f'{{"a":{deep}}}']
    table = opened(tmp_path, "\n".join(['{"name":"Ana"}', *bad, '{"name":"Bo"}']), "leads.jsonl")
    assert table.header == ("name",)
    faults = [row.fault for row in table.rows()]
    assert (faults[0], faults[-1]) == (None, None)
    for fault, sentence in zip(
        faults[1:],
        [
            "The row is not readable JSON: ",
            "The row must be a JSON object.",
            "The row has the same key twice in one object.",
            "The row has a NUL character.",
            "The row is nested deeper than 32 levels.",
        ],
        strict=False,
    ):
        assert fault is not None
        assert fault.startswith(sentence)


def test_too_many_columns(tmp_path: Path) -> None:
    wide = {f"c{number}": 1 for number in range(1_001)}
    table = opened(tmp_path, written({"name": "Ana"}, wide), "leads.jsonl")
    assert [row.fault for row in table.rows()] == [None, "The row has more than 1,000 cells."]
    many = [{f"c{number}": 1} for number in range(1_001)]
    with pytest.raises(
        FileTooLarge, match="header of all rows up to line 1001 has more than 1,000 col"
    ):
        opened(tmp_path, written(*many), "leads.jsonl")


def test_what_is_no_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for content, sentence in {
        "Name,Email\nAna,a@x.example\n": "Line 1: The row is not readable JSON",
        '[{"name":"Ana"}': "The JSON array cannot be read",
        "[" + "[" * 100_000: "The file has no|Line 1|The JSON array",
        "[]": "The file has no rows",
    }.items():
        with pytest.raises(FileUnreadable, match=sentence):
            opened(tmp_path, content, "leads.json")
    monkeypatch.setattr(json_rows, "JSON_FILE_BYTES_MAX", 4 << 20)
    with pytest.raises(FileTooLarge, match="up to 4 MiB; write one object a line"):
        opened(tmp_path, json.dumps([{"name": "x" * (5 << 20)}]), "leads.json")


def test_a_line_that_is_too_long(tmp_path: Path) -> None:
    content = written({"name": "Ana"}, {"name": "x" * (3 << 20)}, {"name": "y" * 131_073})
    table = opened(tmp_path, content, "leads.jsonl")
    assert [row.fault for row in table.rows()] == [
        None,
        "The line is longer than 1,048,576 characters.",
        "The row is longer than 131,072 characters.",
    ]
