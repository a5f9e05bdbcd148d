"""A stand-in that answers as Copper does: its limits, counts, short pages, refusals and faults.

What it does not know it refuses, as Copper does. Time is a clock that a test moves, or that moves
itself while a client sleeps.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2

KEY, EMAIL = "copper-secret-key-4711", "dana@shop.example"
#: When its first lead was changed.
START = 1_600_000_000
_MINUTE_S = 60.0
_REQUESTS_PER_MINUTE = 180
_SEARCH_KEYS = frozenset(
    {
        *("ids", "page_number", "page_size", "sort_by", "sort_direction"),
        *("minimum_modified_date", "maximum_modified_date", "include_converted_leads"),
    }
)


@dataclass
class Time:
    """A clock that goes on while somebody sleeps."""

    running_s: float = 1_000.0

    def monotonic(self) -> float:
        return self.running_s

    async def sleep(self, seconds: float) -> None:
        self.running_s += seconds


@dataclass
class Answer:
    """What comes back; without a status, the connection breaks."""

    status: int | None
    content: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def answered(value: Any, status: int = 200, *, total: int | None = None) -> Answer:
    """Return an answer in JSON; `total` is how many a search counts."""
    headers = {} if total is None else {"X-Pw-Total": str(total)}
    return Answer(status, json.dumps(value).encode(), headers)


def refused(status: int, message: str) -> Answer:
    """Return an error in Copper's form."""
    return answered({"success": False, "status": status, "message": message}, status)


