"""Passkeys and codes in a browser without scripts: what passkeys.js does, done by hand."""

from __future__ import annotations

from typing import Any

from tests.support.web.authenticator import Authenticator
from tests.support.web.browser_client import Browser, Shown

from onelead.domain.sign_in.codes import step_of
from onelead.process.codes import code_at


async def question(browser: Browser, page: str, options: str) -> dict[str, Any]:
    """Load a page, and ask for its question as the script does."""
    shown = await browser.get(page)
    csrf = str(shown.html.select("[name=csrf]")[0]["value"])
    sent = await browser.post(options, [("csrf", csrf)], status=200)
    found: dict[str, Any] = sent.response.json()
    return found


async def add_passkey(
    browser: Browser, passkey: Authenticator, label: str = "Laptop", **wrong: Any
) -> Shown:
    """Add a passkey on the profile."""
    asked = await question(browser, "/profile/passkeys/new", "/profile/passkeys/options")
    page = await browser.get("/profile/passkeys/new")
    answer = passkey.created(asked, **wrong)
    sent = {"label": label, "pending": asked["pending"], "credential": answer}
    return await page.submit("form#add-passkey", sent)


async def sign_in_with_passkey(
    browser: Browser, passkey: Authenticator, *, start: str = "/sign-in", **wrong: Any
) -> Shown:
    """Sign in with a passkey."""
    asked = await question(browser, start, "/sign-in/passkey/options")
    page = await browser.get(start)
    sent = {"pending": asked["pending"], "credential": passkey.got(asked, **wrong)}
    return await page.submit("form#passkey-sign-in", sent)


async def turn_codes_on(browser: Browser, now: int) -> tuple[str, list[str]]:
    """Turn codes on; return the secret of the app, and the recovery codes."""
    shown = await (await browser.get("/profile")).submit("form#begin-codes")
    secret = shown.one("#secret").get_text().replace(" ", "")
    shown = await shown.submit("form#turn-on", code=code_at(secret, step_of(now)))
    assert shown.status == 200, shown.text
    return secret, shown.one("#recovery-codes").get_text().split()
