"""`onelead backup` and `onelead restore`: a verified file, and the way back from it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from onelead import app
from onelead.commands.options import AsJson, Database, print_result
from onelead.commands.progress import amount, shown_progress
from onelead.commands.running import configuration_from, give_way
from onelead.configuration import Configuration, masked
from onelead.contract.upkeep import Contents

File = Annotated[Path, typer.Argument(metavar="FILE", help="The file of the backup.")]


def backup(
    file: File,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a file of that name.")] = (
        False
    ),
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Back up the database into a file and verify it, even while a server runs."""
    configuration = configuration_from(database=database)
    give_way()
    with shown_progress("backing up") as on_progress:
        contents = app.upkeep(configuration).back_up(file, replace=replace, on_progress=on_progress)
    size = file.stat().st_size
    machine = {"file": str(file), "bytes": size, **msgspec.to_builtins(contents)}
    print_result(
        machine, f"{file} is verified: {size:,} bytes, {_shown(contents)}.", as_json=as_json
    )


def restore(
    file: File,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace", help="Of SQLite: replace the database, which is kept under another name."
        ),
    ] = False,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Restore a backup while no server runs; PostgreSQL needs an empty database."""
    configuration = configuration_from(database=database)
    with shown_progress("restoring") as on_progress:
        done = app.upkeep(configuration).restore(file, replace=replace, on_progress=on_progress)
    kept = None if done.kept is None else str(done.kept)
    text = f"{_name(configuration)} is restored: {_shown(done.contents)}."
    if kept is not None:
        text += f"\nThe database that was there before is kept as {kept}."
    machine: dict[str, Any] = {"kept": kept, **msgspec.to_builtins(done.contents)}
    print_result(machine, text, as_json=as_json)


def _name(configuration: Configuration) -> str:
    return str(configuration.database_path or masked(configuration.database))


def _shown(contents: Contents) -> str:
    leads, rows = amount(contents.leads, "lead"), amount(contents.ledger_rows, "ledger row")
    return f"{leads} and {rows} of {amount(contents.accounts, 'account')}"
