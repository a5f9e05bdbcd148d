"""Several processes on one database: their ledger is a serial order that explains everything."""

from __future__ import annotations

from itertools import pairwise

import pytest
from tests.concurrency.driver import Answer
from tests.concurrency.processes import Job, run_jobs
from tests.support.domain.lead_writes import create
from tests.support.storage.account_store import AccountStore

from onelead.domain.limits import INDEX_CHUNK_LEADS


async def assert_explained(account: AccountStore, answers: list[Answer], what: str) -> None:
    """Replay the ledger, and find every acknowledged write in it."""
    assert await account.unexplained() == [], what
    rows = {
        row[0]: Answer(*row)
        for row in account.ledger("request_id, seq, outcome, resource_id, version")
    }
    assert _returns(rows) > 0, f"{what}: the writes of the processes were not mixed"
    for answer in answers:
        row = rows[answer.request_id]
        assert (row.seq, row.outcome) == (answer.seq, answer.outcome), f"{what}: {answer}"
        if answer.lead_id is not None:
            assert (row.lead_id, row.version) == (answer.lead_id, answer.version), what
    assert len({answer.request_id for answer in answers}) == len(answers), what


def _returns(rows: dict[str, Answer]) -> int:
    """Count how often a process wrote again after another one; a request id ends with its process.

    On a busy machine they hardly take turns, and would each write once even without any.
    """
    in_order = sorted(rows.values(), key=lambda row: row.seq)
    processes = [row.request_id.rpartition("-")[2] for row in in_order]
    turns = sum(one != other for one, other in pairwise(processes))
    return turns - (len(set(processes)) - 1)


async def with_definitions(account: AccountStore) -> None:
    await account.field(name="Customer number")
    options = [{"name": f"Interest {number}"} for number in range(12)]
    await account.field(name="Interests", data_type="MultiSelect", options=options)


@pytest.mark.parametrize("seed", [100])
async def test_the_same_people_from_four_processes_have_one_history(
    account: AccountStore, seed: int
) -> None:
    await with_definitions(account)
    jobs = [Job("people", seed + 10 * number, 300) for number in range(4)]
    answers = await run_jobs(account.database.address, account.account_id, jobs)
    await assert_explained(account, answers, f"seed {seed}")


@pytest.mark.parametrize("seed", [300])
async def test_processes_that_are_killed_lose_nothing_that_they_answered(
    account: AccountStore, seed: int
) -> None:
    await with_definitions(account)
    jobs = [
        Job("people", seed, 300, kills_after=(40, 120)),
        Job("people", seed + 10, 300, kills_after=(90,)),
        Job("people", seed + 20, 300),
    ]
    answers = await run_jobs(account.database.address, account.account_id, jobs)
    await assert_explained(account, answers, f"seed {seed}")


@pytest.mark.parametrize("seed", [500])
async def test_switches_in_the_middle_are_obeyed_by_every_process(
    account: AccountStore, seed: int
) -> None:
    """There are so many leads that an index takes several steps."""
    await with_definitions(account)
    field = (await account.settings()).fields[0]
    leads = 2 * INDEX_CHUNK_LEADS + 100
    await account.write(
        *(create(name=f"Pat Lake{n}", custom_fields={field.id: f"P-{n}"}) for n in range(leads))
    )
    jobs = [
        Job("people", seed, 300),
        Job("people", seed + 10, 300, kills_after=(100,)),
        Job("switch", seed + 20, 25),
        Job("switch", seed + 30, 25),
    ]
    answers = await run_jobs(account.database.address, account.account_id, jobs)
    await assert_explained(account, answers, f"seed {seed}")
    messages = {message for (message,) in account.ledger("message") if message}
    assert any("is still being indexed" in message for message in messages)
    assert any("is not included in filters" in message for message in messages)


async def test_leads_that_would_match_each_other_through_different_fields_are_created_once(
    account: AccountStore,
) -> None:
    """By e-mail with the name, and by name with the e-mail: the first one creates.

    On a busy machine one kind may be first with everyone, which tries nothing: then again, with
    more people.
    """
    for people in (150, 300, 450, 600, 750):
        jobs = [
            Job("by_email", 1, people),
            Job("by_name", 2, people),
            Job("by_email", 3, people),
            Job("by_name", 4, people),
        ]
        answers = await run_jobs(account.database.address, account.account_id, jobs)
        await assert_explained(account, answers, f"{people} people")
        names = sorted(lead.name for lead in await account.leads())
        assert names == sorted(f"Nora Field {n}" for n in range(people))
        if _fields_that_created(account) == {"name", "email"}:
            return
    raise AssertionError("only one kind of delivery was ever first")


def _fields_that_created(account: AccountStore) -> set[str]:
    matches = [row for (row,) in account.ledger("match") if '"matches":0' in row]
    return {field for field in ("name", "email") if any(field in match for match in matches)}
