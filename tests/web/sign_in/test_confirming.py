"""Proving again who you are, before something that matters."""

from __future__ import annotations

import pytest
from tests.support.storage.audit_rows import audit_of
from tests.support.web.authenticator import Authenticator
from tests.support.web.browser_client import Browser, Shown, fields_of
from tests.support.web.passkeys import add_passkey, question
from tests.support.web.signing_in import PASSWORD, set_password
from tests.support.web.web_service import Web

from onelead.domain.audit import AuditEvent
from onelead.domain.limits import (
    CONFIRM_FORM_CHARS_MAX,
    CONFIRM_S,
    SIGN_IN_BY_PLACE_MAX,
)
from onelead.web.page_table import PAGES

ASKED = "Confirm that it is you"
NEW_USER = {"name": "Bo <b>Ek</b>", "email": "bo@shop.example", "role": "member"}

#: Which forms and pages of System Settings and the profile have to be confirmed.
CONFIRMED = {
    *("GET /settings/users/new", "POST /settings/users/new", "POST /settings/users/{id}"),
    *("POST /settings/users/{id}/deactivate", "POST /settings/users/{id}/reactivate"),
    *("POST /settings/users/{id}/link", "POST /settings/users/{id}/forget"),
    *("GET /settings/api-keys/new", "POST /settings/api-keys/new"),
    *("GET /settings/api-keys/{id}/revoke", "POST /settings/api-keys/{id}/revoke"),
    *("POST /settings/erasure", "POST /settings/erasure/preview"),
    *("GET /settings/custom-fields/{id}/delete", "POST /settings/custom-fields/{id}/delete"),
    # An undo can delete a field that was created, or bring lifetimes back.
    "POST /settings/changes/{seq}/undo",
    *("POST /settings/account/sessions", "POST /settings/account/imports"),
    *("GET /settings/audit/export", "GET /settings/export", "GET /settings/export/file"),
    *(
        "GET /profile/passkeys/new",
        "POST /profile/company/connect",
        "POST /profile/company/disconnect",
        "POST /profile/passkeys",
        "POST /profile/passkeys/remove",
    ),
    *("POST /profile/codes", "POST /profile/codes/on", "POST /profile/codes/off"),
    "POST /profile/codes/recovery",
    "POST /confirm",
}
#: The forms of System Settings and the profile for which being signed in is enough.
NOT_CONFIRMED = {
    # Nothing is lost by them that an undo does not bring back.
    *("POST /settings/account", "POST /settings/matching", "POST /settings/matching/values"),
    *("POST /settings/custom-fields/new", "POST /settings/custom-fields/{id}"),
    *("POST /settings/lead-statuses", "POST /settings/lead-statuses/{id}"),
    *("POST /settings/customer-sources", "POST /settings/customer-sources/{id}"),
    "POST /settings/lead-statuses/{id}/delete",
    "POST /settings/customer-sources/{id}/delete",
    # The new password asks for the one of now.
    *("POST /profile", "POST /profile/password"),
    # Signing out is always possible.
    *("POST /profile/sessions/end", "POST /profile/sign-out-everywhere"),
    # Questions to passkeys change nothing.
    *("POST /profile/passkeys/options", "POST /confirm/options"),
}


def test_every_form_of_settings_and_profile_says_whether_it_is_confirmed() -> None:
    rooms = ("/settings", "/profile", "/confirm")
    pages = {f"{page.method} {page.path}": page for page in PAGES if page.path.startswith(rooms)}
    assert {name for name, page in pages.items() if page.confirm} == CONFIRMED
    forms = {name for name in pages if name.startswith("POST")}
    assert forms - CONFIRMED == NOT_CONFIRMED
    assert [page.path for page in PAGES if page.confirm and not page.path.startswith(rooms)] == []


@pytest.fixture
async def admin(web: Web) -> Browser:
    """An admin with a password, who signed in too long ago."""
    browser = await set_password(web, web.api.account.user_id)
    web.clock.advance(CONFIRM_S + 1)
    return browser


