"""`onelead move-in copper`: brings settings and leads from Copper, and again what changed there."""

from __future__ import annotations

import secrets
import sys
import time
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer

from onelead import app
from onelead.commands.options import (
    Account,
    AsJson,
    Database,
    EmailOption,
    chosen_account,
    line_option,
    print_result,
)
from onelead.commands.progress import outcome_lines, shown_progress
from onelead.commands.running import configuration_from
from onelead.contract.store import Store
from onelead.domain.errors import NotPossible
from onelead.domain.text import as_one_line
from onelead.move_in.copper_api import Copper, CopperKey
from onelead.move_in.report import Brought, Forecast
from onelead.move_in.run import Plan, Run, bring, plan

_EXIT_REFUSED = 1
_BASE_URL = "https://api.copper.com/developer_api/v1"

move_in = typer.Typer(rich_markup_mode=None, help="Move in from another system.")


@move_in.callback()
def _from_where() -> None:
    """Move in from another system."""


def _day_option(value: str | None) -> str | None:
    if value is not None:
        _moment(value)
    return value


def _moment(text: str) -> int:
    """Read a day, or a moment with its offset, as Unix seconds; a day begins in UTC."""
    try:
        found = datetime.fromisoformat(text)
        return max(0, int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()))
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"{text!r} is not a day such as 2026-03-31") from None


@move_in.command()
def copper(
    email: Annotated[str, EmailOption],
    since: Annotated[
        str | None,
        typer.Option(
            metavar="DAY",
            callback=_day_option,
            help="Bring what was changed since.  [default: since the last run]",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen, and do nothing.")
    ] = False,
    base_url: Annotated[
        str, typer.Option(metavar="URL", help="Where Copper's API is.")
    ] = _BASE_URL,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before writing.")] = False,
    source: Annotated[
        str,
        typer.Option(metavar="NAME", callback=line_option, help="What the history calls it."),
    ] = "Copper",
    account: Account = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Bring settings and leads from Copper, even while a server runs; then only what changed.

    The key comes from ONELEAD_COPPER_API_KEY, or is asked for.
    """
    configuration = configuration_from(database=database)
    may_ask = sys.stdin.isatty() and not as_json
    if not (yes or dry_run or may_ask):
        raise NotPossible("nobody can be asked here: add --yes, or --dry-run")
    key = CopperKey(email, configuration.copper_key or _asked_key())

    async def work(store: Store) -> tuple[Plan, Brought | None]:
        account_id = (await chosen_account(store, account)).account_id
        async with Copper(key, base_url) as api:
            with shown_progress("moving in") as on_progress:
                run = Run(
                    *(store, account_id, api, source, _now, on_progress, secrets.token_hex(16)),
                    since=None if since is None else _moment(since),
                )
                planned = await plan(run)
            if not as_json:
                typer.echo(planned.forecast.text())
            if dry_run or not (yes or typer.confirm("Bring these leads?")):
                return planned, None
            with shown_progress("moving in") as on_progress:
                return planned, await bring(run._replace(on_progress=on_progress), planned)

    try:
        planned, brought = app.on_store(configuration, work)
    except KeyboardInterrupt:
        typer.echo("Stopped. What came in stays; run the same command again to go on.", err=True)
        raise
    print_result(_machine(planned.forecast, brought), _text(brought), as_json=as_json)
    if brought and (brought.refusals or brought.settings_refused):
        raise typer.Exit(_EXIT_REFUSED)


def _now() -> int:
    return int(time.time())


def _asked_key() -> str:
    if not sys.stdin.isatty():
        raise NotPossible("set ONELEAD_COPPER_API_KEY to the key of Copper's API")
    key: str = typer.prompt("Copper API key", hide_input=True)
    return key


def _machine(forecast: Forecast, brought: Brought | None) -> dict[str, object]:
    return {"forecast": msgspec.to_builtins(forecast), "brought": msgspec.to_builtins(brought)}


def _text(brought: Brought | None) -> str:
    if brought is None:
        return "Nothing was written."
    lines = [f"Moved in, as the source {brought.source}:"]
    lines += outcome_lines(brought.outcomes, brought.refusals) or ["  nothing has changed there"]
    lines += [f"  {line}" for line in brought.settings_refused]
    if brought.shared:
        lines.append(
            f"  {brought.shared:,} have an e-mail or a value that other leads have; "
            "the Overview lists them"
        )
    lines += [f"  {line}" for line in brought.remarks.lines()]
    lines = [as_one_line(line) for line in lines]
    if brought.comparison is not None:
        lines.append(brought.comparison.text())
    if brought.not_compared is not None:
        lines.append(f"The comparison failed: {as_one_line(brought.not_compared)}")
    if brought.has_batch:
        lines.append(f"Undo the leads with: onelead undo --batch {brought.batch_id}")
    return "\n".join(lines)
