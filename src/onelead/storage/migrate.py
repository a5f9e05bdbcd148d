"""Bringing a database to the program's schema, with Alembic."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from onelead.errors import DatabaseNewer


def migrate(connection: Connection) -> None:
    """Run the migrations that are missing, in the connection's transaction.

    Raises DatabaseNewer, and changes nothing, when the database has a revision that this program
    does not know.
    """
    config = Config()
    config.set_main_option("script_location", "onelead.storage:migrations")
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    if set(MigrationContext.configure(connection).get_current_heads()) - known:
        raise DatabaseNewer
    command.upgrade(config, "head")
