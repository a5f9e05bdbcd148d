"""Signing in and out, and what attempts must not reveal."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from tests.support.api.service import database_in
from tests.support.process.clock import Clock
from tests.support.storage.faults import Faults
from tests.support.web.browser_client import Browser
from tests.support.web.signing_in import (
    PASSWORD,
    a_member,
    set_password,
    sign_in,
    sign_out,
)
from tests.support.web.web_service import Web

from onelead.domain.limits import (
    SESSION_IDLE_S,
    SESSION_S,
    SESSION_TOUCH_S,
    SIGN_IN_BY_ADDRESS_MAX,
    SIGN_IN_BY_EMAIL_MAX,
    SIGN_IN_BY_PLACE_MAX,
    SIGN_IN_PERIOD_S,
)
from onelead.process.password_hashes import PasswordHashes
from onelead.web.frame.sessions import token_hash

EMAIL = "mia@shop.example"
WRONG = "Wrong e-mail or password."
SESSION = "onelead_session"


async def test_the_password_lets_in_and_leads_to_where_one_wanted_to_go(web: Web) -> None:
    await a_member(web)
    browser = web.visitor()
    shown = await browser.get("/profile")
    assert shown.path == "/sign-in?next=%2Fprofile"
    shown = await shown.submit("form#sign-in", email=f" {EMAIL.upper()} ", password=PASSWORD)
    assert (shown.status, shown.path) == (200, "/profile")
    # A signed-in user does not need the form.
    assert (await browser.get("/sign-in?next=/profile")).path == "/profile"


@pytest.mark.parametrize(
    ("email", "password"),
    [
        (EMAIL, "wrong password"),
        (EMAIL, PASSWORD + " "),
        (EMAIL, PASSWORD.upper()),
        ("nobody@shop.example", PASSWORD),
        ("dana@shop.example", PASSWORD),
        ("", ""),
        ("x" * 5_000, "y" * 5_000),
        ("<script>alert(1)</script>", "' OR 1=1 --"),
    ],
)
async def test_whatever_is_wrong_the_answer_is_the_same(
    web: Web, email: str, password: str
) -> None:
    await a_member(web)
    shown = await sign_in(web.visitor(), email, password)
    assert shown.status == 422
    assert shown.texts("form#sign-in .notice") == [WRONG]
    assert SESSION not in shown.browser.client.cookies
    assert "<script>alert" not in shown.response.text


async def test_who_is_deactivated_or_has_no_password_is_answered_as_nobody(web: Web) -> None:
    user = await a_member(web)
    await web.store.deactivate_user(web.account_id, user.email)
    answers = []
    for email in (EMAIL, "dana@shop.example", "nobody@shop.example"):
        shown = await sign_in(web.visitor(), email)
        answers.append((shown.status, shown.text.replace(email, "")))
    assert set(answers) == {(422, answers[0][1])}


class Counting(PasswordHasher):
    """Counts how often something was hashed."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.hashes = 0

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        self.hashes += 1
        return super().hash(password, salt=salt)


async def test_nobody_costs_as_much_work_as_somebody_of_one_account_or_of_several(
    web: Web,
) -> None:
    await a_member(web)
    user = await a_member(web, "max@shop.example")
    other = await web.store.create_account("Other Ltd", user.email)
    third = await web.store.create_account("Third Ltd", user.email)
    await set_password(web, other.user_id, "another dry winter")
    await set_password(web, third.user_id)
    hasher = Counting()
    runtime = replace(web.api.runtime, passwords=PasswordHashes(hasher))
    counted = Web(replace(web.api, runtime=runtime))
    for times, email in enumerate(("nobody@shop.example", EMAIL, user.email), 1):
        await sign_in(counted.visitor(), email, "wrong password")
        assert hasher.hashes == times


async def test_a_session_is_new_at_each_sign_in_and_the_one_before_ends(web: Web) -> None:
    await a_member(web)
    browser = web.visitor()
    planted = "x" * 43
    browser.client.cookies.set(SESSION, planted, domain="onelead.test")
    await sign_in(browser, EMAIL)
    token = browser.client.cookies[SESSION]
    assert token != planted
    assert len(token) == 43
    assert await web.store.session(token_hash(planted)) is None
    await _sign_in_again(browser)
    assert browser.client.cookies[SESSION] != token
    assert await web.store.session(token_hash(token)) is None


async def _sign_in_again(browser: Browser) -> None:
    csrf = str((await browser.get("/profile")).html.select("[name=csrf]")[0]["value"])
    fields = [("csrf", csrf), ("email", EMAIL), ("password", PASSWORD)]
    await browser.post("/sign-in", fields, status=200)


