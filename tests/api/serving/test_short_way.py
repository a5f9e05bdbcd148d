"""The short way answers exactly as the long one: both are sent the same, and compared by bytes."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support.api.both_ways import BothWays, Side, both_ways, raw_answer, undated
from tests.support.api.service import Service
from tests.support.api.sockets import connected, head, sized
from tests.support.storage.faulty_network import until

from onelead.contract.leads import Batch, BatchReceipt
from onelead.domain.api_keys.purposes import KeyPurpose, KeyScope
from onelead.domain.errors import StoreUnavailable
from onelead.domain.limits import API_KEY_CACHE_S, QUEUE_BYTES_MAX
from onelead.incoming import request_log
from onelead.process import writer

ANN = {"name": "Ann Ash", "email": {"email": "ann@ash.example", "category": "work"}}
COMPACT = (",", ":")


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[BothWays]:
    """Two services that know the API key already."""
    async with both_ways(tmp_path) as found:
        await found.answers(lambda service: [sized(service, "POST /leads", b"{}")], 1)
        assert found.short.taken == [False]
        found.short.taken.clear()
        yield found
        assert found.long.taken == []
        assert _traces(found.short) == _traces(found.long)


#: Times, and which connections have ended by now.
_OF_THE_MOMENT = re.compile("_seconds|process_|onelead_connections ")


def _traces(side: Side) -> dict[str, Any]:
    """Return what a service has kept of its requests."""
    page = side.service.runtime.metrics.page().decode().splitlines()
    return {
        "ledger": side.rows("SELECT * FROM ledger ORDER BY seq"),
        "metrics": [line for line in page if not _OF_THE_MOMENT.search(line)],
        "requests": [line for line in page if line.startswith("onelead_request_seconds")],
        "key uses": vars(side.service.runtime.api_key_uses),
        "waiting": (side.service.writer.waiting_writes, side.service.writer.waiting_bytes),
    }


Pieces = Callable[[Service], Sequence[bytes]]


def body_of(value: Any, separators: tuple[str, str] = COMPACT) -> bytes:
    """Spell a body, with the separators of JavaScript or those of Python."""
    return json.dumps(value, separators=separators, ensure_ascii=False).encode()


def call(line: str, value: Any = None, *more: str, raw: bytes | None = None) -> Pieces:
    """Return a call that arrives whole."""
    body = body_of(value) if raw is None else raw
    return lambda service: [sized(service, line, body, *more)]


def bare(line: str, *more: str) -> Pieces:
    """Return a call without a body."""
    return lambda service: [head(service, line, *more)]


def upsert(value: Any, **properties: Any) -> dict[str, Any]:
    """Return the body of an upsert by e-mail."""
    match = {"field_name": "email", "field_value": value}
    return {"properties": {**ANN, **properties}, "match": match}


def early(service: Service) -> list[bytes]:
    """Spell a create behind a blank line, as long as its head is, and send its body later."""
    body = body_of(ANN).ljust(len(sized(service, "POST /leads", b" " * 500)) - 500 + 16)
    request = b"\r\n\r\n" + sized(service, "POST /leads", body)
    rest = len(body) - 16
    return [request[:-rest], request[-rest:]]


#: In this order, so that each finds what those before have written. The ids follow from it.
SHORT: dict[str, Pieces] = {
    "a create": call("POST /leads", ANN),
    "an upsert that changes nothing": call("PUT /leads/upsert", upsert("ann@ash.example")),
    "an upsert that changes a title": call(
        "PUT /leads/upsert", upsert("ann@ash.example", title="Dr")
    ),
    "an upsert that creates": call("PUT /leads/upsert", upsert("ben@ash.example", name="Ben")),
    "Python's spaces": call(
        "PUT /leads/upsert", raw=body_of(upsert("Ann@Ash.example", details="ü, ń"), (", ", ": "))
    ),
    "a second lead with the address": call("POST /leads", ANN),
    "several matches": call("PUT /leads/upsert", upsert("ann@ash.example")),
    "no such status": call("PUT /leads/upsert", upsert("ann@ash.example", status_id=7)),
    "an address that is none": call("PUT /leads/upsert", upsert("nobody")),
    "an update": call("PUT /leads/{first}", {"title": "Prof"}),
    "an update that changes nothing": call("PUT /leads/{first}", {"title": "Prof"}),
    "an update of nobody": call("PUT /leads/999", {"title": "Prof"}),
    "a delete": bare("DELETE /leads/{first}"),
    "a second delete": bare("DELETE /leads/{first}"),
    "a header that nobody knows": call("POST /leads", ANN, "X-Trace: 1", "Accept: */*"),
    "a connection to be kept": call("POST /leads", ANN, "Connection: Keep-Alive"),
    "no body": bare("POST /leads"),
    "a body that is blank": call("POST /leads", raw=b"  "),
    "no name": call("POST /leads", {}),
    "a large body": call("POST /leads", {"name": "Zoe", "details": "x" * 40_000}),
}

LONG: dict[str, Pieces] = {
    "a version": call("PUT /leads/{first}", {"title": "x"}, 'If-Match: "1"'),
    "only to create": call("PUT /leads/upsert", upsert("c@ash.example"), "If-None-Match: *"),
    "an idempotency key": call("POST /leads", ANN, "Idempotency-Key: k"),
    "an observation": call("POST /leads", ANN, "Lead-Observed-At: 1700000000"),
    "a bad header": call("POST /leads", ANN, "Lead-Observed-At: now"),
    "two content types": call("POST /leads", ANN, "X-Twice: 1", "X-Twice: 2"),
    "an encoding": call("POST /leads", ANN, "Content-Encoding: gzip"),
    "a dry run": call("POST /leads?dry_run=true", ANN),
    "computed values": call("POST /leads?custom_field_computed_values=true", ANN),
    "a slash at the end": call("POST /leads/", ANN),
    "no id": call("PUT /leads/0", ANN),
    "an id beyond all": call("PUT /leads/99999999999999999999", ANN),
    "a body that is no JSON": call("POST /leads", raw=b"{"),
    "a list": call("POST /leads", []),
    "bytes that are no text": call("POST /leads", raw=b'{"name":"\xff"}'),
    "a byte order mark": call("POST /leads", raw=b'\xef\xbb\xbf{"name":"Bo"}'),
    "the same key twice": call("POST /leads", raw=b'{"name":"A","name":"B"}'),
    "a NUL": call("POST /leads", raw=b'{"name":"\\u0000"}'),
    "a member that nobody knows": call("POST /leads", {"name": "A", "nmae": "B"}),
    "no match": call("PUT /leads/upsert", {"properties": ANN}),
    "a search": call("POST /leads/search", {}),
    "a fetch": bare("GET /leads/{first}"),
    "a method that is none": call("PATCH /leads/{first}", {}),
    "options": bare("OPTIONS /leads"),
    "a wrong key": lambda service: [sized_with_key(service, "wrong")],
    "a body that blank lines make seem complete": early,
    "two pieces": lambda service: halves(sized(service, "POST /leads", body_of(ANN))),
    "two calls at once": lambda service: [sized(service, "POST /leads", body_of(ANN)) * 2],
    "chunks": lambda service: [
        head(service, "POST /leads", "Transfer-Encoding: chunked")
        + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body_of(ANN)), body_of(ANN))
    ],
}

#: Those after which the server closes the connection, or that are no HTTP/1.1.
LAST: dict[str, Pieces] = {
    "a connection to be closed": call("POST /leads", ANN, "Connection: close"),
    "HTTP/1.0": lambda service: [
        sized(service, "POST /leads", body_of(ANN)).replace(b"HTTP/1.1", b"HTTP/1.0")
    ],
    "no host": lambda service: [
        sized(service, "POST /leads", body_of(ANN), "Connection: close").replace(
            b"Host: onelead.test\r\n", b""
        )
    ],
    "two hosts": call("POST /leads", ANN, "Host: other.test", "Connection: close"),
    "a proxy's connection to be closed": call("POST /leads", ANN, "Proxy-Connection: close"),
    "a length that is none": bare("POST /leads", "Content-Length: x"),
}


def sized_with_key(service: Service, key: str) -> bytes:
    """Spell a create with another API key."""
    body = body_of(ANN)
    return head(service, "POST /leads", f"Content-Length: {len(body)}", key=key) + body


def halves(request: bytes) -> list[bytes]:
    """Cut a request within its body."""
    return [request[:-10], request[-10:]]


async def first_id(both: BothWays) -> bytes:
    """Return the id of the first lead, which both services have given."""
    ids = [(await side.service.lead())["id"] for side in both.sides]
    assert ids[0] == ids[1]
    return b"%d" % ids[0]


def naming(pieces: Pieces, lead_id: bytes) -> Pieces:
    """Put the id of the first lead in its place."""
    return lambda service: [piece.replace(b"{first}", lead_id) for piece in pieces(service)]


async def test_hot_calls_are_answered_alike(both: BothWays) -> None:
    lead_id = await first_id(both)
    for name, pieces in SHORT.items():
        both.short.taken.clear()
        answer = await both.answers(naming(pieces, lead_id), 1)
        assert both.short.taken == [True], name
        assert answer.startswith(b"HTTP/1.1 "), name


async def test_all_others_go_the_long_way(both: BothWays) -> None:
    lead_id = await first_id(both)
    for name, pieces in LONG.items():
        both.short.taken.clear()
        await both.answers(naming(pieces, lead_id), 2 if name == "two calls at once" else 1)
        assert True not in both.short.taken, name
    for name, pieces in LAST.items():
        await both.answers(pieces, 0)
        assert True not in both.short.taken, name


@pytest.mark.parametrize("proxies", [[], ["127.0.0.1"], ["10.0.0.0/8"], ["*"]])
@pytest.mark.parametrize("forwarded", ["10.0.0.9", "10.0.0.9, 127.0.0.1", "", "[::2]:80, 10.0.0.8"])
async def test_the_client_behind_a_proxy_is_the_same(
    tmp_path: Path, proxies: list[str], forwarded: str
) -> None:
    async with both_ways(tmp_path, proxies) as both:
        first = call("POST /leads", ANN)
        await both.answers(first, 1)
        await both.answers(call("POST /leads", ANN, f"X-Forwarded-For: {forwarded}"), 1)
        assert both.short.taken == [False, True]
        assert _traces(both.short)["key uses"] == _traces(both.long)["key uses"]


async def test_a_connection_can_change_ways(both: BothWays) -> None:
    def mixed(service: Service) -> list[bytes]:
        create = sized(service, "POST /leads", body_of(ANN))
        fetch = head(service, "GET /users/me")
        return [create, fetch, *halves(create), create + create, b"\r\n" + create, create]

    await both.answers(mixed, 7)
    assert True in both.short.taken


async def test_a_key_is_read_again_when_its_time_is_over(both: BothWays) -> None:
    create = call("POST /leads", ANN)
    for side in both.sides:
        side.service.clock.advance(API_KEY_CACHE_S)
    await both.answers(create, 1)
    await both.answers(create, 1)
    assert both.short.taken == [False, True]


async def test_a_defect_on_the_way_to_the_writer_is_answered_alike(
    both: BothWays, monkeypatch: pytest.MonkeyPatch
) -> None:
    await both.answers(call("POST /leads", ANN), 1)

    def fail(*_write: Any) -> Any:
        raise RuntimeError("a defect")

    monkeypatch.setattr(writer, "checked_write", fail)
    assert b" 500 " in await both.answers(call("POST /leads", ANN), 1)


@pytest.mark.parametrize("error", [StoreUnavailable(retry_after_s=3), RuntimeError("a defect")])
async def test_a_failed_write_is_answered_alike(both: BothWays, error: Exception) -> None:
    for side in both.sides:

        async def fail(_batch: Any) -> Any:
            raise error

        side.service.store.write_leads = fail  # type: ignore[assignment, method-assign]
    answer = await both.answers(call("POST /leads", ANN), 1)
    assert both.short.taken == [True]
    assert b" 503 " in answer or b" 500 " in answer
    assert b"defect" not in answer


async def test_a_full_queue_is_answered_alike(both: BothWays) -> None:
    for side in both.sides:
        side.service.writer.waiting_bytes = QUEUE_BYTES_MAX
    answer = await both.answers(call("POST /leads", ANN), 1)
    assert both.short.taken == [True]
    assert b" 503 " in answer
    assert b"Too many writes are waiting" in answer


class Gate:
    """Holds the batches of a service back."""

    def __init__(self, service: Service) -> None:
        self._write = service.store.write_leads
        self.waits = asyncio.Event()
        self.opened = asyncio.Event()
        service.store.write_leads = self._late  # type: ignore[method-assign]

    async def _late(self, batch: Batch) -> BatchReceipt:
        self.waits.set()
        await self.opened.wait()
        return await self._write(batch)


async def test_calls_that_come_while_one_is_owed_are_answered_after_it(both: BothWays) -> None:
    raws = []
    for side in both.sides:
        gate = Gate(side.service)
        async with connected(side.server.address) as connection:
            create = sized(side.service, "POST /leads", body_of(ANN))
            connection.writer.write(create)
            await gate.waits.wait()
            for piece in (*halves(create), head(side.service, "GET /users/me"), create):
                connection.writer.write(piece)
                await asyncio.sleep(0.001)
            gate.opened.set()
            raws.append([undated(await raw_answer(connection)) for _ in range(4)])
    assert raws[0] == raws[1]
    assert both.short.taken[0] is True


@pytest.mark.parametrize(
    "garbage",
    [
        b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET http://onelead.test HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\0\0\0",
    ],
)
async def test_garbage_behind_a_call_disturbs_nobody_else(both: BothWays, garbage: bytes) -> None:
    side = both.short
    gate = Gate(side.service)
    create = sized(side.service, "POST /leads", body_of(ANN))
    async with connected(side.server.address) as connection:
        connection.writer.write(create)
        await gate.waits.wait()
        connection.writer.write(garbage)
        await asyncio.sleep(0.001)
        gate.opened.set()
        assert (await raw_answer(connection)).startswith(b"HTTP/1.1 200 ")
        assert (await connection.reader.read()).startswith(b"HTTP/1.1 400 ")
    async with connected(side.server.address) as connection:
        connection.writer.write(create)
        assert (await raw_answer(connection)).startswith(b"HTTP/1.1 200 ")
    # The long way does not answer the call before it, so the services differ from here on.
    for other in (create, create):
        async with connected(both.long.server.address) as connection:
            connection.writer.write(other.replace(create, _create_for(both.long)))
            await raw_answer(connection)


def _create_for(side: Side) -> bytes:
    return sized(side.service, "POST /leads", body_of(ANN))


async def test_a_held_call_is_logged_as_itself(
    both: BothWays, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger=request_log.__name__)
    for side in both.sides:
        gate = Gate(side.service)
        capsys.readouterr()
        async with connected(side.server.address) as connection:
            connection.writer.write(_create_for(side))
            await gate.waits.wait()
            connection.writer.write(sized_with_key(side.service, "wrong"))
            await asyncio.sleep(0.001)
            gate.opened.set()
            for _ in range(2):
                await raw_answer(connection)
        logged = capsys.readouterr().out
        assert "status=401" in logged
        assert "account_id" not in logged
        assert "batch_writes" not in logged


async def test_a_server_that_stops_answers_what_it_has_accepted(both: BothWays) -> None:
    raws = []
    for side in both.sides:
        gate = Gate(side.service)
        async with connected(side.server.address) as connection:
            connection.writer.write(sized(side.service, "POST /leads", body_of(ANN)))
            await gate.waits.wait()
            side.server.uvicorn.should_exit = True
            connection.writer.write(_create_for(side))
            await until(side.server.is_stopping)
            gate.opened.set()
            raws.append(undated(await connection.reader.read()))
    assert raws[0] == raws[1]
    assert raws[0].startswith(b"HTTP/1.1 200 ")
    assert b"\r\nconnection: close\r\n" in raws[0]


async def test_a_client_that_goes_away_leaves_its_write(both: BothWays) -> None:
    for side in both.sides:
        gate = Gate(side.service)
        async with connected(side.server.address) as connection:
            connection.writer.write(sized(side.service, "POST /leads", body_of(ANN)))
            await gate.waits.wait()
        await until(side.server.has_no_client)
        gate.opened.set()
        await side.service.writer.drain()
        assert side.rows("SELECT outcome FROM ledger ORDER BY seq") == [("refused",), ("created",)]


async def with_key(both: BothWays, purpose: KeyPurpose) -> None:
    """Have both services called with another key of the account, which they know already."""
    for side in both.sides:
        account = side.service.account
        _key, secret = await side.service.store.create_api_key(
            *(account.account_id, account.email, "scoped", purpose)
        )
        account = msgspec.structs.replace(account, api_key=secret)
        side.service.account = account
        side.service.client.headers["X-PW-AccessToken"] = secret
    await both.answers(bare("DELETE /leads/999"), 1)
    both.short.taken.clear()


@pytest.mark.parametrize(
    ("scope", "taken", "statuses"),
    [
        (KeyScope.DELIVER, [True, True, False, False], [200, 200, 403, 403]),
        (KeyScope.READ, [False, False, False, False], [403, 403, 403, 403]),
        (KeyScope.WRITE, [True, True, True, True], [200, 200, 404, 404]),
        (KeyScope.ADMIN, [True, True, True, True], [200, 200, 404, 404]),
    ],
)
async def test_a_scope_is_held_and_answered_alike(
    both: BothWays, scope: KeyScope, taken: list[bool], statuses: list[int]
) -> None:
    await with_key(both, KeyPurpose(scope))
    answers = [
        await both.answers(pieces, 1)
        for pieces in (
            call("POST /leads", ANN),
            call("PUT /leads/upsert", upsert("ann@ash.example")),
            call("PUT /leads/999", {"title": "Prof"}),
            bare("DELETE /leads/999"),
        )
    ]
    assert [int(answer.split()[1]) for answer in answers] == statuses
    assert both.short.taken == taken


async def test_a_key_that_delivers_is_answered_with_the_id_alone_both_ways(
    both: BothWays,
) -> None:
    await with_key(both, KeyPurpose(KeyScope.DELIVER))
    answer = await both.answers(call("POST /leads", ANN), 1)
    assert both.short.taken == [True]
    head_part, _, body = answer.partition(b"\r\n\r\n")
    assert list(json.loads(body)) == ["id"]
    assert b"lead-outcome: created" in head_part


@pytest.mark.parametrize(("network", "is_taken"), [("127.0.0.0/8", True), ("10.0.0.0/8", False)])
async def test_the_networks_of_a_key_are_held_both_ways(
    both: BothWays,
    network: str,
    is_taken: bool,  # noqa: FBT001
) -> None:
    await with_key(both, KeyPurpose(networks=(network,)))
    await both.answers(call("POST /leads", ANN), 1)
    answer = await both.answers(call("POST /leads", ANN), 1)
    assert both.short.taken == [is_taken, is_taken]
    assert int(answer.split()[1]) == (200 if is_taken else 403)


async def test_the_networks_of_a_key_are_those_of_the_client_behind_a_proxy(
    tmp_path: Path,
) -> None:
    async with both_ways(tmp_path, ["127.0.0.1"]) as both:
        await with_key(both, KeyPurpose(networks=("10.0.0.9",)))
        for forwarded, status in (("10.0.0.9", 200), ("10.0.0.8", 403), ("x", 403)):
            create = call("POST /leads", ANN, f"X-Forwarded-For: {forwarded}")
            await both.answers(create, 1)
            assert int((await both.answers(create, 1)).split()[1]) == status
        assert both.short.taken == [True, True, False, False, False, False]


async def test_a_key_comes_to_its_end_both_ways(both: BothWays) -> None:
    ends = both.short.service.clock() + 60
    await with_key(both, KeyPurpose(date_expires=ends))
    assert b" 200 " in await both.answers(call("POST /leads", ANN), 1)
    for side in both.sides:
        # Within the time of the cache.
        side.service.clock.now = ends
    assert b" 401 " in await both.answers(call("POST /leads", ANN), 1)
