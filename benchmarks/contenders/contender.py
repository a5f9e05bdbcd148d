"""What a contender is: it takes upserts, and tells what they cost and what it has kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Protocol

from msgspec import Struct

from benchmarks.connection import Connection
from benchmarks.processes import cpu_s, resident_bytes
from benchmarks.wrk import Load, run_wrk

#: Numbers of people who are not stored yet begin here; each load has a range of its own.
_FIRST_NEW = 1_000_000_000
_NEW_PER_LOAD = 10_000_000


class Contender(Protocol):
    """Something that takes upserts."""

    @property
    def name(self) -> str:
        """The name in the results."""

    def load(self, connections: int, seconds: int, *, number: int) -> Load:
        """Upsert over so many connections; each load of a run has a number of its own."""

    def server_cpu_s(self) -> float:
        """Return the processor time of the application up to now."""

    def database_cpu_s(self) -> float:
        """Return that of the database, where it is a process of its own."""

    def resident_bytes(self) -> int:
        """Return the memory of the application now."""


class Racer(Protocol):
    """Something that takes upserts one by one from clients that race."""

    @property
    def name(self) -> str:
        """The name in the results."""

    @property
    def port(self) -> int:
        """Where it listens."""

    async def deliver(self, connection: Connection, email: str, title: str) -> bool:
        """Upsert a person, and say whether that was answered as done."""

    def stored_emails(self, ending: str) -> list[str]:
        """Return the e-mails of all stored leads that end so."""


class HttpContender(Struct, frozen=True):
    """A server that listens on a port."""

    name: str
    port: int
    pid: int
    #: The script of `load/`, its address, and what it is told.
    script: str
    path: str
    values: Mapping[str, Any]
    headers: Mapping[str, str]
    #: Reads the e-mails that end so.
    emails: Callable[[str], list[str]]
    database_pid: int | None = None
    #: Whether each connection needs a state of its own.
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
    """Return an upsert by e-mail as Copper's clients send it."""
    properties = {
        "name": f"Nora {email.partition('@')[0].capitalize()}",
        "email": {"email": email, "category": "work"},
        "title": title,
        "tags": ["fair"],
    }
    return {"properties": properties, "match": {"field_name": "email", "field_value": email}}
