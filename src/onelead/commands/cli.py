"""The command line: each command reads its options, calls one thing, and prints what came out.

What a command makes goes to standard output, `--json` for scripts. An error is a line on standard
error, and the exit code is 2 for a mistake in the call or the configuration, 1 for what failed.
"""

from __future__ import annotations

import secrets
import sys
from typing import Annotated

import msgspec
import structlog
import typer

from onelead import __version__, app
from onelead.commands.access import keys, users
from onelead.commands.banner import banner
from onelead.commands.options import (
    AsJson,
    Database,
    EmailOption,
    WebUrl,
    a_table,
    configuration_from,
    line_option,
    print_result,
)
from onelead.configuration import Configuration, LogFormat, LogLevel, masked
from onelead.contract.access import LinkPurpose, NewAccount
from onelead.contract.store import Store
from onelead.demo.run import DemoStarted, run_demo, welcome
from onelead.domain.errors import ConfigurationInvalid, OneleadError
from onelead.logs import configure_logs
from onelead.prove import report
from onelead.prove.live import shown_progress
from onelead.prove.run import Options
from onelead.prove.run import prove as run_proof
from onelead.web.frame.sessions import welcome_path

_EXIT_FAILED = 1
_EXIT_MISUSED = 2
_EXIT_INTERRUPTED = 130

log = structlog.get_logger(__name__)


def main() -> None:
    """Run the command line and exit."""
    sys.exit(_run(sys.argv[1:]))


def _run(arguments: list[str]) -> int:
    """Run one command and return the exit code; a failure is a line, and no traceback."""
    configure_logs(Configuration.log_format, Configuration.log_level, sys.stderr)
    try:
        # Called without anything, it says what there is.
        return int(
            commands(arguments or ["--help"], prog_name="onelead", standalone_mode=False) or 0
        )
    except ConfigurationInvalid as error:
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


Host = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help=f"Where to listen, or a host's name.  [default: {Configuration.host}]",
    ),
]
Port = Annotated[
    str | None,
    typer.Option(
        metavar="NUMBER", help=f"The port; 0 takes a free one.  [default: {Configuration.port}]"
    ),
]
LogFormatName = Annotated[
    str | None,
    typer.Option(
        "--log-format",
        metavar="FORMAT",
        help=f"{' or '.join(LogFormat)}.  [default: {Configuration.log_format}]",
    ),
]
LogLevelName = Annotated[
    str | None,
    typer.Option(
        "--log-level",
        metavar="LEVEL",
        help=f"{', '.join(LogLevel)}.  [default: {Configuration.log_level}]",
    ),
]
Workers = Annotated[
    str | None,
    typer.Option(
        metavar="NUMBER",
        help=f"How many processes serve the port.  [default: {Configuration.workers}]",
    ),
]
TrustedProxies = Annotated[
    str | None,
    typer.Option(
        metavar="NETWORKS",
        help="Whose X-Forwarded- headers are believed, as in 10.0.0.0/8.  [default: none]",
    ),
]
commands = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog="Every option that has a default can also be set as ONELEAD_<NAME>.",
)
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
    trusted_proxies: TrustedProxies = None,
) -> None:
    """Serve the API and the web application until it is stopped."""
    configuration = configuration_from(
        host=host,
        port=port,
        database=database,
        log_format=log_format,
        log_level=log_level,
        workers=workers,
        trusted_proxies=trusted_proxies,
    )

    def announce(started: app.Started) -> None:
        typer.echo(banner(started, configuration))
        sys.stdout.flush()

    app.serve(configuration, announce)


@commands.command()
def init(
    account: Annotated[str, typer.Option(metavar="NAME", callback=line_option, help="Its name.")],
    email: Annotated[str, EmailOption],
    url: WebUrl = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Create an account with its first admin and API key, and the database if there is none."""
    configuration = configuration_from(database=database)

    async def create(store: Store) -> tuple[NewAccount, str]:
        made = await store.create_account(account, email)
        purpose = LinkPurpose.FIRST_SIGN_IN
        return made, await store.create_link(made.account_id, made.user_id, purpose)

    reached_at = app.browsers_url(configuration, url)
    made, token = app.on_store(configuration, create, create=True)
    sign_in_url = reached_at + welcome_path(token)
    text = (
        f"Account {made.account_id} is ready.\n"
        f"  E-mail   {made.email}\n"
        f"  API key  {made.api_key}  (shown only now)\n"
        f"  Sign in  {sign_in_url}  (works once, and for a day)"
    )
    print_result(msgspec.to_builtins(made) | {"sign_in_url": sign_in_url}, text, as_json=as_json)


@commands.command()
def migrate(database: Database = None) -> None:
    """Bring the database to the state that this version needs; creates it if there is none."""
    configuration = configuration_from(database=database)
    # Opening the database migrates it; there is nothing else to do.
    app.on_store(configuration, lambda store: store.is_ready(), create=True)
    typer.echo(f"{configuration.database_path or masked(configuration.database)} is up to date.")


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
    configuration = configuration_from(database=database)
    with shown_progress(sys.stderr, seconds) as tell:
        outcome = run_proof(configuration, options, tell)
    table = a_table(report.COLUMNS, report.rows(outcome))
    print_result(report.machine(outcome), table, as_json=as_json)
    if not as_json:
        typer.echo(f"\n{report.summary(outcome)}")
    if not outcome.verdict.is_kept:
        raise typer.Exit(_EXIT_FAILED)


@commands.command()
def demo(
    host: Host = None,
    port: Port = None,
    log_format: LogFormatName = None,
    log_level: LogLevelName = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws other people.")] = 1,
) -> None:
    """Serve a throw-away account of 5,000 leads, to which more are delivered all the time."""
    configuration = configuration_from(
        host=host, port=port, log_format=log_format, log_level=log_level
    )

    def announce(started: DemoStarted) -> None:
        typer.echo(welcome(started))
        sys.stdout.flush()

    typer.echo("Making an account of six weeks; that takes a few seconds.", err=True)
    run_demo(configuration, seed, announce)


@commands.command()
def config(
    host: Host = None,
    port: Port = None,
    database: Database = None,
    log_format: LogFormatName = None,
    log_level: LogLevelName = None,
    workers: Workers = None,
    trusted_proxies: TrustedProxies = None,
    as_json: AsJson = False,
) -> None:
    """Print the effective configuration, secrets masked."""
    shown = configuration_from(
        host=host,
        port=port,
        database=database,
        log_format=log_format,
        log_level=log_level,
        workers=workers,
        trusted_proxies=trusted_proxies,
    ).shown()
    text = "\n".join(f"{name} = {value}" for name, value in shown.items())
    print_result(shown, text, as_json=as_json)
