"""The public pages: the OpenAPI document, and Swagger UI, which shows it.

Each is made when it is first asked for and comes from this server alone; a strict policy keeps the
browser from running or loading anything else. Only files that are named here can be fetched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib.resources import files
from importlib.resources.abc import Traversable
from threading import Lock
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from swagger_ui_bundle import swagger_ui_path

from onelead.api.endpoints import Endpoint

_OWN_FILES = files("onelead.api") / "static"
_ASSETS = {
    "docs.css": _OWN_FILES,
    "docs.js": _OWN_FILES,
    "favicon-32x32.png": swagger_ui_path,
    "swagger-ui-bundle.js": swagger_ui_path,
    "swagger-ui.css": swagger_ui_path,
}
_MEDIA_TYPES = {"css": "text/css", "js": "text/javascript", "png": "image/png"}

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    # Swagger UI's style sheet embeds its icons.
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}


def page_routes(endpoints: Sequence[Endpoint]) -> list[Route]:
    """Build the routes of the pages about these endpoints."""

    @cache
    def document() -> dict[str, Any]:
        # Most processes are never asked for it.
        from onelead.api.openapi import openapi_document  # noqa: PLC0415

        return openapi_document(endpoints)

    makers: dict[str, Callable[[], Response]] = {
        "/openapi.json": lambda: _json(document()),
        "/docs": lambda: _page((_OWN_FILES / "docs.html").read_bytes(), "text/html"),
        # Swagger UI 4, the newest in the bundle, reads nothing newer than OpenAPI 3.0.
        "/docs/openapi.json": lambda: _json(as_openapi_3_0(document())),
    }
    for name, folder in _ASSETS.items():
        makers[f"/docs/assets/{name}"] = partial(_asset, folder, name)
    return [Route(path, _LatePage(make), methods=["GET"]) for path, make in makers.items()]


class _LatePage:
    """A page that is made in a thread when it is first asked for, and then kept."""

    def __init__(self, make: Callable[[], Response]) -> None:
        self._made = cache(make)
        self._lock = Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        page = await asyncio.to_thread(self._make_once)
        await page(scope, receive, send)

    def _make_once(self) -> Response:
        with self._lock:
            return self._made()


def _asset(folder: Traversable, name: str) -> Response:
    asset = _page((folder / name).read_bytes(), _MEDIA_TYPES[name.rpartition(".")[2]])
    asset.headers["Cache-Control"] = "max-age=3600"
    return asset


def as_openapi_3_0(document: dict[str, Any]) -> dict[str, Any]:
    """Return an OpenAPI 3.1 document as OpenAPI 3.0, which has no type null."""
    return {**_without_null(document), "openapi": "3.0.3"}


def _without_null(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_null(member) for member in node]
    if not isinstance(node, dict):
        return node
    node = {key: _without_null(value) for key, value in node.items()}
    null = {"type": "null"}
    if null not in node.get("anyOf", ()):
        return node
    kinds = [kind for kind in node.pop("anyOf") if kind != null]
    if len(kinds) > 1 or "$ref" in kinds[0]:
        kinds = [{"anyOf" if len(kinds) > 1 else "allOf": kinds}]
    return {**kinds[0], **node, "nullable": True}


def _json(content: Any) -> Response:
    return _page(msgspec.json.encode(content), "application/json")


def _page(body: bytes, media_type: str) -> Response:
    headers = {
        "Content-Security-Policy": "; ".join(f"{what} {who}" for what, who in _POLICY.items()),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-cache",
    }
    return Response(body, media_type=media_type, headers=headers)
