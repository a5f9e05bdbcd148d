"""The profile: name, password and signed-in browsers."""

from __future__ import annotations

import pytest
from tests.support.storage.audit_rows import audit_of
from tests.support.web.browser_client import Browser
from tests.support.web.signing_in import PASSWORD, a_member, sign_in
from tests.support.web.web_service import Web

from onelead.domain.audit import AuditEvent
from onelead.domain.limits import SESSION_IDLE_S, SIGN_IN_BY_PLACE_MAX

EMAIL = "mia@shop.example"
NEW = "a sunny morning"


@pytest.fixture
async def mia(web: Web) -> Browser:
    """A browser in which Mia has signed in with the password."""
    await a_member(web)
    browser = web.visitor()
    await sign_in(browser, EMAIL)
    return browser


async def test_the_name_can_be_changed(web: Web, mia: Browser) -> None:
    shown = await (await mia.get("/profile")).submit("form#rename", name=" <b>Mia</b> Poe ")
    assert "Your name was saved." in shown.text
    assert shown.one("form#rename [name=name]")["value"] == "<b>Mia</b> Poe"
    assert "<b>Mia</b>" not in shown.response.text
    assert (await web.store.settings(web.account_id)).users[-1].name == "<b>Mia</b> Poe"


@pytest.mark.parametrize(
    ("name", "text"),
    [("", "can't be blank"), ("x" * 256, "is too long (maximum is 255 characters)")],
)
async def test_a_name_that_is_none_is_refused(mia: Browser, name: str, text: str) -> None:
    shown = await (await mia.get("/profile")).submit("form#rename", name=name)
    assert (shown.status, shown.problem_of("name")) == (422, text)


async def test_a_new_password_signs_out_the_others_and_not_this_one(web: Web, mia: Browser) -> None:
    other = web.visitor()
    await sign_in(other, EMAIL)
    shown = await (await mia.get("/profile")).submit(
        "form#change-password", current=PASSWORD, password=NEW, repeated=NEW
    )
    assert "Your password was changed" in shown.text
    assert (await mia.get("/profile")).path == "/profile"
    assert (await other.get("/profile")).path.startswith("/sign-in")
    assert (await sign_in(web.visitor(), EMAIL)).status == 422
    assert (await sign_in(web.visitor(), EMAIL, NEW)).status == 200


@pytest.mark.parametrize(
    ("typed", "field", "text"),
    [
        ({"current": "wrong password"}, "current", "is not your password"),
        (
            {"password": "short", "repeated": "short"},
            "password",
            "is too short (minimum is 12 characters)",
        ),
        ({"repeated": PASSWORD}, "repeated", "is not the same as the password"),
    ],
)
async def test_a_password_is_not_changed_by_what_is_wrong(
    web: Web, mia: Browser, typed: dict[str, str], field: str, text: str
) -> None:
    page = await mia.get("/profile")
    form = {"current": PASSWORD, "password": NEW, "repeated": NEW} | typed
    shown = await page.submit("form#change-password", form)
    assert (shown.status, shown.problem_of(field)) == (422, text)
    assert (await sign_in(web.visitor(), EMAIL)).status == 200


async def test_who_finds_an_open_browser_cannot_guess_the_password(mia: Browser) -> None:
    page = await mia.get("/profile")
    form = {"current": "wrong", "password": NEW, "repeated": NEW}
    statuses = [
        (await page.submit("form#change-password", form)).status
        for _ in range(SIGN_IN_BY_PLACE_MAX + 1)
    ]
    assert statuses == [422] * SIGN_IN_BY_PLACE_MAX + [429]


async def test_a_wrong_password_of_now_is_in_the_audit(web: Web, mia: Browser) -> None:
    form = {"current": "wrong", "password": NEW, "repeated": NEW}
    await (await mia.get("/profile")).submit("form#change-password", form)
    (found,) = await audit_of(web.store, web.account_id, AuditEvent.CONFIRMATION_REFUSED)
    assert found.by.user_id == found.subject_user_id
    assert found.changes == {"way": (None, "password")}


async def test_a_changed_password_has_the_salt_that_the_email_has_elsewhere(
    web: Web, mia: Browser
) -> None:
    """So that one hash checks all of them."""
    other = await web.store.create_account("Other Ltd", EMAIL)
    password_hash = await web.api.runtime.passwords.of("password of there")
    await web.store.change_password(other.account_id, other.user_id, password_hash, keep="")
    form = {"current": PASSWORD, "password": NEW, "repeated": NEW}
    await (await mia.get("/profile")).submit("form#change-password", form)
    here, there = [one.password_hash.split("$") for one in await web.store.passwords(EMAIL)]
    assert here[:5] == there[:5]
    assert here != there
    assert (await sign_in(web.visitor(), EMAIL, NEW)).status == 200


async def test_the_password_of_another_account_is_not_this_one_s(web: Web, mia: Browser) -> None:
    other = await web.store.create_account("Other Ltd", EMAIL)
    password_hash = await web.api.runtime.passwords.of("password of there")
    await web.store.change_password(other.account_id, other.user_id, password_hash, keep="")
    form = {"current": "password of there", "password": NEW, "repeated": NEW}
    shown = await (await mia.get("/profile")).submit("form#change-password", form)
    assert shown.problem_of("current") == "is not your password"


async def test_the_browsers_are_listed_and_can_be_signed_out(web: Web, mia: Browser) -> None:
    phone = web.visitor(address="192.0.2.7")
    phone.client.headers["User-Agent"] = "Mozilla/5.0 (iPhone; like Mac OS X) Safari/604.1"
    await sign_in(phone, EMAIL)
    strange = web.visitor()
    strange.client.headers["User-Agent"] = "<script>alert(1)</script>" + "x" * 9_000
    web.clock.advance(60)
    await sign_in(strange, EMAIL)
    page = await mia.get("/profile")
    listed = page.texts("section[aria-labelledby=sessions-title] li")
    assert len([one for one in listed if "This browser" in one]) == 1
    assert [one for one in listed if "Safari on iPhone" in one and "192.0.2.7" in one]
    assert "<script>alert" not in page.response.text
    shown = await page.submit('li form:has([aria-label="Sign out Safari on iPhone"])')
    assert "Safari on iPhone was signed out." in shown.text
    assert (await phone.get("/profile")).path.startswith("/sign-in")
    assert (await mia.get("/profile")).path == "/profile"


async def test_expired_browsers_are_not_listed(web: Web, mia: Browser) -> None:
    web.clock.advance(SESSION_IDLE_S)
    browser = web.visitor()
    await sign_in(browser, EMAIL)
    page = await browser.get("/profile")
    assert len(page.html.select("section[aria-labelledby=sessions-title] li")) == 1


async def test_nobody_ends_the_session_of_another_user(
    web: Web, mia: Browser, browser: Browser
) -> None:
    (session,) = await web.store.sessions(web.account_id, web.api.account.user_id)
    csrf = str((await mia.get("/profile")).html.select("[name=csrf]")[0]["value"])
    await mia.post("/profile/sessions/end", [("csrf", csrf), ("session", session.token_hash)])
    assert (await browser.get("/profile")).path == "/profile"


async def test_everywhere_is_here_too(web: Web, mia: Browser) -> None:
    other = web.visitor()
    await sign_in(other, EMAIL)
    shown = await (await mia.get("/profile")).submit("form#everywhere")
    assert shown.path == "/sign-in"
    for browser in (mia, other):
        assert (await browser.get("/profile")).path.startswith("/sign-in")
