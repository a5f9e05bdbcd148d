"""What is remembered of each decision about a sign-in: a log line, and refusals in the audit.

fail2ban reads the line; `docs/operating.md` has a filter for it. It never has the e-mail or the
password.
"""

from __future__ import annotations

from enum import StrEnum

import structlog

from onelead.web.frame.visit import Visit

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
    """Note a decision about a sign-in with an e-mail, which may have no user."""
    refused = visit.runtime.refused_sign_ins
    if outcome is SignInOutcome.THROTTLED and not refused.has_room_in_log():
        return
    email_hash = await visit.store.email_hash(email)
    log.info("sign-in", address=visit.address, outcome=outcome.value, email_hash=email_hash)
    if outcome is SignInOutcome.REFUSED:
        refused.add(email, email_hash, visit.requester)
