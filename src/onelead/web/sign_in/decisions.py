"""What is remembered of each decision about a sign-in: a log line, and refusals in the audit.

Refused confirmations are in the audit alone.

fail2ban reads the line; `docs/operating.md` has a filter for it. It never has the e-mail or the
password.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import structlog

from onelead.domain.audit import AuditEntry, AuditEvent
from onelead.web.frame.visit import Visit

#: What an entry says about how somebody tried.
Changes = Mapping[str, tuple[Any, Any]]

log = structlog.get_logger(__name__)


class SignInOutcome(StrEnum):
    """What became of an attempt to sign in."""

    #: The store has written the entry of the audit together with the session.
    SIGNED_IN = "signed_in"
    REFUSED = "refused"
    #: One attempt too many: nothing was checked, and the audit has no entry, which would let
    #: anyone fill the database.
    THROTTLED = "throttled"


async def note_sign_in(visit: Visit, outcome: SignInOutcome, email: str) -> None:
    """Note a decision about a sign-in with an e-mail, which may have no user.

    The e-mail is empty when nobody is named, as by a passkey that is not known.
    """
    refused = visit.runtime.refused_sign_ins
    # No attempt is counted for these, so nothing else bounds their lines.
    is_unbounded = outcome is SignInOutcome.THROTTLED or not email
    if is_unbounded and not refused.has_room_in_log():
        return
    email_hash = await visit.store.email_hash(email) if email else ""
    _write_line(visit, outcome, email_hash)
    if outcome is SignInOutcome.REFUSED:
        refused.add(email, email_hash, visit.newcomer)


def _write_line(visit: Visit, outcome: SignInOutcome, email_hash: str) -> None:
    log.info("sign-in", address=visit.address, outcome=outcome.value, email_hash=email_hash)


async def email_of(visit: Visit, account_id: int, user_id: int) -> str:
    """Return the e-mail of a user who signs in."""
    return (await visit.store.settings(account_id)).users_by_id[user_id].email


async def note_refused_user(visit: Visit, account_id: int, user_id: int, changes: Changes) -> None:
    """Note a refused sign-in of a user who is known already, by a code or a passkey."""
    email_hash = await visit.store.email_hash(await email_of(visit, account_id, user_id))
    _write_line(visit, SignInOutcome.REFUSED, email_hash)
    entry = AuditEntry(
        *(AuditEvent.SIGN_IN_REFUSED, visit.newcomer, user_id),
        changes=changes,
        email_hash=email_hash,
    )
    await visit.store.record_audit(account_id, entry)


async def note_refused_confirmation(visit: Visit, changes: Changes) -> None:
    """Note that a user who is signed in did not prove who they are."""
    user_id = visit.signed_in.user.id
    entry = AuditEntry(AuditEvent.CONFIRMATION_REFUSED, visit.requester, user_id, changes=changes)
    await visit.store.record_audit(visit.account_id, entry)
