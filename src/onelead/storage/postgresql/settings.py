"""What the server's settings say: whether it takes writes, and whether it keeps those answered."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from sqlalchemy import Connection, text

#: Without these, a crash of the machine can lose answered writes or destroy the database.
_KEEPS = ("fsync", "full_page_writes")
_WAITS = "synchronous_commit"
_REFUSES = ("default_transaction_read_only", "in_hot_standby")
_OFF, _ON = "off", "on"
#: `reset_val` is what a session begins with; the session's own value may be another one.
_READ = text("SELECT name, setting, reset_val FROM pg_settings WHERE name = ANY(:names)")

#: For sessions that write, where the server's value is `off`.
WAIT_FOR_DISK: Mapping[str, str] = {_WAITS: _ON}


class ServerSettings(Struct, frozen=True):
    """What one look at a server found."""

    #: See `Store.concerns`.
    concerns: Mapping[str, str]
    is_read_only: bool


def read_settings(connection: Connection) -> ServerSettings:
    """Look at the server's settings."""
    names = [*_KEEPS, _WAITS, *_REFUSES]
    rows = {
        name: (now, before) for name, now, before in connection.execute(_READ, {"names": names})
    }
    concerns = {name: _OFF for name in _KEEPS if rows[name][0] == _OFF}
    if rows[_WAITS][1] == _OFF:
        concerns[_WAITS] = "off on the server, on in the sessions of onelead"
    return ServerSettings(concerns, is_read_only=any(rows[name][0] == _ON for name in _REFUSES))
