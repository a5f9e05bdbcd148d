"""The other commands as processes, alone and while a server runs on the same file."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import httpx
import pytest
from tests.support.commands.process import (
    DEADLINE_S,
    credentials_of,
    refusal,
    run,
    run_json,
    serving,
    wait_until,
)

from onelead.domain.account import DEFAULT_TIME_ZONE

pytestmark = pytest.mark.slow

INIT = ("init", "--account", "Shop Ltd", "--email", "dana@shop.example")


def status_with(base_url: str, made: dict[str, Any]) -> int:
    """Return the status of a call with an API key."""
    headers = credentials_of(made)
    return httpx.get(f"{base_url}/leads/1", headers=headers, timeout=DEADLINE_S).status_code


def test_init_makes_a_database_with_an_account_that_the_server_serves(tmp_path: Path) -> None:
    made = run_json(tmp_path, *INIT, "--database", "sqlite:///new/shop.db")
    assert list(made) == ["account_id", "user_id", "email", "api_key", "sign_in_url"]
    assert made["sign_in_url"].startswith("http://127.0.0.1:8000/welcome/")
    assert (made["account_id"], made["email"]) == (1, "dana@shop.example")
    with serving(tmp_path, "--database", "sqlite:///new/shop.db") as server:
        assert made["api_key"] not in server.banner
        assert status_with(server.base_url, made) == 404
        assert status_with(server.base_url, made | {"email": "omar@shop.example"}) == 401


def test_init_for_a_person_shows_the_same(tmp_path: Path) -> None:
    done = run(tmp_path, *INIT)
    assert (done.returncode, done.stderr) == (0, "")
    assert "dana@shop.example" in done.stdout
    assert "ol_" in done.stdout
    assert "http://127.0.0.1:8000/welcome/" in done.stdout


def test_init_makes_another_account_beside_the_first(tmp_path: Path) -> None:
    assert [run_json(tmp_path, *INIT)["account_id"] for _ in range(2)] == [1, 2]
    message = refusal(run(tmp_path, "keys", "list"), 1)
    assert message == "choose an account with --account; there are 1, 2"
    message = refusal(run(tmp_path, "users", "list", "--account", "3"), 1)
    assert message == "account 3 does not exist; there are 1, 2"
    assert len(run_json(tmp_path, "keys", "list", "--account", "2")) == 1


def test_keys_come_and_go_while_the_server_runs(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        made = run_json(tmp_path, "keys", "create", "--label", "web form")
        names = ["id", "email", "label", "api_key", "scope", "date_expires", "networks"]
        assert list(made) == names
        assert status_with(server.base_url, made) == 404
        done = run(tmp_path, "keys", "revoke", str(made["id"]))
        assert (done.returncode, done.stderr) == (0, "")
        # How soon is tested in test_authentication.py, with its own clock.
        wait_until(lambda: status_with(server.base_url, made) == 401)
        first, second = run_json(tmp_path, "keys", "list")
        assert (first["date_revoked"], second["label"]) == (None, "web form")
        assert second["date_revoked"] is not None
        assert server.stop() == 0


def test_users_come_and_go_while_the_server_runs(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        create = ("users", "create", "--email", "omar@shop.example", "--role", "member")
        user = run_json(tmp_path, *create)
        assert (user["name"], user["role"], user["is_active"]) == ("omar", "member", True)
        made = run_json(tmp_path, "keys", "create", "--email", "OMAR@shop.example")
        assert status_with(server.base_url, made) == 404
        message = refusal(run(tmp_path, "users", "deactivate", "admin@example.com"), 1)
        assert message.startswith("admin@example.com is the only active admin")
        assert run(tmp_path, "users", "deactivate", "omar@shop.example").returncode == 0
        wait_until(lambda: status_with(server.base_url, made) == 401)
        found = run_json(tmp_path, "users", "list")
        assert [entry["is_active"] for entry in found] == [True, False]
        message = refusal(run(tmp_path, "keys", "create", "--email", "omar@shop.example"), 1)
        assert message == "the user omar@shop.example is deactivated"


def test_a_link_lets_a_user_in_once(tmp_path: Path) -> None:
    run(tmp_path, *INIT)
    link = ("users", "link", "--email", "DANA@shop.example")
    first = run_json(tmp_path, *link, "--url", "https://leads.shop.example/")
    assert first["sign_in_url"].startswith("https://leads.shop.example/welcome/")
    message = refusal(run(tmp_path, *link, ONELEAD_PORT="0"), 1)
    assert message.startswith("port 0 takes any free port;")
    second = run(tmp_path, *link)
    assert (second.returncode, second.stderr) == (0, "")
    path = urlsplit(second.stdout.splitlines()[0]).path
    with serving(tmp_path) as server:
        root = httpx.URL(server.base_url).copy_with(path="/")
        with httpx.Client(base_url=root, timeout=DEADLINE_S) as web:
            dead = web.get(urlsplit(first["sign_in_url"]).path)
            assert (dead.status_code, "no longer works" in dead.text) == (404, True)
            assert web.get("/sign-in").status_code == 200
            # The start made a new link, so this one no longer works either.
            assert web.get(path).status_code == 404
            (printed,) = re.findall(r"Open +(\S+)", server.first_sign_in)
            assert web.get(urlsplit(printed).path).status_code == 200


def test_an_unknown_user_gets_no_link(tmp_path: Path) -> None:
    run(tmp_path, *INIT)
    message = refusal(run(tmp_path, "users", "link", "--email", "omar@shop.example"), 1)
    assert message == "no user has the e-mail omar@shop.example"


def test_lists_are_readable_tables(tmp_path: Path) -> None:
    run(tmp_path, "init", "--account", "Shop", "--email", "[red]dana[/red]@shop.example")
    run(tmp_path, "keys", "create", "--label", "the form on the start page :smile: " + "x" * 99)
    header, first, second = run(tmp_path, "keys", "list").stdout.splitlines()
    assert " ".join(header.split()) == (
        "ID E-mail Label Scope Networks Created Created by Expires Last used From Revoked"
    )
    assert "[red]dana[/red]@shop.example" in first
    assert "the form on the start page :smile: " + "x" * 99 in second
    assert header.index("Label") == first.index("first key") == second.index("the form")
    assert "admin" in run(tmp_path, "users", "list").stdout


def test_a_key_can_be_for_less(tmp_path: Path) -> None:
    run(tmp_path, *INIT)
    day = datetime.now(UTC).date() + timedelta(days=30)
    create = ("keys", "create", "--scope", "read", "--expires", day.isoformat())
    made = run_json(tmp_path, *create, "--network", "10.0.0.7", "--network", "192.0.2.0/24")
    assert made["api_key"].startswith("ol_r_")
    assert (made["scope"], made["networks"]) == ("read", ["10.0.0.7/32", "192.0.2.0/24"])
    listed = run_json(tmp_path, "keys", "list")[-1]
    assert listed["scope"] == "read"
    zone = ZoneInfo(DEFAULT_TIME_ZONE)
    ends = datetime.combine(day + timedelta(days=1), time(), zone).timestamp()
    assert listed["date_expires"] == made["date_expires"] == ends
    shown = run(tmp_path, "keys", "list").stdout.splitlines()[-1]
    assert "read 10.0.0.7/32, 192.0.2.0/24" in " ".join(shown.split())
    for wrong in (("--scope", "root"), ("--expires", "soon"), ("--network", "x")):
        assert run(tmp_path, "keys", "create", *wrong).returncode in (1, 2), wrong


def test_a_list_of_nothing_makes_no_database(tmp_path: Path) -> None:
    message = refusal(run(tmp_path, "keys", "list"), 1)
    assert message == "there is no database data/onelead.db; create one with `onelead init`"
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_done_is_one_line(tmp_path: Path) -> None:
    run(tmp_path, "migrate")
    message = refusal(run(tmp_path, "users", "list"), 1)
    assert message == "the database has no account; create one with `onelead init`"
    run(tmp_path, *INIT)
    message = refusal(run(tmp_path, "users", "create", "--email", "Dana@shop.example"), 1)
    assert message == "a user with the e-mail Dana@shop.example exists already"
    assert refusal(run(tmp_path, "keys", "revoke", "77"), 1) == "API key 77 does not exist"
    run(tmp_path, "users", "create", "--email", "omar@shop.example")
    message = refusal(run(tmp_path, "keys", "create"), 1)
    assert message == "the account has several users; choose one with --email"


def test_migrating_twice_is_fine(tmp_path: Path) -> None:
    for _ in range(2):
        done = run(tmp_path, "migrate")
        assert (done.returncode, done.stdout) == (0, "data/onelead.db is up to date.\n")


def test_the_effective_configuration_can_be_read(tmp_path: Path) -> None:
    assert run_json(tmp_path, "config", "--port", "8001", "--log-level", "debug") == {
        "host": "127.0.0.1",
        "port": "8001",
        "workers": "1",
        "database": "sqlite:///data/onelead.db",
        "log_format": "text",
        "log_level": "debug",
        "trusted_proxies": "none",
        "company_issuer": "none",
        "company_client_id": "none",
        "company_client_secret": "none",
        "copper_api_key": "none",
        "url": "none",
    }
    done = run(tmp_path, "config", ONELEAD_PORT="8002")
    assert "port = 8002\n" in done.stdout
    assert list(tmp_path.iterdir()) == []
