"""HTTP as clients and proxies spell it, over a real socket to the real server."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from tests.support.api.answers import NO_METHOD, NO_ROUTE
from tests.support.api.service import Service, credentials_of
from tests.support.api.sockets import Address, connected, head, in_pieces, sized
from tests.support.api.wire_leads import table_rows

NORA = b'{"name": "Nora"}'
NO_HOST = {
    "success": False,
    "status": 400,
    "message": "An HTTP/1.1 request needs one Host header",
}
LEAD = "delete, get, head, options, put"


@pytest.mark.parametrize("name", ["X-PW-AccessToken", "X-PW-UserEmail", "X-PW-Application"])
@pytest.mark.parametrize("spelling", ["{}  ", "{}\t", "   {}", "\t {} \t ", "{}"])
async def test_white_space_around_a_value_is_no_part_of_it(
    service: Service, address: Address, name: str, spelling: str
) -> None:
    values = credentials_of(service.account)
    lines = [f"{key}:{spelling.format(value)}" for key, value in values.items() if key == name]
    lines += [f"{key}: {value}" for key, value in values.items() if key != name]
    request = "\r\n".join(
        ["GET /developer_api/v1/users/me HTTP/1.1", "Host:onelead.test \t", *lines, "\r\n"]
    ).encode()
    async with connected(address) as connection:
        connection.writer.write(request)
        assert (await connection.answer()).status == 200
        await in_pieces(connection, request, 1)
        assert (await connection.answer()).status == 200


async def test_white_space_inside_a_value_is_part_of_it(service: Service, address: Address) -> None:
    key = service.account.api_key
    async with connected(address) as connection:
        for wrong in (f"{key[:5]} {key[5:]}", f"{key}\u00a0".encode().decode("latin-1"), " \t"):
            connection.writer.write(head(service, "GET /users/me", key=wrong))
            assert (await connection.answer()).status == 401


async def test_white_space_counts_in_no_header(service: Service, address: Address) -> None:
    lead = await service.lead()
    async with connected(address) as connection:
        for line in ('If-Match: "7" \t', 'If-Match:\t"7"'):
            body = b'{"title": "Buyer"}'
            connection.writer.write(sized(service, f"PUT /leads/{lead['id']}", body, line))
            assert (await connection.answer()).status == 412
        line = "Content-Encoding: gzip \t"
        connection.writer.write(sized(service, "POST /leads", gzip.compress(NORA), line))
        assert (await connection.answer()).status == 200
        framing = (f"Content-Length: {len(NORA)} ", "Expect: 100-continue \t")
        connection.writer.write(head(service, "POST /leads", *framing))
        assert await connection.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.writer.write(NORA)
        assert (await connection.answer()).status == 200


@pytest.mark.parametrize(
    ("version", "hosts", "is_served"),
    [
        ("1.1", 1, True),
        ("1.1", 0, False),
        ("1.1", 2, False),
        ("1.0", 0, True),
        ("1.0", 1, True),
        ("1.0", 2, False),
    ],
)
async def test_a_request_of_http_1_1_names_its_host_once(
    service: Service, address: Address, tmp_path: Path, version: str, hosts: int, *, is_served: bool
) -> None:
    spelled = sized(service, "POST /leads", NORA).replace(b"HTTP/1.1", b"HTTP/" + version.encode())
    request = spelled.replace(b"Host: onelead.test\r\n", b"Host: onelead.test\r\n" * hosts)
    async with connected(address) as connection:
        connection.writer.write(request)
        answer = await connection.answer()
    assert answer.status == (200 if is_served else 400)
    if not is_served:
        assert answer.body == NO_HOST
        assert answer.headers["content-type"] == "application/json"
    assert len(table_rows(tmp_path, "ledger")) == is_served


async def test_a_host_may_be_empty(service: Service, address: Address) -> None:
    request = head(service, "GET /users/me").replace(b"Host: onelead.test", b"Host:")
    async with connected(address) as connection:
        connection.writer.write(request)
        assert (await connection.answer()).status == 200


async def test_a_connection_goes_on_after_every_refusal(
    service: Service, address: Address, tmp_path: Path
) -> None:
    without_host = sized(service, "POST /leads", NORA).replace(b"Host: onelead.test\r\n", b"")
    requests = [
        (without_host, 400, NO_HOST),
        (sized(service, "PATCH /leads/7", NORA), 405, NO_METHOD),
        (sized(service, "POST /nowhere", NORA), 404, NO_ROUTE),
        (sized(service, "OPTIONS /leads/7", NORA), 204, None),
        (sized(service, "POST /leads", b"name=Nora", "Content-Type: text/plain"), 400, ...),
        (sized(service, "POST /leads", NORA, "Content-Encoding: br"), 415, ...),
        (sized(service, "POST /leads", NORA, "Content-Encoding: gzip"), 400, ...),
        (sized(service, "POST /leads", NORA), 200, ...),
    ]
    async with connected(address) as connection:
        for request, status, body in requests:
            connection.writer.write(request)
            answer = await connection.answer()
            assert (answer.status, answer.body) == (status, answer.body if body is ... else body)
            assert "connection" not in answer.headers
        # And all at once: they are answered in order.
        connection.writer.write(b"".join(request for request, _, _ in requests))
        assert [(await connection.answer()).status for _ in requests] == [s for _, s, _ in requests]
    outcomes = [row["outcome"] for row in table_rows(tmp_path, "ledger")]
    assert outcomes == [*["refused"] * 3, "created"] * 2


@pytest.mark.parametrize(
    ("line", "allow"),
    [("/leads/7", LEAD), ("/leads/upsert", "options, put"), ("/users/me", "get, head, options")],
)
async def test_options_needs_no_credentials(address: Address, line: str, allow: str) -> None:
    path = f"/developer_api/v1{line}".encode()
    async with connected(address) as connection:
        for method, status in ((b"OPTIONS", 204), (b"PATCH", 405)):
            connection.writer.write(method + b" " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = await connection.answer()
            assert (answer.status, answer.headers["allow"]) == (status, allow)
            assert answer.headers["x-request-id"]


async def test_head_is_answered_like_get_without_a_body(service: Service, address: Address) -> None:
    lead = await service.lead()
    paths = {
        f"/leads/{lead['id']}": 200,
        "/leads/7": 404,
        "/users/me": 200,
        "/tags": 200,
        "/leads/upsert": 405,
        "/nowhere": 404,
    }
    async with connected(address) as connection:
        for path, status in paths.items():
            connection.writer.write(head(service, f"GET {path}"))
            full = await connection.answer()
            connection.writer.write(head(service, f"HEAD {path}"))
            bare = await connection.answer(has_body=False)
            assert (full.status, bare.status) == (status, status)
            assert bare.headers["content-length"] == full.headers["content-length"]
        connection.writer.write(head(service, "HEAD /users/me", key="wrong"))
        assert (await connection.answer(has_body=False)).status == 401
