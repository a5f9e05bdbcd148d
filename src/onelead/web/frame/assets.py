"""The stylesheet, the scripts and the icon of the pages.

A file's address contains the hash of its content, so a browser can cache it forever and never
shows an outdated one. `app.css` is compiled when the package is built.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

from starlette.responses import Response
from starlette.routing import Route

from onelead.web.frame.policy import PAGE_HEADERS

_FOLDER = files("onelead.web") / "static"
_MEDIA_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_FOREVER = "public, max-age=31536000, immutable"
_HASH_CHARS = 12


def asset_url(name: str) -> str:
    """Return the address of a file."""
    return f"/assets/{_hashed_names()[name]}"


def asset_routes() -> list[Route]:
    """Build the routes of all files."""
    return [
        Route(asset_url(name), _response(name, content), methods=["GET"])
        for name, content in _contents().items()
    ]


@cache
def _contents() -> dict[str, bytes]:
    found = {entry.name: entry.read_bytes() for entry in _FOLDER.iterdir()}
    return {name: content for name, content in found.items() if _suffix(name) in _MEDIA_TYPES}


@cache
def _hashed_names() -> dict[str, str]:
    return {name: _hashed(name, content) for name, content in _contents().items()}


def _hashed(name: str, content: bytes) -> str:
    stem, _, suffix = name.rpartition(".")
    return f"{stem}.{hashlib.sha256(content).hexdigest()[:_HASH_CHARS]}.{suffix}"


def _response(name: str, content: bytes) -> Response:
    headers = PAGE_HEADERS | {"Cache-Control": _FOREVER}
    return Response(content, headers=headers, media_type=_MEDIA_TYPES[_suffix(name)])


def _suffix(name: str) -> str:
    return name.rpartition(".")[2]