async def csrf_of(browser: Browser) -> tuple[str, str]:
    return "csrf", str((await browser.get("/profile")).html.select("[name=csrf]")[0]["value"])


async def sent_late(browser: Browser) -> Shown:
    """Send the form of a new user that was loaded before the time ran out."""
    fields = [await csrf_of(browser), ("form_id", "form-1"), *NEW_USER.items()]
    return await browser.post("/settings/users/new", fields)


async def users(web: Web) -> list[str]:
    return [user.email for user in (await web.store.settings(web.account_id)).users]


async def test_who_signed_in_just_now_is_not_asked(web: Web) -> None:
    browser = await web.admin()
    web.clock.advance(CONFIRM_S)
    assert (await browser.get("/settings/users/new")).path == "/settings/users/new"
    web.clock.advance(1)
    assert (await browser.get("/settings/users/new")).path.startswith("/confirm?next=")
    # Looking needs no confirmation.
    assert (await browser.get("/settings/users")).path == "/settings/users"


async def test_a_page_is_shown_after_the_right_password(admin: Browser) -> None:
    page = await admin.get("/settings/api-keys/new?x=1")
    assert page.path == "/confirm?next=%2Fsettings%2Fapi-keys%2Fnew%3Fx%3D1"
    assert ASKED in page.text
    assert "What you entered is kept." not in page.text
    shown = await page.submit("form#confirm", {"confirm.password": PASSWORD})
    assert (shown.status, shown.path) == (200, "/settings/api-keys/new?x=1")
    # And the next quarter of an hour is free.
    assert (await admin.get("/settings/users/new")).path == "/settings/users/new"


async def test_a_form_that_was_sent_is_kept_and_done_after_the_password(
    web: Web, admin: Browser
) -> None:
    page = await sent_late(admin)
    assert (page.status, ASKED in page.text) == (403, True)
    assert "What you entered is kept." in page.text
    assert "bo@shop.example" not in await users(web)
    assert "<b>Ek</b>" not in page.response.text
    shown = await page.submit("form#confirm", {"confirm.password": PASSWORD})
    assert (shown.status, shown.path) == (200, "/settings/users/new")
    assert "bo@shop.example" in shown.text
    found = (await web.store.settings(web.account_id)).users[-1]
    assert (found.name, found.email) == ("Bo <b>Ek</b>", "bo@shop.example")
    # Its id is kept, too, so sending it again does nothing.
    again = await page.submit("form#confirm", {"confirm.password": PASSWORD})
    assert "This form was already submitted" in again.text
    assert len(await users(web)) == 2


async def test_a_wrong_password_asks_again_and_keeps_the_form(web: Web, admin: Browser) -> None:
    page = await sent_late(admin)
    for wrong in ("", "wrong", "x" * 5_000):
        page = await page.submit("form#confirm", {"confirm.password": wrong})
        assert page.status == 422
        assert "This is not your password." in page.text
        # What was typed is not sent back.
        assert page.one('[name="confirm.password"]')["value"] == ""
    shown = await page.submit("form#confirm", {"confirm.password": PASSWORD})
    assert shown.status == 200
    assert "bo@shop.example" in await users(web)
    found = await audit_of(
        web.store, web.account_id, AuditEvent.CONFIRMED, AuditEvent.CONFIRMATION_REFUSED
    )
    assert [(one.event, one.changes) for one in found] == [
        *[(AuditEvent.CONFIRMATION_REFUSED, {"way": (None, "password")})] * 3,
        (AuditEvent.CONFIRMED, {"way": (None, "password")}),
    ]
    assert {one.by.user_id for one in found} == {web.api.account.user_id}


async def test_attempts_are_counted_as_in_signing_in(web: Web, admin: Browser) -> None:
    page = await sent_late(admin)
    for _ in range(SIGN_IN_BY_PLACE_MAX):
        page = await page.submit("form#confirm", {"confirm.password": "wrong"})
    page = await page.submit("form#confirm", {"confirm.password": PASSWORD})
    assert (page.status, "Too many attempts" in page.text) == (429, True)
    assert int(page.response.headers["Retry-After"]) > 0
    # What was typed is still there when the attempts are back.
    assert page.one("[name=email]")["value"] == "bo@shop.example"
    assert "bo@shop.example" not in await users(web)


