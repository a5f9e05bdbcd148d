"""The floor: a handler that reads the body and answers 600 bytes, on the same server.

Run as `python -m benchmarks.contenders.null_server PORT`. Starlette routes the request, and
uvicorn serves it as onelead configures it; there is no authentication, no rule and no database.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from benchmarks.contenders.contender import HttpContender
from benchmarks.contenders.onelead_server import PATH
from benchmarks.processes import free_port, running, wait_until_listening
from onelead.process.metrics import Metrics
from onelead.serving.open_connections import OpenConnections
from onelead.serving.server import Entrance, StopSignals, listening, run_server

_ANSWER = b'{"id": 1, "name": "' + b"x" * 579 + b'"}'


async def _answer(request: Request) -> Response:
    await request.body()
    return Response(_ANSWER, media_type="application/json")


async def _serve(port: int) -> None:
    stop = StopSignals()
    with stop.caught(), listening("127.0.0.1", port) as listener:
        router = Router([Route(PATH, _answer, methods=["PUT"])])
        await run_server(Entrance(router, OpenConnections(Metrics())), listener, stop, lambda: None)


@contextmanager
def null_serving(name: str, people: int, log: Path) -> Iterator[HttpContender]:
    """Serve while the block runs."""
    port = free_port()
    with running([sys.executable, "-m", __name__, str(port)], log) as process:
        wait_until_listening(process, port, log)
        values = {"keys": "none", "email": "nobody@onelead.example", "people": people}
        yield HttpContender(
            *(name, port, process.pid, "upsert.lua", PATH, values, {}),
            emails=lambda _ending: [],
        )


if __name__ == "__main__":
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(int(sys.argv[1])))
