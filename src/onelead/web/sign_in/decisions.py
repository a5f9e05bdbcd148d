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


async def note_sign_in(visit: Visit, outcome: SignInOutcome, email: str = "") -> str:
    """Write the line of a decision about a sign-in, and return the hash of the e-mail in it.

    The e-mail may have no user; it is empty when none was typed and nobody is known by it.
    """
    # No attempt is counted for these, so nothing else bounds their lines.
    is_unbounded = outcome is SignInOutcome.THROTTLED or not email
    if is_unbounded and not visit.runtime.refused_sign_ins.has_room_in_log():
        return ""
    email_hash = await visit.store.email_hash(email) if email else ""
    log.info("sign-in", address=visit.address, outcome=outcome.value, email_hash=email_hash)
    return email_hash


async def note_wrong_password(visit: Visit, email: str) -> None:
    """Note that an e-mail and a password did not sign in, in the audit of its accounts, too."""
    email_hash = await note_sign_in(visit, SignInOutcome.REFUSED, email)
    visit.runtime.refused_sign_ins.add(email, email_hash, visit.requester)
