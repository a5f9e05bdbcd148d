"""The contract for machines: an OpenAPI 3.1 document made from the table of endpoints.

Its schemas come from the types that decode requests and encode answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from inspect import cleandoc
from types import GenericAlias, UnionType
from typing import Any, Union, get_args, get_origin

import msgspec
from msgspec import Struct
from msgspec.structs import fields

from onelead import __version__
from onelead.api.endpoints import ID_SCHEMA, Endpoint
from onelead.api.lead_endpoints import LeadItem, LeadUpdate
from onelead.api.openapi_answers import (
    CHOSEN_KEYS,
    lines_content,
    responses_of,
    shared_responses,
)
from onelead.api.wire import LeadBody
from onelead.domain.api_keys.purposes import scopes_with
from onelead.domain.lead import Lead, OtherValue
from onelead.domain.limits import (
    BULK_LEADS_MAX,
    JSON_DEPTH_MAX,
    REQUEST_BODY_BYTES_MAX,
    REQUEST_HEADERS_BYTES_MAX,
)
from onelead.domain.properties import LeadPatch
from onelead.domain.writes import Kept, RowDetails
from onelead.incoming.api_calls import BASE_PATH
from onelead.incoming.json_lines import JSON_LINES
from onelead.incoming.lead_json import READ_ONLY_KEYS

_COMPONENTS = "#/components/schemas/{name}"

_INTRODUCTION = f"""\
onelead keeps one lead for each person, however often and from wherever the person is delivered.
It implements the Leads part of the Copper Developer API v1: a Copper client needs only another base
URL. What Copper does not have is marked as an addition.

**Credentials.** Every call sends three headers: `X-PW-AccessToken` is the API key,
`X-PW-Application` is `developer_api`, and `X-PW-UserEmail` is the e-mail of the key's owner.

**Scopes.** A key can be for delivering, for reading, for everything that concerns leads, or for all
that its user may do; each call names the scope that it needs. A key for delivering reads nothing:
what it writes is answered with `{{"id": 1000000012}}` and the receipt.

**Bodies** are JSON in UTF-8, up to {REQUEST_BODY_BYTES_MAX:,} bytes and {JSON_DEPTH_MAX} levels
deep, plain or compressed (`Content-Encoding: gzip` or `deflate`). Times are Unix seconds. A member
that is left out stays as it is, null clears it, and an unknown one is refused. A whole lead can be
sent back: keys that cannot be set are ignored.

**Receipts.** The headers `Lead-Outcome`, `Lead-Changed` and `Lead-Match` say what a write did and
why. A write that changes nothing is `unchanged` and creates no new version. With `dry_run=true` it
is planned and answered, and not written.

**Errors.** The body is `{{"success": false, "status": 422, "message": "..."}}`. With several
mistakes the message has a line for each. An unknown path is answered with 404 and
`{{"error": "not_found"}}`, another method on a known one with 405, `{{"error":
"method_not_allowed"}}` and `Allow`. A request that is not readable HTTP is answered before it gets
an id: with 400, with 408 when its headers are late, or with 431 when they are larger than
{REQUEST_HEADERS_BYTES_MAX:,} bytes.

