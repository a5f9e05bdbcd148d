"""System Settings, Users."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from tests.support.web.browser_client import Browser
from tests.support.web.signing_in import PASSWORD, a_member, sign_in
from tests.support.web.web_service import Web

from onelead.domain.account import Role

EMAIL = "mia@shop.example"
ONLY_ADMIN = "dana@shop.example is the only active admin; make another user an admin first"


async def test_the_list_says_who_may_come_in_and_was_here_when(web: Web, browser: Browser) -> None:
    await a_member(web)
    web.clock.advance(3_600)
    gone = await web.store.create_user(web.account_id, "gus@shop.example", "A Gus", Role.ADMIN)
    await web.store.deactivate_user(web.account_id, gone.email)
    shown = await browser.get("/settings/users")
    assert shown.texts("#users tbody tr") == [
        "dana you dana@shop.example Admin No password yet Never 0",
        "Mia Roe mia@shop.example Member Active 1 hour ago 0",
        "A Gus gus@shop.example Admin Deactivated Never 0",
    ]


async def test_an_invitation_is_shown_once_and_lets_in(web: Web, browser: Browser) -> None:
    shown = await browser.get("/settings/users/new")
    shown = await shown.submit("form#invite", email=EMAIL, name="Mia Roe", role="member")
    link = shown.texts("#link")[0]
    assert link.startswith("http://onelead.test/welcome/")
    guest = web.visitor()
    page = await guest.get(urlsplit(link).path)
    assert "You were invited to Shop Ltd" in page.text
    await page.submit("form#welcome", password=PASSWORD, repeated=PASSWORD)
    await guest.get("/settings/users", status=403)
    users = (await browser.get("/settings/users")).response.text
    assert link.rpartition("/")[2] not in users


@pytest.mark.parametrize(
    ("form", "field", "text"),
    [
        ({"email": "mia"}, "email", "is not an e-mail such as dana@shop.example"),
        ({"email": ""}, "email", "is not an e-mail such as dana@shop.example"),
        ({"email": "zo\u00eb@shop.example"}, "email", "is not an e-mail such as dana@shop.example"),
        (
            {"email": "DANA@shop.example"},
            "email",
            "a user with the e-mail DANA@shop.example exists already",
        ),
        ({"name": "x" * 256}, "name", "is too long (maximum is 255 characters)"),
    ],
)
async def test_what_no_user_may_be_called_is_refused_beside_the_field(
    web: Web, browser: Browser, form: dict[str, str], field: str, text: str
) -> None:
    typed = {"email": EMAIL, "name": "Mia", "role": "admin"} | form
    shown = await (await browser.get("/settings/users/new")).submit("form#invite", typed)
    assert (shown.status, shown.problem_of(field)) == (422, text)
    assert shown.one("[name=email]")["value"] == typed["email"]
    assert shown.one("[name=role][checked]")["value"] == "admin"
    assert len((await web.store.settings(web.account_id)).users) == 1


async def test_name_and_role_can_be_changed(web: Web, browser: Browser) -> None:
    user = await a_member(web)
    edit = await browser.get(f"/settings/users/{user.id}")
    shown = await edit.submit("form#edit", name="<i>Mia</i>", role="admin")
    assert "<i>Mia</i> was saved." in shown.text
    assert "<i>Mia</i>" not in shown.response.text
    after = (await web.store.settings(web.account_id)).users_by_id[user.id]
    assert (after.name, after.role) == ("<i>Mia</i>", Role.ADMIN)
    refused = await edit.submit("form#edit", name="")
    assert (refused.status, refused.problem_of("name")) == (422, "can't be blank")


async def test_what_another_admin_changed_of_a_user_meanwhile_stays(
    web: Web, browser: Browser
) -> None:
    user = await a_member(web)
    path = f"/settings/users/{user.id}"
    edit = await browser.get(path)
    await (await (await web.admin()).get(path)).submit("form#edit", role="admin")
    assert "Mia Poe was saved." in (await edit.submit("form#edit", name="Mia Poe")).text
    after = (await web.store.settings(web.account_id)).users_by_id[user.id]
    assert (after.name, after.role) == ("Mia Poe", Role.ADMIN)


async def test_a_page_of_a_user_that_is_sent_as_it_was_made_changes_nothing_and_says_so(
    web: Web, browser: Browser
) -> None:
    user = await a_member(web)
    page = await browser.get(f"/settings/users/{user.id}")
    await page.submit("form#edit", role="admin")
    again = await page.submit("form#edit", role="member")
    assert "Nothing changed." in again.text
    assert "was saved" not in again.text
    assert (await web.store.settings(web.account_id)).users_by_id[user.id].role is Role.ADMIN


async def test_of_what_both_changed_of_a_user_both_are_shown(web: Web, browser: Browser) -> None:
    user = await a_member(web)
    path = f"/settings/users/{user.id}"
    edit = await browser.get(path)
    theirs = {"name": "Theirs", "role": "admin"}
    await (await (await web.admin()).get(path)).submit("form#edit", theirs)
    conflict = await edit.submit("form#edit", name="Mine")
    assert conflict.status == 409
    assert (
        "Somebody else changed this user while you were editing it. Nothing was saved."
        in conflict.text
    )
    assert conflict.texts(".notice li") == ["Name: Theirs"]
    assert conflict.one("[name=name]")["value"] == "Mine"
    assert conflict.one("[name=role][checked]")["value"] == "admin"
    assert (await web.store.settings(web.account_id)).users_by_id[user.id].name == "Theirs"
    await conflict.submit("form#edit")
    after = (await web.store.settings(web.account_id)).users_by_id[user.id]
    assert (after.name, after.role) == ("Mine", Role.ADMIN)


async def test_an_unknown_role_is_that_of_a_member(web: Web, browser: Browser) -> None:
    user = await a_member(web)
    await (await browser.get(f"/settings/users/{user.id}")).submit("form#edit", role="king")
    assert (await web.store.settings(web.account_id)).users_by_id[user.id].role is Role.MEMBER


async def test_the_last_admin_stays_one(web: Web, browser: Browser) -> None:
    own = web.api.account.user_id
    edit = await browser.get(f"/settings/users/{own}")
    shown = await edit.submit("form#edit", role="member")
    assert shown.status == 422
    assert ONLY_ADMIN in shown.text
    assert not shown.html.select("form#deactivate")
    csrf = str(edit.html.select("[name=csrf]")[0]["value"])
    shown = await browser.post(f"/settings/users/{own}/deactivate", [("csrf", csrf)], status=422)
    assert "nobody can deactivate themselves" in shown.text
    assert (await web.store.settings(web.account_id)).users_by_id[own].role is Role.ADMIN


async def test_with_another_admin_one_may_step_down_but_not_out(web: Web, browser: Browser) -> None:
    await web.store.create_user(web.account_id, "olga@shop.example", "", Role.ADMIN)
    own = web.api.account.user_id
    edit = await browser.get(f"/settings/users/{own}")
    csrf = str(edit.html.select("[name=csrf]")[0]["value"])
    await browser.post(f"/settings/users/{own}/deactivate", [("csrf", csrf)], status=422)
    shown = await edit.submit("form#edit", role="member")
    assert shown.status == 403
    await browser.get("/settings/users", status=403)


async def test_a_deactivated_user_is_out_and_may_come_back(web: Web, browser: Browser) -> None:
    user = await a_member(web)
    edit = await browser.get(f"/settings/users/{user.id}")
    shown = await edit.submit("form#deactivate")
    assert "Mia Roe was deactivated and signed out everywhere." in shown.text
    assert (await sign_in(web.visitor(), EMAIL)).status == 422
    refused = await edit.submit("form#new-link")
    assert refused.status == 422
    assert "is deactivated" in refused.text
    shown = await (await browser.get(f"/settings/users/{user.id}")).submit("form#reactivate")
    assert "Mia Roe can sign in again." in shown.text
    assert (await sign_in(web.visitor(), EMAIL)).status == 200


async def test_a_link_for_a_lost_password(web: Web, browser: Browser) -> None:
    user = await a_member(web)
    shown = await (await browser.get(f"/settings/users/{user.id}")).submit("form#new-link")
    page = await web.visitor().get(urlsplit(shown.texts("#link")[0]).path)
    assert "Set a new password" in page.text
    # Until then the old one works.
    assert (await sign_in(web.visitor(), EMAIL)).status == 200


async def test_links_begin_as_the_browser_calls_the_server(web: Web) -> None:
    admin = await web.admin()
    session = admin.client.cookies["onelead_session"]
    browser = web.visitor(base_url="https://leads.shop.example")
    browser.client.cookies.set("__Host-onelead_session", session)
    shown = await (await browser.get("/settings/users/new")).submit("form#invite", email=EMAIL)
    assert shown.texts("#link")[0].startswith("https://leads.shop.example/welcome/")
