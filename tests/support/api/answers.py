"""How tests compare whole answers of the API, and the bodies of its refusals."""

from __future__ import annotations

import json
from typing import Any

import httpx

from onelead.api.answers import SAFE_HEADERS

NOT_FOUND = {"success": False, "status": 404, "message": "Resource not found"}
FORBIDDEN = {"success": False, "status": 403, "message": "Forbidden"}
NO_ROUTE = {"error": "not_found"}
NO_METHOD = {"error": "method_not_allowed"}
UNAUTHORISED = {"success": False, "status": 401, "message": "Unauthorized"}


def invalid(*lines: str) -> dict[str, Any]:
    """Build the body of a 422 with these lines under the standard prefix."""
    message = "Invalid input: Validation errors: " + "\n".join(lines)
    return {"success": False, "status": 422, "message": message}


def assert_body(response: httpx.Response, status: int, body: Any) -> None:
    """Compare the status and the body's text, and so the order of the keys; not the headers."""
    assert response.text == json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/json"


def assert_invalid(response: httpx.Response, *lines: str) -> None:
    """The answer is a 422 with exactly these lines."""
    assert_body(response, 422, invalid(*lines))


def assert_answer(response: httpx.Response, status: int, body: Any, **headers: str) -> None:
    """Compare an answer: the status, the body's text, and all headers (`retry_after="1"`)."""
    assert_body(response, status, body)
    sent = dict(response.headers)
    assert sent.pop("content-length") == str(len(response.content))
    assert sent.pop("x-request-id").startswith("request-")
    expected = {name.replace("_", "-"): value for name, value in headers.items()}
    always = {name.lower(): value for name, value in SAFE_HEADERS.items()}
    assert sent == {"content-type": "application/json"} | always | expected


def assert_only(response: httpx.Response, allow: str) -> None:
    """The answer is the one to a method that a path does not take, or to `OPTIONS`."""
    assert response.headers["Allow"] == allow
    if response.request.method == "OPTIONS":
        assert (response.status_code, response.content) == (204, b"")
    elif response.request.method == "HEAD":
        assert (response.status_code, response.content) == (405, b"")
    else:
        assert_body(response, 405, NO_METHOD)
