"""The migration of a database to the program's schema, with Alembic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from onelead.domain.errors import DatabaseNewer
from onelead.storage.schema import REVISION

if TYPE_CHECKING:
    from alembic.config import Config


def migrate(connection: Connection) -> None:
    """Run the migrations that are missing, in the connection's transaction.

    Raises DatabaseNewer, and changes nothing, when the database has a revision that this program
    does not know.
    """
    if not _is_migrated(connection):
        _run_migrations(connection)


def _is_migrated(connection: Connection) -> bool:
    """Return whether there is nothing to do, without Alembic, which costs every process 8 MB."""
    if not inspect(connection).has_table("alembic_version"):
        return False
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    return found == [REVISION]


def known_revisions() -> set[str]:
    """Return the revisions that this program can migrate from, and its own."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - see _is_migrated

    scripts = ScriptDirectory.from_config(_config())
    return {script.revision for script in scripts.walk_revisions()}


def _config() -> Config:
    from alembic.config import Config  # noqa: PLC0415 - see _is_migrated

    config = Config()
    config.set_main_option("script_location", "onelead.storage:migrations")
    return config


def _run_migrations(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - see _is_migrated
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415

    config = _config()
    config.attributes["connection"] = connection
    if set(MigrationContext.configure(connection).get_current_heads()) - known_revisions():
        raise DatabaseNewer
    command.upgrade(config, "head")
