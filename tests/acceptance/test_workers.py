"""Several processes on one port: all serve, one that dies is replaced, and all end together."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from functools import partial
from os import kill
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from psycopg.conninfo import conninfo_to_dict
from tests.support.commands.load import Load
from tests.support.commands.process import (
    DEADLINE_S,
    Server,
    credentials_of,
    refusal,
    run,
    run_json,
    serving,
    wait_until,
)
from tests.support.storage.databases import PostgresqlDatabase

pytestmark = pytest.mark.slow

WORKERS = 2


@pytest.fixture
def database() -> Iterator[PostgresqlDatabase]:
    """A database with one account."""
    with closing(PostgresqlDatabase()) as fresh:
        yield fresh


@pytest.fixture
def server(database: PostgresqlDatabase, tmp_path: Path) -> Iterator[Server]:
    """A server with workers."""
    arguments = ("--workers", str(WORKERS), "--database", url_of(database))
    with serving(tmp_path, *arguments, "--log-format", "json") as started:
        yield started


def url_of(database: PostgresqlDatabase) -> str:
    """Return the database URL of the configuration."""
    parts = conninfo_to_dict(database.address)
    # The host can be the folder of a socket.
    query = urlencode({"host": parts["host"], "port": parts["port"]})
    return f"postgresql://{parts['user']}@/{parts['dbname']}?{query}"


def credentials(database: PostgresqlDatabase) -> dict[str, str]:
    """Return the three headers of the database's account."""
    return {
        "X-PW-AccessToken": database.account.api_key,
        "X-PW-Application": "developer_api",
        "X-PW-UserEmail": database.account.email,
    }


def workers_of(server: Server) -> set[int]:
    """Return the process ids of the workers."""
    pid = server.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return {int(child) for child in children.split()}


