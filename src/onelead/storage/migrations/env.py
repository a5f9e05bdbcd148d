"""Run by Alembic for each command: uses the connection that `migrate` hands over."""

from __future__ import annotations

from alembic import context

from onelead.storage.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
context.run_migrations()
