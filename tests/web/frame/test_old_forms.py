"""Forms that were loaded before a sign-in or sign-out, in another tab or long ago."""

from __future__ import annotations

import pytest
from tests.support.web.browser_client import Browser, Shown
from tests.support.web.signing_in import PASSWORD, a_member, sign_in
from tests.support.web.web_service import Web

from onelead.domain.limits import SESSION_IDLE_S
from onelead.web.frame.sessions import token_hash

EMAIL = "mia@shop.example"
SESSION = "onelead_session"
LOST = "You were signed out, so nothing was saved. Sign in and send the form again."
SIGN_OUT = 'nav[aria-label="Main"] form[action="/sign-out"]'
ORIGIN = "http://onelead.test"


@pytest.fixture
async def mia(web: Web) -> Browser:
    """A browser in which Mia has signed in with the password."""
    await a_member(web)
    browser = web.visitor()
    await sign_in(browser, EMAIL)
    return browser


async def csrf_of(browser: Browser) -> str:
    return str((await browser.get("/profile")).html.select("[name=csrf]")[0]["value"])


async def test_who_has_signed_in_in_one_tab_can_do_so_in_another(web: Web) -> None:
    await a_member(web)
    browser = web.visitor()
    first, second = [await browser.get("/sign-in?next=/profile") for _ in range(2)]
    for tab in (first, second):
        shown = await tab.submit("form#sign-in", email=EMAIL, password=PASSWORD)
        assert (shown.status, shown.path) == (200, "/profile")


async def test_who_has_signed_out_meanwhile_can_sign_in_with_an_older_form(
    web: Web, mia: Browser
) -> None:
    csrf = await csrf_of(mia)
    web.clock.advance(SESSION_IDLE_S)
    fields = [("csrf", csrf), ("email", EMAIL), ("password", PASSWORD), ("next", "/profile")]
    assert (await mia.post("/sign-in", fields, status=200)).path == "/profile"


async def test_signing_out_works_even_when_the_session_is_over(web: Web, mia: Browser) -> None:
    page = await mia.get("/profile")
    web.clock.advance(SESSION_IDLE_S)
    shown = await page.submit(SIGN_OUT)
    assert (shown.path, shown.texts(".notice")) == ("/sign-in", ["You are signed out."])
    assert SESSION not in mia.client.cookies


async def test_signing_out_works_even_when_it_has_happened_in_another_tab(mia: Browser) -> None:
    first, second = [await mia.get("/profile") for _ in range(2)]
    for tab in (first, second):
        shown = await tab.submit(SIGN_OUT)
        assert (shown.path, shown.texts(".notice")) == ("/sign-in", ["You are signed out."])


@pytest.mark.parametrize("site", ["cross-site", ""])
async def test_another_site_signs_nobody_out(web: Web, mia: Browser, site: str) -> None:
    """The form comes without the cookie, or the browser says that it is from another site."""
    headers = {"Sec-Fetch-Site": site} if site else {}
    answer = await web.visitor().client.post("/sign-out", headers=headers)
    assert SESSION not in str(answer.headers.get_list("set-cookie"))
    answer = await mia.client.post("/sign-out", headers=headers)
    assert answer.status_code == 403
    assert await web.store.session(token_hash(mia.client.cookies[SESSION])) is not None


async def test_a_form_of_an_earlier_session_is_out_of_date_and_changes_nothing(
    web: Web, mia: Browser
) -> None:
    page = await mia.get("/profile")
    await page.submit(SIGN_OUT)
    await sign_in(mia, EMAIL)
    shown = await page.submit("form#rename", name="Zoe")
    assert shown.status == 403
    assert shown.texts("main h1") == ["This page is out of date"]
    assert "Nothing was changed." in shown.text
    assert (await web.store.settings(web.account_id)).users[-1].name == "Mia Roe"


async def sent_signed_out(browser: Browser, path: str, referer: str) -> Shown:
    """Send a form after the session has ended."""
    answer = await browser.client.post(path, data={"csrf": "x"}, headers={"Referer": referer})
    assert answer.status_code == 303
    return await browser.get(answer.headers["location"])


@pytest.mark.parametrize(
    ("path", "referer", "expected"),
    [
        ("/leads/7", f"{ORIGIN}/leads/7?edit=name", "/leads/7?edit=name"),
        ("/leads/change", f"{ORIGIN}/leads?q=nora", "/leads?q=nora"),
        # The form was sent from a page that cannot be loaded, is unknown, or is not ours.
        ("/settings/users/7/link", f"{ORIGIN}/settings/users/7/link", ""),
        ("/profile/password", "", ""),
        ("/profile", "", "/profile"),
        ("/profile", "https://evil.example/leads", "/profile"),
        ("/profile", "https://onelead.test/leads", "/profile"),
        ("/profile", f"{ORIGIN}@evil.example/leads", "/profile"),
        ("/profile", "http://[", "/profile"),
        ("/profile", f"{ORIGIN}//evil.example/", "/profile"),
        ("/profile", f"{ORIGIN}/nowhere", "/profile"),
        ("/profile", f"{ORIGIN}/", ""),
        ("/settings/users/7/link", f"{ORIGIN}/settings/users/7", "/settings/users/7"),
    ],
)
async def test_who_sends_a_form_signed_out_learns_why_and_comes_back_to_its_page(
    web: Web, path: str, referer: str, expected: str
) -> None:
    shown = await sent_signed_out(web.visitor(), path, referer)
    assert shown.texts(".notice-bad") == [LOST]
    assert str(shown.one("form#sign-in [name=next]")["value"]) == (expected or "/")


async def test_a_page_does_not_mention_it(web: Web) -> None:
    assert LOST not in (await web.visitor().get("/profile")).text


async def test_the_way_back_leads_to_the_form(web: Web, mia: Browser) -> None:
    page = await mia.get("/profile")
    web.clock.advance(SESSION_IDLE_S)
    shown = await page.submit("form#rename", name="Zoe")
    assert LOST in shown.text
    shown = await shown.submit("form#sign-in", email=EMAIL, password=PASSWORD)
    assert shown.path == "/profile"
    shown = await shown.submit("form#rename", name="Zoe")
    assert "Your name was saved." in shown.text
