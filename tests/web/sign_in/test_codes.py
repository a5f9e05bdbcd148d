"""Codes from an app: turning them on and off, the second step of signing in, recovery codes."""

from __future__ import annotations

import pytest
from tests.support.storage.audit_rows import audit_of
from tests.support.web.browser_client import Browser, Shown
from tests.support.web.passkeys import turn_codes_on
from tests.support.web.signing_in import PASSWORD, a_member, sign_in
from tests.support.web.web_service import Web

from onelead.contract.access import LinkPurpose
from onelead.domain.audit import AuditEvent
from onelead.domain.limits import CODES_BY_USER_MAX, RECOVERY_CODES_MAX, SECOND_STEP_S
from onelead.domain.sign_in.attempts import places_of
from onelead.domain.sign_in.codes import STEP_S, step_of
from onelead.process.codes import code_at

EMAIL = "mia@shop.example"
SESSION = "onelead_session"
WRONG = "is wrong, too old, or was used before"


class User:
    """A user with a password and codes."""

    def __init__(self, web: Web, browser: Browser, secret: str, recovery: list[str]) -> None:
        self.web = web
        self.browser = browser
        self.secret = secret
        self.recovery = recovery

    async def id(self) -> int:
        users = (await self.web.store.settings(self.web.account_id)).users
        return next(one.id for one in users if one.email == EMAIL)

    def code(self, later: int = 0) -> str:
        """Return the code that the app shows, or will show some steps later."""
        return code_at(self.secret, step_of(self.web.clock()) + later)

    async def password_typed(self) -> Shown:
        """Return the page after the right password, in a browser of its own."""
        return await sign_in(self.web.visitor(), EMAIL)


@pytest.fixture
async def mia(web: Web) -> User:
    await a_member(web)
    browser = web.visitor()
    await sign_in(browser, EMAIL)
    secret, recovery = await turn_codes_on(browser, web.clock())
    web.clock.advance(STEP_S)
    return User(web, browser, secret, recovery)


async def test_the_password_alone_signs_nobody_in(mia: User) -> None:
    shown = await sign_in(mia.web.visitor(), EMAIL, start="/sign-in?next=%2Fleads")
    assert (shown.status, shown.path) == (200, "/sign-in/code?next=%2Fleads")
    assert SESSION not in shown.browser.client.cookies
    assert (await shown.browser.get("/leads")).path.startswith("/sign-in")
    shown = await shown.submit("form#code-form", code=mia.code())
    # The page that was wanted before.
    shown = await (await mia.password_typed()).browser.get("/sign-in/code?next=%2Fleads")
    shown = await shown.submit("form#code-form", code=mia.code(1))
    assert (shown.status, shown.path) == (200, "/leads")
    assert EMAIL in (await shown.browser.get("/profile")).text


async def test_a_code_counts_once_and_an_older_one_no_more(mia: User) -> None:
    shown = await (await mia.password_typed()).submit("form#code-form", code=mia.code())
    assert shown.path == "/"
    for used in (mia.code(), mia.code(-1)):
        shown = await (await mia.password_typed()).submit("form#code-form", code=used)
        assert (shown.status, shown.problem_of("code")) == (422, WRONG)
    shown = await shown.submit("form#code-form", code=f" {mia.code(1)[:3]} {mia.code(1)[3:]} ")
    assert shown.path == "/"


