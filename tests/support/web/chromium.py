"""Debian's Chromium and a real server process, for the journeys of a person."""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from tests.support.commands.process import Server, serving
from tests.support.web.open_session import open_session

from onelead.contract.access import WebSession
from onelead.contract.store import Store
from onelead.domain.account import Role
from onelead.storage.sqlite.store import SqliteStore
from onelead.web.frame.sessions import token_hash

T = TypeVar("T")
Theme = Literal["light", "dark"]

WIDE = (1280, 900)
PHONE = (360, 740)
#: What reaches beyond the right edge, outside of boxes that scroll.
BEYOND_EDGE = """
() => {
  const edge = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= edge) return [];
  return [...document.querySelectorAll("body *")]
    .filter((element) => element.getBoundingClientRect().right > edge + 1)
    .map((element) => element.outerHTML.slice(0, 120));
}
"""
#: Long enough for a busy machine; a journey that goes well never waits for it.
_TIMEOUT_MS = 60_000
_START_TIMEOUT_MS = 180_000
_API = "/developer_api/v1"


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser; skip the test when there is none."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    expect.set_options(timeout=_TIMEOUT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, timeout=_START_TIMEOUT_MS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watched:
    """What went wrong in a browser, and its requests to other servers."""

    url: str
    errors: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Note everything that happens in a page from now on."""
        # A policy violation is a console error, too.
        page.on("console", lambda line: self._note(line.type, f"{line.text} at {page.url}"))
        page.on("pageerror", lambda error: self._note("error", f"{error} at {page.url}"))
        page.on("request", lambda request: self._reached(request.url))

    def _note(self, sort: str, text: str) -> None:
        # The browser logs every response that is not a success; tests look at the status.
        if sort in {"error", "warning"} and "Failed to load resource" not in text:
            self.errors.append(text)

    def _reached(self, url: str) -> None:
        if not url.startswith((self.url, "data:", "blob:", "about:")):
            self.elsewhere.append(url)

    def require_clean(self) -> None:
        """Fail when anything was noted."""
        assert self.errors == []
        assert self.elsewhere == []


@dataclass
class Site:
    """A server that listens, its database, and a browser to look at it."""

    url: str
    database: Path
    browser: Browser
    #: The API headers of the first admin.
    credentials: dict[str, str] = field(default_factory=dict)
    #: The link for the first admin that the start printed.
    sign_in_link: str = ""

    def with_store(self, work: Callable[[Store], Awaitable[T]]) -> T:
        """Do something with the database behind the server's back."""

        async def run() -> T:
            store = SqliteStore(self.database, lambda: int(time.time()))
            try:
                return await work(store)
            finally:
                await store.close()

        # Playwright's own loop runs in this thread.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(lambda: asyncio.run(run())).result()

    def visitor(
        self,
        *,
        size: tuple[int, int] = WIDE,
        theme: Theme = "light",
        scripts: bool = True,
    ) -> BrowserContext:
        """Return a separate browser in which nobody is signed in."""
        context = self.browser.new_context(
            base_url=self.url,
            viewport={"width": size[0], "height": size[1]},
            color_scheme=theme,
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        context.set_default_timeout(_TIMEOUT_MS)
        return context

    def signed_in(self, role: Role = Role.ADMIN, **options: Any) -> BrowserContext:
        """Return a separate browser in which a user of that role is signed in."""
        context = self.visitor(**options)
        token = self._token(role)
        context.add_cookies([{"name": "onelead_session", "value": token, "url": self.url}])
        return context

    def _token(self, role: Role) -> str:
        """Create a session as signing in does; the sign-in has its own journeys."""
        token, now = secrets.token_urlsafe(32), int(time.time())

        async def sign_in(store: Store) -> None:
            account_id = (await store.account_ids())[0]
            users = (await store.settings(account_id)).users
            user = next((one for one in users if one.role is role and one.is_active), None)
            if user is None:
                user = await store.create_user(account_id, "mia@shop.example", "Mia Roe", role)
            session = WebSession(account_id, user.id, now, now, "127.0.0.1", "Chromium")
            await open_session(store, token_hash(token), session)

        self.with_store(sign_in)
        return token

    def send(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Call the API as the first admin, whatever it answers."""
        url = f"{self.url}{_API}{path}"
        return httpx.request(method, url, json=body, headers=self.credentials, timeout=60)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Call the API as the first admin, and return what it answers."""
        response = self.send(method, path, body)
        assert response.status_code == 200, response.text
        return response.json()


@contextmanager
def a_site(folder: Path, browser: Browser) -> Iterator[Site]:
    """Serve a fresh database from a folder, which must be empty."""
    with serving(folder) as server:
        url = server.base_url.removesuffix(_API)
        yield Site(
            url,
            folder / "data" / "onelead.db",
            browser,
            server.credentials(),
            _printed_link(server),
        )


def _printed_link(server: Server) -> str:
    found = re.search(r"Open +(http://\S+)", server.first_sign_in or server.banner)
    assert found is not None, server.banner
    return found[1]


class DemoServer(NamedTuple):
    """The demo as a process that serves."""

    url: str
    database: Path
    #: What it has printed, to let an admin in.
    sign_in_link: str


@contextmanager
def a_demo(folder: Path) -> Iterator[DemoServer]:
    """Serve the demo, its file in a folder that must be empty."""
    with serving(folder, command="demo", TMPDIR=str(folder)) as server:
        (database,) = folder.glob("onelead-demo-*/demo.db")
        link = _printed_link(server)
        yield DemoServer(link.partition("/welcome/")[0], database, link)
        server.stop()
