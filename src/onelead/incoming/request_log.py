"""The log line of a request: what was asked for, what became of it, how long it took.

A request that was served is logged at the level `debug`, one that was refused at `info`, and one
that failed by a defect at `error`. At the default level the lines of refusals are bounded, to
REFUSALS_LOGGED_PER_S_MAX a second, so that refused clients cannot fill a disk or slow the service
down. A line names the route and not the path, the account and not the caller: never an API key, an
e-mail, or what was sent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus

import structlog
from msgspec import Struct, structs

from onelead.domain.errors import OneleadError
from onelead.domain.limits import REFUSALS_LOGGED_PER_S_MAX
from onelead.domain.writes import Outcome

log = structlog.get_logger(__name__)
_levels = logging.getLogger(__name__)


class RequestLog:
    """Writes the lines of one process."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._second = 0
        self._logged = 0
        self._left_out = 0

    def failed(self, line: RequestLine, defect: Exception) -> None:
        """Write the line of a request that met a defect, with its traceback."""
        log.error("request failed", **line.fields(), exc_info=defect)

    def answered(self, line: RequestLine) -> None:
        """Write the line of a request, if the log level and the bound allow it."""
        is_served = line.status < HTTPStatus.BAD_REQUEST
        if _levels.isEnabledFor(logging.DEBUG):
            log.log(logging.DEBUG if is_served else logging.INFO, "request", **line.fields())
        elif not is_served and _levels.isEnabledFor(logging.INFO) and self._has_room():
            left_out = {"left_out": self._left_out} if self._left_out else {}
            self._left_out = 0
            log.info("request", **line.fields(), **left_out)

    def _has_room(self) -> bool:
        second = int(self._monotonic())
        if second != self._second:
            self._second, self._logged = second, 0
        if self._logged >= REFUSALS_LOGGED_PER_S_MAX:
            self._left_out += 1
            return False
        self._logged += 1
        return True


class RequestLine(Struct):
    """What the log says about one request."""

    request_id: str
    method: str
    route: str
    status: int = 0
    milliseconds: float = 0.0
    #: None while the caller is unknown.
    account_id: int | None = None
    #: What a write did, or the writes of a bulk call, and the ledger number of the first.
    outcome: Outcome | str | None = None
    seq: int | None = None
    #: The code of the error, and the class name of its cause.
    error: str | None = None
    cause: str | None = None

    def wrote(self, outcome: Outcome, seq: int | None, refusal: OneleadError | None) -> None:
        """Note what a write did, its ledger number if it has one, and why it was refused."""
        self.outcome, self.seq = outcome, seq
        if refusal is not None:
            self.refused_by(refusal)

    def refused_by(self, error: OneleadError) -> None:
        """Note why the request was refused.

        Keeps no reference to the error, which would keep the whole call and itself alive.
        """
        self.error = error.code
        if error.__cause__ is not None:
            # Not its message, which may hold what was sent.
            self.cause = type(error.__cause__).__name__

    def fields(self) -> dict[str, object]:
        """Return what is known, by field name."""
        found = structs.asdict(self) | {"status": int(self.status)}
        return {name: value for name, value in found.items() if value is not None}
