"""The part of the storage contract about access: accounts, users, API keys and sign-in.

`contract/store.py` states what holds for every method.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from onelead.domain.access import UserChange
from onelead.domain.account import ApiKey, Caller, Role, User
from onelead.domain.api_keys.purposes import ALL_PURPOSE, KeyPurpose, KeyScope
from onelead.domain.audit import COMMAND_LINE, Requester
from onelead.domain.limits import ACCOUNT_CHOICE_S, INVITATION_S, LINK_S
from onelead.domain.sign_in.attempts import Attempt, Count, Places
from onelead.domain.sign_in.company import CompanyIdentity, CompanyUser


class NewAccount(Struct, frozen=True, gc=False):
    """A new account, its first admin and their API key, which is stored only as a hash."""

    account_id: int
    user_id: int
    email: str
    api_key: str


class WebSession(Struct, frozen=True):
    """A signed-in browser. Times are Unix seconds."""

    account_id: int
    user_id: int
    date_created: int
    date_last_used: int
    #: Where it signed in from, if known.
    address: str
    user_agent: str
    #: When the user last confirmed who they are; None for when they signed in.
    date_confirmed: int | None = None


class KnownSession(Struct, frozen=True):
    """A user's session with the hash of its token, which identifies it but does not sign in."""

    token_hash: str
    session: WebSession


class StoredPassword(Struct, frozen=True):
    """The stored password of an active user of an account."""

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
    #: Never shown to anyone: the password was right in several accounts.
    ACCOUNT_CHOICE = "account_choice"


#: How long a link works, in seconds.
LINK_SECONDS = {
    LinkPurpose.FIRST_SIGN_IN: LINK_S,
    LinkPurpose.INVITATION: INVITATION_S,
    LinkPurpose.LOST_PASSWORD: LINK_S,
    LinkPurpose.ACCOUNT_CHOICE: ACCOUNT_CHOICE_S,
}


class OneTimeLink(Struct, frozen=True):
    """A link that signs an active user in once. Times are Unix seconds."""

    account_id: int
    user_id: int
    purpose: LinkPurpose
    date_expires: int


class SignInFacts(Struct, frozen=True):
    """Whether a user has a password, and when they last signed in."""

    has_password: bool
    date_last_sign_in: int | None


class ApiKeyUse(Struct, frozen=True):
    """The last use of an API key. Unix seconds."""

    api_key_id: int
    date: int
    address: str


