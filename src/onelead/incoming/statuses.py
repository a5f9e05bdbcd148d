"""The HTTP status of each kind of error, and when to try again."""

from __future__ import annotations

from http import HTTPStatus

from onelead.domain.errors import Kind, OneleadError
from onelead.domain.limits import RETRY_AFTER_S

STATUS_BY_KIND = {
    Kind.MALFORMED: HTTPStatus.BAD_REQUEST,
    Kind.UNAUTHORISED: HTTPStatus.UNAUTHORIZED,
    Kind.FORBIDDEN: HTTPStatus.FORBIDDEN,
    Kind.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Kind.MISDIRECTED: HTTPStatus.MISDIRECTED_REQUEST,
    Kind.TIMEOUT: HTTPStatus.REQUEST_TIMEOUT,
    Kind.PRECONDITION: HTTPStatus.PRECONDITION_FAILED,
    Kind.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Kind.UNSUPPORTED: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Kind.INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
    Kind.CONFLICT: HTTPStatus.CONFLICT,
    Kind.GONE: HTTPStatus.GONE,
    Kind.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    Kind.THROTTLED: HTTPStatus.TOO_MANY_REQUESTS,
}


def retry_after_s(error: OneleadError) -> int | None:
    """Return after how many seconds to try again; None when that would not help."""
    if error.retry_after_s is not None or error.kind is Kind.UNAVAILABLE:
        return error.retry_after_s or RETRY_AFTER_S
    return None
