"""What `onelead serve` prints once it listens: its addresses and what to try first."""

from __future__ import annotations

import shlex

from onelead import __version__
from onelead.app import Started
from onelead.configuration import Configuration
from onelead.contract.access import NewAccount
from onelead.incoming.api_calls import upsert_command


def banner(started: Started, configuration: Configuration) -> str:
    """Return the text; right after the account was made, with the API key, which is shown once."""
    if started.first_account is None:
        database = shlex.quote(configuration.database)
        rest = f"  Create another API key: onelead keys create --database {database}"
    else:
        rest = _credentials(started.base_url, started.first_account)
    lines = [
        f"onelead {__version__} is ready.",
        "",
        *_web_application(started),
        f"  Base URL  {started.base_url}",
        rest,
    ]
    return "\n".join(lines) + "\n"


def _web_application(started: Started) -> list[str]:
    if started.sign_in_url is None:
        return [f"  Open      {started.web_url}/", ""]
    return [
        f"  Open      {started.sign_in_url}",
        "            to set your password; the link works once and expires in a day",
        "",
    ]


def _credentials(base_url: str, account: NewAccount) -> str:
    return (
        f"  E-mail    {account.email}\n"
        f"  API key   {account.api_key}  (shown only now)\n\n"
        f"Try it:\n\n{upsert_command(base_url, account.email, account.api_key)}"
    )
