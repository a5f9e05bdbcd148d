"""What an error of PostgreSQL, or of the network, means for the transaction that met it.

The codes are those of PostgreSQL's documentation, appendix A.
"""

from __future__ import annotations

from typing import NamedTuple

import psycopg
import sqlalchemy

from onelead.storage.lane import LaneMissing
from onelead.storage.postgresql.batch import RowsMissing

_CONNECTION_CLASS = "08"


class Failure(NamedTuple):
    """A failure that is not a defect of the program."""

    #: A word for the log and the metrics.
    reason: str
    #: Whether the whole transaction may succeed a moment later.
    is_passing: bool = True
    #: Whether the connection, and probably every other one, is useless from now on.
    is_connection_lost: bool = False


_LOST = Failure("connection_lost", is_connection_lost=True)
_BY_CODE = {
    "40001": Failure("serialization"),
    "40P01": Failure("deadlock"),
    "53300": Failure("too_many_connections"),
    "55P03": Failure("locked"),
    "57014": Failure("timeout", is_passing=False),
    "57P01": Failure("server_stopping", is_connection_lost=True),
    "57P02": Failure("server_crashed", is_connection_lost=True),
    "57P03": Failure("server_starting", is_connection_lost=True),
    # The server was set to end sessions that are idle, idle in a transaction, or long in one.
    "57P05": Failure("idle_timeout", is_connection_lost=True),
    "25P03": Failure("idle_timeout", is_connection_lost=True),
    "25P04": Failure("timeout", is_passing=False, is_connection_lost=True),
    # After a failover this server has become a standby; another one takes writes.
    "25006": Failure("read_only", is_connection_lost=True),
    # The answer of a standby when a write transaction begins, and of any server to a statement
    # that was prepared before a migration changed its table.
    "0A000": Failure("not_supported", is_connection_lost=True),
}


def failure(error: Exception) -> Failure | None:
    """Return what an error means; None for the caller's errors and for defects."""
    if isinstance(error, sqlalchemy.exc.TimeoutError):
        return Failure("pool_exhausted", is_passing=False)
    cause = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
    match cause:
        case LaneMissing():
            return Failure("lane_missing")
        case RowsMissing():
            return Failure("rows_missing")
        case OSError():
            return _LOST
        case psycopg.Error():
            return _of_code(cause, cause.sqlstate)
    return None


def is_connection_lost(error: Exception) -> bool:
    """Return whether the connection that met the error is useless from now on."""
    found = failure(error)
    return found is not None and found.is_connection_lost


def _of_code(error: psycopg.Error, code: str | None) -> Failure | None:
    if code is None:
        # From libpq itself: no connection, a broken one or a closed one.
        is_libpq = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
        return _LOST if is_libpq else None
    if code.startswith(_CONNECTION_CLASS):
        return _LOST
    if isinstance(error, psycopg.OperationalError):
        # A full disk, no memory, a lock that it did not get: the server cannot do it now.
        return _BY_CODE.get(code, Failure("server", is_passing=False))
    return _BY_CODE.get(code)
