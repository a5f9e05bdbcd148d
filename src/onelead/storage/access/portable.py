"""Accounts, users, API keys, passwords and sessions: what all engines share."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from sqlalchemy import Connection

from onelead.contract.access import NewAccount, OneTimeLink
from onelead.domain.api_keys.purposes import KeyScope
from onelead.domain.sign_in.attempts import Count, Places
from onelead.domain.text import fold_case
from onelead.storage.access import accounts, attempts, audit, company, links, user_changes
from onelead.storage.access import passwords as stored_passwords
from onelead.storage.access import sign_in as web_sessions
from onelead.storage.transactions import Transactions, reads, writes, writes_now

#: Enough to tell e-mails apart.
_EMAIL_HASH_CHARS = 24


class PortableAccess(Transactions):
    """The portable part of `AccessStore`."""

    account_ids = reads(accounts.account_ids)
    caller = reads(accounts.caller)
    create_api_key = writes_now(accounts.create_api_key)
    import_source = writes_now(accounts.import_source)
    api_keys = reads(accounts.api_keys)
    revoke_api_key = writes_now(accounts.revoke_api_key)
    record_api_key_uses = writes(user_changes.record_api_key_uses)
    create_user = writes_now(accounts.create_user)
    deactivate_user = writes_now(user_changes.deactivate_user)
    change_user = writes_now(user_changes.change_user)

    session = reads(web_sessions.session)
    sessions = reads(web_sessions.sessions)
    touch_session = writes(web_sessions.touch_session)
    end_session = writes_now(web_sessions.end_session)
    end_sessions = writes_now(web_sessions.end_sessions)

    passwords = reads(stored_passwords.passwords)
    renew_password_hash = writes(stored_passwords.renew_password_hash)
    sign_in = writes_now(stored_passwords.sign_in)
    change_password = writes_now(stored_passwords.change_password)
    sign_in_facts = reads(stored_passwords.sign_in_facts)
    set_password = writes_now(stored_passwords.set_password)
    choose_account = writes_now(stored_passwords.choose_account)

    give_back_attempt = writes(attempts.give_back_attempt)
    remember_places = writes_now(attempts.remember_places)
    forget_old_attempts = writes_now(attempts.forget_old_attempts)

    company_users = writes_now(company.company_users)
    sign_in_by_company = writes(company.sign_in_by_company)
    link_company = writes_now(company.link_company)
    unlink_company = writes_now(company.unlink_company)
    company_link_date = reads(company.company_link_date)

    create_link = writes_now(links.create_link)
    create_first_link = writes_now(links.create_first_link)

    search_audit = reads(audit.search_audit)
    active_users = reads(audit.active_users)

    #: Of the database, once it was read.
    _secret = ""

    async def email_hash(self, email: str) -> str:
        if not self._secret:
            self._secret = await self._read(audit.database_secret)
        key, text = self._secret.encode(), fold_case(email).encode()
        return hmac.new(key, text, hashlib.sha256).hexdigest()[:_EMAIL_HASH_CHARS]

    async def known_places(self, places: Places) -> frozenset[str]:
        now = self._clock()
        return await self._read(lambda connection: attempts.known_places(connection, now, places))

    async def take_attempts(self, counts: Sequence[Count]) -> None:
        now = self._clock()
        # A flood of attempts that are refused writes nothing.
        await self._read(lambda connection: attempts.require_attempts(connection, now, counts))
        await self._write(lambda connection: attempts.take_attempts(connection, now, counts))

    async def link(self, token_hash: str) -> OneTimeLink | None:
        now = self._clock()
        return await self._read(lambda connection: links.link(connection, now, token_hash))

    async def create_account(self, name: str, email: str) -> NewAccount:
        now = self._clock()

        def work(connection: Connection) -> NewAccount:
            self._lock_accounts(connection)
            return accounts.create_account(connection, now, name, email)

        return await self._write(work)

    async def create_first_account(
        self, name: str, email: str, scope: KeyScope | None = None
    ) -> NewAccount | None:
        now = self._clock()

        def work(connection: Connection) -> NewAccount | None:
            self._lock_accounts(connection)
            if accounts.account_ids(connection):
                return None
            return accounts.create_account(connection, now, name, email, scope)

        if await self.account_ids():
            return None
        return await self._write(work)

    async def begin_form(self, account_id: int, form_id: str) -> str | None:
        now = self._clock()
        return await self._write(
            lambda connection: web_sessions.begin_form(connection, now, account_id, form_id),
            # Anyone but the first sender wrote nothing.
            lambda connection, location: (
                location is not None
                or web_sessions.find_form(connection, account_id, form_id) is not None
            ),
        )

    async def finish_form(self, account_id: int, form_id: str, location: str | None) -> None:
        await self._write(
            lambda connection: web_sessions.finish_form(connection, account_id, form_id, location),
            # Repeating it is safe.
            lambda _connection, _done: False,
        )
