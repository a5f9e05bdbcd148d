"""Bodies that are huge, slow, cut or badly framed, sent over a real socket to the real server."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.api.service import Service
from tests.support.api.sockets import Connected, connected, head, resident_bytes
from tests.support.api.wire_leads import table_rows

from onelead.domain.limits import JSON_DEPTH_MAX, REQUEST_BODY_BYTES_MAX

HUGE_BYTES = 100 * 1024 * 1024
CHUNK = b" " * 65_536
#: How much the process may grow while the huge body arrives.
GROWTH_BYTES_MAX = 8 * 1024 * 1024
TOO_LARGE = {
    "success": False,
    "status": 413,
    "message": f"The body is larger than {REQUEST_BODY_BYTES_MAX} bytes",
}
UNAUTHORISED = {"success": False, "status": 401, "message": "Unauthorized"}
NOT_FOUND = {"success": False, "status": 404, "message": "Resource not found"}
NO_ROUTE = {"error": "not_found"}


async def send_huge(connection: Connected, *, chunked: bool) -> int:
    """Send the huge body until the server stops taking it; return the most memory it used."""
    frame = b"%x\r\n%s\r\n" % (len(CHUNK), CHUNK) if chunked else CHUNK
    most = resident_bytes()
    try:
        for _ in range(HUGE_BYTES // len(CHUNK)):
            connection.writer.write(frame)
            await connection.writer.drain()
            most = max(most, resident_bytes())
    except ConnectionError:
        pytest.fail("the connection was closed before the answer could be read")
    return most


HUGE = [
    ("POST /leads", None, (413, TOO_LARGE)),
    ("PUT /leads/upsert", None, (413, TOO_LARGE)),
    ("POST /leads/bulk_create", None, (413, TOO_LARGE)),
    ("POST /leads", "wrong", (401, UNAUTHORISED)),
    ("GET /leads/7", None, (404, NOT_FOUND)),
    ("DELETE /leads/7", None, (404, NOT_FOUND)),
    ("POST /nowhere", None, (404, NO_ROUTE)),
]


@pytest.mark.parametrize(("line", "key", "expected"), HUGE)
@pytest.mark.parametrize("chunked", [False, True])
async def test_100_megabytes(
    service: Service,
    address: tuple[str, int],
    line: str,
    key: str | None,
    expected: tuple[int, object],
    *,
    chunked: bool,
) -> None:
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {HUGE_BYTES}"
    async with connected(address) as connection:
        before = resident_bytes()
        connection.writer.write(head(service, line, framing, key=key))
        most = await send_huge(connection, chunked=chunked)
        answer = await connection.answer()
    assert (answer.status, answer.body) == expected
    assert most - before < GROWTH_BYTES_MAX


@pytest.mark.parametrize(("line", "key", "expected"), [HUGE[0], HUGE[3], HUGE[6]])
async def test_a_client_that_reads_only_after_sending_everything_gets_the_answer(
    service: Service,
    address: tuple[str, int],
    line: str,
    key: str | None,
    expected: tuple[int, object],
) -> None:
    """Closing the connection while bytes still arrive would reset it and lose the answer."""
    length = 8 * REQUEST_BODY_BYTES_MAX
    async with connected(address) as connection:
        framing = (f"Content-Length: {length}", "Connection: close")
        connection.writer.write(head(service, line, *framing, key=key))
        for _ in range(length // len(CHUNK)):
            connection.writer.write(CHUNK)
            await connection.writer.drain()
        answer = await connection.answer()
        assert (answer.status, answer.body) == expected
        assert await connection.is_closed()


async def test_an_announced_length_is_refused_before_the_body_is_sent(
    service: Service, address: tuple[str, int], tmp_path: Path
) -> None:
    async with connected(address) as connection:
        length = f"Content-Length: {REQUEST_BODY_BYTES_MAX + 1}"
        connection.writer.write(head(service, "POST /leads", length, "Expect: 100-continue"))
        answer = await connection.answer()
        assert (answer.status, answer.body) == (413, TOO_LARGE)
        assert answer.headers["connection"] == "close"
        assert await connection.is_closed()
    assert table_rows(tmp_path, "lead") == []


async def test_a_client_that_asks_first_is_told_to_go_on(
    service: Service, address: tuple[str, int]
) -> None:
    body = b'{"name": "Nora"}'
    async with connected(address) as connection:
        framing = (f"Content-Length: {len(body)}", "Expect: 100-continue")
        connection.writer.write(head(service, "POST /leads", *framing))
        assert await connection.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.writer.write(body)
        assert (await connection.answer()).status == 200


@pytest.mark.parametrize("bomb", [b"[", b'{"a":', b'[{"a":', b'"\\u0000', b"9"])
async def test_a_bomb_of_the_largest_size(
    service: Service, address: tuple[str, int], bomb: bytes
) -> None:
    body = bomb * (REQUEST_BODY_BYTES_MAX // len(bomb))
    before = resident_bytes()
    async with connected(address) as connection:
        connection.writer.write(head(service, "POST /leads", f"Content-Length: {len(body)}"))
        connection.writer.write(body)
        answer = await connection.answer()
    assert answer.status == 400
    assert len(str(answer.body)) < 300
    assert resident_bytes() - before < 4 * GROWTH_BYTES_MAX


async def test_many_small_containers_are_no_depth(
    service: Service, address: tuple[str, int]
) -> None:
    body = b'{"name": "Nora", "tags": [' + b"[1]," * 100_000 + b"[1]]}"
    async with connected(address) as connection:
        connection.writer.write(head(service, "POST /leads", f"Content-Length: {len(body)}"))
        connection.writer.write(body)
        assert (await connection.answer()).status == 422
    assert body.count(b"[") > JSON_DEPTH_MAX


@pytest.mark.parametrize("sent", [b"", b'{"name": ', b'{"name": "Nora"}'])
@pytest.mark.parametrize("framing", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
async def test_a_body_that_does_not_come(
    service: Service,
    address: tuple[str, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sent: bytes,
    framing: str,
) -> None:
    monkeypatch.setattr("onelead.incoming.json_body.REQUEST_BODY_TIMEOUT_S", 0.05)
    async with connected(address) as connection:
        connection.writer.write(head(service, "POST /leads", framing))
        if sent:
            connection.writer.write(b"%x\r\n%s\r\n" % (len(sent), sent) if "T" in framing else sent)
        answer = await connection.answer()
        message = "The body took longer than 0.05 seconds"
        assert answer.body == {"success": False, "status": 408, "message": message}
        assert answer.status == 408
        assert answer.headers["connection"] == "close"
        assert await connection.is_closed()
    assert table_rows(tmp_path, "lead") == []


async def test_the_neighbours_of_slow_clients_are_served(
    service: Service, address: tuple[str, int]
) -> None:
    async with (
        connected(address) as slow,
        connected(address) as endless,
        connected(address) as neighbour,
    ):
        slow.writer.write(head(service, "POST /leads", "Content-Length: 1000") + b'{"name"')
        endless.writer.write(head(service, "POST /leads", "Transfer-Encoding: chunked"))
        body = b'{"properties": {}, "match": {"field_name": "name", "field_value": "Nora"}}'
        for status in (200, 200):
            line = f"Content-Length: {len(body)}"
            neighbour.writer.write(head(service, "PUT /leads/upsert", line) + body)
            assert (await neighbour.answer()).status == status
        slow.writer.write(b': "Sam"}'.ljust(993))
        assert (await slow.answer()).status == 200


async def test_a_client_that_leaves_has_written_nothing(
    service: Service, address: tuple[str, int], tmp_path: Path
) -> None:
    async with connected(address) as leaving:
        leaving.writer.write(head(service, "POST /leads", "Content-Length: 16") + b'{"name": "No')
    async with connected(address) as staying:
        staying.writer.write(
            head(service, "POST /leads", "Content-Length: 16") + b'{"name": "Nora"}'
        )
        assert (await staying.answer()).status == 200
    (lead,) = table_rows(tmp_path, "lead")
    assert lead["version"] == 1


@pytest.mark.parametrize(
    "framing",
    [
        ("Content-Length: -1",),
        ("Content-Length: abc",),
        ("Content-Length: 1e3",),
        ("Content-Length: 99999999999999999999999999",),
        ("Content-Length: 2", "Content-Length: 16"),
        ("Content-Length: 16", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked, identity",),
        ("X-Injected: a\x00b",),
        ("no header at all",),
    ],
)
async def test_framing_that_says_two_things_or_nothing(
    service: Service, address: tuple[str, int], tmp_path: Path, framing: tuple[str, ...]
) -> None:
    async with connected(address) as connection:
        connection.writer.write(head(service, "POST /leads", *framing) + b'{"name": "Nora"}')
        answer = await connection.answer()
        assert answer.status == 400
        assert answer.headers["content-type"] == "application/json"
        assert isinstance(answer.body, dict)
        assert list(answer.body) == ["success", "status", "message"]
        assert await connection.is_closed()
    assert table_rows(tmp_path, "lead") == []


async def test_a_bad_chunk_is_no_end_of_the_body(
    service: Service, address: tuple[str, int], tmp_path: Path
) -> None:
    async with connected(address) as connection:
        connection.writer.write(head(service, "POST /leads", "Transfer-Encoding: chunked"))
        connection.writer.write(b'10\r\n{"name": "Nora"}\r\nzz\r\n')
        assert (await connection.answer()).status == 400
        assert await connection.is_closed()
    assert table_rows(tmp_path, "lead") == []


async def test_a_connection_goes_on_after_a_refusal(
    service: Service, address: tuple[str, int]
) -> None:
    statuses = []
    async with connected(address) as connection:
        for body in (b"{", b'{"name": true}', b"[]", b'{"name": "Nora"}'):
            line = f"Content-Length: {len(body)}"
            connection.writer.write(head(service, "POST /leads", line) + body)
            statuses.append((await connection.answer()).status)
    assert statuses == [400, 422, 400, 200]


async def test_an_unread_body_is_not_taken_for_the_next_request(
    service: Service, address: tuple[str, int], tmp_path: Path
) -> None:
    smuggled = head(service, "POST /leads", "Content-Length: 16") + b'{"name": "Nora"}'
    async with connected(address) as connection:
        line = f"Content-Length: {len(smuggled)}"
        connection.writer.write(head(service, "DELETE /leads/7", line) + smuggled)
        connection.writer.write(head(service, "GET /leads/7"))
        answers = [await connection.answer(), await connection.answer()]
    assert [answer.status for answer in answers] == [404, 404]
    assert [row["action"] for row in table_rows(tmp_path, "ledger")] == ["delete"]
