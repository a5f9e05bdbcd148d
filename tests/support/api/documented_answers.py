"""The OpenAPI document as a judge: it has to describe every answer that a test gets."""

from __future__ import annotations

from http import HTTPStatus

import httpx
import schemathesis
from schemathesis.checks import CheckFunction
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from onelead.api.application import ENDPOINTS
from onelead.api.openapi import openapi_document

CHECKS: list[CheckFunction] = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
DOCUMENT = schemathesis.openapi.from_dict(openapi_document(ENDPOINTS))


async def require_documented(response: httpx.Response) -> None:
    """Fail on an answer that the document does not describe; a hook for clients."""
    request = response.request
    operation = DOCUMENT.find_operation_by_path(request.method, request.url.path)
    if operation is None or response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        # A document has no place for the methods that a path does not take.
        return
    await response.aread()
    # The request's body may be a stream that is used up; the answer is judged without it.
    answer = httpx.Response(
        response.status_code,
        headers=response.headers,
        content=response.content,
        request=httpx.Request(request.method, request.url),
    )
    answer.elapsed = response.elapsed
    operation.Case(path_parameters=dict.fromkeys(("id", "seq", "value_id"), 1)).validate_response(
        answer, checks=CHECKS
    )