@dataclass
class StandIn:
    """An account of Copper."""

    time: Time = field(default_factory=Time)
    account: dict[str, Any] = field(
        default_factory=lambda: {
            "id": 100,
            "name": "Shop Ltd",
            "primary_timezone": "America/Chicago",
        }
    )
    users: list[dict[str, Any]] = field(
        default_factory=lambda: [
            {"id": 901, "name": "Dana Poe", "email": EMAIL, "groups": []},
            {"id": 902, "name": "Kim Roe", "email": "kim@shop.example"},
        ]
    )
    statuses: list[dict[str, Any]] = field(
        default_factory=lambda: [
            {"id": 2001, "name": "New", "order": 1, "is_default": True},
            {"id": 2002, "name": "Called", "order": 2, "is_default": False},
        ]
    )
    sources: list[dict[str, Any]] = field(
        default_factory=lambda: [{"id": 3101, "name": "Fair"}, {"id": 3102, "name": "Email"}]
    )
    definitions: list[dict[str, Any]] = field(default_factory=list)
    #: By id.
    leads: dict[int, dict[str, Any]] = field(default_factory=dict)
    #: Leads that a search counts and does not show.
    ghosts: set[int] = field(default_factory=set)
    #: How far a search reaches.
    reach: int = 100_000
    #: Called with the number of each request, counted from 1, before it is answered; what it
    #: returns is answered instead.
    on_request: Callable[[int], Answer | None] = lambda _number: None
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    too_many: int = 0
    _begun: deque[float] = field(default_factory=deque)

    def add(self, number: int, **values: Any) -> dict[str, Any]:
        """Add a lead, or change it: the time of the change grows with the number."""
        lead_id = 71_000_000 + number
        lead = self.leads.get(lead_id) or _empty_lead(lead_id, number)
        self.leads[lead_id] = lead | values
        return self.leads[lead_id]

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> Answer:
        """Answer a request."""
        asked = json.loads(body or b"{}")
        self.requests.append((f"{method} {path}", asked))
        if (instead := self.on_request(len(self.requests))) is not None:
            return instead
        if self._is_too_much():
            self.too_many += 1
            return refused(429, "Too many requests")
        if (headers.get("x-pw-accesstoken"), headers.get("x-pw-useremail")) != (KEY, EMAIL):
            return refused(401, "Unauthorized")
        assert headers.get("x-pw-application") == "developer_api"
        assert headers.get("content-type") == "application/json"
        return self._found(method, path, asked)

    def _found(self, method: str, path: str, asked: dict[str, Any]) -> Answer:
        if (method, path) == ("POST", "/leads/search"):
            return self._search(asked)
        if (method, path) == ("POST", "/users/search"):
            start = (asked["page_number"] - 1) * asked["page_size"]
            return answered(self.users[start : start + asked["page_size"]])
        lists = {
            "/account": self.account,
            "/lead_statuses": self.statuses,
            "/customer_sources": self.sources,
            "/custom_field_definitions": self.definitions,
            "/tags": self._tags(),
        }
        if method == "GET" and path in lists:
            return answered(lists[path])
        return answered({"error": "not_found"}, 404)

    def _is_too_much(self) -> bool:
        now = self.time.monotonic()
        while self._begun and self._begun[0] <= now - _MINUTE_S:
            self._begun.popleft()
        self._begun.append(now)
        return len(self._begun) > _REQUESTS_PER_MINUTE

    def _tags(self) -> list[dict[str, Any]]:
        names = {tag for lead in self.leads.values() for tag in lead["tags"]}
        return [{"name": name, "count": 1, "count_leads": 1} for name in sorted(names)]

    def _search(self, asked: dict[str, Any]) -> Answer:
        if unknown := sorted(asked.keys() - _SEARCH_KEYS):
            text = f"Base: Unrecognized attributes specified: {', '.join(unknown)}"
            return refused(422, f"Invalid input: Validation errors: {text}")
        size, number = asked.get("page_size", 20), asked.get("page_number", 1)
        assert 1 <= size <= 200
        lowest, highest = asked.get("minimum_modified_date", 0), asked.get("maximum_modified_date")
        leads = self.leads
        if "ids" in asked:
            leads = {one: leads[one] for one in asked["ids"] if one in leads}
        found = [
            lead
            for lead in leads.values()
            if lead["date_modified"] >= lowest
            and (highest is None or lead["date_modified"] <= highest)
            and (lead["converted_at"] is None or asked.get("include_converted_leads"))
        ]
        found.sort(key=lambda lead: (lead["date_modified"], lead["id"]))
        start = (number - 1) * size
        reached = found[: self.reach][start : start + size]
        shown = [lead for lead in reached if lead["id"] not in self.ghosts]
        return answered(shown, total=len(found))

    def transport(self) -> httpx2.MockTransport:
        """Return what carries the requests of a client here, within the process."""

        def handle(request: httpx2.Request) -> httpx2.Response:
            path = request.url.path.removeprefix("/developer_api/v1")
            answer = self.answer(request.method, path, request.headers, request.content)
            if answer.status is None:
                raise httpx2.RemoteProtocolError("cut")
            return httpx2.Response(answer.status, content=answer.content, headers=answer.headers)

        return httpx2.MockTransport(handle)

    @contextmanager
    def listening(self) -> Iterator[str]:
        """Listen on a free port, and give the base URL."""
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._reply()

            do_POST = do_GET  # noqa: N815 - the same

            def _reply(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                path = self.path.removeprefix("/developer_api/v1")
                answer = stand_in.answer(self.command, path, self.headers, body)
                if answer.status is None:
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                headers = answer.headers | {"content-length": str(len(answer.content))}
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.content)

            def log_message(self, *_parts: Any) -> None:
                """Say nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_port}/developer_api/v1"
            finally:
                server.shutdown()
                thread.join()


def _empty_lead(lead_id: int, number: int) -> dict[str, Any]:
    empty = (
        *("prefix", "middle_name", "suffix", "address", "assignee_id", "company_name"),
        *("customer_source_id", "details", "monetary_unit", "monetary_value", "title"),
        *("date_last_contacted", "converted_opportunity_id", "converted_contact_id"),
        *("converted_at", "converted_unit", "converted_value"),
    )
    return {
        "id": lead_id,
        "name": f"Nora Field{number}",
        "first_name": "Nora",
        "last_name": f"Field{number}",
        **dict.fromkeys(empty),
        "email": {"email": f"nora{number}@field.example", "category": "work"},
        "interaction_count": 0,
        "socials": [],
        "status": "New",
        "status_id": 2001,
        "tags": [],
        "websites": [],
        "phone_numbers": [],
        "custom_fields": [],
        "date_created": START - 1_000_000 + number,
        "date_modified": START + 100 * number,
    }
