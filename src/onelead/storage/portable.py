"""What every engine does alike: the contract's reads and rare writes, on portable statements.

An engine adds how a transaction is begun and ended, and its own way of writing batches.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import Connection

from onelead.account import AccountSettings, ApiKey, Caller, Role, User
from onelead.search import LeadSearch, TagSearch
from onelead.settings_change import SettingsResult, SettingsWrite
from onelead.storage import access, account_rows, index_steps, lead_search, reads
from onelead.storage.lane import take_lane
from onelead.storage.settings_rows import load_settings
from onelead.storage.settings_writes import write_settings
from onelead.store import AccountRows, LeadPage, LeadRead, LedgerPage, NewAccount, TagCount

T = TypeVar("T")


class PortableStore(ABC):
    """The portable part of the storage contract."""

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

    async def change_settings(self, account_id: int, write: SettingsWrite) -> SettingsResult:
        """See Store."""

        def work(connection: Connection) -> SettingsResult:
            return write_settings(connection, account_id, write, self._clock())

        def was_written(connection: Connection, result: SettingsResult) -> bool:
            # Under the lane nothing of the transaction in doubt is on its way any more.
            take_lane(connection, account_id, 0)
            found = reads.request_of(connection, account_id, result.seq)
            return found == write.delivery.request_id

        return await self._write(work, was_written)

    async def build_index(self, account_id: int) -> bool:
        """See Store."""

        def look(connection: Connection) -> bool:
            settings = self._load_settings(connection, account_id)
            stale = index_steps.stale_key_field(connection, settings)
            return stale is not None or index_steps.field_to_build(settings) is not None

        def work(connection: Connection) -> None:
            take_lane(connection, account_id, 0)
            settings = load_settings(connection, account_id)
            if (field := index_steps.field_to_build(settings)) is not None:
                index_steps.build_step(connection, account_id, field)
            elif (stale := index_steps.stale_key_field(connection, settings)) is not None:
                index_steps.purge_step(connection, account_id, stale)

        has_work = await self._read(look)
        if has_work:
            # A step begins where the one before has ended, so it may be done again.
            await self._write(work, lambda _connection, _done: False)
        return has_work

    async def account_ids(self) -> Sequence[int]:
        """See Store."""
        return await self._read(access.account_ids)

    async def settings(self, account_id: int) -> AccountSettings:
        """See Store."""
        return await self._read(lambda connection: self._load_settings(connection, account_id))

    async def lead(self, account_id: int, lead_id: int) -> LeadRead:
        """See Store."""

        def work(connection: Connection) -> LeadRead:
            settings = self._load_settings(connection, account_id)
            return reads.read_lead(connection, settings, lead_id)

        return await self._read(work)

    async def search_leads(self, account_id: int, search: LeadSearch, *, now: int) -> LeadPage:
        """See Store."""

        def work(connection: Connection) -> LeadPage:
            settings = self._load_settings(connection, account_id)
            return lead_search.find_leads(connection, settings, search, now)

        return await self._read(work)

    async def lead_history(
        self, account_id: int, lead_id: int, *, offset: int, limit: int
    ) -> LedgerPage:
        """See Store."""
        return await self._read(
            lambda connection: reads.read_history(
                connection, account_id, lead_id, offset=offset, limit=limit
            )
        )

    async def account_rows(self, account_id: int) -> AccountRows:
        """See Store."""
        return await self._read(
            lambda connection: account_rows.read_account_rows(connection, account_id)
        )

    async def tags(self, account_id: int, search: TagSearch) -> Sequence[TagCount]:
        """See Store."""
        return await self._read(lambda connection: reads.read_tags(connection, account_id, search))

    async def caller(self, key_hash: str) -> Caller | None:
        """See Store."""
        return await self._read(lambda connection: access.find_caller(connection, key_hash))

    async def create_account(self, name: str, email: str) -> NewAccount:
        """See Store."""
        now = self._clock()

        def work(connection: Connection) -> NewAccount:
            self._lock_accounts(connection)
            return access.create_account(connection, name, email, now)

        return await self._write(work)

    async def create_first_account(self, name: str, email: str) -> NewAccount | None:
        """See Store."""
        now = self._clock()

        def work(connection: Connection) -> NewAccount | None:
            self._lock_accounts(connection)
            if access.account_ids(connection):
                return None
            return access.create_account(connection, name, email, now)

        if await self.account_ids():
            return None
        return await self._write(work)

    async def create_api_key(self, account_id: int, email: str, label: str) -> tuple[ApiKey, str]:
        """See Store."""
        now = self._clock()
        return await self._write(
            lambda connection: access.create_api_key(connection, account_id, email, label, now)
        )

    async def api_keys(self, account_id: int) -> Sequence[ApiKey]:
        """See Store."""
        return await self._read(lambda connection: access.api_keys(connection, account_id))

    async def revoke_api_key(self, account_id: int, key_id: int) -> ApiKey:
        """See Store."""
        now = self._clock()
        return await self._write(
            lambda connection: access.revoke_api_key(connection, account_id, key_id, now)
        )

    async def create_user(self, account_id: int, email: str, name: str, role: Role) -> User:
        """See Store."""
        now = self._clock()
        return await self._write(
            lambda connection: access.create_user(connection, account_id, email, name, role, now)
        )

    async def deactivate_user(self, account_id: int, email: str) -> User:
        """See Store."""
        return await self._write(
            lambda connection: access.deactivate_user(connection, account_id, email)
        )
