"""What an engine promises about taking an account out as lines of JSON, and in again.

A line is one row of one table. `files/exports` makes files of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeAlias

from msgspec import Struct

from onelead.domain.account import AccountSettings
from onelead.domain.lead import Lead
from onelead.domain.search import LeadSearch

#: Takes a text such as `copied 12 of 240 MB`.
OnProgress: TypeAlias = Callable[[str], None]


class Snapshot(Protocol):
    """One committed state of a database, for one thread at a time."""

    def account_ids(self) -> Sequence[int]:
        """Return the ids of all accounts, ascending."""

    def lines(self, account_id: int, *, is_copy: bool = False) -> Iterator[bytes]:
        """Yield the rows of an account, always in the same order.

        A copy, for another database, has passwords, keys and the audit, too.
        Raises ResourceNotFound.
        """


class AccountLines(Struct, frozen=True):
    """An account to be loaded."""

    account_id: int
    #: Raises NotPossible at the end of lines that are not to be trusted.
    lines: Iterator[bytes]
    is_copy: bool = False


class Loaded(Struct, frozen=True):
    """What was loaded."""

    account_id: int
    name: str
    leads: int
    ledger_rows: int


class LeadsInOrder(Struct, frozen=True, gc=False):
    """The next leads that a search finds, ascending by id, and the settings to show them by."""

    leads: Sequence[Lead]
    settings: AccountSettings


class ExportStore(Protocol):
    """Reads of everything that an account has."""

    def snapshot(self, on_progress: OnProgress) -> AbstractContextManager[Snapshot]:
        """Open one committed state; writes go on meanwhile. Blocks, and is used in a thread.

        Raises NotPossible, StoreUnavailable.
        """

    async def leads_in_order(
        self, account_id: int, search: LeadSearch, *, after: int, limit: int, now: int
    ) -> LeadsInOrder:
        """Return the leads that a search finds with ids beyond `after`; fewer at the end.

        The order and the place of the search are ignored. Raises InputInvalid.
        """
