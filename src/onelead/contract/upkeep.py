"""What an engine promises about its database as a whole: checking, backing up, restoring.

Unlike the methods of the store, these do not need a database that this version could serve.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from onelead.contract.checks import Finding
from onelead.contract.exports import AccountLines, Loaded, OnProgress


class FilesChecked(Struct, frozen=True):
    """What was found in the files of a database."""

    findings: Sequence[Finding]
    #: What could not be checked, and why.
    unchecked: Sequence[str]


class Contents(Struct, frozen=True):
    """What a backup holds, as counted when it was verified."""

    revision: str
    accounts: int
    leads: int
    ledger_rows: int


class Restored(Struct, frozen=True):
    """What a restore did."""

    contents: Contents
    #: Where the database is that was there before; None if there was none.
    kept: Path | None


class Upkeep(Protocol):
    """The care for a database; every method can take minutes."""

    def check_files(self, on_progress: OnProgress) -> FilesChecked:
        """Check the files as the database system sees them, even while a server runs.

        Raises NotPossible for a database of an earlier version, and DatabaseNewer,
        DatabaseUnusable.
        """

    def back_up(self, file: Path, *, replace: bool, on_progress: OnProgress) -> Contents:
        """Write the committed state of one moment into a file, even while a server runs.

        The file has its name only when it is whole, verified and on the disk. Raises NotPossible,
        DatabaseUnusable.
        """

    def restore(self, file: Path, *, replace: bool, on_progress: OnProgress) -> Restored:
        """Put a backup in the place of the database; after a crash it is the old or the new one.

        Raises NotPossible, DatabaseNewer, DatabaseLocked, DatabaseUnusable.
        """

    def load_account(self, account: AccountLines, now: int) -> Loaded:
        """Load an account into the migrated database, as a whole or not at all.

        An account of the same id is replaced if it has no leads and no ledger yet; ids of accounts
        and of all that they have stay as they are. No server may run on a SQLite file meanwhile.
        Raises NotPossible, DatabaseLocked, DatabaseUnusable.
        """
