"""Schemathesis against a real server: it sends what the document allows and what it forbids.

It makes the same valid and invalid requests from the OpenAPI document in every run. The document
has to describe each answer. Most ids are replaced by existing ones.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import httpx
import pytest
import schemathesis
import uvicorn
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.core.errors import InvalidSchema
from schemathesis.core.result import Ok, Result
from schemathesis.generation.feedback import FeedbackSources

# `DOCUMENT.parametrize()` makes the requests while the tests are collected, in every process.
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.schemas import APIOperation
from tests.support.api.documented_answers import CHECKS
from tests.support.api.service import a_service, credentials_of
from tests.support.commands.process import DEADLINE_S

from onelead.api.application import ENDPOINTS, Api
from onelead.api.openapi import openapi_document
from onelead.incoming.own_host import OwnHost
from onelead.serving.connection import Connection
from onelead.serving.open_connections import OpenConnections

pytestmark = pytest.mark.slow

# The other checks contradict Copper's wire, or ask for more than a document can say:
# - unsupported_method, allow_header_conformance: serving/test_routes.py tests every method of every
#   path, and a GET of /leads is an unknown route;
# - negative_data_rejection: clients send numbers as text, which is read as numbers;
# - positive_data_acceptance: whether an id exists, or a name is taken, is in no schema;
# - missing_required_header, ignored_auth: test_authentication.py tests more of it;
# - use_after_free, ensure_resource_availability: leads/test_delete.py tests it.
ALL_CHECKS = [not_a_server_error, *CHECKS]

# To the document, lines of JSON are a text.
schemathesis.serializer.alias("application/x-ndjson", "text/plain")

DOCUMENT = schemathesis.openapi.from_dict(
    openapi_document(ENDPOINTS),
    config=schemathesis.Config.from_dict(
        {"generation": {"max-examples": 10, "deterministic": True, "database": "none"}}
    ),
)


#: The body, and how each place of a request is described.
Operation = APIOperation[Any, Any, Any, Any]


def sound(found: Result[Operation, InvalidSchema]) -> Operation:
    assert isinstance(found, Ok), found
    return found.ok()


OPERATIONS = {operation.label: operation for operation in map(sound, DOCUMENT.get_all_operations())}


@dataclass
class Server:
    """A server on loopback, and a client with its credentials."""

    url: str
    credentials: dict[str, str]
    client: httpx.Client

    def known_id(self, path: str) -> int | None:
        """Return an existing id for `/things/{id}`; None when there is none."""
        collection = path.partition("/{id}")[0]
        if collection.endswith(("/leads", "/users")):
            answer = self.client.post(f"{collection}/search")
        else:
            answer = self.client.get(collection)
        # Batches are not listed.
        rows = answer.json() if answer.is_success else []
        return int(rows[-1]["id"]) if rows else None


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service with a few leads and custom fields, served over a real socket."""
    listener = socket.create_server(("127.0.0.1", 0))
    started: Queue[tuple[Server, uvicorn.Server]] = Queue()

    async def serve(folder: Path) -> None:
        async with a_service(folder) as service:
            for data_type in ("String", "Date", "MultiSelect"):
                await service.field(name=data_type, data_type=data_type)
            for n in range(3):
                await service.lead(name=f"Nora {n}", tags=["fair"])
            connection_class: Any = partial(
                Connection,
                open_connections=OpenConnections(service.runtime.metrics),
                own_host=OwnHost(None),
            )
            config = uvicorn.Config(
                Api(service.runtime), http=connection_class, lifespan="off", log_config=None
            )
            running = uvicorn.Server(config)
            url = "http://{}:{}".format(*listener.getsockname())
            credentials = credentials_of(service.account)
            client = httpx.Client(base_url=url, headers=credentials, timeout=DEADLINE_S)
            started.put((Server(url, credentials, client), running))
            await running.serve(sockets=[listener])

    thread = Thread(target=lambda: asyncio.run(serve(tmp_path_factory.mktemp("server"))))
    thread.start()
    server, running = started.get(timeout=DEADLINE_S)
    with server.client:
        yield server
    running.should_exit = True
    thread.join()


@pytest.mark.parametrize("label", OPERATIONS)
def test_every_answer_is_one_of_the_document(label: str, server: Server) -> None:
    def check(case: Case[Any]) -> None:
        if str(case.path_parameters.get("id")).isdigit():
            known = server.known_id(case.operation.path)
            case.path_parameters["id"] = known or case.path_parameters["id"]
        if case.query:
            # Nothing comes that would be worth the wait.
            case.query.pop("wait", None)
        case.call_and_validate(
            base_url=server.url,
            headers=server.credentials,
            checks=ALL_CHECKS,
            timeout=DEADLINE_S,
        )

    build_operation_test(
        config=DOCUMENT.config,
        operation=OPERATIONS[label],
        test_func=check,
        given_kwargs={},
        feedback=FeedbackSources(),
    )()
