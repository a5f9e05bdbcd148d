"""What is printed once the server listens, and may be pasted into a shell."""

from __future__ import annotations

import json
import shlex

import pytest

from onelead.app import Started
from onelead.commands.serve import banner
from onelead.configuration import Configuration
from onelead.contract.access import NewAccount
from onelead.serving.server import base_url, web_url

WEB_URL = "http://127.0.0.1:8000"
BASE_URL = f"{WEB_URL}/developer_api/v1"
ACCOUNT = NewAccount(1, 8, "o'hara@shop.example", "ol_12")


def test_the_first_start_shows_the_key_and_a_command_that_a_shell_reads() -> None:
    text = banner(Started(BASE_URL, WEB_URL, ACCOUNT), Configuration())
    assert BASE_URL in text
    command = shlex.split(text.partition("Try it:")[2].replace("\\\n", ""))
    assert command[:4] == ["curl", "-X", "PUT", f"{BASE_URL}/leads/upsert"]
    assert command[4:12:2] == ["-H"] * 4
    assert command[5:12:2] == [
        "X-PW-AccessToken: ol_12",
        "X-PW-Application: developer_api",
        "X-PW-UserEmail: o'hara@shop.example",
        "Content-Type: application/json",
    ]
    assert command[12] == "-d"
    body = json.loads(command[13])
    assert body["match"]["field_value"] == body["properties"]["email"]["email"]


def test_a_later_start_shows_no_key_and_how_to_make_another() -> None:
    text = banner(Started(BASE_URL, WEB_URL), Configuration(database="sqlite:///my data/a.db"))
    assert BASE_URL in text
    assert "onelead keys create --database 'sqlite:///my data/a.db'" in text
    assert "curl" not in text


def test_until_somebody_has_a_password_each_start_shows_the_link_that_sets_one() -> None:
    link = f"{WEB_URL}/welcome/abc"
    text = banner(Started(BASE_URL, WEB_URL, sign_in_url=link), Configuration())
    assert f"Open      {link}\n" in text
    assert "works once" in text


def test_afterwards_it_shows_where_to_sign_in() -> None:
    text = banner(Started(BASE_URL, WEB_URL), Configuration())
    assert f"Open      {WEB_URL}/\n" in text
    assert "welcome" not in text


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("localhost", "localhost"),
        ("0.0.0.0", "127.0.0.1"),
        ("::", "[::1]"),
        ("fd00::7", "[fd00::7]"),
    ],
)
def test_the_base_url_can_be_called(host: str, shown: str) -> None:
    assert web_url(host, 8001) == f"http://{shown}:8001"
    assert base_url(host, 8001) == f"http://{shown}:8001/developer_api/v1"
