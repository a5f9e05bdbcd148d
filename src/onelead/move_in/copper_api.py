"""Copper's API as a client: its limits, its faults, and answers of bounded size.

A request that fails for a passing reason is made again. The key is in the headers of requests and
nowhere else: redirects are not followed, and no message quotes a request.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

import msgspec

from onelead.domain.errors import Kind, NotPossible, OneleadError
from onelead.domain.limits import PAGE_SIZE_MAX
from onelead.domain.sign_in.company import is_safe_url
from onelead.domain.text import quoted
from onelead.incoming.json_body import HALF_PAIR, fault_of_text
from onelead.move_in.limits import (
    COPPER_ANSWER_BYTES_MAX,
    COPPER_PAUSE_S_MAX,
    COPPER_REQUESTS_PER_MINUTE_MAX,
    COPPER_TIMEOUT_S,
    COPPER_TRIES_MAX,
)

if TYPE_CHECKING:
    from httpx2 import AsyncBaseTransport, Response

T = TypeVar("T")
#: A little longer than Copper's minute, as requests travel for different times.
_MINUTE_S = 61.0
_OK, _TOO_MANY = 200, 429
_PASSING = {408, _TOO_MANY, 500, 502, 503, 504}
_WHY = {
    401: "Copper does not know this key with this e-mail",
    403: "Copper does not allow this; the key's user must see all leads, and leads must be on",
}


class CopperFailed(OneleadError, code="copper_failed", kind=Kind.UNAVAILABLE):
    """Copper did not answer as it should."""


class Found(NamedTuple):
    """One page of a search."""

    entries: list[dict[str, Any]]
    #: How many there are in all; Copper may count too many. None when it does not say.
    total: int | None


class CopperKey(NamedTuple):
    """What opens Copper: a key, and the e-mail of its user."""

    email: str
    key: str


class Copper:
    """Asks Copper, within its limits. `async with` closes the connections."""

    def __init__(
        self,
        key: CopperKey,
        base_url: str,
        *,
        transport: AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises NotPossible for an address that others could listen to, and without the client."""
        try:
            from httpx2 import AsyncClient  # noqa: PLC0415 - an extra
        except ImportError:
            raise NotPossible(
                "moving in needs further packages: make company installs them"
            ) from None
        if not is_safe_url(base_url):
            raise NotPossible("the base URL must begin with https://")
        headers = {
            "X-PW-AccessToken": key.key,
            "X-PW-Application": "developer_api",
            "X-PW-UserEmail": key.email,
            "Content-Type": "application/json",
            # An answer is as large as it looks.
            "Accept-Encoding": "identity",
        }
        try:
            self._http = AsyncClient(headers=headers, timeout=COPPER_TIMEOUT_S, transport=transport)
        except UnicodeEncodeError:
            raise NotPossible("the key and the e-mail must be plain letters and digits") from None
        self._base_url = base_url.rstrip("/")
        self._sleep = sleep
        self._monotonic = monotonic
        #: When the last requests began.
        self._begun: deque[float] = deque(maxlen=COPPER_REQUESTS_PER_MINUTE_MAX)
        self.requests = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def get(self, path: str, wanted: type[T]) -> T:
        """Return what a path has. Raises CopperFailed."""
        content, _headers = await self._answer("GET", path, None)
        return self.read(path, content, wanted)

    async def search(self, path: str, criteria: Mapping[str, Any]) -> Found:
        """Return a page of a search. Raises CopperFailed."""
        body = {"page_size": PAGE_SIZE_MAX, **criteria}
        content, headers = await self._answer("POST", path, body)
        total = headers.get("x-pw-total", "")
        return Found(
            self.read(path, content, list[dict[str, Any]]),
            int(total[:18]) if total.isascii() and total.isdigit() else None,
        )

    @staticmethod
    def read(path: str, content: Any, wanted: type[T]) -> T:
        """Return what came from a path as what it should be. Raises CopperFailed."""
        try:
            return msgspec.convert(content, wanted)
        except msgspec.ValidationError:
            raise CopperFailed(f"Copper's answer at {path} is not what it should be") from None

    async def _answer(self, method: str, path: str, body: Any) -> tuple[Any, Mapping[str, str]]:
        """Ask until there is an answer."""
        from httpx2 import RequestError  # noqa: PLC0415 - an extra

        why = ""
        for attempt in range(COPPER_TRIES_MAX):
            await self._turn()
            pause: float = min(2**attempt, COPPER_PAUSE_S_MAX)
            try:
                async with asyncio.timeout(COPPER_TIMEOUT_S):
                    status, headers, content = await self._sent(method, path, body)
                if status == _OK:
                    return _decoded(content), headers
            except (RequestError, TimeoutError, ValueError) as error:
                why = f"the connection failed ({type(error).__name__})"
            else:
                if status not in _PASSING:
                    raise _refusal(path, status, content)
                why = f"it answers {status}"
                if status == _TOO_MANY:
                    pause = _wanted_pause(headers, default=max(pause, 5))
            await self._sleep(pause)
        raise CopperFailed(
            f"Copper does not answer at {path}: {why}. Run the same command again to go on"
        )

    async def _turn(self) -> None:
        """Wait until one more request is within Copper's limit."""
        if len(self._begun) == COPPER_REQUESTS_PER_MINUTE_MAX:
            wait_s = self._begun[0] + _MINUTE_S - self._monotonic()
            if wait_s > 0:
                await self._sleep(wait_s)
        self._begun.append(self._monotonic())
        self.requests += 1

    async def _sent(
        self, method: str, path: str, body: Any
    ) -> tuple[int, Mapping[str, str], bytes]:
        content = None if body is None else msgspec.json.encode(body)
        async with self._http.stream(method, self._base_url + path, content=content) as response:
            return response.status_code, response.headers, await _bounded(path, response)


