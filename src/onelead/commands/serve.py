"""The command that serves, and what it prints when it does."""

from __future__ import annotations

import shlex

from onelead import __version__, app
from onelead.configuration import Configuration
from onelead.incoming.api_calls import upsert_command


def serve(configuration: Configuration) -> None:
    """Serve the API and the web application until stopped."""

    def announce(started: app.Started) -> None:
        # Says nothing where the standard output is closed.
        print(banner(started, configuration), flush=True)  # noqa: T201

    app.serve(configuration, announce)


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
            f"  API key   {api_key}  (shown only now)\n\n"
            f"Try it:\n\n{upsert_command(started.base_url, email, api_key)}"
        )
    else:
        database = shlex.quote(configuration.database)
        rest = f"  Create another API key: onelead keys create --database {database}"
    return f"onelead {__version__} is ready.\n\n{web}\n\n  Base URL  {started.base_url}\n{rest}\n"
