"""Imports by the pages: a file is uploaded by hand, and the work is done as in the background."""

from __future__ import annotations

import asyncio

from tests.support.web.browser_client import Browser, Shown
from tests.support.web.web_service import Web

from onelead.files.imports.work import ImportWork


async def worked(web: Web) -> None:
    """Do all that the background work would do."""
    work = ImportWork(web.store, web.api.writer, holder="test", rest_s=60)
    while await web.store.accounts_importing():
        work.wake()
        await asyncio.sleep(0.002)
    await work.stop()


async def uploaded(browser: Browser, text: str | bytes, name: str = "leads.csv") -> Shown:
    """Upload a file, and return the page that the browser is led to."""
    csrf = str((await browser.get("/imports")).one("#upload [name=csrf]")["value"])
    content = text.encode() if isinstance(text, str) else text
    return await browser.upload("/imports", {"csrf": csrf}, name, content)


async def read(web: Web, browser: Browser, text: str | bytes, name: str = "leads.csv") -> Shown:
    """Upload a file, and return its page once it was read."""
    shown = await uploaded(browser, text, name)
    await worked(web)
    return await browser.get(shown.path)


async def tried(web: Web, shown: Shown, **values: str | None) -> Shown:
    """Fill in the choices, and return the page with what would happen."""
    shown = await shown.submit("#choices", values, button="button[value=try]:not(.sr-only)")
    await worked(web)
    return await shown.browser.get(shown.path)


async def pressed(web: Web, shown: Shown, do: str) -> Shown:
    """Press a button of the page, and return the page once the work is done."""
    form = f"form:has(> button[value={do}])"
    shown = await shown.submit(form, button=f"button[value={do}]")
    await worked(web)
    return await shown.browser.get(shown.path)
