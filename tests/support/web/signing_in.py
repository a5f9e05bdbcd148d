"""Users with passwords, and signing in as a person does."""

from __future__ import annotations

from tests.support.web.browser_client import Browser, Shown
from tests.support.web.web_service import Web

from onelead.contract.access import LinkPurpose
from onelead.domain.account import Role, User

PASSWORD = "a rainy afternoon"


async def set_password(web: Web, user_id: int, password: str = PASSWORD) -> Browser:
    """Let a user of the account set a password by a link; return their signed-in browser."""
    account_id = web.account_id
    for one in await web.store.account_ids():
        if user_id in (await web.store.settings(one)).users_by_id:
            account_id = one
    token = await web.store.create_link(account_id, user_id, LinkPurpose.INVITATION)
    browser = web.visitor()
    shown = await browser.get(f"/welcome/{token}")
    shown = await shown.submit("form#welcome", password=password, repeated=password)
    assert (shown.status, shown.path) == (200, "/")
    return browser


async def a_member(web: Web, email: str = "mia@shop.example") -> User:
    """Create a member who has a password."""
    user = await web.store.create_user(web.account_id, email, "Mia Roe", Role.MEMBER)
    await set_password(web, user.id)
    return user


async def sign_out(browser: Browser) -> None:
    """Press the button of the frame."""
    shown = await browser.get("/profile")
    await shown.submit('nav[aria-label="Main"] form[action="/sign-out"]')


async def sign_in(
    browser: Browser, email: str, password: str = PASSWORD, *, start: str = "/sign-in"
) -> Shown:
    """Fill in the form of the sign-in page."""
    shown = await browser.get(start)
    return await shown.submit("form#sign-in", email=email, password=password)
