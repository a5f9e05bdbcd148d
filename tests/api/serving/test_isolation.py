"""Two accounts in one database never see each other, even when one sends ids of the other.

Each endpoint gets the same requests twice: beside an account that has something of everything, and
beside one that has nothing. Answers that are the same to the last byte tell nothing about the other
account, not even that an id exists. An endpoint without requests here fails the test.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from tests.support.api.answers import UNAUTHORISED, assert_body
from tests.support.api.two_accounts import (
    SHARED_EMAIL,
    SHARED_NUMBER,
    Content,
    Neighbours,
    fill,
    neighbours,
)
from tests.support.storage.databases import ENGINES, Database

from onelead.api.application import ENDPOINTS
from onelead.api.endpoints import Endpoint


class Ask(NamedTuple):
    """A request to the endpoint under test."""

    body: Any = None
    #: Replaces `{id}` and `{seq}`.
    id: int | str = 0
    query: dict[str, Any] | None = None
    #: Replaces `{value_id}`.
    value_id: int = 0


Asks = Callable[[Content, Content], list[Ask]]
#: Status, text and headers.
Answer = tuple[int, str, dict[str, str]]
WORD = "theirs"


def _number(definition_id: int, value: Any) -> dict[str, Any]:
    return {"custom_field_definition_id": definition_id, "value": value}


def _bodies_with_their_ids(mine: Content, theirs: Content) -> list[dict[str, Any]]:
    """Return properties of a lead, each with a value that only the other account has."""
    return [
        {"assignee_id": theirs.user_id},
        {"status_id": theirs.status_id},
        {"status": f"{WORD} status"},
        {"customer_source_id": theirs.source_id},
        {"custom_fields": [_number(theirs.number_id, "x")]},
        {"custom_fields": [_number(theirs.tier_id, theirs.option_ids[0])]},
        {"custom_fields": [_number(mine.tier_id, theirs.option_ids[0])]},
        {"custom_fields": [_number(mine.tier_id, f"{WORD} gold")]},
    ]


def _leads_by_their_path(_mine: Content, theirs: Content) -> list[Ask]:
    return [Ask(id=lead_id) for lead_id in theirs.lead_ids]


def _updates(mine: Content, theirs: Content) -> list[Ask]:
    return [
        Ask({"title": "Thief"}, id=theirs.lead_ids[0]),
        Ask({}, id=theirs.lead_ids[1]),
        *(Ask(body, id=mine.lead_ids[0]) for body in _bodies_with_their_ids(mine, theirs)),
    ]


def _creates(mine: Content, theirs: Content) -> list[Ask]:
    own = {"name": "New", "email": {"email": SHARED_EMAIL, "category": "work"}}
    return [Ask(own | body) for body in ({}, *_bodies_with_their_ids(mine, theirs))]


def _upserts(mine: Content, theirs: Content) -> list[Ask]:
    matches: list[tuple[str, Any]] = [
        ("email", SHARED_EMAIL),
        ("email", f"bo@{WORD}.example"),
        ("name", f"{WORD} Bo"),
        ("custom", _number(theirs.number_id, f"{WORD}-2")),
        ("custom", _number(theirs.number_id, SHARED_NUMBER)),
        ("custom", _number(mine.number_id, SHARED_NUMBER)),
        ("custom", _number(mine.number_id, f"{WORD}-2")),
        ("custom", _number(theirs.tier_id, theirs.option_ids[0])),
        ("custom", _number(mine.tier_id, theirs.option_ids[0])),
    ]
    bodies = _bodies_with_their_ids(mine, theirs)
    asked = [(match, {"title": "Thief"}) for match in matches]
    asked += [(matches[0], body) for body in bodies]
    steps = [{"field_name": field, "field_value": value} for field, value in matches]
    in_steps = [
        Ask({"properties": {"name": "New"}, "match": steps}),
        Ask({"properties": {"name": "New"}, "match": [steps[1], {"all": [steps[0], steps[2]]}]}),
        Ask({"properties": {"name": "New"}, "match": {"all": [steps[2], steps[5]]}}),
        Ask({"properties": {}, "match": steps[2:4], "on_ambiguous": "oldest"}),
    ]
    plain = [
        Ask(
            {
                "properties": {"name": "New"} | properties,
                "match": {"field_name": field, "field_value": value},
            }
        )
        for (field, value), properties in asked
    ]
    return [*in_steps, *plain]


def _bulk_creates(mine: Content, theirs: Content) -> list[Ask]:
    bodies = _bodies_with_their_ids(mine, theirs)
    return [Ask({"leads": [{"name": "New"}, *({"name": "New"} | body for body in bodies)]})]


def _bulk_updates(mine: Content, theirs: Content) -> list[Ask]:
    bodies = _bodies_with_their_ids(mine, theirs)
    return [
        Ask({"leads": [{"id": lead_id, "title": "Thief"} for lead_id in theirs.lead_ids]}),
        Ask(
            {
                "leads": [
                    {"id": theirs.lead_ids[0], "tags": []},
                    {"id": mine.lead_ids[0], "title": "Owner"},
                ]
            }
        ),
        Ask({"leads": [{"id": mine.lead_ids[1]} | body for body in bodies]}),
    ]


def _searches(mine: Content, theirs: Content) -> list[Ask]:
    criteria: list[dict[str, Any]] = [
        {},
        {"ids": list(theirs.lead_ids)},
        {"ids": [theirs.lead_ids[0], mine.lead_ids[0]]},
        {"name": WORD},
        {"emails": f"bo@{WORD}.example"},
        {"emails": SHARED_EMAIL},
        {"phone_number": "4155550100"},
        {"assignee_ids": [theirs.user_id]},
        {"status_ids": [theirs.status_id]},
        {"status_ids": [theirs.status_id, mine.status_id]},
        {"customer_source_ids": [theirs.source_id]},
        {"tags": [f"{WORD} tag"]},
        {"tags": ["fair"]},
        {"custom_fields": [_number(theirs.number_id, f"{WORD}-2")]},
        {"custom_fields": [_number(theirs.number_id, "") | {"allow_empty": True}]},
        {"custom_fields": [_number(theirs.tier_id, theirs.option_ids[0])]},
        {"custom_fields": [_number(mine.tier_id, theirs.option_ids[0])]},
        {"custom_fields": [_number(mine.number_id, f"{WORD}-2")]},
        {"page_size": 1, "cursor": theirs.cursor},
        {"sort_by": "date_modified", "page_size": 2},
    ]
    in_query = [
        {"ids": str(theirs.lead_ids[0])},
        {"assignee_ids[]": str(theirs.user_id)},
        {"page_size": "1", "cursor": theirs.cursor},
    ]
    return [*(Ask(body) for body in criteria), *(Ask(query=query) for query in in_query)]


def _new_definitions(_mine: Content, theirs: Content) -> list[Ask]:
    body = {"name": f"{WORD} number", "data_type": "String", "available_on": ["lead"]}
    options = [{"id": theirs.option_ids[0], "name": f"{WORD} gold"}, {"name": "Tin"}]
    return [
        Ask(body),
        Ask(body | {"name": f"{WORD} tier", "data_type": "Dropdown", "options": options}),
    ]


def _changed_definitions(mine: Content, theirs: Content) -> list[Ask]:
    options = [{"id": theirs.option_ids[0], "name": "Stolen"}, {"name": "Tin"}]
    return [
        Ask({"name": "Stolen"}, id=theirs.number_id),
        Ask({"is_filterable": False}, id=theirs.number_id),
        Ask({"options": options}, id=theirs.tier_id),
        Ask({"options": options}, id=mine.tier_id),
        Ask({"name": f"{WORD} number"}, id=mine.number_id),
        # The match keys of the leads are removed and made again.
        Ask({"is_filterable": False}, id=mine.number_id),
        Ask({"is_filterable": True}, id=mine.number_id),
    ]


def _merges(mine: Content, theirs: Content) -> list[Ask]:
    return [
        Ask({"lead_ids": [mine.lead_ids[1]]}, id=theirs.lead_ids[0]),
        Ask({"lead_ids": list(theirs.lead_ids[1:])}, id=theirs.lead_ids[0]),
        Ask({"lead_ids": [theirs.lead_ids[0]]}, id=mine.lead_ids[0]),
        Ask(
            {"lead_ids": [mine.lead_ids[1]], "choose": {"title": theirs.lead_ids[0]}},
            id=mine.lead_ids[0],
        ),
    ]


def _rulings(mine: Content, theirs: Content) -> list[Ask]:
    match = {"field_name": "email", "field_value": f"bo@{WORD}.example"}
    number = {"field_name": "custom", "field_value": _number(theirs.number_id, f"{WORD}-2")}
    return [
        Ask({"match": match, "lead_id": theirs.lead_ids[1]}),
        Ask({"match": match, "lead_id": mine.lead_ids[1]}),
        Ask({"match": number, "lead_id": mine.lead_ids[1]}),
    ]


def _pairs(_mine: Content, theirs: Content) -> list[Ask]:
    return [Ask({"lead_ids": list(theirs.lead_ids[:2])})]


def _their_rows(_mine: Content, theirs: Content) -> list[Ask]:
    # Each account counts its rows from 1, so a number is a row of one's own, or none.
    return [Ask(id=theirs.created_seq), Ask(id=theirs.refused_seq)]


def _replays(mine: Content, theirs: Content) -> list[Ask]:
    return [
        Ask({"lead_id": theirs.lead_ids[0]}, id=theirs.refused_seq),
        Ask({"lead_id": mine.lead_ids[0]}, id=theirs.refused_seq),
    ]


#: The requests of one account to each endpoint, with ids and values of the other.
ASKS: dict[str, Asks] = {
    "PUT /leads/upsert": _upserts,
    "PUT /leads/bulk_upsert": lambda mine, theirs: [
        Ask({"leads": [one.body]}) for one in _upserts(mine, theirs)
    ],
    "POST /leads": _creates,
    "POST /leads/search": _searches,
    "POST /leads/bulk_create": _bulk_creates,
    "POST /leads/bulk_update": _bulk_updates,
    "GET /leads/{id}": _leads_by_their_path,
    "PUT /leads/{id}": _updates,
    "DELETE /leads/{id}": _leads_by_their_path,
    "GET /leads/{id}/history": _leads_by_their_path,
    "GET /batches/{id}": lambda _mine, theirs: [Ask(id=theirs.batch_id)],
    "POST /batches/{id}/undo": lambda _mine, theirs: [
        Ask({}, id=theirs.batch_id),
        Ask({"force": True}, id=theirs.batch_id, query={"dry_run": "true"}),
    ],
    "POST /leads/{id}/merge": _merges,
    "POST /rulings": _rulings,
    "GET /rulings": lambda _mine, _theirs: [Ask()],
    "DELETE /rulings/{id}": lambda _mine, theirs: [Ask(id=theirs.ruling_id)],
    "POST /leads/{id}/other_values": lambda _mine, theirs: [
        Ask({"field_name": "name", "field_value": "Thief"}, id=theirs.lead_ids[0])
    ],
    "GET /leads/{id}/other_values": _leads_by_their_path,
    "DELETE /leads/{id}/other_values/{value_id}": lambda _mine, theirs: [
        Ask(id=theirs.lead_ids[0], value_id=theirs.ruling_id)
    ],
    "POST /leads/{id}/pins": lambda mine, theirs: [
        Ask({"pin": ["title"]}, id=theirs.lead_ids[0]),
        Ask({"pin": [f"custom_fields.{theirs.number_id}"]}, id=mine.lead_ids[0]),
    ],
    "POST /distinct": _pairs,
    "GET /distinct": lambda _mine, theirs: [Ask(), Ask(query={"lead_id": theirs.lead_ids[0]})],
    "DELETE /distinct": _pairs,
    "GET /ledger": lambda _mine, theirs: [
        Ask(),
        Ask(query={"after": 0}),
        Ask(query={"lead_id": theirs.lead_ids[0]}),
    ],
    "GET /ledger/{seq}": _their_rows,
    "POST /ledger/{seq}/undo": lambda _mine, theirs: [Ask(id=theirs.created_seq)],
    "POST /ledger/{seq}/replay": _replays,
    "POST /ledger/{seq}/dismiss": lambda _mine, theirs: [Ask(id=theirs.refused_seq)],
    "POST /ledger/{seq}/reopen": lambda _mine, theirs: [Ask(id=theirs.refused_seq)],
    "GET /custom_field_definitions": lambda _mine, _theirs: [Ask()],
    "POST /custom_field_definitions": _new_definitions,
    "GET /custom_field_definitions/{id}": lambda _mine, theirs: [
        Ask(id=theirs.number_id),
        Ask(id=theirs.tier_id),
    ],
    "PUT /custom_field_definitions/{id}": _changed_definitions,
    "DELETE /custom_field_definitions/{id}": lambda _mine, theirs: [
        Ask(id=theirs.number_id),
        Ask(id=theirs.tier_id),
    ],
    "GET /deciding": lambda _mine, _theirs: [Ask()],
    "PUT /deciding": lambda _mine, theirs: [
        Ask({"policies": {f"custom_fields.{theirs.number_id}": "fill"}}),
    ],
    "GET /lead_statuses": lambda _mine, _theirs: [Ask()],
    "POST /lead_statuses": lambda _mine, _theirs: [Ask({"name": f"{WORD} status"})],
    "PUT /lead_statuses/{id}": lambda mine, theirs: [
        Ask({"name": "Stolen"}, id=theirs.status_id),
        Ask({"is_default": True}, id=theirs.status_id),
        Ask({"name": f"{WORD} status"}, id=mine.status_id),
    ],
    "DELETE /lead_statuses/{id}": lambda _mine, theirs: [Ask(id=theirs.status_id)],
    "GET /customer_sources": lambda _mine, _theirs: [Ask()],
    "POST /customer_sources": lambda _mine, _theirs: [Ask({"name": f"{WORD} source"})],
    "PUT /customer_sources/{id}": lambda mine, theirs: [
        Ask({"name": "Stolen"}, id=theirs.source_id),
        Ask({"name": f"{WORD} source"}, id=mine.source_id),
    ],
    "DELETE /customer_sources/{id}": lambda _mine, theirs: [Ask(id=theirs.source_id)],
    "GET /account": lambda _mine, _theirs: [Ask()],
    "GET /users/me": lambda _mine, _theirs: [Ask()],
    "GET /users/{id}": lambda _mine, theirs: [Ask(id=theirs.user_id)],
    "POST /users/search": lambda _mine, _theirs: [Ask({}), Ask({"page_size": 200})],
    "GET /tags": lambda _mine, _theirs: [
        Ask(),
        Ask(query={"sort_by": "count"}),
        Ask(query={"tag_names_only": "true"}),
        Ask(query={"tag_names_only": "true", "last_tag_value": "fair"}),
    ],
    "POST /erasures": lambda mine, theirs: [
        *(Ask({"lead_id": id_, "confirm": True}) for id_ in theirs.lead_ids),
        Ask({"lead_id": theirs.lead_ids[0]}, query={"dry_run": "true"}),
        Ask({"email": f"bo@{WORD}.example", "confirm": True}),
        Ask({"email": SHARED_EMAIL}, query={"dry_run": "true"}),
        Ask({"lead_id": mine.lead_ids[1], "confirm": True}),
    ],
    "GET /erasures": lambda _mine, _theirs: [Ask()],
    "GET /erasures/{id}": lambda _mine, theirs: [Ask(id=theirs.erasure_id)],
    "GET /contact_types": lambda _mine, _theirs: [Ask()],
    "GET /loss_reasons": lambda _mine, _theirs: [Ask()],
    "GET /pipelines": lambda _mine, _theirs: [Ask()],
    "GET /pipeline_stages": lambda _mine, _theirs: [Ask()],
}
#: These give everyone the same answer: they have nothing to show but a number of one's own.
SAME_FOR_ALL = {
    "GET /deciding",
    *("POST /ledger/{seq}/dismiss", "POST /ledger/{seq}/reopen"),
    *("GET /contact_types", "GET /loss_reasons", "GET /pipelines", "GET /pipeline_stages"),
}


def _name(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


@pytest.fixture(params=list(ENGINES))
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine in turn, unless a test names one."""
    return str(request.param)


