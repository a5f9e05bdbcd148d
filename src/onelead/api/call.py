"""An authenticated call of the API: what a handler knows about it, and the runtime behind it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import Any, Literal, NamedTuple, TypeVar

from msgspec import structs
from starlette.requests import Request

from onelead.domain.account import Caller
from onelead.domain.errors import HeaderMalformed, Problem, ResourceNotFound
from onelead.domain.text import known_id, quoted, shortened, whole_number
from onelead.domain.writes import Delivery, IdempotencyKey
from onelead.incoming.bulk_body import decode_bulk
from onelead.incoming.json_body import (
    Received,
    decode_json,
    decode_object,
    read_body,
    read_json,
)
from onelead.incoming.json_lines import ArrivingLines, Line, lines_in_array
from onelead.incoming.request_log import RequestLine
from onelead.incoming.write_headers import (
    KeyPlace,
    WriteHeaders,
    idempotency_key,
    line_key,
    write_headers,
)
from onelead.process.runtime import Runtime

T = TypeVar("T")

_ENTITY_TAG = re.compile(r'(?P<weak>W/)?"(?P<text>[^"\x00-\x20\x7f]*)"')


_DRY_RUN = "dry_run"


class Precondition(NamedTuple):
    """For which leads an upsert is meant; None for any."""

    only: Literal["create", "update"] | None = None
    version: int | None = None


_ANY = Precondition()


class Call:
    """One call by a known caller."""

    def __init__(
        self,
        request: Request,
        runtime: Runtime,
        caller: Caller,
        line: RequestLine,
        look_again: Callable[[], Awaitable[Caller]],
    ) -> None:
        self.request = request
        #: Raises CredentialsInvalid as soon as the key works no more, for calls that take long.
        self.look_again = look_again
        self.runtime = runtime
        self.caller = caller
        self.account_id = caller.account_id
        self.request_id = line.request_id
        #: Takes down what a write did, for the log.
        self.line = line
        self._headers: WriteHeaders | None = None
        self._bulk_key: IdempotencyKey | None = None
        self._payload = ""
        self._received = Received()

    def json_object(self) -> Awaitable[dict[str, Any]]:
        """Read the body as a JSON object, empty when there is none. Raises what `_read` raises."""
        return self._read(decode_object)

    def json_value(self) -> Awaitable[Any]:
        """Read the body as any JSON value, `{}` when there is none. Raises what `_read` raises."""
        return self._read(decode_json)

    def json_bulk(self) -> Awaitable[dict[str, Any]]:
        """Read the body of a bulk call as `decode_bulk` does. Raises what `_read` raises."""
        return self._read(decode_bulk)

    async def _read(self, decode: Callable[[bytes], T]) -> T:
        """Read the body, and keep its text for the ledger. No body is read anywhere else.

        Raises BodyMalformed, BodyTooLarge, BodyTooSlow, BodyEncodingUnknown.
        """
        body = await read_body(self.request, self._received)
        body, value = read_json(body, decode, self.request)
        # A body of white space alone counts as none.
        self._payload = body.decode().strip()
        return value

    @cached_property
    def _names(self) -> frozenset[bytes]:
        """The names of the headers; looking for each among all headers takes longer."""
        return frozenset([name for name, _ in self.request.scope["headers"]])

    def path_id(self) -> int:
        """Return the id in the path. Raises ResourceNotFound for one that nothing can have."""
        number = known_id(self.request.path_params["id"])
        if number is None:
            raise ResourceNotFound
        return number

    def expected_version(self) -> int | None:
        """Return the version of a lead that `If-Match` names; None for any.

        A tag that is not a version becomes 0, which no lead has. Raises HeaderMalformed.
        """
        header = ", ".join(self.request.headers.getlist("if-match")).strip()
        if header in ("", "*"):
            return None
        tag = _ENTITY_TAG.fullmatch(header)
        if tag is None:
            raise HeaderMalformed(f'If-Match must be * or one ETag, as in "3": {shortened(header)}')
        # A weak tag matches nothing here, by RFC 9110.
        version = None if tag["weak"] else whole_number(tag["text"])
        return version if isinstance(version, int) else 0

    def precondition(self) -> Precondition:
        """Return for which leads an upsert is meant. Raises HeaderMalformed.

        `If-None-Match: *` is for creating one, `If-Match: *` for updating one, or the version that
        it names.
        """
        headers = self.request.headers
        if b"if-none-match" not in self._names:
            if b"if-match" not in self._names:
                return _ANY
            version = self.expected_version()
            is_any = version is None and headers["if-match"].strip() != "*"
            return _ANY if is_any else Precondition("update", version)
        if headers["if-none-match"].strip() != "*":
            raise HeaderMalformed("If-None-Match of an upsert must be *")
        if b"if-match" in self._names:
            raise HeaderMalformed("If-Match and If-None-Match exclude each other")
        return Precondition("create")

    def dry_run(self) -> tuple[bool, tuple[Problem, ...]]:
        """Return whether nothing is to be written, and what is wrong with the parameter."""
        if not self.request.scope["query_string"]:
            return False, ()
        sent = self.request.query_params.get(_DRY_RUN)
        if sent is None or sent.lower() in ("false", "0"):
            return False, ()
        if sent.lower() in ("true", "1"):
            return True, ()
        # It would be worse to write what was only to be looked at.
        return False, (Problem(_DRY_RUN, f"must be true or false, not {quoted(sent)}"),)

    def flag(self, name: str) -> bool:
        """Say whether a query parameter is turned on."""
        # Most calls have no query string, and reading an empty one takes time too.
        if not self.request.scope["query_string"]:
            return False
        return self.request.query_params.get(name, "").lower() in ("true", "1")

    def delivery(self, payload: str | None = None, number: int | None = None) -> Delivery:
        """Return the delivery of this call's write; `payload` replaces the whole body.

        Of the items of a bulk call, each has its `number`, from 0. Raises HeaderMalformed.
        """
        headers = self._write_headers()
        return Delivery(
            request_id=self.request_id,
            user_id=self.caller.user_id,
            api_key_id=self.caller.api_key_id,
            payload=self._payload if payload is None else payload,
            idempotency=self._key(headers.idempotency_key, number),
            observed_at=headers.observed_at,
        )

    def line_delivery(self, line: str, number: int, key: str | None) -> Delivery:
        """Return the delivery of one line of a bulk upsert, which may have a key of its own.

        Otherwise the key of the call counts, together with the line's number. Raises
        HeaderMalformed.
        """
        headers = self._write_headers()
        given = headers.idempotency_key if key is None else key
        idempotency = None
        if given is not None:
            place = KeyPlace(self.caller.api_key_id, self.request.scope["path"])
            within = number if key is None else None
            idempotency = line_key(place, given, self.request.method, line, within)
        return Delivery(
            request_id=self.request_id,
            user_id=self.caller.user_id,
            api_key_id=self.caller.api_key_id,
            payload=line,
            batch_id=self.request_id,
            idempotency=idempotency,
            observed_at=headers.observed_at,
        )

    def json_lines(self) -> Awaitable[list[Line]]:
        """Read the body as a JSON array of lines. Raises what `_read` raises."""
        return self._read(lines_in_array)

    def lines(self) -> ArrivingLines:
        """Return the body as JSON Lines, to be read as it arrives. Raises BodyEncodingUnknown."""
        return ArrivingLines(self.request, self._received, self.runtime.writer.ends_bulk)

    def _write_headers(self) -> WriteHeaders:
        if self._headers is None:
            self._headers = write_headers(self._names, self.request.scope["headers"])
        return self._headers

    def _key(self, key: str | None, number: int | None) -> IdempotencyKey | None:
        if key is None:
            return None
        if number is None:
            return self._key_of_call(key, is_bulk=False)
        if self._bulk_key is None:
            # The items have the body of the whole call, which may be long.
            self._bulk_key = self._key_of_call(key, is_bulk=True)
        return structs.replace(self._bulk_key, key_hash=self._bulk_key.call_hashes[number])

    def _key_of_call(self, key: str, *, is_bulk: bool) -> IdempotencyKey:
        place = KeyPlace(self.caller.api_key_id, self.request.scope["path"])
        return idempotency_key(place, key, self.request.method, self._payload, is_bulk=is_bulk)

    def unread_delivery(self) -> Delivery:
        """Return the same for a call whose body could not be read, which no key can repeat."""
        delivery = self.delivery(self._received.start_as_json())
        size_bytes = self._received.size_bytes
        return structs.replace(delivery, unread_bytes=size_bytes, idempotency=None)
