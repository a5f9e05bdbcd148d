"""What keeps an engine's database from being written or trusted: met, logged once, and over."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from onelead.domain.errors import DatabaseDamaged, DatabaseReplaced, StoreUnavailable

#: Over only with a restart; a later one is worse, and takes the place of an earlier one.
_LASTING = (DatabaseDamaged, DatabaseReplaced)

log = structlog.get_logger(__name__)


class Trouble:
    """The trouble that a process has with its database."""

    def __init__(
        self,
        *,
        passes_after_s: float | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take after how long a trouble that is not met again is over; else `passed` says so."""
        self._passes_after_s = passes_after_s
        self._monotonic = monotonic
        self._error: StoreUnavailable | None = None
        self._met_at = 0.0
        #: Whether nothing may be written any more.
        self.is_final = False

    @property
    def error(self) -> StoreUnavailable | None:
        """What transactions meet; None while all is well."""
        if (
            self._passes_after_s is not None
            and self._monotonic() - self._met_at > self._passes_after_s
        ):
            self.passed()
        return self._error

    @property
    def can_pass(self) -> bool:
        """Whether there is a trouble that can be over before a restart."""
        return self._error is not None and _rank(self._error) == 0

    def refuse_if_final(self) -> None:
        """Raise the trouble if nothing may be written any more."""
        if self.is_final and self._error is not None:
            raise type(self._error)(self._error.message)

    def met(
        self, error: StoreUnavailable, *, is_final: bool = False, **details: str | None
    ) -> None:
        """Remember what a transaction met; only that the database does not answer says nothing."""
        if type(error) is StoreUnavailable or self.is_final:
            return
        self._met_at = self._monotonic()
        self.is_final = is_final
        if _rank(error) < _rank(self._error) or (type(error) is type(self._error) and not is_final):
            return
        # Without the traceback of the call that met it first.
        self._error = type(error)(error.message)
        log.error("the database is in trouble", reason=error.code, is_final=is_final, **details)

    def passed(self, kind: type[StoreUnavailable] = StoreUnavailable) -> None:
        """Forget what is of a kind and does not last."""
        if self.can_pass and isinstance(self._error, kind):
            log.info("the database is well again", reason=self._error.code)
            self._error = None


def _rank(error: StoreUnavailable | None) -> int:
    return next((1 + at for at, kind in enumerate(_LASTING) if isinstance(error, kind)), 0)