@pytest.fixture
def new_database(engine: str, tmp_path: Path) -> Iterator[Callable[[], Database]]:
    """Return the function that creates a fresh database."""
    made: list[Database] = []

    def make() -> Database:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(ENGINES[engine](folder))
        return made[-1]

    yield make
    for database in made:
        database.close()


@dataclass
class Sides:
    """An account beside one that has something of everything, and the same beside an empty one."""

    there: Neighbours
    nowhere: Neighbours
    mine: Content
    theirs: Content

    async def ask(self, endpoint: Endpoint) -> list[tuple[Ask, Answer]]:
        """Send both sides the same requests, compare, and check the other account."""
        before = self.there.other_rows()
        answered = []
        for ask in ASKS[_name(endpoint)](self.mine, self.theirs):
            answer = await send(self.there.mine, endpoint, ask)
            assert answer == await send(self.nowhere.mine, endpoint, ask), (_name(endpoint), ask)
            assert answer[0] < 500
            answered.append((ask, answer))
        assert self.there.other_rows() == before, _name(endpoint)
        return answered


@pytest.fixture
async def sides(new_database: Callable[[], Database]) -> AsyncIterator[Sides]:
    """Two services, each with the account that asks and the other one."""
    async with (
        neighbours(new_database()) as there,
        neighbours(new_database()) as nowhere,
    ):
        theirs = await fill(there.theirs, there.runtime, there.their_account.account_id, WORD)
        before = there.other_rows()
        mine, the_same = [
            await fill(side.mine, side.runtime, side.my_account.account_id, "mine")
            for side in (there, nowhere)
        ]
        # Both sides need the same ids for the same answers.
        assert mine == the_same
        assert there.other_rows() == before
        yield Sides(there, nowhere, mine, theirs)


