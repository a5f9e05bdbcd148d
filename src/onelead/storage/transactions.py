"""The base of an engine's portable parts: transactions, and the settings last read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar

from sqlalchemy import Connection

from onelead.domain.account import AccountSettings
from onelead.storage.long_reads import LongReads
from onelead.storage.settings.rows import load_settings

P = ParamSpec("P")
T = TypeVar("T")


class Transactions(ABC):
    """How an engine runs transactions."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._settings: dict[int, AccountSettings] = {}
        self._long_reads = LongReads()

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

        When the outcome of the commit is unknown, `was_written` looks for what `work` returned;
        without it the caller is told that the database does not answer.
        """

    @abstractmethod
    def _lock_accounts(self, connection: Connection) -> None:
        """Keep others from creating an account until the transaction ends."""

    def _load_settings(self, connection: Connection, account_id: int) -> AccountSettings:
        known = self._settings.get(account_id)
        settings = load_settings(connection, account_id, known)
        self._settings[account_id] = settings
        return settings


Method: TypeAlias = Callable[Concatenate[Transactions, P], Coroutine[Any, Any, T]]
AccountMethod: TypeAlias = Callable[Concatenate[Transactions, int, P], Coroutine[Any, Any, T]]


def reads(statement: Callable[Concatenate[Connection, P], T]) -> Method[P, T]:
    """Make a method that runs a statement in a read transaction."""

    async def method(self: Transactions, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._read(lambda connection: statement(connection, *args, **kwargs))

    return method


def reads_by_settings(
    statement: Callable[Concatenate[Connection, AccountSettings, P], T],
) -> AccountMethod[P, T]:
    """Make the same for a statement that takes the settings instead of the account's id."""

    async def method(
        self: Transactions, account_id: int, /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        def work(connection: Connection) -> T:
            settings = self._load_settings(connection, account_id)
            return statement(connection, settings, *args, **kwargs)

        return await self._read(work)

    return method


def long_read(method: Method[P, T]) -> Method[P, T]:
    """Make the same of a method that may read very much: it waits for its turn."""

    async def turn(self: Transactions, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._long_reads.run(method(self, *args, **kwargs))

    return turn


def writes(statement: Callable[Concatenate[Connection, P], T]) -> Method[P, T]:
    """Make a method that runs a statement in a write transaction."""

    async def method(self: Transactions, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._write(lambda connection: statement(connection, *args, **kwargs))

    return method


def writes_now(statement: Callable[Concatenate[Connection, int, P], T]) -> Method[P, T]:
    """Make the same for a statement that takes the time after the connection."""

    async def method(self: Transactions, /, *args: P.args, **kwargs: P.kwargs) -> T:
        now = self._clock()
        return await self._write(lambda connection: statement(connection, now, *args, **kwargs))

    return method