async def test_another_user_s_password_confirms_nothing(web: Web, admin: Browser) -> None:
    user = await web.store.create_user(
        web.account_id, "mia@shop.example", "Mia", (await web.store.settings(1)).users[0].role
    )
    await set_password(web, user.id, "another password")
    page = await admin.get("/settings/users/new")
    shown = await page.submit("form#confirm", {"confirm.password": "another password"})
    assert shown.status == 422


async def test_the_way_back_leads_to_where_the_user_was(web: Web, admin: Browser) -> None:
    headers = {"Referer": "http://onelead.test/settings/users?x=1"}
    answer = await admin.client.get("/confirm?next=/settings/users/new", headers=headers)
    shown = Shown(admin, answer)
    assert shown.html.select("form#confirm a")[-1]["href"] == "/settings/users?x=1"
    wrong = await shown.submit("form#confirm", {"confirm.password": "wrong"})
    assert wrong.html.select("form#confirm a")[-1]["href"] == "/settings/users?x=1"
    for referer in ("http://evil.example/x", "http://onelead.test//evil.example", "http://[x"):
        answer = await admin.client.get("/confirm", headers={"Referer": referer})
        assert Shown(admin, answer).html.select("form#confirm a")[-1]["href"] == "/"
    shown = await admin.get("/confirm?next=https%3A%2F%2Fevil.example")
    done = await shown.submit("form#confirm", {"confirm.password": PASSWORD})
    assert done.path == "/"


async def test_secrets_are_never_sent_back(admin: Browser) -> None:
    fields = [
        await csrf_of(admin),
        *[("password", "s3cret"), ("repeated", "s3cret"), ("current", "s3cret")],
        ("confirm.credential", ""),
        ("name", "kept"),
    ]
    page = await admin.post("/settings/users/new", fields)
    assert "s3cret" not in page.response.text
    assert ("name", "kept") in fields_of(page.one("form#confirm"))


async def test_a_form_that_is_too_long_to_keep_is_said_to_be_lost(admin: Browser) -> None:
    fields = [await csrf_of(admin), ("name", "x" * CONFIRM_FORM_CHARS_MAX)]
    page = await admin.post("/settings/users/new", fields)
    assert (page.status, "too long to keep" in page.text) == (403, True)
    assert len(page.response.text) < CONFIRM_FORM_CHARS_MAX
    done = await page.submit("form#confirm", {"confirm.password": PASSWORD})
    assert (done.status, done.path) == (200, "/")
    assert (await admin.get("/settings/users/new")).path == "/settings/users/new"


async def test_a_form_of_another_site_is_not_even_asked_about(admin: Browser) -> None:
    fields = [("csrf", "x"), ("confirm.password", PASSWORD), *NEW_USER.items()]
    assert (await admin.post("/settings/users/new", fields)).status == 403
    assert (await admin.get("/settings/users/new")).path.startswith("/confirm")


async def test_a_member_is_refused_before_being_asked(web: Web) -> None:
    member = await web.member()
    web.clock.advance(CONFIRM_S + 1)
    shown = await member.get("/settings/users/new", status=403)
    assert "Only admins of this account" in shown.text


async def test_confirming_holds_for_one_browser(web: Web, admin: Browser) -> None:
    other = await web.admin()
    web.clock.advance(CONFIRM_S + 1)
    page = await admin.get("/settings/users/new")
    await page.submit("form#confirm", {"confirm.password": PASSWORD})
    assert (await other.get("/settings/users/new")).path.startswith("/confirm")


