"""The command line, called in this process: a mistake in a call is a line and an exit code."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from onelead.commands.cli import main

INIT = ("init", "--account", "Shop Ltd", "--email", "dana@shop.example")


pytestmark = pytest.mark.usefixtures("restored_logging")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run a command and return the exit code."""
    monkeypatch.setattr(sys, "argv", ["onelead", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    assert isinstance(left.value.code, int)
    return left.value.code


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("keys",), "Missing command."),
        (("keys", "revoke", "x"), "Invalid value for 'ID': "),
        (("serv",), "No such command 'serv'. Did you mean 'serve'"),
        (("serve", "--prot", "1"), "No such option: --prot"),
        (("init", "--account", "Shop"), "Missing option '--email'."),
        (("init", "--account", " ", "--email", "a@b.example"), "Invalid value for '--account'"),
        ((*INIT[:-1], "dana"), "Invalid value for '--email': 'dana' is not an e-mail"),
        ((*INIT[:-1], "zoë@shop.example"), "Invalid value for '--email': 'zoë@shop.example'"),
        (("users", "create", "--email", "a@b.example", "--role", "king"), "Invalid value for"),
        (
            ("init", "--account", "\x1b[2J", "--email", "a@b.example"),
            "Invalid value for '--account'",
        ),
        (("keys", "create", "--label", "a\nb"), "Invalid value for '--label': must be one line"),
    ],
)
def test_a_mistake_is_one_line_and_changes_nothing(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    message: str,
) -> None:
    assert call(monkeypatch, *arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"onelead: {message}")
    assert err.count("\n") == 1
    assert list(folder.iterdir()) == []


def test_the_version_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "--version") == 0
    assert capsys.readouterr().out.startswith("onelead ")


@pytest.mark.parametrize("arguments", [(), ("--help",)])
def test_it_lists_the_commands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert call(monkeypatch, *arguments) == 0
    out, err = capsys.readouterr()
    for command in ("serve", "init", "migrate", "config", "keys", "users"):
        assert f"  {command} " in out
    assert err == ""


@pytest.mark.parametrize(
    "command",
    [
        ("serve",),
        ("init",),
        ("migrate",),
        ("config",),
        ("keys", "create"),
        ("keys", "list"),
        ("keys", "revoke"),
        ("users", "create"),
        ("users", "list"),
        ("users", "link"),
        ("users", "forget-codes"),
        ("users", "deactivate"),
    ],
)
def test_every_command_explains_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    assert call(monkeypatch, *command, "--help") == 0
    out = capsys.readouterr().out
    assert f"Usage: onelead {' '.join(command)}" in out
    assert "--database URL" in out


@pytest.mark.parametrize("name", [" ", "\u200b", "Mia\nroot", "x" * 256])
def test_a_user_cannot_have_an_empty_or_odd_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert call(monkeypatch, *INIT) == 0
    create = ("users", "create", "--email", "mia@shop.example")
    assert call(monkeypatch, *create, "--name", name) == 1
    assert "Name: " in capsys.readouterr().err
    assert call(monkeypatch, *create) == 0
    assert "mia, mia@shop.example" in capsys.readouterr().out


def test_no_stored_value_reaches_the_terminal_as_a_control_sequence(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, *INIT) == 0
    with closing(sqlite3.connect(folder / "data" / "onelead.db")) as connection, connection:
        connection.execute("UPDATE user SET name = ?", ("Dana\x1b]0;x\x07\nroot\u202e",))
        connection.execute("UPDATE api_key SET label = ?", ("\x9b2J",))
    capsys.readouterr()
    assert call(monkeypatch, "users", "list") == 0
    out = capsys.readouterr().out
    assert "Dana\\x1b]0;x\\x07\\nroot\\u202e" in out
    assert call(monkeypatch, "keys", "list") == 0
    out += capsys.readouterr().out
    assert "\\x9b2J" in out
    assert not set(out) & {"\x1b", "\x07", "\x9b", "\u202e"}


def test_lost_codes_are_forgotten(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, *INIT) == 0
    with closing(sqlite3.connect(next(Path().rglob("onelead.db")))) as database:
        database.execute("INSERT INTO totp SELECT account_id, id, 'SECRET', 1, 1, 1 FROM \"user\"")
        database.commit()
        capsys.readouterr()
        assert call(monkeypatch, "users", "forget-codes", "DANA@shop.example") == 0
        assert "has no passkeys and codes any more." in capsys.readouterr().out
        assert database.execute("SELECT count(*) FROM totp").fetchone() == (0,)
        (entry,) = database.execute(
            "SELECT channel, user_id FROM audit WHERE event = 'codes_turned_off'"
        ).fetchall()
        assert entry == ("command_line", None)
    assert call(monkeypatch, "users", "forget-codes", "nobody@shop.example") == 1
    assert "no user has the e-mail" in capsys.readouterr().err
