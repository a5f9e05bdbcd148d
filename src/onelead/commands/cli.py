"""The command line: each command reads its options, calls one function and prints the result.

Results go to standard output, with `--json` for scripts. An error is a line on standard error; the
exit code is 2 for a mistake in the call or the configuration, and 1 for a failure.
"""

from __future__ import annotations

import secrets
import sys
from functools import partial
from typing import Annotated

import msgspec
import typer

from onelead import __version__, app
from onelead.commands.access import keys, users
from onelead.commands.backup import backup, restore
from onelead.commands.check import check
from onelead.commands.erase import erase
from onelead.commands.export import copy, export, load
from onelead.commands.imports import import_file
from onelead.commands.move_in import move_in
from onelead.commands.options import (
    CONFIGURATION_OPTIONS,
    AsJson,
    Database,
    EmailOption,
    Url,
    a_table,
    configured,
    line_option,
    print_result,
)
from onelead.commands.replay import replay
from onelead.commands.running import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    configuration_from,
    exit_code_of,
    failed,
)
from onelead.commands.serve import serve
from onelead.commands.undo import undo
from onelead.configuration import Configuration, masked
from onelead.contract.access import LinkPurpose, NewAccount
from onelead.contract.store import Store
from onelead.prove.options import Options
from onelead.web.frame.sessions import welcome_path


def main() -> None:
    """Run the command line and exit."""
    sys.exit(exit_code_of(partial(_run, sys.argv[1:])))


def _run(arguments: list[str]) -> int:
    try:
        # Without arguments it lists the commands.
        return int(
            commands(arguments or ["--help"], prog_name="onelead", standalone_mode=False) or 0
        )
    except typer.TyperException as error:
        return failed(" ".join(error.format_message().split()), error.exit_code)
    except typer.Abort:
        return EXIT_INTERRUPTED


commands = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog="The options of `onelead config` can also be set as ONELEAD_<NAME> variables.",
)
commands.add_typer(keys, name="keys")
commands.add_typer(users, name="users")
commands.add_typer(move_in, name="move-in")
commands.command("undo")(undo)
commands.command("replay")(replay)
commands.command("import")(import_file)
commands.command()(configured(*CONFIGURATION_OPTIONS)(serve))


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"onelead {__version__}")
        raise typer.Exit


@commands.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """A self-hosted lead service: many deliveries, one lead."""


@commands.command()
def init(
    account: Annotated[
        str, typer.Option(metavar="NAME", callback=line_option, help="The account's name.")
    ],
    email: Annotated[str, EmailOption],
    url: Url = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Create an account with an admin and an API key, and the database if it does not exist."""
    configuration = configuration_from(database=database, url=url)

    async def create(store: Store) -> tuple[NewAccount, str]:
        made = await store.create_account(account, email)
        purpose = LinkPurpose.FIRST_SIGN_IN
        return made, await store.create_link(made.account_id, made.user_id, purpose)

    web_url = app.browsers_url(configuration)
    made, token = app.on_store(configuration, create, create=True)
    sign_in_url = web_url + welcome_path(token)
    text = (
        f"Account {made.account_id} is ready.\n"
        f"  E-mail   {made.email}\n"
        f"  API key  {made.api_key}  (shown only now)\n"
        f"  Sign in  {sign_in_url}  (works once and expires in a day)"
    )
    print_result(msgspec.to_builtins(made) | {"sign_in_url": sign_in_url}, text, as_json=as_json)


@commands.command()
def migrate(database: Database = None) -> None:
    """Migrate the database to this version; creates the database if it does not exist."""
    configuration = configuration_from(database=database)
    # Opening the database migrates it.
    app.on_store(configuration, lambda store: store.is_ready(), create=True)
    typer.echo(f"{configuration.database_path or masked(configuration.database)} is up to date.")


@commands.command()
def prove(
    processes: Annotated[
        int, typer.Option(min=1, max=64, help="Application processes; always one on SQLite.")
    ] = Options.processes,
    clients: Annotated[
        int, typer.Option(min=1, max=1_000, help="Clients that deliver at the same time.")
    ] = Options.clients,
    people: Annotated[
        int, typer.Option(min=1, max=100_000, help="People whose leads the clients deliver.")
    ] = Options.people,
    seconds: Annotated[
        float, typer.Option(min=0.1, help="How long the clients deliver.")
    ] = Options.seconds,
    kill: Annotated[
        bool, typer.Option("--kill", help="Kill processes at random moments with kill -9.")
    ] = False,
    pause: Annotated[
        bool, typer.Option("--pause", help="Let processes stand still for random times.")
    ] = False,
    kill_database: Annotated[
        bool,
        typer.Option(
            "--kill-database",
            help="Let the whole database server crash at random moments, with all its databases.",
        ),
    ] = False,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="The same seed draws the same deliveries.  [default: random]"),
    ] = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Prove, on an account of its own, that no duplicates are made and no writes are lost."""
    from onelead.prove import report  # noqa: PLC0415 - only this command needs it
    from onelead.prove.run import prove as run_proof  # noqa: PLC0415

    options = Options(
        seed=secrets.randbelow(1_000_000) if seed is None else seed,
        processes=processes,
        clients=clients,
        people=people,
        seconds=seconds,
        kill=kill,
        pause=pause,
        kill_database=kill_database,
    )
    configuration = configuration_from(database=database)
    with report.shown_progress(sys.stderr, seconds) as on_progress:
        outcome = run_proof(configuration, options, on_progress)
    table = a_table(report.COLUMNS, report.rows(outcome))
    print_result(report.machine(outcome), table, as_json=as_json)
    if not as_json:
        typer.echo(f"\n{report.summary(outcome)}")
    if not outcome.verdict.is_kept:
        raise typer.Exit(EXIT_FAILED)


@commands.command()
@configured("host", "port", "log_format", "log_level")
def demo(
    configuration: Configuration,
    seed: Annotated[int, typer.Option(min=0, help="Another seed draws other people.")] = 1,
) -> None:
    """Serve a throw-away account with 5,000 leads and new deliveries every few seconds."""
    from onelead.demo.run import run_demo  # noqa: PLC0415 - only this command needs it

    typer.echo(
        "Creating an account with six weeks of deliveries; this takes a few seconds.", err=True
    )
    run_demo(configuration, seed, typer.echo)


@commands.command()
@configured(*CONFIGURATION_OPTIONS)
def config(configuration: Configuration, as_json: AsJson = False) -> None:
    """Print the effective configuration, with secrets masked."""
    shown = configuration.shown()
    text = "\n".join(f"{name} = {value}" for name, value in shown.items())
    print_result(shown, text, as_json=as_json)


commands.command()(erase)
commands.command()(backup)
commands.command()(restore)
commands.command()(check)
commands.command()(export)
commands.command()(load)
commands.command()(copy)