async def test_wrong_codes_are_refused_counted_and_in_the_audit(mia: User) -> None:
    shown = await mia.password_typed()
    for wrong in ["000000", mia.code(2), mia.code(-2), "１２３４５６", "x" * 9_000][
        :CODES_BY_USER_MAX
    ]:
        shown = await shown.submit("form#code-form", code=wrong)
        assert (shown.status, shown.problem_of("code")) == (422, WRONG)
    # Not even the right one, from any browser.
    assert (await shown.submit("form#code-form", code=mia.code())).status == 429
    other = await mia.password_typed()
    assert (await other.submit("form#code-form", code=mia.code())).status == 429
    found = await audit_of(mia.web.store, mia.web.account_id, AuditEvent.SIGN_IN_REFUSED)
    assert len([one for one in found if one.changes == {"way": (None, "code")}]) == 5
    mia.web.clock.advance(SECOND_STEP_S // 2)
    assert (await other.submit("form#code-form", code=mia.code())).path == "/"


async def test_a_place_is_known_after_the_code_and_not_before(mia: User) -> None:
    browser = mia.web.visitor(address="203.0.113.5")
    shown = await sign_in(browser, EMAIL)
    places = places_of(EMAIL, "203.0.113.5", browser.client.cookies["onelead_browser"])
    assert await mia.web.store.known_places(places) == frozenset()
    await shown.submit("form#code-form", code=mia.code())
    assert await mia.web.store.known_places(places) == {places.address, places.browser}


async def test_a_half_done_sign_in_ends_by_time_and_by_a_new_password(mia: User) -> None:
    late, ended = await mia.password_typed(), await mia.password_typed()
    web = mia.web
    (user_id,) = [
        u.id for u in (await web.store.settings(web.account_id)).users if u.email == EMAIL
    ]
    await web.store.end_sessions(web.account_id, user_id)
    shown = await ended.submit("form#code-form", code=mia.code())
    assert "That took too long. Sign in again." in shown.text
    late = await mia.password_typed()
    web.clock.advance(SECOND_STEP_S)
    shown = await late.submit("form#code-form", code=mia.code())
    assert "That took too long. Sign in again." in shown.text
    assert (await web.visitor().get("/sign-in/code")).path == "/sign-in"


async def test_a_recovery_code_signs_in_once(mia: User) -> None:
    assert len(set(mia.recovery)) == RECOVERY_CODES_MAX
    typed = mia.recovery[0].upper().replace("-", " ")
    shown = await (await mia.password_typed()).submit("form#code-form", code=typed)
    assert shown.path == "/"
    assert "9 recovery codes are left" in (await shown.browser.get("/profile")).text
    shown = await (await mia.password_typed()).submit("form#code-form", code=typed)
    assert (shown.status, shown.problem_of("code")) == (422, WRONG)
    ways = [
        one.changes["way"][1]
        for one in await audit_of(mia.web.store, mia.web.account_id, AuditEvent.SIGNED_IN)
        if one.changes
    ]
    assert ways == ["password and recovery code"]


async def test_new_recovery_codes_end_the_old_ones(mia: User) -> None:
    shown = await (await mia.browser.get("/profile")).submit("form#renew-codes")
    fresh = shown.one("#recovery-codes").get_text().split()
    assert set(fresh).isdisjoint(mia.recovery)
    assert not set(fresh) & set((await mia.browser.get("/profile")).text.split())
    old = await (await mia.password_typed()).submit("form#code-form", code=mia.recovery[1])
    assert old.status == 422
    assert (await old.submit("form#code-form", code=fresh[1])).path == "/"


async def test_without_codes_the_password_signs_in_again(mia: User) -> None:
    shown = await (await mia.browser.get("/profile")).submit("form#turn-off")
    assert "Codes are off." in shown.text
    assert (await mia.password_typed()).path == "/"
    events = [one.event for one in await audit_of(mia.web.store, mia.web.account_id)]
    wanted = [AuditEvent.CODES_TURNED_ON, AuditEvent.CODES_TURNED_OFF]
    assert [one for one in events if one in wanted] == wanted


async def test_a_link_for_a_lost_password_does_not_pass_the_codes_by(mia: User) -> None:
    web = mia.web
    (user_id,) = [
        u.id for u in (await web.store.settings(web.account_id)).users if u.email == EMAIL
    ]
    link = await web.store.create_link(web.account_id, user_id, LinkPurpose.LOST_PASSWORD)
    visitor = web.visitor()
    shown = await visitor.get(f"/welcome/{link}")
    new = "a sunny afternoon"
    shown = await shown.submit("form#welcome", password=new, repeated=new)
    assert shown.path.startswith("/sign-in/code")
    assert "Your password is set." in shown.text
    assert SESSION not in visitor.client.cookies
    assert (await shown.submit("form#code-form", code=mia.code())).path == "/"


async def test_an_admin_removes_what_a_user_has_lost(mia: User) -> None:
    web = mia.web
    admin = await web.admin()
    (user_id,) = [
        u.id for u in (await web.store.settings(web.account_id)).users if u.email == EMAIL
    ]
    page = await admin.get(f"/settings/users/{user_id}")
    assert "Mia Roe has codes from an app." in page.text
    shown = await page.submit("form#forget")
    assert "Mia Roe has no passkeys and codes any more" in shown.text
    assert (await mia.browser.get("/profile")).path.startswith("/sign-in")
    assert (await mia.password_typed()).path == "/"
    assert "form#forget" not in (await admin.get(f"/settings/users/{user_id}")).response.text
    entries = await audit_of(web.store, web.account_id, AuditEvent.CODES_TURNED_OFF)
    assert [(one.by.user_id, one.subject_user_id) for one in entries] == [
        (web.api.account.user_id, user_id)
    ]


async def test_the_secret_is_shown_until_the_first_right_code(web: Web) -> None:
    browser = await web.member()
    shown = await (await browser.get("/profile")).submit("form#begin-codes")
    secret = shown.one("#secret").get_text()
    assert shown.html.select("[role=img] svg path")
    assert "style=" not in str(shown.one("[role=img]"))
    wrong = await shown.submit("form#turn-on", code="000000")
    assert (wrong.status, wrong.one("#secret").get_text()) == (422, secret)
    # Until then no code is asked for.
    assert "Codes are off" not in (await browser.get("/profile")).text
    assert (await browser.get("/profile")).html.select("form#begin-codes")
    code = code_at(secret.replace(" ", ""), step_of(web.clock()))
    done = await wrong.submit("form#turn-on", code=code)
    assert secret not in done.response.text
    again = await wrong.submit("form#turn-on", code=code)
    assert "Codes are already on." in again.text
    again = await shown.submit("form#turn-on", code=code)
    assert secret not in again.response.text


async def test_the_name_of_an_account_does_not_break_the_picture(web: Web) -> None:
    browser = await web.admin()
    page = await browser.get("/settings/account")
    await page.submit("form#account", name="A&B: <b>“Ünï”</b> " + "x" * 230)
    shown = await (await browser.get("/profile")).submit("form#begin-codes")
    assert shown.status == 200
    assert PASSWORD not in shown.response.text