async def send(client: httpx.AsyncClient, endpoint: Endpoint, ask: Ask) -> Answer:
    """Return the parts of an answer that depend on the request."""
    path = endpoint.path.format(id=ask.id, seq=ask.id, value_id=ask.value_id)
    response = await client.request(endpoint.method, path, json=ask.body, params=ask.query)
    # The id of a batch is that of its request, and numbers of rows say nothing about their length.
    # A request gets the next number, whichever account it is of.
    text = re.sub(r'"request-\d+"', '"request"', response.text)
    passing = ("x-request-id", "content-length", "lead-batch", "ledger-row")
    headers = {name: value for name, value in response.headers.items() if name not in passing}
    return response.status_code, text, headers


def test_every_endpoint_has_requests_for_what_belongs_to_the_other_account() -> None:
    assert ASKS.keys() == {_name(endpoint) for endpoint in ENDPOINTS}


#: They change nothing, so one pair of accounts is enough for all of them.
READS = [endpoint for endpoint in ENDPOINTS if endpoint.method == "GET"]


@pytest.mark.unmeasured
@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize(
    "endpoints",
    [READS, *([endpoint] for endpoint in ENDPOINTS if endpoint not in READS)],
    ids=lambda endpoints: "reads" if endpoints is READS else _name(endpoints[0]),
)
async def test_an_account_is_answered_as_if_the_other_one_had_nothing(
    sides: Sides, endpoints: list[Endpoint]
) -> None:
    for endpoint in endpoints:
        for ask, answer in await sides.ask(endpoint):
            # The owner gets another answer, so the requests do name what exists.
            by_owner = await send(sides.there.theirs, endpoint, ask)
            assert (by_owner == answer) is (_name(endpoint) in SAME_FOR_ALL), (_name(endpoint), ask)


@pytest.mark.unmeasured
async def test_the_same_is_true_of_all_requests_one_after_another(sides: Sides) -> None:
    # The second round comes after all changes of the first.
    for endpoint in (*ENDPOINTS, *ENDPOINTS):
        await sides.ask(endpoint)


async def test_the_key_of_one_account_with_a_user_of_the_other_opens_nothing(
    new_database: Callable[[], Database],
) -> None:
    async with neighbours(new_database()) as side:
        accounts = (side.my_account, side.their_account)
        for endpoint in ENDPOINTS:
            path = endpoint.path.format(id=1, seq=1, value_id=1)
            for key, user in (accounts, accounts[::-1]):
                headers = {"X-PW-AccessToken": key.api_key, "X-PW-UserEmail": user.email}
                response = await side.mine.request(endpoint.method, path, headers=headers)
                assert_body(response, 401, UNAUTHORISED)
