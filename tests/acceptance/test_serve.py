"""`onelead serve` as a process: what it prints, what it serves, and what it refuses."""

from __future__ import annotations

import json
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from tests.support.commands.process import DEADLINE_S, Server, refusal, run, serving, wait_until

DOCUMENTED_KEYS = (
    *("id", "name", "prefix", "first_name", "last_name", "middle_name", "suffix", "address"),
    *("assignee_id", "company_name", "customer_source_id", "details", "email"),
    *("interaction_count", "monetary_unit", "monetary_value", "socials", "status", "status_id"),
    *("tags", "title", "websites", "phone_numbers", "custom_fields"),
    *("date_created", "date_modified", "date_last_contacted"),
)


def send(request: httpx.Request) -> httpx.Response:
    """Send a request."""
    with httpx.Client(timeout=DEADLINE_S) as client:
        return client.send(request)


def api_client(server: Server) -> httpx.Client:
    """Return a client with a key for everything."""
    return httpx.Client(base_url=server.base_url, headers=server.credentials(), timeout=DEADLINE_S)


def test_a_first_start_makes_an_account_and_its_printed_request_works(tmp_path: Path) -> None:
    with serving(tmp_path, is_cold=True) as server:
        first, second = send(server.printed_request()), send(server.printed_request())
        with api_client(server) as client:
            lead = client.get(f"/leads/{first.json()['id']}").json()
        key = server.printed_request().headers["X-PW-AccessToken"]
        with api_client(server) as client:
            refused = client.get("/account", headers={"X-PW-AccessToken": key})
    assert (first.status_code, second.status_code) == (200, 200)
    assert tuple(lead) == DOCUMENTED_KEYS
    assert first.headers["Lead-Outcome"] == "created"
    # The first key delivers, and reads nothing.
    assert second.json() == first.json() == {"id": lead["id"]}
    assert second.headers["Lead-Outcome"] == "unchanged"
    assert refused.status_code == 403
    assert (tmp_path / "data" / "onelead.db").exists()


def test_links_are_made_of_the_url_and_plain_http_beyond_the_machine_is_warned_of(
    tmp_path: Path,
) -> None:
    arguments = ("--host", "0.0.0.0", "--url", "http://leads.shop.example:8080")
    with serving(tmp_path, *arguments, "--log-format", "json") as server:
        assert "  Open      http://leads.shop.example:8080/welcome/" in server.first_sign_in
        request = server.printed_request()
        assert request.url == "http://leads.shop.example:8080/developer_api/v1/leads/upsert"
        listening, warning = map(json.loads, server.log.splitlines())
        assert warning["event"].startswith("plain HTTP is served beyond this machine")
        request.url = httpx.URL(listening["url"] + "/leads/upsert")
        assert send(request).status_code == 200
        request.headers["Host"] = "127.0.0.1"
        refused = send(request)
        assert refused.status_code == 421
        assert server.stop() == 0
    assert server.log.count("a request for another host was refused") == 1


