"""Starts driver processes together, kills them midway and collects what they answered."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass
from pathlib import Path

import msgspec
from tests.concurrency.driver import Answer

ROOT = Path(__file__).parent.parent.parent
RUN_TIMEOUT_S = 180


@dataclass
class Job:
    """What one process does; killed after some answers, it starts again with another seed."""

    name: str
    seed: int
    count: int
    kills_after: tuple[int, ...] = ()


async def run_jobs(address: str, account_id: int, jobs: list[Job]) -> list[Answer]:
    """Run the jobs at the same time, and return every answer that a process got."""
    barrier = asyncio.Barrier(len(jobs))
    runs = (_run(address, account_id, job, barrier) for job in jobs)
    async with asyncio.timeout(RUN_TIMEOUT_S):
        return [answer for answers in await asyncio.gather(*runs) for answer in answers]


async def _run(address: str, account_id: int, job: Job, barrier: asyncio.Barrier) -> list[Answer]:
    answers: list[Answer] = []
    for number, kill_after in enumerate([*job.kills_after, None]):
        process = await _start(address, account_id, job, job.seed + number)
        if number == 0:
            await barrier.wait()
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.close()
        answers += await _answers(process, kill_after)
        assert await process.wait() == (0 if kill_after is None else -9)
    return answers


async def _start(address: str, account_id: int, job: Job, seed: int) -> Process:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.concurrency.driver"),
        *(address, str(account_id), job.name, str(seed), str(job.count)),
        cwd=ROOT,
        stdin=PIPE,
        stdout=PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n", "the driver did not start"
    return process


async def _answers(process: Process, kill_after: int | None) -> list[Answer]:
    """Read all answers; what a killed process printed can still be read."""
    assert process.stdout is not None
    answers = []
    async for line in process.stdout:
        answers.append(msgspec.json.decode(line, type=Answer))
        if len(answers) == kill_after:
            process.kill()
    return answers
