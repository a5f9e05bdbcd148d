"""Requests that no browser would send from our pages: refused properly, never a failure."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from tests.support.storage.databases import ENGINES
from tests.support.web.browser_client import Browser
from tests.support.web.signing_in import PASSWORD, a_member, set_password, sign_in
from tests.support.web.web_service import Web, a_web_service

from onelead.domain.limits import (
    ADDRESS_PARAMETERS_MAX,
    FORM_FIELDS_MAX,
    REQUEST_BODY_BYTES_MAX,
    SIGN_IN_BY_PLACE_MAX,
)
from onelead.web.frame.policy import PAGE_HEADERS

#: Few enough digits to be read as a number, but more than a database stores.
HUGE = "9" * 19


async def csrf_of(browser: Browser) -> str:
    return str((await browser.get("/profile")).html.select("[name=csrf]")[0]["value"])


def as_cookie(raw: str) -> bytes:
    return b"onelead_flash=" + base64.urlsafe_b64encode(raw.encode())


@pytest.mark.parametrize(
    "cookie",
    [
        as_cookie('["\\ud800", false]'),
        as_cookie("[" * 5_000),
        as_cookie('[{"a": 1}, 2]'),
        as_cookie("null"),
        b"onelead_flash=\xe9",
        b"onelead_flash=%%%",
        b"onelead_visitor=" + b"x" * 5_000,
        b"onelead_session=\xff\x01; onelead_session=x",
        b"onelead_columns=\xe9..'.\\",
        b'onelead_flash="\\000\\012"; =; ;;',
    ],
)
async def test_cookies_may_hold_anything(web: Web, browser: Browser, cookie: bytes) -> None:
    answer = await web.visitor().client.get("/sign-in", headers=[(b"Cookie", cookie)])
    assert answer.status_code == 200
    kept = b"onelead_session=" + browser.client.cookies["onelead_session"].encode()
    answer = await web.visitor().client.get("/leads", headers=[(b"Cookie", kept + b"; " + cookie)])
    assert answer.status_code in (200, 303)


#: Each filter is a chip on the page, and the link of each chip repeats all the others.
MANY_FILTERS = {
    "the same id": "/leads?" + "&".join(["ids=1"] * 4_000),
    "the same tag": "/leads?" + "&".join(["tags=a"] * 4_000),
    "ids": "/leads?" + "&".join(f"ids={number}" for number in range(2_500)),
    "statuses": "/leads?" + "&".join(f"status_ids={number}" for number in range(1_001)),
    "callers": "/deliveries?" + "&".join(f"by=key-{number}" for number in range(1_500)),
    "wrong callers": "/deliveries?" + "&".join(f"by={number}" for number in range(4_000)),
    "long values": "/leads?" + "&".join(f"tags={number}{'%C3%A4' * 90}" for number in range(90)),
}


@pytest.mark.parametrize("path", MANY_FILTERS.values(), ids=MANY_FILTERS)
async def test_an_address_of_many_filters_makes_no_endless_page(
    browser: Browser, path: str
) -> None:
    shown = await browser.get(path, status=None)
    assert shown.status in (200, 400)
    assert len(shown.response.content) < 200_000


async def test_as_many_filters_as_a_page_can_show_are_shown(browser: Browser) -> None:
    filters = [f"tags=t{number}" for number in range(ADDRESS_PARAMETERS_MAX)]
    shown = await browser.get("/leads?" + "&".join(filters))
    assert len(shown.html.select(".chip")) == ADDRESS_PARAMETERS_MAX
    shown = await browser.get("/leads?" + "&".join([*filters, "tags=more"]), status=400)
    assert "more filters than a page can show" in shown.text


@pytest.mark.parametrize(
    "host", ["[", "[::1", "a b", "", "x:99999", "me@evil.example", "evil.example/x?y", "a\\@b"]
)
async def test_a_host_that_is_none_is_no_defect(web: Web, browser: Browser, host: str) -> None:
    for visitor in (web.visitor(), browser):
        answer = await visitor.client.get("/try", headers={"Host": host})
        assert answer.status_code < 400
        assert "evil.example" not in answer.headers.get("location", "")


async def test_an_address_that_no_header_has_room_for_leads_to_the_start(
    web: Web, browser: Browser
) -> None:
    long = "x" * 60_000
    answer = await web.visitor().client.get(f"/leads?q={long}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    data = {"csrf": await csrf_of(browser), "action": "delete", "query": long}
    answer = await browser.client.post("/leads/change", data=data)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    # Back to the requested page, as long as its address fits.
    near = "/leads?q=" + "x" * 2_500
    shown = await web.visitor().get(near)
    assert str(shown.one("form#sign-in [name=next]")["value"]) == near


@pytest.mark.parametrize(
    "target", ["//[", "//[x]/", "/\\[", "http://[", "\\", "[", "/[", "/%5b//["]
)
async def test_where_to_go_after_signing_in_may_be_no_address_at_all(
    web: Web, browser: Browser, target: str
) -> None:
    for visitor in (web.visitor(), browser):
        answer = await visitor.client.get("/sign-in", params={"next": target})
        assert answer.status_code in (200, 303)
        assert answer.headers.get("location", "/") in ("/", target)


@pytest.mark.parametrize("engine", list(ENGINES))
async def test_numbers_and_characters_that_no_database_keeps(tmp_path: Path, engine: str) -> None:
    async with a_web_service(tmp_path, engine) as web:
        browser, lead = await web.admin(), await web.api.lead()
        csrf = await csrf_of(browser)
        for path, status in (
            (f"/try?delivery={HUGE}", 200),
            (f"/try?field={HUGE}", 200),
            (f"/deliveries?before={HUGE}", 200),
            (f"/deliveries?by=user-{HUGE}&match=custom-{HUGE}", 422),
            (f"/deliveries/{HUGE}", 404),
            (f"/leads/{HUGE}", 404),
            (f"/leads/{lead['id']}?before={HUGE}", 200),
            (f"/leads?ids={HUGE}", 422),
            (f"/settings/lead-statuses?edit={HUGE}", 200),
            ("/tags?prefix=%00", 200),
            ("/tags?prefix=%ff%ed%a0%80", 200),
            ("/leads?q=%00", 400),
            ("/leads?cf_7=%00", 400),
            ("/deliveries?value=%00&match=email", 400),
            ("/deliveries?request=%00", 400),
            ("/try?example=%00", 200),
        ):
            assert (await browser.get(path, status=None)).status == status, path
        edit = {"csrf": csrf, "edit": "name", "name": "Zoe"}
        for version in (HUGE, "0", "-1", "x", ""):
            data = edit | {"version": version}
            answer = await browser.client.post(f"/leads/{lead['id']}", data=data)
            assert answer.status_code == 400, version
            answer = await browser.client.post(f"/leads/{lead['id']}/delete", data=data)
            assert answer.status_code == 409, version
        assert (await web.api.client.get(f"/leads/{lead['id']}")).json()["name"] == "Nora Field"
        for action, value in (("status", "status_id"), ("owner", "assignee_id")):
            data = {"csrf": csrf, "action": action, "ids": str(lead["id"]), value: HUGE}
            answer = await browser.client.post("/leads/change/run", data=data)
            assert answer.status_code == 422
            assert "Nora" not in answer.text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"\xff\xfe", 400),
        (b"csrf=%ff", 400),
        (b"csrf=%00", 400),
        (b"csrf=%ed%a0%80", 400),
        (b"&".join([b"a=1"] * (FORM_FIELDS_MAX + 1)), 400),
        (b"csrf=" + b"x" * REQUEST_BODY_BYTES_MAX, 413),
        (b"csrf=" + b"x" * (REQUEST_BODY_BYTES_MAX - 5), 403),
        (b"csrf=%zz", 403),
        (b'{"csrf": "x"}', 403),
        (b"", 403),
    ],
)
async def test_a_body_that_is_no_form_of_ours(browser: Browser, body: bytes, status: int) -> None:
    for content_type in ("application/x-www-form-urlencoded", "application/json", "text/plain"):
        headers = {"Content-Type": content_type}
        answer = await browser.client.post("/profile", content=body, headers=headers)
        assert answer.status_code == status


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
async def test_whatever_is_answered_has_the_headers_of_a_page(
    web: Web, browser: Browser, method: str
) -> None:
    style = str((await browser.get("/nowhere", status=404)).one("link[rel=stylesheet]")["href"])
    for path in (
        *("/", "/nowhere", "/leads", "/leads/x", "/sign-in", "/sign-out", "/welcome/x", style),
        *("/tags", "/leads%0ax", "/leads/1%0d%0aX-Evil:1", "//evil.example/"),
    ):
        for visitor in (web.visitor(), browser):
            answer = await visitor.client.request(method, path)
            expected = set(PAGE_HEADERS) - {"Cache-Control"}
            assert {name: answer.headers.get(name) for name in expected} == {
                name: PAGE_HEADERS[name] for name in expected
            }, (method, path)
            is_kept = path == style and answer.status_code == 200
            assert answer.headers["cache-control"] == ("no-store" if not is_kept else _FOREVER)
            assert "x-evil" not in answer.headers
            if method == "HEAD":
                assert answer.content == b""


_FOREVER = "public, max-age=31536000, immutable"


async def test_a_form_from_a_neighbouring_site_is_refused_also_before_signing_in(web: Web) -> None:
    await a_member(web)
    browser = web.visitor()
    csrf = str((await browser.get("/sign-in")).one("form#sign-in [name=csrf]")["value"])
    data = {"csrf": csrf, "email": "mia@shop.example", "password": PASSWORD}
    for site in ("cross-site", "same-site", "x"):
        headers = {"Sec-Fetch-Site": site}
        answer = await browser.client.post("/sign-in", data=data, headers=headers)
        assert answer.status_code == 403
        assert "onelead_session" not in browser.client.cookies


class TestThrottleAcrossAccounts:
    """An admin of one account can have a user with the e-mail of somebody else's."""

    async def test_a_right_password_elsewhere_gives_no_more_attempts(self, web: Web) -> None:
        await a_member(web)
        await self._an_accomplice(web)
        statuses = []
        for number in range(SIGN_IN_BY_PLACE_MAX + 1):
            password = "the accomplice's own" if number % 2 else "a guess of the other"
            statuses.append((await sign_in(web.visitor(), "mia@shop.example", password)).status)
        assert statuses[-1] == 429

    async def test_a_link_elsewhere_gives_no_more_attempts(self, web: Web) -> None:
        await a_member(web)
        for _ in range(SIGN_IN_BY_PLACE_MAX):
            shown = await sign_in(web.visitor(), "mia@shop.example", "a guess of the other")
            assert shown.status == 422
        await self._an_accomplice(web)
        shown = await sign_in(web.visitor(), "mia@shop.example", "a guess of the other")
        assert shown.status == 429

    async def _an_accomplice(self, web: Web) -> None:
        other = await web.store.create_account("Other Ltd", "mia@shop.example")
        await set_password(web, other.user_id, "the accomplice's own")


class TestRolesAndUsersThatChange:
    async def test_who_is_no_admin_any_more_changes_nothing_from_that_moment(
        self, web: Web
    ) -> None:
        admin, second = await web.admin(), await web.member()
        (user,) = [
            one
            for one in (await web.store.settings(web.account_id)).users
            if one.email == "mia@shop.example"
        ]
        page = await admin.get(f"/settings/users/{user.id}")
        await page.submit(f'form[action="/settings/users/{user.id}"]', role="admin")
        form = await second.get("/settings/users/new")
        page = await admin.get(f"/settings/users/{user.id}")
        await page.submit(f'form[action="/settings/users/{user.id}"]', role="member")
        fields = [
            ("csrf", str(form.html.select("[name=csrf]")[0]["value"])),
            *(("email", "x@shop.example"), ("name", "X"), ("role", "admin")),
        ]
        await second.post("/settings/users/new", fields, status=403)
        assert len((await web.store.settings(web.account_id)).users) == 2

    async def test_who_is_deactivated_has_no_session_left(self, web: Web) -> None:
        member = await web.member()
        await web.store.deactivate_user(web.account_id, "mia@shop.example")
        shown = await member.get("/leads")
        assert re.match(r"/sign-in\?next=", shown.path)
