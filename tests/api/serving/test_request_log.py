"""The log's line about a request: when there is one, what it says, and what it never says."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
import structlog
from tests.support.api.service import Service, client_of

from onelead.configuration import LogFormat, LogLevel
from onelead.contract.leads import LeadRead
from onelead.domain.errors import StoreUnavailable
from onelead.domain.limits import REFUSALS_LOGGED_PER_S_MAX
from onelead.logs import configure_logs


class Log:
    """What was logged as JSON."""

    def __init__(self, level: LogLevel) -> None:
        self._stream = io.StringIO()
        configure_logs(LogFormat.JSON, level, self._stream)

    @property
    def text(self) -> str:
        """Return all lines."""
        return self._stream.getvalue().rstrip("\n")

    def requests(self) -> list[dict[str, Any]]:
        """Return the lines about requests."""
        lines = map(json.loads, self.text.splitlines())
        return [line for line in lines if line["logger"] == "onelead.incoming.request_log"]

    def request(self) -> dict[str, Any]:
        """Return the only line about a request, without its times."""
        (line,) = self.requests()
        assert line.pop("timestamp").endswith("Z")
        assert line.pop("milliseconds") >= 0
        assert line.pop("logger") == "onelead.incoming.request_log"
        return line


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """Restore the logging that a test replaces."""
    root, config = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers, root.level
    # The lines of the tests' own client would take the places of others.
    logging.getLogger("httpx").disabled = True
    yield
    logging.getLogger("httpx").disabled = False
    root.handlers = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.configure(**config)
    structlog.contextvars.clear_contextvars()


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a process that has just started, without any refusals yet."""
    async with client_of(service.runtime, service.account) as fresh:
        yield fresh


UPSERT = {
    "properties": {"name": "Nora Field"},
    "match": {"field_name": "email", "field_value": "nora@field.example"},
}


async def test_a_request_that_was_served_has_its_line_at_debug(client: httpx.AsyncClient) -> None:
    log = Log(LogLevel.INFO)
    await client.put("/leads/upsert", json=UPSERT)
    assert log.requests() == []
    log = Log(LogLevel.DEBUG)
    response = await client.put("/leads/upsert", json=UPSERT)
    assert log.request() == {
        "event": "request",
        "level": "debug",
        "request_id": response.headers["X-Request-Id"],
        "method": "PUT",
        "route": "/leads/upsert",
        "status": 200,
        "account_id": 1,
        "outcome": "unchanged",
        "seq": 2,
    }


async def test_a_write_that_was_refused_has_its_line_at_info(client: httpx.AsyncClient) -> None:
    log = Log(LogLevel.INFO)
    response = await client.put("/leads/upsert", json={"properties": {"nope": 1}})
    assert log.request() == {
        "event": "request",
        "level": "info",
        "request_id": response.headers["X-Request-Id"],
        "method": "PUT",
        "route": "/leads/upsert",
        "status": 422,
        "account_id": 1,
        "outcome": "refused",
        "seq": 1,
        "error": "input_invalid",
    }


async def test_a_bulk_call_has_all_its_outcomes_and_its_first_number(
    client: httpx.AsyncClient,
) -> None:
    log = Log(LogLevel.DEBUG)
    leads: list[dict[str, object]] = [{"name": "Nora Field"}, {"nope": 1}]
    await client.post("/leads/bulk_create", json={"leads": leads})
    line = log.request()
    assert (line["outcome"], line["seq"], line["status"]) == ("created, refused", 1, 200)


async def test_a_change_of_the_settings_has_its_outcome(client: httpx.AsyncClient) -> None:
    log = Log(LogLevel.DEBUG)
    await client.post("/lead_statuses", json={"name": "Won"})
    await client.post("/lead_statuses", json={"name": ""})
    created, refused = log.requests()
    assert (created["outcome"], created["seq"], created["level"]) == ("created", 1, "debug")
    assert (refused["outcome"], refused["seq"], refused["level"]) == ("refused", 2, "info")
    assert refused["error"] == "input_invalid"


