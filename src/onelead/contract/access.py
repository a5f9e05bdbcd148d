"""The part of the storage contract about who may come in: accounts, users and API keys.

`contract/store.py` says what holds for every method.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from onelead.domain.access import UserChange
from onelead.domain.account import ApiKey, Caller, Role, User
from onelead.domain.limits import ACCOUNT_CHOICE_S, INVITATION_S, LINK_S


class NewAccount(Struct, frozen=True, gc=False):
    """A new account, its first admin and that user's API key; the key is not kept anywhere."""

    account_id: int
    user_id: int
    email: str
    api_key: str


class WebSession(Struct, frozen=True):
    """A browser that is signed in. Times are Unix seconds."""

    account_id: int
    user_id: int
    date_created: int
    date_last_used: int
    #: Where it signed in from, as far as it is known.
    address: str
    user_agent: str


class KnownSession(Struct, frozen=True):
    """A session of a user, with what names it; nobody signs in with that."""

    token_hash: str
    session: WebSession


class StoredPassword(Struct, frozen=True):
    """The password of an active user of an account, as it is stored."""

    email_key: str
    account_id: int
    user_id: int
    account_name: str
    password_hash: str


class LinkPurpose(StrEnum):
    """What a one-time link is for."""

    FIRST_SIGN_IN = "first_sign_in"
    INVITATION = "invitation"
    LOST_PASSWORD = "lost_password"  # noqa: S105 - a name
    #: Not shown to anybody: the password was right in several accounts.
    ACCOUNT_CHOICE = "account_choice"


#: How long a link works, in seconds.
LINK_SECONDS = {
    LinkPurpose.FIRST_SIGN_IN: LINK_S,
    LinkPurpose.INVITATION: INVITATION_S,
    LinkPurpose.LOST_PASSWORD: LINK_S,
    LinkPurpose.ACCOUNT_CHOICE: ACCOUNT_CHOICE_S,
}


class OneTimeLink(Struct, frozen=True):
    """A link that lets an active user in once. Times are Unix seconds."""

    account_id: int
    user_id: int
    purpose: LinkPurpose
    date_expires: int


class SignInFacts(Struct, frozen=True):
    """What is known of a user's sign-in."""

    has_password: bool
    date_last_sign_in: int | None


class ApiKeyUse(Struct, frozen=True):
    """The last use of an API key. Unix seconds."""

    api_key_id: int
    date: int
    address: str


class AccessStore(Protocol):
    """Accounts, users, keys, passwords and sessions."""

    async def account_ids(self) -> Sequence[int]:
        """Return the ids of all accounts, ascending."""

    async def caller(self, key_hash: str) -> Caller | None:
        """Return who a valid key belongs to; None for an unknown or revoked key or user."""

    async def create_account(self, name: str, email: str) -> NewAccount:
        """Create an account with its default pick lists, its first admin and a key."""

    async def create_first_account(self, name: str, email: str) -> NewAccount | None:
        """Create an account when there is none; None when there is one, also just now."""

    async def create_api_key(self, account_id: int, email: str, label: str) -> tuple[ApiKey, str]:
        """Create a key of the user with that e-mail and return it with its secret."""

    async def api_keys(self, account_id: int) -> Sequence[ApiKey]:
        """Return all keys, ascending by id, also revoked ones."""

    async def revoke_api_key(self, account_id: int, key_id: int) -> ApiKey:
        """Revoke a key; revoking it again changes nothing. Raises ResourceNotFound."""

    async def record_api_key_uses(self, account_id: int, uses: Sequence[ApiKeyUse]) -> None:
        """Remember when keys were used; what is known of a later use stays."""

    async def create_user(self, account_id: int, email: str, name: str, role: Role) -> User:
        """Create a user; without a name it is taken from the e-mail, so that everybody has one.

        Raises InputInvalid, and NotPossible when the e-mail has a user already.
        """

    async def deactivate_user(self, account_id: int, email: str) -> User:
        """Deactivate a user as `change_user` does. Raises ResourceNotFound and NotPossible."""

    async def change_user(
        self, account_id: int, user_id: int, change: UserChange, *, by: int | None
    ) -> User:
        """Change a user; deactivated, the user's keys stop working, sessions and links end.

        `by` is the user who does it; None for the command line. Raises ResourceNotFound,
        InputInvalid for a name, and NotPossible and SettingsConflict for what
        `access.changed_user` refuses.
        """

    async def session(self, token_hash: str) -> WebSession | None:
        """Return the session of a token, whatever its age; None for an unknown one."""

    async def sessions(self, account_id: int, user_id: int) -> Sequence[KnownSession]:
        """Return the sessions of a user, the one used last first, whatever their age."""

    async def touch_session(self, token_hash: str, now: int) -> None:
        """Remember that a session was used now."""

    async def end_session(self, token_hash: str) -> None:
        """Forget a session; ending it again changes nothing."""

    async def end_sessions(self, account_id: int, user_id: int, *, keep: str = "") -> None:
        """Forget the sessions of a user, except the one of the token's hash `keep`."""

    async def passwords(self, email: str) -> Sequence[StoredPassword]:
        """Return the passwords of the active users with an e-mail, ascending by account."""

    async def renew_password_hash(self, stored: StoredPassword, password_hash: str) -> None:
        """Replace the hash of a password by another one of the same; not that of a newer one."""

    async def sign_in(self, stored: StoredPassword, token_hash: str, session: WebSession) -> bool:
        """Remember a browser, if the password and the user are still what they were.

        Ends the sessions that the user has too many of, and those that are too old.
        """

    async def change_password(
        self, account_id: int, user_id: int, password_hash: str, *, keep: str
    ) -> None:
        """Replace a user's password; ends the other sessions and the links of the user."""

    async def sign_in_facts(self, account_id: int) -> dict[int, SignInFacts]:
        """Return what is known of the users' sign-in, by their ids; nobody's is left out."""

    async def create_link(self, account_id: int, user_id: int, purpose: LinkPurpose) -> str:
        """Create a one-time link and return its token; older ones of the user stop working.

        Raises ResourceNotFound for an unknown user, and NotPossible for a deactivated one.
        """

    async def create_first_link(self) -> str | None:
        """Create a link for the first admin while nobody of the first account has a password."""

    async def link(self, token_hash: str) -> OneTimeLink | None:
        """Return a link that works now; None for all others."""

    async def set_password(
        self, link_hash: str, password_hash: str, token_hash: str, session: WebSession
    ) -> bool:
        """Use up a link to set the password of its user, and remember the browser.

        Ends the user's other sessions and links. False, and nothing done, when the link does not
        work any more or is for choosing an account.
        """

    async def choose_account(self, link_hash: str, token_hash: str, session: WebSession) -> bool:
        """Use up a link for choosing an account, and remember the browser as `sign_in` does.

        False as above.
        """

    async def begin_form(self, account_id: int, form_id: str) -> str | None:
        """Note that a form was sent; None for the first time, whichever process gets it.

        Later it is where the form led to, empty as long as nobody knows that. Forgotten after
        SENT_FORM_S.
        """

    async def finish_form(self, account_id: int, form_id: str, location: str | None) -> None:
        """Note where a form that was begun led to; None lets it be sent again."""
