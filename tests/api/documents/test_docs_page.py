"""`GET /docs`: Swagger UI with the API in it, from this server alone and under a strict policy."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from swagger_ui_bundle import swagger_ui_path
from tests.support.api.answers import assert_only

from onelead.api.application import ENDPOINTS
from onelead.api.docs_page import as_openapi_3_0
from onelead.api.openapi import openapi_document

ROOT = "http://onelead.test"
ASSETS = f"{ROOT}/docs/assets"
NO_ROUTE = (404, {"error": "not_found"})


class Loads(HTMLParser):
    """Collects what a page makes a browser load, and its inline content."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.inline: list[str] = []
        self._tag = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tag = tag
        self.inline += [name for name, _ in attrs if name == "style" or name.startswith("on")]
        if tag in ("script", "link", "img", "iframe"):
            self.addresses += [str(value) for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        if self._tag in ("script", "style") and data.strip():
            self.inline.append(data)


async def test_everybody_may_read_the_page(client: httpx.AsyncClient) -> None:
    for path in ("/docs", "/docs/"):
        response = await client.get(ROOT + path, headers={"X-PW-AccessToken": ""})
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert (await client.head(f"{ROOT}/docs")).status_code == 200


@pytest.mark.parametrize("path", ["/docs", "/docs/openapi.json", "/docs/assets/docs.js"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
async def test_it_can_only_be_read(client: httpx.AsyncClient, method: str, path: str) -> None:
    assert_only(await client.request(method, ROOT + path), "GET, HEAD, OPTIONS")


async def test_the_policy_allows_only_this_server(client: httpx.AsyncClient) -> None:
    for path in ("/docs", "/openapi.json", "/docs/openapi.json", "/docs/assets/docs.js"):
        headers = (await client.get(ROOT + path)).headers
        rules = dict(rule.split(" ", 1) for rule in headers["Content-Security-Policy"].split("; "))
        assert rules["default-src"] == "'none'"
        assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"


async def test_the_page_loads_everything_from_this_server(client: httpx.AsyncClient) -> None:
    page = Loads((await client.get(f"{ROOT}/docs")).text)
    assert page.inline == []
    assert len(page.addresses) == 5
    for address in page.addresses:
        assert address.startswith("/docs/assets/")
        assert (await client.get(ROOT + address)).status_code == 200


@pytest.mark.parametrize("name", ["docs.css", "swagger-ui.css"])
async def test_a_style_sheet_loads_nothing(client: httpx.AsyncClient, name: str) -> None:
    sheet = (await client.get(f"{ASSETS}/{name}")).text
    assert "@import" not in sheet
    assert re.findall(r"url\((?!['\"]?data:)", sheet) == []


async def test_the_document_goes_to_no_validator(client: httpx.AsyncClient) -> None:
    assert "validatorUrl: null" in (await client.get(f"{ASSETS}/docs.js")).text


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("docs.css", "text/css; charset=utf-8"),
        ("docs.js", "text/javascript; charset=utf-8"),
        ("favicon-32x32.png", "image/png"),
        ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
        ("swagger-ui.css", "text/css; charset=utf-8"),
    ],
)
async def test_a_file_has_its_type(client: httpx.AsyncClient, name: str, media_type: str) -> None:
    response = await client.get(f"{ASSETS}/{name}")
    assert (response.status_code, response.headers["Content-Type"]) == (200, media_type)
    if not name.startswith("docs."):
        assert response.content == (swagger_ui_path / name).read_bytes()


@pytest.mark.parametrize(
    "path",
    [
        "/docs/assets",
        "/docs/assets/",
        "/docs/assets/index.html",
        "/docs/assets/swagger-ui.css.map",
        "/docs/assets/../docs_page.py",
        "/docs/assets/%2e%2e/docs_page.py",
        "/docs/assets/..%2f..%2fdocs_page.py",
        "/docs/assets/..%5cdocs_page.py",
        "/docs/assets//etc/passwd",
        "/docs/assets/docs.js%00",
        "/docs/assets/DOCS.JS",
        "/docs/docs.js",
    ],
)
async def test_no_other_file_is_served(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(httpx.URL(ROOT).copy_with(raw_path=path.encode()))
    assert (response.status_code, response.json()) == NO_ROUTE


def nodes(node: Any) -> list[Any]:
    children = list(node.values()) if isinstance(node, dict) else node
    below = [nodes(child) for child in children if isinstance(child, dict | list)]
    return [node, *(found for part in below for found in part)]


async def test_what_swagger_ui_reads_is_openapi_3_0(client: httpx.AsyncClient) -> None:
    shown = (await client.get(f"{ROOT}/docs/openapi.json")).json()
    document = openapi_document(ENDPOINTS)
    assert shown["openapi"] == "3.0.3"
    assert shown["paths"].keys() == document["paths"].keys()
    assert shown["components"].keys() == document["components"].keys()
    assert {"type": "null"} not in nodes(shown)
    assert {"type": "null"} in nodes(document)


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ([{"type": "string"}], {"type": "string", "nullable": True}),
        ([{"$ref": "#/a"}], {"allOf": [{"$ref": "#/a"}], "nullable": True}),
        (
            [{"type": "string"}, {"type": "integer"}],
            {"anyOf": [{"type": "string"}, {"type": "integer"}], "nullable": True},
        ),
    ],
)
def test_null_becomes_nullable(kinds: list[Any], expected: dict[str, Any]) -> None:
    schema = {"description": "It.", "anyOf": [*kinds, {"type": "null"}]}
    document = as_openapi_3_0({"openapi": "3.1.0", "schemas": [{"X": schema}]})
    assert document == {"openapi": "3.0.3", "schemas": [{"X": {"description": "It.", **expected}}]}


def test_what_has_no_null_stays() -> None:
    schema = {"anyOf": [{"type": "string"}, {"type": "integer"}], "default": None}
    assert as_openapi_3_0({"X": schema}) == {"openapi": "3.0.3", "X": schema}