def lives(pid: int) -> bool:
    """Say whether a process exists and has not ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def get(server: Server, path: str) -> httpx.Response:
    """Request a page at the root, on a new connection."""
    address = f"http://127.0.0.1:{server.port}{path}"
    return httpx.get(address, timeout=DEADLINE_S, verify=False)


def figure(server: Server, name: str) -> float:
    """Return a metric, summed over all its labels."""
    found = re.findall(rf"^{name}(?:{{.*}})? (\S+)$", get(server, "/metrics").text, re.MULTILINE)
    return sum(map(float, found))


def logged(server: Server, event: str) -> list[dict[str, Any]]:
    """Return the log lines about an event."""
    lines = [json.loads(line) for line in server.log.splitlines()]
    return [line for line in lines if line["event"] == event]


def upsert(server: Server, headers: dict[str, str], number: int) -> int:
    """Deliver a person on a new connection until it is answered, and return the status."""
    with client_of(server, headers) as client:
        return deliver(client, number).status_code


def client_of(server: Server, headers: dict[str, str]) -> httpx.Client:
    """Return a client that keeps one connection as long as it can."""
    limits = httpx.Limits(max_connections=1)
    # Without it, each client reads all certificates of the system first.
    return httpx.Client(
        base_url=server.base_url,
        headers=headers,
        limits=limits,
        timeout=DEADLINE_S,
        verify=False,
    )


def deliver(client: httpx.Client, number: int) -> httpx.Response:
    """Deliver a person until it is answered."""
    email = f"person-{number}@load.example"
    body = {
        "properties": {"name": f"Person {number}", "email": {"email": email}},
        "match": {"field_name": "email", "field_value": email},
    }
    while True:
        try:
            return client.put("/leads/upsert", json=body)
        except httpx.TransportError:
            continue


def connections_of(server: Server) -> dict[int, int]:
    """Return how many connections of clients each worker has, by its process id."""
    port = f":{server.port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()]
    ours = {f"socket:[{row[9]}]" for row in rows[1:] if row[1].endswith(port) and row[3] == "01"}
    return {pid: len(ours & open_files(pid)) for pid in workers_of(server)}


def open_files(pid: int) -> set[str]:
    """Return what a process has open."""
    found = set()
    for file in Path(f"/proc/{pid}/fd").iterdir():
        # It may be closed by now.
        with suppress(FileNotFoundError):
            found.add(str(file.readlink()))
    return found


def stored_emails(database: PostgresqlDatabase) -> list[str]:
    """Return the e-mails of all leads, sorted."""
    return sorted(email for (email,) in database.rows("SELECT email_key FROM lead"))


def test_all_workers_serve_and_the_start_is_logged_once(
    server: Server, database: PostgresqlDatabase
) -> None:
    assert server.banner.count("is ready") == 1
    assert len(workers_of(server)) == WORKERS
    wait_until(lambda: figure(server, "onelead_workers") == WORKERS)
    headers = credentials(database)
    assert {upsert(server, headers, number) for number in range(60)} == {200}
    # Every worker returns the sum of all.
    for _ in range(WORKERS * 2):
        assert figure(server, "onelead_writes_total") == 60
        assert figure(server, "onelead_request_seconds_count") == 60
    assert get(server, "/readyz").status_code == 200
    assert server.stop() == 0
    (line,) = logged(server, "listening")
    assert line["workers"] == WORKERS
    assert sorted(line["worker"] for line in logged(server, "stopped") if "worker" in line) == [
        *range(1, WORKERS + 1)
    ]


def test_a_killed_worker_is_replaced_and_requests_go_on(
    server: Server, database: PostgresqlDatabase
) -> None:
    before = workers_of(server)
    headers = credentials(database)
    with ThreadPoolExecutor(8) as clients:
        first = list(clients.map(lambda number: upsert(server, headers, number), range(100)))
        kill(min(before), signal.SIGKILL)
        second = list(clients.map(lambda number: upsert(server, headers, number), range(100, 300)))
    assert set(first + second) == {200}
    wait_until(lambda: len(workers_of(server)) == WORKERS)
    assert len(workers_of(server) - before) == 1
    # Its replacement goes on counting where it stopped.
    wait_until(lambda: figure(server, "onelead_worker_starts_total") == WORKERS + 1)
    wait_until(lambda: figure(server, "onelead_workers") == WORKERS)
    assert 300 <= figure(server, "onelead_writes_total") <= 300 + 8
    assert len(stored_emails(database)) == 300
    assert server.stop() == 0
    (line,) = logged(server, "a worker has ended and is started again")
    assert (line["pid"], line["exit_code"], line["pause_s"]) == (min(before), -9, 0)


def test_the_connections_of_an_account_come_together_at_one_worker(
    server: Server, database: PostgresqlDatabase, tmp_path: Path
) -> None:
    of_each = 16
    made = run_json(
        *(tmp_path, "init", "--account", "Other Ltd", "--email", "omar@other.example"),
        *("--database", url_of(database)),
    )
    with ExitStack() as stack:
        clients = [
            stack.enter_context(client_of(server, headers))
            for headers in (credentials(database), credentials_of(made)) * of_each
        ]

        def all_are_home() -> bool:
            statuses = [deliver(client, at).status_code for at, client in enumerate(clients)]
            assert set(statuses) == {200}
            return sorted(connections_of(server).values()) == [of_each, of_each]

        # A key is not known everywhere at first, and the queue between workers may be full.
        wait_until(all_are_home)
        # Every connection has its answers to itself.
        with ThreadPoolExecutor(len(clients)) as threads:
            for number in range(100, 105):
                answers = list(threads.map(partial(deliver, number=number), clients))
                assert {answer.json()["name"] for answer in answers} == {f"Person {number}"}
        assert sorted(connections_of(server).values()) == [of_each, of_each]
    assert server.stop() == 0
    assert "Traceback" not in server.log


def has_grown_to(answers: list[httpx.Response], count: int) -> bool:
    """Say whether there are so many answers."""
    return len(answers) >= count


def test_an_account_loses_and_doubles_nothing_when_its_worker_is_killed(
    server: Server, database: PostgresqlDatabase
) -> None:
    """Each client keeps its connection until that breaks, and delivers again what had no answer."""
    headers = credentials(database)
    answers: list[httpx.Response] = []

    def deliver_all(first: int) -> None:
        with client_of(server, headers) as client:
            answers.extend(deliver(client, number) for number in range(first, first + 100))

    with ThreadPoolExecutor(8) as threads:
        done = [threads.submit(deliver_all, first) for first in range(0, 800, 100)]
        for kills in range(1, 4):
            wait_until(partial(has_grown_to, answers, 150 * kills))
            connections = connections_of(server)
            kill(max(connections, key=connections.__getitem__), signal.SIGKILL)
            wait_until(lambda: len(workers_of(server)) == WORKERS)
        for one in done:
            one.result()
    assert {answer.status_code for answer in answers} == {200}
    assert stored_emails(database) == sorted(f"person-{n}@load.example" for n in range(800))
    acknowledged = [answer.headers["X-Request-Id"] for answer in answers]
    rows = Counter(request for (request,) in database.rows("SELECT request_id FROM ledger"))
    assert [rows[request] for request in acknowledged] == [1] * 800
    assert server.stop() == 0


def ends(server: Server) -> list[dict[str, Any]]:
    """Return the log lines about workers that ended."""
    return logged(server, "a worker has ended and is started again")


def test_a_worker_that_hangs_gets_no_new_connections_and_is_replaced(
    server: Server, database: PostgresqlDatabase
) -> None:
    headers = credentials(database)
    assert {upsert(server, headers, number) for number in range(20)} == {200}
    # The home of account 1: what the other worker takes would move there.
    with client_of(server, headers) as client:
        wait_until(lambda: deliver(client, 0).status_code == 200)
        hanging = max(connections_of(server), key=connections_of(server).__getitem__)
    kill(hanging, signal.SIGSTOP)
    wait_until(lambda: bool(logged(server, "a worker hangs and gets no new connections")))
    with ThreadPoolExecutor(8) as clients:
        statuses = list(clients.map(lambda n: upsert(server, headers, n), range(100, 160)))
    # All of them are answered before it is killed, so by the other worker.
    assert set(statuses) == {200}
    assert lives(hanging)
    assert get(server, "/readyz").status_code == 200
    wait_until(lambda: bool(ends(server)))
    (line,) = ends(server)
    assert (line["pid"], line["exit_code"], line["pause_s"]) == (hanging, -9, 0)
    wait_until(lambda: figure(server, "onelead_worker_hangs_total") == 1)
    wait_until(lambda: figure(server, "onelead_workers") == WORKERS)
    with ExitStack() as stack:
        clients_of_all = [stack.enter_context(client_of(server, headers)) for _ in range(32)]
        assert {client.get("/customer_sources").status_code for client in clients_of_all} == {200}
        assert min(connections_of(server).values()) > 0
    assert len(stored_emails(database)) == 80
    assert server.stop() == 0
    assert "Traceback" not in server.log


def test_a_worker_that_answers_again_is_replaced_when_it_has_answered_what_it_has(
    server: Server, database: PostgresqlDatabase
) -> None:
    headers = credentials(database)
    with client_of(server, headers) as client:
        assert deliver(client, 1).status_code == 200
        (hanging,) = [pid for pid, number in connections_of(server).items() if number]
        kill(hanging, signal.SIGSTOP)
        with ThreadPoolExecutor(1) as thread:
            answer = thread.submit(deliver, client, 2)
            wait_until(lambda: bool(logged(server, "a worker hangs and gets no new connections")))
            kill(hanging, signal.SIGCONT)
            assert answer.result().status_code == 200
        wait_until(lambda: bool(ends(server)))
    (line,) = ends(server)
    assert (line["pid"], line["exit_code"]) == (hanging, 0)
    wait_until(lambda: figure(server, "onelead_worker_hangs_total") == 1)
    assert stored_emails(database) == ["person-1@load.example", "person-2@load.example"]
    assert server.stop() == 0
    assert "Traceback" not in server.log


def test_a_worker_is_replaced_after_a_newer_program_has_migrated(
    server: Server, database: PostgresqlDatabase
) -> None:
    """Migrations only add, so the old program keeps running until it is upgraded, too."""
    database.execute("UPDATE alembic_version SET version_num = '9999'")
    before = workers_of(server)
    for pid in before:
        kill(pid, signal.SIGKILL)
    wait_until(lambda: len(workers_of(server) - before) == WORKERS)
    assert upsert(server, credentials(database), 1) == 200
    assert server.stop() == 0


def test_a_worker_that_dies_again_at_once_is_started_after_a_pause_and_the_others_serve(
    server: Server,
) -> None:
    killed: set[int] = set()
    event = "a worker has ended and is started again"

    def kill_first() -> bool:
        # The first worker, or the one that replaced it.
        fresh = workers_of(server) - others - killed
        for pid in fresh:
            kill(pid, signal.SIGKILL)
        killed.update(fresh)
        return len(logged(server, event)) >= 2

    others = set(sorted(workers_of(server))[1:])
    wait_until(kill_first)
    assert [line["pause_s"] for line in logged(server, event)][:2] == [0, 1]
    # No connection waits for the worker that is paused.
    assert {get(server, "/healthz").status_code for _ in range(40)} == {200}
    assert server.stop() == 0


async def test_everything_that_is_written_is_answered_when_all_are_stopped(
    server: Server, database: PostgresqlDatabase
) -> None:
    load = Load(credentials(database))
    async with load.on(server.base_url):
        await load.reach(300)
        assert await asyncio.to_thread(server.stop) == 0
    assert dict(load.refused) == {}
    assert stored_emails(database) == sorted(load.answered)
    assert "Traceback" not in server.log


def test_a_second_signal_does_not_wait_for_slow_clients(server: Server) -> None:
    pids = workers_of(server)
    with socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE_S) as client:
        head = (
            b"PUT /developer_api/v1/leads/upsert HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"
        )
        client.sendall(head + b"slow")
        wait_until(lambda: get(server, "/healthz").status_code == 200)
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: bool(logged(server, "stopping")))
        assert server.stop() == 0
    assert not any(map(lives, pids))


def test_the_workers_end_when_their_parent_is_killed(server: Server) -> None:
    pids = workers_of(server)
    assert server.stop(signal.SIGKILL) == -9
    wait_until(lambda: not any(map(lives, pids)))
    with pytest.raises(httpx.ConnectError):
        get(server, "/healthz")
    assert len(logged(server, "stopped")) == WORKERS


def test_a_port_that_workers_have_is_taken(server: Server, tmp_path: Path) -> None:
    for workers, database in (("1", ()), ("2", ("--database", "postgresql://nobody.example/none"))):
        arguments = ("--port", str(server.port), "--workers", workers, *database)
        message = refusal(run(tmp_path, "serve", *arguments), 1)
        assert message.startswith(f"cannot listen on 127.0.0.1, port {server.port}: ")


def test_a_sqlite_file_has_one_process(tmp_path: Path) -> None:
    done = run(tmp_path, "serve", "--port", "0", "--workers", "2")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[1].strip() == (
        "--workers: only one process can serve a SQLite file; write 1, or use PostgreSQL"
    )
    assert list(tmp_path.iterdir()) == []
