"""The command line: each command reads its options, calls one thing, and prints what came out.

What a command makes goes to standard output, `--json` for scripts. An error is a line on standard
error, and the exit code is 2 for a mistake in the call or the configuration, 1 for what failed.
"""

from __future__ import annotations

import json
import re
import secrets
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import structlog
import typer
from rich.console import Console
from rich.table import Table

from onelead import __version__, app
from onelead.account import AccountSettings, ApiKey, Role, User
from onelead.banner import banner
from onelead.errors import NotPossible, OneleadError, SettingsInvalid
from onelead.limits import LINE_CHARS_MAX
from onelead.logs import configure_logs
from onelead.prove import report
from onelead.prove.live import shown_progress
from onelead.prove.run import Options
from onelead.prove.run import prove as run_proof
from onelead.settings import LogFormat, LogLevel, Settings, load_settings, masked
from onelead.store import Store

_EMAIL = re.compile(r"[!-?A-~]+@[!-?A-~]+")
_EXIT_FAILED = 1
_EXIT_MISUSED = 2
_EXIT_INTERRUPTED = 130

log = structlog.get_logger(__name__)


def main() -> None:
    """Run the command line and exit."""
    sys.exit(_run(sys.argv[1:]))


def _run(arguments: list[str]) -> int:
    """Run one command and return the exit code; a failure is a line, and no traceback."""
    configure_logs(Settings.log_format, Settings.log_level, sys.stderr)
    try:
        # Called without anything, it says what there is.
        return int(
            commands(arguments or ["--help"], prog_name="onelead", standalone_mode=False) or 0
        )
    except SettingsInvalid as error:
        return _fail(
            "\n  ".join(["the configuration is not valid:", *error.problems]), _EXIT_MISUSED
        )
    except OneleadError as error:
        return _fail(error.message, _EXIT_FAILED)
    except typer.TyperException as error:
        return _fail(" ".join(error.format_message().split()), error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        return _EXIT_INTERRUPTED
    except Exception as error:
        log.debug("command failed", exc_info=True)
        return _fail(f"unexpected {type(error).__name__}: {error}", _EXIT_FAILED)


def _fail(message: str, exit_code: int) -> int:
    typer.echo(f"onelead: {message}", err=True)
    return exit_code


def _line(value: str | None) -> str | None:
    """Check what is kept as a line of text."""
    if value is not None and not (value.strip() and len(value) <= LINE_CHARS_MAX):
        raise typer.BadParameter(f"write 1 to {LINE_CHARS_MAX} characters")
    return value


def _email(value: str | None) -> str | None:
    """Check an e-mail; clients send it in a header, which has room for ASCII only."""
    if value is not None and not (_EMAIL.fullmatch(value) and len(value) <= LINE_CHARS_MAX):
        raise typer.BadParameter(f"{value!r} is not an e-mail such as dana@shop.example")
    return value


Host = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS", help=f"Where to listen, or a host's name.  [default: {Settings.host}]"
    ),
]
Port = Annotated[
    str | None,
    typer.Option(
        metavar="NUMBER", help=f"The port; 0 takes a free one.  [default: {Settings.port}]"
    ),
]
Database = Annotated[
    str | None,
    typer.Option(metavar="URL", help=f"The database.  [default: {Settings.database}]"),
]
LogFormatName = Annotated[
    str | None,
    typer.Option(
        "--log-format",
        metavar="FORMAT",
        help=f"{' or '.join(LogFormat)}.  [default: {Settings.log_format}]",
    ),
]
LogLevelName = Annotated[
    str | None,
    typer.Option(
        "--log-level",
        metavar="LEVEL",
        help=f"{', '.join(LogLevel)}.  [default: {Settings.log_level}]",
    ),
]
Workers = Annotated[
    str | None,
    typer.Option(
        metavar="NUMBER",
        help=f"How many processes serve the port.  [default: {Settings.workers}]",
    ),
]
Account = Annotated[
    int | None,
    typer.Option(metavar="ID", help="The account; needed when the database has several."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
EmailOption = typer.Option("--email", metavar="EMAIL", callback=_email)

commands = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog="Every option that has a default can also be set as ONELEAD_<NAME>.",
)
keys = typer.Typer(rich_markup_mode=None, help="API keys of users.")
users = typer.Typer(rich_markup_mode=None, help="Users of an account.")
commands.add_typer(keys, name="keys")
commands.add_typer(users, name="users")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"onelead {__version__}")
        raise typer.Exit


