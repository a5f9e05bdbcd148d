"""Empty databases, for tests of what a start and a migration do with them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from sqlalchemy import Engine, create_engine
from tests.support.storage.postgresql_server import administration_url


@dataclass(frozen=True)
class EmptyDatabase:
    """The place of a database that is removed at the end of the test."""

    #: What `--database` takes.
    url: str

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """Open it behind the program's back."""
        if self.url.startswith("sqlite:"):
            engine = create_engine(self.url)
        else:
            connect = partial(psycopg.connect, self.url)
            engine = create_engine("postgresql+psycopg://", creator=connect)
        try:
            yield engine
        finally:
            engine.dispose()


@contextmanager
def empty_sqlite(folder: Path) -> Iterator[EmptyDatabase]:
    """Name a file that does not exist yet."""
    yield EmptyDatabase(f"sqlite:///{folder / 'empty.db'}")


@contextmanager
def empty_postgresql(
    _folder: Path | None = None, *, server: str | None = None
) -> Iterator[EmptyDatabase]:
    """Make a database on the server of the tests, or on the one with this URL."""
    administration = server or administration_url()
    name = f"onelead_empty_{secrets.token_hex(6)}"
    with closing(psycopg.connect(administration, autocommit=True)) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        try:
            yield EmptyDatabase(urlsplit(administration)._replace(path=f"/{name}").geturl())
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


#: By the name that a suite shows.
EMPTY_DATABASES: dict[str, Callable[[Path], AbstractContextManager[EmptyDatabase]]] = {
    "sqlite": empty_sqlite,
    "postgresql": empty_postgresql,
}