async def test_an_unknown_caller_or_route_has_no_details(
    client: httpx.AsyncClient,
) -> None:
    log = Log(LogLevel.INFO)
    await client.get("/users/me", headers={"X-PW-AccessToken": "wrong"})
    await client.get("/nora@field.example")
    unknown_caller, unknown_route = log.requests()
    assert unknown_caller["error"] == "credentials_invalid"
    assert "account_id" not in unknown_caller
    assert (unknown_route["route"], unknown_route["status"]) == ("unknown", 404)
    assert "nora" not in log.text


async def test_a_database_that_does_not_answer_is_named_by_what_stands_behind_it(
    service: Service,
) -> None:
    class Store:
        is_ready = service.store.is_ready

        async def caller(self, key_hash: str) -> object:
            return await service.store.caller(key_hash)

        async def lead(self, *_ids: int, **_options: bool) -> LeadRead:
            raise StoreUnavailable from OSError("the disk of nora@field.example")

    runtime = replace(service.runtime, store=Store())  # type: ignore[arg-type]
    log = Log(LogLevel.INFO)
    async with client_of(runtime, service.account) as client:
        assert (await client.get("/leads/7")).status_code == 503
    line = log.request()
    assert (line["error"], line["cause"]) == ("store_unavailable", "OSError")
    assert "nora" not in log.text


async def test_no_more_refusals_are_logged_than_the_bound(
    service: Service, client: httpx.AsyncClient
) -> None:
    log = Log(LogLevel.INFO)
    for _ in range(REFUSALS_LOGGED_PER_S_MAX + 7):
        await client.get("/leads/4711")
    assert len(log.requests()) == REFUSALS_LOGGED_PER_S_MAX
    service.clock.advance(1)
    await client.get("/leads/4711")
    *before, last = log.requests()
    assert last["left_out"] == 7
    assert not any("left_out" in line for line in before)
    log = Log(LogLevel.DEBUG)
    for _ in range(REFUSALS_LOGGED_PER_S_MAX + 7):
        await client.get("/leads/4711")
    assert len(log.requests()) == REFUSALS_LOGGED_PER_S_MAX + 7


async def test_whatever_is_logged_on_the_way_has_the_request_id(service: Service) -> None:
    class TalkativeStore:
        is_ready = service.store.is_ready

        async def caller(self, key_hash: str) -> object:
            structlog.get_logger("onelead.test").info("looking for a key")
            logging.getLogger("some.library").warning("slow")
            return await service.store.caller(key_hash)

    runtime = replace(service.runtime, store=TalkativeStore())  # type: ignore[arg-type]
    log = Log(LogLevel.INFO)
    async with client_of(runtime, service.account) as client:
        response = await client.get("/users/me", headers={"X-PW-UserEmail": "x@y.example"})
    lines = [json.loads(line) for line in log.text.splitlines()]
    ours = [line for line in lines if line["logger"] in ("onelead.test", "some.library")]
    assert [line["request_id"] for line in ours] == [response.headers["X-Request-Id"]] * 2


async def test_no_line_has_a_key_an_e_mail_or_what_was_sent(
    service: Service, client: httpx.AsyncClient
) -> None:
    log = Log(LogLevel.DEBUG)
    await client.put("/leads/upsert", json=UPSERT)
    await client.post("/leads/search?name=Nora", json={"emails": ["nora@field.example"]})
    await client.post("/leads/bulk_create", json={"leads": [{"name": "Nora"}, {"nora": 1}]})
    await client.put("/leads/upsert", content=b'{"nora"')
    assert len(log.requests()) == 4
    ours = "\n".join(json.dumps(line) for line in log.requests()).lower()
    for secret in ("nora", "field.example", service.account.api_key, service.account.email):
        assert secret.lower() not in ours