@commands.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """A self-hosted lead service: many deliveries, one lead."""


@commands.command()
def serve(
    host: Host = None,
    port: Port = None,
    database: Database = None,
    log_format: LogFormatName = None,
    log_level: LogLevelName = None,
    workers: Workers = None,
) -> None:
    """Serve the API until it is stopped."""
    settings = _settings(
        host=host,
        port=port,
        database=database,
        log_format=log_format,
        log_level=log_level,
        workers=workers,
    )

    def announce(started: app.Started) -> None:
        typer.echo(banner(started, settings))
        sys.stdout.flush()

    app.serve(settings, announce)


@commands.command()
def init(
    account: Annotated[str, typer.Option(metavar="NAME", callback=_line, help="Its name.")],
    email: Annotated[str, EmailOption],
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Create an account with its first admin and API key, and the database if there is none."""
    settings = _settings(database=database)
    made = app.on_store(settings, lambda store: store.create_account(account, email), create=True)
    text = (
        f"Account {made.account_id} is ready.\n"
        f"  E-mail   {made.email}\n"
        f"  API key  {made.api_key}  (shown only now)"
    )
    _print(msgspec.to_builtins(made), text, as_json=as_json)


@commands.command()
def migrate(database: Database = None) -> None:
    """Bring the database to the state that this version needs; creates it if there is none."""
    settings = _settings(database=database)
    # Opening the database migrates it; there is nothing else to do.
    app.on_store(settings, lambda store: store.is_ready(), create=True)
    typer.echo(f"{settings.database_path or masked(settings.database)} is up to date.")


@commands.command()
def prove(
    processes: Annotated[
        int, typer.Option(min=1, max=64, help="Application processes; always one on SQLite.")
    ] = Options.processes,
    clients: Annotated[
        int, typer.Option(min=1, max=1_000, help="Clients that deliver at once.")
    ] = Options.clients,
    people: Annotated[
        int, typer.Option(min=1, max=100_000, help="People who are delivered.")
    ] = Options.people,
    seconds: Annotated[
        float, typer.Option(min=0.1, help="How long they are delivered.")
    ] = Options.seconds,
    kill: Annotated[
        bool, typer.Option("--kill", help="Kill processes at random moments with kill -9.")
    ] = False,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Draws the same deliveries.  [default: random]")
    ] = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Prove on an account of its own that no duplicate is made and no write is lost."""
    options = Options(
        seed=secrets.randbelow(1_000_000) if seed is None else seed,
        processes=processes,
        clients=clients,
        people=people,
        seconds=seconds,
        kill=kill,
    )
    settings = _settings(database=database)
    with shown_progress(sys.stderr, seconds) as tell:
        outcome = run_proof(settings, options, tell)
    table = _table(report.COLUMNS, report.rows(outcome))
    _print(report.machine(outcome), table, as_json=as_json)
    if not as_json:
        typer.echo(f"\n{report.summary(outcome)}")
    if not outcome.verdict.is_kept:
        raise typer.Exit(_EXIT_FAILED)


@commands.command()
def config(
    host: Host = None,
    port: Port = None,
    database: Database = None,
    log_format: LogFormatName = None,
    log_level: LogLevelName = None,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Print the effective configuration, secrets masked."""
    shown = _settings(
        host=host,
        port=port,
        database=database,
        log_format=log_format,
        log_level=log_level,
        workers=workers,
    ).shown()
    text = "\n".join(f"{name} = {value}" for name, value in shown.items())
    _print(shown, text, as_json=as_json)


@keys.command("create")
def create_key(
    email: Annotated[str | None, EmailOption] = None,
    label: Annotated[str, typer.Option(callback=_line, help="What it is for.")] = "command line",
    account: Account = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Create an API key; without --email it is the only user's."""

    async def create(store: Store) -> tuple[ApiKey, str]:
        chosen = await _account(store, account)
        owner = email or _only_user(chosen).email
        return await store.create_api_key(chosen.account_id, owner, label)

    key, secret = app.on_store(_settings(database=database), create)
    made = {"id": key.id, "email": key.email, "label": key.label, "api_key": secret}
    text = (
        f"API key {key.id} is ready.\n  E-mail   {key.email}\n  API key  {secret}  (shown only now)"
    )
    _print(made, text, as_json=as_json)


@keys.command("list")
def list_keys(account: Account = None, database: Database = None, as_json: AsJson = False) -> None:
    """List the API keys, also the revoked ones."""

    async def read(store: Store) -> list[ApiKey]:
        return list(await store.api_keys((await _account(store, account)).account_id))

    found = app.on_store(_settings(database=database), read)
    rows = [
        (str(key.id), key.email, key.label, _date(key.date_created), _date(key.date_revoked))
        for key in found
    ]
    table = _table(("ID", "E-mail", "Label", "Created", "Revoked"), rows)
    _print(msgspec.to_builtins(found), table, as_json=as_json)


@keys.command("revoke")
def revoke_key(
    key_id: Annotated[int, typer.Argument(metavar="ID", help="The key's id, as listed.")],
    account: Account = None,
    database: Database = None,
) -> None:
    """Revoke an API key; it stops working within seconds, also in a running server."""

    async def revoke(store: Store) -> ApiKey:
        return await store.revoke_api_key((await _account(store, account)).account_id, key_id)

    key = app.on_store(_settings(database=database), revoke)
    typer.echo(f"API key {key.id} of {key.email} is revoked.")


@users.command("create")
def create_user(
    email: Annotated[str, EmailOption],
    name: Annotated[str, typer.Option(help="The name to show.  [default: from the e-mail]")] = "",
    role: Annotated[Role, typer.Option(help="What the user may do.")] = Role.ADMIN,
    account: Account = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Create a user, who still needs an API key: see `onelead keys create`."""

    async def create(store: Store) -> User:
        account_id = (await _account(store, account)).account_id
        return await store.create_user(account_id, email, name, role)

    user = app.on_store(_settings(database=database), create)
    text = f"User {user.id} is ready: {user.name}, {user.email}, {user.role}."
    _print(msgspec.to_builtins(user), text, as_json=as_json)


@users.command("list")
def list_users(account: Account = None, database: Database = None, as_json: AsJson = False) -> None:
    """List the users, also the deactivated ones."""

    async def read(store: Store) -> tuple[User, ...]:
        return (await _account(store, account)).users

    found = app.on_store(_settings(database=database), read)
    rows = [
        (str(user.id), user.name, user.email, user.role, "yes" if user.is_active else "no")
        for user in found
    ]
    table = _table(("ID", "Name", "E-mail", "Role", "Active"), rows)
    _print(msgspec.to_builtins(found), table, as_json=as_json)


@users.command("deactivate")
def deactivate_user(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The user's e-mail.")],
    account: Account = None,
    database: Database = None,
) -> None:
    """Deactivate a user, whose API keys stop working within seconds."""

    async def deactivate(store: Store) -> User:
        return await store.deactivate_user((await _account(store, account)).account_id, email)

    user = app.on_store(_settings(database=database), deactivate)
    typer.echo(f"User {user.id}, {user.email}, is deactivated.")


def _settings(**flags: str | None) -> Settings:
    """Read the configuration and let the log follow it."""
    settings = load_settings(flags)
    configure_logs(settings.log_format, settings.log_level, sys.stderr)
    return settings


async def _account(store: Store, account_id: int | None) -> AccountSettings:
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


def _only_user(account: AccountSettings) -> User:
    active = [user for user in account.users if user.is_active]
    if len(active) != 1:
        raise NotPossible("the account has several users; name one with --email")
    return active[0]


def _listed(ids: Sequence[int]) -> str:
    return ", ".join(map(str, ids))


def _date(unix_seconds: int | None) -> str:
    if unix_seconds is None:
        return ""
    return f"{datetime.fromtimestamp(unix_seconds, UTC):%Y-%m-%d %H:%M} UTC"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    return table


def _print(machine: Any, human: str | Table, *, as_json: bool) -> None:
    """Print a result for a script or for a person."""
    if as_json:
        typer.echo(json.dumps(machine))
    elif isinstance(human, str):
        typer.echo(human)
    else:
        # What people typed is shown as it is; in a file a line is as long as it has to be.
        width = None if sys.stdout.isatty() else 1_000
        Console(markup=False, emoji=False, highlight=False, width=width).print(human)
