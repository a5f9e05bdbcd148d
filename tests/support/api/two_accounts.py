"""Two accounts in one database, for tests of what one can learn about the other or do to it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import httpx
from tests.support.api.service import client_of
from tests.support.process.clock import Clock
from tests.support.storage.databases import Database

from onelead.contract.access import NewAccount
from onelead.domain.account import Role
from onelead.domain.properties import LeadPatch
from onelead.domain.writes import Action, Delivery, LeadWrite
from onelead.process.metrics import Metrics
from onelead.process.runtime import Runtime
from onelead.process.writer import BatchingWriter
from onelead.storage.schema import metadata

#: Both accounts have a lead with these.
SHARED_EMAIL = "sam@both.example"
SHARED_NUMBER = "B-1"


class Content(NamedTuple):
    """The ids and values of an account that a request can name."""

    lead_ids: tuple[int, ...]
    #: Text, included in filters; each lead has a value.
    number_id: int
    #: A Dropdown, included in filters; each lead has its first option.
    tier_id: int
    option_ids: tuple[int, ...]
    status_id: int
    source_id: int
    user_id: int
    #: A ruling on a name, of the first lead.
    ruling_id: int
    #: The ledger row that created the last lead, and that of a refused delivery.
    created_seq: int
    refused_seq: int
    #: The cursor of the second page of a search by name, with one lead a page.
    cursor: str
    #: One lead was changed in it.
    batch_id: str
    #: The erasure of somebody who had no lead.
    erasure_id: int


@dataclass
class Neighbours:
    """A service with two accounts, and a client of each."""

    database: Database
    runtime: Runtime
    mine: httpx.AsyncClient
    theirs: httpx.AsyncClient
    my_account: NewAccount
    their_account: NewAccount

    def other_rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Read everything that the database has of the other account."""
        account_id = self.their_account.account_id
        rows = {}
        for table in metadata.sorted_tables:
            owner = "id" if table.name == "account" else "account_id"
            # A table that belongs to no account is read as a whole.
            which = f"WHERE {owner} = {account_id}" if owner in table.c else ""
            found = self.database.rows(f'SELECT * FROM "{table.name}" {which}')
            rows[table.name] = sorted(found, key=repr)
        return rows


@asynccontextmanager
async def neighbours(database: Database) -> AsyncIterator[Neighbours]:
    """Serve two accounts from a fresh database; neither has any leads."""
    clock = Clock()
    store = await database.open(clock)
    metrics = Metrics()
    writer = BatchingWriter(store, observer=metrics)
    numbers = itertools.count(1)
    runtime = Runtime(
        store=store,
        writer=writer,
        clock=clock,
        monotonic=clock.monotonic,
        new_request_id=lambda: f"request-{next(numbers)}",
        metrics=metrics,
    )
    try:
        mine = database.account
        theirs = await store.create_account("Other Ltd", "omar@other.example")
        async with client_of(runtime, mine) as client, client_of(runtime, theirs) as other:
            yield Neighbours(database, runtime, client, other, mine, theirs)
    finally:
        await writer.drain()
        await store.close()


async def fill(client: httpx.AsyncClient, runtime: Runtime, account_id: int, word: str) -> Content:
    """Give an account something of everything; each of its texts has the word."""

    async def make(path: str, **body: Any) -> Any:
        response = await client.post(path, json=body)
        assert response.status_code == 200, response.text
        return response.json()

    definition: dict[str, Any] = {"available_on": ["lead"], "is_filterable": True}
    number = await make(
        "/custom_field_definitions", **definition, name=f"{word} number", data_type="String"
    )
    options = [{"name": f"{word} gold"}, {"name": f"{word} silver"}]
    tier = await make(
        "/custom_field_definitions",
        **definition,
        name=f"{word} tier",
        data_type="Dropdown",
        options=options,
    )
    status = await make("/lead_statuses", name=f"{word} status")
    source = await make("/customer_sources", name=f"{word} source")
    user = await runtime.store.create_user(
        account_id, f"{word}@users.example", f"{word} user", Role.MEMBER
    )
    option_ids = tuple(option["id"] for option in tier["options"])

    def lead(name: str, email: str, number_value: str) -> dict[str, Any]:
        return {
            "name": f"{word} {name}",
            "email": {"email": email, "category": "work"},
            "details": f"{word} details",
            "phone_numbers": [{"number": "415-555-0100", "category": "work"}],
            "tags": [f"{word} tag", "fair"],
            "assignee_id": user.id,
            "status_id": status["id"],
            "customer_source_id": source["id"],
            "custom_fields": [
                {"custom_field_definition_id": number["id"], "value": number_value},
                {"custom_field_definition_id": tier["id"], "value": option_ids[0]},
            ],
        }

    leads = [
        lead("Ada", SHARED_EMAIL, SHARED_NUMBER),
        lead("Bo", f"bo@{word}.example", f"{word}-2"),
        lead("Cy", f"cy@{word}.example", f"{word}-3"),
    ]
    created = await make("/leads/bulk_create", leads=leads)
    created_seq = await runtime.store.ledger_seq(account_id)
    lead_ids = tuple(lead["id"] for lead in created)
    ruling_id = await _decide(make, word, lead_ids)
    refused_seq = await _refused(client, runtime, account_id, word)
    batch_id = await _in_batch(runtime, account_id, word, lead_ids[0])
    page = await client.post("/leads/search", json={"page_size": 1})
    gone = await make("/erasures", email=f"gone@{word}.example", confirm=True)
    return Content(
        lead_ids=lead_ids,
        number_id=number["id"],
        tier_id=tier["id"],
        option_ids=option_ids,
        status_id=status["id"],
        source_id=source["id"],
        user_id=user.id,
        ruling_id=ruling_id,
        created_seq=created_seq,
        refused_seq=refused_seq,
        cursor=httpx.URL(page.links["next"]["url"]).params["cursor"],
        batch_id=batch_id,
        erasure_id=gone["id"],
    )


async def _decide(make: Callable[..., Any], word: str, lead_ids: Sequence[int]) -> int:
    """Make a ruling on the first lead, and keep two leads apart; return the ruling's id."""
    match = {"field_name": "name", "field_value": f"{word} Dee"}
    ruling = await make("/rulings", lead_id=lead_ids[0], match=match)
    await make("/distinct", lead_ids=lead_ids[:2])
    ruling_id: int = ruling["id"]
    return ruling_id


async def _refused(client: httpx.AsyncClient, runtime: Runtime, account_id: int, word: str) -> int:
    """Deliver what is refused, and return its ledger number."""
    nobody = {"field_name": "email", "field_value": f"nobody@{word}.example"}
    nameless = {"properties": {"details": f"{word} nameless"}, "match": nobody}
    await client.put("/leads/upsert", json=nameless)
    return await runtime.store.ledger_seq(account_id)


async def _in_batch(runtime: Runtime, account_id: int, word: str, lead_id: int) -> str:
    """Change a lead in a batch, and return the id of the batch."""
    batch_id = f"{word}-batch"
    delivery = Delivery(batch_id, None, None, "{}", batch_id=batch_id)
    change = LeadWrite(Action.UPDATE, delivery, lead_id, LeadPatch(title=f"{word} title"))
    await runtime.writer.write(account_id, change)
    return batch_id
