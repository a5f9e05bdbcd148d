"""A round trip ends even when the loop never reports that its connection is broken."""

from __future__ import annotations

import asyncio
import socket
from types import SimpleNamespace
from typing import Any, cast

import pytest
from psycopg import AsyncConnection, OperationalError

from onelead.storage.postgresql import trips as module
from onelead.storage.postgresql.trips import Trips


class BrokenConnection:
    """What libpq has of a connection that broke while nobody looked: it says so when it reads."""

    def __init__(self, at: int) -> None:
        self.socket = at

    def enter_pipeline_mode(self) -> None:
        """Do nothing, as the next ones."""

    def send_prepare(self, *_: Any) -> None: ...

    def send_query_prepared(self, *_: Any) -> None: ...

    def pipeline_sync(self) -> None: ...

    def flush(self) -> int:
        """Say that everything is sent."""
        return 0

    def is_busy(self) -> bool:
        """Say that the answer has not come."""
        return True

    def consume_input(self) -> None:
        raise OperationalError("server closed the connection unexpectedly")


async def test_a_broken_connection_that_is_not_reported_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "DATABASE_LOOK_S", 0)
    silent, other_end = socket.socketpair()
    with silent, other_end:
        connection = SimpleNamespace(pgconn=BrokenConnection(silent.fileno()))
        trips = Trips(cast("AsyncConnection[Any]", connection))
        with pytest.raises(OperationalError):
            await trips.make([("SELECT 1", ())])
        # Nothing is left that would look again.
        assert not asyncio.get_running_loop().remove_reader(silent.fileno())
        looking = vars(trips)["_looking"]
        assert looking.cancelled()
