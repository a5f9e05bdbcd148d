"""One-time links: the first sign-in, invitations, lost passwords."""

from __future__ import annotations

import io
import logging

import pytest
from tests.support.web.signing_in import PASSWORD, a_member, sign_in
from tests.support.web.web_service import Web

from onelead.configuration import LogFormat, LogLevel
from onelead.contract.access import LinkPurpose
from onelead.domain.account import Role
from onelead.domain.limits import INVITATION_S, LINK_S
from onelead.logs import configure_logs
from onelead.web.frame.sessions import token_hash

SESSION = "onelead_session"
DEAD = "This link no longer works"


async def test_the_first_link_makes_the_admin_a_user_with_a_password(web: Web) -> None:
    token = await web.store.create_first_link()
    browser = web.visitor()
    shown = await browser.get(f"/welcome/{token}")
    assert "Set a password for the first admin of Shop Ltd" in shown.text
    assert shown.one('[name="email"]')["value"] == "dana@shop.example"
    shown = await shown.submit("form#welcome", password=PASSWORD, repeated=PASSWORD)
    assert (shown.status, shown.path) == (200, "/")
    assert "Your password is set." in shown.text
    assert (await browser.get("/settings/users")).status == 200
    assert (await sign_in(web.visitor(), "dana@shop.example")).path == "/"


async def test_looking_uses_nothing_up_and_a_password_does(web: Web) -> None:
    token = await web.store.create_first_link()
    for _ in range(3):
        shown = await web.visitor().get(f"/welcome/{token}")
    await shown.submit("form#welcome", password=PASSWORD, repeated=PASSWORD)
    late = await shown.submit("form#welcome", password="another one!", repeated="another one!")
    assert (late.status, DEAD in late.text) == (404, True)
    dead = await web.visitor().get(f"/welcome/{token}", status=404)
    assert DEAD in dead.text
    assert (await sign_in(web.visitor(), "dana@shop.example")).status == 200


async def test_a_second_browser_comes_too_late(web: Web) -> None:
    token = await web.store.create_first_link()
    first, second = [await web.visitor().get(f"/welcome/{token}") for _ in range(2)]
    await first.submit("form#welcome", password=PASSWORD, repeated=PASSWORD)
    late = await second.submit("form#welcome", password="another one!", repeated="another one!")
    assert (late.status, DEAD in late.text) == (404, True)
    assert SESSION not in second.browser.client.cookies


@pytest.mark.parametrize(
    ("password", "repeated", "field", "text"),
    [
        ("short", "short", "password", "is too short (minimum is 12 characters)"),
        (PASSWORD, "other", "repeated", "is not the same as the password"),
        (
            *["password1234"] * 2,
            "password",
            "is too easy to guess; a few unrelated words are harder",
        ),
    ],
)
async def test_a_bad_password_is_refused_beside_the_field(
    web: Web, password: str, repeated: str, field: str, text: str
) -> None:
    token = await web.store.create_first_link()
    shown = await web.visitor().get(f"/welcome/{token}")
    shown = await shown.submit("form#welcome", password=password, repeated=repeated)
    assert shown.status == 422
    assert shown.problem_of(field) == text
    # What was typed is not sent back.
    assert shown.one("[name=password]")["value"] == ""
    shown = await shown.submit("form#welcome", password=PASSWORD, repeated=PASSWORD)
    assert shown.path == "/"


@pytest.mark.parametrize(
    ("purpose", "seconds", "words"),
    [
        (LinkPurpose.INVITATION, INVITATION_S, "You were invited to Shop Ltd"),
        (LinkPurpose.LOST_PASSWORD, LINK_S, "This signs out all other browsers"),
    ],
)
async def test_a_link_ends_after_its_time(
    web: Web, purpose: LinkPurpose, seconds: int, words: str
) -> None:
    user = await web.store.create_user(web.account_id, "mia@shop.example", "Mia", Role.MEMBER)
    token = await web.store.create_link(web.account_id, user.id, purpose)
    web.clock.advance(seconds - 1)
    shown = await web.visitor().get(f"/welcome/{token}")
    assert words in shown.text
    web.clock.advance(1)
    late = await shown.submit("form#welcome", password=PASSWORD, repeated=PASSWORD)
    assert (late.status, DEAD in late.text) == (404, True)


async def test_a_lost_password_signs_out_everywhere_and_ends_the_old_one(web: Web) -> None:
    user = await a_member(web)
    thief = web.visitor()
    await sign_in(thief, user.email)
    token = await web.store.create_link(web.account_id, user.id, LinkPurpose.LOST_PASSWORD)
    shown = await web.visitor().get(f"/welcome/{token}")
    await shown.submit("form#welcome", password="a new password", repeated="a new password")
    assert (await thief.get("/profile")).path.startswith("/sign-in")
    assert (await sign_in(web.visitor(), user.email)).status == 422
    assert (await sign_in(web.visitor(), user.email, "a new password")).status == 200


async def test_who_opens_a_link_as_somebody_else_is_the_new_user_afterwards(web: Web) -> None:
    user = await web.store.create_user(web.account_id, "mia@shop.example", "Mia", Role.MEMBER)
    token = await web.store.create_link(web.account_id, user.id, LinkPurpose.INVITATION)
    browser = await web.admin()
    before = browser.client.cookies[SESSION]
    browser.client.cookies.clear()
    browser.client.cookies.set(SESSION, before, domain="onelead.test")
    shown = await browser.get(f"/welcome/{token}")
    await shown.submit("form#welcome", password=PASSWORD, repeated=PASSWORD)
    assert "mia@shop.example" in (await browser.get("/profile")).text
    assert await web.store.session(token_hash(before)) is None


@pytest.mark.parametrize("token", ["x", "x" * 43, "%00", "..%2f..", "x" * 9_000, "%F0%9F%92%A9"])
async def test_a_made_up_link_leads_nowhere(web: Web, token: str) -> None:
    shown = await web.visitor().get(f"/welcome/{token}", status=404)
    csrf = str((await shown.browser.get("/sign-in")).html.select("[name=csrf]")[0]["value"])
    fields = [("csrf", csrf), ("password", PASSWORD), ("repeated", PASSWORD)]
    await shown.browser.post(f"/welcome/{token}", fields, status=404)


@pytest.mark.usefixtures("restored_logging")
async def test_neither_links_nor_passwords_get_into_the_log_or_the_ledger(web: Web) -> None:
    logged = io.StringIO()
    configure_logs(LogFormat.JSON, LogLevel.DEBUG, logged)
    token = await web.store.create_first_link()
    assert token is not None
    # The tests' own client logs addresses.
    logging.getLogger("httpx").disabled = True
    shown = await web.visitor().get(f"/welcome/{token}")
    await shown.submit("form#welcome", password="short!!", repeated="short!!")
    shown = await shown.submit("form#welcome", password=PASSWORD, repeated=PASSWORD)
    session = str(shown.browser.client.cookies[SESSION])
    await sign_in(web.visitor(), "dana@shop.example", "wrong password")
    logging.getLogger("httpx").disabled = False
    stored = str((await web.store.account_rows(web.account_id)).ledger)
    for secret in (token, session, PASSWORD, "short!!", "wrong password"):
        assert secret not in logged.getvalue() + stored
    assert "/welcome/{token}" in logged.getvalue()
    assert "POST" in logged.getvalue()
