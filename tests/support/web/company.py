"""A company's OpenID Connect provider on this machine, which says what a test wants."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT_ID, CLIENT_SECRET = "onelead at shop", "the secret of the client, of some length"


@cache
def a_key(number: int) -> RSAKey:
    """Return one of several keys; making one takes a while."""
    return RSAKey.generate_key(2048, {"kid": f"key-{number}"})


class Provider:
    """What the provider knows, and how it answers; a test changes what it wants."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self.clock = clock
        self.issuer = ""
        self.key = a_key(0)
        self.subject, self.email = "u-17", "mia@shop.example"
        self.is_verified: object = True
        #: Claims that replace the usual ones; None leaves one out.
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "key-0"}
        self.signing_key: RSAKey | OctKey = self.key
        self.metadata: dict[str, Any] = {}
        #: The query of each visit to the authorization endpoint, by the code that it was given.
        self.visits: dict[str, dict[str, str]] = {}
        self.key_reads = 0
        self.is_broken = False

    def visit(self, address: str) -> str:
        """Let somebody sign in there; return the query with which they come back."""
        query = {name: value[0] for name, value in parse_qs(urlsplit(address).query).items()}
        code = f"code-{len(self.visits)}"
        self.visits[code] = query
        return f"code={code}&state={query['state']}"

    def answer(self, path: str, form: dict[str, str]) -> dict[str, Any]:
        """Answer a request of the server."""
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
            } | self.metadata
        if path == "/keys":
            self.key_reads += 1
            return {"keys": [self.key.as_dict(private=False)]}
        assert path == "/token"
        assert form["grant_type"] == "authorization_code"
        visited = self.visits.pop(form["code"], None)
        if visited is None:
            return {"error": "invalid_grant"}
        assert visited["code_challenge_method"] == "S256"
        assert form["redirect_uri"] == visited["redirect_uri"]
        return {
            "access_token": "x",
            "token_type": "Bearer",
            "id_token": self._token(visited["nonce"]),
        }

    def _token(self, nonce: str) -> str:
        now = self.clock()
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": self.subject,
            "nonce": nonce,
            "iat": now,
            "exp": now + 300,
            "email": self.email,
            "email_verified": self.is_verified,
        } | self.claims
        said = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(self.header, said, self.signing_key, algorithms=[self.header["alg"]])


@asynccontextmanager
async def a_provider(clock: Callable[[], int]) -> AsyncIterator[Provider]:
    """Run a provider on a free port of this machine."""
    provider = Provider(clock)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            (int(line.split(":")[1]) for line in head.lower().split("\r\n") if "length" in line), 0
        )
        body = parse_qs((await reader.readexactly(length)).decode())
        form = {name: value[0] for name, value in body.items()}
        answer = json.dumps(provider.answer(head.split(" ")[1], form)).encode()
        status = "500 Broken" if provider.is_broken else "200 OK"
        headers = f"Content-Type: application/json\r\nContent-Length: {len(answer)}\r\n"
        writer.write(f"HTTP/1.1 {status}\r\n{headers}Connection: close\r\n\r\n".encode() + answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        provider.issuer = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield provider
