"""What `onelead serve` prints when it listens: where, and what to try first."""

from __future__ import annotations

import json
import shlex

from onelead import __version__
from onelead.access_store import NewAccount
from onelead.app import Started
from onelead.settings import Settings


def banner(started: Started, settings: Settings) -> str:
    """Return the text, with the API key when it was made just now."""
    if started.first_account is None:
        database = shlex.quote(settings.database)
        rest = f"  Another API key: onelead keys create --database {database}"
    else:
        rest = _credentials(started.base_url, started.first_account)
    return f"onelead {__version__} is ready.\n\n  Base URL  {started.base_url}\n{rest}\n"


def _credentials(base_url: str, account: NewAccount) -> str:
    return (
        f"  E-mail    {account.email}\n"
        f"  API key   {account.api_key}  (shown only now)\n\n"
        f"Try it:\n\n{upsert_command(base_url, account)}"
    )


def upsert_command(base_url: str, account: NewAccount) -> str:
    """Return a curl command, ready to paste, that upserts a lead."""
    headers = {
        "X-PW-AccessToken": account.api_key,
        "X-PW-Application": "developer_api",
        "X-PW-UserEmail": account.email,
        "Content-Type": "application/json",
    }
    body = {
        "properties": {
            "name": "Nora Field",
            "email": {"email": "nora@field.example", "category": "work"},
        },
        "match": {"field_name": "email", "field_value": "nora@field.example"},
    }
    lines = [
        f"curl -X PUT {shlex.quote(f'{base_url}/leads/upsert')}",
        *(f"-H {shlex.quote(f'{name}: {value}')}" for name, value in headers.items()),
        f"-d {shlex.quote(json.dumps(body))}",
    ]
    return " \\\n  ".join(lines)
