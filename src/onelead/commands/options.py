"""What the commands have in common: options, the account that is meant, how a result is printed."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from onelead.configuration import Configuration, load_configuration
from onelead.contract.store import Store
from onelead.domain.access import is_email
from onelead.domain.account import AccountSettings
from onelead.domain.errors import NotPossible
from onelead.domain.settings_body import name_problem
from onelead.domain.text import as_one_line
from onelead.logs import configure_logs


def line_option(value: str | None) -> str | None:
    """Check what is kept as a line of text."""
    if value is not None and (found := name_problem(value)):
        raise typer.BadParameter(found[0])
    return value


def email_option(value: str | None) -> str | None:
    """Check an e-mail."""
    if value is not None and not is_email(value):
        raise typer.BadParameter(f"{value!r} is not an e-mail such as dana@shop.example")
    return value


def url_option(value: str | None) -> str | None:
    """Check the address of a server."""
    if value is None:
        return None
    if not value.startswith(("http://", "https://")) or not value.isprintable() or " " in value:
        raise typer.BadParameter(f"{value!r} is not a URL such as https://leads.shop.example")
    return value.rstrip("/")


Database = Annotated[
    str | None,
    typer.Option(metavar="URL", help=f"The database.  [default: {Configuration.database}]"),
]
Account = Annotated[
    int | None,
    typer.Option(metavar="ID", help="The account; needed when the database has several."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
WebUrl = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        callback=url_option,
        help="How browsers reach the server.  [default: the configured host and port]",
    ),
]
EmailOption = typer.Option("--email", metavar="EMAIL", callback=email_option)


def configuration_from(**flags: str | None) -> Configuration:
    """Read the configuration and let the log follow it."""
    configuration = load_configuration(flags)
    configure_logs(configuration.log_format, configuration.log_level, sys.stderr)
    return configuration


async def chosen_account(store: Store, account_id: int | None) -> AccountSettings:
    """Return the account that was named, or the only one."""
    known = await store.account_ids()
    if not known:
        raise NotPossible("the database has no account; `onelead init` makes one")
    if account_id is None and len(known) > 1:
        raise NotPossible(f"name an account with --account; there are {_listed(known)}")
    chosen = known[0] if account_id is None else account_id
    if chosen not in known:
        raise NotPossible(f"there is no account {chosen}; there are {_listed(known)}")
    return await store.settings(chosen)


def _listed(ids: Sequence[int]) -> str:
    return ", ".join(map(str, ids))


def date_text(unix_seconds: int | None) -> str:
    """Write a moment for a table; nothing for none."""
    if unix_seconds is None:
        return ""
    return f"{datetime.fromtimestamp(unix_seconds, UTC):%Y-%m-%d %H:%M} UTC"


def a_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Build the table of a list; nothing in it gets to the terminal as a command."""
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*map(as_one_line, row))
    return table


def print_result(machine: Any, human: str | Table, *, as_json: bool) -> None:
    """Print a result for a script or for a person."""
    if as_json:
        typer.echo(json.dumps(machine))
    elif isinstance(human, str):
        typer.echo(human)
    else:
        # What people typed is shown as it is; in a file a line is as long as it has to be.
        width = None if sys.stdout.isatty() else 1_000
        Console(markup=False, emoji=False, highlight=False, width=width).print(human)