**Bulk calls** take up to {BULK_LEADS_MAX} items and answer 200 with one entry for each, in order;
one that fails does not stop the others.
"""

_TAGS = {
    "Leads": "People who may become customers. An upsert finds a lead by its match and creates or "
    "updates it in one atomic step.",
    "Merging and undoing": "Making one lead of several, and remembering which are not the same "
    "person.",
    "Rulings and other values": "Values by which a lead is found besides its own. A ruling says "
    "that deliveries by a value mean one lead.",
    "Ledger": "Every write that was asked for, in order: to follow, to undo, and to decide what "
    "becomes of refused deliveries.",
    "Custom field definitions": "The fields that an account adds to its leads. Fields that are "
    "included in filters (`is_filterable`) can be matched and searched.",
    "Lead statuses": "The statuses that a lead can have; one of them is the default.",
    "Customer sources": "Where leads come from.",
    "Batches": "The writes of a bulk call, or of a bulk change on the pages, which can be undone "
    "together.",
    "Who decides a value": "When the value of a delivery is taken, field by field.",
    "Pick lists of other resources": "Always empty, as onelead has only leads. Clients fetch them "
    "when they start.",
    "Account and users": "The account of the key, and its users.",
    "Tags": "The tags of all leads.",
    "Erasures": "Persons who asked to be forgotten.",
}

_SETTING_OUTCOMES = {
    "POST": "created or refused",
    "PUT": "updated, unchanged or refused",
    "DELETE": "deleted or refused",
}

#: The encoder leaves out what has its default.
_BRIEF = frozenset(kind.__name__ for kind in (Kept, Lead, OtherValue, RowDetails))

_KEY = "AccessToken"
_CREDENTIALS = {
    _KEY: ("X-PW-AccessToken", "The API key."),
    "Application": ("X-PW-Application", "Always `developer_api`."),
    "UserEmail": ("X-PW-UserEmail", "The e-mail of the key's owner."),
}


def openapi_document(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """Describe the endpoints."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "onelead", "version": __version__, "description": _INTRODUCTION},
        "servers": [{"url": "/"}],
        "security": [{name: [] for name in _CREDENTIALS}],
        "tags": [
            {"name": tag, "description": _TAGS[tag]}
            for tag in dict.fromkeys(endpoint.tag for endpoint in endpoints)
        ],
        "paths": _paths(endpoints),
        "components": {
            "schemas": _schemas(endpoints),
            "responses": shared_responses(_schema_of),
            "securitySchemes": {
                name: {"type": "apiKey", "in": "header", "name": header, "description": text}
                for name, (header, text) in _CREDENTIALS.items()
            },
        },
    }


def _paths(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for endpoint in endpoints:
        operation = _operation(endpoint)
        operation["operationId"] = endpoint.name or endpoint.handler.__name__
        paths.setdefault(BASE_PATH + endpoint.path, {})[endpoint.method.lower()] = operation
    return paths


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    summary, _, rest = (endpoint.text or endpoint.handler.__doc__ or "").strip().partition("\n")
    operation = {
        "tags": [endpoint.tag],
        "summary": summary.rstrip("."),
        "description": _description(endpoint, rest),
        "parameters": list(_parameters(endpoint)),
        "responses": responses_of(endpoint, _schema_of),
        "security": [{name: _roles(name, endpoint) for name in _CREDENTIALS}],
    }
    if endpoint.request is not None:
        content = {"schema": _schema_of(endpoint.request), "example": endpoint.example}
        operation["requestBody"] = {
            # A missing body is read as an empty object.
            "required": any(member.required for member in fields(endpoint.request)),
            "content": {"application/json": content, **_lines(endpoint, content)},
        }
    return operation


def _lines(endpoint: Endpoint, content: dict[str, Any]) -> dict[str, Any]:
    """Let an array alone be the body, too, and describe the body as lines."""
    if endpoint.lines is None:
        return {}
    line = endpoint.lines[0]
    content["schema"] = {"anyOf": [content["schema"], _schema_of(GenericAlias(list, (line,)))]}
    return {JSON_LINES: lines_content(line, endpoint.example["leads"])}


def _roles(name: str, endpoint: Endpoint) -> list[str]:
    """Return the scopes that a key can have for a call; the other headers have none."""
    return [scope.value for scope in scopes_with(endpoint.scope)] if name == _KEY else []


def _description(endpoint: Endpoint, text: str) -> str:
    sentences = [" ".join(text.split())]
    if endpoint.is_settings_write:
        outcomes = _SETTING_OUTCOMES[endpoint.method]
        sentences.insert(0, f"The header Setting-Outcome says {outcomes}.")
    if endpoint.is_settings_write or endpoint.is_for_admins:
        sentences.append("Only for admins.")
    sentences.append(f"Needs the scope `{endpoint.scope}`.")
    if not endpoint.is_copper:
        sentences.append("An addition: Copper does not have it.")
    return " ".join(filter(None, sentences))


def _parameters(endpoint: Endpoint) -> Iterator[dict[str, Any]]:
    for name in endpoint.path_parameters:
        schema = {**(endpoint.id_schema if name == "id" else ID_SCHEMA)}
        yield {"name": name, "in": "path", "required": True, "schema": schema}
    for parameter in endpoint.parameters:
        example = {} if parameter.example is None else {"example": parameter.example}
        yield {
            "name": parameter.name,
            "in": parameter.place,
            "description": parameter.description,
            "schema": parameter.schema,
            **example,
        }


def _schema_of(kind: Any) -> dict[str, Any]:
    """Return a type's schema, including unions of structs, which msgspec cannot describe."""
    if get_origin(kind) is list:
        return {"type": "array", "items": _schema_of(*get_args(kind))}
    if get_origin(kind) in (UnionType, Union):
        return {"anyOf": [_schema_of(member) for member in get_args(kind)]}
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=_COMPONENTS)
    return schema


