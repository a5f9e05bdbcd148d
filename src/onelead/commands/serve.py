"""The command that serves, and what it prints when it does."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from onelead import __version__, app
from onelead.commands.first_sign_in import keep_privately, private_file
from onelead.configuration import Configuration
from onelead.incoming.api_calls import upsert_command


def serve(configuration: Configuration) -> None:
    """Serve the API and the web application until stopped."""

    def announce(started: app.Started) -> None:
        # Says nothing where the standard output is closed.
        print(announcement(started, configuration), flush=True)  # noqa: T201

    app.serve(configuration, announce)


def announcement(started: app.Started, configuration: Configuration) -> str:
    """Return what to print: the banner, without what must not be kept if it may be kept."""
    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    if is_terminal or (started.first_account is None and started.sign_in_url is None):
        return banner(started, configuration)
    path = private_file(configuration)
    is_kept = keep_privately(banner(started, configuration) + "\n", path)
    return banner_for_log(started, configuration, path if is_kept else None)


def banner(started: app.Started, configuration: Configuration) -> str:
    """Return the addresses and what to try first; the key of a first account is shown only here."""
    web = f"  Open      {started.web_url}/"
    if started.sign_in_url is not None:
        web = (
            f"  Open      {started.sign_in_url}\n"
            "            to set your password; the link works once and expires in a day"
        )
    if started.first_account is not None:
        email, api_key = started.first_account.email, started.first_account.api_key
        rest = (
            f"  E-mail    {email}\n"
            f"  API key   {api_key}  (delivers leads; shown only now)\n\n"
            f"Try it:\n\n{upsert_command(started.base_url, email, api_key)}"
        )
    else:
        rest = f"  Create another API key: {_keys_create(configuration)}"
    return _ready(started, web, rest)


def banner_for_log(started: app.Started, configuration: Configuration, path: Path | None) -> str:
    """Return the same without the key and the link, which are in a file if one could be written."""
    web = f"  Open      {started.web_url}/"
    if path is not None:
        rest = (
            f"  To sign in for the first time, read {path}\n"
            "  Only you can read it. Remove it when you have signed in."
        )
    else:
        email = started.first_account.email if started.first_account else "you@shop.example"
        database = shlex.quote(configuration.database)
        rest = (
            f"  {private_file(configuration)} could not be written. On a terminal:\n"
            f"  Sign in: onelead users link --email {shlex.quote(email)} --database {database}\n"
            f"  Create an API key: {_keys_create(configuration)}"
        )
    return _ready(started, web, rest)


def _keys_create(configuration: Configuration) -> str:
    return f"onelead keys create --database {shlex.quote(configuration.database)}"


def _ready(started: app.Started, web: str, rest: str) -> str:
    return f"onelead {__version__} is ready.\n\n{web}\n\n  Base URL  {started.base_url}\n{rest}\n"