@pytest.mark.parametrize(
    ("base_url", "name", "more"),
    [
        ("http://onelead.test", SESSION, set[str]()),
        ("https://onelead.test", f"__Host-{SESSION}", {"Secure"}),
    ],
)
async def test_the_cookie_is_for_this_server_alone(
    web: Web, base_url: str, name: str, more: set[str]
) -> None:
    await a_member(web)
    browser = web.visitor(base_url=base_url)
    shown = await browser.get("/sign-in")
    csrf = str(shown.one("form#sign-in [name=csrf]")["value"])
    fields = {"csrf": csrf, "email": EMAIL, "password": PASSWORD}
    answer = await browser.client.post("/sign-in", data=fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = next(one for one in answer.headers.get_list("set-cookie") if SESSION in one)
    parts = [part.strip() for part in cookie.split(";")]
    assert parts[0].startswith(f"{name}=")
    attributes = {"HttpOnly", "Path=/", "SameSite=lax", f"Max-Age={SESSION_S}"}
    assert {*parts[1:]} == attributes | more


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "\\\\evil.example",
        "leads",
        "/leads\r\nSet-Cookie: a=b",
    ],
)
async def test_nobody_is_sent_to_another_site(web: Web, target: str) -> None:
    await a_member(web)
    browser = web.visitor()
    csrf = str((await browser.get("/sign-in")).one("form#sign-in [name=csrf]")["value"])
    fields = {"csrf": csrf, "email": EMAIL, "password": PASSWORD, "next": target}
    answer = await browser.client.post("/sign-in", data=fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    answer = await browser.client.get("/sign-in", params={"next": target})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_a_form_of_another_browser_is_refused(web: Web) -> None:
    await a_member(web)
    theirs = str((await web.visitor().get("/sign-in")).one("form#sign-in [name=csrf]")["value"])
    browser = web.visitor()
    await browser.get("/sign-in")
    for csrf in (theirs, "", "x"):
        fields = [("csrf", csrf), ("email", EMAIL), ("password", PASSWORD)]
        await browser.post("/sign-in", fields, status=403)
    assert SESSION not in browser.client.cookies


async def guess(web: Web, email: str, times: int, *, address: str = "192.0.2.1") -> list[int]:
    """Guess the password of an e-mail in a new browser each time; return the statuses."""
    shown = [
        await sign_in(web.visitor(address=address), email, "wrong password") for _ in range(times)
    ]
    return [one.status for one in shown]


async def guess_from_everywhere(web: Web, email: str) -> None:
    """Use up what strangers have of an e-mail's attempts, from many addresses."""
    for number in range(SIGN_IN_BY_EMAIL_MAX // SIGN_IN_BY_PLACE_MAX):
        address = f"198.51.100.{number}"
        assert await guess(web, email, SIGN_IN_BY_PLACE_MAX, address=address) == [422] * 10


class TestThrottle:
    async def test_an_email_has_so_many_attempts_from_an_address(self, web: Web) -> None:
        await a_member(web)
        pages = []
        for email in (EMAIL, "nobody@shop.example"):
            assert await guess(web, email, SIGN_IN_BY_PLACE_MAX) == [422] * SIGN_IN_BY_PLACE_MAX
            shown = await sign_in(web.visitor(address="192.0.2.1"), email, PASSWORD)
            pages.append((shown.status, shown.text, shown.response.headers["retry-after"]))
        # Whether or not it has a user.
        assert pages[0] == pages[1]
        status, text, retry_after = pages[0]
        assert status == 429
        assert "Too many attempts; try again in 2 minutes" in text
        assert int(retry_after) == SIGN_IN_PERIOD_S // SIGN_IN_BY_PLACE_MAX
        assert (await sign_in(web.visitor(address="192.0.2.2"), EMAIL, "wrong")).status == 422
        web.clock.advance(int(retry_after))
        assert (await sign_in(web.visitor(address="192.0.2.1"), EMAIL)).status == 200

    async def test_the_email_counts_however_it_is_written(self, web: Web) -> None:
        for number in range(SIGN_IN_BY_PLACE_MAX):
            email = EMAIL.upper() if number % 2 else EMAIL
            await sign_in(web.visitor(), email, "wrong password")
        assert (await sign_in(web.visitor(), EMAIL.title(), "wrong")).status == 429

    async def test_an_address_has_so_many_attempts_over_all_emails(self, web: Web) -> None:
        browser = web.visitor()
        for number in range(SIGN_IN_BY_ADDRESS_MAX):
            shown = await sign_in(browser, f"{number}@shop.example", "wrong password")
            assert shown.status == 422
        shown = await sign_in(browser, "other@shop.example", "wrong password")
        assert shown.status == 429
        assert (await sign_in(web.visitor(address="192.0.2.9"), EMAIL, "wrong")).status == 422

    async def test_a_guesser_in_the_office_does_not_shut_the_others_out(self, web: Web) -> None:
        await a_member(web)
        office = "203.0.113.5"
        mine = web.visitor(address=office)
        await sign_in(mine, EMAIL)
        await sign_out(mine)
        for number in range(SIGN_IN_BY_ADDRESS_MAX):
            await sign_in(web.visitor(address=office), f"{number}@shop.example", "wrong password")
        assert await guess(web, "other@shop.example", 1, address=office) == [429]
        # Even in a new browser, because the e-mail has signed in from there before.
        assert (await sign_in(web.visitor(address=office), EMAIL)).status == 200

    async def test_a_known_browser_gets_in_while_strangers_guess(self, web: Web) -> None:
        await a_member(web)
        mine = web.visitor(address="203.0.113.5")
        await sign_in(mine, EMAIL)
        await sign_out(mine)
        assert await guess(web, EMAIL, SIGN_IN_BY_PLACE_MAX + 1, address="203.0.113.5") == [
            *([422] * SIGN_IN_BY_PLACE_MAX),
            429,
        ]
        await guess_from_everywhere(web, EMAIL)
        assert await guess(web, EMAIL, 1, address="192.0.2.200") == [429]
        assert (await sign_in(mine, EMAIL)).status == 200

    async def test_a_known_browser_has_its_own_end_of_attempts(self, web: Web) -> None:
        await a_member(web)
        mine = web.visitor()
        await sign_in(mine, EMAIL)
        await sign_out(mine)
        for _ in range(SIGN_IN_BY_PLACE_MAX):
            assert (await sign_in(mine, EMAIL, "wrong password")).status == 422
        assert (await sign_in(mine, EMAIL)).status == 429

    async def test_who_gets_in_has_all_attempts_again(self, web: Web) -> None:
        await a_member(web)
        for _ in range(3):
            for _ in range(SIGN_IN_BY_PLACE_MAX - 1):
                await sign_in(web.visitor(), EMAIL, "wrong password")
            assert (await sign_in(web.visitor(), EMAIL)).status == 200


class TestSeveralAccounts:
    async def test_who_has_one_password_in_several_accounts_chooses(self, web: Web) -> None:
        user = await a_member(web)
        other = await web.store.create_account("Other Ltd", user.email)
        await set_password(web, other.user_id)
        browser = web.visitor()
        shown = await sign_in(browser, user.email, start="/sign-in?next=/profile")
        assert shown.texts("form#choose button") == ["Shop Ltd", "Other Ltd"]
        assert SESSION not in browser.client.cookies
        again = await shown.submit("form#choose", button="li:nth-child(2) button")
        assert again.path == "/profile"
        assert "Other Ltd" in again.text
        # Each choice works once; sending it again only redirects.
        again = await shown.submit("form#choose", button="li:nth-child(2) button")
        assert (again.path, again.html.select(".notice")) == ("/profile", [])
        token = str(shown.one("form#choose li:nth-child(2) button")["value"])
        assert await web.store.link(token_hash(token)) is None

    async def test_a_choice_is_no_link_to_set_a_password(self, web: Web) -> None:
        user = await a_member(web)
        other = await web.store.create_account("Other Ltd", user.email)
        await set_password(web, other.user_id)
        shown = await sign_in(web.visitor(), user.email)
        token = str(shown.one("form#choose li:nth-child(1) button")["value"])
        await web.visitor().get(f"/welcome/{token}", status=404)

    async def test_a_late_choice_begins_again(self, web: Web) -> None:
        user = await a_member(web)
        other = await web.store.create_account("Other Ltd", user.email)
        await set_password(web, other.user_id)
        shown = await sign_in(web.visitor(), user.email)
        web.clock.advance(301)
        late = await shown.submit("form#choose", button="li:nth-child(1) button")
        assert late.path == "/sign-in"
        assert "That took too long" in late.text

    async def test_different_passwords_lead_to_different_accounts(self, web: Web) -> None:
        user = await a_member(web)
        other = await web.store.create_account("Other Ltd", user.email)
        await set_password(web, other.user_id, "another dry winter")
        for password, account in ((PASSWORD, "Shop Ltd"), ("another dry winter", "Other Ltd")):
            shown = await sign_in(
                web.visitor(), user.email, password, start="/sign-in?next=/profile"
            )
            assert account in shown.text


class TestSessions:
    async def test_a_session_ends_when_it_is_not_used(self, web: Web, clock: Clock) -> None:
        await a_member(web)
        browser = web.visitor()
        await sign_in(browser, EMAIL)
        clock.advance(SESSION_IDLE_S - 1)
        assert (await browser.get("/profile")).path == "/profile"
        clock.advance(SESSION_IDLE_S)
        assert (await browser.get("/profile")).path.startswith("/sign-in")

    async def test_and_after_a_month_in_any_case(self, web: Web, clock: Clock) -> None:
        await a_member(web)
        browser = web.visitor()
        await sign_in(browser, EMAIL)
        for _ in range(SESSION_S // (SESSION_IDLE_S - 1)):
            clock.advance(SESSION_IDLE_S - 1)
            assert (await browser.get("/profile")).path == "/profile"
        clock.advance(SESSION_S % (SESSION_IDLE_S - 1) + 5)
        assert (await browser.get("/profile")).path.startswith("/sign-in")

    async def test_its_use_is_written_once_a_minute(self, web: Web, clock: Clock) -> None:
        await a_member(web)
        browser = web.visitor()
        await sign_in(browser, EMAIL)
        hashed = token_hash(browser.client.cookies[SESSION])
        uses = []
        for seconds in (SESSION_TOUCH_S - 1, 1, 1):
            clock.advance(seconds)
            await browser.get("/profile")
            session = await web.store.session(hashed)
            assert session is not None
            uses.append(clock.now - session.date_last_used)
        assert uses == [SESSION_TOUCH_S - 1, 0, 1]

    async def test_a_page_is_shown_while_its_use_cannot_be_written(
        self, web: Web, clock: Clock, tmp_path: Path
    ) -> None:
        faults = Faults()
        store = await database_in(tmp_path).open_faulty(clock, faults)
        runtime = replace(web.api.runtime, store=store)
        browser = await Web(replace(web.api, runtime=runtime)).admin()

        def only_reading(sql: str) -> str:
            if sql.startswith("UPDATE"):
                raise sqlite3.OperationalError("attempt to write a readonly database")
            return sql

        faults.rewrite = only_reading
        clock.advance(SESSION_TOUCH_S)
        assert (await browser.get("/profile")).path == "/profile"
        hashed = token_hash(browser.client.cookies[SESSION])
        session = await store.session(hashed)
        assert session is not None
        assert session.date_last_used < clock.now
        faults.rewrite = lambda sql: sql
        await browser.get("/profile")
        session = await store.session(hashed)
        assert session is not None
        assert session.date_last_used == clock.now
        await store.close()

    async def test_signing_out_ends_it(self, web: Web) -> None:
        await a_member(web)
        browser = web.visitor()
        shown = await sign_in(browser, EMAIL, start="/sign-in?next=/profile")
        token = browser.client.cookies[SESSION]
        shown = await shown.submit('nav[aria-label="Main"] form[action="/sign-out"]')
        assert shown.path == "/sign-in"
        assert "You are signed out." in shown.text
        assert SESSION not in browser.client.cookies
        browser.client.cookies.set(SESSION, token)
        assert (await browser.get("/profile")).path.startswith("/sign-in")

    @pytest.mark.parametrize("token", ["", "x", "x" * 43, "x" * 4_000, "\u00e9"])
    async def test_a_made_up_token_is_nobody(self, web: Web, token: str) -> None:
        headers = [(b"Cookie", f"{SESSION}={token}".encode())]
        answer = await web.visitor().client.get("/profile", headers=headers)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fprofile")

    async def test_a_role_counts_at_once_and_a_deactivation_too(self, web: Web) -> None:
        user = await a_member(web)
        browser = web.visitor()
        await sign_in(browser, EMAIL)
        admin = await web.admin()
        edit = f"/settings/users/{user.id}"
        await browser.get("/settings/users", status=403)
        await (await admin.get(edit)).submit("form#edit", role="admin")
        assert (await browser.get("/settings/users")).path == "/settings/users"
        await (await admin.get(edit)).submit("form#edit", role="member")
        await browser.get("/settings/users", status=403)
        await (await admin.get(edit)).submit("form#deactivate")
        assert (await browser.get("/profile")).path.startswith("/sign-in")
        await (await admin.get(edit)).submit("form#reactivate")
        assert (await browser.get("/profile")).path.startswith("/sign-in")


@pytest.fixture
def clock(web: Web) -> Clock:
    return web.clock
