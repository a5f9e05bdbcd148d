"""What the portable parts of an engine stand on: transactions, and the settings last seen."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from onelead.domain.account import AccountSettings
from onelead.storage.settings.rows import load_settings

T = TypeVar("T")


class Transactions(ABC):
    """How an engine reads and writes, whatever it is."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._settings: dict[int, AccountSettings] = {}

    @abstractmethod
    async def _read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction that sees one committed state."""

    @abstractmethod
    async def _write(
        self,
        work: Callable[[Connection], T],
        was_written: Callable[[Connection, T], bool] | None = None,
    ) -> T:
        """Run `work` in a write transaction and commit it.

        When nobody knows whether the commit happened, `was_written` looks for what `work` has
        returned; without it the caller is told that the database does not answer.
        """

    @abstractmethod
    def _lock_accounts(self, connection: Connection) -> None:
        """Let nobody else create an account before the transaction ends."""

    def _load_settings(self, connection: Connection, account_id: int) -> AccountSettings:
        known = self._settings.get(account_id)
        settings = load_settings(connection, account_id, known)
        self._settings[account_id] = settings
        return settings
