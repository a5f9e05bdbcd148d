"""System Settings, API Keys."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from tests.support.web.browser_client import Browser
from tests.support.web.web_service import Web

from onelead.contract.store import Store
from onelead.domain.account import ApiKey, Role
from onelead.domain.api_keys.purposes import KeyScope
from onelead.domain.limits import API_KEY_CACHE_S


async def created(browser: Browser, **form: Any) -> str:
    """Create a key, by default one that reads, and return its secret."""
    page = await browser.get("/settings/api-keys/new")
    shown = await page.submit("form#create", **{"scope": "read", **form})
    assert shown.status == 200
    return shown.texts("#secret")[0]


async def whoami(web: Web, secret: str, email: str = "dana@shop.example") -> int:
    headers = {
        "X-PW-AccessToken": secret,
        "X-PW-Application": "developer_api",
        "X-PW-UserEmail": email,
    }
    path = "/developer_api/v1/users/me"
    return (await web.visitor(address="192.0.2.7").client.get(path, headers=headers)).status_code


async def test_a_key_is_shown_once_with_a_command_that_works(web: Web, browser: Browser) -> None:
    page = await browser.get("/settings/api-keys/new")
    shown = await page.submit("form#create", label="Web form")
    secret = shown.texts("#secret")[0]
    words = shlex.split(shown.one("#command").get_text().replace("\\\n", ""))
    headers = dict(words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H")
    assert headers["X-PW-AccessToken"] == secret
    answer = await web.visitor().client.request(
        words[2], words[3], headers=headers, content=words[words.index("-d") + 1]
    )
    assert (answer.status_code, answer.headers["lead-outcome"]) == (200, "created")
    listed = await browser.get("/settings/api-keys")
    assert "Web form" in listed.text
    assert secret not in listed.response.text
    assert shown.response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("label", "text"),
    [("", "can't be blank"), ("x" * 256, "is too long (maximum is 255 characters)")],
)
async def test_a_label_that_is_none_is_refused(
    web: Web, browser: Browser, label: str, text: str
) -> None:
    page = await browser.get("/settings/api-keys/new")
    shown = await page.submit("form#create", label=label)
    assert (shown.status, shown.problem_of("label")) == (422, text)
    assert len(await web.store.api_keys(web.account_id)) == 1


async def test_a_key_belongs_to_the_user_who_is_chosen(web: Web, browser: Browser) -> None:
    await web.store.create_user(web.account_id, "mia@shop.example", "Mia Roe", Role.MEMBER)
    secret = await created(browser, label="Fair", email="mia@shop.example")
    assert await whoami(web, secret, "mia@shop.example") == 200
    assert await whoami(web, secret) == 401


@pytest.mark.parametrize("email", ["nobody@shop.example", "omar@other.example", ""])
async def test_nobody_else_can_be_chosen(web: Web, browser: Browser, email: str) -> None:
    await web.stranger()
    page = await browser.get("/settings/api-keys/new")
    shown = await page.submit("form#create", label="Fair", email=email)
    assert "is not an active user" in shown.text
    assert len(await web.store.api_keys(web.account_id)) == 1


async def test_the_list_says_when_a_key_was_used_and_by_which_address(
    web: Web, browser: Browser
) -> None:
    secret = await created(browser, label="<script>alert(1)</script>")
    await whoami(web, secret)
    web.clock.advance(120)
    await web.api.runtime.api_key_uses.write(web.store.record_api_key_uses)
    shown = await browser.get("/settings/api-keys")
    first, second = shown.texts("#keys tbody tr")
    assert first.startswith("<script>alert(1)</script>")
    assert "2 minutes ago from 192.0.2.7" in first
    assert "first key" in second
    assert "Never" in second
    assert "<script>alert" not in shown.response.text


async def test_a_revoked_key_stops_working_and_stays_in_the_list(
    web: Web, browser: Browser
) -> None:
    secret = await created(browser, label="Web form")
    assert await whoami(web, secret) == 200
    listed = await browser.get("/settings/api-keys")
    asked = await listed.follow('a[aria-label="Revoke Web form"]')
    assert "Revoke Web form?" in asked.text
    assert await whoami(web, secret) == 200
    shown = await asked.submit("form#revoke")
    assert "Web form was revoked." in shown.text
    web.clock.advance(API_KEY_CACHE_S)
    assert await whoami(web, secret) == 401
    assert shown.texts("#keys tbody tr")[-1].startswith("Web form")
    assert not shown.html.select('a[aria-label="Revoke Web form"]')
    # Pressing twice is harmless.
    assert "Web form was revoked" in (await asked.submit("form#revoke")).text


async def test_the_key_of_another_account_is_not_there(web: Web, browser: Browser) -> None:
    other = await web.store.create_account("Other Ltd", "omar@other.example")
    (theirs,) = await web.store.api_keys(other.account_id)
    path = f"/settings/api-keys/{theirs.id}/revoke"
    await browser.get(path, status=404)
    csrf = str((await browser.get("/profile")).html.select("[name=csrf]")[0]["value"])
    await browser.post(path, [("csrf", csrf)], status=404)
    (theirs,) = await web.store.api_keys(other.account_id)
    assert theirs.date_revoked is None


class NewKeys:
    """A store in which a user with a key appears just before the keys are read."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def api_keys(self, account_id: int) -> Sequence[ApiKey]:
        known = await self._store.api_keys(account_id)
        email = f"user{len(known)}@shop.example"
        await self._store.create_user(account_id, email, "", Role.MEMBER)
        await self._store.create_api_key(account_id, email, f"Key of {email}")
        return await self._store.api_keys(account_id)