@pytest.mark.slow
def test_what_is_no_http_gets_the_standard_body(tmp_path: Path) -> None:
    with (
        serving(tmp_path) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE_S) as client,
    ):
        client.sendall(b"EHLO onelead.test\r\n\r\n")
        answer = b"".join(iter(lambda: client.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == 400


@pytest.mark.slow
def test_a_later_start_keeps_the_account_and_says_how_to_make_another_key(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        request = server.printed_request()
        assert server.stop() == 0
    with serving(tmp_path, port=server.port) as server:
        assert server.first_sign_in.count("Create another API key: onelead keys create") == 1
        assert server.first_sign_in.count("API key   ol_d_") == 1
        assert send(request).headers["Lead-Outcome"] == "created"


def test_what_may_be_kept_has_neither_the_key_nor_the_link(tmp_path: Path) -> None:
    path = tmp_path / "data" / "onelead.db.first-sign-in"
    with serving(tmp_path) as server:
        assert f"read {path}\n" in server.banner
        assert "ol_" not in server.banner + server.log
        assert "welcome" not in server.banner + server.log
        assert path.stat().st_mode & 0o777 == 0o600
        assert "/welcome/" in server.first_sign_in


@pytest.mark.slow
def test_every_option_can_come_from_the_environment(tmp_path: Path) -> None:
    with serving(
        tmp_path, ONELEAD_DATABASE="sqlite:///other.db", ONELEAD_LOG_FORMAT="json"
    ) as server:
        assert send(server.printed_request()).status_code == 200
        assert server.stop() == 0
    assert (tmp_path / "other.db").exists()
    events = [json.loads(line)["event"] for line in server.log.splitlines()]
    assert events == ["listening", "stopping", "stopped"]


@pytest.mark.slow
def test_neither_keys_nor_bodies_get_into_the_log(tmp_path: Path) -> None:
    with serving(tmp_path, "--log-level", "debug") as server:
        request = server.printed_request()
        send(request)
        headers = dict(request.headers) | {"content-length": "1"}
        send(httpx.Request("PUT", request.url, headers=headers, content="{"))
        assert server.stop() == 0
    assert request.headers["X-PW-AccessToken"] not in server.log
    assert "nora" not in server.log.lower()


@pytest.mark.slow
def test_a_definition_that_becomes_filterable_is_indexed_in_the_background(
    tmp_path: Path,
) -> None:
    with serving(tmp_path) as server, api_client(server) as client:
        definition = {"name": "Number", "data_type": "String", "available_on": ["lead"]}
        field_id = client.post("/custom_field_definitions", json=definition).json()["id"]
        values = [{"custom_field_definition_id": field_id, "value": "A-77"}]
        lead = client.post("/leads", json={"name": "Nora Field", "custom_fields": values}).json()
        client.put(f"/custom_field_definitions/{field_id}", json={"is_filterable": True})
        match = {"field_name": "custom", "field_value": values[0]}
        upsert = {"properties": {"title": "Buyer"}, "match": match}
        wait_until(lambda: client.put("/leads/upsert", json=upsert).status_code == 200)
        assert client.get(f"/leads/{lead['id']}").json()["title"] == "Buyer"


@pytest.mark.slow
def test_a_second_server_on_the_same_file_is_refused_in_words(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        message = refusal(run(tmp_path, "serve", "--port", "0"), 1)
        assert message == "another onelead server is running on data/onelead.db"
        (tmp_path / "link.db").symlink_to("data/onelead.db")
        by_link = run(tmp_path, "serve", "--port", "0", "--database", "sqlite:///link.db")
        assert refusal(by_link, 1) == "another onelead server is running on link.db"
        assert send(server.printed_request()).status_code == 200


@pytest.mark.slow
def test_a_port_that_is_taken_is_refused_in_words_and_no_account_is_lost(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        message = refusal(run(tmp_path, "serve", "--port", str(port)), 1)
    assert message.startswith(f"cannot listen on 127.0.0.1, port {port}: ")
    with serving(tmp_path) as server:
        assert "API key   ol_d_" in server.first_sign_in


@pytest.mark.slow
def test_all_problems_of_the_configuration_are_told_at_once(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        *("serve", "--port", "eighty", "--log-format", "xml"),
        ONELEAD_DATABASE="postgresql+psycopg://onelead:secret@db.example/onelead",
        ONELEAD_LOG_LEVEL="loud",
    )
    assert (done.returncode, done.stdout) == (2, "")
    first, *problems = done.stderr.splitlines()
    assert first == "onelead: the configuration is not valid:"
    assert [problem.split(":")[0].strip() for problem in problems] == [
        "--port",
        "ONELEAD_DATABASE",
        "--log-format",
        "ONELEAD_LOG_LEVEL",
    ]
    assert "secret" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_database_of_a_newer_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    run(tmp_path, "migrate", "--database", "sqlite:///newer.db")
    with closing(sqlite3.connect(tmp_path / "newer.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = _contents(tmp_path / "newer.db")
    for command in ("serve", "migrate"):
        message = refusal(run(tmp_path, command, "--database", "sqlite:///newer.db"), 1)
        assert message == (
            "The database was migrated by a newer onelead; install that version or a later one"
        )
    assert _contents(tmp_path / "newer.db") == before


@pytest.mark.slow
def test_a_file_that_is_no_database_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("These are notes and certainly not a database.\n" * 50)
    before = (tmp_path / "notes.txt").read_bytes()
    message = refusal(run(tmp_path, "serve", "--database", "sqlite:///notes.txt"), 1)
    why = "it is not a SQLite database, or its beginning is damaged"
    assert message == f"notes.txt cannot be used: {why}"
    message = refusal(run(tmp_path, "serve", "--database", "sqlite:///notes.txt/a.db"), 1)
    assert message.startswith("notes.txt/a.db cannot be opened: ")
    (tmp_path / "folder").mkdir()
    message = refusal(run(tmp_path, "serve", "--database", "sqlite:///folder"), 1)
    why = "it, or its log beside it, cannot be opened as a file"
    assert message == f"folder cannot be used: {why}"
    assert (tmp_path / "notes.txt").read_bytes() == before


def _contents(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return list(connection.iterdump())
