"""Imports of files: what all engines share."""

from __future__ import annotations

from onelead.contract.imports import FileImport, NewImport
from onelead.storage.imports import contents, jobs, known
from onelead.storage.transactions import (
    Transactions,
    reads,
    reads_by_settings,
    writes,
    writes_now,
)


class PortableImports(Transactions):
    """The portable part of `ImportStore`."""

    add_import_part = writes(contents.add_part)
    import_part = reads(contents.read_part)
    file_imports = reads(jobs.read_imports)
    file_import = reads(jobs.read_import)
    import_of_batch = reads(jobs.import_of_batch)
    change_import = writes_now(jobs.change_import)
    forget_import = writes(jobs.forget_import)
    clean_imports = writes_now(contents.clean_imports)
    accounts_importing = reads(jobs.accounts_importing)
    take_import = writes_now(jobs.take_import)
    hold_import = writes_now(jobs.hold_import)
    note_import = writes_now(jobs.note_import)
    keep_import_rows = writes(contents.keep_rows)
    import_rows = reads(contents.read_rows)
    batch_rows = reads(known.batch_rows)
    written_rows = reads(known.written_rows)
    save_import_mapping = writes_now(contents.save_mapping)
    import_mappings = reads(contents.read_mappings)
    forget_import_mapping = writes(contents.forget_mapping)
    rehearsal_start = reads_by_settings(known.rehearsal_start)
    known_of = reads(known.known_of)

    async def begin_import(self, account_id: int, new: NewImport) -> FileImport:
        now = self._clock()
        return await self._write(
            lambda connection: jobs.begin_import(connection, now, account_id, new),
            lambda connection, made: (
                jobs.import_of_batch(connection, account_id, made.batch_id) is not None
            ),
        )
