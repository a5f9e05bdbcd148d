"""Passkeys: adding and removing them, signing in with them, and answers that are not accepted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.storage.audit_rows import audit_of
from tests.support.web.authenticator import Authenticator
from tests.support.web.browser_client import Browser
from tests.support.web.passkeys import (
    add_passkey,
    question,
    sign_in_with_passkey,
    turn_codes_on,
)
from tests.support.web.web_service import Web

from onelead.contract.credentials import Passkey
from onelead.domain.access import UserChange
from onelead.domain.audit import COMMAND_LINE, AuditEvent
from onelead.domain.limits import (
    PASSKEY_ANSWER_CHARS_MAX,
    PASSKEY_ANSWER_S,
    PASSKEY_QUESTIONS_BY_ADDRESS_MAX,
    PASSKEYS_PER_USER_MAX,
)
from onelead.domain.sign_in.attempts import passkey_question, places_of

EMAIL = "mia@shop.example"
REFUSED = "This passkey was not accepted"


@pytest.fixture
async def mia(web: Web) -> Browser:
    """A browser in which Mia is signed in."""
    return await web.member(EMAIL)


@pytest.fixture
async def passkey(mia: Browser) -> Authenticator:
    """A passkey of Mia."""
    made = Authenticator()
    shown = await add_passkey(mia, made)
    assert "The passkey Laptop was added." in shown.text
    return made


async def test_a_passkey_is_added_listed_and_removed(
    web: Web, mia: Browser, passkey: Authenticator
) -> None:
    shown = await mia.get("/profile")
    (line,) = shown.texts("#passkeys li")
    assert line.startswith("Laptop Never used")
    # Nothing in the question tells who the user is.
    assert "mia" not in passkey.handle
    shown = await shown.submit("#passkeys form")
    assert "The passkey Laptop was removed." in shown.text
    assert "You have no passkey yet." in shown.text
    assert (await sign_in_with_passkey(web.visitor(), passkey)).status == 422
    gone = await mia.post("/profile/passkeys/remove", [*_csrf(shown), ("passkey", passkey.id)])
    assert "That passkey was already removed." in gone.text


def _csrf(shown: Any) -> list[tuple[str, str]]:
    return [("csrf", str(shown.html.select("[name=csrf]")[0]["value"]))]


async def test_a_passkey_signs_in_without_password_and_code(
    web: Web, mia: Browser, passkey: Authenticator
) -> None:
    await turn_codes_on(mia, web.clock())
    visitor = web.visitor()
    shown = await sign_in_with_passkey(visitor, passkey, start="/sign-in?next=%2Fleads")
    assert (shown.status, shown.path) == (200, "/leads")
    assert EMAIL in (await visitor.get("/profile")).text
    web.clock.advance(3_600)
    (line,) = (await visitor.get("/profile")).texts("#passkeys li")
    assert line.startswith("Laptop Last used 1 hour ago")
    # Again, with the next count.
    assert (await sign_in_with_passkey(web.visitor(), passkey)).status == 200


async def test_a_browser_that_signed_in_with_a_passkey_is_known(
    web: Web, passkey: Authenticator
) -> None:
    visitor = web.visitor(address="203.0.113.5")
    await sign_in_with_passkey(visitor, passkey)
    places = places_of(EMAIL, "203.0.113.5", visitor.client.cookies["onelead_browser"])
    assert await web.store.known_places(places) == {places.address, places.browser}


async def test_a_passkey_that_does_not_count_signs_in_again_and_again(
    web: Web, mia: Browser
) -> None:
    synced = Authenticator(counts=False)
    await add_passkey(mia, synced)
    for _ in range(2):
        assert (await sign_in_with_passkey(web.visitor(), synced)).status == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://onelead.test"},
        {"origin": "http://evil.example"},
        {"rp_id": "evil.example"},
        {"verified": False},
        {"challenge": "AAAA"},
        {"signature": b"\x30\x06\x02\x01\x01\x02\x01\x01"},
        {"handle": "MS4xMjM0"},
        {"credential_id": "AAAA"},
    ],
    ids=str,
)
async def test_a_wrong_answer_signs_nobody_in(
    web: Web, passkey: Authenticator, wrong: dict[str, Any]
) -> None:
    visitor = web.visitor()
    shown = await sign_in_with_passkey(visitor, passkey, **wrong)
    assert (shown.status, REFUSED in shown.text) == (422, True)
    assert "onelead_session" not in visitor.client.cookies


@pytest.mark.parametrize(
    "answer",
    ["", "x", "[]", "{}", '{"id": 5}', "null", "[" * 5_000, '{"id": "%s"}' % ("x" * 200_000)],
    ids=lambda text: text[:12],
)
async def test_what_is_no_answer_signs_nobody_in(
    web: Web, passkey: Authenticator, answer: str
) -> None:
    visitor = web.visitor()
    asked = await question(visitor, "/sign-in", "/sign-in/passkey/options")
    page = await visitor.get("/sign-in")
    sent = {"pending": asked["pending"], "credential": answer}
    shown = await page.submit("form#passkey-sign-in", sent)
    assert (shown.status, REFUSED in shown.text) == (422, True)


async def test_hostile_parts_of_an_answer_are_a_no(web: Web, passkey: Authenticator) -> None:
    for part in ("clientDataJSON", "authenticatorData", "signature", "userHandle"):
        values: list[Any] = [None, 5, [], "", "!!", "A" * 1_000, "gYGB" * 1_000]
        for value in values:
            visitor = web.visitor()
            asked = await question(visitor, "/sign-in", "/sign-in/passkey/options")
            page = await visitor.get("/sign-in")
            answer = json.loads(passkey.got(asked))
            if part == "userHandle" and value in (None, 5, [], ""):
                # Some devices leave it out when they are asked for one passkey.
                continue
            answer["response"][part] = value
            sent = {"pending": asked["pending"], "credential": json.dumps(answer)}
            shown = await page.submit("form#passkey-sign-in", sent)
            assert shown.status == 422, (part, value)


async def test_an_answer_counts_once_and_for_the_browser_that_was_asked(
    web: Web, passkey: Authenticator
) -> None:
    first, other = web.visitor(), web.visitor()
    asked = await question(first, "/sign-in", "/sign-in/passkey/options")
    sent = {"pending": asked["pending"], "credential": passkey.got(asked)}
    # Another browser, with the stolen answer: that also uses the question up.
    stolen = await (await other.get("/sign-in")).submit("form#passkey-sign-in", sent)
    assert (stolen.status, REFUSED in stolen.text) == (422, True)
    late = await (await first.get("/sign-in")).submit("form#passkey-sign-in", sent)
    assert late.status == 422
    asked = await question(first, "/sign-in", "/sign-in/passkey/options")
    sent = {"pending": asked["pending"], "credential": passkey.got(asked)}
    assert (await (await first.get("/sign-in")).submit("form#passkey-sign-in", sent)).path == "/"
    again = web.visitor()
    again.client.cookies.set("onelead_visitor", first.client.cookies["onelead_visitor"])
    replayed = await (await again.get("/sign-in")).submit("form#passkey-sign-in", sent)
    assert replayed.status == 422


async def test_an_answer_comes_too_late(web: Web, passkey: Authenticator) -> None:
    visitor = web.visitor()
    asked = await question(visitor, "/sign-in", "/sign-in/passkey/options")
    page = await visitor.get("/sign-in")
    web.clock.advance(PASSKEY_ANSWER_S)
    sent = {"pending": asked["pending"], "credential": passkey.got(asked)}
    assert (await page.submit("form#passkey-sign-in", sent)).status == 422


async def test_an_answer_to_another_question_does_not_sign_in(
    web: Web, mia: Browser, passkey: Authenticator
) -> None:
    asked = await question(mia, "/profile", "/confirm/options")
    sent = {"pending": asked["pending"], "credential": passkey.got(asked)}
    shown = await (await web.visitor().get("/sign-in")).submit("form#passkey-sign-in", sent)
    assert shown.status == 422


async def test_a_count_that_goes_back_is_a_copy_and_is_in_the_audit(
    web: Web, passkey: Authenticator
) -> None:
    await sign_in_with_passkey(web.visitor(), passkey, sign_count=7)
    for count in (7, 6, 0):
        shown = await sign_in_with_passkey(web.visitor(), passkey, sign_count=count)
        assert (shown.status, REFUSED in shown.text) == (422, True)
    refused = await audit_of(web.store, web.account_id, AuditEvent.SIGN_IN_REFUSED)
    assert [one.changes for one in refused] == [
        {"passkey": (None, "Laptop"), "sign_count": (7, count)} for count in (7, 6, 0)
    ]
    assert (await sign_in_with_passkey(web.visitor(), passkey, sign_count=8)).status == 200


async def test_a_deactivated_user_s_passkey_is_refused(web: Web, passkey: Authenticator) -> None:
    found = await web.store.passkey(passkey.id)
    assert found is not None
    change = UserChange(is_active=False)
    await web.store.change_user(web.account_id, found.user_id, change, by=COMMAND_LINE)
    assert (await sign_in_with_passkey(web.visitor(), passkey)).status == 422


@pytest.mark.parametrize(
    "wrong",
    [{"origin": "http://evil.example"}, {"rp_id": "evil.example"}, {"verified": False}],
    ids=str,
)
async def test_a_passkey_of_another_site_or_without_its_user_is_not_added(
    mia: Browser, wrong: dict[str, Any]
) -> None:
    shown = await add_passkey(mia, Authenticator(), **wrong)
    assert (shown.status, "The passkey was not accepted." in shown.text) == (422, True)
    assert (await mia.get("/profile")).html.select("#passkeys") == []


async def test_a_passkey_is_one_user_s(web: Web, mia: Browser, passkey: Authenticator) -> None:
    admin = await web.admin()
    handle = passkey.handle
    shown = await add_passkey(admin, passkey)
    passkey.handle = handle
    assert (shown.status, "this passkey was already added" in shown.text) == (422, True)
    # A stranger removes nothing of Mia's.
    for browser in (admin, await web.stranger()):
        page = await browser.get("/profile")
        sent = [*_csrf(page), ("passkey", passkey.id)]
        shown = await browser.post("/profile/passkeys/remove", sent)
        assert "That passkey was already removed." in shown.text
    assert (await sign_in_with_passkey(web.visitor(), passkey)).status == 200


async def test_there_are_only_so_many_and_each_has_a_name(
    web: Web, mia: Browser, passkey: Authenticator
) -> None:
    found = await web.store.passkey(passkey.id)
    assert found is not None
    for number in range(PASSKEYS_PER_USER_MAX - 1):
        name = f"No. {number}"
        one = Passkey(name, found.account_id, found.user_id, "", 0, name, (), web.clock())
        await web.store.add_passkey(one, COMMAND_LINE)
    shown = await add_passkey(mia, Authenticator())
    assert (shown.status, "remove one that is not used" in shown.text) == (422, True)
    shown = await add_passkey(mia, Authenticator(), " ")
    assert shown.problem_of("label") == "can't be blank"
    shown = await add_passkey(mia, Authenticator(), "x" * 256)
    assert shown.problem_of("label") == "is too long (maximum is 255 characters)"


async def test_one_address_asks_only_so_many_questions(web: Web) -> None:
    visitor = web.visitor(address="192.0.2.9")
    csrf = _csrf(await visitor.get("/sign-in"))
    for _ in range(PASSKEY_QUESTIONS_BY_ADDRESS_MAX):
        await web.store.take_attempts([passkey_question("192.0.2.9")])
    refused = await visitor.post("/sign-in/passkey/options", csrf)
    assert refused.status == 429
    assert await question(web.visitor(), "/sign-in", "/sign-in/passkey/options")


async def test_what_happened_is_in_the_audit(
    web: Web, mia: Browser, passkey: Authenticator
) -> None:
    visitor = web.visitor()
    await sign_in_with_passkey(visitor, passkey)
    other = Authenticator()
    await add_passkey(visitor, other, "Phone")
    page = await visitor.get("/profile")
    await visitor.post("/profile/passkeys/remove", [*_csrf(page), ("passkey", other.id)])
    await sign_in_with_passkey(web.visitor(), passkey, verified=False)
    entries = [
        one
        for one in await audit_of(web.store, web.account_id)
        if one.changes and {"way", "passkey"} & one.changes.keys()
    ]
    (user_id,) = {one.subject_user_id for one in entries}
    found = [(one.event, one.by.user_id, one.changes) for one in entries]
    assert found == [
        (AuditEvent.PASSKEY_ADDED, user_id, {"passkey": (None, "Laptop")}),
        (AuditEvent.SIGNED_IN, user_id, {"way": (None, "passkey")}),
        (AuditEvent.PASSKEY_ADDED, user_id, {"passkey": (None, "Phone")}),
        (AuditEvent.PASSKEY_REMOVED, user_id, {"passkey": ("Phone", None)}),
        (AuditEvent.SIGN_IN_REFUSED, None, {"passkey": (None, "Laptop")}),
    ]


def test_an_answer_of_a_real_device_fits() -> None:
    # Attestations with certificates have about 4,000 characters.
    assert PASSKEY_ANSWER_CHARS_MAX > 2 * 4_000


async def test_any_process_takes_the_answer(web: Web, passkey: Authenticator) -> None:
    visitor, elsewhere = web.visitor(), Web(web.api).visitor()
    asked = await question(visitor, "/sign-in", "/sign-in/passkey/options")
    elsewhere.client.cookies = visitor.client.cookies
    page = await elsewhere.get("/sign-in")
    sent = {"pending": asked["pending"], "credential": passkey.got(asked)}
    assert (await page.submit("form#passkey-sign-in", sent)).path == "/"
