"""What the commands share: options, the choice of the account, and printing results."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onelead.commands.running import configuration_from
from onelead.configuration import Configuration, LogFormat, LogLevel
from onelead.contract.store import Store
from onelead.domain.access import is_email
from onelead.domain.account import AccountSettings
from onelead.domain.errors import NotPossible
from onelead.domain.settings.body import name_problem
from onelead.domain.text import as_one_line

if TYPE_CHECKING:
    from rich.table import Table

Command = Callable[..., None]


def line_option(value: str | None) -> str | None:
    """Check a value that is stored as one line of text."""
    if value is not None and (found := name_problem(value)):
        raise typer.BadParameter(found[0])
    return value


def _email_option(value: str | None) -> str | None:
    if value is not None and not is_email(value):
        raise typer.BadParameter(f"{value!r} is not an e-mail such as dana@shop.example")
    return value


#: The options of the configuration: the placeholder and the meaning of each value.
CONFIGURATION_OPTIONS = {
    "host": ("ADDRESS", "The address or host name to listen on."),
    "port": ("NUMBER", "The port to listen on; 0 takes a free one."),
    "database": ("URL", "The database."),
    "log_format": ("FORMAT", f"{' or '.join(LogFormat)}."),
    "log_level": ("LEVEL", f"{', '.join(LogLevel)}."),
    "workers": ("NUMBER", "How many processes serve the port."),
    "trusted_proxies": ("NETWORKS", "Proxies trusted for X-Forwarded- headers, as in 10.0.0.0/8."),
    "company_issuer": ("URL", "The company's provider for signing in (OIDC)."),
    "company_client_id": ("ID", "How that provider knows this server."),
    "url": ("URL", "How browsers reach the server; links are made of it, other hosts refused."),
}


def _configuration_option(name: str) -> Any:
    metavar, meaning = CONFIGURATION_OPTIONS[name]
    text = f"{meaning}  [default: {getattr(Configuration, name)}]"
    return typer.Option(f"--{name.replace('_', '-')}", metavar=metavar, help=text)


Database = Annotated[str | None, _configuration_option("database")]
Account = Annotated[
    int | None,
    typer.Option(metavar="ID", help="The account; needed if the database has several."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Url = Annotated[str | None, _configuration_option("url")]
EmailOption = typer.Option(
    "--email", metavar="EMAIL", callback=_email_option, help="The user's e-mail."
)


def configured(*names: str) -> Callable[[Command], Command]:
    """Give a command these options of the configuration in place of its first parameter.

    The command itself gets the Configuration that they result in.
    """

    def decorate(command: Command) -> Command:
        @wraps(command)
        def run(**given: Any) -> None:
            command(configuration_from(**{name: given.pop(name) for name in names}), **given)

        _configuration, *own = signature(command, eval_str=True).parameters.values()
        # typer reads the options from the signature.
        run.__signature__ = Signature([*map(_parameter, names), *own])  # type: ignore[attr-defined]
        return run

    return decorate


def _parameter(name: str) -> Parameter:
    option = Annotated[str | None, _configuration_option(name)]
    return Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=option)


async def chosen_account(store: Store, account_id: int | None) -> AccountSettings:
    """Return the account with this id, or the only account. Raises NotPossible."""
    known = await store.account_ids()
    if not known:
        raise NotPossible("the database has no account; create one with `onelead init`")
    if account_id is None and len(known) > 1:
        raise NotPossible(f"choose an account with --account; there are {_listed(known)}")
    chosen = known[0] if account_id is None else account_id
    if chosen not in known:
        raise NotPossible(f"account {chosen} does not exist; there are {_listed(known)}")
    return await store.settings(chosen)


def _listed(ids: Sequence[int]) -> str:
    return ", ".join(map(str, ids))


def date_text(unix_seconds: int | None) -> str:
    """Write a time for a table; an empty text for None."""
    if unix_seconds is None:
        return ""
    return f"{datetime.fromtimestamp(unix_seconds, UTC):%Y-%m-%d %H:%M} UTC"


def a_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Build the table of a list; the terminal never sees a control sequence from its values."""
    from rich.table import Table  # noqa: PLC0415 - `serve` starts without it

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
        from rich.console import Console  # noqa: PLC0415 - `serve` starts without it

        # Stored values are not markup; outside a terminal, lines are not wrapped.
        width = None if sys.stdout.isatty() else 1_000
        Console(markup=False, emoji=False, highlight=False, width=width).print(human)