def _schemas(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    requests = _components(endpoint.request for endpoint in endpoints)
    answers = _components(
        kind
        for endpoint in endpoints
        for kind in (endpoint.response, endpoint.accepted, endpoint.refusal)
    )
    for kind in (LeadPatch, LeadItem, LeadUpdate):
        _add_read_only_keys(requests[kind.__name__])
    omitting = {
        struct.__name__
        for endpoint in endpoints
        for struct in _all_structs_in(endpoint.response, set())
        if struct.__struct_config__.omit_defaults
    }
    schemas = requests | {
        name: _encoded(schema, omits_defaults=name in omitting) for name, schema in answers.items()
    }
    schemas[CHOSEN_KEYS] = {
        **schemas[LeadBody.__name__],
        "title": CHOSEN_KEYS,
        "description": "A lead with the keys that `fields` asks for.",
        "required": ["id"],
    }
    for schema in schemas.values():
        schema["description"] = cleandoc(schema["description"])
    return schemas


def _components(kinds: Iterable[Any]) -> dict[str, Any]:
    structs = {struct for kind in kinds for struct in _structs_in(kind)}
    in_order = sorted(structs, key=lambda struct: struct.__name__)
    return msgspec.json.schema_components(in_order, ref_template=_COMPONENTS)[1]


def _structs_in(kind: Any) -> Iterator[type[Struct]]:
    if isinstance(kind, type) and issubclass(kind, Struct):
        yield kind
    for member in get_args(kind):
        yield from _structs_in(member)


def _all_structs_in(kind: Any, seen: set[type[Struct]]) -> set[type[Struct]]:
    """Return the structs in a type, and those in their members, with those in `seen`."""
    for struct in _structs_in(kind):
        if struct not in seen:
            seen.add(struct)
            for member in fields(struct):
                _all_structs_in(member.type, seen)
    return seen


def _encoded(schema: dict[str, Any], *, omits_defaults: bool) -> dict[str, Any]:
    """Return the schema of what the encoder writes: members with their default are there too.

    The encoder leaves them out of some structs.
    """
    if "properties" not in schema:
        return schema
    members = schema["properties"].items()
    return {
        **schema,
        "properties": {
            name: {key: value for key, value in member.items() if key != "default"}
            for name, member in members
        },
        "required": [
            name
            for name, member in members
            if name in schema["required"] or ("default" in member and not omits_defaults)
        ],
    }


def _add_read_only_keys(schema: dict[str, Any]) -> None:
    for key in sorted(READ_ONLY_KEYS):
        ignored = {"description": "Ignored: it cannot be set.", "readOnly": True}
        schema["properties"].setdefault(key, ignored)
