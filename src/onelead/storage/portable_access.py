"""Who may come in: accounts, users, keys, passwords and sessions, as every engine keeps them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from onelead.access_store import NewAccount
from onelead.account import ApiKey, Caller, Role, User
from onelead.storage import access
from onelead.storage.transactions import Transactions


class PortableAccess(Transactions):
    """The portable part of `AccessStore`."""

    async def account_ids(self) -> Sequence[int]:
        """See AccessStore."""
        return await self._read(access.account_ids)

    async def caller(self, key_hash: str) -> Caller | None:
        """See AccessStore."""
        return await self._read(lambda connection: access.find_caller(connection, key_hash))

    async def create_account(self, name: str, email: str) -> NewAccount:
        """See AccessStore."""
        now = self._clock()

        def work(connection: Connection) -> NewAccount:
            self._lock_accounts(connection)
            return access.create_account(connection, name, email, now)

        return await self._write(work)

    async def create_first_account(self, name: str, email: str) -> NewAccount | None:
        """See AccessStore."""
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
        """See AccessStore."""
        now = self._clock()
        return await self._write(
            lambda connection: access.create_api_key(connection, account_id, email, label, now)
        )

    async def api_keys(self, account_id: int) -> Sequence[ApiKey]:
        """See AccessStore."""
        return await self._read(lambda connection: access.api_keys(connection, account_id))

    async def revoke_api_key(self, account_id: int, key_id: int) -> ApiKey:
        """See AccessStore."""
        now = self._clock()
        return await self._write(
            lambda connection: access.revoke_api_key(connection, account_id, key_id, now)
        )

    async def create_user(self, account_id: int, email: str, name: str, role: Role) -> User:
        """See AccessStore."""
        now = self._clock()
        return await self._write(
            lambda connection: access.create_user(connection, account_id, email, name, role, now)
        )

    async def deactivate_user(self, account_id: int, email: str) -> User:
        """See AccessStore."""
        return await self._write(
            lambda connection: access.deactivate_user(connection, account_id, email)
        )
