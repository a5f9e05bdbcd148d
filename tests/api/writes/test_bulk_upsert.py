"""PUT /leads/bulk_upsert: lines in, a receipt for each line out."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from tests.support.api.service import Service

from onelead.domain.limits import (
    API_KEY_CACHE_S,
    BULK_ARRAY_LINES_MAX,
    BULK_LINE_BYTES_MAX,
    BULK_STREAMS_OF_ACCOUNT_MAX,
)

LINES = {"Content-Type": "application/x-ndjson"}


def line(number: int, **members: Any) -> dict[str, Any]:
    """Return the line of a person."""
    email = f"n{number}@field.example"
    return {
        "properties": {"name": f"Nora Field {number}", "email": {"email": email}},
        "match": {"field_name": "email", "field_value": email},
    } | members


def as_lines(*lines: Any) -> bytes:
    """Return JSON Lines; a text is a line as it is."""
    return b"".join(
        (one if isinstance(one, bytes) else json.dumps(one).encode()) + b"\n" for one in lines
    )


async def sent(service: Service, content: Any, **headers: str) -> httpx.Response:
    """Send a body of lines."""
    response = await service.client.put(
        "/leads/bulk_upsert", content=content, headers=LINES | headers
    )
    assert response.status_code == 200, response.text
    return response


def receipts(response: httpx.Response) -> list[dict[str, Any]]:
    """Return the receipts of an answer."""
    assert response.headers["Content-Type"] == "application/x-ndjson"
    return [json.loads(one) for one in response.text.splitlines()]


async def test_each_line_has_its_receipt_in_order(service: Service) -> None:
    body = as_lines(line(1), line(2), line(1, properties={"title": "Buyer"}), line(2))
    response = await sent(service, body)
    found = receipts(response)
    assert [(one["line"], one["outcome"], one["version"], one["matches"]) for one in found] == [
        (1, "created", 1, 0),
        (2, "created", 1, 0),
        (3, "updated", 2, 1),
        (4, "unchanged", 1, 1),
    ]
    assert found[2]["changed"] == ["title"]
    assert found[2]["id"] == found[0]["id"]
    assert [one["ledger_row"] for one in found] == [1, 2, 3, 4]


#: Lines of every outcome, in an order that matters.
MIXED = [
    line(1),
    line(2, properties={"name": "Nora Field 2", "tags": ["fair"]}),
    {"properties": {"name": "Nora Field 1"}, "match": {"field_name": "name", "field_value": "x"}},
    line(1, match={"field_name": "name", "field_value": "Nora Field 1"}),
    line(2, if_empty=["title"], properties={"title": "Buyer"}),
    line(2, if_empty=["title"], properties={"title": "Seller"}),
    line(3, match={"field_name": "name", "field_value": "Nora Field 1"}, on_ambiguous="oldest"),
    {"properties": {}, "match": {}},
    {"match": line(4)["match"], "properties": {"email": None}, "unknown": 1},
    line(1),
]


async def test_lines_end_as_the_same_calls_do(service: Service) -> None:
    other = await service.other_account()
    single = [await other.put("/leads/upsert", json=one) for one in MIXED]
    found = receipts(await sent(service, as_lines(*MIXED)))
    assert [one["outcome"] for one in found] == [one.headers["Lead-Outcome"] for one in single]
    assert {one["outcome"] for one in found} == {"created", "updated", "unchanged", "refused"}
    for one, answer in zip(found, single, strict=True):
        if answer.status_code == 200:
            assert f'"{one["version"]}"' == answer.headers["ETag"]
            assert ", ".join(one["changed"]) == answer.headers["Lead-Changed"]
            mine = (await service.client.get(f"/leads/{one['id']}")).json()
            theirs = (await other.get(f"/leads/{answer.json()['id']}")).json()
            assert mine["name"] == theirs["name"]
            assert mine["title"] == theirs["title"]
        else:
            assert one["message"] == answer.json()["message"]
    assert found[5]["kept"] == {"title": "if_empty"}


async def test_a_refused_line_names_the_leads_that_matched(service: Service) -> None:
    ids = [(await service.lead())["id"] for _ in range(2)]
    match = {"field_name": "name", "field_value": "Nora Field"}
    (found,) = receipts(await sent(service, as_lines({"properties": {}, "match": match})))
    assert (found["outcome"], found["ids"], found["matches"]) == ("refused", ids, 2)


@pytest.mark.parametrize("name", ["key", "Idempotency-Key"])
async def test_lines_with_keys_are_done_once(service: Service, name: str) -> None:
    body = as_lines(*(line(number, **{name: f"row {number}"}) for number in (1, 2)))
    first = receipts(await sent(service, body))
    again = receipts(await sent(service, body + as_lines(line(3))))
    assert again[:2] == [one | {"replayed": True} for one in first]
    assert again[2]["outcome"] == "created"
    changed = receipts(await sent(service, as_lines(line(9, **{name: "row 1"}))))
    assert changed[0]["outcome"] == "refused"
    row = (await service.client.get(f"/ledger/{first[0]['ledger_row']}")).json()
    # So it can be applied from the ledger.
    assert name not in row["payload"]


async def test_the_key_of_the_call_counts_with_the_number_of_the_line(service: Service) -> None:
    creation = {"properties": {"name": "Nora Field"}, "match": line(1)["match"]}
    body = as_lines(creation, creation)
    first = receipts(await sent(service, body, **{"Idempotency-Key": "fair"}))
    assert [one["outcome"] for one in first] == ["created", "unchanged"]
    again = receipts(await sent(service, body, **{"Idempotency-Key": "fair"}))
    assert again == [one | {"replayed": True} for one in first]


@pytest.mark.parametrize("key", ["", 5, None, "x" * 256, ["a"]])
async def test_a_key_that_is_none_refuses_its_line(service: Service, key: object) -> None:
    found = receipts(await sent(service, as_lines(line(1, key=key), line(2))))
    assert [one["outcome"] for one in found] == ["refused", "created"]
    assert "key" in found[0]["message"].lower()


async def test_a_line_has_one_key(service: Service) -> None:
    members = {"key": "a", "Idempotency-Key": "a"}
    (found,) = receipts(await sent(service, as_lines(line(1, **members))))
    assert "twice" in found["message"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"not JSON", "Invalid input: the line is not readable JSON"),
        (b"[1]", "Invalid input: the line must be a JSON object"),
        (b'{"a":1,"a":2}', "Invalid input: the line has the same key twice in one object"),
        (b'{"a":"\\u0000"}', "Invalid input: the line has a NUL character"),
        (b'{"a":"\\ud800"}', "Invalid input: the line has half of a surrogate pair"),
        (b"\xff\xfe{", "Invalid input: the line is not readable JSON"),
        (b"[" * 100_000, "Invalid input: the line is nested deeper than 32 levels"),
        (b'{"a":"' + b"x" * BULK_LINE_BYTES_MAX + b'"}', "The line is larger than 1048576 bytes"),
    ],
)
async def test_a_line_that_cannot_be_read_is_refused_alone_and_recorded(
    service: Service, text: bytes, message: str
) -> None:
    found = receipts(await sent(service, as_lines(line(1), text, line(2))))
    assert [(one["line"], one["outcome"]) for one in found] == [
        (1, "created"),
        (2, "refused"),
        (3, "created"),
    ]
    assert found[1]["message"].startswith(message)
    row = (await service.client.get(f"/ledger/{found[1]['ledger_row']}")).json()
    assert row["outcome"] == "refused"
    assert row["unread_bytes"] == len(text)
    assert len(json.dumps(row)) < 10_000


async def test_a_line_of_ten_megabytes_is_left_out_as_it_arrives(service: Service) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield as_lines(line(1)) + b'{"properties":"'
        for _ in range(160):
            yield b"x" * 65_536
        yield b'"}\n' + as_lines(line(2))

    found = receipts(await sent(service, pieces()))
    assert [one["outcome"] for one in found] == ["created", "refused", "created"]
    row = (await service.client.get(f"/ledger/{found[1]['ledger_row']}")).json()
    assert row["unread_bytes"] > 10_000_000


async def test_lines_are_numbered_as_in_the_file(service: Service) -> None:
    one = json.dumps(line(1)).encode()
    body = b"\xef\xbb\xbf" + one + b"\r\n\r\n  \n" + one + b"\r\n\n" + one
    found = receipts(await sent(service, body))
    assert [(one["line"], one["outcome"]) for one in found] == [
        (1, "created"),
        (4, "unchanged"),
        (6, "unchanged"),
    ]


async def test_any_cut_of_the_body_gives_the_same_lines(service: Service) -> None:
    body = as_lines(*(line(number) for number in range(8)))
    for size in (1, 7, 100):

        async def pieces(size: int = size) -> AsyncIterator[bytes]:
            for at in range(0, len(body), size):
                yield body[at : at + size]

        found = receipts(await sent(service, pieces()))
        assert [one["line"] for one in found] == list(range(1, 9))
        assert all(one["outcome"] != "refused" for one in found)


async def test_no_lines_are_no_batch(service: Service) -> None:
    response = await sent(service, b"\n\n")
    assert response.text == ""
    assert "Lead-Batch" not in response.headers


async def test_compressed_lines_are_read_as_they_arrive(service: Service) -> None:
    halves = [as_lines(*(line(number) for number in some)) for some in (range(99), range(99, 150))]
    body = b"".join(map(gzip.compress, halves))
    found = receipts(await sent(service, body, **{"Content-Encoding": "gzip"}))
    assert [one["line"] for one in found] == list(range(1, 151))


async def test_gzip_that_breaks_ends_the_answer_at_its_line(service: Service) -> None:
    whole = gzip.compress(as_lines(*(line(number) for number in range(500))), mtime=0)

    async def pieces() -> AsyncIterator[bytes]:
        yield whole[: len(whole) // 2]
        yield b"\0" * 1_000

    found = receipts(await sent(service, pieces(), **{"Content-Encoding": "gzip"}))
    *done, last = found
    assert done
    assert {one["outcome"] for one in done} == {"created"}
    assert (last["line"], last["outcome"]) == (len(done) + 1, "not_written")
    assert "gzip" in last["message"]


@pytest.mark.parametrize(
    ("encoding", "status"), [("gzip", 400), ("br", 415), ("gzip, gzip, gzip", 415)]
)
async def test_what_fails_before_the_first_line_has_a_status_and_a_ledger_row(
    service: Service, encoding: str, status: int
) -> None:
    headers = LINES | {"Content-Encoding": encoding}
    response = await service.client.put("/leads/bulk_upsert", content=b"no gzip", headers=headers)
    assert response.status_code == status
    row = (await service.client.get(f"/ledger/{response.headers['Ledger-Row']}")).json()
    assert (row["outcome"], row["unread_bytes"]) == ("refused", 7 if status == 400 else 0)


@pytest.mark.parametrize("wrapped", [True, False])
async def test_an_array_is_answered_as_an_array(service: Service, *, wrapped: bool) -> None:
    items: list[Any] = [line(1, key="a"), 7, line(1), {"properties": {"name": "a\0"}, "match": {}}]
    response = await service.client.put(
        "/leads/bulk_upsert", json={"leads": items} if wrapped else items
    )
    found = response.json()
    assert [(one["line"], one["outcome"]) for one in found] == [
        (1, "created"),
        (2, "refused"),
        (3, "unchanged"),
        (4, "refused"),
    ]
    assert response.headers["Lead-Batch"] == response.headers["X-Request-Id"]


async def test_an_array_has_a_thousand_lines_at_most(service: Service) -> None:
    too_many: list[Any] = [{}] * (BULK_ARRAY_LINES_MAX + 1)
    response = await service.client.put("/leads/bulk_upsert", json=too_many)
    assert (response.status_code, response.headers["Ledger-Row"]) == (422, "1")
    response = await service.client.put("/leads/bulk_upsert", json=[{}] * BULK_ARRAY_LINES_MAX)
    assert len(response.json()) == BULK_ARRAY_LINES_MAX
    assert (await service.client.put("/leads/bulk_upsert", json=[])).json() == []


@pytest.mark.parametrize("body", [b'{"leads":7}', b'{"a":[]}', b"7", b"{", b""])
async def test_json_that_is_no_array_is_refused_as_a_whole(service: Service, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    response = await service.client.put("/leads/bulk_upsert", content=body, headers=headers)
    assert response.status_code == 400


async def test_a_dry_run_says_what_would_happen_and_writes_nothing(service: Service) -> None:
    lines = [line(1), line(1, properties={"title": "Buyer"}), b"no JSON", *map(line, range(2, 300))]
    response = await service.client.put(
        "/leads/bulk_upsert?dry_run=true", content=as_lines(*lines, line(299)), headers=LINES
    )
    found = receipts(response)
    outcomes = [one["outcome"] for one in found]
    assert outcomes == ["created", "updated", "refused", *["created"] * 298, "unchanged"]
    assert response.headers["Lead-Dry-Run"] == "true"
    assert "Lead-Batch" not in response.headers
    assert not any("ledger_row" in one for one in found)
    assert (await service.client.get("/ledger")).json() == []
    wrong = await service.client.put("/leads/bulk_upsert?dry_run=maybe", content=as_lines(line(1)))
    assert wrong.status_code == 422


async def test_all_lines_are_one_batch_that_can_be_undone(service: Service) -> None:
    response = await sent(service, as_lines(line(1), b"no JSON", line(2)))
    batch_id = response.headers["Lead-Batch"]
    batch = (await service.client.get(f"/batches/{batch_id}")).json()
    assert batch["outcomes"] == {"created": 2, "refused": 1}
    undo = await service.client.post(f"/batches/{batch_id}/undo", json={})
    assert undo.status_code == 202


async def test_it_needs_a_key_for_delivering(service: Service) -> None:
    headers = {"X-PW-AccessToken": "wrong"} | LINES
    response = await service.client.put(
        "/leads/bulk_upsert", content=as_lines(line(1)), headers=headers
    )
    assert response.status_code == 401


async def test_a_process_serves_a_few_streams_at_a_time(service: Service) -> None:
    turns = service.runtime.bulk_streams
    with ExitStack() as places:
        for _ in range(BULK_STREAMS_OF_ACCOUNT_MAX):
            places.enter_context(turns.taken(service.account.account_id))
        # Others have places left.
        places.enter_context(turns.taken(7))
        response = await service.client.put(
            "/leads/bulk_upsert", content=as_lines(line(1)), headers=LINES
        )
        assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
    for _ in range(2 * BULK_STREAMS_OF_ACCOUNT_MAX):
        # Each call gives its place back.
        await sent(service, as_lines(line(1)))


async def test_a_stop_ends_the_answer_after_what_was_accepted(service: Service) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield as_lines(line(1), line(2))
        service.runtime.stop_waiting()
        yield as_lines(line(3))
        await asyncio.sleep(0)

    *done, last = receipts(await sent(service, pieces()))
    assert [one["outcome"] for one in done] == ["created", "created"]
    assert (last["line"], last["outcome"]) == (3, "not_written")
    assert "stopping" in last["message"]
    response = await service.client.put("/leads/bulk_upsert", content=b"{}\n", headers=LINES)
    assert response.status_code == 503


async def test_a_key_that_is_revoked_ends_the_answer(service: Service) -> None:
    (key,) = await service.store.api_keys(service.account.account_id)

    async def pieces() -> AsyncIterator[bytes]:
        yield as_lines(line(1))
        await service.store.revoke_api_key(service.account.account_id, key.id)
        service.clock.advance(API_KEY_CACHE_S)
        yield as_lines(line(2))

    *done, last = receipts(await sent(service, pieces()))
    assert [one["outcome"] for one in done] == ["created"]
    assert (last["line"], last["outcome"], last["message"]) == (2, "not_written", "Unauthorized")