async def test_a_key_may_be_of_a_user_who_is_newer_than_the_request(web: Web) -> None:
    runtime = replace(web.api.runtime, store=cast("Store", NewKeys(web.store)))
    browser = await Web(replace(web.api, runtime=runtime)).admin()
    assert "Key of user1@shop.example" in (await browser.get("/settings/api-keys")).text
    newest = max(key.id for key in await web.store.api_keys(web.account_id)) + 2
    asked = await browser.get(f"/settings/api-keys/{newest}/revoke")
    assert "Key of user2@shop.example" in asked.text


async def test_a_key_of_a_deactivated_owner_is_said_not_to_work(web: Web, browser: Browser) -> None:
    await web.store.create_user(web.account_id, "mia@shop.example", "Mia Roe", Role.MEMBER)
    await created(browser, label="Fair", email="mia@shop.example")
    await web.store.deactivate_user(web.account_id, "mia@shop.example")
    first, second = (await browser.get("/settings/api-keys")).texts("#keys tbody tr")
    assert "Active" in first
    assert "Owner deactivated" in second


@pytest.mark.parametrize(
    ("scope", "status"), [("deliver", 403), ("read", 200), ("write", 200), ("admin", 200)]
)
async def test_a_key_is_for_what_is_chosen(
    web: Web, browser: Browser, scope: str, status: int
) -> None:
    secret = await created(browser, label="Web form", scope=scope)
    assert await whoami(web, secret) == status
    *_others, key = await web.store.api_keys(web.account_id)
    assert (key.scope, key.created_by_id) == (scope, web.api.account.user_id)


async def test_a_new_key_only_delivers_unless_more_is_chosen(web: Web, browser: Browser) -> None:
    page = await browser.get("/settings/api-keys/new")
    assert (await page.submit("form#create", label="Web form")).status == 200
    *_others, key = await web.store.api_keys(web.account_id)
    assert key.scope is KeyScope.DELIVER


async def test_a_key_for_reading_has_no_upsert_to_try(browser: Browser) -> None:
    page = await browser.get("/settings/api-keys/new")
    shown = await page.submit("form#create", label="Report", scope="read")
    assert not shown.html.select("#command")


async def test_a_key_ends_after_its_last_day(web: Web, browser: Browser) -> None:
    zone = (await web.store.settings(web.account_id)).zone
    day = datetime.fromtimestamp(web.clock(), UTC).astimezone(zone).date() + timedelta(days=2)
    secret = await created(browser, label="Fair", expires=day.isoformat())
    *_others, key = await web.store.api_keys(web.account_id)
    assert key.date_expires is not None
    assert "until in" in (await browser.get("/settings/api-keys")).text
    web.clock.now = key.date_expires - 1
    assert await whoami(web, secret) == 200
    web.clock.advance(1)
    assert await whoami(web, secret) == 401
    listed = await (await web.admin()).get("/settings/api-keys")
    assert "Expired" in listed.texts("#keys tbody tr")[-1]


async def test_a_key_works_from_its_networks_only(web: Web, browser: Browser) -> None:
    secret = await created(browser, label="Fair", networks="192.0.2.0/24,\n2001:db8::/32")
    assert await whoami(web, secret) == 200
    headers = {
        "X-PW-AccessToken": secret,
        "X-PW-Application": "developer_api",
        "X-PW-UserEmail": "dana@shop.example",
    }
    for address, status in (
        *(("198.51.100.7", 403), ("2001:db8::7", 200), ("::ffff:192.0.2.9", 200)),
        *(("::ffff:198.51.100.7", 403), ("", 403), ("testclient", 403)),
    ):
        client = web.visitor(address=address).client
        answer = await client.get("/developer_api/v1/users/me", headers=headers)
        assert answer.status_code == status, address
    assert "192.0.2.0/24, 2001:db8::/32" in (await browser.get("/settings/api-keys")).text


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("expires", "2001-01-01", "must be in the future"),
        ("expires", "9999-12-31", "must be"),
        ("expires", "soon", "must be a day"),
        ("networks", "10.0.0.1/8", "must be addresses or networks"),
        ("networks", "<b>", "must be addresses or networks"),
        ("networks", ",".join(f"10.0.0.{n}" for n in range(21)), "has too many entries"),
    ],
)
async def test_a_purpose_that_is_none_is_refused(
    web: Web, browser: Browser, field: str, value: str, text: str
) -> None:
    page = await browser.get("/settings/api-keys/new")
    shown = await page.submit("form#create", {field: value}, label="Fair", scope="write")
    assert shown.status == 422
    assert shown.problem_of(field).startswith(text)
    assert shown.one('[name="scope"][checked]')["value"] == "write"
    assert len(await web.store.api_keys(web.account_id)) == 1


async def test_a_scope_that_is_none_is_refused(web: Web, browser: Browser) -> None:
    page = await browser.get("/settings/api-keys/new")
    shown = await page.submit("form#create", label="Fair", scope="root")
    assert (shown.status, "is not a scope" in shown.text) == (422, True)
    assert len(await web.store.api_keys(web.account_id)) == 1


async def test_the_list_names_who_made_a_key_for_somebody_else(web: Web, browser: Browser) -> None:
    await web.store.create_user(web.account_id, "mia@shop.example", "Mia Roe", Role.MEMBER)
    await created(browser, label="Fair", email="mia@shop.example")
    await created(browser, label="Own")
    own, fair, _first = (await browser.get("/settings/api-keys")).texts("#keys tbody tr")
    assert "Mia Roe mia@shop.example" in fair
    assert "by dana" in fair
    assert "by dana" not in own
