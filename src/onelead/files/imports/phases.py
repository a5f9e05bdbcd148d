"""The phases of an import in a server: the file is read, rehearsed, written; each can go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Protocol

from msgspec import structs

from onelead.contract.imports import FileImport, ImportChange, ImportRow, ImportState, ImportStore
from onelead.domain.account import AccountSettings
from onelead.domain.importing.limits import IMPORT_NOTED_S
from onelead.files.imports.choices import Findings, Rehearsed, choices_of, findings_of, text_of
from onelead.files.imports.reading import (
    Interrupted,
    Tally,
    read_table,
    rehearse_table,
    settings_for,
)
from onelead.files.imports.rehearsal import Rehearsal
from onelead.files.imports.rows import row_writes_of
from onelead.files.imports.running import BulkWriter, Run, sender_of
from onelead.files.imports.walks import opened

__all__ = ["BulkWriter", "PhaseStore", "Phases"]


class PhaseStore(ImportStore, Protocol):
    """What the phases need of a store."""

    async def settings(self, account_id: int) -> AccountSettings:
        """See `SettingsStore`."""


class Phases:
    """Does what the state of an import asks for, as the process that holds it."""

    def __init__(
        self,
        store: PhaseStore,
        writer: BulkWriter,
        holder: str,
        *,
        monotonic: Callable[[], float],
        goes_on: Callable[[], bool],
    ) -> None:
        """`goes_on` says whether the process goes on with it."""
        self._store = store
        self._writer = writer
        self._holder = holder
        self._monotonic = monotonic
        self._goes_on = goes_on

    async def do(self, account_id: int, one: FileImport) -> None:
        """Do the phase to its end, unless someone does not want it any more.

        Raises what reading the file raises, InputInvalid, StoreUnavailable and ServiceStopping.
        """
        try:
            if one.state is ImportState.READING:
                await self._read(account_id, one)
            elif one.state is ImportState.REHEARSING:
                await self._rehearse(account_id, one)
            else:
                run = Run(
                    *(self._store, self._writer, account_id, self._holder),
                    monotonic=self._monotonic,
                    goes_on=self._goes_on,
                )
                await run.run(one)
        except Interrupted:
            return

    async def _read(self, account_id: int, one: FileImport) -> None:
        choices = choices_of(one)
        settings = await self._store.settings(account_id)
        watch = self._watch(account_id, one)
        async with opened(self._store, account_id, one, choices.reading, watch.keep_on) as table:
            findings = await read_table(table, choices, settings, watch.goes_on_reading)
        goes_on = choices.rehearses and not findings.open_questions
        state = ImportState.REHEARSING if goes_on else ImportState.READ
        await watch.end(findings, state)

    async def _rehearse(self, account_id: int, one: FileImport) -> None:
        choices, findings = choices_of(one), findings_of(one)
        assert findings is not None, "a file is read before its dry run"
        settings = settings_for(findings, await self._store.settings(account_id))
        watch, began = self._watch(account_id, one), self._monotonic()

        def so_far(result: Rehearsed) -> Findings:
            seconds = self._monotonic() - began
            return structs.replace(findings, rehearsed=structs.replace(result, seconds=seconds))

        async def on_tally(tally: Tally) -> bool:
            return await watch.goes_on(
                lambda: ImportChange(findings=text_of(so_far(tally.result())))
            )

        async with opened(self._store, account_id, one, choices.reading, watch.keep_on) as table:
            sender = sender_of(one, choices)
            with (
                closing(
                    row_writes_of(table.header, findings, choices, settings, sender)
                ) as row_writes,
                closing(Rehearsal(self._store, account_id, settings)) as rehearsal,
            ):
                rehearsed = await rehearse_table(
                    *(table, row_writes, rehearsal), keep=watch.keep, on_tally=on_tally
                )
        await watch.end(so_far(rehearsed), ImportState.REHEARSED)

    def _watch(self, account_id: int, one: FileImport) -> _Watch:
        return _Watch(self._store, account_id, one, self._holder, self._goes_on, self._monotonic)


class _Watch:
    """Notes how far a look at a file is, and notices that nobody wants it any more."""

    def __init__(
        self,
        store: PhaseStore,
        account_id: int,
        one: FileImport,
        holder: str,
        goes_on: Callable[[], bool],
        monotonic: Callable[[], float],
    ) -> None:
        self._store = store
        self._account_id = account_id
        self._one = one
        self._holder = holder
        self._process_goes_on = goes_on
        self._monotonic = monotonic
        self._noted_at = monotonic()
        self._has_kept = False

    async def goes_on_reading(self, rows: int) -> bool:
        """Note how many rows were read, every moment; return whether to read more."""
        return await self.goes_on(lambda: ImportChange(row_count=rows))

    async def goes_on(self, so_far: Callable[[], ImportChange]) -> bool:
        """Note what was found so far, every moment; return whether to look at more."""
        if not self._process_goes_on():
            await self._note(ImportChange(), leave=True)
            return False
        if self._monotonic() < self._noted_at + IMPORT_NOTED_S:
            return True
        self._noted_at = self._monotonic()
        found = await self._note(so_far(), leave=False)
        return found is not None and found.state is self._one.state

    async def keep_on(self) -> None:
        """Keep the import from other processes while there is nothing to say."""
        await self._note(ImportChange(), leave=False)

    async def keep(self, rows: Sequence[ImportRow]) -> None:
        """Keep rows of a dry run, in the place of those of the one before."""
        if rows:
            number, first = self._one.number, not self._has_kept
            await self._store.keep_import_rows(
                self._account_id, number, self._holder, rows, first=first
            )
            self._has_kept = True

    async def end(self, findings: Findings, state: ImportState) -> None:
        """Store what was found."""
        rows = findings.surveyed.rows + findings.faults
        change = ImportChange(state=state, findings=text_of(findings), row_count=rows, message="")
        await self._note(change, leave=True)

    async def _note(self, change: ImportChange, *, leave: bool) -> FileImport | None:
        number = self._one.number
        return await self._store.note_import(
            self._account_id, number, self._holder, change, leave=leave
        )
