"""Only trusted proxies are believed about the client."""

from __future__ import annotations

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from onelead.serving.server import behind_proxies

PROXY, CLIENT = "10.0.0.7", "192.0.2.9"


async def told(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with what the application knows about the client."""
    request = Request(scope)
    assert request.client is not None
    response: Response = PlainTextResponse(f"{request.url.scheme} {request.client.host}")
    await response(scope, receive, send)


async def seen_by(trusted: list[str], headers: dict[str, str], address: str = PROXY) -> str:
    """Return what the application knows about a request from an address."""
    transport = httpx.ASGITransport(behind_proxies(told, trusted), client=(address, 5))
    async with httpx.AsyncClient(transport=transport, base_url="http://leads.example") as client:
        return (await client.get("/", headers=headers)).text


FORWARDED = {"X-Forwarded-Proto": "https", "X-Forwarded-For": CLIENT}


@pytest.mark.parametrize("trusted", [["10.0.0.7/32"], ["127.0.0.1/32", "10.0.0.0/8"]])
async def test_a_proxy_that_was_named_is_believed(trusted: list[str]) -> None:
    assert await seen_by(trusted, FORWARDED) == f"https {CLIENT}"


@pytest.mark.parametrize("trusted", [[], ["10.0.0.8/32"], ["127.0.0.1/32", "::1/128"]])
async def test_other_addresses_are_not(trusted: list[str]) -> None:
    assert await seen_by(trusted, FORWARDED) == f"http {PROXY}"


async def test_a_client_cannot_add_an_address_before_its_own() -> None:
    headers = FORWARDED | {"X-Forwarded-For": f"203.0.113.1, {CLIENT}"}
    assert await seen_by(["10.0.0.0/8"], headers) == f"https {CLIENT}"
    assert await seen_by(["10.0.0.0/8"], headers, address=CLIENT) == f"http {CLIENT}"


async def test_of_several_proxies_the_last_stranger_is_the_client() -> None:
    headers = FORWARDED | {"X-Forwarded-For": f"{CLIENT}, 10.0.0.99"}
    assert await seen_by(["10.0.0.0/8"], headers) == f"https {CLIENT}"


def test_without_proxies_the_application_is_called_directly() -> None:
    assert behind_proxies(told, []) is told
