"""Refused sign-ins: their entries in the audit, and how many of their lines the log has.

An entry is written a moment after the answer: the time that an answer takes must not tell whether
an e-mail has a user.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from onelead.contract.audit import AuditStore
from onelead.domain.audit import AuditEntry, AuditEvent, Requester
from onelead.domain.errors import StoreUnavailable
from onelead.domain.limits import AUDIT_WAITING_MAX, REFUSALS_LOGGED_PER_S_MAX

log = structlog.get_logger(__name__)


class RefusedSignIns:
    """Those of one process."""

    def __init__(self, store: AuditStore, monotonic: Callable[[], float]) -> None:
        self._store = store
        self._monotonic = monotonic
        self._waiting: set[asyncio.Task[None]] = set()
        self._second = 0
        self._lines = 0

    def add(self, email: str, email_hash: str, by: Requester) -> None:
        """Have an entry written in each account where the e-mail has an active user."""
        if len(self._waiting) < AUDIT_WAITING_MAX:
            task = asyncio.create_task(self._record(email, email_hash, by))
            self._waiting.add(task)
            task.add_done_callback(self._waiting.discard)

    async def settle(self) -> None:
        """Wait for the entries that are being written."""
        await asyncio.gather(*self._waiting)

    async def _record(self, email: str, email_hash: str, by: Requester) -> None:
        try:
            for account_id, user_id in await self._store.active_users(email):
                entry = AuditEntry(
                    *(AuditEvent.SIGN_IN_REFUSED, by, user_id), email_hash=email_hash
                )
                await self._store.record_audit(account_id, entry)
        except StoreUnavailable:
            # The log has the line of the refusal, and the store has logged why.
            log.debug("a refused sign-in waits for no database")
        except Exception:
            log.exception("a refused sign-in could not be recorded")

    def has_room_in_log(self) -> bool:
        """Count a line about an attempt too many, and say whether it is to be written."""
        second = int(self._monotonic())
        if second != self._second:
            self._second, self._lines = second, 0
        self._lines += 1
        return self._lines <= REFUSALS_LOGGED_PER_S_MAX
