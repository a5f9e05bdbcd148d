"""The part of the storage contract about imports of files, and about rehearsing writes.

What the mapping, the choices and the findings are made of is not known here: they are JSON of those
who import. `contract/store.py` states what holds for every method.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from msgspec import Struct

from onelead.contract.batches import BatchResult
from onelead.domain.account import AccountSettings


class ImportState(StrEnum):
    """How far an import is."""

    #: The parts of the file come in.
    UPLOADING = "uploading"
    #: The file is being read.
    READING = "reading"
    #: It is understood; questions may be open.
    READ = "read"
    #: A dry run is under way.
    REHEARSING = "rehearsing"
    #: A dry run has said what would happen.
    REHEARSED = "rehearsed"
    #: Its rows are being written.
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    #: Someone has stopped it; it can go on.
    STOPPED = "stopped"
    #: It could not go on; the message says why.
    FAILED = "failed"


#: In these, a process is at work or should be.
AT_WORK = (ImportState.READING, ImportState.REHEARSING, ImportState.RUNNING)
#: In these, rows are written, or will be as soon as someone says so.
UNDER_WAY = (ImportState.RUNNING, ImportState.PAUSED)
#: In these, nothing is left to do, unless someone asks for it.
ENDED = (ImportState.DONE, ImportState.STOPPED, ImportState.FAILED)


class FileImport(Struct, frozen=True, kw_only=True):
    """One import of a file. Times are Unix seconds."""

    number: int
    #: Of the ledger rows that it writes.
    batch_id: str
    #: The caller that its ledger rows name; None before it starts.
    source_id: int | None
    state: ImportState
    date: int
    date_done: int | None
    user_id: int | None
    #: The file's name, for people.
    name: str
    #: Where the command line reads the file; None for an upload.
    path: str | None
    size_bytes: int
    #: SHA-256 of the file, in hexadecimal; empty until all of it is there.
    digest: str
    #: JSON: how it is read, which column is what, the answers to questions.
    choices: str
    #: JSON: what was found in the file, and what a dry run said.
    findings: str | None
    #: How many rows have each outcome so far.
    counts: Mapping[str, int]
    #: How many rows the file has; None before they are counted.
    row_count: int | None
    #: All rows up to this line are done.
    line: int
    message: str | None


class NewImport(Struct, frozen=True, kw_only=True):
    """What is known of an import when it begins."""

    batch_id: str
    name: str
    choices: str
    user_id: int | None = None
    path: str | None = None
    size_bytes: int = 0
    digest: str = ""


class ImportChange(Struct, frozen=True, kw_only=True):
    """What changes of an import; None leaves a value alone."""

    state: ImportState | None = None
    choices: str | None = None
    findings: str | None = None
    source_id: int | None = None
    size_bytes: int | None = None
    digest: str | None = None
    counts: Mapping[str, int] | None = None
    row_count: int | None = None
    line: int | None = None
    #: An empty text removes it.
    message: str | None = None


class ImportRow(NamedTuple):
    """What a dry run says about a row of the file."""

    line: int
    outcome: str
    #: JSON: the cells, what would change, and why.
    content: str


class SavedMapping(Struct, frozen=True, kw_only=True):
    """A mapping that was saved under a name."""

    name: str
    #: SHA-256 of the set of folded headers, in hexadecimal.
    headers_hash: str
    #: JSON.
    mapping: str
    date: int = 0
    user_id: int | None = None


class BatchRow(Struct, frozen=True, gc=False, kw_only=True):
    """A ledger row of a batch, with what was delivered."""

    result: BatchResult
    #: The line of the file.
    line: int | None
    payload: str


class WrittenRows(NamedTuple):
    """How far an import has come by its ledger rows."""

    #: Of its newest row; 0 without one.
    line: int
    #: How many rows have each outcome; those that found several leads are `ambiguous`.
    counts: Mapping[str, int]


#: A row of a table, in the order of its columns.
TableRow = Sequence[Any]


class Sought(Struct, frozen=True):
    """What a rehearsal has to know."""

    #: Match keys, by field and value.
    keys: Collection[tuple[str, str]]
    #: Hashes of idempotency keys.
    key_hashes: Collection[str]
    #: Leads with a higher id came after the rehearsal had begun.
    last_id: int
    #: At most so many leads of each match key.
    leads_max: int


class Known(Struct, frozen=True):
    """What is stored about what is sought, as rows of the tables."""

    leads: Sequence[TableRow]
    #: All match keys of these leads.
    match_keys: Sequence[TableRow]
    ledger: Sequence[TableRow]
    details: Sequence[TableRow]
    idempotency_keys: Sequence[TableRow]


class RehearsalStart(NamedTuple):
    """Where a rehearsal begins."""

    settings: AccountSettings
    last_id: int
    ledger_seq: int


class ImportStore(Protocol):
    """Imports, their uploaded files and dry runs, saved mappings."""

    async def begin_import(self, account_id: int, new: NewImport) -> FileImport:
        """Remember a new import, in the state uploading.

        Raises ImportNotPossible while IMPORTS_OPEN_MAX of them are not done.
        """

    async def add_import_part(
        self, account_id: int, number: int, part: int, content: bytes
    ) -> None:
        """Keep a part of the file; the first one is 0. The same part again takes its place.

        Raises ResourceNotFound, ImportNotPossible when all of the file is there, and BodyTooLarge
        for a part of more than IMPORT_PART_BYTES_MAX, and for more than IMPORT_FILE_BYTES_MAX in
        all.
        """

    async def import_part(self, account_id: int, number: int, part: int) -> bytes | None:
        """Return a part of the file; None after the last one."""

    async def file_imports(
        self, account_id: int, *, before: int | None = None, limit: int
    ) -> Sequence[FileImport]:
        """Return the imports below a number, the newest first."""

    async def file_import(self, account_id: int, number: int) -> FileImport:
        """Return an import. Raises ResourceNotFound."""

    async def import_of_batch(self, account_id: int, batch_id: str) -> FileImport | None:
        """Return the import whose ledger rows have this batch id."""

    async def change_import(
        self,
        account_id: int,
        number: int,
        change: ImportChange,
        *,
        only_in: Collection[ImportState],
    ) -> FileImport:
        """Change an import that is in one of these states, and return it.

        When it is to be read again, or starts, the rows of its dry run are removed. Raises
        ResourceNotFound, and ImportNotPossible in any other state.
        """

    async def forget_import(self, account_id: int, number: int) -> None:
        """Remove an import that has written nothing, and its file.

        Raises ResourceNotFound, and ImportNotPossible once it has started.
        """

    async def clean_imports(self) -> bool:
        """Remove some parts of files that nobody needs; return whether there were any.

        Those are the files of imports that are done or forgotten. After IMPORT_KEPT_DAYS_MAX, an
        import that has not started is forgotten, and one that waits otherwise fails without its
        file.
        """

    async def accounts_importing(self) -> Sequence[int]:
        """Return the accounts with uploads that a process should be at work on."""

    async def take_import(self, account_id: int, holder: str) -> FileImport | None:
        """Give a process an upload to work on, and keep it from the others for IMPORT_HELD_S.

        The oldest one first; None when no other process should be at any.
        """

    async def hold_import(self, account_id: int, number: int, holder: str) -> bool:
        """Keep an import from other processes for IMPORT_HELD_S; False while another has it."""

    async def note_import(
        self, account_id: int, number: int, holder: str, change: ImportChange, *, leave: bool
    ) -> FileImport | None:
        """Note how far the holder is, and hold the import on, or leave it to all.

        The state is changed only if it is still one of those of work: someone may have paused or
        stopped the import, as what is returned says. None when another process has taken it over.
        """

    async def keep_import_rows(
        self, account_id: int, number: int, holder: str, rows: Sequence[ImportRow], *, first: bool
    ) -> None:
        """Keep rows of a dry run; the first ones take the place of those of the dry run before.

        Nothing is kept for a holder whose dry run is not wanted any more.
        """

    async def import_rows(
        self, account_id: int, number: int, *, outcome: str | None = None, after: int, limit: int
    ) -> Sequence[ImportRow]:
        """Return the first rows of the newest dry run after a line."""

    async def batch_rows(
        self, account_id: int, batch_id: str, *, after: int, limit: int, refused: bool = False
    ) -> Sequence[BatchRow]:
        """Return the first rows of a batch after a ledger number, or only those refused."""

    async def written_rows(self, account_id: int, batch_id: str) -> WrittenRows:
        """Return how far an import has come by its ledger rows."""

    async def save_import_mapping(self, account_id: int, mapping: SavedMapping) -> None:
        """Save a mapping under its name, in the place of one with the same name.

        Raises InputInvalid, also for more than IMPORT_MAPPINGS_MAX.
        """

    async def import_mappings(
        self, account_id: int, headers_hash: str | None = None
    ) -> Sequence[SavedMapping]:
        """Return the saved mappings, or those for a set of headers, by name."""

    async def forget_import_mapping(self, account_id: int, name: str) -> None:
        """Remove a saved mapping. Raises ResourceNotFound."""

    async def rehearsal_start(self, account_id: int) -> RehearsalStart:
        """Return where a rehearsal of writes begins. Raises ResourceNotFound."""

    async def known_of(self, account_id: int, sought: Sought) -> Known:
        """Return what is stored about match keys and idempotency keys."""
