"""Who may come in: accounts, users, keys, passwords and sessions, as every engine keeps them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from onelead.contract.access import (
    ApiKeyUse,
    KnownSession,
    LinkPurpose,
    NewAccount,
    OneTimeLink,
    SignInFacts,
    StoredPassword,
    WebSession,
)
from onelead.domain.access import UserChange
from onelead.domain.account import ApiKey, Caller, Role, User
from onelead.storage.access import accounts, links, passwords, sign_in, user_changes
from onelead.storage.transactions import Transactions


class PortableAccess(Transactions):
    """The portable part of `AccessStore`."""

    async def account_ids(self) -> Sequence[int]:
        """See AccessStore."""
        return await self._read(accounts.account_ids)

    async def caller(self, key_hash: str) -> Caller | None:
        """See AccessStore."""
        return await self._read(lambda connection: accounts.find_caller(connection, key_hash))

    async def create_account(self, name: str, email: str) -> NewAccount:
        """See AccessStore."""
        now = self._clock()

        def work(connection: Connection) -> NewAccount:
            self._lock_accounts(connection)
            return accounts.create_account(connection, name, email, now)

        return await self._write(work)

    async def create_first_account(self, name: str, email: str) -> NewAccount | None:
        """See AccessStore."""
        now = self._clock()

        def work(connection: Connection) -> NewAccount | None:
            self._lock_accounts(connection)
            if accounts.account_ids(connection):
                return None
            return accounts.create_account(connection, name, email, now)

        if await self.account_ids():
            return None
        return await self._write(work)

    async def create_api_key(self, account_id: int, email: str, label: str) -> tuple[ApiKey, str]:
        """See AccessStore."""
        now = self._clock()
        return await self._write(
            lambda connection: accounts.create_api_key(connection, account_id, email, label, now)
        )

    async def api_keys(self, account_id: int) -> Sequence[ApiKey]:
        """See AccessStore."""
        return await self._read(lambda connection: accounts.api_keys(connection, account_id))

    async def revoke_api_key(self, account_id: int, key_id: int) -> ApiKey:
        """See AccessStore."""
        now = self._clock()
        return await self._write(
            lambda connection: accounts.revoke_api_key(connection, account_id, key_id, now)
        )

    async def record_api_key_uses(self, account_id: int, uses: Sequence[ApiKeyUse]) -> None:
        """See AccessStore."""
        await self._write(
            lambda connection: user_changes.record_api_key_uses(connection, account_id, uses)
        )

    async def create_user(self, account_id: int, email: str, name: str, role: Role) -> User:
        """See AccessStore."""
        now = self._clock()
        return await self._write(
            lambda connection: accounts.create_user(connection, account_id, email, name, role, now)
        )

    async def deactivate_user(self, account_id: int, email: str) -> User:
        """See AccessStore."""
        return await self._write(
            lambda connection: user_changes.deactivate_user(connection, account_id, email)
        )

    async def change_user(
        self, account_id: int, user_id: int, change: UserChange, *, by: int | None
    ) -> User:
        """See AccessStore."""
        return await self._write(
            lambda connection: user_changes.change_user(connection, account_id, user_id, change, by)
        )

    async def session(self, token_hash: str) -> WebSession | None:
        """See AccessStore."""
        return await self._read(lambda connection: sign_in.find_session(connection, token_hash))

    async def sessions(self, account_id: int, user_id: int) -> Sequence[KnownSession]:
        """See AccessStore."""
        return await self._read(
            lambda connection: sign_in.find_sessions(connection, account_id, user_id)
        )

    async def touch_session(self, token_hash: str, now: int) -> None:
        """See AccessStore."""
        await self._write(lambda connection: sign_in.touch_session(connection, token_hash, now))

    async def end_session(self, token_hash: str) -> None:
        """See AccessStore."""
        await self._write(lambda connection: sign_in.end_session(connection, token_hash))

    async def end_sessions(self, account_id: int, user_id: int, *, keep: str = "") -> None:
        """See AccessStore."""
        await self._write(
            lambda connection: sign_in.end_sessions(connection, account_id, user_id, keep)
        )

    async def passwords(self, email: str) -> Sequence[StoredPassword]:
        """See AccessStore."""
        return await self._read(lambda connection: passwords.find_passwords(connection, email))

    async def renew_password_hash(self, stored: StoredPassword, password_hash: str) -> None:
        """See AccessStore."""
        await self._write(
            lambda connection: passwords.renew_hash(connection, stored, password_hash)
        )

    async def sign_in(self, stored: StoredPassword, token_hash: str, session: WebSession) -> bool:
        """See AccessStore."""
        return await self._write(
            lambda connection: passwords.sign_in(connection, stored, token_hash, session)
        )

    async def change_password(
        self, account_id: int, user_id: int, password_hash: str, *, keep: str
    ) -> None:
        """See AccessStore."""
        now = self._clock()
        await self._write(
            lambda connection: passwords.change_password(
                connection, account_id, user_id, password_hash, keep=keep, now=now
            )
        )

    async def sign_in_facts(self, account_id: int) -> dict[int, SignInFacts]:
        """See AccessStore."""
        return await self._read(lambda connection: passwords.sign_in_facts(connection, account_id))

    async def create_link(self, account_id: int, user_id: int, purpose: LinkPurpose) -> str:
        """See AccessStore."""
        now = self._clock()
        return await self._write(
            lambda connection: links.create_link(connection, account_id, user_id, purpose, now)
        )

    async def create_first_link(self) -> str | None:
        """See AccessStore."""
        now = self._clock()
        return await self._write(lambda connection: links.create_first_link(connection, now))

    async def link(self, token_hash: str) -> OneTimeLink | None:
        """See AccessStore."""
        now = self._clock()
        return await self._read(lambda connection: links.find_link(connection, token_hash, now))

    async def set_password(
        self, link_hash: str, password_hash: str, token_hash: str, session: WebSession
    ) -> bool:
        """See AccessStore."""
        now = self._clock()
        return await self._write(
            lambda connection: passwords.set_password(
                connection, link_hash, password_hash, token_hash, session, now
            )
        )

    async def choose_account(self, link_hash: str, token_hash: str, session: WebSession) -> bool:
        """See AccessStore."""
        now = self._clock()
        return await self._write(
            lambda connection: passwords.choose_account(
                connection, link_hash, token_hash, session, now
            )
        )

    async def begin_form(self, account_id: int, form_id: str) -> str | None:
        """See AccessStore."""
        now = self._clock()
        return await self._write(
            lambda connection: sign_in.begin_form(connection, account_id, form_id, now),
            # Who was not the first wrote nothing.
            lambda connection, found: (
                found is not None or sign_in.find_form(connection, account_id, form_id) is not None
            ),
        )

    async def finish_form(self, account_id: int, form_id: str, location: str | None) -> None:
        """See AccessStore."""
        await self._write(
            lambda connection: sign_in.finish_form(connection, account_id, form_id, location),
            # Doing it again does no harm.
            lambda _connection, _done: False,
        )
