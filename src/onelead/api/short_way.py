"""The short way of the calls that write one lead: from a whole request to the writer and back.

A request on it has no ASGI scope, task or future of its own, which is half of what a call costs the
serving process. It takes only requests whose answer is certain to be the one of the long way, the
application; whatever else comes is left to that, before anything has been done. So every refusal
of a request has one source, and what the two share, from the reading of a body to the answer, is
the same code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from starlette.responses import Response

from onelead.api import lead_endpoints
from onelead.api.answers import error_response, internal_error
from onelead.api.auth import Authenticator
from onelead.api.lead_writes import Done, answered
from onelead.domain.account import Caller
from onelead.domain.api_keys.purposes import KeyScope, includes, is_from
from onelead.domain.errors import OneleadError
from onelead.domain.text import known_id
from onelead.domain.writes import Action, Delivery, LeadWrite
from onelead.incoming.api_calls import BASE_PATH
from onelead.incoming.json_body import decode_object
from onelead.incoming.lead_json import lead_write, upsert_write
from onelead.incoming.own_host import OwnHost
from onelead.incoming.request_log import RequestLine, RequestLog
from onelead.incoming.served import RouteRecord
from onelead.process.runtime import Runtime
from onelead.process.writer import Receipt

_LEADS = f"{BASE_PATH}/leads".encode()
_BY_ID = _LEADS + b"/{id}"
_ROUTES = {
    (b"POST", _LEADS): Action.CREATE,
    (b"PUT", _LEADS + b"/upsert"): Action.UPSERT,
    (b"PUT", _BY_ID): Action.UPDATE,
    (b"DELETE", _BY_ID): Action.DELETE,
}
_SCOPES = {
    (endpoint.method.encode(), (BASE_PATH + endpoint.path).encode()): endpoint.scope
    for endpoint in lead_endpoints.ENDPOINTS
}
#: Headers that change what a call means, or how its body is read.
_LONG_WAY = frozenset(
    {
        *(b"if-match", b"if-none-match", b"idempotency-key", b"lead-observed-at"),
        *(b"content-encoding", b"expect", b"upgrade"),
    }
)


#: From the address of the peer and the header X-Forwarded-For to the client's address.
ClientOf = Callable[[str, str], str]


def peer_itself(peer: str, _forwarded: str) -> str:
    """Trust no proxy."""
    return peer


class AnswersRequest(Protocol):
    """The connection that a request came on."""

    def answer(self, response: Response) -> None:
        """Send the answer to the request that is owed one."""


class HotRoute(NamedTuple):
    """What a request asks for."""

    action: Action
    lead_id: int | None
    scope: KeyScope
    record: RouteRecord


class ShortWay:
    """The short way of one process."""

    def __init__(
        self,
        runtime: Runtime,
        authenticator: Authenticator,
        request_log: RequestLog,
        client_of: ClientOf,
    ) -> None:
        self._own_host = OwnHost(runtime.url)
        self._writer = runtime.writer
        self._authenticator = authenticator
        self._client_of = client_of
        self._records = {
            (method, path): RouteRecord(
                method.decode(), path.decode().removeprefix(BASE_PATH), runtime, request_log
            )
            for method, path in _ROUTES
        }

    def route(self, method: bytes, path: bytes) -> HotRoute | None:
        """Return what a request for a path, with its query string, asks for; None for most."""
        lead_id = None
        parent, _, name = path.rpartition(b"/")
        if parent == _LEADS and name.isdigit():
            lead_id, path = known_id(name.decode()), _BY_ID
            if lead_id is None:
                return None
        key = (method, path)
        action = _ROUTES.get(key)
        return HotRoute(action, lead_id, _SCOPES[key], self._records[key]) if action else None

    def take(
        self,
        route: HotRoute,
        headers: list[tuple[bytes, bytes]],
        body: bytes,
        peer: str,
        connection: AnswersRequest,
    ) -> bool:
        """Do what a whole request asks for, or say that it has to go the long way.

        `peer` is the address at the other end of the connection, which is told the answer, at once
        or later.
        """
        found = dict(headers)
        # A header that comes twice is for the long way to judge.
        if len(found) != len(headers) or not _LONG_WAY.isdisjoint(found):
            return False
        if b"host" not in found or not self._own_host.is_own(found[b"host"]):
            return False
        caller = self._authenticator.known_caller(found)
        forwarded = found.get(b"x-forwarded-for")
        address = self._client_of(peer, forwarded.decode("latin-1")) if forwarded else peer
        if caller is None or not _may_call(caller, route.scope, address):
            return False
        began, line = route.record.begun()
        try:
            payload = "" if route.action is Action.DELETE else body.decode().strip()
            delivery = Delivery(line.request_id, caller.user_id, caller.api_key_id, payload)
            write = _write(route, body, delivery)
        except Exception:  # noqa: BLE001 - whatever it is, the long way has an answer
            return False
        if write.problems:
            return False
        self._authenticator.note(caller, address)
        line.account_id = caller.account_id
        call = _ShortCall(began, line, caller, route.record, connection)
        try:
            self._writer.submit(caller.account_id, write, call)
        except Exception as error:  # noqa: BLE001 - as above, but the writer may have counted it
            call.set_exception(error)
        return True


def _may_call(caller: Caller, scope: KeyScope, address: str) -> bool:
    is_there = not caller.networks or is_from(caller.networks, address)
    return is_there and includes(caller.scope, scope)


def _write(route: HotRoute, body: bytes, delivery: Delivery) -> LeadWrite:
    if route.action is Action.UPSERT:
        return upsert_write(decode_object(body), delivery)
    if route.action is Action.DELETE:
        return LeadWrite(Action.DELETE, delivery, route.lead_id)
    return lead_write(route.action, route.lead_id, decode_object(body), delivery)


class _ShortCall:
    """Takes the receipt from the writer, and answers."""

    __slots__ = ("_began", "_caller", "_connection", "_line", "_record")

    def __init__(
        self,
        began: float,
        line: RequestLine,
        caller: Caller,
        record: RouteRecord,
        connection: AnswersRequest,
    ) -> None:
        self._began = began
        self._line = line
        self._caller = caller
        self._record = record
        self._connection = connection

    def done(self) -> bool:
        """Say that nobody else has answered."""
        return False

    def set_result(self, receipt: Receipt) -> None:
        """Answer with the receipt."""
        try:
            done = Done(receipt.result, receipt.settings, receipt.seq)
            response = answered(done, self._line, self._caller, computed=False)
        except Exception as defect:  # noqa: BLE001 - the log gets it, and the caller its number
            self._fail(defect)
        else:
            self._end(response, None)

    def set_exception(self, error: Exception) -> None:
        """Answer that the write failed."""
        if isinstance(error, OneleadError):
            self._line.refused_by(error)
            self._end(error_response(error), None)
        else:
            self._fail(error)

    def _fail(self, defect: Exception) -> None:
        self._end(internal_error(self._line.request_id), defect)

    def _end(self, response: Response, defect: Exception | None) -> None:
        self._record.ended(self._began, self._line, response, defect)
        self._connection.answer(response)
