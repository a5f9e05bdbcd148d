"""What an error of PostgreSQL, or of the network, means for the transaction that met it.

The codes are those of PostgreSQL's documentation, appendix A.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import psycopg
import sqlalchemy

from onelead.domain.errors import DatabaseDamaged, DiskFull, ReadOnly, StoreUnavailable
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
    #: What a caller is told when it does not pass.
    error: type[StoreUnavailable] = StoreUnavailable


_DAMAGED = Failure("database_damaged", is_passing=False, error=DatabaseDamaged)
_LOST = Failure("connection_lost", is_connection_lost=True)
_BY_CODE = {
    "40001": Failure("serialization"),
    "40P01": Failure("deadlock"),
    "53100": Failure("disk_full", is_passing=False, error=DiskFull),
    "53200": Failure("out_of_memory", is_passing=False),
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
    "25006": Failure("read_only", is_connection_lost=True, error=ReadOnly),
    # The answer of a standby when a write transaction begins, and of any server to a statement
    # that was prepared before a migration changed its table.
    "0A000": Failure("not_supported", is_connection_lost=True),
    # Of reading from the disk: a page whose checksum is wrong, a table's file that is gone.
    "58030": Failure("disk_error", is_passing=False),
    "58P01": _DAMAGED,
    "XX001": _DAMAGED,
    "XX002": _DAMAGED,
}
#: Why a database cannot be opened, by what libpq or the server say about it. They say it in
#: English unless the server's `lc_messages` is another language.
_IN_WORDS = {
    "no password supplied": "the server asks for a password",
    "password authentication failed": "the server does not accept the password",
    "authentication failed": "the server does not let this user in",
    "no pg_hba.conf entry": "the server does not let this user in from here, see its pg_hba.conf",
    'database ".*" does not exist': "the server has no database of this name",
    'role ".*" does not exist': "the server has no user of this name",
    "Connection refused": "no server listens there",
    "No such file or directory": "no server has its socket there",
    "resolve host|translate host name": "the host's name is not known",
    "SSL|certificate": "TLS cannot be used as the URL asks for",
    "read-only|standby|session is": "no server is of the kind that target_session_attrs asks for",
    "timeout expired": "no answer came in time",
}
_CODES_IN_WORDS = {
    "42501": "this user may not make or change the tables",
    "53300": "the server has no connection left",
    "55P03": "its tables stay locked by another transaction",
    "57P03": "the server is starting",
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


def in_words(error: BaseException | None) -> str:
    """Return why a database cannot be opened, for the person who starts a server or a command."""
    cause = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
    code = cause.sqlstate if isinstance(cause, psycopg.Error) else None
    if code in _CODES_IN_WORDS:
        return _CODES_IN_WORDS[code]
    for pattern, words in _IN_WORDS.items():
        if code is None and re.search(pattern, str(cause)):
            return words
    found = failure(error) if isinstance(error, Exception) else None
    if code is None or found is None:
        return "it cannot be used as the URL says; the log at the level debug has more"
    return f"the server reports {found.reason}"


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
