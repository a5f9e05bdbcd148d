"""Passkeys, codes and half-done sign-ins: what all engines share."""

from __future__ import annotations

from onelead.contract.credentials import PendingKind, PendingSignIn
from onelead.storage.access import audit as stored_audit
from onelead.storage.access import codes as stored_codes
from onelead.storage.access import passkeys as stored_passkeys
from onelead.storage.access import pending as stored_pending
from onelead.storage.transactions import Transactions, reads, writes_now


class PortableCredentials(Transactions):
    """The portable part of `CredentialStore`."""

    begin_pending = writes_now(stored_pending.begin_pending)
    take_pending = writes_now(stored_pending.take_pending)
    confirm_session = writes_now(stored_passkeys.confirm_session)
    record_audit = writes_now(stored_audit.record_audit)
    passkeys = reads(stored_passkeys.passkeys)
    passkey = reads(stored_passkeys.passkey)
    add_passkey = writes_now(stored_passkeys.add_passkey)
    remove_passkey = writes_now(stored_passkeys.remove_passkey)
    sign_in_with_passkey = writes_now(stored_passkeys.sign_in_with_passkey)
    confirm_with_passkey = writes_now(stored_passkeys.confirm_with_passkey)
    sign_in_ways = reads(stored_passkeys.sign_in_ways)
    forget_credentials = writes_now(stored_passkeys.forget_credentials)
    codes = reads(stored_codes.codes)
    begin_codes = writes_now(stored_codes.begin_codes)
    turn_on_codes = writes_now(stored_codes.turn_on_codes)
    turn_off_codes = writes_now(stored_codes.turn_off_codes)
    renew_recovery_codes = writes_now(stored_codes.renew_recovery_codes)
    sign_in_with_code = writes_now(stored_codes.sign_in_with_code)

    async def pending(self, token_hash: str, kind: PendingKind) -> PendingSignIn | None:
        now = self._clock()
        return await self._read(
            lambda connection: stored_pending.pending(connection, now, token_hash, kind)
        )
