"""The part of the storage contract about the audit.

Every method of `contract/access.py` that changes something takes the requester, and writes its
entry in the same transaction. A requester that is left out is the command line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from onelead.domain.audit import AuditEntry, AuditEvent, AuditRow
from onelead.domain.limits import AUDIT_PAGE_ROWS


class AuditSearch(Struct, frozen=True):
    """Which entries to return; None leaves a condition out."""

    #: Who did it, or whom it was done to.
    user_id: int | None = None
    #: The key by which it was done, or which it was done to.
    api_key_id: int | None = None
    #: Empty for all.
    events: frozenset[AuditEvent] = frozenset()
    address: str | None = None
    #: Unix seconds, from the first until before the second.
    from_date: int | None = None
    until_date: int | None = None
    #: Only entries before this number.
    before: int | None = None
    limit: int = AUDIT_PAGE_ROWS


class AuditStore(Protocol):
    """The audit of an account."""

    async def record_audit(self, account_id: int, entry: AuditEntry) -> None:
        """Append an entry about what changed nothing, such as a refused sign-in."""

    async def search_audit(self, account_id: int, search: AuditSearch) -> Sequence[AuditRow]:
        """Return entries, the newest first."""

    async def active_users(self, email: str) -> Sequence[tuple[int, int]]:
        """Return the account and the id of the active users with an e-mail, a few at most."""

    async def email_hash(self, email: str) -> str:
        """Return the name of an e-mail in audit and log; only who has the database can guess it."""
