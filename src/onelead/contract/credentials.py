"""The part of the storage contract about passkeys, codes and confirming.

`contract/store.py` states what holds for every method. What changes a user's ways to sign in is
written to the audit with the change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from onelead.contract.access import KnownSession
from onelead.domain.audit import AuditEntry, Requester


class PendingKind(StrEnum):
    """What a half-done sign-in waits for."""

    #: A code, after the right password.
    CODE = "code"
    #: The answer of a passkey: to sign in, to confirm, or to be added to a user.
    SIGN_IN = "passkey_sign_in"
    CONFIRM = "passkey_confirm"
    ADD = "passkey_add"


class PendingSignIn(Struct, frozen=True):
    """A sign-in that is half done. Its token is stored as a hash, as that of a session."""

    kind: PendingKind
    #: Unix seconds.
    date_expires: int
    #: None while the user is not known.
    account_id: int | None = None
    user_id: int | None = None
    #: What has to be known to finish it.
    data: Mapping[str, str] = {}


class Passkey(Struct, frozen=True):
    """A user's passkey. Times are Unix seconds."""

    #: Base64url, as the browser sends it.
    credential_id: str
    account_id: int
    user_id: int
    #: COSE, as Base64url.
    public_key: str
    #: How often it was used, as it says itself; 0 for one that does not count.
    sign_count: int
    label: str
    transports: tuple[str, ...]
    date_created: int
    date_last_used: int | None = None


class StoredCodes(Struct, frozen=True):
    """A user's codes from an app."""

    secret: str
    #: When the first code was right; None while no code is asked for.
    date_confirmed: int | None
    #: The time step of the last code that was taken.
    last_step: int
    recovery_codes_left: int

    @property
    def are_on(self) -> bool:
        """Whether signing in with the password asks for a code."""
        return self.date_confirmed is not None


class CodeProof(Struct, frozen=True):
    """A code that was right: the time step of one from the app, or the hash of a recovery code."""

    step: int | None = None
    recovery_hash: str = ""


class FirstCode(Struct, frozen=True):
    """What turns codes on: the step of the first right one, and hashes of recovery codes."""

    step: int
    recovery_hashes: Sequence[str]


class SignInWays(Struct, frozen=True):
    """The ways to sign in that a user has besides the password."""

    passkeys: int = 0
    has_codes: bool = False


class CredentialStore(Protocol):
    """Passkeys, codes, half-done sign-ins and confirmations."""

    async def begin_pending(self, token_hash: str, pending: PendingSignIn) -> None:
        """Store a half-done sign-in; the oldest ones end when there are too many."""

    async def pending(self, token_hash: str, kind: PendingKind) -> PendingSignIn | None:
        """Return a half-done sign-in that can be finished now; None for any other."""

    async def take_pending(self, token_hash: str, kind: PendingKind) -> PendingSignIn | None:
        """Return it and use it up: of several who ask at once, one gets it."""

    async def confirm_session(
        self, account_id: int, token_hash: str, way: str, by: Requester
    ) -> None:
        """Record that the user of a session proved just now who they are, and by which way."""

    async def record_audit(self, account_id: int, entry: AuditEntry) -> None:
        """Append an entry about what changed nothing, such as a refused sign-in."""

    async def passkeys(self, account_id: int, user_id: int) -> Sequence[Passkey]:
        """Return a user's passkeys in the order in which they were added."""

    async def passkey(self, credential_id: str) -> Passkey | None:
        """Return the passkey of an active user by its id alone; None for any other."""

    async def add_passkey(self, passkey: Passkey, by: Requester) -> None:
        """Add a passkey to an active user.

        Raises NotPossible when it is known already, or the user has too many.
        """

    async def remove_passkey(
        self, account_id: int, user_id: int, credential_id: str, by: Requester
    ) -> Passkey:
        """Remove a passkey of a user, and return it. Raises ResourceNotFound."""

    async def sign_in_with_passkey(
        self, passkey: Passkey, sign_count: int, new: KnownSession, by: Requester
    ) -> bool:
        """Create a session, and return True, if the passkey is still as it was when it was read."""

    async def confirm_with_passkey(
        self, passkey: Passkey, sign_count: int, token_hash: str, by: Requester
    ) -> bool:
        """Confirm a session of the passkey's user under the same condition."""

    async def codes(self, account_id: int, user_id: int) -> StoredCodes | None:
        """Return a user's codes; None for a user who never began to turn them on."""

    async def begin_codes(self, account_id: int, user_id: int, secret: str) -> None:
        """Store the secret of codes that are not asked for yet, in the place of an older one.

        Raises NotPossible when the user's codes are on.
        """

    async def turn_on_codes(
        self, account_id: int, user_id: int, first: FirstCode, by: Requester
    ) -> bool:
        """Ask for codes from now on; False when they were on, or nobody has begun."""

    async def turn_off_codes(self, account_id: int, user_id: int, by: Requester) -> None:
        """Forget a user's codes and recovery codes; doing it again changes nothing."""

    async def renew_recovery_codes(
        self, account_id: int, user_id: int, recovery_hashes: Sequence[str], by: Requester
    ) -> None:
        """Replace a user's recovery codes. Raises NotPossible while the codes are off."""

    async def sign_in_with_code(
        self, pending_hash: str, proof: CodeProof, new: KnownSession, by: Requester
    ) -> bool:
        """Use up a half-done sign-in and a code, and create a session.

        Does nothing and returns False when either does not work any more.
        """

    async def sign_in_ways(self, account_id: int) -> dict[int, SignInWays]:
        """Return the further ways to sign in of the users who have any, by user id."""

    async def forget_credentials(self, account_id: int, user_id: int, by: Requester) -> None:
        """Remove a user's passkeys and codes, and sign the user out everywhere.

        Raises ResourceNotFound.
        """
