"""What a contender is: it takes upserts, and reports their cost and what it has stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Protocol

from msgspec import Struct

from benchmarks.connection import Connection
from benchmarks.processes import cpu_s, resident_bytes
from benchmarks.wrk import Load, run_wrk

#: The numbers of people who are not stored yet begin here; each load has its own range.
_FIRST_NEW = 1_000_000_000
_NEW_PER_LOAD = 10_000_000


class Contender(Protocol):
    """Something that takes upserts."""

    @property
    def name(self) -> str:
        """The name in the results."""

    def load(self, connections: int, seconds: int, *, number: int) -> Load:
        """Upsert over this many connections; each load of a run has its own number."""

    def server_cpu_s(self) -> float:
        """Return the processor time of the application so far."""

    def database_cpu_s(self) -> float:
        """Return that of the database, or 0 if it has no process of its own."""

    def resident_bytes(self) -> int:
        """Return the memory of the application now."""


class Racer(Protocol):
    """Something that takes upserts one at a time from racing clients."""

    @property
    def name(self) -> str:
        """The name in the results."""

    @property
    def port(self) -> int:
        """The port it listens on."""

    async def deliver(self, connection: Connection, email: str, title: str) -> bool:
        """Upsert a person, and say whether the answer was a success."""

    def stored_emails(self, ending: str) -> list[str]:
        """Return all stored e-mails with this ending."""


class HttpContender(Struct, frozen=True):
    """A server that listens on a port."""

    name: str
    port: int
    pid: int
    #: The script in `load/`, the path that it calls, and its arguments.
    script: str
    path: str
    values: Mapping[str, Any]
    headers: Mapping[str, str]
    #: Reads the stored e-mails with an ending.
    emails: Callable[[str], list[str]]
    database_pid: int | None = None
    #: Whether each connection needs its own Lua state.
    thread_each: bool = False

    def load(self, connections: int, seconds: int, *, number: int) -> Load:
        """See Contender."""
        return run_wrk(
            self.script,
            f"http://127.0.0.1:{self.port}{self.path}",
            connections=connections,
            seconds=seconds,
            thread_each=self.thread_each,
            values={
                **self.values,
                "path": self.path,
                "seed": number,
                "threads": connections,
                "first_new": _FIRST_NEW + number * _NEW_PER_LOAD,
            },
        )

    def server_cpu_s(self) -> float:
        """See Contender."""
        return cpu_s(self.pid)

    def database_cpu_s(self) -> float:
        """See Contender."""
        return cpu_s(self.database_pid) if self.database_pid else 0.0

    def resident_bytes(self) -> int:
        """See Contender."""
        return resident_bytes(self.pid)

    async def deliver(self, connection: Connection, email: str, title: str) -> bool:
        """See Racer."""
        body = upsert_body(email, title)
        status, _lead = await connection.call("PUT", self.path, self.headers, body)
        return status == HTTPStatus.OK

    def stored_emails(self, ending: str) -> list[str]:
        """See Racer."""
        return self.emails(ending)


def upsert_body(email: str, title: str) -> dict[str, Any]:
    """Return an upsert by e-mail, as Copper's clients send it."""
    properties = {
        "name": f"Nora {email.partition('@')[0].capitalize()}",
        "email": {"email": email, "category": "work"},
        "title": title,
        "tags": ["fair"],
    }
    return {"properties": properties, "match": {"field_name": "email", "field_value": email}}
