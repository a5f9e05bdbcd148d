"""An authenticated call of the API: what a handler knows about it, and the runtime behind it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from msgspec import structs
from starlette.requests import Request

from onelead.domain.account import Caller
from onelead.domain.errors import HeaderMalformed, ResourceNotFound
from onelead.domain.text import known_id, shortened, whole_number
from onelead.domain.writes import Delivery
from onelead.incoming.bulk_body import decode_bulk
from onelead.incoming.json_body import Received, decode_json, decode_object, read_json
from onelead.incoming.request_log import RequestLine
from onelead.process.runtime import Runtime

T = TypeVar("T")

_ENTITY_TAG = re.compile(r'(?P<weak>W/)?"(?P<text>[^"\x00-\x20\x7f]*)"')


class Call:
    """One call by a known caller."""

    def __init__(
        self, request: Request, runtime: Runtime, caller: Caller, line: RequestLine
    ) -> None:
        self.request = request
        self.runtime = runtime
        self.caller = caller
        self.account_id = caller.account_id
        self.request_id = line.request_id
        #: Takes down what a write did, for the log.
        self.line = line
        self._payload = ""
        self._received = Received()

    async def json_object(self) -> dict[str, Any]:
        """Read the body as a JSON object, empty when there is none. Raises what `_read` raises."""
        return await self._read(decode_object)

    async def json_value(self) -> Any:
        """Read the body as any JSON value, `{}` when there is none. Raises what `_read` raises."""
        return await self._read(decode_json)

    async def json_bulk(self) -> dict[str, Any]:
        """Read the body of a bulk call as `decode_bulk` does. Raises what `_read` raises."""
        return await self._read(decode_bulk)

    async def _read(self, decode: Callable[[bytes], T]) -> T:
        """Read the body, and keep its text for the ledger. No body is read anywhere else.

        Raises BodyMalformed, BodyTooLarge, BodyTooSlow, BodyEncodingUnknown.
        """
        body, value = await read_json(self.request, decode, self._received)
        # A body of white space alone counts as none.
        self._payload = body.decode().strip()
        return value

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

    def flag(self, name: str) -> bool:
        """Say whether a query parameter is turned on."""
        # Most calls have no query string, and reading an empty one takes time too.
        if not self.request.scope["query_string"]:
            return False
        return self.request.query_params.get(name, "").lower() in ("true", "1")

    def delivery(self, payload: str | None = None) -> Delivery:
        """Return the delivery of this call's write; `payload` replaces the whole body."""
        return Delivery(
            request_id=self.request_id,
            user_id=self.caller.user_id,
            api_key_id=self.caller.api_key_id,
            payload=self._payload if payload is None else payload,
        )

    def unread_delivery(self) -> Delivery:
        """Return the same for a call whose body could not be read."""
        delivery = self.delivery(self._received.start_as_json())
        return structs.replace(delivery, unread_bytes=self._received.size_bytes)