async def _bounded(path: str, response: Response) -> bytes:
    if response.headers.get("content-encoding", "identity") != "identity":
        raise CopperFailed(f"Copper's answer at {path} is compressed although nobody asked")
    content = bytearray()
    async for piece in response.aiter_bytes():
        content += piece
        if len(content) > COPPER_ANSWER_BYTES_MAX:
            raise CopperFailed(
                f"Copper's answer at {path} is larger than {COPPER_ANSWER_BYTES_MAX} bytes"
            )
    return bytes(content)


def _decoded(content: bytes) -> Any:
    """Return what JSON says, without what no database keeps. Raises ValueError."""
    try:
        value = msgspec.json.decode(content)
    except msgspec.DecodeError:
        # It does not know halves of surrogate pairs, which some programs store.
        value = json.loads(content)
    except RecursionError:
        raise ValueError from None
    if b"\\u" in content and fault_of_text(value):
        return _storable(value)
    return value


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return HALF_PAIR.sub("\ufffd", value.replace("\0", ""))
    if isinstance(value, list):
        return [_storable(one) for one in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(one) for key, one in value.items()}
    return value


def _wanted_pause(headers: Mapping[str, str], *, default: float) -> float:
    """Return how long an answer asks to wait; Copper itself does not say."""
    text = headers.get("retry-after", "")
    asked = int(text[:9]) if text.isascii() and text.isdigit() else default
    return min(asked, COPPER_PAUSE_S_MAX)


def _refusal(path: str, status: int, content: bytes) -> CopperFailed:
    try:
        message = msgspec.json.decode(content)["message"]
    except (msgspec.DecodeError, KeyError, TypeError, RecursionError):
        message = ""
    reason = f": {quoted(message)}" if isinstance(message, str) and message else ""
    why = _WHY.get(status, f"Copper refuses {path}")
    return CopperFailed(f"{why} ({status}{reason})")
