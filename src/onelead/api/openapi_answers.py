"""The answers of the endpoints as the OpenAPI document describes them: bodies, headers, errors.

The API itself renders the examples of errors, so they cannot differ from its answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, get_args

import msgspec
from starlette.responses import Response

from onelead.api.answers import BareErrorBody, ErrorBody, error_response, internal_error
from onelead.api.endpoints import IDEMPOTENCY_KEY, UNMERGED, Endpoint
from onelead.domain.errors import (
    AdminRequired,
    BodyEncodingUnknown,
    BodyMalformed,
    BodyTooLarge,
    BodyTooSlow,
    CredentialsInvalid,
    Erased,
    HeaderMalformed,
    IdempotencyKeyReused,
    NetworkNotAllowed,
    OneleadError,
    PreconditionFailed,
    ResourceNotFound,
    ScopeMissing,
    ServiceStopping,
    StoreUnavailable,
    TooManyConnections,
    VersionConflict,
    WriteQueueFull,
)
from onelead.domain.limits import BULK_LEADS_MAX, REQUEST_BODY_BYTES_MAX, REQUEST_BODY_TIMEOUT_S
from onelead.incoming.json_lines import JSON_LINES
from onelead.incoming.statuses import STATUS_BY_KIND

#: Turns a type into its JSON schema.
SchemaOf = Callable[[Any], dict[str, Any]]

_JSON = "application/json"
_HEADERS = {
    "X-Request-Id": "The id of this request in the log and the ledger.",
    "ETag": 'The version of the lead, as in `"3"`; it grows by one with each change.',
    "Lead-Outcome": "What the write did: created, updated, unchanged, deleted or refused; for "
    "a bulk call one for each item, in order, separated by commas.",
    "Lead-Changed": "The fields that changed, separated by commas; a custom field is "
    "`custom_fields.<definition id>`.",
    "Lead-Match": "What was looked for and how many leads were found, as in "
    "`field=email; matches=1` or `field=custom; definition=1000000010; matches=30+`; "
    "`by=properties` when the lead was found by the value that the properties give that field, "
    "`by=ruling`, `by=oldest` or `by=newest` when it was chosen among several; `step=2` for the "
    "step that decided when the match is a list.",
    "Lead-Ignored": "What the delivery brought and the lead did not take, as in "
    "`custom_fields.1000000017`.",
    "Lead-Shares": "Fields to which this write gave a value that other leads have, and their ids, "
    "as in `email; 1000000042`: upserts by that value are refused from now on.",
    "Lead-Waiting": "How many refused deliveries that named one of the leads are still open.",
    "Lead-Kept": "Values that the lead did not take, and why: `pinned`, `fill`, `newest`, "
    "`ranked`, `if_empty` or `other_value`, as in `title (pinned), phone_numbers (fill)`.",
    "Lead-Merged-Into": "The lead that stands for the one that was named, which was merged.",
    "Ledger-Row": "The number of the ledger row that records the call, which `/ledger` can show, "
    "undo or apply; of a bulk call, of each item.",
    "Lead-Dry-Run": "`true` when nothing was written because the call was a dry run.",
    "Idempotency-Replayed": "`true` when the request was done before and this is the answer that "
    "it got; of a bulk call, the items of which this is true, as in `[0], [2]`.",
    "Content-Location": "The address of the lead that is answered.",
    "Lead-Batch": "The id of the batch with all writes of the call, which can be undone together; "
    "absent when nothing was written.",
    "Setting-Outcome": "What the settings change did: created, updated, unchanged, deleted or "
    "refused.",
    "X-PW-TOTAL": "The number of rows on all pages.",
    "Link": 'The next page, as in `</developer_api/v1/leads/search?cursor=...>; rel="next"`; '
    "absent on the last page.",
    "Accept-Encoding": "The encodings that a body may have, as in `gzip, deflate`.",
    "Retry-After": "The seconds to wait before sending the request again.",
}
_ALWAYS = {"X-Request-Id": True}
_INTEGERS = frozenset({"X-PW-TOTAL", "Retry-After"})
#: Headers that an answer has only when they say something.
SOMETIMES = frozenset(
    {
        *("Link", "Lead-Batch", "Lead-Ignored", "Lead-Shares", "Lead-Kept", "Lead-Merged-Into"),
        *("Lead-Dry-Run", "Ledger-Row", "Lead-Waiting", "Idempotency-Replayed", "Content-Location"),
    }
)
#: Headers that a refused write has too.
_RECEIPTS = frozenset({"Lead-Outcome", "Lead-Changed", "Lead-Match", "Setting-Outcome"})

#: What each error that means the same wherever it occurs is about, and examples of it.
_SHARED: dict[HTTPStatus, tuple[str, tuple[OneleadError, ...]]] = {
    HTTPStatus.BAD_REQUEST: (
        (
            "The body is not readable: not JSON in UTF-8, not an object, nested too deep, the same "
            "key twice in one object, or text that cannot be stored; or a header is not readable."
        ),
        (
            BodyMalformed("Invalid input: the body must be a JSON object"),
            BodyMalformed("Invalid input: the body has the same key twice in one object"),
            HeaderMalformed('If-Match must be * or one ETag, as in "3": 3'),
        ),
    ),
    HTTPStatus.UNAUTHORIZED: (
        (
            "A header is missing, the key is unknown, revoked or expired, or the e-mail is not its "
            "owner's."
        ),
        (CredentialsInvalid(),),
    ),
    HTTPStatus.FORBIDDEN: (
        (
            "The scope of the key does not include the call, the key does not work from this "
            "address, or its owner would have to be an admin."
        ),
        (ScopeMissing("deliver", "read"), NetworkNotAllowed(), AdminRequired()),
    ),
    HTTPStatus.REQUEST_TIMEOUT: (
        "The body did not arrive in time.",
        (BodyTooSlow(f"The body took longer than {REQUEST_BODY_TIMEOUT_S} seconds"),),
    ),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (
        "The body is too large.",
        (BodyTooLarge(f"The body is larger than {REQUEST_BODY_BYTES_MAX} bytes"),),
    ),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: (
        "The body is compressed in a way that is not known.",
        (
            BodyEncodingUnknown(
                "The body is encoded as br; send it plain, or compressed once with gzip or deflate"
            ),
        ),
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: (
        "The service is busy or stopping; send the request again after `Retry-After`.",
        (WriteQueueFull(), StoreUnavailable(), ServiceStopping(), TooManyConnections()),
    ),
}

#: The name of the schema of a row whose keys the client has chosen.
CHOSEN_KEYS = "LeadSelection"


def shared_responses(schema_of: SchemaOf) -> dict[str, Any]:
    """Return the responses that endpoints refer to, by name."""
    schema = schema_of(ErrorBody)
    responses = {
        _name(status): _answer(text, _examples(schema, errors), _shared_headers(status))
        for status, (text, errors) in _SHARED.items()
    }
    unexpected = internal_error("5f0c2b7de1a94f6f9f6a4c1d0b8e7a36")
    responses[_name(HTTPStatus.INTERNAL_SERVER_ERROR)] = _answer(
        "An unexpected failure; the log has more under the request id.",
        {"schema": schema, "examples": {"internal_error": {"value": _body(unexpected)}}},
    )
    return responses


def responses_of(endpoint: Endpoint, schema_of: SchemaOf) -> dict[str, Any]:
    """Return every answer of an endpoint, by status."""
    responses: dict[HTTPStatus, dict[str, Any]] = {
        status: {"$ref": f"#/components/responses/{_name(status)}"}
        for status in _shared_statuses(endpoint)
    }
    responses[HTTPStatus.OK] = _success(endpoint, schema_of)
    if endpoint.accepted is not None:
        content = {
            "schema": schema_of(endpoint.accepted),
            "example": msgspec.to_builtins(endpoint.accepted_answer),
        }
        responses[HTTPStatus.ACCEPTED] = _answer("The work has begun.", content)
    if _is_keyed(endpoint) or UNMERGED in endpoint.parameters:
        responses[HTTPStatus.GONE] = _gone(endpoint, schema_of)
    for status, errors in _by_status(endpoint.errors).items():
        responses[status] = _impossible(endpoint, status, errors, schema_of)
    if endpoint.path_parameters or endpoint.names_resource:
        responses[HTTPStatus.NOT_FOUND] = _not_found(endpoint, schema_of)
    if _is_conditional(endpoint):
        responses[HTTPStatus.PRECONDITION_FAILED] = _conflict(endpoint, schema_of)
    if endpoint.refusals or _is_keyed(endpoint):
        responses[HTTPStatus.UNPROCESSABLE_ENTITY] = _refused(endpoint, schema_of)
    return {str(status.value): responses[status] for status in sorted(responses)}


def _shared_statuses(endpoint: Endpoint) -> Iterable[HTTPStatus]:
    yield HTTPStatus.UNAUTHORIZED
    yield HTTPStatus.FORBIDDEN
    if endpoint.request is not None or _is_conditional(endpoint) or _is_keyed(endpoint):
        yield HTTPStatus.BAD_REQUEST
    if endpoint.request is not None:
        yield HTTPStatus.REQUEST_TIMEOUT
        yield HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        yield HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    yield HTTPStatus.INTERNAL_SERVER_ERROR
    yield HTTPStatus.SERVICE_UNAVAILABLE


def _shared_headers(status: HTTPStatus) -> dict[str, bool]:
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        # One connection too many is refused before its request gets an id.
        return {"X-Request-Id": False, "Retry-After": True}
    if status is HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
        return {"Accept-Encoding": True}
    return {}


def _success(endpoint: Endpoint, schema_of: SchemaOf) -> dict[str, Any]:
    schema = schema_of(endpoint.response)
    if endpoint.has_chosen_keys:
        chosen = {"$ref": f"#/components/schemas/{CHOSEN_KEYS}"}
        schema = {"anyOf": [schema, {"type": "array", "items": chosen}]}
    content = {"schema": schema, "example": msgspec.to_builtins(endpoint.answer)}
    headers = {name: name not in SOMETIMES for name in endpoint.headers}
    answer = _answer("Done.", content, headers | dict.fromkeys(endpoint.sometimes, False))
    if endpoint.lines is not None:
        answer["content"][JSON_LINES] = lines_content(endpoint.lines[1], endpoint.answer)
    return answer


def lines_content(line: type[msgspec.Struct], examples: Iterable[Any]) -> dict[str, Any]:
    """Describe JSON Lines, which OpenAPI has no schema for, by the name of the schema of a line."""
    text = f"JSON Lines: each line is one `{line.__name__}`."
    lines = b"\n".join(map(msgspec.json.encode, examples)).decode()
    return {"schema": {"type": "string", "description": text}, "example": lines}


def _not_found(endpoint: Endpoint, schema_of: SchemaOf) -> dict[str, Any]:
    # An id that nothing can have is refused before a write is tried, without a receipt.
    receipts = {name: False for name in endpoint.headers if name in _RECEIPTS}
    content = _examples(schema_of(ErrorBody), (ResourceNotFound(),))
    return _answer("Nothing has this id.", content, receipts)


def _by_status(errors: Iterable[OneleadError]) -> dict[HTTPStatus, list[OneleadError]]:
    found: dict[HTTPStatus, list[OneleadError]] = {}
    for error in errors:
        found.setdefault(STATUS_BY_KIND[error.kind], []).append(error)
    return found


_IMPOSSIBLE = {
    HTTPStatus.NOT_FOUND: "Something that the body names does not exist.",
    HTTPStatus.CONFLICT: "It cannot be done as things are now; the message says why.",
    HTTPStatus.GONE: "What this is about was erased.",
    HTTPStatus.PRECONDITION_FAILED: "A lead has changed in the meantime; nothing was written.",
}


def _impossible(
    endpoint: Endpoint, status: HTTPStatus, errors: Iterable[OneleadError], schema_of: SchemaOf
) -> dict[str, Any]:
    receipts = {name: False for name in endpoint.headers if name in _RECEIPTS}
    return _answer(_IMPOSSIBLE[status], _examples(schema_of(ErrorBody), errors), receipts)


def _is_conditional(endpoint: Endpoint) -> bool:
    return any(parameter.name == "If-Match" for parameter in endpoint.parameters)


def _is_keyed(endpoint: Endpoint) -> bool:
    return IDEMPOTENCY_KEY in endpoint.parameters


def _conflict(endpoint: Endpoint, schema_of: SchemaOf) -> dict[str, Any]:
    text = "The lead is not as the headers of the call say; nothing was written."
    errors: tuple[OneleadError, ...] = (VersionConflict(4),)
    headers = {name: True for name in endpoint.headers if name not in SOMETIMES}
    if "Lead-Match" in endpoint.headers:
        # There may be no lead that has a version.
        headers["ETag"] = False
        errors += (
            PreconditionFailed("No lead matches, and the call was only to update one"),
            PreconditionFailed("A lead matches, and the call was only to create one"),
        )
    return _answer(text, _examples(schema_of(ErrorBody), errors), headers)


def _gone(endpoint: Endpoint, schema_of: SchemaOf) -> dict[str, Any]:
    receipts = {name: False for name in endpoint.headers if name in _RECEIPTS}
    content = _examples(schema_of(ErrorBody), (Erased(),))
    return _answer("What would be answered has been erased.", content, receipts)


def _refused(endpoint: Endpoint, schema_of: SchemaOf) -> dict[str, Any]:
    refusals = (*endpoint.refusals, *([IdempotencyKeyReused()] if _is_keyed(endpoint) else []))
    content = _examples(schema_of(endpoint.refusal), refusals)
    if BareErrorBody in get_args(endpoint.refusal):
        too_many = f"Request size too large, limit is {BULK_LEADS_MAX}"
        content["examples"]["too_many"] = {"value": {"error": too_many}}
    # When the match itself is refused, no lead is looked for.
    always = {*endpoint.headers} - {"Lead-Match"}
    named = (*endpoint.headers, *endpoint.sometimes)
    headers = {name: name in always for name in named if name in _RECEIPTS}
    if any(error.retry_after_s for error in endpoint.refusals):
        headers["Retry-After"] = False
    return _answer("The request is readable, but the rules refuse it.", content, headers)


def _name(status: HTTPStatus) -> str:
    return status.phrase.title().replace(" ", "")


def _answer(text: str, content: dict[str, Any], headers: Mapping[str, bool] = {}) -> dict[str, Any]:
    """Describe an answer; True marks the `headers` that it always has."""
    return {
        "description": text,
        "headers": {
            name: {
                "description": _HEADERS[name],
                "required": always,
                "schema": {"type": "integer" if name in _INTEGERS else "string"},
            }
            for name, always in {**_ALWAYS, **headers}.items()
        },
        "content": {_JSON: content},
    }


def _examples(schema: dict[str, Any], errors: Iterable[OneleadError]) -> dict[str, Any]:
    """Return a schema with examples, each under the code of its error."""
    examples: dict[str, Any] = {}
    for error in errors:
        again = sum(key.startswith(error.code) for key in examples)
        key = f"{error.code}_{again + 1}" if again else error.code
        examples[key] = {"value": _body(error_response(error))}
    return {"schema": schema, "examples": examples}


def _body(response: Response) -> Any:
    return msgspec.json.decode(response.body)
