"""System Settings, Account: how long users stay signed in."""

from __future__ import annotations

import json

import pytest
from tests.support.web.browser_client import Browser
from tests.support.web.signing_in import set_password
from tests.support.web.web_service import Web

from onelead.domain.limits import (
    CONFIRM_S,
    SESSION_IDLE_S,
    SESSION_S,
    SESSION_STRICT_IDLE_S,
    SESSION_STRICT_S,
)
from onelead.domain.sign_in.sessions import STRICT, USUAL, SessionLifetimes

PAGE = "/settings/account"


async def times(web: Web) -> SessionLifetimes:
    return (await web.store.settings(web.account_id)).sessions


async def test_the_usual_times_are_shown_first(web: Web, browser: Browser) -> None:
    page = await browser.get(PAGE)
    assert page.one("[name=times][checked]")["value"] == "usual"
    assert page.one("[name=session_s] option[selected]").get_text() == "30 days"
    assert page.one("[name=session_idle_s] option[selected]").get_text() == "7 days"
    assert await times(web) == USUAL
    shown = await page.submit("form#sessions")
    assert "Nothing changed." in shown.text


async def test_the_strict_times_hold_at_once_and_are_in_the_ledger(
    web: Web, browser: Browser
) -> None:
    member = await web.member()
    shown = await (await browser.get(PAGE)).submit("form#sessions", times="strict")
    assert "The times were saved." in shown.text
    assert shown.one("[name=times][checked]")["value"] == "strict"
    assert await times(web) == STRICT
    (row,) = (await web.store.account_rows(web.account_id)).ledger
    assert json.loads(row.changes or "") == {
        "session_s": [SESSION_S, SESSION_STRICT_S],
        "session_idle_s": [SESSION_IDLE_S, SESSION_STRICT_IDLE_S],
    }
    row_page = await browser.get("/deliveries/1")
    assert "Signed out after this time without use" in row_page.text
    assert "30 minutes" in row_page.text
    web.clock.advance(SESSION_STRICT_IDLE_S - 1)
    assert (await member.get("/profile")).path == "/profile"
    web.clock.advance(SESSION_STRICT_IDLE_S)
    assert (await member.get("/profile")).path.startswith("/sign-in")


async def test_a_session_that_is_used_ends_all_the_same(web: Web, browser: Browser) -> None:
    await (await browser.get(PAGE)).submit("form#sessions", times="strict")
    for _ in range(SESSION_STRICT_S // 1_200):
        assert (await browser.get("/profile")).path == "/profile"
        web.clock.advance(1_200)
    assert (await browser.get("/profile")).path.startswith("/sign-in")


async def test_other_times_can_be_chosen(web: Web, browser: Browser) -> None:
    form = {"times": "own", "session_s": "3600", "session_idle_s": "300"}
    shown = await (await browser.get(PAGE)).submit("form#sessions", form)
    assert shown.one("[name=session_idle_s] option[selected]").get_text() == "5 minutes"
    assert await times(web) == SessionLifetimes(3_600, 300)
    # The last use is written often enough for the shortest time.
    for _ in range(5):
        web.clock.advance(240)
        assert (await browser.get("/profile")).path == "/profile"


async def test_other_times_are_meant_even_without_their_button(web: Web, browser: Browser) -> None:
    page = await browser.get(PAGE)
    await page.submit("form#sessions", session_s="3600", session_idle_s="900")
    assert await times(web) == SessionLifetimes(3_600, 900)


@pytest.mark.parametrize(
    ("session_s", "session_idle_s", "field", "text"),
    [
        ("60", "300", "session_s", "must be from 15 minutes to 90 days"),
        ("7776001", "300", "session_s", "must be from 15 minutes to 90 days"),
        ("3600", "7200", "session_idle_s", "must be from 5 minutes to 1 hour"),
        ("x", "300", "session_s", "must be from 15 minutes to 90 days"),
        ("3600", "-1", "session_idle_s", "must be from 5 minutes to 1 hour"),
        ("9" * 40, "300", "session_s", "must be from 15 minutes to 90 days"),
    ],
)
async def test_times_beyond_the_bounds_are_refused_beside_the_field(
    *, web: Web, browser: Browser, session_s: str, session_idle_s: str, field: str, text: str
) -> None:
    form = {"times": "own", "session_s": session_s, "session_idle_s": session_idle_s}
    shown = await (await browser.get(PAGE)).submit("form#sessions", form)
    assert (shown.status, shown.problem_of(field)) == (422, text)
    assert await times(web) == USUAL
    assert shown.one("[name=times][checked]")["value"] == "own"


async def test_the_cookie_lives_as_long_as_the_session(web: Web, browser: Browser) -> None:
    await (await browser.get(PAGE)).submit("form#sessions", times="strict")
    visitor = await set_password(web, web.api.account.user_id)
    (cookie,) = [one for one in visitor.client.cookies.jar if one.name == "onelead_session"]
    # The jar keeps the machine's time; the test keeps its own.
    assert cookie.expires is not None
    sent = await sign_in_headers(web)
    assert f"Max-Age={SESSION_STRICT_S}" in sent


async def sign_in_headers(web: Web) -> str:
    """Return the cookies that signing in sends."""
    visitor = web.visitor()
    page = await visitor.get("/sign-in")
    data = {
        "csrf": str(page.html.select("[name=csrf]")[0]["value"]),
        "email": "dana@shop.example",
        "password": "a rainy afternoon",
    }
    answer = await visitor.client.post("/sign-in", data=data)
    return str(answer.headers.get_list("set-cookie"))


@pytest.mark.parametrize(
    "headers", [{"X-Refresh": "1"}, {"Accept": "text/event-stream"}], ids=["refresh", "live"]
)
async def test_a_page_that_is_left_open_does_not_keep_its_session(
    web: Web, browser: Browser, headers: dict[str, str]
) -> None:
    await (await browser.get(PAGE)).submit("form#sessions", times="strict")
    web.clock.advance(SESSION_STRICT_IDLE_S - 1)
    assert (await browser.client.get("/profile", headers=headers)).status_code == 200
    web.clock.advance(1)
    assert (await browser.get("/profile")).path.startswith("/sign-in")


async def test_an_undo_of_the_times_has_to_be_confirmed(web: Web, browser: Browser) -> None:
    await (await browser.get(PAGE)).submit("form#sessions", times="own", session_idle_s="3600")
    web.clock.advance(CONFIRM_S + 1)
    shown = await (await browser.get("/deliveries/1")).submit('form[action$="/undo"]')
    assert "Confirm that it is you" in shown.text
