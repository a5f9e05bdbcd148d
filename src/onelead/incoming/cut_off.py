"""Ends an answer in its middle, so that nobody takes what has arrived for the whole."""

from __future__ import annotations

from starlette.types import Receive, Scope

from onelead.incoming.json_body import ARRIVING


async def cut_off(scope: Scope, receive: Receive) -> None:
    """Close the connection of a request, and wait until it is closed."""
    arriving = scope.get(ARRIVING)
    cycle = None if arriving is None else arriving()
    if cycle is not None:
        cycle.transport.abort()
        while (await receive())["type"] != "http.disconnect":
            pass
