"""Writes the rows of an import through the writer, and goes on where it was left.

While the rows of one chunk are written, those of the next are read. How far it is, is noted every
moment; what a killed process had not noted is in the ledger. Rows that were written before are
known by their keys, so nothing is done twice, even if others import the same file.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol

from msgspec import Struct, structs

from onelead.contract.imports import FileImport, ImportChange, ImportState, WrittenRows
from onelead.domain.account import AccountSettings
from onelead.domain.importing.limits import IMPORT_NOTED_S, IMPORT_PROCESS_BYTES_MIN
from onelead.domain.writes import CheckedWrites
from onelead.files.imports.choices import (
    Findings,
    ImportChoices,
    choices_of,
    findings_of,
    source_name,
    text_of,
)
from onelead.files.imports.outcomes import SKIPPED, outcome_of, total
from onelead.files.imports.prepared import Prepared, PrepareJob, prepared_elsewhere, prepared_here
from onelead.files.imports.rows import (
    Sender,
    WrittenRow,
    key_scope,
)
from onelead.files.imports.walks import PartStore, file_of, moments
from onelead.process.writer import Receipt

#: So many chunks wait for the writer, so that it never waits for the file.
_CHUNKS_AHEAD = 2


class RunStore(PartStore, Protocol):
    """What writing an import needs of a store."""

    async def settings(self, account_id: int) -> AccountSettings:
        """See `SettingsStore`."""

    async def note_import(
        self, account_id: int, number: int, holder: str, change: ImportChange, *, leave: bool
    ) -> FileImport | None:
        """See `ImportStore`."""

    async def written_rows(self, account_id: int, batch_id: str) -> WrittenRows:
        """See `ImportStore`."""


class BulkWriter(Protocol):
    """What writing an import needs of the writer."""

    async def accept_bulk(
        self, account_id: int, writes: CheckedWrites
    ) -> list[asyncio.Future[Receipt]]:
        """See `BatchingWriter`."""


class Progress(Struct):
    """How far an import is."""

    #: All rows up to this line are done.
    line: int
    counts: Counter[str]
    row_count: int | None


#: Told about rows as soon as they are written, with the progress.
OnWritten = Callable[[Sequence[WrittenRow], Sequence[Receipt], Progress], None]


#: The rows of a chunk, and what will answer them.
_Ahead = deque[tuple[Sequence[WrittenRow], list[asyncio.Future[Receipt]]]]


@dataclass
class Run:
    """Writes the rows of one import that this process holds."""

    store: RunStore
    writer: BulkWriter
    account_id: int
    holder: str
    monotonic: Callable[[], float]
    #: Asked after each chunk whether this process goes on with it.
    goes_on: Callable[[], bool] = lambda: True
    on_written: OnWritten = lambda _rows, _receipts, _progress: None
    _noted_at: float = field(default=0, init=False)
    _ahead: _Ahead = field(default_factory=deque, init=False)
    _is_done: bool = field(default=False, init=False)

    async def run(self, one: FileImport) -> FileImport | None:
        """Write the rows that are left; return the import as it is then.

        None when another process has taken it over. Raises what reading the file raises,
        InputInvalid, StoreUnavailable and ServiceStopping; then another run goes on.
        """
        choices, findings = choices_of(one), findings_of(one)
        assert findings is not None, "an import starts after its file was read"
        written = await self.store.written_rows(self.account_id, one.batch_id)
        progress = Progress(one.line, Counter(one.counts), one.row_count)
        self._noted_at = self.monotonic()
        found: FileImport | None = one
        try:
            found = await self._walk(one, choices, findings, written, progress)
        finally:
            await self._settle()
            if found is not None:
                found = await self._note(one, progress, self._ending(choices, findings), leave=True)
        return found

    async def _walk(
        self,
        one: FileImport,
        choices: ImportChoices,
        findings: Findings,
        written: WrittenRows,
        progress: Progress,
    ) -> FileImport | None:
        """Write row after row until the end, or until someone says to stop."""
        settings = await self.store.settings(self.account_id)
        sender = sender_of(one, choices)
        done_to = max(progress.line, written.line)
        passed = 0
        async with file_of(self.store, self.account_id, one) as path:
            job = PrepareJob(
                *(path, one.name, one.digest, findings, choices, settings, sender, done_to)
            )
            is_large = one.size_bytes >= IMPORT_PROCESS_BYTES_MIN
            prepared = prepared_elsewhere(job) if is_large else prepared_here(job)
            async with aclosing(_with_moments(prepared)) as chunks:
                async for chunk in chunks:
                    passed += chunk.passed
                    if chunk.rows:
                        if done_to > progress.line:
                            _catch_up(progress, written, passed)
                        writes = CheckedWrites(chunk.checked, settings.version)
                        answers = await self.writer.accept_bulk(self.account_id, writes)
                        self._ahead.append((chunk.rows, answers))
                    if len(self._ahead) >= _CHUNKS_AHEAD:
                        await self._finish_one(progress)
                    found = await self._noted_in_time(one, progress)
                    if not (found and found.state is ImportState.RUNNING and self.goes_on()):
                        return found
        while self._ahead:
            await self._finish_one(progress)
        if done_to > progress.line:
            _catch_up(progress, written, passed)
        self._is_done = True
        progress.row_count = total(progress.counts)
        return one

    async def _finish_one(self, progress: Progress) -> None:
        """Wait for the oldest chunk and count it."""
        rows, answers = self._ahead[0]
        receipts = [await answer for answer in answers]
        self._ahead.popleft()
        for receipt in receipts:
            progress.counts[outcome_of(receipt.result)] += 1
        progress.line = rows[-1].row.line
        self.on_written(rows, receipts, progress)

    async def _settle(self) -> None:
        """Wait for what is on its way; whether it was written is found out by the next run."""
        answers = [answer for _rows, some in self._ahead for answer in some]
        self._ahead.clear()
        await asyncio.gather(*answers, return_exceptions=True)

    async def _noted_in_time(self, one: FileImport, progress: Progress) -> FileImport | None:
        if self.monotonic() < self._noted_at + IMPORT_NOTED_S:
            return one
        self._noted_at = self.monotonic()
        return await self._note(one, progress, ImportChange(), leave=False)

    async def _note(
        self, one: FileImport, progress: Progress, change: ImportChange, *, leave: bool
    ) -> FileImport | None:
        change = structs.replace(
            change, line=progress.line, counts=progress.counts, row_count=progress.row_count
        )
        return await self.store.note_import(
            self.account_id, one.number, self.holder, change, leave=leave
        )

    def _ending(self, choices: ImportChoices, findings: Findings) -> ImportChange:
        """Return what changes at the end: nothing, or it is done and people are forgotten."""
        if not self._is_done:
            return ImportChange()
        return ImportChange(
            state=ImportState.DONE,
            choices=text_of(structs.replace(choices, corrections={})),
            findings=text_of(findings.without_people()),
            message="",
        )


async def _with_moments(prepared: AsyncGenerator[Prepared]) -> AsyncGenerator[Prepared]:
    """Yield the chunks, and an empty one for every moment without any, as while a file opens."""
    step = None
    try:
        while True:
            step = asyncio.ensure_future(anext(prepared, None))
            async for _ in moments(step):
                yield Prepared()
            if (chunk := step.result()) is None:
                return
            yield chunk
    finally:
        if step is not None:
            step.cancel()
            await asyncio.wait([step])
        await prepared.aclose()


def sender_of(one: FileImport, choices: ImportChoices) -> Sender:
    """Return in whose name the rows of an import are written."""
    again = one.batch_id if choices.again else None
    scope = key_scope(source_name(choices, one.name), again)
    return Sender(one.batch_id, scope, one.user_id, one.source_id)


def _catch_up(progress: Progress, written: WrittenRows, passed: int) -> None:
    """Count what a killed process had done and not noted, by the ledger.

    Rows that were passed over and are not in the ledger of this import had been done before it.
    """
    counts = Counter(written.counts)
    counts[SKIPPED] = max(0, passed - counts.total())
    progress.counts, progress.line = +counts, written.line