class AccessStore(Protocol):
    """Accounts, users, API keys, passwords and sessions."""

    async def account_ids(self) -> Sequence[int]:
        """Return the ids of all accounts, ascending."""

    async def caller(self, key_hash: str) -> Caller | None:
        """Return an API key's owner; None for an unknown or revoked key or an inactive owner."""

    async def create_account(self, name: str, email: str) -> NewAccount:
        """Create an account with its default pick lists, its first admin and an API key.

        The key is for whatever the admin may do.
        """

    async def create_first_account(
        self, name: str, email: str, scope: KeyScope | None = None
    ) -> NewAccount | None:
        """Create an account if there is none; None if there is one, even one created just now."""

    async def create_api_key(
        self,
        account_id: int,
        email: str,
        label: str,
        purpose: KeyPurpose = ALL_PURPOSE,
        *,
        by: Requester = COMMAND_LINE,
    ) -> tuple[ApiKey, str]:
        """Create an API key for the user with this e-mail, and return it with its secret.

        Raises InputInvalid, ResourceNotFound and NotPossible.
        """

    async def import_source(self, account_id: int, name: str, *, by: Requester) -> ApiKey:
        """Return the source of imports with this name, in any case and spacing; make a new one.

        It belongs to the user who makes it, or to the first admin. Raises InputInvalid.
        """

    async def api_keys(self, account_id: int) -> Sequence[ApiKey]:
        """Return all API keys, including revoked ones, ascending by id."""

    async def revoke_api_key(
        self, account_id: int, key_id: int, *, by: Requester = COMMAND_LINE
    ) -> ApiKey:
        """Revoke an API key; revoking it again changes nothing. Raises ResourceNotFound."""

    async def record_api_key_uses(self, account_id: int, uses: Sequence[ApiKeyUse]) -> None:
        """Record when API keys were used; a later use that is already recorded stays."""

    async def create_user(
        self,
        account_id: int,
        email: str,
        name: str,
        role: Role,
        *,
        by: Requester = COMMAND_LINE,
    ) -> User:
        """Create a user; an empty name is replaced by one made from the e-mail.

        Raises InputInvalid, and NotPossible when a user with this e-mail exists.
        """

    async def deactivate_user(
        self, account_id: int, email: str, *, by: Requester = COMMAND_LINE
    ) -> User:
        """Deactivate a user as `change_user` does. Raises ResourceNotFound and NotPossible."""

    async def change_user(
        self, account_id: int, user_id: int, change: UserChange, *, by: Requester = COMMAND_LINE
    ) -> User:
        """Change a user; for a deactivated user keys stop working, and sessions and links end.

        Raises ResourceNotFound, and what `access.changed_user` raises.
        """

    async def session(self, token_hash: str) -> WebSession | None:
        """Return the session of a token, whatever its age; None for an unknown token."""

    async def sessions(self, account_id: int, user_id: int) -> Sequence[KnownSession]:
        """Return the sessions of a user, whatever their age, the most recently used first."""

    async def touch_session(self, token_hash: str, now: int) -> None:
        """Record that a session is in use now."""

    async def end_session(self, token_hash: str, *, by: Requester = COMMAND_LINE) -> None:
        """Delete a session; ending it again changes nothing."""

    async def end_sessions(
        self, account_id: int, user_id: int, *, keep: str = "", by: Requester = COMMAND_LINE
    ) -> None:
        """Delete the sessions of a user, except the one with the token hash `keep`."""

    async def passwords(self, email: str) -> Sequence[StoredPassword]:
        """Return the passwords of active users with this e-mail, ascending by account."""

    async def renew_password_hash(self, stored: StoredPassword, password_hash: str) -> None:
        """Replace a hash by another one of the same password, unless the password has changed."""

    async def known_places(self, places: Places) -> frozenset[str]:
        """Return those of the places where the e-mail has signed in before."""

    async def take_attempts(self, counts: Sequence[Count]) -> None:
        """Add an attempt to each of these counts, or to none. Raises TooManyAttempts."""

    async def give_back_attempt(self, attempt: Attempt) -> None:
        """Let a successful attempt count for nothing, and give its place all attempts back."""

    async def remember_places(self, places: Places) -> None:
        """Remember where an e-mail has signed in."""

    async def forget_old_attempts(self) -> None:
        """Delete attempts that count no more, and places that were not used for long."""

    async def sign_in(
        self,
        stored: StoredPassword,
        token_hash: str,
        session: WebSession,
        *,
        by: Requester = COMMAND_LINE,
    ) -> bool:
        """Begin a session, and return True, if the password and the user are still as they were.

        Of a user with codes it is a half-done sign-in, as with every method that begins a session:
        see `contract/credentials.py`.

        For the audit, the user whose session it is has done this, and what else takes a session.
        Ends the sessions that the user has too many of, and those that are too old.
        """

    async def change_password(
        self,
        account_id: int,
        user_id: int,
        password_hash: str,
        *,
        keep: str,
        by: Requester = COMMAND_LINE,
    ) -> None:
        """Replace a user's password; ends the user's other sessions and links."""

    async def sign_in_facts(self, account_id: int) -> dict[int, SignInFacts]:
        """Return the sign-in facts of all users, by user id."""

    async def create_link(
        self,
        account_id: int,
        user_id: int,
        purpose: LinkPurpose,
        *,
        by: Requester = COMMAND_LINE,
    ) -> str:
        """Create a one-time link and return its token; older links of the user stop working.

        Raises ResourceNotFound for an unknown user, and NotPossible for a deactivated one.
        """

    async def create_first_link(self) -> str | None:
        """Create a link for the first admin; None once the first account has a password."""

    async def link(self, token_hash: str) -> OneTimeLink | None:
        """Return a link that works now; None for any other."""

    async def set_password(
        self,
        link_hash: str,
        password_hash: str,
        token_hash: str,
        session: WebSession,
        *,
        by: Requester = COMMAND_LINE,
    ) -> bool:
        """Use up a link to set the password of its user, and begin a session.

        Ends the user's other sessions and links. Does nothing and returns False when the link no
        longer works or is for choosing an account.
        """

    async def choose_account(
        self, link_hash: str, token_hash: str, session: WebSession, *, by: Requester = COMMAND_LINE
    ) -> bool:
        """Use up a link for choosing an account, and begin a session as `sign_in` does.

        Does nothing and returns False when the link no longer works.
        """

    async def company_users(
        self, identity: CompanyIdentity, by: Requester
    ) -> Sequence[CompanyUser]:
        """Return the active users of an identity, ascending by account.

        Links it first to the users who have its e-mail and no other identity of the issuer.
        """

    async def sign_in_by_company(
        self, identity: CompanyIdentity, token_hash: str, session: WebSession, by: Requester
    ) -> bool:
        """Create a session, and return True, if its user is active and linked to the identity."""

    async def link_company(
        self, account_id: int, user_id: int, identity: CompanyIdentity, by: Requester
    ) -> None:
        """Link a user to an identity, in the place of the user's earlier one of the issuer.

        Raises NotPossible for an identity of another user, and for a deactivated user.
        """

    async def unlink_company(
        self, account_id: int, user_id: int, issuer: str, by: Requester
    ) -> None:
        """Let an issuer's identity no longer sign in to a user; repeating it changes nothing."""

    async def company_link_date(self, account_id: int, user_id: int, issuer: str) -> int | None:
        """Return when a user was linked to an identity of the issuer; None if the user is not."""

    async def begin_form(self, account_id: int, form_id: str) -> str | None:
        """Record that a form was sent; None for the first time, whichever process receives it.

        After that, returns where the form led, or the empty text while that is not known. Forms
        are forgotten after SENT_FORM_S.
        """

    async def finish_form(self, account_id: int, form_id: str, location: str | None) -> None:
        """Record where a form led; None allows it to be sent again."""
