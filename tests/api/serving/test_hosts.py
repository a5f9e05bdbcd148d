"""With a URL, requests for other hosts are refused, on both ways, and answers ask for TLS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.api.service import Service
from tests.support.api.sockets import Server, connected, head, serving, sized
from tests.support.api.wire_leads import table_rows

from onelead.api.answers import SAFE_HEADERS
from onelead.api.probes import PROBE_PATHS

OWN = "leads.shop.example"
NORA = b'{"name": "Nora"}'
REFUSED = {
    "success": False,
    "status": 421,
    "message": "The host is not that of this service; ask for it by its own name",
}


@pytest.fixture
async def server(service: Service) -> AsyncIterator[Server]:
    """A server that clients reach over TLS under one name."""
    service.runtime = replace(service.runtime, url=f"https://{OWN}")
    async with serving(service) as found:
        yield found


def at(host: str, request: bytes) -> bytes:
    """Send a request to another host than the tests do."""
    return request.replace(b"Host: onelead.test", b"Host: " + host.encode())


async def test_another_host_is_refused_on_both_ways(
    service: Service, server: Server, tmp_path: Path
) -> None:
    creates = sized(service, "POST /leads", NORA)
    async with connected(server.address) as connection:
        # From the second one on, the API key is known, and the call may go the short way.
        for host, status in ((OWN, 200), (OWN, 200), ("evil.example", 421), (OWN.upper(), 200)):
            for request in (creates, head(service, "GET /users/me")):
                connection.writer.write(at(host, request))
                answer = await connection.answer()
                assert answer.status == status
                if status == 421:
                    assert answer.body == REFUSED
    assert len(table_rows(tmp_path, "ledger")) == 3


@pytest.mark.parametrize("way", ["short", "long"])
async def test_every_answer_asks_for_tls_and_is_kept_by_nobody(
    service: Service, server: Server, way: str
) -> None:
    more = ("Connection: keep-alive",) if way == "short" else ("Connection: keep-alive, a",)
    requests = [
        (at(OWN, sized(service, "POST /leads", NORA, *more)), 200),
        (at(OWN, sized(service, "POST /leads", NORA, *more)), 200),
        (at(OWN, head(service, "GET /leads/7", *more)), 404),
        (at(OWN, head(service, "PATCH /leads/7", *more)), 405),
        (at("evil.example", head(service, "GET /leads/7", *more)), 421),
    ]
    async with connected(server.address) as connection:
        for request, status in requests:
            connection.writer.write(request)
            answer = await connection.answer()
            assert answer.status == status
            assert answer.headers["strict-transport-security"] == "max-age=31536000"
            for name, value in SAFE_HEADERS.items():
                assert answer.headers[name.lower()] == value


async def test_without_a_url_no_answer_asks_for_tls(service: Service) -> None:
    async with serving(service) as server, connected(server.address) as connection:
        connection.writer.write(head(service, "GET /users/me"))
        assert "strict-transport-security" not in (await connection.answer()).headers


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (f"https://{OWN}/developer_api/v1/users/me", 200),
        ("http://evil.example/developer_api/v1/users/me", 421),
    ],
)
async def test_a_target_that_names_a_host_is_held_to_it(
    service: Service, server: Server, target: str, status: int
) -> None:
    request = at(OWN, head(service, "GET /users/me"))
    request = request.replace(b"/developer_api/v1/users/me", target.encode())
    async with connected(server.address) as connection:
        connection.writer.write(request)
        assert (await connection.answer()).status == status


async def test_probes_may_ask_by_any_name(server: Server) -> None:
    async with connected(server.address) as connection:
        for path in sorted(PROBE_PATHS - {"/metrics"}):
            connection.writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n".encode())
            assert (await connection.answer()).status == 200
        connection.writer.write(b"GET /readyz/ HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n")
        assert (await connection.answer()).status == 421


async def test_a_request_of_http_1_0_names_the_host_too(service: Service, server: Server) -> None:
    async with connected(server.address) as connection:
        request = head(service, "GET /users/me").replace(b"HTTP/1.1", b"HTTP/1.0")
        connection.writer.write(request.replace(b"Host: onelead.test\r\n", b""))
        assert (await connection.answer()).status == 421
