"""Copper's limits and faults: what a client bears, and what it says when it cannot go on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.copper.moving import BASE_URL, a_client, by_copper_id, moved_in
from tests.support.copper.stand_in import (
    EMAIL,
    KEY,
    START,
    Answer,
    StandIn,
    refused,
)
from tests.support.storage.account_store import AccountStore

from onelead.domain.errors import NotPossible
from onelead.move_in.copper_api import Copper, CopperFailed, CopperKey
from onelead.move_in.copper_settings import read_settings
from onelead.move_in.copper_windows import Windows
from onelead.move_in.limits import COPPER_ANSWER_BYTES_MAX, COPPER_TRIES_MAX

END = START + 10_000_000

FAULTS = {
    "500": Answer(500, b"<html>"),
    "502": Answer(502),
    "503": refused(503, "later"),
    "429": refused(429, "Too many requests"),
    "429 that says when": Answer(429, b"{}", {"Retry-After": "7"}),
    "cut": Answer(None),
    "half": Answer(200, b'[{"id": 7'),
    "a proxy's page": Answer(200, b"<html>"),
}


def answering(there: StandIn, *faults: Answer, every: int = 2) -> None:
    """Answer every second request with the faults in turn."""

    def fault(number: int) -> Answer | None:
        return faults[number // every % len(faults)] if number % every == 0 else None

    there.on_request = fault


async def read_ids(there: StandIn, first: int = 0) -> list[int]:
    async with a_client(there.transport(), there.time) as copper:
        windows = Windows(copper, first, END)
        return [lead["id"] async for page in windows.pages() for lead in page.leads]


async def test_a_move_in_survives_every_passing_fault(
    account: AccountStore, there: StandIn
) -> None:
    for number in range(1, 401):
        there.add(number)
    answering(there, *FAULTS.values())
    done = await moved_in(account, there)
    assert done.outcomes == {"created": 400}
    assert len(await by_copper_id(account)) == 400


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_fault_that_stays_ends_the_run_with_a_sentence(
    there: StandIn, fault: Answer
) -> None:
    there.on_request = lambda _number: fault
    async with a_client(there.transport(), there.time) as copper:
        with pytest.raises(CopperFailed) as failed:
            await read_settings(copper)
    assert len(there.requests) == COPPER_TRIES_MAX
    assert "/account" in failed.value.message
    assert "Run the same command again" in failed.value.message
    assert KEY not in failed.value.message


@pytest.mark.parametrize(
    ("status", "text"),
    [(401, "this key"), (403, "leads must be on"), (404, "refuses"), (422, "so")],
)
async def test_a_refusal_ends_it_at_once(there: StandIn, status: int, text: str) -> None:
    there.on_request = lambda _number: refused(status, "not so")
    async with a_client(there.transport(), there.time) as copper:
        with pytest.raises(CopperFailed, match=text):
            await read_settings(copper)
    assert len(there.requests) == 1


async def test_a_wrong_key_is_not_shown(there: StandIn) -> None:
    key = CopperKey(EMAIL, "another-secret")
    async with a_client(there.transport(), there.time, key) as copper:
        with pytest.raises(CopperFailed) as failed:
            await read_settings(copper)
    assert "another-secret" not in str(failed.value)
    assert "401" in str(failed.value)


async def test_it_keeps_to_the_requests_of_a_minute(there: StandIn) -> None:
    async with a_client(there.transport(), there.time) as copper:
        for _ in range(400):
            await copper.get("/account", dict[str, Any])
    assert there.too_many == 0
    assert there.time.running_s >= 1_000 + 2 * 60


async def test_others_who_use_the_key_make_it_wait(there: StandIn) -> None:
    """The limit belongs to the key, so a client that counts only its own runs into it."""
    others = 100
    for _ in range(others):
        there.answer("GET", "/account", {}, b"")
    async with a_client(there.transport(), there.time) as copper:
        for _ in range(150):
            await copper.get("/account", dict[str, Any])
    assert there.too_many > 0


@pytest.mark.parametrize(
    "content",
    [
        b"{}",
        b"[1, 2]",
        b'[{"id": "7", "date_modified": 1}]',
        b'[{"id": 0, "date_modified": 1}]',
        b'[{"id": 7, "date_modified": null}]',
        b"[" * 5_000 + b"]" * 5_000,
    ],
)
async def test_an_answer_that_is_no_list_of_leads_is_refused(
    there: StandIn, content: bytes
) -> None:
    there.on_request = lambda _number: Answer(200, content)
    with pytest.raises(CopperFailed):
        await read_ids(there)


async def test_an_answer_is_bounded(there: StandIn) -> None:
    there.on_request = lambda _number: Answer(200, b" " * (COPPER_ANSWER_BYTES_MAX + 1))
    with pytest.raises(CopperFailed, match="larger than"):
        await read_ids(there)


async def test_a_redirect_is_not_followed(there: StandIn) -> None:
    elsewhere = {"Location": "https://elsewhere.example/"}
    there.on_request = lambda _number: Answer(302, b"", elsewhere)
    with pytest.raises(CopperFailed, match="302"):
        await read_ids(there)
    assert len(there.requests) == 1


async def test_texts_that_no_database_keeps_come_in_without_that(
    account: AccountStore, there: StandIn
) -> None:
    there.add(1, title="Buyer\0", details="\ud800 half")
    await moved_in(account, there)
    (lead,) = await account.leads()
    assert (lead.title, lead.details) == ("Buyer", "\ufffd half")


@pytest.mark.parametrize("url", ["http://copper.example", "ftp://127.0.0.1", "copper", ""])
def test_the_key_goes_only_where_nobody_listens(url: str) -> None:
    with pytest.raises(NotPossible):
        Copper(CopperKey(EMAIL, KEY), url)


def test_a_key_that_no_header_takes_is_refused() -> None:
    with pytest.raises(NotPossible):
        Copper(CopperKey(EMAIL, "schlüssel-🗝"), BASE_URL)


async def test_a_window_with_too_many_leads_is_halved(there: StandIn) -> None:
    """The search of this account reaches fewer leads than it has."""
    for number in range(1, 9_001):
        there.add(number)
    there.reach = 4_000
    ids = await read_ids(there)
    assert sorted(ids) == sorted(there.leads)
    assert len(ids) == len(set(ids))
    assert len(there.requests) < 90


async def test_leads_of_one_second_beyond_the_reach_are_counted(there: StandIn) -> None:
    for number in range(1, 5_001):
        there.add(number, date_modified=START)
    there.reach = 4_400
    async with a_client(there.transport(), there.time) as copper:
        windows = Windows(copper, 0, END)
        ids = {lead["id"] async for page in windows.pages() for lead in page.leads}
    assert (len(ids), windows.unseen) == (4_400, 600)


async def test_short_pages_and_a_total_that_is_too_high(there: StandIn) -> None:
    for number in range(1, 1_001):
        there.add(number)
    there.ghosts = set(list(there.leads)[150:420])
    ids = await read_ids(there)
    assert sorted(ids) == sorted(there.leads.keys() - there.ghosts)


async def test_pages_that_shift_while_they_are_read(there: StandIn) -> None:
    """Each request finds a lead of the first page changed since the one before."""
    for number in range(1, 1_001):
        there.add(number)
    changed = iter(range(1, 8))

    def change(_number: int) -> None:
        if (number := next(changed, None)) is not None:
            there.add(number, title="changed", date_modified=START + 500_000 + number)

    there.on_request = change
    read: dict[int, dict[str, Any]] = {}
    async with a_client(there.transport(), there.time) as copper:
        async for page in Windows(copper, 0, END).pages():
            read |= {lead["id"]: lead for lead in page.leads}
    assert read == there.leads


async def test_where_a_run_goes_on_is_never_beyond_what_was_read(there: StandIn) -> None:
    """Even where Copper does not sort as it was asked to."""
    for number in range(1, 801):
        there.add(number, date_modified=START + 1_000 * (number * 7 % 800))
    whole = there.answer

    def shuffled(method: str, path: str, headers: Any, body: bytes) -> Answer:
        answer = whole(method, path, headers, body)
        leads = json.loads(answer.content)
        if len(leads) > 100 and there.requests[-1][1]["page_number"] == 2:
            leads[0], leads[99] = leads[99], leads[0]
        return Answer(answer.status, json.dumps(leads).encode(), answer.headers)

    there.answer = shuffled  # type: ignore[method-assign]
    before: set[int] = set()
    async with a_client(there.transport(), there.time) as copper:
        async for page in Windows(copper, 0, END).pages():
            done = {
                lead["id"] for lead in there.leads.values() if lead["date_modified"] < page.since
            }
            assert done <= before
            before |= {lead["id"] for lead in page.leads}
    assert before == there.leads.keys()


async def test_while_leads_change_a_run_would_go_on_from_the_start_of_the_window(
    there: StandIn,
) -> None:
    """A lead that a shift has hidden is read in the next pass; until then nothing says more."""
    for number in range(1, 1_001):
        there.add(number)

    def change(number: int) -> None:
        if number == 3:
            there.leads.pop(71_000_001)

    there.on_request = change
    async with a_client(there.transport(), there.time) as copper:
        pages = [page async for page in Windows(copper, 1_000, END).pages()]
    assert [page.since for page in pages[:5]] == [1_000, START + 20_000, 1_000, 1_000, 1_000]
    # The first lead of the third page moved to the second, which had been read.
    (hidden,) = pages[5].leads
    assert hidden["date_modified"] == START + 100 * 401
    assert pages[5].since <= hidden["date_modified"]
    assert len(pages) == 6


async def test_of_what_changes_now_a_run_remembers_only_the_beginning(there: StandIn) -> None:
    for number in range(1, 451):
        there.add(number)
    now = START + 100 * 400
    async with a_client(there.transport(), there.time) as copper:
        pages = [page async for page in Windows(copper, 0, now).pages()]
    assert [page.since for page in pages][-1] == now - 3_600
    assert sum(len(page.leads) for page in pages) == 450
