"""Every table and column has its place in an export, or a reason why it has none."""

from __future__ import annotations

from onelead.storage import schema
from onelead.storage.exports.lines import lines_of
from onelead.storage.exports.tables import COPIED_ONLY, EXPORTED, LEFT_OUT


def test_every_table_is_exported_copied_or_left_out_for_a_reason() -> None:
    decided = [*(one.table for one in (*EXPORTED, *COPIED_ONLY)), *LEFT_OUT]
    assert sorted(table.name for table in decided) == sorted(schema.metadata.tables)
    assert all(LEFT_OUT.values())


def test_every_column_of_an_exported_table_is_in_its_lines_or_left_out_for_a_reason() -> None:
    for is_copy in (False, True):
        for kind, exported in zip(
            lines_of(is_copy=is_copy).kinds,
            (*EXPORTED, *COPIED_ONLY) if is_copy else EXPORTED,
            strict=True,
        ):
            columns = {column.name for column in kind.table.c} - {"account_id"}
            left_out = {*exported.left_out}
            assert set(kind.line.__struct_fields__) == columns - left_out
            assert left_out <= columns
            assert {*exported.nested} <= columns
            assert all(exported.left_out.values())


def test_no_line_of_an_export_has_a_secret() -> None:
    secrets = ("hash", "secret", "credential", "token", "public_key", "code")
    columns = {
        f"{kind.table.name}.{name}"
        for kind in lines_of(is_copy=False).kinds
        for name in kind.line.__struct_fields__
    }
    suspect = {one for one in columns if any(word in one for word in secrets)}
    # By those of idempotency keys a row of a file is done once, and by that of a source, which
    # follows from its name, it is found again. The round trip shows that no other key has one.
    assert suspect == {
        *("idempotency_key.key_hash", "idempotency_key.body_hash", "api_key.key_hash"),
        "import_mapping.headers_hash",
    }
