"""Authentication: the three headers, and how soon a revoked key stops working."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from tests.support.api.answers import UNAUTHORISED, assert_body
from tests.support.api.service import Service
from tests.support.api.wire_leads import table_rows
from tests.support.storage.databases import EMAIL

from onelead.api.application import Api
from onelead.domain.account import Role
from onelead.domain.limits import API_KEY_CACHE_S

HEADERS = ("X-PW-AccessToken", "X-PW-Application", "X-PW-UserEmail")


async def whoami(service: Service, **headers: str | None) -> httpx.Response:
    """Send a request with some headers changed; None leaves one out."""
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {**service.client.headers} | {name.lower(): v for name, v in changed.items()}
    request = service.client.build_request("GET", "/users/me")
    request.headers = httpx.Headers({name: v for name, v in sent.items() if v is not None})
    return await service.client.send(request)


async def test_the_three_headers_let_in(service: Service) -> None:
    response = await whoami(service)
    assert (response.status_code, response.json()["email"]) == (200, EMAIL)


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("value", [None, ""])
async def test_a_missing_header(service: Service, header: str, value: str | None) -> None:
    response = await whoami(service, **{header: value})
    assert_body(response, 401, UNAUTHORISED)
    assert response.headers["X-Request-Id"].startswith("request-")


async def test_an_address_holds_no_credentials(service: Service) -> None:
    sent = {name: service.client.headers[name] for name in HEADERS}
    names = {"access_token": sent["X-PW-AccessToken"], "api_key": sent["X-PW-AccessToken"]}
    request = service.client.build_request("GET", "/users/me", params=sent | names)
    for name in HEADERS:
        del request.headers[name]
    assert_body(await service.client.send(request), 401, UNAUTHORISED)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-PW-AccessToken", "wrong"),
        ("X-PW-AccessToken", "x" * 10_000),
        ("X-PW-AccessToken", "' OR 1=1 --"),
        ("X-PW-UserEmail", "omar@other.example"),
        ("X-PW-UserEmail", "dana@shop.exampl"),
        ("X-PW-UserEmail", "dana@shop.example, x"),
    ],
)
async def test_a_wrong_header(service: Service, header: str, value: str) -> None:
    assert_body(await whoami(service, **{header: value}), 401, UNAUTHORISED)


async def test_headers_of_any_bytes(service: Service) -> None:
    for name in HEADERS[::2]:
        sent = {**service.client.headers, name.lower(): "\xff\xe9\x80"}
        headers = {key.encode(): value.encode("latin-1") for key, value in sent.items()}
        assert_body(await service.client.get("/users/me", headers=headers), 401, UNAUTHORISED)


async def test_the_key_is_case_sensitive(service: Service) -> None:
    key = service.account.api_key
    assert (await whoami(service, X_PW_AccessToken=key.swapcase())).status_code == 401
    assert (await whoami(service, X_PW_AccessToken=key[:-1])).status_code == 401
    assert (await whoami(service, X_PW_AccessToken=key + "x")).status_code == 401


@pytest.mark.parametrize("email", ["DANA@SHOP.EXAMPLE", "Dana@Shop.Example", " dana@shop.example "])
async def test_the_email_is_compared_without_case(service: Service, email: str) -> None:
    assert (await whoami(service, X_PW_UserEmail=email)).status_code == 200


async def test_header_names_are_compared_without_case(service: Service) -> None:
    headers = {name.swapcase(): service.client.headers[name] for name in HEADERS}
    request = service.client.build_request("GET", "/users/me")
    request.headers = httpx.Headers(headers)
    assert (await service.client.send(request)).status_code == 200


@pytest.mark.parametrize("application", ["developer_api", "developer", "anything"])
async def test_the_application_has_only_to_be_named(service: Service, application: str) -> None:
    assert (await whoami(service, X_PW_Application=application)).status_code == 200


async def test_a_key_of_another_user_of_the_account(service: Service) -> None:
    account_id, email = service.account.account_id, "omar@shop.example"
    await service.store.create_user(account_id, email, "Omar", Role.MEMBER)
    _, secret = await service.store.create_api_key(account_id, email, "Omar's")
    assert_body(await whoami(service, X_PW_AccessToken=secret), 401, UNAUTHORISED)
    response = await whoami(service, X_PW_AccessToken=secret, X_PW_UserEmail=email)
    assert response.json()["email"] == email


async def test_a_key_of_another_account(service: Service) -> None:
    async with await service.other_account() as other:
        key = other.headers["X-PW-AccessToken"]
        assert_body(await whoami(service, X_PW_AccessToken=key), 401, UNAUTHORISED)


async def test_a_revoked_key_stops_working_within_its_cache_time(service: Service) -> None:
    assert (await whoami(service)).status_code == 200
    account_id = service.account.account_id
    (key,) = await service.store.api_keys(account_id)
    await service.store.revoke_api_key(account_id, key.id)
    service.clock.advance(API_KEY_CACHE_S)
    assert_body(await whoami(service), 401, UNAUTHORISED)


async def test_a_deactivated_user_is_out_within_the_cache_time(service: Service) -> None:
    assert (await whoami(service)).status_code == 200
    account_id = service.account.account_id
    await service.store.create_user(account_id, "olga@shop.example", "", Role.ADMIN)
    await service.store.deactivate_user(account_id, EMAIL)
    service.clock.advance(API_KEY_CACHE_S)
    assert_body(await whoami(service), 401, UNAUTHORISED)


async def test_a_second_key_works_beside_the_first(service: Service) -> None:
    account_id = service.account.account_id
    _, secret = await service.store.create_api_key(account_id, EMAIL, "second")
    assert (await whoami(service, X_PW_AccessToken=secret)).status_code == 200
    assert (await whoami(service)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/leads/7"),
        ("POST", "/leads"),
        ("PUT", "/leads/7"),
        ("DELETE", "/leads/7"),
        ("PUT", "/leads/upsert"),
        ("POST", "/leads/bulk_create"),
        ("POST", "/leads/bulk_update"),
        ("POST", "/leads/search"),
        ("GET", "/leads/7/history"),
        ("GET", "/users/me"),
        ("GET", "/account"),
        ("GET", "/tags"),
        ("GET", "/lead_statuses"),
        ("POST", "/custom_field_definitions"),
        ("GET", "/pipelines"),
    ],
)
async def test_a_wrong_key_is_refused_before_the_body_is_read(
    service: Service, tmp_path: Path, method: str, path: str
) -> None:
    headers = {"X-PW-AccessToken": "wrong"}
    response = await service.client.request(method, path, headers=headers, content=b"{not json")
    assert_body(response, 401, UNAUTHORISED)
    assert table_rows(tmp_path, "ledger") == []


async def test_whatever_is_wrong_the_answer_is_the_same(service: Service) -> None:
    answers = [
        await whoami(service, X_PW_AccessToken="wrong"),
        await whoami(service, X_PW_UserEmail="wrong"),
        await whoami(service, X_PW_AccessToken="wrong", X_PW_UserEmail="wrong"),
    ]
    for answer in answers:
        del answer.headers["X-Request-Id"]
    assert (
        len({(answer.status_code, answer.content, str(answer.headers)) for answer in answers}) == 1
    )


async def test_a_call_leaves_when_and_from_where_its_key_was_used(service: Service) -> None:
    account_id = service.account.account_id
    (key,) = await service.store.api_keys(account_id)
    assert (key.date_last_used, key.last_address) == (None, "")
    await whoami(service)
    service.clock.advance(60)
    await whoami(service)
    used_at = service.clock.now
    service.clock.advance(60)
    await service.runtime.api_key_uses.write(service.store.record_api_key_uses)
    (key,) = await service.store.api_keys(account_id)
    assert (key.date_last_used, key.last_address) == (used_at, "127.0.0.1")


async def test_a_call_that_is_refused_is_no_use_of_a_key(service: Service) -> None:
    await whoami(service, X_PW_UserEmail="omar@shop.example")
    await whoami(service, X_PW_AccessToken="ol_0")
    await service.runtime.api_key_uses.write(service.store.record_api_key_uses)
    (key,) = await service.store.api_keys(service.account.account_id)
    assert key.date_last_used is None


async def test_a_caller_is_known_without_a_read_once_the_key_was_used_and_for_as_long(
    service: Service,
) -> None:
    authenticator = Api(service.runtime).authenticator
    headers = [(name.lower().encode(), service.client.headers[name].encode()) for name in HEADERS]
    assert authenticator.known_caller(dict(headers)) is None
    scope = {"type": "http", "headers": headers, "client": None}
    caller = await authenticator.caller_of(Request(scope))
    assert authenticator.known_caller(dict(headers)) == caller
    for name, _ in headers:
        assert authenticator.known_caller({**dict(headers), name: b""}) is None
    service.clock.advance(API_KEY_CACHE_S)
    assert authenticator.known_caller(dict(headers)) is None
