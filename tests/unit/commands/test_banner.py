"""What is printed once the server listens, and may be pasted into a shell."""

from __future__ import annotations

import io
import json
import os
import shlex
from pathlib import Path

import pytest

from onelead.app import Started
from onelead.commands.first_sign_in import keep_privately, private_file
from onelead.commands.serve import announcement, banner
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


LINK = f"{WEB_URL}/welcome/abc"


class Output(io.StringIO):
    """A standard output that is a terminal, or is none."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    return Configuration(database=f"sqlite:///{tmp_path}/a.db")


def test_on_a_terminal_the_key_and_the_link_are_printed_and_no_file_is_left(
    configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout", Output(is_terminal=True))
    text = announcement(Started(BASE_URL, WEB_URL, ACCOUNT, LINK), configuration)
    assert ACCOUNT.api_key in text
    assert LINK in text
    assert not private_file(configuration).exists()


@pytest.mark.parametrize("output", [Output(is_terminal=False), None])
def test_elsewhere_they_are_in_a_private_file_which_the_output_names(
    configuration: Configuration, monkeypatch: pytest.MonkeyPatch, output: Output | None
) -> None:
    monkeypatch.setattr("sys.stdout", output)
    path = private_file(configuration)
    text = announcement(Started(BASE_URL, WEB_URL, ACCOUNT, LINK), configuration)
    assert str(path) in text
    assert "ol_" not in text
    assert "welcome" not in text
    assert path.stat().st_mode & 0o777 == 0o600
    assert ACCOUNT.api_key in path.read_text()
    newer = f"{WEB_URL}/welcome/def"
    announcement(Started(BASE_URL, WEB_URL, None, newer), configuration)
    kept = path.read_text()
    assert kept.index(ACCOUNT.api_key) < kept.index(LINK) < kept.index(newer) or (
        kept.index(LINK) < kept.index(ACCOUNT.api_key) < kept.index(newer)
    )


def test_once_there_is_a_password_no_file_is_written(
    configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout", Output(is_terminal=False))
    text = announcement(Started(BASE_URL, WEB_URL), configuration)
    assert "onelead keys create" in text
    assert not private_file(configuration).exists()


def test_where_no_file_can_be_written_the_output_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout", Output(is_terminal=False))
    configuration = Configuration(database=f"sqlite:///{tmp_path}/missing/a.db")
    text = announcement(Started(BASE_URL, WEB_URL, ACCOUNT, LINK), configuration)
    assert "could not be written" in text
    assert f"onelead users link --email {shlex.quote(ACCOUNT.email)} --database" in text
    assert "ol_" not in text
    assert "welcome" not in text


def test_nothing_is_written_through_what_somebody_else_has_laid_there(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("")
    other.chmod(0o600)
    path = tmp_path / "file"
    path.symlink_to(other)
    assert not keep_privately("secret", path)
    path.unlink()
    os.link(other, path)
    assert not keep_privately("secret", path)
    path.unlink()
    os.mkfifo(path)
    assert not keep_privately("secret", path)
    path.unlink()
    path.write_text("")
    path.chmod(0o644)
    assert not keep_privately("secret", path)
    path.unlink()
    path.mkdir()
    assert not keep_privately("secret", path)
    assert other.read_text() == ""


def test_without_a_file_of_a_database_it_is_in_the_working_directory() -> None:
    path = private_file(Configuration(database="postgresql://user@host/name"))
    assert path == Path.cwd() / "onelead.first-sign-in"
