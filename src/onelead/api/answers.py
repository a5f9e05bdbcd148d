"""Answers: JSON bodies, and Copper's error shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.datastructures import URL
from starlette.responses import Response

from onelead.domain.errors import InputInvalid, Kind, MatchAmbiguous, OneleadError, VersionConflict
from onelead.incoming.statuses import STATUS_BY_KIND, retry_after_s

#: Of every answer: it is about persons, and for the caller alone.
SAFE_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_RAW_SAFE_HEADERS = [
    (name.lower().encode(), value.encode()) for name, value in SAFE_HEADERS.items()
]

_encode = msgspec.json.Encoder().encode


@lru_cache(maxsize=64)
def _raw_name(name: str) -> bytes:
    """Return the name of a header of ours as it is sent."""
    return name.lower().encode("latin-1")


class JsonResponse(Response):
    """A JSON answer; never an empty body."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Encode the body."""
        return _encode(content)

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """Set the headers, and those of the body, which are never among the given ones."""
        # Starlette's own takes longer: it looks for them first.
        self.raw_headers = [
            *[
                (_raw_name(name), value.encode("latin-1"))
                for name, value in (headers or {}).items()
            ],
            (b"content-length", str(len(self.body)).encode()),
            (b"content-type", self.media_type.encode()),
            *_RAW_SAFE_HEADERS,
        ]


class DeletedBody(msgspec.Struct, frozen=True):
    """The answer to a delete."""

    id: int
    is_deleted: bool


class DeliveredBody(msgspec.Struct, frozen=True):
    """What a key with the scope `deliver` is answered in the place of a lead."""

    id: int


class ErrorBody(msgspec.Struct, frozen=True, kw_only=True):
    """The standard error."""

    success: bool = False
    #: The HTTP status, repeated.
    status: int
    message: str


class AmbiguousBody(ErrorBody, frozen=True, kw_only=True):
    """The answer to an upsert that several leads match, with their ids in ascending order."""

    ids: Sequence[int]


class BareErrorBody(msgspec.Struct, frozen=True):
    """Copper's short error: for an unknown route or method, or too many leads in a bulk call."""

    error: str


def error_response(error: OneleadError, headers: Mapping[str, str] | None = None) -> Response:
    """Render an expected error, with the headers of a receipt when it refuses a write."""
    status = STATUS_BY_KIND[error.kind]
    body: ErrorBody
    if isinstance(error, MatchAmbiguous) and error.ids:
        body = AmbiguousBody(status=status, message=error.message, ids=error.ids)
    else:
        body = ErrorBody(status=status, message=error.message)
    response = JsonResponse(body, status, headers)
    if (seconds := retry_after_s(error)) is not None:
        response.headers["Retry-After"] = str(seconds)
    if isinstance(error, VersionConflict):
        response.headers["ETag"] = f'"{error.version}"'
    if error.kind is Kind.UNSUPPORTED:
        response.headers["Accept-Encoding"] = "gzip, deflate"
    if error.kind is Kind.TIMEOUT:
        # The rest of the body may never arrive.
        response.headers["Connection"] = "close"
    return response


def internal_error(request_id: str) -> Response:
    """Render an unexpected failure: the id to look for in the log, and nothing else."""
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    message = f"Internal error, request {request_id}"
    return JsonResponse(ErrorBody(status=status, message=message), status)


def no_route() -> Response:
    """Render the answer to an unknown route."""
    return JsonResponse(BareErrorBody("not_found"), HTTPStatus.NOT_FOUND)


def no_method(allow: str) -> Response:
    """Render the answer to a method that a path does not take; `allow` names those it takes."""
    status = HTTPStatus.METHOD_NOT_ALLOWED
    return JsonResponse(BareErrorBody("method_not_allowed"), status, {"Allow": allow})


def bulk_failure(error: OneleadError, lead_id: int | None) -> dict[str, Any]:
    """Render one item's failure inside a bulk answer."""
    message: dict[str, list[dict[str, str]]] = {}
    if isinstance(error, InputInvalid):
        for problem in error.problems:
            message.setdefault(problem.attribute, []).append({"error": problem.symbol})
    else:
        message["id" if error.kind is Kind.NOT_FOUND else "base"] = [{"error": error.kind.value}]
    return {"success": False, **({"id": lead_id} if lead_id else {}), "message": message}


def next_page_link(url: URL, **begins: Any) -> str:
    """Return the Link header for the next page, with the criteria of the query string.

    `begins` is the parameter that says where it begins.
    """
    following = url.remove_query_params("page_number").include_query_params(**begins)
    return f'<{following.path}?{following.query}>; rel="next"'
