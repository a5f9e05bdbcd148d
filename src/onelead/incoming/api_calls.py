"""How a client calls the API: its base path, and a call as a command to paste."""

from __future__ import annotations

import shlex

BASE_PATH = "/developer_api/v1"

#: An upsert for people who have never sent one.
EXAMPLE_UPSERT = (
    '{"properties": {"name": "Nora Field", '
    '"email": {"email": "nora@field.example", "category": "work"}}, '
    '"match": {"field_name": "email", "field_value": "nora@field.example"}}'
)


def call_headers(email: str, api_key: str) -> dict[str, str]:
    """Return the headers of a call with a JSON body."""
    return {
        "X-PW-AccessToken": api_key,
        "X-PW-Application": "developer_api",
        "X-PW-UserEmail": email,
        "Content-Type": "application/json",
    }


def upsert_command(base_url: str, email: str, api_key: str, body: str = EXAMPLE_UPSERT) -> str:
    """Return a curl command that sends an upsert; `base_url` ends in `BASE_PATH`."""
    headers = call_headers(email, api_key)
    # After -d, curl takes text that begins with @ for a file name.
    option = "--data-raw" if body.startswith("@") else "-d"
    lines = [
        f"curl -X PUT {shlex.quote(f'{base_url}/leads/upsert')}",
        *(f"-H {shlex.quote(f'{name}: {value}')}" for name, value in headers.items()),
        f"{option} {shlex.quote(body)}",
    ]
    return " \\\n  ".join(lines)
