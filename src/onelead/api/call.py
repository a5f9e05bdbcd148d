"""One authenticated call of the API: what a handler gets to know, and the services behind it."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from onelead.account import Caller
from onelead.errors import ResourceNotFound
from onelead.incoming.json_body import decode_json, decode_object, read_body
from onelead.incoming.request_log import RequestLine
from onelead.limits import ID_MAX
from onelead.process import Services
from onelead.text import whole_number
from onelead.upsert import Delivery


class Call:
    """One call by a known caller."""

    def __init__(
        self, request: Request, services: Services, caller: Caller, line: RequestLine
    ) -> None:
        self.request = request
        self.services = services
        self.caller = caller
        self.account_id = caller.account_id
        self.request_id = line.request_id
        #: Gets to know what a write did, for the log.
        self.line = line
        self._payload = ""

    async def json_object(self) -> dict[str, Any]:
        """Read the body as a JSON object, empty when there is none. Raises BodyMalformed."""
        body = await read_body(self.request)
        # A body of nothing but white space is no body.
        self._payload = body.decode(errors="replace").strip()
        return decode_object(body)

    async def json_value(self) -> Any:
        """Read the body as any JSON value, `{}` when there is none. Raises BodyMalformed."""
        return decode_json(await read_body(self.request))

    def path_id(self) -> int:
        """Return the id in the path. Raises ResourceNotFound for what can be nobody's id."""
        number = whole_number(self.request.path_params["id"])
        if not isinstance(number, int) or not 1 <= number <= ID_MAX:
            raise ResourceNotFound
        return number

    def flag(self, name: str) -> bool:
        """Say whether a query parameter is switched on."""
        # Most calls have no query, and reading none still costs.
        if not self.request.scope["query_string"]:
            return False
        return self.request.query_params.get(name, "").lower() in ("true", "1")

    def delivery(self, payload: str | None = None) -> Delivery:
        """Return where this call's write comes from; `payload` where it is not the whole body."""
        return Delivery(
            request_id=self.request_id,
            user_id=self.caller.user_id,
            api_key_id=self.caller.api_key_id,
            payload=self._payload if payload is None else payload,
        )
