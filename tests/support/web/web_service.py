"""A running service with its web application, and browsers whose users are signed in."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from tests.support.api.service import Service, a_service
from tests.support.web.browser_client import WEB_URL, Browser
from tests.support.web.open_session import open_session

from onelead.app import Application
from onelead.contract.access import WebSession
from onelead.domain.account import Role
from onelead.web.frame.sessions import token_hash

_numbers = itertools.count(1)


class Web:
    """One account's view of a service and its pages; `api` has the API's client and the store."""

    def __init__(self, api: Service) -> None:
        self.api = api
        self.account_id = api.account.account_id
        self.store = api.store
        self.clock = api.clock
        self.application = Application(api.runtime)

    def visitor(self, *, base_url: str = WEB_URL, address: str = "127.0.0.1") -> Browser:
        """Return a browser in which nobody is signed in."""
        transport = httpx.ASGITransport(
            self.application, raise_app_exceptions=True, client=(address, 123)
        )
        return Browser(httpx.AsyncClient(transport=transport, base_url=base_url))

    async def signed_in(self, account_id: int, user_id: int) -> Browser:
        """Return a browser in which a user has signed in just now."""
        token = f"token-{next(_numbers)}"
        now = self.clock()
        session = WebSession(account_id, user_id, now, now, "127.0.0.1", "test")
        await open_session(self.store, token_hash(token), session)
        browser = self.visitor()
        browser.client.cookies.set("onelead_session", token)
        return browser

    async def admin(self) -> Browser:
        """Return a browser of the account's first admin."""
        return await self.signed_in(self.account_id, self.api.account.user_id)

    async def member(self, email: str = "mia@shop.example", name: str = "Mia Roe") -> Browser:
        """Create a member of the account, and return their browser."""
        user = await self.store.create_user(self.account_id, email, name, Role.MEMBER)
        return await self.signed_in(self.account_id, user.id)

    async def stranger(self) -> Browser:
        """Create another account in the same database, and return a browser of its admin."""
        other = await self.store.create_account("Other Ltd", "omar@other.example")
        return await self.signed_in(other.account_id, other.user_id)


@asynccontextmanager
async def a_web_service(folder: Path, engine: str = "sqlite") -> AsyncIterator[Web]:
    """Run a service with its pages on a fresh database of the engine."""
    async with a_service(folder, engine) as service:
        yield Web(service)
