"""What an API key is for: every endpoint holds the scope, and a key that delivers reads nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from tests.support.api.answers import UNAUTHORISED, assert_body
from tests.support.api.service import Service, client_of

from onelead.api.application import ENDPOINTS
from onelead.api.endpoints import Endpoint
from onelead.contract.access import NewAccount
from onelead.domain.account import Role
from onelead.domain.api_keys.purposes import KeyPurpose, KeyScope, includes
from onelead.domain.api_keys.texts import new_key_text

SECRET_TITLE = "Only for readers"


async def with_scope(
    service: Service, scope: KeyScope | None, email: str = ""
) -> httpx.AsyncClient:
    """Return the client of a new key of a user."""
    account = service.account
    key, secret = await service.store.create_api_key(
        *(account.account_id, email or account.email, "scoped", KeyPurpose(scope))
    )
    return client_of(
        service.runtime, NewAccount(account.account_id, key.user_id, key.email, secret)
    )


def path_of(endpoint: Endpoint) -> str:
    return re.sub(r"{\w+}", "999", endpoint.path)


def named(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


def test_what_changes_the_settings_or_is_for_admins_needs_admin_and_what_reads_only_read() -> None:
    for endpoint in ENDPOINTS:
        is_for_admins = endpoint.is_settings_write or endpoint.is_for_admins
        assert (endpoint.scope is KeyScope.ADMIN) is is_for_admins, named(endpoint)
        is_read = endpoint.method == "GET" or endpoint.path.endswith("/search")
        assert (endpoint.scope is KeyScope.READ) is (is_read and not is_for_admins), named(endpoint)
    delivering = {named(one) for one in ENDPOINTS if one.scope is KeyScope.DELIVER}
    assert delivering == {
        *("PUT /leads/upsert", "POST /leads", "POST /leads/bulk_create"),
        "PUT /leads/bulk_upsert",
    }


@pytest.mark.parametrize("scope", list(KeyScope))
async def test_every_endpoint_holds_the_scope_before_it_reads_the_body(
    service: Service, scope: KeyScope
) -> None:
    async with await with_scope(service, scope) as client:
        for endpoint in ENDPOINTS:
            answer = await client.request(endpoint.method, path_of(endpoint), content=b"{not json")
            if includes(scope, endpoint.scope):
                assert answer.status_code != 403, named(endpoint)
                continue
            text = f"This API key has the scope {scope}; this call needs the scope {endpoint.scope}"
            assert (answer.status_code, answer.json()["message"]) == (403, text), named(endpoint)


async def test_a_key_without_a_scope_works_as_before(service: Service) -> None:
    async with await with_scope(service, None) as client:
        assert (await client.get("/users/me")).status_code == 200
        assert (await client.get("/erasures")).status_code == 200


async def test_the_role_of_the_user_bounds_the_scope(service: Service) -> None:
    mia = await service.store.create_user(1, "mia@shop.example", "Mia Roe", Role.MEMBER)
    async with await with_scope(service, KeyScope.ADMIN, mia.email) as client:
        answer = await client.get("/erasures")
        assert (answer.status_code, answer.json()["message"]) == (403, "Forbidden")


def upsert(sought: str, **properties: Any) -> dict[str, Any]:
    return {
        "properties": {"name": "Nora Field", **properties},
        "match": {"field_name": "email", "field_value": sought},
    }


async def test_a_delivery_is_answered_with_the_id_and_the_receipt(service: Service) -> None:
    async with await with_scope(service, KeyScope.DELIVER) as client:
        created = await client.put("/leads/upsert", json=upsert("nora@field.example"))
        again = await client.put("/leads/upsert", json=upsert("nora@field.example"))
        assert again.json() == created.json() == {"id": created.json()["id"]}
        assert created.headers["Lead-Outcome"] == "created"
        assert again.headers["Lead-Outcome"] == "unchanged"
        assert "Ledger-Row" in again.headers
        one = await client.post("/leads", json={"name": "Omar"})
        assert list(one.json()) == ["id"]
        many = await client.post("/leads/bulk_create", json={"leads": [{"name": "Olga"}, {}]})
        first, second = many.json()
        assert list(first) == ["id"]
        assert second == {"success": False, "message": {"name": [{"error": "blank"}]}}


def deliveries(lead: dict[str, Any], other: dict[str, Any]) -> Sequence[tuple[str, str, Any]]:
    """Return deliveries that meet what others have written, in every way."""
    emails = [lead["email"]["email"], "shared@field.example"]
    yours = f"/leads/{lead['id']}"
    return [
        ("PUT", "/leads/upsert", upsert(emails[0])),
        ("PUT", "/leads/upsert?custom_field_computed_values=true", upsert(emails[0])),
        ("PUT", "/leads/upsert?dry_run=true", upsert(emails[0], details="new")),
        ("PUT", "/leads/upsert", upsert(emails[0], status_id=999)),
        ("PUT", "/leads/upsert", upsert(emails[0], email=emails[0])),
        ("PUT", "/leads/upsert", upsert(emails[1])),
        ("PUT", "/leads/upsert", {**upsert(emails[1]), "on_ambiguous": "oldest"}),
        ("PUT", "/leads/upsert", {**upsert(emails[0]), "if_empty": ["title"]}),
        ("POST", "/leads", {"name": "N", "email": {"email": emails[0], "category": "work"}}),
        ("POST", "/leads?dry_run=true", {"name": "N"}),
        ("POST", "/leads/bulk_create", {"leads": [{"name": "N"}, {"nmae": "N"}]}),
        ("GET", yours, None),
        ("PUT", yours, {"name": other["name"]}),
        ("DELETE", yours, None),
    ]


async def test_no_answer_to_a_key_that_delivers_has_a_value_that_others_wrote(
    service: Service,
) -> None:
    written = {"title": SECRET_TITLE, "details": f"{SECRET_TITLE} again", "tags": ["hush"]}
    lead = await service.lead(
        email={"email": "nora@field.example", "category": "work"},
        phone_numbers=[{"number": "415-999-4321", "category": "mobile"}],
        **written,
    )
    for _ in range(2):
        other = await service.lead(
            email={"email": "shared@field.example", "category": "work"}, **written
        )
    async with await with_scope(service, KeyScope.DELIVER) as client:
        for method, path, body in deliveries(lead, other):
            for headers in ({}, {"If-Match": '"77"'}, {"Idempotency-Key": "k"}):
                content = None if body is None else json.dumps(body)
                answer = await client.request(method, path, content=content, headers=headers)
                told = f"{answer.text} {answer.headers}"
                for secret in (SECRET_TITLE, "hush", "4321"):
                    assert secret not in told, (path, body)


async def test_a_repeated_delivery_is_answered_with_the_id_alone(service: Service) -> None:
    async with await with_scope(service, KeyScope.DELIVER) as client:
        headers = {"Idempotency-Key": "k"}
        first = await client.post("/leads", json={"name": "Omar"}, headers=headers)
        again = await client.post("/leads", json={"name": "Omar"}, headers=headers)
        assert again.headers["Idempotency-Replayed"] == "true"
        assert again.json() == first.json() == {"id": first.json()["id"]}


async def test_an_ambiguous_match_names_the_ids(service: Service) -> None:
    email = {"email": "shared@field.example", "category": "work"}
    ids = [(await service.lead(email=email))["id"] for _ in range(2)]
    async with await with_scope(service, KeyScope.DELIVER) as client:
        answer = await client.put("/leads/upsert", json=upsert("shared@field.example"))
        assert (answer.status_code, answer.json()["ids"]) == (422, ids)


async def test_a_damaged_key_is_refused_without_a_read(service: Service) -> None:
    good = new_key_text(KeyScope.DELIVER, 77)
    asked: list[str] = []
    read = service.store.caller

    async def watched(key_hash: str) -> Any:
        asked.append(key_hash)
        return await read(key_hash)

    service.store.caller = watched  # type: ignore[method-assign]
    for key, reads in ((good[:-1] + "-", 0), (good + "0", 0), (good, 1), ("ol_" + "0" * 64, 2)):
        answer = await service.client.get("/users/me", headers={"X-PW-AccessToken": key})
        assert_body(answer, 401, UNAUTHORISED)
        assert len(asked) == reads
