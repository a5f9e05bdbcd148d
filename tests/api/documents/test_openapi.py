"""`GET /openapi.json`: a valid OpenAPI 3.1 document of every endpoint, whose examples are true."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import jsonschema_rs
import msgspec
import pytest
from schemathesis.core.failures import FailureGroup
from tests.support.api.answers import assert_only
from tests.support.api.documented_answers import DOCUMENT as JUDGE
from tests.support.api.documented_answers import require_documented
from tests.support.api.service import BASE_URL, Service

from onelead.api.application import ENDPOINTS
from onelead.api.endpoints import Endpoint
from onelead.api.openapi import openapi_document
from onelead.api.openapi_answers import SOMETIMES
from onelead.api.wire import LeadBody
from onelead.domain.errors import ResourceNotFound
from onelead.incoming.api_calls import BASE_PATH
from onelead.incoming.statuses import STATUS_BY_KIND

DOCUMENT = openapi_document(ENDPOINTS)
URL = "http://onelead.test/openapi.json"
WITH_A_BODY = [endpoint for endpoint in ENDPOINTS if endpoint.request is not None]


def named(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


def names_something(endpoint: Endpoint) -> bool:
    """Return whether a call has to name something that is there."""
    in_body = any(isinstance(error, ResourceNotFound) for error in endpoint.errors)
    return bool(endpoint.path_parameters) or in_body


def operation_of(endpoint: Endpoint) -> dict[str, Any]:
    operation = DOCUMENT["paths"][BASE_PATH + endpoint.path][endpoint.method.lower()]
    return dict(operation)


def responses_of(endpoint: Endpoint) -> dict[str, Any]:
    return {
        status: resolved(response)
        for status, response in operation_of(endpoint)["responses"].items()
    }


def resolved(node: dict[str, Any]) -> Any:
    if "$ref" not in node:
        return node
    found: Any = DOCUMENT
    for step in node["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return found


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node:
        if isinstance(child, dict | list):
            yield from nodes(child)


def examples_of(media: dict[str, Any]) -> list[Any]:
    if "example" in media:
        return [media["example"]]
    return [example["value"] for example in media["examples"].values()]


def assert_fits(value: Any, schema: dict[str, Any]) -> None:
    """The schema, which may refer to the document, allows the value."""
    jsonschema_rs.validate({**schema, "components": DOCUMENT["components"]}, value)


async def test_anyone_can_read_it(client: httpx.AsyncClient) -> None:
    response = await client.get(URL, headers={"X-PW-AccessToken": ""})
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.json() == json.loads(json.dumps(DOCUMENT))
    head = await client.head(URL)
    assert head.status_code == 200
    assert head.headers["Content-Length"] == response.headers["Content-Length"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
async def test_it_can_only_be_read(client: httpx.AsyncClient, method: str) -> None:
    assert_only(await client.request(method, URL), "GET, HEAD, OPTIONS")


def test_it_is_valid() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    JUDGE.validate()
    dialect = "https://json-schema.org/draft/2020-12/schema"
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": dialect, **schema})


def test_it_has_every_endpoint_and_no_other() -> None:
    operations = {
        (method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item
    }
    assert operations == {(each.method, BASE_PATH + each.path) for each in ENDPOINTS}


def test_every_reference_leads_somewhere() -> None:
    references = [node for node in nodes(DOCUMENT) if "$ref" in node]
    assert references
    for reference in references:
        assert resolved(reference)


def test_every_schema_and_shared_answer_is_used() -> None:
    references = {node["$ref"] for node in nodes(DOCUMENT) if "$ref" in node}
    components = DOCUMENT["components"]
    assert references == {
        f"#/components/{kind}/{name}"
        for kind in ("schemas", "responses")
        for name in components[kind]
    }


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [operation_of(endpoint)["operationId"] for endpoint in ENDPOINTS]
    assert len(set(names)) == len(ENDPOINTS)
    assert {"upsert_lead", "list_lead_statuses", "list_pipeline_stages"} <= set(names)


def test_every_call_needs_the_three_headers() -> None:
    schemes = DOCUMENT["components"]["securitySchemes"]
    assert {(scheme["in"], scheme["name"]) for scheme in schemes.values()} == {
        ("header", "X-PW-AccessToken"),
        ("header", "X-PW-Application"),
        ("header", "X-PW-UserEmail"),
    }
    assert DOCUMENT["security"] == [{name: [] for name in schemes}]


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=named)
def test_an_endpoint_is_described(endpoint: Endpoint) -> None:
    operation = operation_of(endpoint)
    assert operation["summary"]
    assert operation["tags"][0] in {tag["name"] for tag in DOCUMENT["tags"]}
    assert ("addition" in operation["description"]) is not endpoint.is_copper
    in_path = [each["name"] for each in operation["parameters"] if each["in"] == "path"]
    assert in_path == endpoint.path_parameters


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=named)
def test_an_endpoint_has_every_status_that_it_can_answer(endpoint: Endpoint) -> None:
    expected = {"200", "401", "403", "500", "503"}
    if endpoint.request is not None:
        expected |= {"400", "408", "413", "415"}
    if endpoint.path_parameters or endpoint.names_resource:
        expected.add("404")
    expected |= {str(STATUS_BY_KIND[error.kind].value) for error in endpoint.errors}
    if any(parameter.name == "If-Match" for parameter in endpoint.parameters):
        expected |= {"400", "412"}
    if any(parameter.name == "Idempotency-Key" for parameter in endpoint.parameters):
        expected.add("400")
    if {"Idempotency-Key", "unmerged"} & {parameter.name for parameter in endpoint.parameters}:
        expected.add("410")
    if endpoint.accepted is not None:
        expected.add("202")
    assert responses_of(endpoint).keys() - {"422"} == expected


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=named)
def test_every_answer_has_examples_that_fit_its_schema(endpoint: Endpoint) -> None:
    for status, response in responses_of(endpoint).items():
        for media in response["content"].values():
            examples = examples_of(media)
            assert examples
            for example in examples:
                assert_fits(example, media["schema"])
                if status != "200":
                    assert example.get("status", int(status)) == int(status)


@pytest.mark.parametrize("endpoint", WITH_A_BODY, ids=named)
def test_an_example_of_a_body_fits_its_schema_and_its_type(endpoint: Endpoint) -> None:
    media = operation_of(endpoint)["requestBody"]["content"]
    assert_fits(endpoint.example, media["application/json"]["schema"])
    assert msgspec.convert(endpoint.example, endpoint.request)


@pytest.mark.parametrize(
    "endpoint", [each for each in WITH_A_BODY if not names_something(each)], ids=named
)
async def test_an_example_of_a_body_does_what_it_says(
    client: httpx.AsyncClient, endpoint: Endpoint
) -> None:
    url = BASE_URL + endpoint.path
    response = await client.request(endpoint.method, url, json=endpoint.example)
    assert response.status_code == 200
    for header in set(endpoint.headers) - SOMETIMES:
        assert header in response.headers


def test_a_lead_always_has_all_its_keys_in_their_order() -> None:
    lead = DOCUMENT["components"]["schemas"]["LeadBody"]
    assert lead["required"] == list(lead["properties"]) == list(LeadBody.__struct_fields__)


def test_a_whole_lead_may_be_sent_back() -> None:
    lead = msgspec.to_builtins(next(each.answer for each in ENDPOINTS if each.response is LeadBody))
    assert_fits(lead, {"$ref": "#/components/schemas/LeadPatch"})
    assert_fits(lead, {"$ref": "#/components/schemas/LeadItem"})


async def test_chosen_keys_are_an_answer_of_the_document(service: Service) -> None:
    await service.lead()
    response = await service.client.post("/leads/search", json={"fields": ["title"]})
    assert [tuple(row) for row in response.json()] == [("id", "title")]


def test_a_refused_upsert_has_an_example_of_each_sort() -> None:
    (upsert,) = (each for each in ENDPOINTS if each.path == "/leads/upsert")
    refused = responses_of(upsert)["422"]
    bodies = examples_of(refused["content"]["application/json"])
    assert [body.get("ids") for body in bodies if "ids" in body] == [[1000000012, 1000000013]]
    assert refused["headers"]["Lead-Outcome"]["required"]
    assert not refused["headers"]["Retry-After"]["required"]


DELETED = {"id": 7, "is_deleted": True}
RECEIPT = {"X-Request-Id": "1", "ETag": '"1"', "Lead-Outcome": "deleted", "Lead-Changed": "name"}


@pytest.mark.parametrize(
    ("status", "body", "left_out"),
    [(200, DELETED, "ETag"), (200, {"id": 7}, ""), (418, DELETED, ""), (200, [], "")],
    ids=["header missing", "key missing", "unknown status", "another type"],
)
async def test_the_tests_refuse_an_answer_that_is_not_documented(
    status: int, body: Any, left_out: str
) -> None:
    def answer(status: int, body: Any, headers: dict[str, str]) -> httpx.Response:
        request = httpx.Request("DELETE", f"{BASE_URL}/leads/7")
        response = httpx.Response(status, json=body, headers=headers, request=request)
        response.elapsed = timedelta()
        return response

    await require_documented(answer(200, DELETED, RECEIPT))
    with pytest.raises(FailureGroup):
        await require_documented(
            answer(status, body, {key: RECEIPT[key] for key in RECEIPT if key != left_out})
        )