async def test_a_user_without_a_password_confirms_with_a_passkey(web: Web) -> None:
    browser, passkey = await web.admin(), Authenticator()
    await add_passkey(browser, passkey)
    web.clock.advance(CONFIRM_S + 1)
    page = await sent_late(browser)
    assert page.html.select('[name="confirm.password"]') == []
    asked = await question(browser, "/profile", "/confirm/options")
    # Of a user who is known, only that user's passkeys are asked.
    assert [one["id"] for one in asked["publicKey"]["allowCredentials"]] == [passkey.id]
    answer = {"confirm.pending": asked["pending"], "confirm.credential": passkey.got(asked)}
    shown = await page.submit("form#confirm", answer)
    assert (shown.status, shown.path) == (200, "/settings/users/new")
    assert "bo@shop.example" in await users(web)
    (entry,) = await audit_of(web.store, web.account_id, AuditEvent.CONFIRMED)
    assert entry.changes == {"way": (None, "passkey")}
    # The same answer is of no use later.
    web.clock.advance(CONFIRM_S + 1)
    replayed = await page.submit("form#confirm", answer)
    assert (replayed.status, "was not accepted" in replayed.text) == (422, True)


async def test_somebody_else_s_passkey_confirms_nothing(web: Web) -> None:
    browser, stranger = await web.admin(), await web.stranger()
    own, theirs = Authenticator(), Authenticator()
    await add_passkey(browser, own)
    await add_passkey(stranger, theirs)
    web.clock.advance(CONFIRM_S + 1)
    for wrong in (
        {"by": theirs},
        {"by": own, "verified": False},
        {"by": own, "origin": "http://x"},
    ):
        passkey = wrong.pop("by")
        assert isinstance(passkey, Authenticator)
        page = await browser.get("/settings/users/new")
        asked = await question(browser, "/profile", "/confirm/options")
        answer = passkey.got(asked, **wrong)
        sent = {"confirm.pending": asked["pending"], "confirm.credential": answer}
        assert (await page.submit("form#confirm", sent)).status == 422
    assert (await browser.get("/settings/users/new")).path.startswith("/confirm")


async def test_a_user_with_neither_is_told_what_to_do(web: Web) -> None:
    browser = await web.admin()
    web.clock.advance(CONFIRM_S + 1)
    page = await browser.get("/settings/users/new")
    assert "Sign out and in again" in page.text
    assert page.html.select("form#confirm button") == []


async def test_no_made_up_browser_has_further_attempts(web: Web, admin: Browser) -> None:
    """Who has stolen the session sends any cookies, from anywhere."""
    page = await sent_late(admin)
    for number in range(SIGN_IN_BY_PLACE_MAX):
        admin.client.cookies.set("onelead_browser", f"browser-{number}")
        assert (await page.submit("form#confirm", {"confirm.password": "wrong"})).status == 422
    thief = web.visitor(address="198.51.100.7")
    thief.client.cookies.set("onelead_session", admin.client.cookies["onelead_session"])
    fields = [(name, value) for name, value in fields_of(page.one("form#confirm")) if name]
    fields = [*fields, ("confirm.password", "wrong")]
    assert (await thief.post("/settings/users/new", fields)).status == 429


async def test_each_refused_passkey_is_one_entry_about_the_user_who_confirms(web: Web) -> None:
    browser, stranger = await web.admin(), await web.stranger()
    theirs = Authenticator()
    await add_passkey(stranger, theirs)
    web.clock.advance(CONFIRM_S + 1)
    for wrong in ({}, {"verified": False}):
        page = await browser.get("/settings/users/new")
        asked = await question(browser, "/profile", "/confirm/options")
        answer = theirs.got(asked, **wrong)
        sent = {"confirm.pending": asked["pending"], "confirm.credential": answer}
        assert (await page.submit("form#confirm", sent)).status == 422
    user_id = web.api.account.user_id
    found = await audit_of(web.store, web.account_id, AuditEvent.CONFIRMATION_REFUSED)
    # Nothing about a passkey of another account.
    assert [(one.by.user_id, one.subject_user_id, one.changes) for one in found] == [
        (user_id, user_id, {"way": (None, "passkey")})
    ] * 2
    (_first, other) = await web.store.account_ids()
    assert await audit_of(web.store, other, AuditEvent.CONFIRMATION_REFUSED) == []
